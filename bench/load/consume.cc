// consume: every connection reads its partitions from the start, one fetch under way, as real consumers
// do. At the high watermark it begins anew, so the amount read does not depend on the amount stored.
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
constexpr int fruitless_fetches_max = 1000;

class Consumer {
 public:
  explicit Consumer(const Options& options) : options_(options) {
    Admin admin(options.broker);
    admin.ensure_topic(options.topic, static_cast<int32_t>(options.partitions));
    const auto ends = admin.ends(options.topic, static_cast<int32_t>(options.partitions));
    if (std::ranges::max(ends) == 0) fail("topic %s is empty: produce to it first", options.topic.c_str());
    for (int64_t i = 0; i < options.connections; ++i) {
      readers_.push_back({std::make_unique<Connection>(options.broker), {}});
      poller_.add(*readers_.back().connection);
    }
    // Partitions are dealt out; when there are more connections, some read the same partition.
    for (int64_t i = 0; i < std::max(options.connections, options.partitions); ++i)
      readers_[static_cast<size_t>(i % options.connections)].positions.push_back(
          {static_cast<int32_t>(i % options.partitions), 0});
  }

  int run() {
    const double cpu_before = cpu_seconds();
    start_ns_ = now_ns();
    for (Reader& reader : readers_) fetch(reader);
    bool is_over = false;
    while (!is_over) {
      if (poller_.wait(silence_ns_max).empty()) fail("the broker was silent for a minute");
      for (Reader& reader : readers_)
        while (const auto answer = reader.connection->next_answer()) {
          latency_.add(now_ns() - answer->sent_ns);
          take(reader, answer->body);
          fetch(reader);
        }
      const double seconds = static_cast<double>(now_ns() - start_ns_) / 1e9;
      is_over = (options_.bytes > 0 && bytes_ >= static_cast<uint64_t>(options_.bytes)) ||
                (options_.seconds > 0 && seconds >= options_.seconds) || errors_.any();
    }
    return report(static_cast<double>(now_ns() - start_ns_) / 1e9, cpu_seconds() - cpu_before);
  }

 private:
  struct Reader {
    std::unique_ptr<Connection> connection;
    std::vector<FetchPosition> positions;
    int fruitless_fetches = 0;
  };

  void fetch(Reader& reader) {
    // The broker fills the answer in the order of the request, so whoever was first goes last.
    std::ranges::rotate(reader.positions, reader.positions.begin() + 1);
    const auto bytes_max = static_cast<int32_t>(options_.fetch_bytes);
    reader.connection->send(fetch_request(options_.topic, reader.positions, {500, 1, bytes_max, bytes_max}), {}, 0);
  }

  void take(Reader& reader, std::string_view body) {
    const uint64_t bytes_before = bytes_;
    fetched(body, answer_);
    errors_.add(answer_.error);
    for (const FetchedPartition& partition : answer_.partitions) {
      errors_.add(partition.error);
      const auto position = std::ranges::find(reader.positions, partition.partition, &FetchPosition::partition);
      if (position == reader.positions.end()) fail("an answer for partition %d, not asked for", partition.partition);
      std::string_view records = partition.records;
      for (BatchView batch; next_batch(records, batch);) {
        if (batch.base_offset != position->offset) errors_.broken("a batch that does not begin where the last ended");
        position->offset = batch.next_offset();
        records_ += batch.records;
      }
      bytes_ += partition.records.size() - records.size();
      if (position->offset >= partition.high_watermark) position->offset = partition.log_start;
    }
    reader.fruitless_fetches = bytes_ == bytes_before ? reader.fruitless_fetches + 1 : 0;
    if (reader.fruitless_fetches > fruitless_fetches_max) fail("%d fetches without a batch", fruitless_fetches_max);
  }

  int report(double seconds, double cpu) const {
    Line line("consume");
    line.number("records_per_s", static_cast<double>(records_) / seconds)
        .number("mb_per_s", static_cast<double>(bytes_) / seconds / 1e6)
        .whole("records", records_)
        .whole("bytes", bytes_)
        .number("seconds", seconds)
        .json("latency_ms", latency_.json())
        .number("load_cpu", cpu / seconds);
    return conclude(line, errors_);
  }

  const Options& options_;
  std::vector<Reader> readers_;
  Poller poller_;
  Fetched answer_;
  Histogram latency_;
  Errors errors_;
  int64_t start_ns_ = 0;
  uint64_t records_ = 0, bytes_ = 0;
};

}  // namespace

int run_consume(const Options& options) { return Consumer(options).run(); }

}  // namespace naru::load
