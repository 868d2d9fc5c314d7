// What a session holds of the memory for requests: messages whose end is still to come, and what its client has not
// read; and what becomes of those who hold it when others want it.
#include "amqp/session.h"
#include "io/logger.h"

namespace naru::amqp {
namespace {

constexpr io::Millis stall_ms = 2'000;  // may memory be held that is short and that does nothing
constexpr int slow_looks_max = 5;       // of the watchdog at one that reads nothing; about RabbitMQ's send_timeout
constexpr uint64_t unread_from_bytes = 32 * KiB;
constexpr io::Millis look_ms = 20;  // at what is waited for in no line

io::Task<> feed(Door& door) {
  co_await door.core.budget.credit();
  while (!door.may_hand_out()) co_await door.core.loop.sleep_until(door.core.loop.now() + look_ms);
  for (Session* session : std::exchange(door.starved, {}))
    if (door.sessions.contains(session)) session->wake_consumers();
}

}  // namespace

bool Session::takes_more() {
  if (choked_) return false;
  if (door_.may_hand_out()) return true;
  door_.starve(*this);
  return false;
}

void Door::starve(Session& session) {
  bool is_first = starved.empty();
  starved.insert(&session);
  if (is_first) feed(*this).detach();
}

/// What the client has not taken is there already, and counts until it has.
void Session::count_unread() {
  if (stream_->queued() <= unread_from_bytes && !unread_.any()) return;
  set_unread(stream_->queued());
  begin_watch();
  if (!std::exchange(is_counting_unread_, true)) uncount_unread().detach();
}

io::Task<> Session::uncount_unread() {
  ++running_;
  (void)co_await stream_->drained(unread_from_bytes);
  is_counting_unread_ = false;
  set_unread(0);
  has_run();
}

void Session::set_unread(uint64_t bytes) {
  core_.budget.overdraw(bytes);
  door_.unread_bytes += bytes - unread_.bytes();
  unread_ = bytes > 0 ? io::Reserved(core_.budget, bytes) : io::Reserved();
}

/// What is there already cannot wait for memory. False if the connection must end at once.
bool Session::count_unfinished() {
  uint64_t bytes = frames_.held_bytes() + static_cast<uint64_t>(contents_bytes_);
  if (bytes == unfinished_.bytes()) return true;
  set_unfinished(bytes);
  uint64_t max = unfinished_max();
  if (bytes > max && state_ == State::open) {
    bool goes_on =
        refuse({ReplyCode::resource_error, "messages whose end is still to come take " + std::to_string(bytes) +
                                               " bytes; there is memory for " + std::to_string(max)});
    set_unfinished(0);  // it went with the channels
    return goes_on;
  }
  if (bytes > 0) begin_watch();
  return true;
}

void Session::begin_watch() {
  if (watchdog_.deadline() != io::never) return;
  pace_.begin(core_.loop.now());
  slow_looks_ = 0;
  taken_at_look_ = bytes_out_ - std::min(stream_->untaken(), bytes_out_);
  watchdog_.arm(core_.loop.now() + stall_ms);
}

/// It has taken hardly anything of what is there for it for a while, in which others wanted the memory.
bool Session::is_deaf(bool wanted) {
  uint64_t taken = bytes_out_ - std::min(stream_->untaken(), bytes_out_);  // may shrink: TLS adds to what is queued
  bool is_slow = wanted && unread_.any() && taken < taken_at_look_ + io::Pace::least_bytes_per_ms * stall_ms;
  taken_at_look_ = std::max(taken, taken_at_look_);
  slow_looks_ = is_slow ? slow_looks_ + 1 : 0;
  return slow_looks_ >= slow_looks_max;
}

bool Session::has_bodies() const {
  return contents_bytes_ > 0 ||
         std::ranges::any_of(channels_, [](const auto& one) { return one.second->has_reserved(); });
}

bool Session::has_begun() const { return unfinished_.bytes() > 0 || has_bodies(); }

void Session::set_unfinished(uint64_t bytes) {
  if (bytes > 0 && !has_begun()) pace_.begin(core_.loop.now());
  door_.beginners += (bytes > 0) - (unfinished_.bytes() > 0);
  core_.budget.overdraw(bytes);
  unfinished_ = bytes > 0 ? io::Reserved(core_.budget, bytes) : io::Reserved();
}

/// Half of the memory, which is what one message may have; when there is none left, an equal share of that. A small
/// message and a frame always have their place.
uint64_t Session::unfinished_max() const {
  uint64_t share = core_.budget.total() / 2;
  if (core_.budget.is_overdrawn()) share /= std::max<uint64_t>(door_.beginners, 1);
  return share + small_body + frame_max_;
}

/// Whoever holds memory for what does not arrive, or hardly, while it is short, is closed; so is who is held back with
/// it.
void Session::watch() {
  if (unread_.any()) set_unread(stream_->queued());
  bool begins = has_begun();
  if (!begins && !unread_.any()) return;
  const io::Budget& budget = core_.budget;
  bool is_silent = core_.loop.now() - last_bytes_ >= stall_ms, is_slow = pace_.is_slow(core_.loop.now());
  bool wanted = budget.is_short() || budget.is_overdrawn(), deaf = is_deaf(wanted);
  bool stalls = begins && reading_ && wanted && (is_silent || is_slow);
  bool is_in_the_way = begins && held_back_ && budget.is_overdrawn() && is_silent;
  if (deaf || stalls || is_in_the_way) {
    io::log(io::Level::warning,
            deaf ? "AMQP client does not read what it asked for; its connection is closed, memory is short"
                 : "AMQP client has not sent the rest of a message; its connection is closed, memory is short",
            {{"peer", stream_->peer()}});
    peer_gone_ = true;
    return stream_->close();
  }
  watchdog_.arm(core_.loop.now() + stall_ms);
}

/// Before a large message is fetched. Whose messages are under way waits for a moment only: they may be what others
/// wait for.
io::Task<Session::Room> Session::room_for_large() {
  constexpr io::Millis moment_ms = 5'000, most_ms = 60'000;
  io::Budget::Looker looks(core_.budget);
  io::Millis until = core_.loop.now() + (has_bodies() ? moment_ms : most_ms);
  auto goes_on = [&] { return !peer_gone_ && state_ == State::open && !door_.stopping; };
  if (!door_.may_hand_out()) stream_->on_end([this] { peer_gone_ = true; });
  while (!door_.may_hand_out() && goes_on() && core_.loop.now() < until) {
    co_await core_.loop.sleep_until(core_.loop.now() + look_ms);
    last_in_ = core_.loop.now();  // it is we who do not read
  }
  if (!goes_on()) co_return Room::for_nobody;
  co_return door_.may_hand_out() ? Room::there : Room::none;
}

/// A large body is let in when there is memory for it. Who has bodies under way on other channels does not wait: they
/// come through the same socket, and nobody else can make room for them. Whoever waits counts for nothing, or all could
/// wait for one another.
io::Task<> Session::make_room(Channel& channel, ByteView header) {
  uint64_t bytes = announced_bytes(header);
  if (bytes <= small_body || bytes > core_.budget.total() / 2 || !channel.expects_header()) co_return;
  if (has_bodies() && (core_.budget.is_short() || core_.budget.used() + bytes > core_.budget.total())) co_return;
  if (core_.budget.used() + bytes > core_.budget.total()) set_unfinished(0);
  co_await core_.budget.take(bytes);
  last_in_ = core_.loop.now();
  if (!has_begun()) pace_.begin(last_in_);
  channel.reserve(io::Reserved(core_.budget, bytes));
  begin_watch();
}

}  // namespace naru::amqp
