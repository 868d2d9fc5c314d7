// flow: publishers with a window of unconfirmed messages, consumers that acknowledge each, in one thread and with one
// clock. A body says when its message was due and which one it is, so that delays are exact and none may be missing.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "../fail.h"
#include "../histogram.h"
#include "../report.h"
#include "connection.h"
#include "settings.h"

namespace naru::load::amqp {
namespace {

constexpr int64_t silence_ns_max = 60'000'000'000;
constexpr size_t unsent_bytes_max = 256u << 10;
constexpr int64_t stamp_bytes = 16;
constexpr uint64_t no_end = ~uint64_t{0};

struct Publisher {
  explicit Publisher(const Settings& settings) : connection(settings.broker) {}
  Connection connection;
  std::deque<int64_t> unconfirmed;  // when each was due; the front has delivery tag `confirmed` + 1
  std::deque<bool> done;            // of those, confirmed out of order
  uint64_t confirmed = 0;
  bool at_barrier = false;
};

struct Consumer {
  explicit Consumer(const Settings& settings) : connection(settings.broker) {}
  Connection connection;
  uint64_t tag = 0;
  size_t body_left = 0, body_at = 0;
  char stamp[stamp_bytes];
};

class Flow {
 public:
  explicit Flow(const Settings& settings)
      : settings_(settings),
        messages_(settings.seconds > 0 ? no_end : static_cast<uint64_t>(settings.messages)),
        copies_(settings.fanout ? static_cast<uint64_t>(settings.queues) : 1),
        first_measured_(settings.rate > 0 ? static_cast<uint64_t>(settings.rate * settings.warmup_seconds) : 0),
        seen_(settings.seconds > 0 ? 0 : messages_) {
    declare();
    for (int64_t i = 0; i < settings.publishers; ++i) {
      publishers_.push_back(std::make_unique<Publisher>(settings));
      if (!settings.unconfirmed) publishers_.back()->connection.confirm();
      watch(publishers_.back()->connection, static_cast<uint64_t>(i));
    }
    for (int64_t i = 0; i < settings.consumers; ++i) {
      consumers_.push_back(std::make_unique<Consumer>(settings));
      watch(consumers_.back()->connection, publishers_.size() + static_cast<uint64_t>(i));
    }
  }
  ~Flow() { close(epoll_); }

  int run() {
    const double cpu_before = cpu_seconds();
    start_ns_ = now_ns();
    for (size_t i = 0; i < consumers_.size(); ++i) {
      Consumer& consumer = *consumers_[i];
      consumer.connection.consume(queue(i % static_cast<size_t>(settings_.queues)), settings_.auto_ack,
                                  static_cast<uint16_t>(settings_.prefetch));
    }
    for (const auto& publisher : publishers_) publisher->connection.go();
    for (const auto& consumer : consumers_) {
      consumer->connection.go();
      receive(*consumer);  // what came right behind the answer
    }
    start_ns_ = now_ns();
    while (!is_over()) turn();
    if (publish_seconds_ == 0) publish_seconds_ = seconds_so_far();
    const double seconds = seconds_so_far(), cpu = cpu_seconds() - cpu_before;
    check_complete();
    clean_up();
    return report(seconds, cpu);
  }

 private:
  bool stamped() const { return settings_.bytes >= stamp_bytes && settings_.publishers > 0; }
  std::string queue(size_t i) const { return settings_.name + "-" + std::to_string(i); }
  int64_t due_ns(uint64_t sequence) const {
    return start_ns_ + static_cast<int64_t>(static_cast<double>(sequence) * 1e9 / settings_.rate);
  }
  double seconds_so_far() const { return static_cast<double>(now_ns() - start_ns_) / 1e9; }
  bool all_published() const { return settings_.publishers == 0 || confirmed_ == messages_; }
  bool all_consumed() const { return settings_.consumers == 0 || at_barrier_ == consumers_.size(); }
  bool is_over() const { return all_published() && all_consumed(); }

  void watch(Connection& connection, uint64_t index) const {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = index;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd(), &event);
  }

  void declare() {
    Connection setup(settings_.broker);
    if (settings_.fanout) setup.declare_fanout(settings_.name);
    for (size_t i = 0; i < static_cast<size_t>(settings_.queues); ++i) {
      if (settings_.publishers > 0) setup.declare_queue(queue(i), settings_.queue_type, true);
      if (settings_.fanout) setup.bind(queue(i), settings_.name);
      messages_of_.push_back(message_to(i));
      if (settings_.fanout) messages_of_.resize(1);
    }
  }

  void clean_up() {
    if (settings_.keep) return;
    Connection last(settings_.broker);
    for (size_t i = 0; i < static_cast<size_t>(settings_.queues); ++i) last.delete_queue(queue(i));
    if (settings_.fanout) last.delete_exchange(settings_.name);
  }

  /// All frames of a message; only the stamp in the body changes.
  std::string message_to(size_t i) {
    std::string frames;
    FrameWriter(frames)
        .method(the_channel, basic_publish)
        .put(uint16_t{0})
        .short_text(settings_.fanout ? settings_.name : "")
        .short_text(settings_.fanout ? "" : queue(i))
        .put(uint8_t{0})
        .end();
    constexpr uint16_t has_delivery_mode = 1u << 12;
    FrameWriter(frames)
        .begin(FrameType::header, the_channel)
        .put(uint16_t{60})
        .put(uint16_t{0})
        .put(static_cast<uint64_t>(settings_.bytes))
        .put(has_delivery_mode)
        .put(static_cast<uint8_t>(settings_.transient ? 1 : 2))
        .end();
    stamp_at_.push_back(frames.size() + 7);
    constexpr int64_t frame_bytes_max = 131072 - 8;
    for (int64_t left = settings_.bytes; left > 0; left -= std::min(left, frame_bytes_max))
      FrameWriter(frames)
          .begin(FrameType::body, the_channel)
          .bytes(std::string(static_cast<size_t>(std::min(left, frame_bytes_max)), 'x'))
          .end();
    return frames;
  }

  void turn() {
    if (all_published() && publish_seconds_ == 0) publish_seconds_ = seconds_so_far();
    int64_t wait_ns = silence_ns_max;
    for (const auto& publisher : publishers_) wait_ns = std::min(wait_ns, publish(*publisher));
    if (is_over()) return;  // the time was over with nothing under way
    epoll_event events[256];
    const timespec timeout{.tv_sec = wait_ns / 1'000'000'000, .tv_nsec = wait_ns % 1'000'000'000};
    const int count = epoll_pwait2(epoll_, events, static_cast<int>(std::size(events)), &timeout, nullptr);
    if (count == 0 && wait_ns == silence_ns_max) fail("the broker was silent for a minute");
    for (int i = 0; i < count; ++i) {
      const uint64_t index = events[i].data.u64;
      if (index < publishers_.size()) {
        receive(*publishers_[index]);
        publishers_[index]->connection.flush();
      } else {
        receive(*consumers_[index - publishers_.size()]);
      }
    }
  }

  /// Sends what the window allows and is due; returns how long there is nothing more to do unless something comes.
  int64_t publish(Publisher& publisher) {
    Connection& connection = publisher.connection;
    if (messages_ == no_end && static_cast<double>(now_ns() - start_ns_) >= settings_.seconds * 1e9) {
      messages_ = next_;
      ask_when_all_came();
    }
    int64_t wait_ns = silence_ns_max;
    while (next_ < messages_ && connection.unsent() < unsent_bytes_max) {
      if (!settings_.unconfirmed && publisher.unconfirmed.size() >= static_cast<size_t>(settings_.window)) break;
      int64_t due = now_ns();
      if (settings_.rate > 0) {
        if (due_ns(next_) > due) {
          wait_ns = due_ns(next_) - due;
          break;
        }
        due = due_ns(next_);
      }
      append(connection.out(), due, next_++);
      if (!settings_.unconfirmed) {
        publisher.unconfirmed.push_back(due);
        publisher.done.push_back(false);
      }
    }
    if (settings_.unconfirmed && next_ == messages_ && !publisher.at_barrier) {
      publisher.at_barrier = true;
      barrier(connection);
    }
    connection.flush();
    return connection.unsent() > 0 ? silence_ns_max : wait_ns;
  }

  void append(std::string& out, int64_t due, uint64_t sequence) {
    const size_t to = sequence % messages_of_.size();
    const size_t at = out.size() + stamp_at_[to];
    out.append(messages_of_[to]);
    if (!stamped()) return;
    write_at(out.data() + at, due);
    write_at(out.data() + at + 8, sequence);
  }

  /// The answer to this one says that the broker has read all that came before.
  static void barrier(Connection& connection) {
    FrameWriter(connection.out())
        .method(the_channel, basic_qos)
        .put(uint32_t{0})
        .put(uint16_t{1})
        .put(uint8_t{0})
        .end();
    connection.flush();
  }

  void receive(Publisher& publisher) {
    do {
      for (Frame frame; publisher.connection.next(frame);) {
        if (frame.type == FrameType::heartbeat) continue;
        Reader reader(frame.payload);
        const auto id = static_cast<uint32_t>(reader.i32());
        if (id == basic_qos_ok && publisher.at_barrier) {
          if (++published_ == publishers_.size()) confirmed_ = messages_;
        } else if (id == basic_ack) {
          const auto tag = static_cast<uint64_t>(reader.i64());
          confirm(publisher, tag, (reader.i8() & 1) != 0);
        } else {
          Connection::unexpected(id, frame.payload.substr(4));
        }
      }
    } while (publisher.connection.fill());
    if (all_published() && publish_seconds_ == 0) publish_seconds_ = static_cast<double>(now_ns() - start_ns_) / 1e9;
  }

  void confirm(Publisher& publisher, uint64_t tag, bool multiple) {
    if (tag <= publisher.confirmed || tag > publisher.confirmed + publisher.unconfirmed.size())
      return errors_.broken("a confirm of nothing");
    const size_t last = tag - publisher.confirmed - 1;
    for (size_t i = multiple ? 0 : last; i <= last; ++i) publisher.done[i] = true;
    const int64_t now = now_ns();
    while (!publisher.done.empty() && publisher.done.front()) {
      if (confirmed_ >= first_measured_) confirm_ns_.add(now - publisher.unconfirmed.front());
      publisher.unconfirmed.pop_front();
      publisher.done.pop_front();
      ++publisher.confirmed;
      ++confirmed_;
    }
  }

  void receive(Consumer& consumer) {
    do {
      for (Frame frame; consumer.connection.next(frame);) take(consumer, frame);
    } while (consumer.connection.fill());
    consumer.connection.flush();
  }

  void take(Consumer& consumer, const Frame& frame) {
    if (frame.type == FrameType::heartbeat) return;
    Reader reader(frame.payload);
    if (frame.type == FrameType::method) {
      const auto id = static_cast<uint32_t>(reader.i32());
      if (id == basic_qos_ok) {
        if (++at_barrier_ == consumers_.size()) consume_seconds_ = seconds_so_far();
        return;
      }
      if (id != basic_deliver) Connection::unexpected(id, frame.payload.substr(4));
      reader.bytes(static_cast<uint8_t>(reader.i8()));
      consumer.tag = static_cast<uint64_t>(reader.i64());
    } else if (frame.type == FrameType::header) {
      reader.i32();
      consumer.body_left = static_cast<size_t>(reader.i64());
      consumer.body_at = 0;
      if (consumer.body_left == 0) delivered(consumer);
    } else {
      const size_t stamp_left =
          std::min(stamp_bytes - std::min<size_t>(consumer.body_at, stamp_bytes), frame.payload.size());
      if (stamp_left > 0) std::copy_n(frame.payload.data(), stamp_left, consumer.stamp + consumer.body_at);
      consumer.body_at += frame.payload.size();
      if (consumer.body_at >= consumer.body_left) delivered(consumer);
    }
  }

  void delivered(Consumer& consumer) {
    if (stamped()) {
      const auto sequence = read_at<uint64_t>(consumer.stamp + 8);
      if (sequence >= next_) fail("a message of another run: give each its own --name");
      if (sequence >= seen_.size()) seen_.resize(std::max(sequence + 1, 2 * seen_.size()));
      if (++seen_[sequence] > copies_) errors_.broken("a message that came twice");
      if (sequence >= first_measured_) delay_ns_.add(now_ns() - read_at<int64_t>(consumer.stamp));
    }
    if (!settings_.auto_ack)
      FrameWriter(consumer.connection.out()).method(the_channel, basic_ack).put(consumer.tag).put(uint8_t{0}).end();
    ++received_;
    ask_when_all_came();
  }

  void ask_when_all_came() {
    if (messages_ == no_end || received_ != messages_ * copies_) return;
    for (const auto& each : consumers_) barrier(each->connection);
  }

  void check_complete() {
    if (settings_.consumers == 0 || !stamped()) return;
    seen_.resize(messages_);
    for (const uint8_t count : seen_)
      if (count != copies_) return errors_.broken("messages that came not as often as they should");
  }

  int report(double seconds, double cpu) const {
    Line line("flow");
    line.whole("messages", messages_).whole("bytes", messages_ * static_cast<uint64_t>(settings_.bytes));
    line.number("seconds", seconds);
    if (settings_.publishers > 0)
      line.number("published_per_s", static_cast<double>(messages_) / publish_seconds_)
          .json("confirm_ms", confirm_ns_.json());
    if (settings_.consumers > 0)
      line.number("consumed_per_s", static_cast<double>(received_) / consume_seconds_)
          .json("delay_ms", delay_ns_.json());
    line.number("load_cpu", cpu / seconds);
    return conclude(line, errors_);
  }

  const Settings& settings_;
  uint64_t messages_;  // no_end until the time is over
  const uint64_t copies_, first_measured_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::string> messages_of_;  // by queue, whole frames
  std::vector<size_t> stamp_at_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::vector<std::unique_ptr<Consumer>> consumers_;
  std::vector<uint8_t> seen_;  // by sequence: how often it came
  Histogram confirm_ns_, delay_ns_;
  Errors errors_;
  int64_t start_ns_ = 0;
  uint64_t next_ = 0, confirmed_ = 0, received_ = 0;
  size_t published_ = 0, at_barrier_ = 0;
  double publish_seconds_ = 0, consume_seconds_ = 0;
};

}  // namespace

int run_flow(const Settings& settings) { return Flow(settings).run(); }

}  // namespace naru::load::amqp
