#include "broker/queue/group_order.h"

#include <map>

#include "base/testing.h"

namespace naru {
namespace {

/// "a1 a2 b1": groups are letters, messages are numbered within theirs.
struct Groups {
  GroupOrder order;
  int64_t end = 0;
  std::map<std::string, int64_t> offsets;
  std::map<int64_t, std::string> names;
  std::map<char, int> last;

  void add(const std::string& letters) {
    for (char letter : letters) {
      std::string name = letter + std::to_string(++last[letter]);
      offsets[name] = end;
      names[end] = name;
      order.add(Offset(end++), static_cast<uint64_t>(letter), false);
    }
  }
  std::string receive(int max) {
    GroupOrder::Turn turn;
    std::string got;
    for (; max > 0; --max) {
      auto offset = order.next(turn);
      if (!offset) break;
      got += (got.empty() ? "" : " ") + names[offset->value];
    }
    return got;
  }
  void done(const std::string& name) { order.done(Offset(offsets[name])); }
  void returned(const std::string& name) { order.returned(Offset(offsets[name])); }
};

TEST(group_order, drains_a_group_then_takes_the_next) {
  Groups g;
  g.add("abacab");
  EXPECT_EQ(g.receive(4), "a1 a2 a3 b1");
  EXPECT_EQ(g.receive(10), "c1") << "b2 stands behind b1, which is out";
  g.done("a1");
  g.done("a2");
  EXPECT_EQ(g.receive(10), "");
  g.done("b1");
  EXPECT_EQ(g.receive(10), "b2");
}

TEST(group_order, what_comes_back_is_first_and_others_stay_out) {
  Groups g;
  g.add("aaaa");
  EXPECT_EQ(g.receive(2), "a1 a2");
  g.returned("a1");
  EXPECT_EQ(g.receive(10), "a1") << "a2 is still out, and a3 behind it";
  g.returned("a2");
  EXPECT_EQ(g.receive(10), "") << "a1 is out";
  g.returned("a1");
  EXPECT_EQ(g.receive(10), "a1 a2 a3 a4");
}

TEST(group_order, cleared_of_those_that_wait) {
  Groups g;
  g.add("aab");
  EXPECT_EQ(g.receive(1), "a1");
  EXPECT_EQ(g.order.clear_waiting(), (std::vector<Offset>{Offset(1), Offset(2)}));
  EXPECT_EQ(g.order.waiting(), 0u);
  g.returned("a1");
  EXPECT_EQ(g.receive(10), "a1");
  g.done("a1");
  g.add("a");
  EXPECT_EQ(g.receive(10), "a3");
}

/// A million messages in ten thousand groups, a hundred consumers: how much is done per message does not depend on how
/// many there are.
TEST(group_order, the_backlog_costs_nothing) {
  auto steps_per_message = [](int64_t messages, uint64_t groups) {
    GroupOrder order;
    Prng random(1);
    for (int64_t n = 0; n < messages; ++n) order.add(Offset(n), 1 + random.below(groups), false);
    uint64_t before = order.steps();
    std::deque<Offset> out;
    int64_t taken = 0;
    for (;;) {
      GroupOrder::Turn turn;
      int got = 0;
      for (; got < 10; ++got) {
        auto offset = order.next(turn);
        if (!offset) break;
        out.push_back(*offset);
        ++taken;
      }
      if (got < 10 && out.empty()) break;
      while (out.size() > 1000 || (got < 10 && !out.empty())) order.done(out.front()), out.pop_front();
    }
    EXPECT_EQ(taken, messages);
    EXPECT_EQ(order.size(), 0u);
    return static_cast<double>(order.steps() - before) / static_cast<double>(messages);
  };
  EXPECT_DOUBLE_EQ(steps_per_message(1'000, 10), 2.0);
  EXPECT_DOUBLE_EQ(steps_per_message(1'000'000, 10'000), 2.0);
}

}  // namespace
}  // namespace naru
