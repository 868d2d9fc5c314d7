#include "amqp/session.h"

#include "io/logger.h"

namespace naru::amqp {
namespace {

constexpr io::Millis stuck_ms = 60'000;    // a client that takes nothing of what is sent to it is gone
constexpr io::Millis login_ms = 10'000;    // from the first byte to connection.open, as RabbitMQ's handshake_timeout
constexpr io::Millis close_ok_ms = 3'000;  // for the answer to connection.close
constexpr io::Millis blocked_ms = 200;     // until a blocked publisher is looked at again
constexpr uint64_t work_max = 50'000;      // in one turn: queues that messages reach, and bindings that lead there
constexpr size_t choked_bytes = MiB, takes_again_bytes = 256 * KiB, flush_bytes = 64 * KiB;

}  // namespace

Session::Session(Door& door, std::unique_ptr<io::Stream> stream, uint64_t number, const io::TlsPeer* tls)
    : id(number),
      door_(door),
      core_(door.core),
      stream_(std::move(stream)),
      tls_(tls),
      heart_(core_.loop, [this] { beat(); }),
      watchdog_(core_.loop, [this] { watch(); }) {
  ++core_.counters.connections;
  door_.sessions.insert(this);
  last_in_ = last_out_ = last_taken_ = last_bytes_ = core_.loop.now();
  heart_.arm(last_in_ + login_ms);
}

Session::~Session() {
  --core_.counters.connections;
  door_.sessions.erase(this);
  door_.queues.forget(*this);
  door_.buffers.give(std::move(buffer_));
}

bool Session::client_can(std::string_view capability) const {
  auto capabilities = client_properties_.find("capabilities");
  auto table = capabilities ? capabilities->table() : std::nullopt;
  auto value = table ? table->find(capability) : std::nullopt;
  return value && value->boolean().value_or(false);
}

void Session::written() {
  last_out_ = core_.loop.now();
  if (out_.size() >= flush_bytes) flush();
  if (!std::exchange(flush_planned_, true)) {
    ++running_;
    core_.loop.at_turn_end([this] {
      flush_planned_ = false;
      flush();
      has_run();
    });
  }
}

void Session::has_run() {
  if (--running_ > 0) return;
  for (auto* waiter : std::exchange(idle_waiters_, {})) waiter->wake();
}

void Session::wake_later(const Channel& channel) {
  to_wake_.push_back(channel.number);
  if (to_wake_.size() > 1) return;
  ++running_;
  core_.loop.post([this] {
    for (uint16_t number : std::exchange(to_wake_, {}))
      if (Channel* there = find_channel(number)) there->wake_all();
    has_run();
  });
}

void Session::flush() {
  if (out_.empty()) return;
  core_.counters.bytes_out += out_.size();
  bytes_out_ += out_.size();
  stream_->send(std::move(out_));
  out_ = {};
  if (!choked_ && stream_->queued() > choked_bytes) unchoke().detach();
  count_unread();
}

void Session::wake_consumers() {
  for (auto& [number, channel] : channels_) channel->wake_consumers();
}

/// The client does not read what it asked for: nothing more is handed to it until it does.
io::Task<> Session::unchoke() {
  choked_ = true;
  ++running_;
  auto drained = co_await stream_->drained(takes_again_bytes);
  choked_ = false;
  if (drained) wake_consumers();
  has_run();
}

void Session::beat() {
  io::Millis now = core_.loop.now();
  if (state_ != State::open) {
    return stream_->close();  // the login, or the last word, took too long
  }
  if (heartbeat_ms_ == 0) return;
  // Nobody is silent who is not listened to. Then it is gone if it takes nothing of what there is for it for long.
  // What is queued says little: it grows by every heartbeat.
  uint64_t queued = stream_->queued(), taken = bytes_out_ - std::min(queued, bytes_out_);
  if (reading_ || queued == 0 || taken > taken_before_) last_taken_ = now;
  taken_before_ = taken;
  bool is_silent = reading_ && now - last_in_ >= 2 * heartbeat_ms_;
  bool is_stuck = now - last_taken_ >= std::max(2 * heartbeat_ms_, stuck_ms);
  if (is_silent || is_stuck) {
    io::log(io::Level::info, "AMQP client missed its heartbeats; its connection is closed",
            {{"peer", stream_->peer()}});
    return stream_->close();
  }
  if (now - last_out_ >= heartbeat_ms_ / 2) {
    append_heartbeat(out_);
    written();
  }
  heart_.arm(now + heartbeat_ms_ / 2);
}

io::Task<> Session::run() {
  while (!broken_) {
    bool more = co_await read_more();
    if (!more) break;
    if (state_ == State::greeting && !greet()) break;
    uint64_t before = work_done();
    while (!broken_) {
      if (work_done() - before > work_max) {
        co_await door_.queues.next_turn();
        before = work_done();
      }
      auto frame = frames_.next();
      if (!frame) {
        broken_ = !refuse({ReplyCode::frame_error, frame.error().explanation()});
        break;
      }
      if (!*frame) break;
      auto done = handle_now(**frame);
      broken_ = done ? !*done : !co_await handle(**frame);
    }
    frames_.shrink();
    if (!count_unfinished()) break;
  }
  co_await end();
}

/// What has been done for messages: what one read brings may go to many queues, and others have their turn meanwhile.
uint64_t Session::work_done() const { return core_.messages.routed + (host_ ? host_->passed() : 0); }

io::Task<bool> Session::read_more() {
  co_await flow();
  if (buffer_.capacity() > 0) door_.buffers.give(std::move(buffer_));
  buffer_ = {};
  reading_ = true;
  pace_.away(last_bytes_, core_.loop.now());
  last_in_ = core_.loop.now();
  co_await stream_->readable();
  buffer_ = door_.buffers.take_for_reading(core_.budget.total() / 2);
  auto n = co_await stream_->read(buffer_.all());
  reading_ = false;
  if (!n || *n == 0) co_return false;
  last_in_ = last_bytes_ = core_.loop.now();
  core_.counters.bytes_in += *n;
  bytes_in_ += *n;
  pace_.received(*n);
  if (state_ == State::greeting) {
    append(greeting_, ByteView(buffer_.data(), *n));
  } else {
    frames_.feed(ByteView(buffer_.data(), *n));
  }
  co_return true;
}

/// Who published a moment ago waits while memory or the disk run short; who only consumes goes on.
bool Session::must_wait() {
  if (!has_published_ || state_ != State::open || door_.stopping || peer_gone_) return false;
  return door_.queues.is_blocked() || (door_.alarms && door_.alarms->raised());
}

/// Waits while publishers have to: for memory, for space on the disk.
io::Task<> Session::hold_back() {
  if (must_wait()) stream_->on_end([this] { peer_gone_ = true; });
  while (must_wait()) {
    if (!blocked_told_ && client_can("connection.blocked")) {
      std::string reason = door_.queues.is_blocked() ? "low on disk" : door_.alarms->reason();
      ConnectionBlocked blocked{.reason = reason};
      send(0, blocked);
      blocked_told_ = true;
    }
    held_back_ = true;
    co_await core_.loop.sleep_until(core_.loop.now() + blocked_ms);
    held_back_ = false;
    last_in_ = core_.loop.now();  // it is we who do not read
  }
  if (std::exchange(blocked_told_, false)) send(0, ConnectionUnblocked{});
}

/// Before more is read: waits for the journal, for what publishers wait for, for a client that does not read.
io::Task<> Session::flow() {
  co_await core_.store.journal().room();
  co_await hold_back();
  has_published_ = false;
  if (stream_->queued() > 8 * choked_bytes) (void)co_await stream_->drained(choked_bytes);
}

Channel* Session::find_channel(uint16_t number) const {
  auto found = channels_.find(number);
  return found == channels_.end() ? nullptr : found->second.get();
}

/// Publishing and acknowledging, which is what nearly all frames do, without a coroutine for each. Nothing if the frame
/// is another's, or may have to wait.
std::optional<bool> Session::handle_now(const Frame& frame) {
  if (state_ != State::open || frame.channel == 0 || frame.type == FrameType::heartbeat) return std::nullopt;
  Channel* channel = find_channel(frame.channel);
  if (!channel) return std::nullopt;
  if (frame.type == FrameType::header && (announced_bytes(frame.payload) > small_body || must_wait()))
    return std::nullopt;
  auto done = channel->handle_now(frame);
  if (!done) return std::nullopt;
  return !*done || refuse_on(*channel, **done);
}

/// Closes the channel, or the connection if the code is a hard one. False if the connection must end at once.
bool Session::refuse_on(Channel& channel, const Refusal& refusal) {
  if (is_hard(refusal.code)) return refuse(refusal, channel.method());
  close_channel(channel, refusal);
  return true;
}

io::Task<bool> Session::handle(const Frame& frame) {
  if (frame.type == FrameType::heartbeat) {
    if (frame.channel != 0) co_return refuse({ReplyCode::unexpected_frame, frame_text(frame)});
    co_return true;
  }
  if (state_ == State::closing) {
    if (frame.channel != 0 || frame.type != FrameType::method) co_return true;
    Method method = peek_method(frame.payload);
    if (method == Method::connection_close) send(0, ConnectionCloseOk{});
    co_return method != Method::connection_close&& method != Method::connection_close_ok;
  }
  if (frame.channel == 0) co_return co_await handle_connection(frame);
  if (state_ != State::open)
    co_return refuse(
        {ReplyCode::channel_error, "frame for channel " + std::to_string(frame.channel) + " before connection.open"});
  co_return co_await handle_channel(frame);
}

io::Task<bool> Session::handle_connection(const Frame& frame) {
  if (frame.type != FrameType::method) co_return refuse({ReplyCode::unexpected_frame, frame_text(frame)});
  Method method = peek_method(frame.payload);
  switch (method) {
    case Method::connection_start_ok:
      if (state_ == State::starting) co_return start_ok(frame.payload);
      break;
    case Method::connection_tune_ok:
      if (state_ == State::tuning) co_return tune_ok(frame.payload);
      break;
    case Method::connection_open:
      if (state_ == State::opening) co_return open(frame.payload);
      break;
    case Method::connection_update_secret:
      if (state_ == State::open) {
        send(0, ConnectionUpdateSecretOk{});
        co_return true;
      }
      break;
    case Method::connection_close: {
      for (auto& [number, channel] : channels_) channel->close();
      co_await door_.hosts.delete_exclusive(id);
      send(0, ConnectionCloseOk{});
      co_return false;
    }
    default: break;
  }
  const char* state = state_ == State::starting  ? "starting"
                      : state_ == State::tuning  ? "tuning"
                      : state_ == State::opening ? "opening"
                                                 : "running";
  co_return refuse({ReplyCode::channel_error, std::string("unexpected method in connection state ") + state}, method);
}

io::Task<bool> Session::handle_channel(const Frame& frame) {
  Channel* channel = find_channel(frame.channel);
  if (channel) {
    if (frame.type == FrameType::header) {
      co_await hold_back();  // the message that meets an alarm waits, too
      co_await make_room(*channel, frame.payload);
    }
    if (auto done = channel->handle_now(frame)) co_return !*done || refuse_on(*channel, **done);
  }
  Method method = frame.type == FrameType::method ? peek_method(frame.payload) : Method{};
  if (!channel) {
    if (frame.type != FrameType::method)
      co_return refuse({ReplyCode::unexpected_frame, "expected method frame, got non method frame instead"});
    if (method == Method::channel_open) co_return open_channel(frame.channel, frame.payload);
    co_return refuse({ReplyCode::channel_error, "expected 'channel.open'"}, method);
  }
  if (channel->is_closing()) {
    // Where both sides close it, ours is still to be answered: the number is free only after that.
    if (method == Method::channel_close) send(frame.channel, ChannelCloseOk{});
    if (method == Method::channel_close_ok) channels_.erase(frame.channel);
    if (method != Method::channel_open) co_return true;
  }
  if (method == Method::channel_close_ok)
    co_return refuse({ReplyCode::command_invalid, "unimplemented method"}, method);
  if (method == Method::channel_open)
    co_return refuse({ReplyCode::channel_error, "second 'channel.open' seen"}, method);
  if (method == Method::channel_close) {
    if (auto close = decode_method<ChannelClose>(frame.payload); !close)
      co_return refuse({ReplyCode::frame_error, decode_explanation(close.error(), frame.payload)}, method);
    channel->close();
    channels_.erase(frame.channel);
    send(frame.channel, ChannelCloseOk{});
    co_return true;
  }
  ++core_.counters.requests;
  if (queued() > 8 * choked_bytes) {  // it asks for messages faster than it reads them
    flush();
    (void)co_await stream_->drained(choked_bytes);
    channel = find_channel(frame.channel);
    if (!channel || channel->is_closing()) co_return true;
  }
  auto handling = channel->handle(frame);
  Outcome outcome = co_await handling;
  // A consumer's timer, or an administrator, may have closed it meanwhile: that was the last word.
  co_return !outcome || channel->is_closing() || refuse_on(*channel, *outcome);
}

bool Session::open_channel(uint16_t number, ByteView payload) {
  if (auto open = decode_method<ChannelOpen>(payload); !open)
    return refuse({ReplyCode::frame_error, decode_explanation(open.error(), payload)}, Method::channel_open);
  if (channels_.size() >= channel_max_)
    return refuse({ReplyCode::not_allowed, "number of channels opened (" + std::to_string(channels_.size()) +
                                               ") has reached the negotiated channel_max (" +
                                               std::to_string(channel_max_) + ")"});
  const User* user = door_.users.find(user_);
  if (auto limit = user ? user->limit("max-channels") : std::nullopt) {
    int64_t open = 0;
    for (const Session* session : door_.sessions)
      if (session->user_ == user_) open += static_cast<int64_t>(session->channels_.size());
    if (open >= *limit)
      return refuse({ReplyCode::not_allowed,
                     "number of channels opened for user '" + user_ +
                         "' has reached the maximum allowed user limit of (" + std::to_string(*limit) + ")",
                     /*names_method=*/false});
  }
  channels_.emplace(number, std::make_unique<Channel>(*this, number, ++last_channel_));
  send(number, ChannelOpenOk{});
  return true;
}

void Session::close_channel(Channel& channel, const Refusal& refusal) {
  std::string text = reply_text(refusal.code, refusal.why);
  Method method = refusal.names_method ? channel.method() : Method{};
  channel.close();
  ChannelClose close{.reply_code = static_cast<uint16_t>(refusal.code),
                     .reply_text = text,
                     .class_id = class_id(method),
                     .method_id = method_id(method)};
  send(channel.number, close);
}

/// Says why the connection ends, and waits for the client's word. Always true: the session goes on for a while.
bool Session::refuse(const Refusal& refusal, Method method) {
  if (state_ == State::closing) return false;
  bool greeted = state_ != State::greeting;
  state_ = State::closing;
  if (!refusal.names_method) method = {};
  for (auto& [number, channel] : channels_) channel->close();
  if (!greeted) return false;
  std::string text = reply_text(refusal.code, refusal.why);
  ConnectionClose close{.reply_code = static_cast<uint16_t>(refusal.code),
                        .reply_text = text,
                        .class_id = class_id(method),
                        .method_id = method_id(method)};
  send(0, close);
  io::log(io::Level::info, "AMQP connection closed by the broker", {{"peer", stream_->peer()}, {"reason", text}});
  heart_.arm(core_.loop.now() + close_ok_ms);
  return true;
}

void Session::stop() {
  if (state_ == State::open || state_ == State::opening || state_ == State::tuning) {
    refuse({ReplyCode::connection_forced, "broker forced connection closure with reason 'shutdown'"});
  } else {
    stream_->close();
  }
}

void Session::force_close(const std::string& reason) {
  if (state_ == State::open) {
    refuse({ReplyCode::connection_forced, reason, /*names_method=*/false});
  } else if (state_ != State::closing) {
    stream_->close();
  }
}

void Session::confirm_after_turn(Channel& channel) {
  if (std::ranges::find(unconfirmed_, &channel) == unconfirmed_.end()) unconfirmed_.push_back(&channel);
  door_.queues.call_when_appended(*this);
}

void Session::forget(Channel& channel) { std::erase(unconfirmed_, &channel); }

void Session::on_appended(JournalPosition position) {
  for (Channel* channel : std::exchange(unconfirmed_, {}))
    confirms_.push_back({position, channel->number, channel->id, channel->published()});
  if (!confirming_ && !confirms_.empty()) confirm().detach();
}

io::Task<> Session::confirm() {
  confirming_ = true;
  ++running_;
  while (!confirms_.empty()) {
    auto durable = co_await core_.store.durable(confirms_.front().position);
    if (!durable) break;  // the process is ending: nothing may be confirmed
    JournalPosition reached = core_.store.journal().durable();
    while (!confirms_.empty() && confirms_.front().position <= reached) {
      Confirm next = confirms_.front();
      confirms_.pop_front();
      auto found = channels_.find(next.channel);
      if (found != channels_.end() && found->second->id == next.channel_id) found->second->confirm(next.up_to);
    }
  }
  confirming_ = false;
  has_run();
}

io::Task<> Session::end() {
  state_ = State::closing;
  for (auto& [number, channel] : channels_) channel->close();
  channels_.clear();
  set_unfinished(0);
  co_await door_.hosts.delete_exclusive(id);
  flush();
  heart_.arm(core_.loop.now() + 1000);  // what was said last reaches the client, if it reads at all
  (void)co_await stream_->drained(0);
  heart_.cancel();
  stream_->close();
  while (running_ > 0) {
    io::Wakeup wakeup;
    idle_waiters_.push_back(&wakeup);
    co_await wakeup;
  }
}

}  // namespace naru::amqp
