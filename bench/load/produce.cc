// produce: every connection keeps `in_flight` requests under way, each with one full batch. The batch is
// built once and shared; per request only the correlation id changes, so the broker is the limit, not us.
#include <algorithm>
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

constexpr int64_t silence_ns_max = 60'000'000'000;
constexpr uint64_t tag_batch = 0, tag_last = 1;

class Producer {
 public:
  explicit Producer(const Options& options)
      : options_(options),
        acks_(acks_of(options)),
        batch_(full_batch(static_cast<size_t>(options.record_bytes), static_cast<size_t>(options.batch_bytes))) {
    Admin(options.broker).ensure_topic(options.topic, static_cast<int32_t>(options.partitions));
    for (int32_t partition = 0; partition < options.partitions; ++partition)
      heads_.push_back(produce_head(options.topic, partition, acks_, batch_.bytes.size()));
    for (int64_t i = 0; i < options.connections; ++i) {
      senders_.push_back({std::make_unique<Connection>(options.broker),
                          static_cast<size_t>(i * options.partitions / options.connections)});
      poller_.add(*senders_.back().connection);
    }
  }

  int run() {
    const double cpu_before = cpu_seconds();
    start_ns_ = now_ns();
    for (Sender& sender : senders_) refill(sender);
    while (closed_ < senders_.size()) {
      if (poller_.wait(silence_ns_max).empty()) fail("the broker was silent for a minute");
      for (Sender& sender : senders_) {
        receive(sender);
        refill(sender);
      }
    }
    return report(static_cast<double>(now_ns() - start_ns_) / 1e9, cpu_seconds() - cpu_before);
  }

 private:
  struct Sender {
    std::unique_ptr<Connection> connection;
    size_t next_partition;
    bool is_last_sent = false;
  };

  bool is_over() const {
    if (options_.bytes > 0 && sent_batches_ * batch_.bytes.size() >= static_cast<uint64_t>(options_.bytes)) return true;
    return options_.seconds > 0 && static_cast<double>(now_ns() - start_ns_) >= options_.seconds * 1e9;
  }

  void refill(Sender& sender) {
    Connection& connection = *sender.connection;
    const auto in_flight = static_cast<size_t>(options_.in_flight);
    while (!sender.is_last_sent && std::max(connection.unanswered(), connection.unsent()) < in_flight) {
      if (is_over()) {
        // An answer to this one says that the broker has read all that came before, which acks=0 alone never does.
        sender.is_last_sent = true;
        connection.send(finish(begin(api_versions_api)), {}, tag_last);
        return;
      }
      connection.send(heads_[sender.next_partition], batch_.bytes, tag_batch,
                      acks_ == 0 ? Connection::Expect::nothing : Connection::Expect::answer);
      sender.next_partition = (sender.next_partition + 1) % heads_.size();
      ++sent_batches_;
    }
  }

  void receive(Sender& sender) {
    while (const auto answer = sender.connection->next_answer()) {
      if (answer->tag == tag_last) {
        ++closed_;
        continue;
      }
      latency_.add(now_ns() - answer->sent_ns);
      errors_.add(produced(answer->body).error);
    }
  }

  int report(double seconds, double cpu) const {
    const auto batches = static_cast<double>(sent_batches_);
    Line line("produce");
    line.number("records_per_s", batches * batch_.records / seconds)
        .number("mb_per_s", batches * static_cast<double>(batch_.bytes.size()) / seconds / 1e6)
        .whole("records", sent_batches_ * batch_.records)
        .whole("bytes", sent_batches_ * batch_.bytes.size())
        .number("seconds", seconds)
        .json("latency_ms", latency_.json())
        .number("load_cpu", cpu / seconds);
    return conclude(line, errors_);
  }

  const Options& options_;
  const int16_t acks_;
  const Batch batch_;
  std::vector<std::string> heads_;  // by partition
  std::vector<Sender> senders_;
  Poller poller_;
  Histogram latency_;
  Errors errors_;
  int64_t start_ns_ = 0;
  uint64_t sent_batches_ = 0;
  size_t closed_ = 0;
};

}  // namespace

int16_t acks_of(const Options& options) {
  return options.acks == "all" ? int16_t{-1} : static_cast<int16_t>(options.acks[0] - '0');
}

int run_produce(const Options& options) { return Producer(options).run(); }

}  // namespace naru::load
