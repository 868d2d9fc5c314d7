#include "broker/queue/consumer_line.h"

#include <gtest/gtest.h>

namespace naru {
namespace {

struct Consumer final : QueueConsumer {
  explicit Consumer(int32_t its_priority = 0, bool is_exclusive = false) {
    priority = its_priority;
    exclusive = is_exclusive;
  }
  bool can_take() const override { return takes; }
  void take(Queue&, const Delivery&) override {}
  void queue_gone(Queue&) override {}
  bool takes = true;
};

TEST(consumer_line, all_of_one_priority_have_their_turn) {
  ConsumerLine line(false);
  Consumer a, b, c;
  for (Consumer* one : {&a, &b, &c}) ASSERT_TRUE(line.add(*one));
  for (Consumer* one : {&a, &b, &c, &a, &b}) {
    ASSERT_EQ(line.next(), one);
    line.served(*one);
  }
  EXPECT_EQ(line.size(), 3);
}

TEST(consumer_line, a_lower_priority_waits_until_no_higher_one_takes) {
  ConsumerLine line(false);
  Consumer low(-1), high(5);
  ASSERT_TRUE(line.add(low));
  ASSERT_TRUE(line.add(high));
  line.served(high);
  EXPECT_EQ(line.next(), &high);
  high.takes = false;
  EXPECT_EQ(line.next(), &low);
  high.takes = true;
  EXPECT_EQ(line.next(), &low) << "who said no is not asked again before it says so";
  line.wake(high);
  EXPECT_EQ(line.next(), &high);
}

TEST(consumer_line, who_has_left_is_served_no_more) {
  ConsumerLine line(false);
  Consumer a, b;
  ASSERT_TRUE(line.add(a));
  ASSERT_TRUE(line.add(b));
  line.remove(a);
  EXPECT_EQ(line.next(), &b);
  line.remove(b);
  EXPECT_EQ(line.next(), nullptr);
  EXPECT_EQ(line.size(), 0);
}

TEST(consumer_line, where_one_is_served_it_stays_until_it_goes) {
  ConsumerLine line(true);
  Consumer first, second, urgent(9);
  for (Consumer* one : {&first, &second, &urgent}) ASSERT_TRUE(line.add(*one));
  line.served(first);
  EXPECT_EQ(line.next(), &first) << "a higher priority comes too late";
  first.takes = false;
  EXPECT_EQ(line.next(), nullptr) << "the others are not there to help";
  line.wake(second);
  EXPECT_EQ(line.next(), nullptr);
  line.remove(first);
  EXPECT_EQ(line.active(), &urgent);
  EXPECT_EQ(line.next(), &urgent);
}

TEST(consumer_line, exclusive_means_alone) {
  ConsumerLine line(false);
  Consumer a, alone(0, true);
  ASSERT_TRUE(line.add(a));
  EXPECT_EQ(line.add(alone).error().code, Code::busy);
  line.remove(a);
  ASSERT_TRUE(line.add(alone));
  EXPECT_TRUE(line.is_exclusive());
  EXPECT_EQ(line.add(a).error().code, Code::busy);
  line.remove(alone);
  EXPECT_FALSE(line.is_exclusive());
  EXPECT_TRUE(line.add(a));
}

TEST(consumer_line, closing_names_all_the_highest_priority_first) {
  ConsumerLine line(false);
  Consumer low, high(1), tired(1);
  for (Consumer* one : {&low, &high, &tired}) ASSERT_TRUE(line.add(*one));
  tired.takes = false;
  (void)line.next();
  EXPECT_EQ(line.close(), (std::vector<QueueConsumer*>{&high, &tired, &low}));
  EXPECT_EQ(line.next(), nullptr);
  EXPECT_EQ(line.size(), 0);
}

}  // namespace
}  // namespace naru
