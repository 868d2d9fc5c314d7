#pragma once
// One channel: its methods, the message that is being published, its consumers, and what they were given and have not
// acknowledged. The methods are in method/, a file per class.
#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "amqp/consumer.h"
#include "amqp/record_mapping.h"
#include "amqp/transaction.h"
#include "amqp/unsettled.h"
#include "amqp/wire/method.h"
#include "broker/vhost/virtual_hosts.h"
#include "io/budget.h"
#include "io/task.h"

namespace naru::amqp {

class Session;

/// Why a method is not carried out: closes the channel or, if the code is a hard one, the connection.
struct Refusal {
  ReplyCode code{};
  std::string why;
  bool names_method = true;  // whether the method at hand is said to be the culprit
};
using Outcome = std::optional<Refusal>;  // nothing: fine

/// What is being published: method, header, then bodies. Its memory is used again by the next one.
struct Content {
  enum class Awaits : uint8_t { nothing, header, body };
  Awaits awaits = Awaits::nothing;
  bool mandatory = false;
  std::string exchange, routing_key;
  Bytes header;  // as it came; properties borrow it
  Bytes body;    // of several frames, so far
  Properties properties{};
  uint64_t left = 0;    // of the body
  io::Reserved memory;  // of a large body
  uint64_t held = 0;    // bytes without a reservation: Session::holds knows of them
  /// It was published, or never will be.
  void finish();
};
/// What the last publish found: the next one mostly goes the same way.
struct Route {
  std::string exchange, routing_key;
  uint64_t version = 0;  // of the virtual host; 0: a message with this key need not go the same way
  std::vector<std::shared_ptr<Queue>> queues;
};

/// Not a queue: consumed from, and written into reply-to, by who wants answers on its channel (method/reply.cc).
inline constexpr std::string_view answers_name = "amq.rabbitmq.reply-to";
inline bool names_asker(std::string_view key) {
  return key.size() > answers_name.size() && key.starts_with(answers_name) && key[answers_name.size()] == '.';
}

/// A name without line breaks: RabbitMQ strips them in the methods that declare, delete and bind, and nowhere else.
std::string clean_name(std::string_view name);

class Channel {
 public:
  Channel(Session& session, uint16_t number, uint64_t id);
  ~Channel();

  const uint16_t number;
  const uint64_t id;  // unlike the number, not used again
  Session& session() { return session_; }

  /// Publishing and acknowledging, which never wait: nothing if the frame is another's, for handle.
  std::optional<Outcome> handle_now(const Frame& frame);
  /// Any other frame for this channel. The payload stays until the task is done.
  io::Task<Outcome> handle(const Frame& frame);
  /// The method that is being carried out, for the error that it may end in.
  Method method() const { return method_; }
  /// After an error: nothing is listened to but close and close-ok.
  bool is_closing() const { return closing_; }
  /// Gives back what is unacknowledged and ends the consumers.
  void close();

  // For the session:
  bool expects_header() const { return content_.awaits == Content::Awaits::header; }
  bool has_reserved() const { return content_.memory.any(); }
  void reserve(io::Reserved memory) {
    if (expects_header()) content_.memory = std::move(memory);
  }
  /// The last publish that wants a confirm; in a transaction, the last commit.
  uint64_t published() const { return next_publish_ - 1; }
  void confirm(uint64_t up_to);
  void wake_consumers();
  void wake_all();

  // For those who list channels:
  bool is_confirming() const { return confirming_; }
  uint64_t unconfirmed() const { return confirming_ ? published() - last_confirmed_ : 0; }
  size_t unacked() const { return unsettled_.size(); }
  uint16_t prefetch() const { return prefetch_; }
  uint16_t prefetch_all() const { return prefetch_all_; }
  const std::map<std::string, std::unique_ptr<Consumer>, std::less<>>& consumers() const { return consumers_; }

  // For consumers:
  bool may_take(const Consumer& consumer) const;
  void deliver(Consumer& consumer, Queue& queue, const Delivery& delivery);
  void queue_gone(Consumer& consumer);
  /// The tag of what it has held for longest.
  std::optional<uint64_t> oldest_of(const Consumer& consumer);
  /// Destroys it; or closes the channel, where the client would not understand that.
  void timed_out(Consumer& consumer);

 private:
  friend class Consumer;
  // method/exchange.cc
  io::Task<Outcome> exchange_declare(ByteView payload);
  io::Task<Outcome> exchange_delete(ByteView payload);
  io::Task<Outcome> exchange_bind(ByteView payload);
  io::Task<Outcome> exchange_unbind(ByteView payload);
  io::Task<Outcome> make_binding(Binding binding);
  Outcome compare(const ExchangeDefinition& wanted, const Exchange& there) const;
  Outcome source_refusal(const std::string& source, std::string_view key) const;
  Outcome binding_refusal(const Binding& binding) const;
  // method/queue.cc
  Outcome compare(const QueueDefinition& wanted, const DeclaredQueue& there) const;
  Outcome new_queue_refusal(const QueueDefinition& wanted) const;
  io::Task<Outcome> queue_declare(ByteView payload);
  io::Task<Outcome> queue_delete(ByteView payload);
  io::Task<Outcome> queue_bind(ByteView payload);
  io::Task<Outcome> queue_unbind(ByteView payload);
  Outcome queue_purge(ByteView payload);
  // method/publish.cc
  Outcome basic_publish(ByteView payload);
  Outcome content_header(ByteView payload);
  Outcome content_body(ByteView payload);
  void count_content();
  void end_content();
  Outcome publish(ByteView body);
  Outcome check_exchange() const;
  Outcome check_properties() const;
  Outcome gather_keys(bool* has_bcc);
  void route();
  void answer_copies(ByteView body);
  bool hand_over(ByteView body, bool has_bcc);
  bool hand_to_queues(ByteView body, bool has_bcc);
  void send_return(ReplyCode code, ByteView body);
  Outcome confirm_select(ByteView payload);
  // method/tx.cc
  Outcome tx_select();
  Outcome tx_commit();
  Outcome tx_rollback();
  Outcome stage(ByteView body, bool has_bcc);
  void take_back_staged();
  void forget_transaction();
  // method/reply.cc
  Outcome consume_answers(const BasicConsume& consume);
  void stop_answers();
  Outcome declare_answers(const std::string& name, bool nowait);
  bool answer(std::string_view name, ByteView body);
  void take_answer(const MappedMessage& message);
  // method/consume.cc
  Outcome basic_qos(ByteView payload);
  void count_earlier_gets();
  Outcome basic_consume(ByteView payload);
  Outcome basic_cancel(ByteView payload);
  io::Task<Outcome> basic_get(ByteView payload);
  Outcome basic_ack(ByteView payload);
  Outcome basic_nack(ByteView payload);
  Outcome basic_reject(ByteView payload);
  Outcome basic_recover(ByteView payload, bool answer);
  Outcome settle(uint64_t tag, bool multiple, Settlement how, bool is_nack = true);
  uint64_t hand_out(const std::shared_ptr<Queue>& queue, const MessageId& id, uint64_t consumer);
  void tell_cancelled(std::string_view tag);
  void finished(const Unacked& unacked);
  MappedMessage read(Queue& queue, const Delivery& delivery, bool is_fetched, FieldTable& headers);
  Outcome check_stream_consumer(FieldTableView arguments, const DeclaredQueue& queue, Consumer& consumer);
  void track(FieldTableView arguments, const DeclaredQueue& queue, Consumer& consumer);
  Outcome set_timeout(FieldTableView arguments, const DeclaredQueue& queue, Consumer& consumer);
  Outcome set_start(FieldTableView arguments, std::string_view name, const DeclaredQueue& queue, Consumer& consumer);

  /// Refuses what a stream cannot do.
  Outcome not_for_streams(std::string_view what, const Queue& queue) const;
  /// The queue of this name, or the last declared one if it is empty.
  std::expected<DeclaredQueue*, Refusal> find_queue(std::string_view name, std::string* resolved);
  /// The name of the queue that queue.bind, unbind and delete mean: without line breaks, and the one declared last if
  /// nothing was given.
  std::expected<std::string, Refusal> stripped_queue_name(std::string_view given) const;
  /// The queue of exactly this name.
  std::expected<DeclaredQueue*, Refusal> existing_queue(std::string_view name);
  static Refusal none_declared();
  /// Nothing if the user may do this with the queue of this name, or with the last declared one.
  Outcome queue_refusal(Operation operation, std::string_view name) const;
  Refusal locked(std::string_view queue) const;
  static Refusal malformed(const Error& error, ByteView payload);

  Session& session_;
  Method method_{};
  bool closing_ = false, is_waking_ = false;
  std::string last_queue_;

  Content content_;
  std::vector<std::string_view> more_keys_;  // of that, from CC and BCC
  Route route_;
  Bytes scratch_;
  bool confirming_ = false;
  uint64_t next_publish_ = 1, last_confirmed_ = 0;
  std::set<uint64_t> nacked_;  // refused, and not yet passed by last_confirmed_
  std::unique_ptr<Transaction> transaction_;

  uint16_t prefetch_ = 0, prefetch_all_ = 0;                 // per consumer that comes; of the whole channel. 0: any
  std::vector<std::string>* cancelled_ = nullptr;            // while they are told later
  std::unordered_map<uint64_t, Consumer*> consumers_by_id_;  // they put themselves in and out
  std::map<std::string, std::unique_ptr<Consumer>, std::less<>> consumers_;
  uint64_t last_consumer_ = 0;
  Unsettled unsettled_;
  std::set<uint64_t> reclaimed_;  // tags that a consumer had for too long: a late answer means nothing
  uint32_t outstanding_ = 0;      // of these, to be counted against prefetch_all_

  struct Answers {
    std::string tag, name;  // of the consumer; where answers are sent to
  };
  std::optional<Answers> answers_;
};

}  // namespace naru::amqp
