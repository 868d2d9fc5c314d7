#include "broker/groups_testing.h"

namespace naru {

// --- heartbeats and sessions

TEST(groups_heartbeat, says_what_the_member_should_do) {
  TestGroups g;
  EXPECT_EQ(g.heartbeat("A"), "unknown_member_id");
  g.join("A");
  EXPECT_EQ(g.state(), "CompletingRebalance");
  EXPECT_EQ(g.heartbeat("A"), "none");
  g.sync("A");
  EXPECT_EQ(g.heartbeat("A"), "none");
  EXPECT_EQ(g.heartbeat("B"), "unknown_member_id");
  g["A"].generation = 0;
  EXPECT_EQ(g.heartbeat("A"), "illegal_generation");
  g["A"].generation = 1;
  g.join("B");
  EXPECT_EQ(g.heartbeat("A"), "rebalance_in_progress");
}

TEST(groups_session, a_silent_member_is_expired_and_the_others_rebalance) {
  TestGroups g;
  g.gather({"A"});
  g.gather({"A", "B"});
  g.after_with(9'000, {"B"});
  EXPECT_EQ(g.heartbeat("B"), "none");
  g.after_with(1'500, {"B"});
  EXPECT_EQ(g.heartbeat("B"), "rebalance_in_progress");
  EXPECT_EQ(g.join("B"), "generation 3, leads B");
  EXPECT_EQ(g.heartbeat("A"), "unknown_member_id");
}

TEST(groups_session, whoever_waits_in_a_join_is_alive) {
  TestGroups g;
  g.gather({"A"});
  EXPECT_EQ(g.join("B"), "waits");
  g.after_with(40'000, {"A"});
  EXPECT_EQ(g.heard_join("B"), "waits");
  EXPECT_EQ(g.join("A"), "generation 2, leads A B");
}

TEST(groups_session, begins_anew_with_each_answer) {
  TestGroups g;
  g.join("A");
  g.after(8'000);
  g.sync("A");
  g.after(8'000);
  EXPECT_EQ(g.heartbeat("A"), "none");
  g.after(8'000);
  EXPECT_EQ(g.commit("A", "t", 1), "none");  // a sign of life too
  g.after(8'000);
  EXPECT_EQ(g.heartbeat("A"), "none");
  g.after(10'000);
  EXPECT_EQ(g.heartbeat("A"), "unknown_member_id");
  EXPECT_EQ(g.state(), "Empty");
}

TEST(groups_session, a_group_whose_members_have_all_gone_is_empty_and_a_generation_older) {
  TestGroups g;
  g.gather({"A", "B"});
  int32_t generation = g.it().describe("g").generation;
  g.after(10'000 + 60'000);
  EXPECT_EQ(g.state(), "Empty");
  EXPECT_EQ(g.it().describe("g").generation, generation + 1);
  g["C"].old = true;
  EXPECT_EQ(g.join("C"), "generation " + std::to_string(generation + 2) + ", leads C");
}

// --- leaving

TEST(groups_leave, a_member_that_leaves_makes_the_others_rebalance_at_once) {
  TestGroups g;
  g.gather({"A"});
  g.gather({"A", "B"});
  EXPECT_EQ(g.leave("A"), "none");
  EXPECT_EQ(g.heartbeat("B"), "rebalance_in_progress");
  EXPECT_EQ(g.join("B"), "generation 3, leads B");
  EXPECT_EQ(g.leave("A"), "unknown_member_id");
}

TEST(groups_leave, the_last_one_leaves_an_empty_group) {
  TestGroups g;
  g.gather({"A"});
  EXPECT_EQ(g.leave("A"), "none");
  EXPECT_EQ(g.state(), "Empty");
  EXPECT_EQ(g.leave("A"), "unknown_member_id");
}

TEST(groups_leave, a_member_that_leaves_need_not_be_waited_for) {
  TestGroups g;
  g.gather({"A"});
  EXPECT_EQ(g.join("B"), "waits");
  EXPECT_EQ(g.leave("A"), "none");
  g.settle();
  EXPECT_EQ(g.heard_join("B"), "generation 2, leads B");
}

TEST(groups_leave, who_waits_and_is_made_to_leave_hears_of_it) {
  TestGroups g;
  g.gather({"A"});
  g["B"].old = false;
  g.join("B");
  EXPECT_EQ(g.join("B"), "waits");
  EXPECT_EQ(g.leave("B"), "none");
  g.settle();
  EXPECT_EQ(g.heard_join("B"), "unknown_member_id");
}

TEST(groups_leave, an_id_given_out_can_be_given_back) {
  TestGroups g;
  g.gather({"A"});
  g["B"].old = false;
  EXPECT_EQ(g.join("B"), "member_id_required");
  EXPECT_EQ(g.leave("B"), "none");
  EXPECT_EQ(g.state(), "Stable") << "nobody else need notice";
  EXPECT_EQ(g.join("A"), "generation 2, leads A");
}

TEST(groups_leave, many_at_once_by_id_or_by_instance) {
  TestGroups g;
  g["S"].instance = "one", g["T"].instance = "two";
  g.gather({"A"});
  g.gather({"A", "S"});
  g.gather({"A", "S", "T"});
  auto result = g.it().leave({.group = "g",
                              .members = {{.member = g["A"].id},
                                          {.member = "", .instance = "one"},
                                          {.member = "", .instance = "three"},
                                          {.member = "wrong", .instance = "two"},
                                          {.member = "nobody"},
                                          {.member = g["T"].id, .instance = "two"}}});
  EXPECT_EQ(g.words(result), "none none unknown_member_id fenced_instance_id unknown_member_id none");
  EXPECT_EQ(g.state(), "Empty");
  EXPECT_EQ(g.words(g.it().leave({.group = "other", .members = {{.member = "x"}}})), "unknown_member_id");
}

// --- static members

TEST(groups_static, a_member_that_is_back_in_time_disturbs_nobody) {
  TestGroups g;
  g["S"].instance = "one", g["S"].old = false;
  g.gather({"A"});
  g.gather({"A", "S"});
  std::string old_id = g["S"].id;
  g.after_with(8'000, {"A"});
  g["S"].id = "", g["S"].generation = -1;                           // a new process
  g["S"].protocols[0].metadata = subscription({"t"}, /*owned=*/5);  // which is no news
  EXPECT_EQ(g.join("S"), "generation 2, follows A");
  EXPECT_NE(g["S"].id, old_id);
  EXPECT_EQ(g.sync("S"), "has for S");
  EXPECT_EQ(g.heartbeat("A"), "none");
}

TEST(groups_static, the_old_one_is_fenced) {
  TestGroups g;
  g["S"].instance = "one";
  g.gather({"A"});
  g.gather({"A", "S"});
  g["ghost"] = g["S"];
  g["S"].id = "";
  g.join("S");
  EXPECT_EQ(g.heartbeat("ghost"), "fenced_instance_id");
  EXPECT_EQ(g.sync("ghost"), "fenced_instance_id");
  EXPECT_EQ(g.commit("ghost", "t", 1), "fenced_instance_id");
  EXPECT_EQ(g.leave("ghost"), "fenced_instance_id");
  EXPECT_EQ(g.join("ghost"), "fenced_instance_id");
  EXPECT_EQ(g.heartbeat("S"), "none");
}

TEST(groups_static, one_that_waits_is_fenced_where_it_waits) {
  TestGroups g;
  g["S"].instance = "one";
  g.gather({"A"});
  EXPECT_EQ(g.join("S"), "waits");
  g["new S"] = {.instance = "one"};
  EXPECT_EQ(g.join("new S"), "waits");
  EXPECT_EQ(g.heard_join("S"), "fenced_instance_id");
  EXPECT_EQ(g.join("A"), "generation 2, leads A new S");
  EXPECT_EQ(g.sync("new S"), "waits");
  g["newest S"] = {.instance = "one"};
  EXPECT_EQ(g.join("newest S"), "waits");  // assignments were on their way to the old id
  EXPECT_EQ(g.heard_sync("new S"), "fenced_instance_id");
  EXPECT_EQ(g.state(), "PreparingRebalance");
}

TEST(groups_static, a_returning_leader_skips_the_assignment_if_it_knows_how) {
  TestGroups g;
  g["S"].instance = "one", g["S"].can_skip = true;
  g.gather({"S"});
  g.gather({"S", "A"});
  g["S"].id = "";
  EXPECT_EQ(g.join("S"), "generation 2, skips, leads A S");
  EXPECT_EQ(g.sync("S"), "has for S");
  EXPECT_EQ(g.state(), "Stable");
  g["S"].id = "", g["S"].can_skip = false;
  EXPECT_EQ(g.join("S"), "generation 2, follows stranger") << "it must not think that it leads, or it would assign";
  EXPECT_EQ(g.it().describe("g").leader, g["S"].id);
}

TEST(groups_static, a_member_that_returns_with_other_topics_or_protocols_rebalances) {
  TestGroups g;
  g["S"].instance = "one";
  g["S"].protocols = g["A"].protocols = {{"range", subscription({"t"})}, {"sticky", subscription({"t"})}};
  g.gather({"A"});
  g.gather({"A", "S"});
  g["S"].id = "", g["S"].protocols[0].metadata = subscription({"t", "u"});
  EXPECT_EQ(g.join("S"), "waits");
  EXPECT_EQ(g.join("A"), "generation 3, leads A S");
  g.sync("A");
  g["S"].id = "", g["S"].protocols = {{"sticky", subscription({"t"})}};
  EXPECT_EQ(g.join("S"), "waits");
  EXPECT_EQ(g.join("A"), "generation 4, leads A S");
  EXPECT_EQ(g["A"].joined->protocol, "sticky");
}

TEST(groups_static, a_member_that_is_away_keeps_its_place_in_a_rebalance_until_its_session_ends) {
  TestGroups g;
  g["S"].instance = "one", g["S"].session_timeout_ms = 100'000;
  g["A"].rebalance_timeout_ms = g["S"].rebalance_timeout_ms = 20'000;
  g.gather({"A"});
  g.gather({"A", "S"});
  EXPECT_EQ(g.join("A"), "waits");
  g.after(20'000);
  EXPECT_EQ(g.heard_join("A"), "generation 3, leads A S");
  EXPECT_EQ(g.sync("A", {{"A", "one"}, {"S", "two"}}), "has one");
  g.after_with(60'000, {"A"});
  EXPECT_EQ(g.heartbeat("A"), "none");
  g["S"].id = "";
  EXPECT_EQ(g.join("S"), "generation 3, follows A");
  EXPECT_EQ(g.sync("S"), "has two");
  g.after_with(101'000, {"A"});
  EXPECT_EQ(g.heartbeat("A"), "rebalance_in_progress");
}

TEST(groups_static, while_all_that_remain_are_away_no_generation_begins) {
  TestGroups g;
  g["S"].instance = "one", g["S"].session_timeout_ms = 100'000;
  g["A"].rebalance_timeout_ms = g["S"].rebalance_timeout_ms = 20'000;
  g.gather({"A"});
  g.gather({"A", "S"});
  EXPECT_EQ(g.leave("A"), "none");
  g.after(50'000);
  EXPECT_EQ(g.state(), "PreparingRebalance");
  g.after(60'000);
  EXPECT_EQ(g.state(), "Empty");
}

TEST(groups_static, members_that_allow_no_time_keep_nothing_busy_while_they_are_away) {
  for (io::Millis allowed : {0, -5}) {
    TestGroups g;
    g["S"].instance = "one", g["S"].session_timeout_ms = 100'000, g["S"].rebalance_timeout_ms = allowed;
    g.gather({"A"});
    g.gather({"A", "S"});
    EXPECT_EQ(g.leave("A"), "none");
    g.after(50'000);  // each look at the group takes a turn of the loop, in which no time passes
    EXPECT_EQ(g.state(), "PreparingRebalance");
    g.after(60'000);
    EXPECT_EQ(g.state(), "Empty");
  }
}

TEST(groups_static, instances_need_no_id_first) {
  TestGroups g;
  g["S"].instance = "one", g["S"].old = false;
  EXPECT_EQ(g.join("S"), "generation 1, leads S");
  EXPECT_TRUE(g["S"].id.starts_with("one-"));
  EXPECT_EQ(g["S"].joined->members.at(0).instance, "one");
}

// --- who asks may go

TEST(groups_drop, who_waits_for_a_join_is_answered_and_its_member_stays_for_a_session) {
  TestGroups g;
  g.gather({"A"});
  g["B"].caller = 7, g["B"].old = false;
  g.join("B");
  EXPECT_EQ(g.join("B"), "waits");
  g.it().drop(7);
  g.settle();
  EXPECT_EQ(g.heard_join("B"), "dropped");
  EXPECT_EQ(g.members(), 2u);
  g["B"].caller = 8;
  EXPECT_EQ(g.join("B"), "waits") << "over another connection";
  g.it().drop(7);
  EXPECT_EQ(g.heard_join("B"), "waits");
  EXPECT_EQ(g.join("A"), "generation 2, leads A B");
  g.it().drop(8);  // nothing waits
  g.settle();
  EXPECT_EQ(g.heartbeat("B"), "none");
}

TEST(groups_drop, who_has_gone_does_not_lead) {
  TestGroups g;
  g.settings.initial_rebalance_delay_ms = 100;
  g["A"].caller = 7;
  EXPECT_EQ(g.join("A"), "waits");
  EXPECT_EQ(g.join("B"), "waits");
  g.it().drop(7);
  g.after(1000);
  EXPECT_EQ(g.heard_join("A"), "dropped");
  EXPECT_TRUE(g.heard_join("B").starts_with("generation 1, leads")) << g.heard_join("B");
}

TEST(groups_drop, who_does_not_come_back_is_expired) {
  TestGroups g;
  g.gather({"A"});
  g["B"].caller = 7;
  EXPECT_EQ(g.join("B"), "waits");
  g.it().drop(7);
  g.after_with(10'000, {"A"});
  EXPECT_EQ(g.members(), 1u);
}

TEST(groups_drop, a_leader_that_goes_while_its_assignment_is_stored_has_assigned) {
  TestGroups g;
  g["A"].caller = 7;
  g.gather({"A"});
  g.join("B");
  g.join("A");
  g.disk_is_slow = true;
  EXPECT_EQ(g.sync("B"), "waits");
  EXPECT_EQ(g.sync("A", {{"B", "two"}}), "waits");
  g.it().drop(7);
  g.disk_is_slow = false;
  g.settle();
  EXPECT_EQ(g.heard_sync("A"), "dropped");
  EXPECT_EQ(g.heard_sync("B"), "has two");
}

TEST(groups_drop, when_the_broker_goes_everyone_is_answered) {
  TestGroups g;
  g.gather({"A"});
  g.join("B");
  g.group = "other";
  g.gather({"C"});
  g.join("D");
  g.join("C");
  EXPECT_EQ(g.sync("D"), "waits");
  g.it().stop();
  g.settle();
  EXPECT_EQ(g.heard_join("B"), "coordinator_not_available");
  EXPECT_EQ(g.heard_sync("D"), "coordinator_not_available");
  EXPECT_EQ(g.join("E"), "coordinator_not_available");
  EXPECT_EQ(g.sync("C"), "coordinator_not_available");
  EXPECT_EQ(g.heartbeat("C"), "coordinator_not_available");
  EXPECT_EQ(g.leave("C"), "coordinator_not_available");
  EXPECT_EQ(g.commit("C", "t", 1), "coordinator_not_available");
  EXPECT_EQ(g.remove(), "coordinator_not_available");
  EXPECT_TRUE(g.it().idle());
  EXPECT_FALSE(g.loop.turn()) << "no timer is left";
}

}  // namespace naru
