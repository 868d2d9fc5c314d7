#include "amqp/unsettled.h"

#include <gtest/gtest.h>

namespace naru::amqp {
namespace {

TEST(unsettled, gives_back_what_was_handed_out) {
  Unsettled unsettled;
  EXPECT_TRUE(unsettled.empty());
  for (uint64_t tag = 1; tag <= 1000; ++tag)
    EXPECT_EQ(unsettled.add({nullptr, {0, Offset(static_cast<int64_t>(tag * 2)), 0}, 7}), tag);
  EXPECT_EQ(unsettled.oldest(), 1u);
  EXPECT_EQ(unsettled.find(1001), nullptr);
  EXPECT_EQ(unsettled.find(0), nullptr);
  // In an order that leaves holes of every kind: odd ones first, then from the end.
  for (uint64_t tag = 1; tag <= 1000; tag += 2)
    EXPECT_EQ(unsettled.take(tag).id.offset, Offset(static_cast<int64_t>(tag * 2)));
  EXPECT_EQ(unsettled.find(501), nullptr);
  EXPECT_EQ(unsettled.oldest(), 2u);
  for (uint64_t tag = 1000; tag >= 2; tag -= 2) {
    EXPECT_EQ(unsettled.find(tag)->consumer, 7u);
    unsettled.take(tag);
  }
  EXPECT_TRUE(unsettled.empty());
  EXPECT_EQ(unsettled.next(), 1001u);
}

TEST(unsettled, an_old_one_stays_while_others_pass) {
  Unsettled unsettled;
  uint64_t old = unsettled.add({nullptr, {0, Offset(42), 0}, 1});
  for (int i = 0; i < 100'000; ++i) {
    unsettled.skip();
    unsettled.take(unsettled.add({}));
  }
  EXPECT_EQ(unsettled.size(), 1u);
  EXPECT_EQ(unsettled.oldest(), old);
  EXPECT_EQ(unsettled.take(old).id.offset, Offset(42));
  EXPECT_TRUE(unsettled.empty());
}

}  // namespace
}  // namespace naru::amqp
