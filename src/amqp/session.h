#pragma once
// One AMQP 0-9-1 connection: the login, frames in, channels, frames out, heartbeats, and the end (AMQP 0-9-1, 2.2;
// RabbitMQ's behaviour is in docs/rabbitmq-compatibility.md). Lives on core 0, where the queues are.
#include <deque>
#include <map>
#include <memory>

#include "amqp/channel.h"
#include "amqp/wire/method.h"
#include "amqp/wire/protocol_header.h"
#include "broker/alarms.h"
#include "broker/core.h"
#include "broker/queue/queue_host.h"
#include "broker/vhost/virtual_hosts.h"
#include "io/buffer_pool.h"
#include "io/pace.h"
#include "io/tls.h"

namespace naru::amqp {

class Session;

/// What all AMQP sessions of one core share.
struct Door {
  Core& core;
  QueueHost& queues;
  VirtualHosts& hosts;
  Users& users;
  Parameters& parameters;
  io::BufferPool buffers{};
  std::set<Session*> sessions{};
  std::set<Session*> starved{};  // get nothing for want of memory
  StreamOffsets stream_offsets{core, hosts};
  std::map<std::string, Channel*, std::less<>> askers{};  // channels that take answers, by the name they go to
  uint64_t staged_bytes = 0;                              // of messages that wait for a tx.commit
  uint64_t beginners = 0;                                 // sessions that hold parts of messages
  uint64_t unread_bytes = 0;                              // that clients have not taken, where it is more than a little
  Alarms* alarms = nullptr;
  bool stopping = false;
  bool login_by_common_name = true;  // EXTERNAL: else by the certificate's distinguished name
  uint16_t port = 0, tls_port = 0;   // that clients connect to

  /// Not while memory is short; and while others wait in line for some, what was handed out may have half of it, or who
  /// reads slowly and steadily would never let them in.
  bool may_hand_out() const {
    const io::Budget& budget = core.budget;
    return !budget.is_overdrawn() && !(budget.has_line() && unread_bytes > budget.total() / 2);
  }
  /// This one is told when something is handed out again.
  void starve(Session& session);
  /// Their connections end.
  void user_removed(const std::string& user);
  void host_removed(const VirtualHost& host);
  void close_if(const std::function<bool(const Session&)>& is_meant, const std::string& reason);
};

/// Of the body that a content header begins.
inline uint64_t announced_bytes(ByteView header) {
  return header.size() < 12 ? 0 : load_be<uint64_t>(header.data() + 4);
}
inline constexpr uint64_t small_body = 64 * KiB;  // is let in whatever memory there is

class Session final : TurnWaiter {
 public:
  /// `tls` tells who the peer is, if the stream is secure; lives as long as it.
  Session(Door& door, std::unique_ptr<io::Stream> stream, uint64_t id, const io::TlsPeer* tls);
  ~Session() override;

  /// Serves until the connection ends; the session may be destroyed then.
  io::Task<> run();
  /// Tells the client that the broker goes away, and ends soon.
  void stop();
  /// The same, for a reason that an administrator gave or caused.
  void force_close(const std::string& reason);
  /// Ends now.
  void close() { stream_->close(); }

  // What channels use:
  const uint64_t id;
  Door& door() { return door_; }
  const Door& door() const { return door_; }
  VirtualHost& host() { return *host_; }
  const VirtualHost& host() const { return *host_; }
  bool has_host() const { return host_ != nullptr && state_ == State::open; }
  const std::string& user() const { return user_; }
  /// For those who list connections.
  struct Facts {
    std::string peer, local_host, mechanism;
    FieldTableView client_properties;
    uint32_t frame_max, channel_max, heartbeat_s;
    int64_t connected_ms;  // since 1970
    uint64_t bytes_in, bytes_out;
    bool blocked;
    const io::TlsPeer* tls;  // null: it is not secure
  };
  Facts facts() const;
  const std::map<uint16_t, std::unique_ptr<Channel>>& channels() const { return channels_; }
  /// Nothing if the user may do this; the default exchange is amq.default here.
  std::optional<Refusal> refusal(Operation operation, std::string_view kind, std::string_view name) const;
  /// The same for a routing key, where the exchange is a topic exchange.
  std::optional<Refusal> topic_refusal(Operation operation, const Exchange& exchange, std::string_view key) const;
  /// Whether publishing to this exchange was allowed, whatever the routing key, and nothing has changed since.
  bool may_publish(std::string_view exchange) const {
    return may_publish_version_ == door_.users.version() && may_publish_ == exchange;
  }
  /// Whether messages may say that they are another user's.
  bool may_impersonate() const;
  std::optional<Refusal> publish_refusal(std::string_view exchange, std::string_view key);
  /// Whether the client said that it understands this extension.
  bool client_can(std::string_view capability) const;
  uint32_t frame_max() const { return frame_max_; }
  RecordMaker& records() { return records_; }
  /// Something is being published: this client waits if there is an alarm.
  void note_publish() { has_published_ = true; }
  /// Where frames for the client are appended; then call written().
  Bytes& out() { return out_; }
  void written();
  template <class M>
  void send(uint16_t channel, const M& method) {
    append_method(out_, channel, method);
    written();
  }
  /// What the client has not taken yet.
  uint64_t queued() const { return stream_->queued() + out_.size(); }
  /// Whether the client takes what it is sent; else woken later (Channel::wake_consumers).
  bool takes_more();
  enum class Room : uint8_t { there, none, for_nobody /* the connection ends */ };
  io::Task<Room> room_for_large();
  /// The channel has published something that it wants confirmed: Channel::confirm will be called.
  void confirm_after_turn(Channel& channel);
  void wake_consumers();
  /// Channel::wake_all is called later in this turn.
  void wake_later(const Channel& channel);
  void forget(Channel& channel);
  /// A channel has so many bytes more of messages whose end is still to come.
  void holds(int64_t more) { contents_bytes_ += more; }
  /// The channel was closed by an error: tells the client, and waits for its close-ok.
  void close_channel(Channel& channel, const Refusal& refusal);

 private:
  enum class State : uint8_t { greeting, starting, tuning, opening, open, closing };
  struct Confirm {
    JournalPosition position;
    uint16_t channel;
    uint64_t channel_id, up_to;
  };

  io::Task<bool> read_more();
  std::optional<bool> handle_now(const Frame& frame);
  io::Task<bool> handle(const Frame& frame);
  io::Task<bool> handle_connection(const Frame& frame);
  io::Task<bool> handle_channel(const Frame& frame);
  io::Task<> make_room(Channel& channel, ByteView header);
  Channel* find_channel(uint16_t number) const;
  bool refuse_on(Channel& channel, const Refusal& refusal);
  bool open_channel(uint16_t number, ByteView payload);
  // login.cc
  bool greet();
  bool start_ok(ByteView payload);
  bool tune_ok(ByteView payload);
  bool open(ByteView payload);
  bool login(std::string_view mechanism, std::string_view response);
  std::optional<Refusal> open_refusal(const std::string& vhost) const;
  bool refuse(const Refusal& refusal, Method method = {});
  io::Task<> end();
  void on_appended(JournalPosition position) override;
  io::Task<> confirm();
  void flush();
  io::Task<> unchoke();
  void beat();
  io::Task<> hold_back();
  void begin_watch();
  void count_unread();
  io::Task<> uncount_unread();
  void set_unread(uint64_t bytes);
  bool is_deaf(bool wanted);
  bool has_bodies() const;
  bool has_begun() const;
  uint64_t work_done() const;
  void has_run();
  io::Task<> flow();
  bool must_wait();
  bool count_unfinished();
  void set_unfinished(uint64_t bytes);
  uint64_t unfinished_max() const;
  void watch();

  Door& door_;
  Core& core_;
  std::unique_ptr<io::Stream> stream_;
  const io::TlsPeer* tls_;
  State state_ = State::greeting;
  FrameReader frames_;
  io::PooledBuffer buffer_;
  RecordMaker records_;
  Bytes greeting_;  // until the protocol header is there
  Bytes out_;
  bool flush_planned_ = false, choked_ = false, broken_ = false, failed_login_ = false, blocked_told_ = false;
  bool confirming_ = false, peer_gone_ = false;
  bool has_published_ = false;  // among what was read last
  int running_ = 0;             // coroutines beside run(), and what was posted
  std::vector<io::Wakeup*> idle_waiters_;
  std::vector<uint16_t> to_wake_;  // channels

  FieldTable client_properties_;
  std::string mechanism_;
  int64_t connected_ms_ = 0;
  uint64_t bytes_in_ = 0, bytes_out_ = 0;
  std::string user_;
  VirtualHost* host_ = nullptr;
  /// The last thing that was allowed: who polls a queue asks the same again and again.
  mutable struct {
    uint64_t version = 0;
    Operation operation{};
    std::string name;
  } allowed_;
  std::string may_publish_;
  uint64_t may_publish_version_ = 0;
  uint32_t frame_max_ = initial_frame_max;
  uint16_t channel_max_ = 2047;
  io::Millis heartbeat_ms_ = 0, last_in_ = 0, last_out_ = 0, last_bytes_ = 0;
  io::Millis last_taken_ = 0;  // when it was seen to take what is sent, or was listened to
  uint64_t taken_before_ = 0;
  io::Pace pace_;
  io::Reserved unread_;  // of what is sent: more than a little, which the client has not taken
  bool is_counting_unread_ = false;
  uint64_t taken_at_look_ = 0;  // bytes that the client had taken when the watchdog looked
  int slow_looks_ = 0;          // at which it had taken hardly anything more
  io::Timer heart_, watchdog_;
  int64_t contents_bytes_ = 0;  // see holds
  io::Reserved unfinished_;     // what is held of frames and messages whose end is still to come
  bool reading_ = false;        // nothing but the client is waited for
  bool held_back_ = false;

  std::map<uint16_t, std::unique_ptr<Channel>> channels_;
  uint64_t last_channel_ = 0;
  std::vector<Channel*> unconfirmed_;  // channels that published in this turn
  std::deque<Confirm> confirms_;
};

}  // namespace naru::amqp
