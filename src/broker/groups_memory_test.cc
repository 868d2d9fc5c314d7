// What groups keep is counted, and has an end.
#include "broker/groups_testing.h"

namespace naru {
namespace {

TEST(groups_memory, members_beyond_it_are_refused_until_others_leave) {
  TestGroups g;
  g.memory_max = 400'000;
  std::vector<std::string> in;
  std::string heard;
  for (int i = 0; i < 100; ++i) {
    std::string name = "m" + std::to_string(i);
    g[name].protocols = {{"range", Bytes(50'000)}};
    heard = g.join(name);
    if (heard == "coordinator_not_available") break;
    in.push_back(name);
    EXPECT_LE(g.it().bytes(), g.memory_max);
  }
  EXPECT_EQ(heard, "coordinator_not_available");
  EXPECT_EQ(in.size(), 3u) << "what they bring is kept twice, in memory and in the group's row";
  g["m3"] = {};
  for (const std::string& name : in) EXPECT_NE(g.join(name), "coordinator_not_available") << "who is in may go on";
  EXPECT_EQ(g.leave(in[0]), "none");
  g["m4"].protocols = {{"range", Bytes(50'000)}};
  EXPECT_NE(g.join("m4"), "coordinator_not_available");
}

TEST(groups_memory, nothing_is_left_of_groups_that_came_for_nothing) {
  TestGroups g;
  g.memory_max = 20'000;
  g["A"].old = false;
  int made = 0;
  for (g.group = "g0"; g.join("A") == "member_id_required"; g.group = "g" + std::to_string(++made)) g["A"].id.clear();
  EXPECT_GT(made, 5);
  EXPECT_LT(made, 20);
  EXPECT_EQ(g.heard_join("A"), "coordinator_not_available");
  g.after(60 * 60'000);
  EXPECT_EQ(g.it().bytes(), 0u);
  EXPECT_EQ(g.join("A"), "member_id_required");
}

TEST(groups_memory, new_offsets_beyond_it_are_refused_and_those_that_are_there_move_on) {
  TestGroups g;
  g.memory_max = 10'000;
  int topics = 0;
  auto name = [&] { return "t" + std::to_string(topics); };
  for (; g.commit("", name(), 1) == "none"; ++topics) EXPECT_LE(g.it().bytes(), g.memory_max);
  EXPECT_GT(topics, 20);
  EXPECT_EQ(g.commit("", name(), 1), "storage_full");
  EXPECT_EQ(g.commit("", "t0", 2), "none");
  EXPECT_EQ(g.commit("", "t0", 2, -1, std::string(1000, 'm')), "storage_full");
  EXPECT_EQ(g.fetch("t0"), 2);
  uint64_t before = g.it().bytes();
  g.restart();
  EXPECT_EQ(g.it().bytes(), before);
  EXPECT_EQ(g.remove_offset("t1"), "none");
  EXPECT_EQ(g.commit("", name(), 1), "none");
  EXPECT_EQ(g.remove(), "none");
  EXPECT_EQ(g.it().bytes(), 0u);
}

TEST(groups_memory, what_is_refused_leaves_no_group) {
  TestGroups g;
  for (int i = 0; i < 100; ++i) {
    g.group = std::string(30'000, 'g') + std::to_string(i);
    EXPECT_EQ(g.commit("", "t", 1, -1, std::string(5000, 'm')), "offset_metadata_too_large");
  }
  EXPECT_EQ(g.it().bytes(), 0u);
  g.memory_max = 50'000;
  EXPECT_EQ(g.commit("", "t", 1), "storage_full") << "a group's name counts";
  EXPECT_EQ(g.it().bytes(), 0u);
  g.group = "g";
  EXPECT_EQ(g.commit("", "t", 1), "none");
}

TEST(groups_memory, names_count_with_their_length) {
  TestGroups g;
  g.memory_max = MiB;
  std::string name(30'000, 'n');
  g[name].old = false;
  int ids = 0;
  for (; g.join(name) == "member_id_required"; ++ids) g[name].id.clear();
  EXPECT_EQ(g.heard_join(name), "coordinator_not_available");
  EXPECT_GT(ids, 20);
  EXPECT_LE(g.it().bytes(), g.memory_max);
  g.group = "others";
  g["A"].instance = std::string(300'000, 'i');
  EXPECT_EQ(g.join("A"), "coordinator_not_available");
}

TEST(groups_memory, nothing_is_left_of_a_group_whose_only_id_is_given_back) {
  TestGroups g;
  g["A"].old = false;
  EXPECT_EQ(g.join("A"), "member_id_required");
  EXPECT_EQ(g.leave("A"), "none");
  g.after(60 * 60'000);
  EXPECT_EQ(g.it().bytes(), 0u);
}

}  // namespace
}  // namespace naru
