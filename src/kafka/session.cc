#include "kafka/session.h"

#include "io/logger.h"

namespace naru::kafka {

// ApiVersions of a version that naru does not know is answered in the form of version 0 (KIP-511).
Reply api_versions_unsupported(const RequestHeader& to);

namespace {

constexpr io::Millis note_pause_ms = 10'000;  // between two log lines about frames
constexpr size_t pipeline_max = 128;          // Produce requests under way on one connection
constexpr uint64_t queued_bytes_max = 16 * KiB, held_from_bytes = 4 * KiB;
constexpr size_t uncounted_bytes = 64 * KiB;  // of a request that waits
constexpr io::Millis idle_ms = 600'000;       // Kafka's connections.max.idle.ms
constexpr io::Millis stall_ms = 2'000;        // may memory be held that others wait for and that does nothing
constexpr io::Millis last_words_ms = 1'000;   // has a peer to take what was answered before the end

}  // namespace

Session::Session(Door& door, std::unique_ptr<io::Stream> stream, uint64_t id)
    : door_(door), core_(door.core), stream_(std::move(stream)), watchdog_(core_.loop, [this] { watch(); }) {
  std::string remote = stream_->peer();
  peer_.id = id;
  peer_.host = "/" + remote.substr(0, remote.rfind(':'));
  peer_.advertised_host = door.advertised.host.empty() ? stream_->local_host() : door.advertised.host;
  peer_.advertised_port = door.advertised.port;
  ++core_.counters.connections;
  last_bytes_ = core_.loop.now();
  watchdog_.arm(last_bytes_ + idle_ms);
  stream_->on_end([this] { lose_peer(); });
}

/// Nobody will read the answer: what waits for something stops waiting.
void Session::lose_peer() {
  peer_.gone = true;
  if (auto waiting = peer_.waiting.lock()) core_.loop.post([waiting] { waiting->wake(); });
  if (!waiting_for_group_) return;
  for (auto& core : core_.broker.cores)
    core->loop.send([there = core.get(), caller = peer_.id] { there->groups.drop(caller); });
}

Session::~Session() {
  --core_.counters.connections;
  door_.buffers.give(std::move(buffer_));
}

void Session::stop() {
  if (!busy_ && answers_.empty()) stream_->close();
}

void Session::watch() {
  bool idle = core_.loop.now() - last_bytes_ >= idle_ms && !busy_;
  if (is_hogging() || idle || ending_) {
    lose_peer();
    return stream_->close();
  }
  bool taken = held_bytes_ > 0 && stream_->queued() == 0;
  bool holds =
      begin_ != end_ || reserved_.any() || (held_bytes_ > 0 && !taken) || (waiting_for_group_ && peer_.work_bytes > 0);
  watchdog_.arm(core_.loop.now() + (holds ? stall_ms : idle_ms));
  if (taken) core_.budget.give(std::exchange(held_bytes_, 0));  // last: it may wake this session, which may end
}

/// Whether memory that others wait for is held by a frame that does not arrive, or hardly, for a peer that takes
/// nothing of its answers, or by a member that waits for its group. Who waits for the disk or for memory is no such.
bool Session::is_hogging() {
  uint64_t untaken = stream_->untaken(), before = std::exchange(untaken_before_, untaken);
  bool taking =
      before == UINT64_MAX || (before > untaken && before - untaken >= io::Pace::least_bytes_per_ms * stall_ms);
  bool slow = pace_.is_slow(core_.loop.now());
  if (!core_.budget.is_short()) return false;
  bool deaf = !taking && stream_->queued() > 0 && (held_bytes_ > 0 || (waiting_for_peer_ && reserved_.any()));
  if (deaf) return true;
  bool silent = core_.loop.now() - last_bytes_ >= stall_ms;
  bool stalled = (silent || slow) && reserved_.any() && !busy_ && !waiting_for_memory_ && !waiting_for_peer_;
  bool parked = silent && waiting_for_group_ && (reserved_.any() || peer_.work_bytes > 0);
  return stalled || parked;
}

io::Task<> Session::run() {
  while (!over_ && !broken_ && !door_.stopping) {
    if (!co_await read_more()) break;
    busy_ = true;
    while (auto frame = next_frame()) {
      core_.counters.bytes_in += frame->size();
      if (!co_await handle(*frame)) {
        over_ = true;
        break;
      }
    }
    busy_ = false;
    pace_.away(last_bytes_, core_.loop.now());
    last_bytes_ = core_.loop.now();  // whatever the work waited for was not the peer's doing
  }
  co_await all_answered();
  // What was answered reaches the peer, as far as it reads at all.
  ending_ = true;
  watchdog_.arm(core_.loop.now() + last_words_ms);
  (void)co_await stream_->drained(0);
  watchdog_.cancel();
  stream_->close();
  if (held_bytes_ > 0) core_.budget.give(std::exchange(held_bytes_, 0));
}

/// Reads once. False when the connection is over.
io::Task<bool> Session::read_more() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_.capacity() > 0) door_.buffers.give(std::move(buffer_));
    buffer_ = {};
    reserved_ = {};
    request_ = Bytes();  // = {} would keep its memory
    if (!co_await flow()) co_return false;
    co_await stream_->readable();
    buffer_ = door_.buffers.take_for_reading(core_.budget.total() / 2);
  } else {
    size_t frame = end_ - begin_ >= 4 ? load_be<uint32_t>(buffer_.data() + begin_) + size_t{4} : 4;
    if (!co_await make_room(frame)) co_return false;
  }
  auto n = co_await stream_->read(buffer_.all().subspan(end_));
  if (!n || *n == 0) co_return false;
  end_ += *n;
  pace_.received(*n);
  last_bytes_ = core_.loop.now();
  co_return true;
}

/// Makes the buffer able to hold the frame that has begun. Memory beyond a small buffer is asked for from the budget.
io::Task<bool> Session::make_room(size_t frame_bytes) {
  if (frame_bytes > frame_bytes_max(core_.budget) + 4) co_return false;
  if (buffer_.capacity() - begin_ >= frame_bytes) co_return true;
  if (buffer_.capacity() < frame_bytes) {
    watchdog_.arm(core_.loop.now() + stall_ms);
    if (!co_await flow()) co_return false;  // else it might wait for what it holds itself
    reserved_ = {};
    // Twice the frame: what follows it on a busy connection arrives with it.
    const uint64_t total = core_.budget.total();
    size_t bytes = std::max<size_t>(frame_bytes, std::min<uint64_t>({frame_bytes * 2, 4 * MiB, total}));
    if (core_.budget.is_short() || core_.budget.used() > total / 2) bytes = frame_bytes;
    waiting_for_memory_ = true;
    co_await core_.budget.take(bytes);
    waiting_for_memory_ = false;
    last_bytes_ = core_.loop.now();
    pace_.begin(last_bytes_);
    reserved_ = io::Reserved(core_.budget, bytes);
    auto larger = door_.buffers.take(bytes);
    std::memcpy(larger.data(), buffer_.data() + begin_, end_ - begin_);
    std::swap(buffer_, larger);
    door_.buffers.give(std::move(larger));
  } else {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  }
  end_ -= begin_;
  begin_ = 0;
  co_return true;
}

/// Says in the log why a connection ends, where it may be that the broker has too little memory for its clients.
void Session::note_frame(int64_t bytes) {
  if (bytes < 8 || core_.loop.now() - door_.refusal_noted_at < note_pause_ms) return;
  door_.refusal_noted_at = core_.loop.now();
  io::log(io::Level::warning, "a request is larger than what is read here, or no request; its connection is closed",
          {{"client", peer_.host}, {"bytes", bytes}, {"most", frame_bytes_max(core_.budget)}});
}

/// The next whole frame, without its size; it stays in the buffer until more is read.
std::optional<ByteView> Session::next_frame() {
  if (end_ - begin_ < 4) return std::nullopt;
  int32_t size = load_be<int32_t>(buffer_.data() + begin_);
  if (size < 8 || static_cast<size_t>(size) > frame_bytes_max(core_.budget)) {
    note_frame(size);  // Kafka: InvalidReceiveException, and the end
    over_ = true;
    return std::nullopt;
  }
  if (end_ - begin_ - 4 < static_cast<size_t>(size)) return std::nullopt;
  ByteView frame(buffer_.data() + begin_ + 4, static_cast<size_t>(size));
  begin_ += static_cast<size_t>(size) + 4;
  return frame;
}

/// False if the connection must end.
io::Task<bool> Session::handle(ByteView frame) {
  auto request = decode_request(frame);
  if (!request) co_return false;
  ++core_.counters.requests;
  const RequestHeader& header = request->header;
  const Api* api = find_api(header.key);
  const Handler* handler = find_handler(header.key);
  if (!co_await flow()) co_return false;
  if (api && header.key == api_versions_key && !api->accepts(header.version)) {
    co_await all_answered();
    co_return send(api_versions_unsupported(header));
  }
  // Nothing that one could answer would be understood: Kafka closes the connection, and clients know that.
  if (!api || !handler || !api->accepts(header.version)) co_return false;
  // What others are in the middle of takes more than there is. What is small, and has a small answer, goes on.
  bool is_large = frame.size() > uncounted_bytes || handler->long_answer;
  if (is_large && core_.budget.is_overdrawn()) {
    waiting_for_memory_ = true;
    co_await core_.budget.credit();
    waiting_for_memory_ = false;
  }
  Context context{core_, peer_, header};
  if (header.key == 0) co_return co_await handle_produce(handler->handle, context, request->body);
  co_return co_await handle_alone(handler->handle, context, request->body);
}

/// Waits until the Produce requests that came before have their answers.
io::Task<> Session::all_answered() {
  while (!answers_.empty()) {
    io::Wakeup wakeup;
    answers_waiter_ = &wakeup;
    co_await wakeup;
    answers_waiter_ = nullptr;
  }
}

io::Task<bool> Session::handle_alone(Handle run, Context context, ByteView body) {
  co_await all_answered();
  if (broken_) co_return false;
  if (begin_ == end_) {  // the last one that has arrived: while it waits, the connection needs no buffer
    std::string_view client = context.client_id();
    request_.assign(body.begin(), body.end());
    request_.insert(request_.end(), client.begin(), client.end());
    if (context.header.client_id) context.header.client_id = text(ByteView(request_).subspan(body.size()));
    body = ByteView(request_).first(body.size());
    door_.buffers.give(std::move(buffer_));
    buffer_ = {};
    if (request_.size() <= uncounted_bytes) reserved_ = {};
  }
  waiting_for_group_ = context.header.key == 11 || context.header.key == 14;
  if (waiting_for_group_ && peer_.gone) co_return false;  // it would be a member for nothing
  auto running = run(context, body);
  if (waiting_for_group_ && peer_.work_bytes > 0) watchdog_.arm(core_.loop.now() + stall_ms);
  Reply reply = co_await running;
  waiting_for_group_ = false;
  if (begin_ == end_) {  // nothing needs the request any more
    request_ = Bytes();
    reserved_ = {};
  }
  hold(reply.frame.bytes.size());
  co_return send(std::move(reply));
}

/// Answers built in memory count until the peer has taken them. They are there already: to wait for the memory would
/// save nothing, and might be to wait for what this session holds itself.
void Session::hold(uint64_t answer_bytes) {
  if (answer_bytes <= held_from_bytes) return;
  core_.budget.overdraw(answer_bytes);
  held_bytes_ += answer_bytes;
  untaken_before_ = UINT64_MAX;
  watchdog_.arm(core_.loop.now() + stall_ms);
}

io::Task<bool> Session::handle_produce(Handle run, Context context, ByteView body) {
  while (answers_.size() >= pipeline_max || (core_.budget.is_overdrawn() && !answers_.empty())) {
    io::Wakeup wakeup;
    answers_waiter_ = &wakeup;
    co_await wakeup;
    answers_waiter_ = nullptr;
  }
  auto answer = std::make_shared<Answer>();
  answers_.push_back(answer);
  context.body_done = &answer->body_done;
  [](Session& session, Handle produce, Context on, ByteView bytes, std::shared_ptr<Answer> place) -> io::Task<> {
    place->reply = co_await produce(on, bytes);
    place->ready = true;
    place->body_done.wake();
    session.send_ready();
  }(*this, run, context, body, answer)
                                                                                                         .detach();
  co_await answer->body_done;
  co_return !broken_;
}

void Session::send_ready() {
  while (!answers_.empty() && answers_.front()->ready) {
    // It stays in line meanwhile: whoever is woken by the connection's end ends the session when the line is empty.
    if (!broken_) {
      Reply& reply = answers_.front()->reply;
      hold(reply.frame.bytes.size());
      if (!send(std::move(reply))) {
        broken_ = true;
        stream_->close();
      }
    }
    answers_.pop_front();
  }
  if (answers_waiter_ && (answers_.empty() || answers_.size() < pipeline_max)) answers_waiter_->wake();  // the last
}

bool Session::send(Reply reply) {
  core_.counters.bytes_out += reply.frame.size();
  if (reply.frame.splices.empty()) {
    stream_->send(std::move(reply.frame.bytes));
    return !reply.close;
  }
  ByteView bytes = reply.frame.bytes;
  size_t sent = 0;
  for (const Splice& splice : reply.frame.splices) {
    stream_->send(Bytes(bytes.begin() + static_cast<long>(sent), bytes.begin() + static_cast<long>(splice.position)));
    stream_->send(std::move(reply.slices[static_cast<size_t>(splice.slice)]));
    sent = splice.position;
  }
  stream_->send(Bytes(bytes.begin() + static_cast<long>(sent), bytes.end()));
  return !reply.close;
}

/// Waits while the peer does not take what it asked for. False if it is gone.
io::Task<bool> Session::flow() {
  if (held_bytes_ == 0 && stream_->queued() <= queued_bytes_max) co_return true;
  waiting_for_peer_ = true;
  auto taken = co_await stream_->drained(held_bytes_ > 0 ? 0 : queued_bytes_max / 4);
  waiting_for_peer_ = false;
  if (!taken) co_return false;
  if (held_bytes_ > 0) core_.budget.give(std::exchange(held_bytes_, 0));
  co_return true;
}

}  // namespace naru::kafka
