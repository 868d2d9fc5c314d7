#include "io/budget.h"

#include "base/testing.h"
#include "sim/sim_loop.h"

namespace naru::io {
namespace {

struct BudgetTest {
  sim::SimLoop loop{1};
  Budget budget{loop, 100};
  std::string heard;
  void take(const std::string& name, uint64_t bytes) {
    [](BudgetTest& t, std::string who, uint64_t wanted) -> Task<> {
      co_await t.budget.take(wanted);
      t.heard += who;
    }(*this, name, bytes)
                                                               .detach();
  }
  void wait_for_credit(const std::string& name) {
    [](BudgetTest& t, std::string who) -> Task<> {
      co_await t.budget.credit();
      t.heard += who;
    }(*this, name)
                                              .detach();
  }
  void give(uint64_t bytes) {
    std::string before = heard;
    budget.give(bytes);
    EXPECT_EQ(heard, before) << "who gives goes on first";
    loop.run_for(1);
  }
};

TEST(budget, who_finds_too_little_waits_in_line) {
  BudgetTest t;
  t.take("a", 60), t.take("b", 50), t.take("c", 10);
  EXPECT_EQ(t.heard, "a");
  EXPECT_TRUE(t.budget.is_short());
  t.give(60);
  EXPECT_EQ(t.heard, "abc");
  EXPECT_EQ(t.budget.used(), 60u);
}

TEST(budget, more_than_there_is_is_granted_when_nothing_else_is_out) {
  BudgetTest t;
  t.take("a", 1), t.take("b", 1000);
  EXPECT_EQ(t.heard, "a");
  t.give(1);
  EXPECT_EQ(t.heard, "ab");
}

TEST(budget, a_line_of_any_length_moves_on_without_a_deep_stack) {
  sim::SimLoop loop(1);
  Budget budget(loop, 1);
  budget.overdraw(2);
  size_t served = 0;
  for (int i = 0; i < 300'000; ++i) {
    [](Budget& its, size_t& count, bool in_line) -> Task<> {
      if (in_line) {
        co_await its.take(1);
      } else {
        co_await its.credit();
        its.overdraw(1);
      }
      ++count;
      its.give(1);
    }(budget, served, i % 2 == 0)
                                                        .detach();
  }
  budget.give(2);
  loop.run_for(1);
  EXPECT_EQ(served, 300'000u);
  EXPECT_EQ(budget.used(), 0u);
}

TEST(budget, is_short_while_somebody_looks_whether_it_is_overdrawn_still) {
  BudgetTest t;
  t.budget.overdraw(101);
  EXPECT_FALSE(t.budget.is_short()) << "nobody minds";
  {
    Budget::Looker looks(t.budget);
    EXPECT_TRUE(t.budget.is_short());
    t.give(1);
    EXPECT_FALSE(t.budget.is_short());
    t.budget.overdraw(1);
  }
  EXPECT_FALSE(t.budget.is_short());
}

TEST(budget, what_is_overdrawn_is_waited_for_outside_of_the_line) {
  BudgetTest t;
  t.wait_for_credit("a");
  t.take("b", 50);
  t.budget.overdraw(70);
  EXPECT_TRUE(t.budget.is_overdrawn());
  t.wait_for_credit("c");
  t.take("d", 60);
  EXPECT_EQ(t.heard, "ab");
  t.give(20);
  EXPECT_EQ(t.heard, "abc") << "there is credit again, but no room for d";
  t.give(60);
  EXPECT_EQ(t.heard, "abcd");
}

}  // namespace
}  // namespace naru::io
