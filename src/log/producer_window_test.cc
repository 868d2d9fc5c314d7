#include "log/producer_window.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/testing.h"

namespace naru {
namespace {

constexpr int64_t day_ms = producer_expiry_ms;

// Speaks in short words: send(first sequence, count) gives "ok", "again @offset", "gap, 3 expected" or "fenced by 2".
struct WindowTest {
  ProducerWindow window;
  Offset end{0};
  int64_t now = 1000;
  int64_t producer = 7;
  int16_t epoch = 0;
  bool transactional = false;

  BatchHeader header(int32_t first, int32_t count) const {
    return {.base_offset = end,
            .attributes = transactional ? Attribute::transactional : int16_t{0},
            .last_offset_delta = count - 1,
            .max_timestamp = now,
            .producer_id = producer,
            .producer_epoch = epoch,
            .base_sequence = first,
            .count = count};
  }
  std::string check(int32_t first, int32_t count = 1) const {
    auto result = window.check(header(first, count));
    if (result) return "ok";
    std::string detail = std::to_string(result.error().detail);
    switch (result.error().code) {
      case Code::duplicate: return "again @" + detail;
      case Code::out_of_order: return "gap, " + detail + " expected";
      case Code::fenced: return "fenced by " + detail;
      default: return "?";
    }
  }
  std::string send(int32_t first, int32_t count = 1) {
    std::string answer = check(first, count);
    if (answer == "ok") {
      window.remember(header(first, count), now);
      end += count;
    }
    return answer;
  }
  // Everything must look the same from a checkpoint.
  void restart() {
    Bytes bytes;
    window.save(bytes);
    auto loaded = ProducerWindow::load(bytes);
    ASSERT_TRUE(loaded);
    window = *loaded;
    Bytes twice;
    window.save(twice);
    EXPECT_EQ(bytes, twice);
  }
};

TEST(producer_window, takes_what_follows_and_knows_the_last_five) {
  WindowTest t;
  for (int32_t i = 0; i < 7; ++i) EXPECT_EQ(t.send(i * 10, 10), "ok");
  t.restart();
  EXPECT_EQ(t.send(60, 10), "again @60");
  EXPECT_EQ(t.send(20, 10), "again @20");
  EXPECT_EQ(t.send(10, 10), "gap, 70 expected");  // the sixth last is forgotten
  EXPECT_EQ(t.send(60, 9), "gap, 70 expected");   // another last sequence: not the same batch
  EXPECT_EQ(t.send(71), "gap, 70 expected");
  EXPECT_EQ(t.send(70), "ok");
  ASSERT_EQ(t.window.remembered().size(), 1u);
  EXPECT_EQ(t.window.remembered()[0].producer_id, 7);
  EXPECT_EQ(t.window.remembered()[0].oldest, Offset(30));
}

TEST(producer_window, a_failed_batch_fails_those_behind_it) {
  WindowTest t;
  EXPECT_EQ(t.send(0), "ok");
  for (int32_t i = 2; i < 6; ++i) EXPECT_EQ(t.send(i), "gap, 1 expected");
  for (int32_t i = 1; i < 6; ++i) EXPECT_EQ(t.send(i), "ok");
}

TEST(producer_window, numbers_wrap_to_zero) {
  WindowTest t;
  EXPECT_EQ(t.send(INT32_MAX - 1, 2), "ok");
  EXPECT_EQ(t.send(1), "gap, 0 expected");
  EXPECT_EQ(t.send(0), "ok");
  WindowTest across;
  EXPECT_EQ(across.send(INT32_MAX, 3), "ok");  // MAX, 0, 1
  EXPECT_EQ(across.send(INT32_MAX, 3), "again @0");
  EXPECT_EQ(across.send(2), "ok");
}

TEST(producer_window, an_unknown_producer_may_start_anywhere) {
  WindowTest t;
  EXPECT_EQ(t.send(1234), "ok");
  t.producer = 6;
  t.epoch = 5;
  EXPECT_EQ(t.send(99), "ok");
  t.producer = no_producer;
  EXPECT_EQ(t.send(-1), "ok");
  EXPECT_EQ(t.send(-1), "ok");
  EXPECT_EQ(t.window.size(), 2u);
  t.restart();
}

TEST(producer_window, a_new_epoch_starts_at_zero_and_fences_the_old) {
  WindowTest t;
  EXPECT_EQ(t.send(0, 3), "ok");
  t.epoch = 2;
  EXPECT_EQ(t.send(3), "gap, 0 expected");
  EXPECT_EQ(t.send(0, 3), "ok");  // same numbers as before, but not the same batch
  EXPECT_EQ(t.send(0, 3), "again @3");
  t.epoch = 1;
  EXPECT_EQ(t.send(0), "fenced by 2");
  EXPECT_EQ(t.send(0, 3), "fenced by 2");
}

TEST(producer_window, a_marker_keeps_the_window_of_its_epoch_and_fences_with_a_greater_one) {
  WindowTest t;
  t.transactional = true;
  EXPECT_EQ(t.send(0, 5), "ok");
  EXPECT_EQ(t.send(5, 5), "ok");
  EXPECT_EQ(t.window.first_open_transaction(), Offset(0));
  t.window.marker(7, 0, t.now);
  EXPECT_EQ(t.window.first_open_transaction(), std::nullopt);
  EXPECT_EQ(t.send(5, 5), "again @5");
  EXPECT_EQ(t.send(10), "ok");
  t.restart();
  EXPECT_EQ(t.window.first_open_transaction(), Offset(10));
  t.window.marker(7, 1, t.now);
  EXPECT_EQ(t.send(11), "fenced by 1");
  t.epoch = 1;
  EXPECT_EQ(t.send(11), "gap, 0 expected");
  EXPECT_EQ(t.send(0), "ok");
}

TEST(producer_window, forgets_the_idle_but_no_open_transaction) {
  WindowTest t;
  EXPECT_EQ(t.send(0), "ok");
  t.producer = 8;
  t.transactional = true;
  EXPECT_EQ(t.send(0), "ok");
  EXPECT_EQ(t.window.expire(t.now + day_ms - 1), 0u);
  EXPECT_EQ(t.window.expire(t.now + day_ms), 1u);
  EXPECT_EQ(t.check(7), "gap, 1 expected");
  t.window.marker(8, 0, t.now);
  EXPECT_EQ(t.window.expire(t.now + day_ms), 1u);
  EXPECT_EQ(t.window.size(), 0u);
}

TEST(producer_window, a_damaged_snapshot_is_refused_without_harm) {
  WindowTest t;
  for (int64_t id : {3, 1, 2}) {
    t.producer = id;
    EXPECT_EQ(t.send(0), "ok");
    EXPECT_EQ(t.send(1), "ok");
  }
  Bytes good;
  t.window.save(good);
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(ProducerWindow::load(ByteView(good).first(size)));
  for (size_t place = 0; place < good.size(); ++place)
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[place] ^= static_cast<uint8_t>(1 << bit);
      (void)ProducerWindow::load(bad);
    }
  good[0] = 2;
  EXPECT_EQ(ProducerWindow::load(good).error().code, Code::unsupported);
  EXPECT_EQ(ProducerWindow::load(Bytes{1, 0xff, 0xff, 0xff, 0xff}).error().code, Code::corrupt);
}

// Against a model that keeps everything: each accepted batch once and in order, whatever is resent or lost.
TEST(producer_window, never_stores_twice_nor_out_of_order) {
  for_each_seed(200, [](uint64_t seed) {
    Prng random(seed);
    WindowTest t;
    std::map<int64_t, std::vector<int32_t>> stored;
    for (int step = 0; step < 300; ++step) {
      t.producer = static_cast<int64_t>(random.below(4));
      auto& list = stored[t.producer];
      int32_t next = list.empty() ? 0 : list.back() + 1;
      int32_t first = std::max(0, next - 4 + static_cast<int32_t>(random.below(7)));
      std::string answer = list.empty() ? t.send(first = 0) : t.send(first);
      if (first == next)
        EXPECT_EQ(answer, "ok");
      else if (first > next || next - first > 5)
        EXPECT_EQ(answer, "gap, " + std::to_string(next) + " expected");
      else
        EXPECT_EQ(answer.substr(0, 5), "again");
      if (answer == "ok") list.push_back(first);
      if (random.chance(0.05)) t.restart();
    }
    for (auto& [id, list] : stored)
      for (size_t i = 0; i < list.size(); ++i) EXPECT_EQ(list[i], static_cast<int32_t>(i));
  });
}

TEST(producer_window, ids_that_a_client_makes_up_cost_neither_time_nor_memory_without_end) {
  WindowTest t;
  for (int64_t id = 200'000; id > 0; --id) {
    t.producer = id;
    if (id % 1000 == 0) ++t.now;
    ASSERT_EQ(t.send(0), "ok");
    ASSERT_LE(t.window.size(), ProducerWindow::producers_max);
  }
  EXPECT_GE(t.window.size(), ProducerWindow::producers_max * 9 / 10);
  EXPECT_EQ(t.check(5), "gap, 1 expected") << "the last ones are known";
  t.producer = 90'000;
  EXPECT_EQ(t.check(5), "gap, 1 expected");
  t.producer = 150'000;
  EXPECT_EQ(t.check(5), "ok") << "the first ones are forgotten";
  t.restart();
}

TEST(producer_window, who_is_in_a_transaction_is_not_forgotten_for_the_sake_of_others) {
  WindowTest t;
  t.transactional = true;
  EXPECT_EQ(t.send(0), "ok");
  t.transactional = false;
  for (int64_t id = 1'000'000; id < 1'200'000; ++id) {
    t.producer = id;
    ++t.now;
    EXPECT_EQ(t.send(0), "ok");
  }
  t.producer = 7;
  EXPECT_EQ(t.check(5), "gap, 1 expected");
}

}  // namespace
}  // namespace naru
