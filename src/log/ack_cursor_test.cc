#include "log/ack_cursor.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/testing.h"
#include "log/ack_cursor_model.h"
#include "log/offset_cursor.h"

namespace naru {
namespace {

constexpr HolderId ann(1), bob(2);
constexpr Offset end(100);

int64_t taken(AckCursor& cursor, HolderId holder, int64_t deadline = never_ms) {
  auto got = cursor.take(end, holder, deadline);
  return got ? got->offset.value : -1;
}

TEST(ack_cursor, hands_out_in_order_and_remembers_who_has_what) {
  AckCursor cursor(Offset(3));
  EXPECT_EQ(taken(cursor, ann), 3);
  EXPECT_EQ(taken(cursor, bob, 50), 4);
  EXPECT_EQ(cursor.held(Offset(4))->holder, bob);
  EXPECT_EQ(cursor.held(Offset(4))->deadline_ms, 50);
  EXPECT_EQ(cursor.held(Offset(5)), std::nullopt);
  EXPECT_EQ(cursor.held_by(ann), 1u);
  EXPECT_EQ(cursor.counts(end).ready, 95);
  EXPECT_EQ(cursor.settle(Offset(4), Offset(5)), 1);
  EXPECT_EQ(cursor.floor(), Offset(3));
  EXPECT_EQ(cursor.settle(Offset(4), Offset(5)), 0);
  EXPECT_EQ(cursor.settle(Offset(3), Offset(4)), 1);
  EXPECT_EQ(cursor.floor(), Offset(5));
  EXPECT_TRUE(cursor.done().empty());
}

TEST(ack_cursor, what_comes_back_is_first_again) {
  AckCursor cursor;
  for (int i = 0; i < 5; ++i) taken(cursor, i % 2 ? bob : ann);
  EXPECT_TRUE(cursor.release(Offset(3), 0, 0));
  EXPECT_FALSE(cursor.release(Offset(3), 0, 0));
  auto back = cursor.release_all(ann);
  ASSERT_EQ(back.size(), 3u);
  EXPECT_EQ(back[1], (AckCursor::Taken{Offset(2), 1}));
  for (int64_t n : {0, 2, 3, 4, 5}) EXPECT_EQ(taken(cursor, bob), n);
  EXPECT_EQ(cursor.attempts(Offset(0)), 2u);
  EXPECT_EQ(cursor.attempts(Offset(1)), 1u);
}

TEST(ack_cursor, what_came_back_is_not_the_head_once_it_is_taken) {
  AckCursor before;
  for (int64_t n = 0; n < 3; ++n) ASSERT_TRUE(before.take(Offset(4), HolderId(1)));
  for (int64_t n = 0; n < 3; ++n) before.release(Offset(n), 0, 0);
  Bytes saved;
  before.save(saved);
  AckCursor cursor = *AckCursor::load(saved);
  EXPECT_EQ(cursor.peek(Offset(4)), Offset(0));
  for (int64_t n = 0; n < 3; ++n) EXPECT_EQ(cursor.take(Offset(4), HolderId(1))->offset, Offset(n));
  EXPECT_EQ(cursor.peek(Offset(4)), Offset(3));
  EXPECT_EQ(cursor.peek(Offset(3)), std::nullopt);
  EXPECT_EQ(cursor.take(Offset(4), HolderId(1))->offset, Offset(3));
}

TEST(ack_cursor, doubt_is_kept_until_the_record_is_done) {
  AckCursor before;
  before.settle(Offset(0), Offset(2));
  before.doubt_below(Offset(5));
  Bytes saved;
  before.save(saved);
  AckCursor cursor = *AckCursor::load(saved);
  EXPECT_TRUE(cursor.is_doubtful(Offset(4)));
  EXPECT_FALSE(cursor.is_doubtful(Offset(5)));
  cursor.settle(Offset(2), Offset(7));
  saved.clear();
  cursor.save(saved);
  EXPECT_FALSE(AckCursor::load(saved)->is_doubtful(Offset(0)));
}

TEST(ack_cursor, holds_and_delays_run_out) {
  AckCursor cursor;
  taken(cursor, ann, 30);
  taken(cursor, ann, 10);
  taken(cursor, ann);
  EXPECT_TRUE(cursor.delay(Offset(5), 20));
  EXPECT_EQ(cursor.next_deadline(), 10);
  EXPECT_TRUE(cursor.extend(Offset(1), 40));
  EXPECT_EQ(cursor.next_deadline(), 20);
  EXPECT_TRUE(cursor.expire(19).empty());
  auto due = cursor.expire(30);
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].offset, Offset(5));
  EXPECT_EQ(due[0].holder, std::nullopt);
  EXPECT_EQ(due[1].offset, Offset(0));
  EXPECT_EQ(due[1].holder, ann);
  EXPECT_EQ(cursor.next_deadline(), 40);
  for (int64_t n : {0, 3, 4, 5, 6}) EXPECT_EQ(taken(cursor, bob), n);
}

TEST(ack_cursor, a_released_record_may_wait_before_it_is_due) {
  AckCursor cursor;
  taken(cursor, ann);
  EXPECT_TRUE(cursor.release(Offset(0), 15, 10));
  EXPECT_EQ(cursor.counts(end).delayed, 1);
  EXPECT_EQ(taken(cursor, ann), 1);
  EXPECT_EQ(cursor.expire(15).size(), 1u);
  EXPECT_EQ(taken(cursor, ann), 0);
}

TEST(ack_cursor, settling_a_range_frees_all_in_it) {
  AckCursor cursor;
  for (int i = 0; i < 10; ++i) taken(cursor, ann, 100);
  EXPECT_EQ(cursor.settle(Offset(2), Offset(50)), 48);
  EXPECT_EQ(cursor.held_by(ann), 2u);
  EXPECT_EQ(taken(cursor, ann), 50);
  EXPECT_EQ(cursor.settle(Offset(0), Offset(2)), 2);
  EXPECT_EQ(cursor.floor(), Offset(50));
  EXPECT_EQ(cursor.next_deadline(), std::nullopt);
}

TEST(ack_cursor, a_purge_spares_what_is_held) {
  AckCursor cursor;
  for (int i = 0; i < 6; ++i) taken(cursor, ann);
  cursor.settle(Offset(0), Offset(2));
  cursor.release(Offset(4), 0, 0);
  cursor.delay(Offset(8), 50);
  std::vector<Change> expected = {{Offset(4), Offset(5)}, {Offset(6), end}};
  EXPECT_EQ(cursor.settle_idle(end), expected);
  EXPECT_EQ(cursor.counts(end).ready, 0);
  EXPECT_EQ(cursor.counts(end).held, 3);
  EXPECT_EQ(cursor.counts(end).delayed, 0);
}

TEST(ack_cursor, a_seek_replays_and_skips) {
  AckCursor cursor;
  for (int i = 0; i < 5; ++i) taken(cursor, ann);
  cursor.settle(Offset(0), Offset(3));
  cursor.seek(Offset(1));
  for (int64_t n : {1, 2, 5}) EXPECT_EQ(taken(cursor, bob), n);  // ann still has 3 and 4
  cursor.seek(Offset(90));
  EXPECT_EQ(cursor.held_by(ann), 0u);
  EXPECT_EQ(taken(cursor, bob), 90);
  EXPECT_EQ(cursor.settle(Offset(3), Offset(4)), 0);
}

// Offsets 0 2 4 have key 1; 1 3 5 have key 2; 6 has none; and so on.
struct ThreeKeys final : KeySource {
  int asked = 0;
  uint64_t key_of(Offset offset) override {
    ++asked;
    return offset.value == 6 ? 0 : static_cast<uint64_t>(offset.value % 2 + 1);
  }
};

TEST(ack_cursor, a_key_has_one_holder_and_keeps_its_order) {
  ThreeKeys keys;
  AckCursor cursor;
  cursor.order_by_key(keys);
  EXPECT_EQ(taken(cursor, ann), 0);
  EXPECT_EQ(taken(cursor, bob), 1);  // the other key
  HolderId eve(3);
  EXPECT_EQ(taken(cursor, eve), 6);  // no key; 2..5 wait
  EXPECT_EQ(cursor.parked(), 4u);
  EXPECT_EQ(taken(cursor, ann), 2);  // its own key goes on
  cursor.settle(Offset(1), Offset(2));
  EXPECT_EQ(taken(cursor, eve), 3);
  EXPECT_EQ(taken(cursor, bob), -1);
  cursor.settle(Offset(0), Offset(1));
  EXPECT_EQ(taken(cursor, eve), 5);
  EXPECT_LE(keys.asked, 100);  // nothing was asked twice
  cursor.release(Offset(2), 50, 10);
  cursor.expire(49);
  EXPECT_EQ(cursor.take(Offset(50), ann), std::nullopt);  // delayed, so 4 waits behind it
  cursor.expire(50);
  EXPECT_EQ(taken(cursor, bob), 2);
  cursor.settle(Offset(2), Offset(3));
  EXPECT_EQ(taken(cursor, ann), 4);
}

TEST(ack_cursor, a_hot_key_cannot_make_it_remember_without_bound) {
  struct OneKey final : KeySource {
    uint64_t key_of(Offset offset) override { return offset.value < 90 ? 1 : 2; }
  } keys;
  AckCursor cursor;
  cursor.order_by_key(keys, 10);
  EXPECT_EQ(taken(cursor, ann), 0);
  EXPECT_EQ(taken(cursor, bob), -1);
  EXPECT_EQ(cursor.parked(), 10u);
  for (int64_t n = 1; n < 90; ++n) EXPECT_EQ(taken(cursor, ann), n);
  EXPECT_EQ(taken(cursor, bob), 90);
}

TEST(ack_cursor, settling_a_waiting_record_lets_the_next_of_its_key_through) {
  ThreeKeys keys;
  AckCursor cursor;
  cursor.order_by_key(keys);
  taken(cursor, ann);
  EXPECT_EQ(taken(cursor, bob), 1);
  EXPECT_EQ(taken(cursor, bob), 3);
  cursor.settle(Offset(0), Offset(1));  // 2 is first in line now
  cursor.settle(Offset(2), Offset(3));  // and expires before anybody comes
  EXPECT_EQ(taken(cursor, HolderId(3)), 4);
}

TEST(ack_cursor, a_delay_from_a_note_holds_up_its_key_as_well) {
  ThreeKeys keys;
  AckCursor cursor;
  cursor.apply(TakenNote{.first = Offset(2), .last = Offset(3), .attempts = 1, .first_ms = 0, .until_ms = 50});
  cursor.order_by_key(keys);
  EXPECT_EQ(cursor.peek(end), Offset(0));
  EXPECT_EQ(taken(cursor, ann), 0);
  EXPECT_EQ(taken(cursor, bob), 1);
  EXPECT_EQ(taken(cursor, bob), 3);
  cursor.settle(Offset(0), Offset(1));
  EXPECT_EQ(taken(cursor, ann), 6);  // 4 is behind 2
  cursor.expire(50);
  EXPECT_EQ(taken(cursor, ann), 2);
  EXPECT_EQ(taken(cursor, ann), 4);
}

TEST(ack_cursor, memory_follows_holes_and_not_backlog) {
  AckCursor cursor;
  Offset far(100'000'000);
  EXPECT_LT(cursor.bytes(), 2 * KiB);
  for (int i = 0; i < 100'000; ++i) cursor.take(far, ann, i);
  for (int64_t n = 1; n < 100'000; ++n) cursor.settle(Offset(n), Offset(n + 1));
  EXPECT_EQ(cursor.done().ranges().size(), 1u);
  EXPECT_LT(cursor.bytes(), 4 * MiB);
  cursor.settle(Offset(0), Offset(1));
  EXPECT_LT(cursor.bytes(), 2 * KiB);
  EXPECT_EQ(cursor.counts(far).ready, 99'900'000);
}

TEST(ack_cursor, stale_timers_do_not_pile_up) {
  AckCursor cursor;
  cursor.take(Offset(1'000'000), ann);
  for (int64_t n = 1; n < 100'000; ++n) {
    cursor.take(Offset(1'000'000), ann, 30'000 + n);
    cursor.settle(Offset(n), Offset(n + 1));
  }
  EXPECT_LT(cursor.bytes(), 8 * KiB);
}

// --- against the model ---

struct Step {
  const char* name;
  std::string (*run)(AckCursorPair&);
};
constexpr Step steps[] = {
    {"ann takes", [](AckCursorPair& p) { return p.take(1, never_ms, p.end); }},
    {"bob takes until 30", [](AckCursorPair& p) { return p.take(2, 30, p.end); }},
    {"0 is settled", [](AckCursorPair& p) { return p.settle(0, 1); }},
    {"1 comes back later", [](AckCursorPair& p) { return p.release(1, p.now + 20); }},
    {"ann dies", [](AckCursorPair& p) { return p.release_all(1); }},
    {"time passes", [](AckCursorPair& p) { return p.pass(40); }},
    {"2 is delayed", [](AckCursorPair& p) { return p.delay(2, p.now + 10); }},
    {"restart", [](AckCursorPair& p) { return p.restart(); }},
    {"replay", [](AckCursorPair& p) { return p.seek(0); }},
};

// Every order of every choice of six steps, with and without keys: 2 * 9!/3! runs.
void every_order(std::vector<int>& chosen, uint64_t keys, int* runs) {
  if (chosen.size() == 6) {
    AckCursorPair pair(keys, 6);
    std::string wrong;
    for (size_t i = 0; wrong.empty() && i < chosen.size(); ++i) wrong = steps[chosen[i]].run(pair);
    if (wrong.empty()) wrong = pair.drain();
    ++*runs;
    if (wrong.empty()) return;
    std::string order;
    for (int i : chosen) order += std::string(steps[i].name) + "; ";
    FAIL() << wrong << " differs after: " << order;
  }
  for (int i = 0; i < static_cast<int>(std::size(steps)) && !testing::Test::HasFailure(); ++i) {
    if (std::ranges::count(chosen, i) > 0) continue;
    chosen.push_back(i);
    every_order(chosen, keys, runs);
    chosen.pop_back();
  }
}

TEST(ack_cursor, no_order_of_steps_tells_it_from_the_model) {
  for (uint64_t keys : {0, 2}) {
    std::vector<int> chosen;
    int runs = 0;
    every_order(chosen, keys, &runs);
    if (!HasFailure()) EXPECT_EQ(runs, 60'480);
  }
}

TEST(ack_cursor, no_random_history_tells_it_from_the_model) {
  for_each_seed(500, [](uint64_t seed) {
    Prng random(seed);
    AckCursorPair pair(seed % 4);
    for (int step = 0; step < 120; ++step) {
      auto n = static_cast<int64_t>(random.below(pair.end));
      auto later = pair.now + static_cast<int64_t>(random.below(40));
      uint64_t holder = 1 + random.below(3);
      std::string wrong;
      switch (random.below(14)) {
        case 0:
        case 1:
        case 2:
        case 3:
          wrong = pair.take(holder, random.chance(0.5) ? later : never_ms, random.chance(0.5) ? pair.end : n);
          break;
        case 4:
        case 5: wrong = pair.settle(n, n + 1); break;
        case 6: wrong = pair.settle(n, std::min(pair.end, n + 4)); break;
        case 7: wrong = pair.release(n, random.chance(0.5) ? later : 0); break;
        case 8: wrong = random.chance(0.3) ? pair.release_all(holder) : pair.extend(n, later); break;
        case 9:
        case 10: wrong = pair.pass(static_cast<int64_t>(random.below(10))); break;
        case 11: wrong = pair.delay(n, later); break;
        case 12: wrong = random.chance(0.3) ? pair.restart() : ""; break;
        case 13: wrong = random.chance(0.1) ? pair.seek(n) : random.chance(0.1) ? pair.settle_idle() : ""; break;
      }
      ASSERT_EQ(wrong, "") << "at step " << step;
    }
    EXPECT_EQ(pair.drain(), "");
  });
}

TEST(ack_cursor, a_damaged_snapshot_is_refused_without_harm) {
  AckCursorPair pair(2);
  for (int i = 0; i < 12; ++i) pair.take(1 + i % 3, 100, pair.end);
  pair.settle(2, 4);
  pair.settle(7, 8);
  pair.release(9, 70);
  pair.delay(20, 80);
  Bytes good;
  pair.real.save(good);
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(AckCursor::load(ByteView(good).first(size)));
  for (size_t place = 0; place < good.size(); ++place)
    for (int value = 0; value < 256; ++value) {
      Bytes bad = good;
      bad[place] = static_cast<uint8_t>(value);
      auto loaded = AckCursor::load(bad);
      if (!loaded) continue;
      loaded->expire(INT64_MAX - 1);
      for (int i = 0; i < 30; ++i) taken(*loaded, ann);
    }
  good[0] = 9;
  EXPECT_EQ(AckCursor::load(good).error().code, Code::unsupported);
}

TEST(ack_cursor, a_hold_with_a_deadline_outlives_its_holder) {
  AckCursor before;
  before.take(Offset(10), ann, 500);
  before.take(Offset(10), ann);
  EXPECT_EQ(before.first_taken(Offset(0), 77), 77);
  EXPECT_EQ(before.first_taken(Offset(0), 88), 77);
  Bytes saved;
  before.save(saved);
  AckCursor cursor = *AckCursor::load(saved);
  EXPECT_EQ(cursor.held(Offset(0))->holder, former_holder);
  EXPECT_EQ(cursor.held(Offset(0))->attempt, 1u);
  EXPECT_EQ(cursor.held(Offset(0))->deadline_ms, 500);
  EXPECT_EQ(cursor.first_taken(Offset(0), 99), 77);
  EXPECT_FALSE(cursor.held(Offset(1))) << "that of a connection does not";
  EXPECT_EQ(cursor.take(Offset(10), ann)->offset, Offset(1));
  EXPECT_EQ(cursor.expire(500).size(), 1u);
  EXPECT_EQ(cursor.take(Offset(10), ann), (AckCursor::Taken{Offset(0), 2}));
}

TEST(ack_cursor, who_is_asked_may_keep_a_record_longer) {
  AckCursor cursor;
  cursor.take(Offset(10), ann, 100);
  cursor.take(Offset(10), ann, 100);
  auto longer = [](Offset offset, HolderId holder) {
    EXPECT_EQ(holder, ann);
    return offset == Offset(1) ? int64_t{200} : 0;
  };
  auto due = cursor.expire(150, longer);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].offset, Offset(0));
  EXPECT_EQ(cursor.next_deadline(), 200);
}

TEST(ack_cursor, this_very_record_can_be_held) {
  AckCursor cursor;
  EXPECT_TRUE(cursor.hold_at(Offset(3), ann, never_ms));
  EXPECT_FALSE(cursor.hold_at(Offset(3), ann, never_ms));
  EXPECT_EQ(cursor.attempts(Offset(3)), 0u) << "and it does not count";
  EXPECT_TRUE(cursor.hold_at(Offset(0), ann, never_ms));
  EXPECT_EQ(cursor.take(Offset(10), ann)->offset, Offset(1));
  EXPECT_EQ(cursor.take(Offset(10), ann)->offset, Offset(2));
  EXPECT_EQ(cursor.take(Offset(10), ann)->offset, Offset(4));
  EXPECT_TRUE(cursor.release(Offset(2), 0, 0));
  EXPECT_TRUE(cursor.hold_at(Offset(2), ann, never_ms));
  EXPECT_EQ(cursor.attempts(Offset(2)), 1u);
  cursor.settle(Offset(5), Offset(6));
  EXPECT_FALSE(cursor.hold_at(Offset(5), ann, never_ms));
}

TEST(ack_cursor, notes_bring_back_who_had_what) {
  AckCursor cursor;
  cursor.settle(Offset(1), Offset(2));
  cursor.apply(TakenNote{Offset(0), Offset(3), 2, 50, 900});
  EXPECT_TRUE(cursor.is_done(Offset(1)));
  EXPECT_EQ(cursor.held(Offset(2))->attempt, 2u);
  cursor.apply(TakenNote{Offset(2), Offset(3), 2, 50, 0});
  EXPECT_FALSE(cursor.held(Offset(2)));
  cursor.apply(TakenNote{Offset(3), Offset(4), 0, 0, 700});
  auto counts = cursor.counts(Offset(5));
  EXPECT_EQ(counts.held, 1);
  EXPECT_EQ(counts.delayed, 1);
  EXPECT_EQ(counts.ready, 2);
  EXPECT_EQ(cursor.take(Offset(5), ann), (AckCursor::Taken{Offset(2), 3}));
  EXPECT_EQ(cursor.first_taken(Offset(2), 99), 50);
}

TEST(change, encodes_and_refuses) {
  for (Change change : {Change{Offset(5), Offset(9)}, Change{Offset(5), Offset(5), Change::Kind::seek}}) {
    Bytes bytes;
    Packer out(bytes);
    encode_change(out, change);
    Unpacker in(bytes);
    EXPECT_EQ(*decode_change(in), change);
    EXPECT_TRUE(in.at_end());
    Unpacker cut(ByteView(bytes).first(16));
    EXPECT_FALSE(decode_change(cut));
    bytes[0] = 3;
    Unpacker unknown(bytes);
    EXPECT_FALSE(decode_change(unknown));
  }
}

TEST(offset_cursor, moves_both_ways_and_survives) {
  OffsetCursor cursor;
  EXPECT_FALSE(cursor.is_set());
  EXPECT_EQ(cursor.lag(Offset(5)), 0);
  auto change = cursor.commit(Offset(7), 3);
  EXPECT_EQ(change, (Change{Offset(7), Offset(7), Change::Kind::seek}));
  EXPECT_EQ(cursor.commit(Offset(7), 3), std::nullopt);
  EXPECT_EQ(cursor.lag(Offset(10)), 3);
  Bytes bytes;
  cursor.save(bytes);
  EXPECT_EQ(OffsetCursor::load(bytes)->position(), Offset(7));
  EXPECT_EQ(OffsetCursor::load(bytes)->leader_epoch(), 3);
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(OffsetCursor::load(ByteView(bytes).first(size)));
  OffsetCursor recovered;
  recovered.apply(*change);
  EXPECT_EQ(recovered.position(), Offset(7));
  recovered.apply({Offset(0), Offset(3)});
  EXPECT_EQ(recovered.position(), Offset(7));
  recovered.apply({Offset(2), Offset(2), Change::Kind::seek});
  EXPECT_EQ(recovered.position(), Offset(2));
}

}  // namespace
}  // namespace naru
