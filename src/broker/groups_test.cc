#include "broker/groups_testing.h"

namespace naru {

using Assignments = std::map<std::string, std::string>;

// --- joining

TEST(groups_join, the_first_member_leads_and_is_told_who_is_there) {
  TestGroups g;
  EXPECT_EQ(g.join("A"), "generation 1, leads A");
  EXPECT_EQ(g.state(), "CompletingRebalance");
  EXPECT_EQ(g["A"].joined->protocol, "range");
  EXPECT_EQ(g["A"].joined->protocol_type, "consumer");
  EXPECT_EQ(g["A"].joined->members.at(0).metadata, subscription({"t"}));
  EXPECT_TRUE(g["A"].id.starts_with("A-")) << g["A"].id;
  EXPECT_EQ(g["A"].id.size(), 2u + 36u);
}

TEST(groups_join, a_new_group_waits_for_more_members_and_again_for_each) {
  TestGroups g;
  g.settings.initial_rebalance_delay_ms = 3000;
  EXPECT_EQ(g.join("A"), "waits");
  g.after(2000);
  EXPECT_EQ(g.join("B"), "waits");
  g.after(2000);  // four seconds: once more for B
  EXPECT_EQ(g.heard_join("A"), "waits");
  g.after(2000);
  EXPECT_EQ(g.heard_join("A"), "generation 1, leads A B");
  EXPECT_EQ(g.heard_join("B"), "generation 1, follows A");
}

TEST(groups_join, newcomers_delay_a_new_group_no_longer_than_the_rebalance_timeout) {
  TestGroups g;
  g.settings.initial_rebalance_delay_ms = 3000;
  for (const char* name : {"A", "B", "C", "D", "E"}) {
    g[name].rebalance_timeout_ms = 7000;
    g.join(name);
    g.after(1980);
  }
  EXPECT_EQ(g.heard_join("A"), "generation 1, leads A B C D");  // at seven seconds, when E had not come yet
}

TEST(groups_join, a_new_client_is_given_an_id_and_sent_back) {
  TestGroups g;
  g["A"].old = false;
  EXPECT_EQ(g.join("A"), "member_id_required");
  EXPECT_EQ(g.members(), 0u);
  EXPECT_FALSE(g["A"].id.empty());
  std::string id = g["A"].id;
  EXPECT_EQ(g.join("A"), "generation 1, leads A");
  EXPECT_EQ(g["A"].id, id);
}

TEST(groups_join, a_rebalance_waits_for_those_who_were_given_an_id_but_only_for_a_session) {
  TestGroups g;
  EXPECT_EQ(g.gather({"A"}), "generation 1");
  g["B"].old = false;
  EXPECT_EQ(g.join("B"), "member_id_required");
  EXPECT_EQ(g.state(), "Stable");
  EXPECT_EQ(g.join("A"), "waits");  // a leader that comes again
  g.after(5000);
  EXPECT_EQ(g.heard_join("A"), "waits");
  g.after(5000);
  EXPECT_EQ(g.heard_join("A"), "generation 2, leads A");
  EXPECT_EQ(g.join("B"), "unknown_member_id");
}

TEST(groups_join, an_id_that_nobody_gave_out_is_unknown) {
  TestGroups g;
  g["A"].id = "A-of-yesterday";
  EXPECT_EQ(g.join("A"), "unknown_member_id");
  g.gather({"B"});
  EXPECT_EQ(g.join("A"), "unknown_member_id");
}

TEST(groups_join, what_makes_no_sense_is_refused_and_leaves_no_group_behind) {
  TestGroups g;
  g["A"].session_timeout_ms = 5'999;
  EXPECT_EQ(g.join("A"), "invalid_session_timeout");
  g["A"].session_timeout_ms = 30 * 60'000 + 1;
  EXPECT_EQ(g.join("A"), "invalid_session_timeout");
  g["A"].session_timeout_ms = 6'000;
  g["A"].protocols = {};
  EXPECT_EQ(g.join("A"), "inconsistent_group_protocol");
  g["A"] = {.type = ""};
  EXPECT_EQ(g.join("A"), "inconsistent_group_protocol");
  g["A"] = {};
  g.group = "";
  EXPECT_EQ(g.join("A"), "invalid_group_id");
  EXPECT_EQ(g.sync("A"), "invalid_group_id");
  EXPECT_EQ(g.heartbeat("A"), "invalid_group_id");
  EXPECT_EQ(g.leave("A"), "invalid_group_id");
  EXPECT_TRUE(g.it().list().empty());
}

TEST(groups_join, members_have_to_have_a_protocol_in_common) {
  TestGroups g;
  g["A"].protocols = {{"range", {}}, {"sticky", {}}};
  g["B"].protocols = {{"sticky", {}}, {"roundrobin", {}}};
  g.gather({"A"});
  EXPECT_EQ(g.join("B"), "waits");
  EXPECT_EQ(g.join("A"), "generation 2, leads A B");
  EXPECT_EQ(g["A"].joined->protocol, "sticky");
  g["C"].protocols = {{"roundrobin", {}}};  // only B knows it too
  EXPECT_EQ(g.join("C"), "inconsistent_group_protocol");
  g["D"].type = "connect";
  g["D"].protocols = {{"sticky", {}}};
  EXPECT_EQ(g.join("D"), "inconsistent_group_protocol");
}

TEST(groups_join, each_member_votes_for_the_common_protocol_it_likes_best) {
  TestGroups g;
  g.settings.initial_rebalance_delay_ms = 100;
  g["A"].protocols = {{"range", {1}}, {"sticky", {2}}};
  g["B"].protocols = {{"private", {}}, {"sticky", {3}}, {"range", {}}};
  g["C"].protocols = {{"sticky", {4}}, {"range", {}}, {"range", {9}}};
  for (const char* name : {"A", "B", "C"}) g.join(name);
  g.after(1000);
  EXPECT_EQ(g.heard_join("A"), "generation 1, leads A B C");
  EXPECT_EQ(g["A"].joined->protocol, "sticky");
  std::set<Bytes> metadata;
  for (const auto& member : g["A"].joined->members) metadata.insert(member.metadata);
  EXPECT_EQ(metadata, (std::set<Bytes>{{2}, {3}, {4}}));
}

TEST(groups_join, a_full_group_lets_nobody_in) {
  TestGroups g;
  g.settings.members_max = 2;
  g.settings.initial_rebalance_delay_ms = 100;
  EXPECT_EQ(g.join("A"), "waits");
  EXPECT_EQ(g.join("B"), "waits");
  EXPECT_EQ(g.join("C"), "group_max_size_reached");
  g.after(1000);
  g.sync("A");
  EXPECT_EQ(g.join("C"), "group_max_size_reached");
  EXPECT_EQ(g.join("A"), "waits");
  EXPECT_EQ(g.join("B"), "generation 2, follows A");
}

TEST(groups_join, when_a_group_has_become_too_large_the_last_to_rejoin_is_out) {
  TestGroups g;
  g.gather({"A", "B"});
  g.gather({"A", "B", "C"});
  g.settings.members_max = 2;
  g.restart();
  EXPECT_EQ(g.join(g.name_of(g.it().describe("g").leader)), "waits");
  std::vector<std::string> others;
  for (const char* name : {"A", "B", "C"})
    if (!g[name].is_parked) others.push_back(name);
  g.join(others.at(0));
  EXPECT_EQ(g.join(others.at(1)), "group_max_size_reached");
  EXPECT_EQ(g.members(), 2u);
  EXPECT_EQ(g.state(), "CompletingRebalance");
}

// --- rejoining

TEST(groups_rejoin, a_newcomer_makes_everyone_rejoin) {
  TestGroups g;
  EXPECT_EQ(g.gather({"A"}), "generation 1");
  EXPECT_EQ(g.join("B"), "waits");
  EXPECT_EQ(g.state(), "PreparingRebalance");
  EXPECT_EQ(g.heartbeat("A"), "rebalance_in_progress");
  EXPECT_EQ(g.join("A"), "generation 2, leads A B");
  EXPECT_EQ(g.heard_join("B"), "generation 2, follows A");
  EXPECT_TRUE(g["B"].joined->members.empty());
}

TEST(groups_rejoin, a_leader_that_rejoins_a_stable_group_always_rebalances_it) {
  TestGroups g;
  g.gather({"A"});
  EXPECT_EQ(g.join("A"), "generation 2, leads A");
}

TEST(groups_rejoin, a_follower_that_has_nothing_new_to_say_is_told_the_generation) {
  TestGroups g;
  g.gather({"A", "B"});
  std::string leader = g.name_of(g.it().describe("g").leader), follower = leader == "A" ? "B" : "A";
  int32_t generation = g.it().describe("g").generation;
  EXPECT_EQ(g.join(follower), "generation " + std::to_string(generation) + ", follows " + leader);
  EXPECT_EQ(g.state(), "Stable");
  EXPECT_EQ(g.sync(follower), "has for " + follower);
}

TEST(groups_rejoin, a_follower_with_other_metadata_rebalances) {
  TestGroups g;
  g.gather({"A"});
  g.gather({"A", "B"});
  g["B"].protocols[0].metadata = subscription({"t", "u"});
  EXPECT_EQ(g.join("B"), "waits");
  EXPECT_EQ(g.join("A"), "generation 3, leads A B");
}

TEST(groups_rejoin, who_missed_the_answer_hears_it_again_while_assignments_are_awaited) {
  TestGroups g;
  g.gather({"A"});
  g.join("B");
  g.join("A");
  EXPECT_EQ(g.state(), "CompletingRebalance");
  EXPECT_EQ(g.join("A"), "generation 2, leads A B");
  EXPECT_EQ(g.join("B"), "generation 2, follows A");
  EXPECT_EQ(g.state(), "CompletingRebalance");
  g["B"].protocols[0].metadata = subscription({"u"});
  EXPECT_EQ(g.join("B"), "waits");
  EXPECT_EQ(g.state(), "PreparingRebalance");
}

TEST(groups_rejoin, a_second_join_of_one_member_replaces_the_first) {
  TestGroups g;
  g.gather({"A"});
  g.gather({"A", "B"});
  EXPECT_EQ(g.join("A"), "waits");
  TestClient first = g["A"];
  g["twin"] = first;
  EXPECT_EQ(g.join("twin"), "waits");
  EXPECT_EQ(g.heard_join("A"), "rebalance_in_progress");
  g["A"].id = "";  // for the names below
  EXPECT_EQ(g.join("B"), "generation 3, follows twin");
}

TEST(groups_rejoin, who_does_not_rejoin_within_the_rebalance_timeout_is_dropped) {
  TestGroups g;
  g["A"].rebalance_timeout_ms = 30'000;
  g["B"].rebalance_timeout_ms = 20'000;
  g.gather({"A"});
  g.gather({"A", "B"});
  EXPECT_EQ(g.join("B"), "generation 2, follows A");
  g["B"].protocols[0].metadata = subscription({"u"});
  EXPECT_EQ(g.join("B"), "waits");
  g.after_with(29'000, {"A"});
  EXPECT_EQ(g.heard_join("B"), "waits");
  g.after_with(1'100, {"A"});
  EXPECT_EQ(g.heard_join("B"), "generation 3, leads B");
  EXPECT_EQ(g.heartbeat("A"), "unknown_member_id");
}

TEST(groups_rejoin, a_new_member_that_has_waited_five_minutes_is_given_up) {
  TestGroups g;
  g["A"].rebalance_timeout_ms = 20 * 60'000;
  g.gather({"A"});
  EXPECT_EQ(g.join("B"), "waits");
  g.after_with(5 * 60'000, {"A"});
  EXPECT_EQ(g.heard_join("B"), "unknown_member_id");
  EXPECT_EQ(g.members(), 1u);
}

// --- syncing

TEST(groups_sync, everyone_gets_what_the_leader_brings_whoever_comes_first) {
  TestGroups g;
  g.gather({"A"});
  g.join("B");
  g.join("A");
  EXPECT_EQ(g.sync("B"), "waits");
  EXPECT_EQ(g.sync("A", {{"A", "one"}, {"B", "two"}}), "has one");
  EXPECT_EQ(g.heard_sync("B"), "has two");
  EXPECT_EQ(g["B"].synced->protocol, "range");
  EXPECT_EQ(g["B"].synced->protocol_type, "consumer");
  EXPECT_EQ(g.state(), "Stable");
  EXPECT_EQ(g.sync("B"), "has two");  // again, at any time
}

TEST(groups_sync, whom_the_leader_forgets_gets_nothing_and_strangers_do_not_matter) {
  TestGroups g;
  g.gather({"A"});
  g.join("B");
  g.join("A");
  g.sync("B");
  EXPECT_EQ(g.sync("A", {{"A", "one"}, {"nobody", "two"}}), "has one");
  EXPECT_EQ(g.heard_sync("B"), "has ");
}

TEST(groups_sync, no_answer_before_the_assignment_is_durable) {
  TestGroups g;
  g.gather({"A"});
  g.join("B");
  g.join("A");
  g.disk_is_slow = true;
  EXPECT_EQ(g.sync("B"), "waits");
  EXPECT_EQ(g.sync("A", {{"B", "two"}}), "waits");
  g.after(2000);
  EXPECT_EQ(g.heard_sync("B"), "waits");
  EXPECT_EQ(g.state(), "CompletingRebalance");
  g.disk_is_slow = false;
  g.settle();
  EXPECT_EQ(g.heard_sync("A"), "has ");
  EXPECT_EQ(g.heard_sync("B"), "has two");
  EXPECT_LE(g.it().list().size(), 1u);
}

TEST(groups_sync, a_leader_that_syncs_twice_is_heard_once) {
  TestGroups g;
  g.join("A");
  g.disk_is_slow = true;
  EXPECT_EQ(g.sync("A", {{"A", "one"}}), "waits");
  g["again"] = g["A"];
  EXPECT_EQ(g.sync("again", {{"A", "two"}}), "waits");
  g.disk_is_slow = false;
  g.settle();
  EXPECT_EQ(g.heard_sync("A"), "rebalance_in_progress");
  EXPECT_EQ(g.heard_sync("again"), "has one");
}

TEST(groups_sync, an_assignment_that_a_join_overtakes_is_void) {
  TestGroups g;
  g.join("A");
  g.disk_is_slow = true;
  EXPECT_EQ(g.sync("A", {{"A", "old"}}), "waits");
  EXPECT_EQ(g.join("B"), "waits");
  EXPECT_EQ(g.heard_sync("A"), "waits") << "its answer waits for the disk";
  g.disk_is_slow = false;
  g.settle();
  EXPECT_EQ(g.heard_sync("A"), "rebalance_in_progress");
  EXPECT_EQ(g.state(), "PreparingRebalance");
}

TEST(groups_sync, what_cannot_be_stored_ends_the_generation) {
  TestGroups g;
  g.join("A");
  g.full = true;
  EXPECT_EQ(g.sync("A", {{"A", "one"}}), "storage_full");
  EXPECT_EQ(g.state(), "PreparingRebalance");
  g.full = false;
  EXPECT_EQ(g.join("A"), "generation 2, leads A");
  g.disk_fails = true;
  EXPECT_EQ(g.sync("A", {{"A", "one"}}), "storage_failed");
  EXPECT_EQ(g.heartbeat("A"), "rebalance_in_progress");
}

TEST(groups_sync, is_refused_to_strangers_wrong_generations_and_wrong_protocols) {
  TestGroups g;
  EXPECT_EQ(g.sync("A"), "unknown_member_id");
  g.gather({"A"});
  EXPECT_EQ(g.sync("B"), "unknown_member_id");
  g["A"].generation = 7;
  EXPECT_EQ(g.sync("A"), "illegal_generation");
  g["A"].generation = 1;
  auto wrong = [&](auto type, auto protocol) {
    auto task = g.it().sync({.from = g.from("A"), .protocol_type = type, .protocol = protocol});
    g.settle();
    return task.take().error;
  };
  EXPECT_EQ(wrong("connect", "range"), GroupError::inconsistent_group_protocol);
  EXPECT_EQ(wrong("consumer", "sticky"), GroupError::inconsistent_group_protocol);
  EXPECT_EQ(wrong("consumer", "range"), GroupError::none);
  g.join("B");
  EXPECT_EQ(g.sync("A"), "rebalance_in_progress");
}

TEST(groups_sync, a_rebalance_sends_those_back_who_wait_for_an_assignment) {
  TestGroups g;
  g.gather({"A"});
  g.join("B");
  g.join("A");
  EXPECT_EQ(g.sync("B"), "waits");
  EXPECT_EQ(g.join("C"), "waits");
  EXPECT_EQ(g.heard_sync("B"), "rebalance_in_progress");
}

TEST(groups_sync, members_that_never_sync_are_expired) {
  TestGroups g;
  g["A"].rebalance_timeout_ms = g["B"].rebalance_timeout_ms = 20'000;
  g.gather({"A"});
  g.join("B");
  g.join("A");
  EXPECT_EQ(g.sync("A", {{"A", "one"}}), "has one");
  g.after_with(19'000, {"A", "B"});  // B lives, but does not fetch what it was assigned
  EXPECT_EQ(g.heartbeat("A"), "none");
  g.after_with(2'000, {"A", "B"});
  EXPECT_EQ(g.heartbeat("A"), "rebalance_in_progress");
  EXPECT_EQ(g.heartbeat("B"), "unknown_member_id");
}

TEST(groups_sync, a_leader_that_never_syncs_is_expired_and_the_others_go_on) {
  TestGroups g;
  g["A"].rebalance_timeout_ms = g["B"].rebalance_timeout_ms = 20'000;
  g.gather({"A"});
  g.join("B");
  g.join("A");
  EXPECT_EQ(g.sync("B"), "waits");
  g.after_with(20'000, {"A"});
  EXPECT_EQ(g.heard_sync("B"), "rebalance_in_progress");
  EXPECT_EQ(g.join("B"), "generation 3, leads B");
}

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
  g["S"].id = "", g["S"].generation = -1;                              // a new process
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
