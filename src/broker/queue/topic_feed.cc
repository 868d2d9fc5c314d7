#include "broker/queue/topic_feed.h"

#include "base/murmur2.h"
#include "broker/queue/queue_host.h"
#include "io/logger.h"
#include "log/producer_window.h"

namespace naru {
namespace {

constexpr size_t bytes_at_once = 256 * KiB;
constexpr size_t record_overhead = 64;    // lengths and deltas, at most
constexpr io::Millis retry_ms = 500;      // while the disk is full
constexpr int64_t keyless_together = 64;  // records without a key go to the same partition, and so into one batch
constexpr size_t codec_bytes_here = 4 * KiB;

constexpr int sequence_bits = 31;
constexpr int partition_bits = 14;

// An offset as an idempotent producer's epoch and sequence number, and back.
int16_t epoch_of(Offset offset) { return static_cast<int16_t>((offset.value >> sequence_bits) & INT16_MAX); }
int32_t sequence_of(Offset offset) { return static_cast<int32_t>(offset.value & INT32_MAX); }
Offset offset_of(const ProducerWindow::Last& last) {
  return Offset(int64_t{last.epoch} << sequence_bits | last.sequence);
}

size_t size_of(const StoredRecord& record) {
  return record_overhead + record.key.value_or(ByteView()).size() + record.body().size() + record.headers.raw().size();
}

}  // namespace

TopicFeed::TopicFeed(Queue& queue, QueueHost& host)
    : queue_(queue), host_(host), retry_(host.loop, [this] { try_again(); }) {
  exclusive = true;
}

void TopicFeed::look(const Catalog& catalog) {
  bool was_there = topic_ != nullptr;
  topic_ = catalog.find(*queue_.settings().to_topic);
  if (topic_ && topic_->queue) topic_ = nullptr;  // of a queue that came to this name later
  if (was_there && !topic_)
    io::log(io::Level::warning, "a queue's topic is gone: messages wait for one of its name",
            {{"queue", queue_.name}, {"topic", *queue_.settings().to_topic}});
  go_on();
}

void TopicFeed::go_on() {
  if (!gone_ && can_take()) queue_.wake(*this);
}

void TopicFeed::queue_gone(Queue&) {
  gone_ = true;
  retry_.cancel();
}

bool TopicFeed::can_take() const {
  return topic_ && !sending_ && !pausing_ && !left_over_ && !refused_ && taken_bytes_ < bytes_at_once;
}

/// With other partitions messages go elsewhere, and what was seen there says nothing: rather twice than never.
int64_t TopicFeed::producer_id(const Topic& topic) const {
  auto count = static_cast<int64_t>(topic.partitions.size()) & ((1 << partition_bits) - 1);
  return feed_producers | static_cast<int64_t>(queue_.id()) << partition_bits | count;
}

/// Where Kafka's Java producer would put it. Always the same for the same message: after a crash it is looked for
/// there.
int32_t TopicFeed::partition_of(const StoredRecord& record) const {
  auto count = static_cast<int32_t>(topic_->partitions.size());
  if (record.key) return static_cast<int32_t>(murmur2(*record.key) & INT32_MAX) % count;
  return static_cast<int32_t>((record.offset.value / keyless_together) % count);
}

/// False if the batch would be larger than the topic takes, or its numbers go round.
bool TopicFeed::add(int32_t partition, const Delivery& delivery, size_t bytes) {
  BatchOptions options;
  if (topic_->compression) options.codec = topic_->compression->codec, options.level = topic_->compression->level;
  Bunch& bunch = bunches_.try_emplace(partition, Bunch{BatchBuilder(options), {}}).first->second;
  auto most = std::min(static_cast<size_t>(topic_->message_bytes_max), static_cast<size_t>(topic_->log.segment_bytes));
  if (!bunch.ids.empty() && bunch.builder.bytes() + bytes > most) return false;
  if (!bunch.ids.empty() && epoch_of(bunch.ids.front().offset) != epoch_of(delivery.id.offset)) return false;
  std::vector<Header> headers;
  for (const Header& header : delivery.record.headers) headers.push_back(header);
  bunch.builder.add({.timestamp = delivery.record.timestamp,
                     .key = delivery.record.key,
                     .value = delivery.record.value,
                     .headers = headers});
  bunch.ids.push_back(delivery.id);
  return true;
}

void TopicFeed::take(Queue&, const Delivery& delivery) {
  size_t bytes = size_of(delivery.record);
  bool fits = bytes + batch_header_bytes <= static_cast<size_t>(topic_->message_bytes_max) &&
              bytes + batch_header_bytes <= topic_->log.segment_bytes;
  bool has_key = delivery.record.key || !topic_->log.compact;
  if (!fits || !has_key) {
    refused_ = delivery.id;
  } else if (!add(partition_of(delivery.record), delivery, bytes)) {
    left_over_ = delivery.id;
  }
  taken_bytes_ += bytes;
  if (std::exchange(planned_, true)) return;
  host_.loop.post([self = shared_from_this()] { self->send().detach(); });
}

io::Task<> TopicFeed::send() {
  planned_ = false;
  if (gone_) co_return;
  auto self = shared_from_this();
  auto queue = queue_.shared_from_this();
  sending_ = true;
  host_.count_sending(+1);
  host_.core.budget.overdraw(taken_bytes_);
  io::Reserved counted(host_.core.budget, taken_bytes_);
  TopicPtr topic = topic_;  // it may be another one than a moment ago
  auto bunches = std::exchange(bunches_, {});
  std::vector<io::Task<bool>> sends;
  for (auto& [partition, bunch] : bunches) sends.push_back(send_to(topic, partition, bunch));
  bool all = true;
  for (auto& one : sends) all &= co_await one;
  if (auto id = std::exchange(left_over_, {})) settle({*id}, Offset(-1));
  refuse();
  host_.count_sending(-1);
  taken_bytes_ = 0;
  sending_ = false;
  pausing_ = !gone_ && (!all || refused_);
  if (pausing_) retry_.arm(host_.loop.now() + retry_ms);
  go_on();
}

/// What was refused may have to wait for room where dead letters go: then all that is behind it waits.
void TopicFeed::try_again() {
  if (refused_ && queue_.is_done(*refused_)) refused_.reset();
  pausing_ = refused_.has_value();
  if (pausing_) retry_.arm(host_.loop.now() + retry_ms);
  go_on();
}

/// False if some of it is back in the queue.
io::Task<bool> TopicFeed::send_to(TopicPtr topic, int32_t partition, Bunch& bunch) {
  Result<Bytes> batch = fail(Code::closed);
  auto finish = [&] {
    batch = bunch.builder.finish();
    return true;
  };
  if (topic && topic->compression && bunch.builder.bytes() > codec_bytes_here)
    co_await io::work(host_.loop, io::Lane::codec, finish);
  else
    finish();
  Offset done(-1);
  bool has_partition = topic && static_cast<size_t>(partition) < topic->partitions.size();
  if (has_partition && batch) {
    auto work = [&](Core& there) { return append(there, *topic, partition, bunch, std::move(*batch)); };
    Core& owner = host_.core.broker.owner(topic->partitions[static_cast<size_t>(partition)]);
    // An offset of the queue means one message for ever only when it is on disk: what is faster there, a topic of
    // level `os` or another core's journal, would know a number that after a crash is the next message's.
    Result<void> here = co_await host_.store.durable_if_space(host_.store.journal().end());
    Result<Offset> appended = fail(Code::full);
    if (here) appended = co_await on(host_.core, owner, work);
    if (appended) done = *appended;
  }
  settle(bunch.ids, done);
  co_return done == bunch.ids.back().offset;
}

/// On the owner of the partition. Returns up to which offset of the queue the topic has all that goes there, durably.
io::Task<Result<Offset>> TopicFeed::append(Core& owner, const Topic& topic, int32_t partition, Bunch& bunch,
                                           Bytes batch) {
  co_await owner.store.journal().room();
  Log* log = owner.find_log(topic, partition);
  if (!log) co_return fail(Code::closed, "the topic is gone");
  Offset first = bunch.ids.front().offset, last = bunch.ids.back().offset;
  JournalPosition position = owner.store.journal().end();
  auto known = log->state().producers.last(producer_id(topic));
  Offset seen = known ? offset_of(*known) : Offset(-1);
  if (seen < first) {
    if (topic.log_append_time) set_log_append_time(batch, owner.loop.wall());
    BatchHeader header = *peek_header(batch);
    header.producer_id = producer_id(topic);
    header.producer_epoch = epoch_of(last);
    // Where offsets have gaps, the first number is not that of the first record: what counts is the last one.
    header.base_sequence = (sequence_of(last) - (header.count - 1)) & INT32_MAX;
    seal_batch(std::span(batch), header);
    CO_TRY(Appended appended, log->append(batch, *peek_header(batch)));
    position = appended.position;
    seen = last;
    owner.note_append(topic.log);
  }
  CO_TRY_VOID(co_await owner.store.durable_if_space(position));
  co_return std::min(seen, last);
}

/// What the topic has is done; the others go back to their places.
void TopicFeed::settle(const std::vector<MessageId>& ids, Offset last) {
  if (gone_) return;
  for (const MessageId& id : ids) id.offset <= last ? queue_.settle(id) : queue_.requeue(id, Return::looked_at);
}

void TopicFeed::refuse() {
  if (!refused_ || gone_) return;
  io::log(io::Level::warning, "a message does not fit into its topic and becomes a dead letter",
          {{"queue", queue_.name}, {"topic", *queue_.settings().to_topic}, {"bytes", refused_->body_bytes}});
  queue_.reject(*refused_);
  if (queue_.is_done(*refused_)) refused_.reset();
}

}  // namespace naru
