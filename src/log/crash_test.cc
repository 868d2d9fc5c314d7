// What was confirmed survives: a store on a simulated disk works, loses power or is killed at a random moment, and is
// recovered, again and again. Topics come and go meanwhile, the disk gets full and empty, the number of cores changes,
// and starts are cut short. One seed, one story: NARU_SEED=n replays it, NARU_SEEDS=n runs more.

#include "base/testing.h"
#include "log/batch_builder.h"
#include "log/check.h"
#include "log/crash_queue.h"
#include "log/record.h"
#include "log/store.h"
#include "sim/sim_disk.h"
#include "sim/sim_loop.h"

namespace naru {
namespace {

constexpr int64_t producer = 7;

std::string value_of(uint64_t stream, int64_t number) {
  return "s" + std::to_string(stream) + "#" + std::to_string(number);
}

/// What was promised about one log.
struct LogModel {
  StreamId stream;
  bool dropped = false, drop_confirmed = false;  // asked to go; gone for good
  Durability level = Durability::sync;
  std::map<int64_t, std::string> confirmed;  // offset -> value
  int64_t begin_confirmed = 0, begin_asked = 0;
  // The idempotent producer: one batch at a time until it is confirmed, sent again after a crash.
  int32_t sequence = 0;
  int64_t next_number = 0;
  std::optional<std::pair<int32_t, std::vector<std::string>>> unconfirmed;  // first sequence, values
  std::optional<QueueModel> queue;                                          // else a topic
};

class World {
 public:
  explicit World(uint64_t seed, bool lying = false) : random_(seed), lying_(lying) {
    disk_ = std::make_unique<sim::SimDisk>(random_.next());
    for (uint64_t i = 0; i < 6; ++i) logs_.emplace_back().stream = StreamId(next_stream_++);
    logs_[3].level = logs_[5].level = Durability::os;
    for (LogModel* queue : {&logs_[0], &logs_[4], &logs_[5]}) make_queue(*queue);
  }
  ~World() {
    // What the last life leaves is not looked at any more.
    disk_->kill();
    drain();
  }

  void run() {
    for (int life = 0; life < 4 && !::testing::Test::HasFailure(); ++life) {
      start();
      if (stores_.empty() || ::testing::Test::HasFailure()) return;
      uint64_t steps = random_.between(5, 120);
      for (uint64_t i = 0; i < steps; ++i) step();
      if (life > 0 && random_.chance(0.2)) {
        end_cleanly();
      } else {
        crash();
      }
    }
    if (::testing::Test::HasFailure()) return;
    start();
  }

 private:
  static StoreSettings small() {
    StoreSettings settings;
    settings.journal = {.file_bytes = 32 * KiB, .write_bytes = 8 * KiB, .waiting_bytes = 64 * KiB};
    settings.open_files_max = 3;
    settings.unjournaled_bytes_max = 8 * KiB;
    settings.reclaim = {.hole_bytes_min = 5 * KiB,
                        .drained_bytes_max = 12 * KiB,
                        .seal_bytes_min = 6 * KiB,
                        .wait_ms = 20,
                        .runs_max = 8};
    return settings;
  }

  void start() {
    if (random_.chance(0.3)) start_in_vain();
    if (generation_ > 0 && random_.chance(0.3)) check();
    disk_->set_lying(lying_);
    loop_ = std::make_unique<sim::SimLoop>(random_.next());
    cores_ = static_cast<uint32_t>(random_.between(1, 3));
    std::string damage;
    auto recovered = recover(*disk_, damage);
    ASSERT_TRUE(recovered) << recovered.error().reason << " " << damage;
    auto owner = [this](uint32_t shard) { return shard % cores_; };
    auto manifest = begin_generation(*disk_, *recovered, cores_, owner, Uuid{});
    ASSERT_TRUE(manifest);
    generation_ = manifest->generation;
    for (uint32_t core = 0; core < cores_; ++core) {
      JournalId id{manifest->generation, core};
      stores_.push_back(std::make_unique<Store>(*loop_, *disk_, id, manifest->epoch, small(), [](Error) {}));
      ASSERT_TRUE(stores_[core]->start(recovered->state, [&](uint32_t shard) { return owner(shard) == core; }, {}));
    }
    for (const std::string& old : recovered->old_journals) (void)disk_->remove(old).has_value();
    std::erase_if(logs_, [&](const LogModel& model) {
      bool is_there = store_of(model.stream).find(model.stream) != nullptr;
      EXPECT_FALSE(model.drop_confirmed && is_there) << "stream " << model.stream.value << " was dropped";
      return model.dropped && !is_there;
    });
    for (auto& model : logs_) {
      // A drop that did not arrive has not happened; what came before it counts again.
      model.dropped = false;
      verify(model, open_log(model));
    }
    verify_rows();
  }

  /// What a crash leaves is no damage to `naru check` either.
  void check() {
    CheckEvents events{.found =
                           [](const Finding& f) {
                             if (f.kind == Finding::Kind::damage) ADD_FAILURE() << f.file << ": " << f.what;
                           },
                       .progress = {}};
    EXPECT_TRUE(check_folder(*disk_, events));
  }

  /// A start that loses its power at some point before it serves anyone.
  void start_in_vain() {
    disk_->lose_power_in(static_cast<int>(random_.below(60)));
    std::string damage;
    auto recovered = recover(*disk_, damage);
    if (recovered)
      (void)begin_generation(*disk_, *recovered, 2, [](uint32_t shard) { return shard % 2; }, Uuid{}).has_value();
    if (disk_->is_dead()) {
      power_lost_ = true;
    } else {
      disk_->kill();
    }
    disk_ = disk_->restarted(random_.next());
  }

  Store& store_of(StreamId stream) { return *stores_[shard_of(stream) % cores_]; }
  Store& store_of_shard(uint32_t shard) { return *stores_[shard % cores_]; }

  void step() {
    double dice = static_cast<double>(random_.below(100));
    if (dice < 55) {
      produce(logs_[random_.below(logs_.size())]);
    } else if (dice < 70) {
      put_row();
    } else if (dice < 80) {
      settle(logs_[random_.below(logs_.size())]);
    } else if (dice < 84) {
      trim(logs_[random_.below(logs_.size())]);
    } else if (dice < 86) {
      drop_and_make();
    } else if (dice < 88) {
      // Little room or none for a while; what fits still counts.
      disk_->set_space(random_.chance(0.5) ? UINT64_MAX : disk_->used() + random_.below(20'000));
    } else if (dice < 89) {
      loop_->run_for(random_.between(200, 1200));  // what failed is tried again
    } else {
      for (uint64_t turns = random_.below(12); turns > 0; --turns) loop_->turn();
    }
  }

  /// Drops a log that may be in use, and makes another.
  void drop_and_make() {
    size_t which = random_.between(1, logs_.size() - 1);
    LogModel& model = logs_[which];
    if (!model.dropped) {
      model.dropped = true;
      auto position = store_of(model.stream).drop(model.stream);
      [](World& world, StreamId stream, JournalPosition at, uint64_t life) -> io::Task<> {
        auto durable = co_await world.store_of(stream).durable(at);
        if (!durable || life != world.life_) co_return;
        for (LogModel& m : world.logs_)
          if (m.stream == stream) m.drop_confirmed = true;
      }(*this, model.stream, position, life_)
                                                                                  .detach();
    }
    if (logs_.size() > 10) return;
    LogModel& fresh = logs_.emplace_back();
    fresh.stream = StreamId(next_stream_++);
    fresh.level = random_.chance(0.3) ? Durability::os : Durability::sync;
    if (random_.chance(0.5)) make_queue(fresh);
    open_log(fresh);
  }

  void produce(LogModel& model) {
    Log* log = store_of(model.stream).find(model.stream);
    if (!log) return;
    if (!model.unconfirmed) {
      std::vector<std::string> values;
      for (uint64_t n = random_.between(1, 5); n > 0; --n)
        values.push_back(value_of(model.stream.value, model.next_number++));
      model.unconfirmed = {model.sequence, values};
      model.sequence += static_cast<int32_t>(values.size());
    } else if (in_flight_.contains(model.stream.value)) {
      return;
    }
    auto [sequence, values] = *model.unconfirmed;
    BatchBuilder builder({.producer_id = producer, .producer_epoch = 0, .base_sequence = sequence});
    for (const std::string& value : values) {
      std::string padded = value + std::string(random_.below(model.queue ? 3000 : 300), '.');
      builder.add({.timestamp = loop_->wall(), .key = view(value), .value = view(padded)});
    }
    Bytes batch = *builder.finish();
    auto header = validate(batch, Walk::records);
    ASSERT_TRUE(header);
    auto appended = log->append(batch, *header);
    if (!appended && appended.error().code == Code::full) return;  // tried again later
    ASSERT_TRUE(appended) << appended.error().reason;
    in_flight_.insert(model.stream.value);
    [](World& world, LogModel& m, Appended a, std::vector<std::string> sent, uint64_t life) -> io::Task<> {
      auto durable = co_await world.store_of(m.stream).durable(a.position);
      if (!durable || life != world.life_ || m.dropped) co_return;
      for (size_t i = 0; i < sent.size(); ++i) m.confirmed[a.base.value + static_cast<int64_t>(i)] = sent[i];
      m.unconfirmed.reset();
      world.in_flight_.erase(m.stream.value);
      ++world.confirms;
    }(*this, model, *appended, values, life_)
                                                                                                   .detach();
  }

  void put_row() {
    std::string key = "k" + std::to_string(random_.below(6));
    int64_t value = ++row_number_;
    auto position = store_of_shard(5).table(5).put(key, std::to_string(value));
    asked_rows_[key] = value;
    [](World& world, std::string k, int64_t v, JournalPosition at, uint64_t life) -> io::Task<> {
      auto durable = co_await world.store_of_shard(5).durable(at);
      if (durable && life == world.life_) world.confirmed_rows_[k] = std::max(world.confirmed_rows_[k], v);
    }(*this, key, value, position, life_)
                                                                                         .detach();
  }

  void make_queue(LogModel& model) {
    model.queue.emplace();
    for (uint64_t n = random_.between(1, 2); n > 0; --n)
      model.queue->readers.push_back({.id = CursorId(next_cursor_++)});
  }

  /// One reader of a queue does its work; now and then one goes for good.
  void settle(LogModel& model) {
    Log* log = store_of(model.stream).find(model.stream);
    if (!log || !model.queue) return;
    auto& readers = model.queue->readers;
    size_t which = random_.below(readers.size());
    Store& store = store_of(model.stream);
    if (readers.size() > 1 && random_.chance(0.02)) {
      store.forget_cursor(readers[which].id);
      readers.erase(readers.begin() + static_cast<ptrdiff_t>(which));
      return;
    }
    CursorId id = readers[which].id;
    consume(
        readers[which], store.cursor(id, model.stream), *log, random_,
        [&](Change change) { confirm(model, id, change, store.change(id, change)).detach(); },
        [&](const TakenNote& note) { store.note_taken(id, note); });
  }
  io::Task<> confirm(LogModel& model, CursorId id, Change change, JournalPosition position) {
    uint64_t life = life_;
    auto durable = co_await store_of(model.stream).durable(position);
    if (!durable || life != life_) co_return;
    auto* reader = model.queue->find(id);
    for (Offset at = change.first; reader && at < change.last; ++at) reader->confirmed.insert(at.value);
  }

  void trim(LogModel& model) {
    Log* log = store_of(model.stream).find(model.stream);
    if (!log || model.queue) return;
    auto bounds = log->bounds();
    if (bounds.high_watermark == bounds.begin) return;
    Offset to =
        bounds.begin + static_cast<int64_t>(random_.below(static_cast<uint64_t>(bounds.high_watermark - bounds.begin)));
    auto position = log->trim(to);
    ASSERT_TRUE(position);
    model.begin_asked = to.value;
    [](World& world, LogModel& m, int64_t offset, JournalPosition at, uint64_t life) -> io::Task<> {
      auto durable = co_await world.store_of(m.stream).durable(at);
      if (durable && life == world.life_) m.begin_confirmed = std::max(m.begin_confirmed, offset);
    }(*this, model, to.value, *position, life_)
                                                                                            .detach();
  }

  /// What a failure needs to know of a log.
  std::string describe(const Log& log) {
    std::string out = "\nend " + std::to_string(log.bounds().end.value);
    for (const Segment& s : log.state().segments) {
      auto* file = disk_->contents(segment_path({log.stream(), s.base, s.version}));
      out += "\n  segment " + std::to_string(s.base.value) + " bytes " + std::to_string(s.bytes) +
             (s.sealed ? " sealed" : "") + " file " + (file ? std::to_string(file->size()) : "missing");
      for (uint64_t p = 0; file && p < s.bytes;) {
        auto header = peek_header(ByteView(*file).subspan(p));
        out += " " + std::to_string(p) + (header ? ":" + std::to_string(header->base_offset.value) : ":broken");
        if (!header) break;
        p += header->size_bytes();
      }
    }
    return out;
  }

  void verify(LogModel& model, Log& log) {
    SCOPED_TRACE("stream " + std::to_string(model.stream.value) + " generation " + std::to_string(generation_));
    auto bounds = log.bounds();
    bool may_lose = model.level == Durability::os && power_lost_;
    EXPECT_EQ(bounds.high_watermark, bounds.end);
    if (!may_lose) EXPECT_GE(bounds.begin.value, model.begin_confirmed);
    if (!model.queue) EXPECT_LE(bounds.begin.value, model.begin_asked);
    if (model.queue) model.queue->verify(store_of(model.stream), model.stream, bounds.end, may_lose);
    // Read everything, as a consumer does.
    std::map<int64_t, std::string> found;
    std::set<std::string> values;
    for (Offset at = bounds.begin; at < bounds.high_watermark;) {
      auto slice = log.read(at, 2000);
      ASSERT_TRUE(slice) << slice.error().reason << " at " << at.value << describe(log);
      if (slice->range.length == 0) break;
      Bytes bytes(slice->range.length);
      ASSERT_TRUE(slice->range.file->read(slice->range.at, bytes));
      for (ByteView rest = bytes; !rest.empty();) {
        auto header = peek_header(rest);
        ASSERT_TRUE(header);
        auto reader = RecordReader::open(rest.first(header->size_bytes()));
        ASSERT_TRUE(reader);
        Record record;
        while (*reader->next(&record)) {
          if (record.offset < bounds.begin) continue;
          found[record.offset.value] = text(*record.key);
          EXPECT_TRUE(values.insert(std::string(text(*record.key))).second) << "stored twice: " << text(*record.key);
        }
        at = header->next_offset();
        rest = rest.subspan(header->size_bytes());
      }
    }
    auto may_be_gone = [&](int64_t offset) { return may_lose || (model.queue && model.queue->may_be_gone(offset)); };
    for (int64_t offset = bounds.begin.value; offset < bounds.end.value; ++offset)
      EXPECT_TRUE(found.contains(offset) || may_be_gone(offset)) << "a gap at " << offset;
    for (const auto& [offset, value] : model.confirmed) {
      bool is_below = offset < bounds.begin.value && !model.queue;
      if (is_below || (!found.contains(offset) && may_be_gone(offset))) continue;
      ASSERT_TRUE(found.contains(offset)) << "lost: " << value << " at " << offset << ", end " << bounds.end.value;
      EXPECT_EQ(found[offset], value);
    }
    model.begin_asked = model.begin_confirmed = bounds.begin.value;
    // From here on this is what the log holds.
    model.confirmed = std::move(found);
    if (may_lose) {
      // The producer's own state is lost with the records; it would start anew with a new id.
      model.unconfirmed.reset();
      store_of(model.stream).drop(model.stream);
      model.stream = StreamId(next_stream_++);
      model.confirmed.clear();
      model.sequence = 0;
      model.begin_asked = model.begin_confirmed = 0;
      if (model.queue) make_queue(model);
      open_log(model);
    }
  }
  /// With its cursors, before anything is settled: what they have not seen stays.
  Log& open_log(LogModel& model) {
    Store& store = store_of(model.stream);
    Log& log = store.log(model.stream, log_settings(model));
    if (model.queue)
      for (const auto& reader : model.queue->readers) store.cursor(reader.id, model.stream);
    return log;
  }
  static LogSettings log_settings(const LogModel& model) {
    if (!model.queue) return {.durability = model.level, .segment_bytes = 4 * KiB};
    return {.durability = model.level, .segment_bytes = 16 * KiB, .remove_old = false, .trim_to_cursors = true};
  }

  void verify_rows() {
    for (const auto& [key, value] : confirmed_rows_) {
      auto* row = store_of_shard(5).table(5).find(key);
      ASSERT_TRUE(row) << key;
      EXPECT_GE(std::stoll(*row), value);
      EXPECT_LE(std::stoll(*row), asked_rows_[key]);
    }
  }

  void crash() {
    power_lost_ = random_.chance(0.7);
    if (power_lost_) {
      disk_->lose_power();
    } else {
      disk_->kill();
    }
    drain();
  }
  void end_cleanly() {
    power_lost_ = false;
    disk_->set_space(UINT64_MAX);
    loop_->run_for(2000);
    bool done = false;
    [](World& world, bool& finished) -> io::Task<> {
      for (auto& store : world.stores_) {
        auto stored = co_await store->checkpoint();
        EXPECT_TRUE(stored) << stored.error().reason;
      }
      finished = true;
    }(*this, done)
                                            .detach();
    loop_->run([&] { return done; });
    EXPECT_TRUE(done);
    disk_->kill();
    drain();
  }
  /// Lets what is on its way fail, then takes the next disk.
  void drain() {
    if (stores_.empty()) return;
    ++life_;
    bool settled = false;
    [](World& world, bool& done) -> io::Task<> {
      for (auto& store : world.stores_) co_await store->settle();
      done = true;
    }(*this, settled)
                                        .detach();
    loop_->run_for(10'000);
    EXPECT_TRUE(settled);
    for (auto& store : stores_) {
      drained += store->counters().drained;
      holes += store->counters().holes;
      punched_bytes += store->counters().punched_bytes;
    }
    stores_.clear();
    loop_.reset();
    in_flight_.clear();
    disk_ = disk_->restarted(random_.next());
  }

  Prng random_;
  bool lying_;
  std::unique_ptr<sim::SimDisk> disk_;
  std::unique_ptr<sim::SimLoop> loop_;
  std::vector<std::unique_ptr<Store>> stores_;
  uint32_t cores_ = 1;
  std::deque<LogModel> logs_;
  uint64_t next_stream_ = 1;
  std::set<uint64_t> in_flight_;
  std::map<std::string, int64_t> confirmed_rows_, asked_rows_;
  int64_t row_number_ = 0;
  uint64_t next_cursor_ = 1, life_ = 0, generation_ = 0;
  bool power_lost_ = false;

 public:
  uint64_t confirms = 0, drained = 0, holes = 0, punched_bytes = 0;
};

TEST(crash, what_was_confirmed_survives_power_loss_and_kill) {
  uint64_t confirms = 0, drained = 0, holes = 0, punched_bytes = 0;
  for_each_seed(1000, [&](uint64_t seed) {
    World world(seed);
    world.run();
    confirms += world.confirms;
    drained += world.drained;
    holes += world.holes;
    punched_bytes += world.punched_bytes;
  });
  if (!has_all_seeds()) return;
  EXPECT_GT(confirms, 1000u) << "the test does not confirm enough to mean anything";
  EXPECT_GT(drained, 100u);
  EXPECT_GT(holes, 100u);
  EXPECT_GT(punched_bytes, 100'000u);
}

TEST(crash, a_disk_that_lies_about_syncs_is_noticed) {  // else the test above proves nothing
  EXPECT_TRUE(fails_for_a_seed([](uint64_t seed) { World(seed, /*lying=*/true).run(); }));
}

TEST(crash, one_seed_is_one_story) {
  World first(42), second(42);
  first.run();
  second.run();
  EXPECT_EQ(first.confirms, second.confirms);
}

}  // namespace
}  // namespace naru
