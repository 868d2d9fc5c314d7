// e2e: record i is due at start + i / rate, whatever the broker does. Its value says when it was due, and
// the consumer, which lives in this same thread and clock, subtracts. Records that wait because a
// connection already has its requests under way wait on their own account, as in a real client.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "admin.h"
#include "connection.h"
#include "fail.h"
#include "histogram.h"
#include "modes.h"
#include "record_batch.h"
#include "report.h"

namespace naru::load {
namespace {

constexpr int64_t drain_ns_max = 15'000'000'000;

class EndToEnd {
 public:
  explicit EndToEnd(const Options& options)
      : options_(options),
        acks_(acks_of(options)),
        total_(static_cast<int64_t>(options.rate * (options.seconds + options.warmup_seconds))),
        first_measured_(static_cast<int64_t>(options.rate * options.warmup_seconds)),
        batch_records_max_(std::max<size_t>(
            1, static_cast<size_t>(options.batch_bytes) / (static_cast<size_t>(options.record_bytes) + 16))),
        seen_(static_cast<size_t>(total_), false) {
    Admin admin(options.broker);
    admin.ensure_topic(options.topic, static_cast<int32_t>(options.partitions));
    const auto ends = admin.ends(options.topic, static_cast<int32_t>(options.partitions));
    for (int64_t i = 0; i < options.connections; ++i)
      poller_.add(*producers_.emplace_back(std::make_unique<Connection>(options.broker)));
    for (int64_t i = 0; i < options.consumers; ++i) {
      consumers_.push_back({std::make_unique<Connection>(options.broker), {}});
      poller_.add(*consumers_.back().connection);
    }
    for (int32_t partition = 0; partition < options.partitions; ++partition)
      consumers_[static_cast<size_t>(partition % options.consumers)].positions.push_back(
          {partition, ends[static_cast<size_t>(partition)]});
  }

  int run() {
    const double cpu_before = cpu_seconds();
    for (Consumer& consumer : consumers_) fetch(consumer);  // parked before the first record is sent
    start_ns_ = now_ns() + 100'000'000;
    const int64_t end_ns = due_ns(total_);
    while (received_ < total_ || acked_ < total_) {
      const int64_t now = now_ns();
      if (now > end_ns + drain_ns_max) {
        errors_.broken("records never arrived or were never acknowledged");
        break;
      }
      send_what_is_due(now);
      poller_.wait(std::max<int64_t>(next_wake_ns(now) - now_ns(), 0));
      for (auto& producer : producers_) receive_acks(*producer);
      for (Consumer& consumer : consumers_) receive_records(consumer);
    }
    return report(static_cast<double>(now_ns() - start_ns_) / 1e9, cpu_seconds() - cpu_before);
  }

 private:
  struct Consumer {
    std::unique_ptr<Connection> connection;
    std::vector<FetchPosition> positions;
  };

  int64_t due_ns(int64_t sequence) const {
    return start_ns_ + static_cast<int64_t>(static_cast<double>(sequence) * 1e9 / options_.rate);
  }

  /// How many records are due by the last moment at which lingering ended.
  int64_t due_by(int64_t now) const {
    double elapsed_ns = static_cast<double>(now - start_ns_);
    if (elapsed_ns < 0) return 0;
    const double linger_ns = options_.linger_ms * 1e6;
    if (linger_ns > 0) elapsed_ns = std::floor(elapsed_ns / linger_ns) * linger_ns;
    const auto due = static_cast<int64_t>(elapsed_ns * options_.rate / 1e9) + (linger_ns > 0 ? 0 : 1);
    return std::min(due, total_);
  }

  int64_t next_wake_ns(int64_t now) const {
    constexpr int64_t a_while_ns = 100'000'000;
    if (sent_ == total_ || is_held_up_) return now + a_while_ns;  // an answer wakes us
    const auto linger_ns = static_cast<int64_t>(options_.linger_ms * 1e6);
    if (linger_ns == 0) return due_ns(sent_);
    const int64_t elapsed_ns = std::max<int64_t>(now - start_ns_, -1);
    return start_ns_ + (elapsed_ns / linger_ns + 1) * linger_ns;
  }

  Connection* free_producer() {
    for (size_t tried = 0; tried < producers_.size(); ++tried) {
      Connection& producer = *producers_[next_producer_++ % producers_.size()];
      if (producer.unanswered() < static_cast<size_t>(options_.in_flight)) return &producer;
    }
    return nullptr;
  }

  // One batch per partition in turn, as a sticky partitioner does.
  void send_what_is_due(int64_t now) {
    const int64_t due = due_by(now);
    is_held_up_ = false;
    while (sent_ < due) {
      Connection* producer = free_producer();
      if (producer == nullptr) {
        is_held_up_ = true;
        return;
      }
      stamps_.clear();
      while (sent_ < due && stamps_.size() < batch_records_max_) {
        stamps_.push_back({due_ns(sent_), sent_});
        ++sent_;
      }
      if (stamps_.front().sequence >= first_measured_) late_.add(now_ns() - stamps_.back().scheduled_ns);
      const Batch batch = stamped_batch(stamps_, static_cast<size_t>(options_.record_bytes));
      const auto partition = static_cast<int32_t>(next_partition_++ % static_cast<uint64_t>(options_.partitions));
      std::string frame = produce_head(options_.topic, partition, acks_, batch.bytes.size()) + batch.bytes;
      producer->send(std::move(frame), {}, stamps_.size());
      ++batches_;
    }
  }

  void receive_acks(Connection& producer) {
    while (const auto answer = producer.next_answer()) {
      const ProducedPartition partition = produced(answer->body);
      errors_.add(partition.error);
      acked_ += static_cast<int64_t>(answer->tag);
      if (acked_ > first_measured_) ack_.add(now_ns() - answer->sent_ns);
    }
  }

  void fetch(Consumer& consumer) {
    const auto bytes_max = static_cast<int32_t>(options_.fetch_bytes);
    consumer.connection->send(fetch_request(options_.topic, consumer.positions, {500, 1, bytes_max, bytes_max}), {}, 0);
  }

  void receive_records(Consumer& consumer) {
    while (const auto answer = consumer.connection->next_answer()) {
      const int64_t now = now_ns();
      fetched(answer->body, answer_);
      errors_.add(answer_.error);
      for (const FetchedPartition& partition : answer_.partitions) {
        errors_.add(partition.error);
        const auto position = std::ranges::find(consumer.positions, partition.partition, &FetchPosition::partition);
        if (position == consumer.positions.end())
          fail("an answer for partition %d, not asked for", partition.partition);
        std::string_view records = partition.records;
        for (BatchView batch; next_batch(records, batch);) {
          if (batch.base_offset != position->offset) errors_.broken("a batch that does not begin where the last ended");
          position->offset = batch.next_offset();
          for_each_stamp(batch, [&](const Stamp& stamp) { receive(stamp, now); });
        }
      }
      fetch(consumer);
    }
  }

  void receive(const Stamp& stamp, int64_t now) {
    if (stamp.sequence < 0 || stamp.sequence >= sent_ || stamp.scheduled_ns < start_ns_)
      fail("a record of another run: give each e2e its own topic");
    if (seen_[static_cast<size_t>(stamp.sequence)]) return errors_.broken("a record that arrived twice");
    seen_[static_cast<size_t>(stamp.sequence)] = true;
    ++received_;
    if (stamp.sequence >= first_measured_) delay_.add(now - stamp.scheduled_ns);
  }

  int report(double seconds, double cpu) const {
    Line line("e2e");
    line.number("rate", options_.rate)
        .number("received_per_s", static_cast<double>(received_) / seconds)
        .whole("records", delay_.total())
        .number("records_per_batch", static_cast<double>(sent_) / static_cast<double>(std::max<uint64_t>(batches_, 1)))
        .json("e2e_ms", delay_.json())
        .json("ack_ms", ack_.json())
        .json("sent_after_due_ms", late_.json())
        .number("load_cpu", cpu / seconds);
    return conclude(line, errors_);
  }

  const Options& options_;
  const int16_t acks_;
  const int64_t total_, first_measured_;
  const size_t batch_records_max_;
  std::vector<std::unique_ptr<Connection>> producers_;
  std::vector<Consumer> consumers_;
  Poller poller_;
  std::vector<Stamp> stamps_;
  std::vector<bool> seen_;  // by sequence
  Fetched answer_;
  Histogram delay_, ack_, late_;
  Errors errors_;
  int64_t start_ns_ = 0, sent_ = 0, acked_ = 0, received_ = 0;
  uint64_t next_producer_ = 0, next_partition_ = 0, batches_ = 0;
  bool is_held_up_ = false;
};

}  // namespace

int run_e2e(const Options& options) { return EndToEnd(options).run(); }

}  // namespace naru::load
