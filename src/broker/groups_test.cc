#include "broker/groups_testing.h"

namespace naru {

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

TEST(groups_join, has_limits_for_protocols_and_for_what_they_say) {
  TestGroups g;
  auto& protocols = g["A"].protocols;
  protocols.assign(101, {"range", subscription({"t"})});
  EXPECT_EQ(g.join("A"), "inconsistent_group_protocol");
  protocols.pop_back();
  EXPECT_EQ(g.join("A"), "generation 1, leads A");
  g["B"].protocols = {{"range", Bytes(MiB + 1)}};
  EXPECT_EQ(g.join("B"), "inconsistent_group_protocol");
}

TEST(groups_join, gives_ids_to_a_thousand_at_most_who_have_not_come_again) {
  TestGroups g;
  for (int i = 0; i < 1000; ++i) {
    TestClient& client = g[std::to_string(i)];
    client.old = false;
    client.session_timeout_ms = 60'000;
    EXPECT_EQ(g.join(std::to_string(i)), "member_id_required");
  }
  g["A"].old = false;
  EXPECT_EQ(g.join("A"), "coordinator_not_available") << "which clients retry";
  EXPECT_EQ(g.leave("7"), "none");
  EXPECT_EQ(g.join("A"), "member_id_required");
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

TEST(groups_sync, an_overtaken_assignment_that_is_stored_late_does_not_count_for_the_next_generation) {
  TestGroups g;
  g.join("A");
  g.disk_is_slow = true;
  g.sync("A", {{"A", "old"}});
  g.on_disk_at_most = g.journal.end();
  EXPECT_EQ(g.join("B"), "waits");
  EXPECT_EQ(g.join("A"), "generation 2, leads A B");
  g["A again"] = g["A"];
  EXPECT_EQ(g.sync("B"), "waits");
  EXPECT_EQ(g.sync("A again", {{"A", "new"}, {"B", "two"}}), "waits");
  g.disk_is_slow = false;
  g.settle();
  EXPECT_EQ(g.heard_sync("A"), "rebalance_in_progress");
  EXPECT_EQ(g.state(), "CompletingRebalance");
  g.on_disk_at_most = UINT64_MAX;
  g.settle();
  EXPECT_EQ(g.heard_sync("A again"), "has new");
  EXPECT_EQ(g.heard_sync("B"), "has two");
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

}  // namespace naru
