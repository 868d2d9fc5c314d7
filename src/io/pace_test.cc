#include "io/pace.h"

#include "base/testing.h"

namespace naru::io {
namespace {

constexpr uint64_t least_in_a_second = 1000 * Pace::least_bytes_per_ms;

TEST(pace, is_told_after_a_second_and_not_before) {
  Pace pace;
  pace.begin(5000);
  EXPECT_FALSE(pace.is_slow(5999)) << "nothing came, but that says little yet";
  EXPECT_TRUE(pace.is_slow(6000));
}

TEST(pace, exactly_the_least_is_enough) {
  Pace pace;
  pace.begin(0);
  pace.received(least_in_a_second);
  EXPECT_FALSE(pace.is_slow(1000));
  pace.received(least_in_a_second - 1);
  EXPECT_TRUE(pace.is_slow(2000));
}

TEST(pace, what_came_before_the_last_question_does_not_count) {
  Pace pace;
  pace.begin(0);
  pace.received(100 * least_in_a_second);
  EXPECT_FALSE(pace.is_slow(1000));
  EXPECT_TRUE(pace.is_slow(2000));
}

TEST(pace, too_early_a_question_changes_nothing) {
  Pace pace;
  pace.begin(0);
  pace.received(least_in_a_second);
  for (Millis now = 100; now < 1000; now += 100) EXPECT_FALSE(pace.is_slow(now));
  EXPECT_FALSE(pace.is_slow(1000));
}

TEST(pace, time_in_which_nobody_listened_is_not_the_peers) {
  Pace pace;
  pace.begin(0);
  pace.away(0, 9000);
  EXPECT_FALSE(pace.is_slow(9999));
  pace.received(least_in_a_second);
  EXPECT_FALSE(pace.is_slow(10'000));
  EXPECT_TRUE(pace.is_slow(11'000)) << "that was once";
}

TEST(pace, time_before_it_began_is_not_taken_off) {
  Pace pace;
  pace.begin(10'000);
  pace.away(2000, 10'500);
  EXPECT_FALSE(pace.is_slow(11'499));
  EXPECT_TRUE(pace.is_slow(11'500));
}

}  // namespace
}  // namespace naru::io
