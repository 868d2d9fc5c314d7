#pragma once
// The test language of the log engine: a store, or one per core, on a simulated disk that can be full, lose power or
// die with its process. One line per step; time and blocking calls move only when asked. Included by tests only.
#include <sstream>

#include "base/testing.h"
#include "log/batch_builder.h"
#include "log/record.h"
#include "log/store.h"
#include "sim/sim_disk.h"
#include "sim/sim_loop.h"

namespace naru {

/// What a batch in a test says beside its values.
struct BatchOf {
  std::vector<std::string> values;
  int64_t timestamp = 1000;
  int64_t producer = no_producer;
  int32_t sequence = -1;
  size_t pad = 0;  // bytes behind each value, so that batches have a size
};

inline Bytes batch_of(const BatchOf& of) {
  BatchOptions options;
  options.producer_id = of.producer;
  options.producer_epoch = of.producer < 0 ? -1 : 0;
  options.base_sequence = of.sequence;
  BatchBuilder builder(options);
  for (const std::string& value : of.values) {
    std::string padded = value + std::string(of.pad, '.');
    NewRecord record{.timestamp = of.timestamp, .key = view(value), .value = view(padded)};
    builder.add(record);
  }
  return *builder.finish();
}

/// "5:a 6:b": offset and value of each record in a run of batches.
inline std::string records_in(ByteView bytes) {
  std::ostringstream out;
  while (!bytes.empty()) {
    auto header = peek_header(bytes);
    if (!header || header->size_bytes() > bytes.size()) return out.str() + " cut";
    auto reader = RecordReader::open(bytes.first(header->size_bytes()));
    Record record;
    while (reader && *reader->next(&record))
      out << (out.tellp() > 0 ? " " : "") << record.offset.value << ":" << text(*record.key);
    bytes = bytes.subspan(header->size_bytes());
  }
  return out.str();
}

inline std::string outcome(const Error& error) { return name(error.code); }

class Engine {
 public:
  explicit Engine(uint64_t seed = 1) : random_(seed), disk_(std::make_unique<sim::SimDisk>(random_.next())) {
    settings.journal = {.file_bytes = 32 * KiB, .write_bytes = 8 * KiB, .waiting_bytes = 64 * KiB};
    settings.open_files_max = 4;
  }
  ~Engine() { stop(); }

  StoreSettings settings;
  uint32_t cores = 1;
  std::vector<Error> fatal;  // what the stores ended with
  RecoveryFacts facts;       // of the last start
  Manifest manifest;
  std::string damage;

  sim::SimDisk& disk() { return *disk_; }
  sim::SimLoop& loop() { return *loop_; }
  Store& store(uint32_t core = 0) { return *stores_[core]; }
  Store& store_of(uint64_t stream) { return *stores_[shard_of(StreamId(stream)) % cores]; }

  /// As the server starts: recovery, a new generation, a store per core, and the old journals go.
  Result<void> try_start() {
    loop_ = std::make_unique<sim::SimLoop>(random_.next());
    damage.clear();
    Recovered recovered = TRY(recover(*disk_, damage));
    facts = recovered.facts;
    auto owner = [this](uint32_t shard) { return shard % cores; };
    manifest = TRY(begin_generation(*disk_, recovered, cores, owner, Uuid{}));
    for (uint32_t core = 0; core < cores; ++core) {
      stores_.push_back(std::make_unique<Store>(*loop_, *disk_, JournalId{manifest.generation, core}, manifest.epoch,
                                                settings, [this](Error error) { fatal.push_back(error); }));
      TRY_VOID(stores_[core]->start(recovered.state, [&](uint32_t shard) { return owner(shard) == core; }, {}));
    }
    for (const std::string& old : recovered.old_journals) (void)disk_->remove(old).has_value();
    return {};
  }
  std::string start() {
    auto started = try_start();
    return started ? "ok" : outcome(started.error());
  }
  /// Ends with a checkpoint and says so in MANIFEST.
  std::string end_cleanly() {
    for (auto& store : stores_) {
      auto stored = wait(store->checkpoint());
      if (!stored) return outcome(stored.error());
    }
    manifest.clean = true;
    auto written = write_manifest(*disk_, manifest);
    stop();
    return written ? "ok" : outcome(written.error());
  }
  void kill() { stop(); }
  void lose_power() {
    if (!disk_->is_dead()) disk_->lose_power();
    stop();
  }
  /// Everything on its way arrives.
  void settle() { loop_->run_for(2000); }
  /// The result of a task that needs turns of the loop.
  template <class T>
  T wait(io::Task<T> task) {
    loop_->run([&] { return task.done(); });
    return task.take();
  }

  Log& log(uint64_t stream, LogSettings of = {}) { return store_of(stream).log(StreamId(stream), of); }
  /// "5" is the offset it got; else the code of the refusal. Waits for nothing.
  std::string append(uint64_t stream, const BatchOf& of) {
    Store& store = store_of(stream);
    Log* log = store.find(StreamId(stream));
    if (!log) log = &store.log(StreamId(stream), {});
    Bytes batch = batch_of(of);
    auto header = validate(batch, Walk::records);
    if (!header) return outcome(header.error());
    auto appended = log->append(batch, *header);
    return appended ? std::to_string(appended->base.value) : outcome(appended.error());
  }
  std::string append(uint64_t stream, const std::string& value) { return append(stream, BatchOf{.values = {value}}); }
  /// All that can be read from `from` on, or the code of the refusal.
  std::string read(uint64_t stream, int64_t from = -1, uint64_t bytes_max = 1 * MiB) {
    Log* log = store_of(stream).find(StreamId(stream));
    if (!log) return "no log";
    auto slice = log->read(from < 0 ? log->bounds().begin : Offset(from), bytes_max);
    if (!slice) return outcome(slice.error());
    Bytes bytes(slice->range.length);
    if (!bytes.empty()) {
      if (auto got = slice->range.file->read(slice->range.at, bytes); !got) return outcome(got.error());
    }
    return records_in(bytes);
  }
  /// As a consumer reads a whole log.
  std::string read_all(uint64_t stream) {
    Log* log = store_of(stream).find(StreamId(stream));
    if (!log) return "no log";
    std::string out;
    for (Offset at = log->bounds().begin; at < log->bounds().high_watermark;) {
      auto slice = log->read(at, 1000);
      if (!slice) return out + " " + outcome(slice.error());
      if (slice->range.length == 0) break;
      Bytes bytes(slice->range.length);
      if (auto got = slice->range.file->read(slice->range.at, bytes); !got) return out + " " + outcome(got.error());
      out += (out.empty() ? "" : " ") + records_in(bytes);
      for (ByteView rest = bytes; !rest.empty();) {
        auto header = peek_header(rest);
        if (!header || header->base_offset < at) return out + " goes back";
        at = header->next_offset();
        rest = rest.subspan(std::min(header->size_bytes(), rest.size()));
      }
    }
    return out;
  }
  /// "begin..high watermark..end"
  std::string bounds(uint64_t stream) {
    Log* log = store_of(stream).find(StreamId(stream));
    if (!log) return "no log";
    auto b = log->bounds();
    return std::to_string(b.begin.value) + ".." + std::to_string(b.high_watermark.value) + ".." +
           std::to_string(b.end.value);
  }
  std::vector<std::string> files(const std::string& folder) { return *disk_->list(folder); }

 private:
  void stop() {
    if (!loop_) return;
    disk_->kill();
    for (auto& store : stores_) {
      auto settled = store->settle();
      loop_->run_for(10'000);
      EXPECT_TRUE(settled.done()) << "the store does not come to rest";
    }
    stores_.clear();
    loop_.reset();
    disk_ = disk_->restarted(random_.next());
  }

  Prng random_;
  std::unique_ptr<sim::SimDisk> disk_;
  std::unique_ptr<sim::SimLoop> loop_;
  std::vector<std::unique_ptr<Store>> stores_;
};

}  // namespace naru
