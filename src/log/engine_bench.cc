// What the engine costs by itself, without a wire: build/log_bench append|cursor|idle [FOLDER]. Times are of the loop's
// thread and of the whole process; FOLDER is where a journal on a real disk goes.
#include <malloc.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "io/epoll_loop.h"
#include "io/posix_disk.h"
#include "log/batch_builder.h"
#include "log/store.h"

using namespace naru;

namespace {

double seconds(clockid_t clock) {
  timespec t;
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Wall, loop and process time since it was made.
struct Stopwatch {
  double wall = seconds(CLOCK_MONOTONIC), thread = seconds(CLOCK_THREAD_CPUTIME_ID),
         process = seconds(CLOCK_PROCESS_CPUTIME_ID);
  void print(const char* what, double count, double bytes = 0) const {
    double w = seconds(CLOCK_MONOTONIC) - wall, t = seconds(CLOCK_THREAD_CPUTIME_ID) - thread,
           p = seconds(CLOCK_PROCESS_CPUTIME_ID) - process;
    std::printf("%-44s %7.2f s  %8.0f/s  %7.0f ns wall  %7.0f ns loop  %7.0f ns process", what, w, count / w,
                w / count * 1e9, t / count * 1e9, p / count * 1e9);
    if (bytes > 0) std::printf("  %6.0f MB/s  %.2f CPU s/GB", bytes / w / 1e6, p / (bytes / 1e9));
    std::printf("\n");
  }
};

Bytes batch_of(size_t value_bytes) {
  Bytes value(value_bytes, 'x');
  BatchBuilder builder({});
  builder.add({.timestamp = 1'700'000'000'000, .key = {}, .value = ByteView(value)});
  return *builder.finish();
}

/// A store on a real disk, and its loop.
struct Bench {
  io::EpollLoop loop;
  std::unique_ptr<io::Disk> disk;
  std::unique_ptr<Store> store;

  explicit Bench(const std::string& folder) {
    auto opened = io::open_disk(folder);
    if (!opened) std::printf("cannot open %s\n", folder.c_str()), std::exit(1);
    disk = std::move(*opened);
    std::string damage;
    auto recovered = recover(*disk, damage);
    if (!recovered) std::printf("cannot recover: %s\n", damage.c_str()), std::exit(1);
    auto manifest = *begin_generation(*disk, *recovered, 1, [](uint32_t) { return 0; }, Uuid{});
    store = std::make_unique<Store>(loop, *disk, JournalId{manifest.generation, 0}, manifest.epoch, StoreSettings{},
                                    [](Error error) { std::printf("%s\n", error.reason), std::exit(1); });
    (void)store->start(recovered->state, [](uint32_t) { return true; }, {}).has_value();
    for (const std::string& old : recovered->old_journals) (void)disk->remove(old).has_value();
  }

  /// `count` batches to `logs` logs by turns, as many in a turn of the loop as a busy broker has; ends when all are
  /// durable.
  io::Task<> append(int64_t count, uint64_t logs, Bytes batch, int per_turn) {
    auto header = *peek_header(batch);
    for (uint64_t i = 0; i < logs; ++i) store->log(StreamId(1 + i), {});
    uint64_t next = 0;
    while (count > 0) {
      for (int n = 0; n < per_turn && count > 0; ++n, --count) {
        Log* log = store->find(StreamId(1 + next));
        if (++next == logs) next = 0;
        if (!log->append(batch, header)) std::printf("refused\n"), std::exit(1);
      }
      if (!store->journal().has_room()) {
        co_await store->journal().room();
      } else {
        io::Wakeup turn;
        loop.send([&turn] { turn.wake(); });
        co_await turn;
      }
    }
    (void)co_await store->durable(store->journal().end());
  }
  io::Task<> measure(const char* what, int64_t count, uint64_t logs, Bytes batch, int per_turn) {
    co_await append(std::min<int64_t>(count / 10, 100'000), logs, batch, per_turn);  // files, warm memory
    Stopwatch watch;
    co_await append(count, logs, batch, per_turn);
    watch.print(what, static_cast<double>(count), static_cast<double>(count) * static_cast<double>(batch.size()));
    if (batch.size() < KiB && logs == 1) read(count);
    co_await store->settle();
    loop.stop();
  }

  /// As a queue reads: on from where it was, little by little.
  void read(int64_t count) {
    Log& log = *store->find(StreamId(1));
    for (uint64_t bytes_max : {1u, 1000u, 64u * 1024}) {
      Stopwatch watch;
      int64_t reads = 0;
      Bytes bytes;
      for (Offset at = log.bounds().begin; at < log.bounds().begin + count && reads < 300'000; ++reads) {
        auto slice = log.read(at, bytes_max);
        if (!slice) std::printf("%s\n", slice.error().reason), std::exit(1);
        bytes.resize(slice->range.length);
        (void)slice->range.file->read(slice->range.at, bytes).has_value();
        for (ByteView rest = bytes; !rest.empty();) {
          auto header = *peek_header(rest);
          at = header.next_offset();
          rest = rest.subspan(header.size_bytes());
        }
      }
      watch.print(("  read on, " + std::to_string(bytes_max) + " bytes at most").c_str(), static_cast<double>(reads));
    }
  }
};

void bench_append(const std::string& folder, const char* what, int64_t count, uint64_t logs, size_t value_bytes,
                  int per_turn) {
  std::string at = folder + "/" + std::to_string(::time(nullptr)) + "-" + std::to_string(logs);
  Bench bench(at);
  Bytes batch = batch_of(value_bytes);
  auto task = bench.measure(what, count, logs, batch, per_turn);
  bench.loop.run();
  bench.store.reset();
  bench.disk.reset();
  (void)std::system(("rm -rf '" + at + "'").c_str());
}

void bench_cursor() {
  constexpr int64_t records = 1'000'000, window = 1000;
  {
    AckCursor cursor;
    Stopwatch watch;
    for (int64_t settled = 0, taken = 0; settled < records; ++settled) {
      for (; taken < records && taken < settled + window; ++taken)
        if (!cursor.take(Offset(records), HolderId(1))) std::exit(1);
      cursor.settle(Offset(settled), Offset(settled + 1));
    }
    watch.print("take and settle in order, window 1000", records);
    std::printf("  then %zu bytes\n", cursor.bytes());
  }
  {
    AckCursor cursor;
    Stopwatch watch;
    for (int64_t settled = 0, taken = 0; settled < records; settled += 10) {
      for (; taken < records && taken < settled + window; ++taken)
        if (!cursor.take(Offset(records), HolderId(static_cast<uint64_t>(taken % 20)), 30'000 + taken)) std::exit(1);
      for (int64_t n = 9; n >= 0; --n) cursor.settle(Offset(settled + n), Offset(settled + n + 1));
    }
    watch.print("the same, tens backwards, deadlines, 20 holders", records);
  }
  {
    AckCursor cursor;
    Stopwatch watch;
    for (int64_t n = 0; n < records; ++n) {
      if (!cursor.take(Offset(records), HolderId(1))) std::exit(1);
      if (n % 1000 == 999) cursor.settle(Offset(n - 999), Offset(n + 1));
    }
    watch.print("take, settle a thousand at once", records);
  }
}

double heap() { return static_cast<double>(::mallinfo2().uordblks); }

/// Queues that were used once and are drained; then the same with nothing done to them.
io::Task<> fill_and_drain(Bench& bench, uint64_t count, double before) {
  LogSettings settings{.remove_old = false, .trim_to_cursors = true};
  Store& store = *bench.store;
  for (uint64_t i = 1; i <= count; ++i) {
    store.log(StreamId(i), settings);
    store.cursor(CursorId(i), StreamId(i));
  }
  co_await store.settle();
  double fresh = heap();
  std::printf("a log and its cursor, never used: %.0f bytes (Log %zu, AckCursor %zu)\n",
              (fresh - before) / static_cast<double>(count), sizeof(Log), sizeof(AckCursor));
  Bytes batch = batch_of(100);
  auto header = *peek_header(batch);
  for (uint64_t i = 1; i <= count; ++i) {
    if (!store.log(StreamId(i), settings).append(batch, header)) std::exit(1);
    if (i % 100 == 0) (void)co_await store.durable(store.journal().end());
  }
  (void)co_await store.durable(store.journal().end());
  for (uint64_t i = 1; i <= count; ++i) {
    AckCursor& cursor = store.cursor(CursorId(i), StreamId(i));
    auto taken = cursor.take(Offset(1), HolderId(i));
    store.change(CursorId(i), {taken->offset, taken->offset + 1, Change::Kind::settle});
  }
  std::printf("with a segment each: %.0f bytes, %zu files open\n", (heap() - before) / static_cast<double>(count),
              store.files().open_count());
  while (store.counters().drained < count) co_await bench.loop.sleep_until(bench.loop.now() + 500);
  co_await store.settle();
  std::printf("drained: %.0f bytes, %zu files open, %zu in the folder\n",
              (heap() - before) / static_cast<double>(count), store.files().open_count(),
              bench.disk->list("segments")->size());
  bench.loop.stop();
}

void bench_idle(const std::string& folder) {
  std::string at = folder + "/" + std::to_string(::time(nullptr)) + "-idle";
  Bench bench(at);
  auto task = fill_and_drain(bench, 20'000, heap());
  bench.loop.run();
  (void)std::system(("rm -rf '" + at + "'").c_str());
}

}  // namespace

int main(int argc, char** argv) {
  std::string what = argc > 1 ? argv[1] : "", folder = argc > 2 ? argv[2] : ".";
  if (what == "cursor") {
    bench_cursor();
  } else if (what == "append" || what == "small") {
    bench_append(folder, "1 log, batches of one record of 100 B", 1'000'000, 1, 100, 100);
    bench_append(folder, "1000 logs, the same", 1'000'000, 1000, 100, 100);
    if (what == "small") return 0;
    bench_append(folder, "1 log, batches of 64 KiB", 30'000, 1, 64 * KiB, 16);
    bench_append(folder, "1 log, batches of 256 KiB", 8'000, 1, 256 * KiB, 4);
    bench_append(folder, "1 log, batches of 1 MiB", 2'000, 1, 1 * MiB, 1);
  } else if (what == "idle") {
    bench_idle(folder);
  } else {
    std::printf("log_bench append|cursor|idle [FOLDER]\n");
    return 2;
  }
}
