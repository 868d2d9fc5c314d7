#include "broker/group_subscription.h"
#include "broker/groups_testing.h"

namespace naru {

constexpr io::Millis hour_ms = 3'600'000, day_ms = 24 * hour_ms;

// --- committing and fetching

TEST(groups_commit, a_member_commits_for_its_generation) {
  TestGroups g;
  g.gather({"A"});
  EXPECT_EQ(g.fetch("t"), -1);
  EXPECT_EQ(g.commit("A", "t", 5, -1, "note"), "none");
  EXPECT_EQ(g.fetch("t"), 5);
  g["A"].generation = 0;
  EXPECT_EQ(g.commit("A", "t", 6), "illegal_generation");
  EXPECT_EQ(g.commit("B", "t", 6), "unknown_member_id");
  EXPECT_EQ(g.fetch("t"), 5);
}

TEST(groups_commit, keeps_what_came_with_it) {
  TestGroups g;
  GroupCommitArgs args{.from = {.group = "g"}, .retention_ms = 1000};
  args.offsets.push_back({.partition = {g.topic_id("t"), 3}, .offset = 7, .leader_epoch = 2, .metadata = "note"});
  args.offsets.push_back({.partition = {g.topic_id("t"), 4}, .offset = 8, .timestamp = 99});
  int64_t now = g.loop.wall();
  auto commit = g.it().commit(std::move(args));
  g.settle();
  EXPECT_EQ(commit.take().offsets, (std::vector{GroupError::none, GroupError::none}));
  auto fetch = g.it().fetch({.group = "g"});
  g.settle();
  auto result = fetch.take();
  ASSERT_EQ(result.offsets.size(), 2u);
  EXPECT_EQ(result.offsets[0].partition, (GroupPartition{g.topic_id("t"), 3}));
  EXPECT_EQ(result.offsets[0].committed, (GroupOffset{7, 2, "note", now, now + 1000}));
  EXPECT_EQ(result.offsets[1].committed, (GroupOffset{8, -1, "", 99, now + 1000}));
}

TEST(groups_commit, times_near_the_end_of_time_are_later_than_any_other) {
  TestGroups g;
  GroupCommitArgs kept{.from = {.group = "g"}, .retention_ms = INT64_MAX - 1}, late{.from = {.group = "g"}};
  kept.offsets.push_back({.partition = {g.topic_id("t"), 0}, .offset = 7});
  late.offsets.push_back({.partition = {g.topic_id("u"), 0}, .offset = 8, .timestamp = INT64_MAX - 1});
  for (auto* args : {&kept, &late}) {
    auto commit = g.it().commit(std::move(*args));
    g.settle();
    EXPECT_EQ(commit.take().offsets, std::vector{GroupError::none});
  }
  g.after(30 * 24 * 3'600'000LL);
  EXPECT_EQ(g.fetch("t"), 7);
  EXPECT_EQ(g.fetch("u"), 8);
}

TEST(groups_commit, nobody_may_commit_while_nobody_is_a_member) {
  TestGroups g;
  EXPECT_EQ(g.commit("", "t", 5), "none") << "a consumer that assigns itself";
  EXPECT_EQ(g.state(), "Empty");
  g.gather({"A"});
  EXPECT_EQ(g.commit("", "t", 6), "unknown_member_id");
  g.leave("A");
  EXPECT_EQ(g.commit("", "t", 6), "none");
  EXPECT_EQ(g.fetch("t"), 6);
  g["B"].generation = 3;
  EXPECT_EQ(g.commit("B", "t", 7), "unknown_member_id");
  g.group = "other";
  EXPECT_EQ(g.commit("B", "t", 7), "illegal_generation");
}

TEST(groups_commit, before_a_rebalance_yes_after_it_not_until_assigned) {
  TestGroups g;
  g.gather({"A"});
  EXPECT_EQ(g.join("B"), "waits");
  EXPECT_EQ(g.state(), "PreparingRebalance");
  EXPECT_EQ(g.commit("A", "t", 5), "none");
  g.join("A");
  EXPECT_EQ(g.state(), "CompletingRebalance");
  EXPECT_EQ(g.commit("A", "t", 6), "rebalance_in_progress");
}

TEST(groups_commit, too_much_metadata_is_refused_for_its_partition_only) {
  TestGroups g;
  std::string fits(4096, 'x'), too_long(4097, 'x');
  GroupCommitArgs args{.from = {.group = "g"}};
  args.offsets.push_back({.partition = {g.topic_id("t"), 0}, .offset = 1, .metadata = too_long});
  args.offsets.push_back({.partition = {g.topic_id("t"), 1}, .offset = 2, .metadata = fits});
  auto commit = g.it().commit(std::move(args));
  g.settle();
  EXPECT_EQ(commit.take().offsets, (std::vector{GroupError::offset_metadata_too_large, GroupError::none}));
  EXPECT_EQ(g.fetch("t"), -1);
}

TEST(groups_commit, is_confirmed_and_shown_when_it_is_durable) {
  TestGroups g;
  g.commit("", "t", 1);
  g.disk_is_slow = true;
  EXPECT_EQ(g.commit("", "t", 5), "waits");
  auto fetch = g.it().fetch({.group = "g"});
  g.settle();
  EXPECT_FALSE(fetch.done());
  g.disk_is_slow = false;
  g.settle();
  EXPECT_EQ(fetch.take().offsets.at(0).committed.offset, 5);
}

TEST(groups_commit, is_refused_while_the_disk_is_full_and_says_so_when_it_fails) {
  TestGroups g;
  g.full = true;
  EXPECT_EQ(g.commit("", "t", 1), "storage_full");
  g.full = false;
  g.disk_fails = true;
  EXPECT_EQ(g.commit("", "t", 1), "storage_failed");
}

TEST(groups_fetch, of_an_unknown_group_is_empty_and_no_error) {
  TestGroups g;
  EXPECT_EQ(g.fetch("t"), -1);
  auto all = g.it().fetch({.group = "g"});
  EXPECT_TRUE(all.take().offsets.empty());
  EXPECT_TRUE(g.it().list().empty());
}

TEST(groups_fetch, groups_whose_names_begin_alike_do_not_mix) {
  TestGroups g;
  std::string zero("g\0", 2);
  g.group = zero + "0123456789abcdef....";
  g.commit("", "t", 1);
  g.group = "gg";
  g.commit("", "t", 2);
  g.group = zero;
  EXPECT_EQ(g.fetch("t"), -1);
  g.group = "g";
  EXPECT_EQ(g.fetch("t"), -1);
  g.commit("", "t", 3);
  auto all = g.it().fetch({.group = "g"});
  g.settle();
  EXPECT_EQ(all.take().offsets.size(), 1u);
  g.restart();
  EXPECT_EQ(g.it().list().size(), 3u);
  EXPECT_EQ(g.remove(), "none");
  g.group = "gg";
  EXPECT_EQ(g.fetch("t"), 2);
}

TEST(groups_fetch, a_topic_made_again_under_its_name_starts_afresh) {
  TestGroups g;
  g.commit("", "t", 5);
  g.commit("", "u", 6);
  g.it().topic_deleted(g.topic_id("t"));
  EXPECT_EQ(g.fetch("t"), -1);
  EXPECT_EQ(g.fetch("u"), 6);
  g.commit("", "t", 5);
  g.topics.erase("t");
  EXPECT_EQ(g.fetch("t"), -1);
}

// --- deleting

TEST(groups_remove, only_empty_groups_and_with_all_they_had) {
  TestGroups g;
  EXPECT_EQ(g.remove(), "group_id_not_found");
  g.gather({"A"});
  g.commit("A", "t", 5);
  EXPECT_EQ(g.remove(), "non_empty_group");
  g.leave("A");
  EXPECT_EQ(g.remove(), "none");
  EXPECT_TRUE(g.table->rows().empty());
  EXPECT_EQ(g.fetch("t"), -1);
  EXPECT_EQ(g.remove(), "group_id_not_found");
  EXPECT_EQ(g.join("A"), "unknown_member_id");
}

TEST(groups_remove, a_group_with_only_an_id_given_out_is_empty) {
  TestGroups g;
  g["A"].old = false;
  g.join("A");
  EXPECT_EQ(g.remove(), "none");
  EXPECT_EQ(g.join("A"), "unknown_member_id");
  g.after(20'000);
}

TEST(groups_remove_offsets, not_of_topics_that_members_subscribe_to) {
  TestGroups g;
  EXPECT_EQ(g.remove_offset("t"), "group_id_not_found");
  g.commit("", "t", 1);
  g.commit("", "u", 2);
  g.gather({"A"});
  EXPECT_EQ(g.remove_offset("t"), "group_subscribed_to_topic");
  EXPECT_EQ(g.remove_offset("u"), "none");
  EXPECT_EQ(g.remove_offset("v"), "none");
  EXPECT_EQ(g.fetch("t"), 1);
  EXPECT_EQ(g.fetch("u"), -1);
  g.leave("A");
  EXPECT_EQ(g.remove_offset("t"), "none");
  EXPECT_EQ(g.fetch("t"), -1);
}

TEST(groups_remove_offsets, of_members_that_nobody_can_ask_it_is_refused) {
  TestGroups g;
  g["A"].protocols = {{"odd", {1, 2}}};
  g.commit("", "t", 1);
  g.gather({"A"});
  EXPECT_EQ(g.remove_offset("t"), "group_subscribed_to_topic");
  g.leave("A");
  g["B"].type = "connect";
  g.gather({"B"});
  EXPECT_EQ(g.remove_offset("t"), "non_empty_group");
}

TEST(groups_remove_offsets, before_the_first_generation_nobody_knows_the_topics) {
  TestGroups g;
  g.commit("", "u", 1);
  g.settings.initial_rebalance_delay_ms = 3000;
  g.restart();
  EXPECT_EQ(g.join("A"), "waits");
  EXPECT_EQ(g.remove_offset("u"), "group_subscribed_to_topic");
}

// --- listing

TEST(groups_view, lists_by_state_and_type_and_describes) {
  TestGroups g;
  g.commit("", "t", 1);
  g.group = "busy";
  g.gather({"A"});
  g["A"].protocols[0].metadata = subscription({"t", "u"});
  g.join("A");
  g.sync("A", {{"A", "one"}});
  auto lines = g.it().list();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].group, "busy");
  EXPECT_EQ(lines[0].protocol_type, "consumer");
  EXPECT_EQ(lines[0].generation, 2);
  EXPECT_EQ(lines[0].members, 1u);
  EXPECT_EQ(lines[0].topics, (std::vector<std::string>{"t", "u"}));
  EXPECT_EQ(lines[1].group, "g");
  EXPECT_EQ(lines[1].protocol_type, "");
  EXPECT_EQ(g.it().list({"stable"}).at(0).group, "busy");
  EXPECT_EQ(g.it().list({"EMPTY", "Dead"}).at(0).group, "g");
  EXPECT_EQ(g.it().list({}, {"Classic"}).size(), 2u);
  EXPECT_TRUE(g.it().list({}, {"consumer"}).empty());
  auto described = g.it().describe("busy");
  EXPECT_EQ(described.protocol, "range");
  EXPECT_EQ(described.members.at(0).client_id, "A");
  EXPECT_EQ(described.members.at(0).client_host, "/10.0.0.1");
  EXPECT_EQ(text(described.members.at(0).assignment), "one");
  EXPECT_EQ(described.members.at(0).metadata, subscription({"t", "u"}));
  EXPECT_EQ(g.it().describe("none").error, GroupError::group_id_not_found);
  EXPECT_EQ(g.it().describe("none").state, GroupState::dead);
  EXPECT_EQ(g.it().count_by_state(), (std::array<size_t, group_state_count>{1, 0, 0, 1, 0}));
}

TEST(groups_view, a_group_between_generations_shows_members_without_what_they_have) {
  TestGroups g;
  g.gather({"A"});
  g.join("B");
  auto described = g.it().describe("g");
  EXPECT_EQ(described.protocol, "");
  EXPECT_EQ(described.members.size(), 2u);
  EXPECT_TRUE(described.members.at(0).assignment.empty() && described.members.at(0).metadata.empty());
}

// --- expiry

TEST(groups_expiry, of_a_place_that_somebody_keeps_counts_from_its_commit) {
  TestGroups g;
  g.commit("", "t", 1);
  g.after(3 * day_ms);
  g.commit("", "u", 2);
  g.after(4 * day_ms + hour_ms);
  EXPECT_EQ(g.fetch("t"), -1);
  EXPECT_EQ(g.fetch("u"), 2);
  g.after(3 * day_ms);
  EXPECT_EQ(g.fetch("u"), -1);
  EXPECT_TRUE(g.it().list().empty()) << "the group goes with its last offset";
  EXPECT_TRUE(g.table->rows().empty());
  EXPECT_FALSE(g.loop.turn()) << "no timer is left";
}

TEST(groups_expiry, of_an_empty_group_counts_from_when_it_became_empty) {
  TestGroups g;
  g.gather({"A"});
  g.commit("A", "t", 1);
  g.after_with(hour_ms, {"A"});
  g.leave("A");
  g.after(7 * day_ms - hour_ms / 2);
  EXPECT_EQ(g.fetch("t"), 1);
  g.after(hour_ms);
  EXPECT_EQ(g.fetch("t"), -1);
  EXPECT_TRUE(g.it().list().empty());
  EXPECT_TRUE(g.table->rows().empty());
}

TEST(groups_expiry, what_a_tool_sets_in_a_group_that_has_long_been_empty_stays_as_long_as_any) {
  TestGroups g;
  g.gather({"A"});
  g.commit("A", "t", 1);
  g.leave("A");
  g.after(6 * day_ms);
  g.commit("", "u", 2);
  g.after(2 * day_ms);
  EXPECT_EQ(g.fetch("t"), -1);
  EXPECT_EQ(g.fetch("u"), 2);
}

TEST(groups_expiry, a_group_at_work_keeps_the_topics_it_subscribes_to) {
  TestGroups g;
  g["A"].session_timeout_ms = 30 * 60'000;
  g.gather({"A"});
  g.commit("A", "t", 1);
  g.commit("A", "u", 2);  // of a topic it no longer reads
  for (int i = 0; i < 8 * 24 * 3; ++i) {
    g.after(hour_ms / 3);
    ASSERT_EQ(g.heartbeat("A"), "none");
  }
  EXPECT_EQ(g.fetch("t"), 1);
  EXPECT_EQ(g.fetch("u"), -1);
}

TEST(groups_expiry, a_group_whose_topics_nobody_can_read_keeps_all) {
  TestGroups g;
  g["A"].session_timeout_ms = 30 * 60'000;
  g["A"].protocols = {{"odd", {}}};
  g.gather({"A"});
  g.commit("A", "t", 1);
  for (int i = 0; i < 8 * 24 * 3; ++i) g.after(hour_ms / 3), g.heartbeat("A");
  EXPECT_EQ(g.fetch("t"), 1);
}

TEST(groups_expiry, a_client_may_ask_for_less) {
  TestGroups g;
  g.commit("", "t", 1, 2 * hour_ms);
  g.commit("", "u", 2);
  g.after(3 * hour_ms);
  EXPECT_EQ(g.fetch("t"), -1);
  EXPECT_EQ(g.fetch("u"), 2);
}

TEST(groups_expiry, a_group_that_never_was_anything_goes_soon) {
  TestGroups g;
  g["A"].old = false;
  EXPECT_EQ(g.join("A"), "member_id_required");
  EXPECT_EQ(g.it().list().size(), 1u);
  g.after(10'000 + 11 * 60'000);
  EXPECT_TRUE(g.it().list().empty());
  EXPECT_FALSE(g.loop.turn());
}

// --- restarting

TEST(groups_restart, members_generation_and_assignment_are_back) {
  TestGroups g;
  g["S"].instance = "one";
  g.gather({"A"});
  g.gather({"A", "S"});
  g.commit("A", "t", 5);
  auto before = g.it().describe("g");
  g.restart();
  auto after = g.it().describe("g");
  EXPECT_EQ(after.generation, before.generation);
  EXPECT_EQ(after.leader, before.leader);
  EXPECT_EQ(after.protocol, "range");
  EXPECT_EQ(g.state(), "Stable");
  EXPECT_EQ(g.heartbeat("A"), "none");
  EXPECT_EQ(g.sync("S"), "has for S");
  EXPECT_EQ(g.join("S"), "generation 2, follows A") << "with nothing new to say";
  EXPECT_EQ(g.fetch("t"), 5);
  EXPECT_EQ(g.remove_offset("t"), "group_subscribed_to_topic");
  g["S"].id = "";
  EXPECT_EQ(g.join("S"), "generation 2, follows A");
}

TEST(groups_restart, who_is_not_heard_of_for_a_session_is_gone) {
  TestGroups g;
  g.gather({"A"});
  g.after(9'000);
  g.restart();
  g.after(9'000);
  EXPECT_EQ(g.heartbeat("A"), "none");
  g.after(10'000);
  EXPECT_EQ(g.heartbeat("A"), "unknown_member_id");
}

TEST(groups_restart, an_unfinished_generation_never_was) {
  TestGroups g;
  g.gather({"A"});
  g.join("B");
  EXPECT_EQ(g.join("A"), "generation 2, leads A B");
  g.restart();
  EXPECT_EQ(g.state(), "Stable");
  EXPECT_EQ(g.heartbeat("A"), "illegal_generation");
  EXPECT_EQ(g.heartbeat("B"), "unknown_member_id");
}

TEST(groups_restart, an_empty_group_goes_on_getting_older) {
  TestGroups g;
  g.gather({"A"});
  g.commit("A", "t", 5);
  g.leave("A");
  g.after(6 * day_ms);
  g.restart();
  EXPECT_EQ(g.it().describe("g").generation, 2);
  g.after(day_ms + hour_ms);
  EXPECT_TRUE(g.it().list().empty());
}

TEST(groups_restart, a_row_that_does_not_decode_is_an_error) {
  auto load = [](std::string key, std::string value) {
    TestGroups g;
    g.it();
    g.table->put(key, value);
    return Groups(g.loop, g.settings, {}).load(*g.table).error().code;
  };
  EXPECT_EQ(load("group/g", ""), Code::unsupported);
  EXPECT_EQ(load("group/g", "\x01"), Code::corrupt);
  EXPECT_EQ(load("offset/short", "\x01"), Code::corrupt);
  EXPECT_EQ(load(std::string("offset/g\0", 9) + std::string(20, 'x'), "\x02"), Code::unsupported);
  EXPECT_EQ(load(std::string("offset/g\0", 9) + std::string(20, 'x'), "\x01"), Code::corrupt);
}

TEST(groups_restart, a_row_is_the_same_after_decoding_and_cut_short_it_is_none) {
  Group::Saved saved{"consumer", "range", "A-1", 7, 99, {}};
  Group::Member member{.id = "A-1", .instance = "one", .client_id = "A", .client_host = "h"};
  member.session_timeout_ms = 1, member.rebalance_timeout_ms = 2;
  member.protocols = {{"range", {1, 2}}, {"sticky", {}}};
  member.assignment = {3};
  saved.members = {member, Group::Member{.id = "B-2"}};
  std::string row = encode_group_row(saved);
  auto decoded = decode_group_row(row);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(encode_group_row(*decoded), row);
  EXPECT_EQ(decoded->members.at(0).protocols, member.protocols);
  for (size_t cut = 0; cut < row.size(); ++cut) EXPECT_FALSE(decode_group_row(row.substr(0, cut)));
}

// --- what consumers tell each other

TEST(group_subscription, topics_are_read_from_any_version) {
  Bytes metadata = subscription({"t", "long-name"});
  EXPECT_EQ(subscribed_topics(metadata), (std::vector<std::string_view>{"t", "long-name"}));
  metadata[1] = 9;
  EXPECT_EQ(subscribed_topics(metadata), (std::vector<std::string_view>{"t", "long-name"}));
  EXPECT_EQ(subscribed_topics(subscription({})), std::vector<std::string_view>());
}

TEST(group_subscription, what_is_none_is_refused) {
  Bytes metadata = subscription({"t"});
  for (size_t size = 0; size < 9; ++size) EXPECT_EQ(subscribed_topics(ByteView(metadata).first(size)), std::nullopt);
  metadata[0] = 0x80;
  EXPECT_EQ(subscribed_topics(metadata), std::nullopt) << "a negative version";
  metadata = subscription({"t"});
  metadata[2] = 0xff;
  EXPECT_EQ(subscribed_topics(metadata), std::nullopt) << "a negative count";
  metadata[2] = 0x7f;
  EXPECT_EQ(subscribed_topics(metadata), std::nullopt) << "a count beyond the bytes";
  metadata = subscription({"t"});
  metadata[6] = 0xff;
  EXPECT_EQ(subscribed_topics(metadata), std::nullopt) << "a negative length";
}

}  // namespace naru
