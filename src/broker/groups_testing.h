#pragma once
// The language of the tests about groups. A client is a name; what it hears is a word or two:
//
//   g.join("A")            -> "waits", "generation 1, leads A B", "generation 1, follows A", or the name of an error
//   g.sync("A", {{"A", "x"}}) -> "waits", "has x", or an error
//
// Time is simulated; a call that needs no more than the disk is answered before the language returns.
#include <map>
#include <string>

#include "base/testing.h"
#include "broker/group_row.h"
#include "broker/groups.h"
#include "broker/offsets.h"
#include "sim/sim_disk.h"
#include "sim/sim_loop.h"

namespace naru {

/// A ConsumerProtocolSubscription to these topics, with what a member says it owns behind.
inline Bytes subscription(const std::vector<std::string>& topics, uint8_t owned = 0) {
  Bytes out = {0, 1, 0, 0, 0, static_cast<uint8_t>(topics.size())};
  for (const std::string& topic : topics) {
    out.push_back(0), out.push_back(static_cast<uint8_t>(topic.size()));
    append(out, view(topic));
  }
  out.insert(out.end(), {0, 0, 0, 0, 0, 0, 0, owned});
  return out;
}

struct TestClient {
  // What it says; tests set it before they let it speak.
  std::string instance = {};  // static if not empty
  std::string type = "consumer";
  std::vector<GroupProtocol> protocols = {{"range", subscription({"t"})}};
  io::Millis session_timeout_ms = 10'000, rebalance_timeout_ms = 60'000;
  bool old = true;  // asks for no member id first
  bool can_skip = false;
  GroupCaller caller = 0;
  // What it knows.
  std::string id = {};
  int32_t generation = -1;
  // What it hears.
  std::optional<GroupJoinResult> joined = {};
  std::optional<GroupSyncResult> synced = {};
  bool is_parked = false;
};

class TestGroups {
 public:
  explicit TestGroups(uint64_t seed = 1)
      : loop(seed), disk(seed), journal(loop, disk, {1, 0}, {}, {[](auto) {}, [] {}, [](auto) {}}) {
    CHECK(journal.start({}));
    settings.initial_rebalance_delay_ms = 0;
    table = std::make_unique<Table>(journal, uint8_t{0});
  }
  ~TestGroups() {
    if (groups) stop();
  }

  /// The groups, made when first needed, so that a test can change the settings.
  Groups& it() {
    if (groups) return *groups;
    GroupHost host{.table = [this](std::string_view) -> Table& { return *table; },
                   .durable = [this](JournalPosition position) { return durable(position); },
                   .random_id = [this] { return loop.random().uuid(); },
                   .topic_id = [this](std::string_view name) { return topic_id(name); },
                   .is_full = [this] { return full; },
                   .memory_max = [this] { return memory_max; }};
    groups = std::make_unique<Groups>(loop, settings, std::move(host));
    CHECK(groups->load(*table));
    return *groups;
  }
  void stop() {
    disk_is_slow = false;
    on_disk_at_most = UINT64_MAX;
    groups->stop();
    settle();
    EXPECT_TRUE(groups->idle());
    groups.reset();
  }
  /// What a new process finds: the rows, and nothing else.
  void restart() {
    if (groups) stop();
    auto rows = table->rows();
    table = std::make_unique<Table>(journal, uint8_t{0});
    table->adopt(std::move(rows));
    it();
  }

  TestClient& operator[](const std::string& name) { return clients[name]; }
  void after(io::Millis ms) { loop.run_for(ms); }
  void settle() { loop.run_for(20); }

  // --- what clients do
  std::string join(const std::string& name) {
    TestClient& client = clients[name];
    client.joined.reset();
    GroupJoinArgs args{.caller = client.caller, .group = group, .member = client.id};
    if (!client.instance.empty()) args.instance = client.instance;
    args.client_id = name, args.client_host = "/10.0.0.1";
    args.session_timeout_ms = client.session_timeout_ms, args.rebalance_timeout_ms = client.rebalance_timeout_ms;
    args.protocol_type = client.type;
    for (const auto& [protocol, metadata] : client.protocols) args.protocols.push_back({protocol, metadata});
    args.requires_member_id = !client.old, args.can_skip_assignment = client.can_skip;
    hear(it().join(std::move(args)), client).detach();
    settle();
    return heard_join(name);
  }
  std::string sync(const std::string& name, const std::map<std::string, std::string>& assignments = {}) {
    TestClient& client = clients[name];
    client.synced.reset();
    GroupSyncArgs args{.caller = client.caller, .from = from(name)};
    for (const auto& [to, assignment] : assignments)
      args.assignments.push_back({clients[to].id.empty() ? to : clients[to].id, view(assignment)});
    hear(it().sync(std::move(args)), client).detach();
    settle();
    return heard_sync(name);
  }
  std::string heartbeat(const std::string& name) { return naru::name(it().heartbeat(from(name))); }
  std::string leave(const std::string& name) {
    GroupLeaveArgs args{.group = group, .members = {{.member = clients[name].id}}};
    if (!clients[name].instance.empty()) args.members[0].instance = clients[name].instance;
    return words(it().leave(args));
  }
  static std::string words(const GroupLeaveResult& result) {
    if (result.error != GroupError::none) return naru::name(result.error);
    std::string out;
    for (GroupError error : result.members) out += (out.empty() ? "" : " ") + std::string(naru::name(error));
    return out;
  }
  /// An empty name commits as nobody.
  std::string commit(const std::string& name, const std::string& topic, int64_t offset, io::Millis retention_ms = -1,
                     std::string_view metadata = "") {
    GroupCommitArgs args{.from = from(name), .retention_ms = retention_ms};
    args.offsets.push_back({.partition = {topic_id(topic), 0}, .offset = offset, .metadata = metadata});
    auto task = it().commit(std::move(args));
    settle();
    return task.done() ? naru::name(task.take().offsets.at(0)) : (std::move(task).detach(), "waits");
  }
  int64_t fetch(const std::string& topic) {
    auto task = it().fetch({.group = group, .partitions = std::vector<GroupPartition>{{topic_id(topic), 0}}});
    settle();
    return task.take().offsets.at(0).committed.offset;
  }
  std::string remove() {
    auto task = it().remove(group);
    settle();
    return naru::name(task.take());
  }
  std::string remove_offset(const std::string& topic) {
    auto task = it().remove_offsets(group, {{topic_id(topic), 0}});
    settle();
    auto result = task.take();
    return naru::name(result.error != GroupError::none ? result.error : result.partitions.at(0));
  }
  /// Newcomers join, the others rejoin when they are told to, all sync: "generation 1".
  std::string gather(const std::vector<std::string>& names) {
    for (const std::string& name : names)
      if (clients[name].generation < 0) join(name);
    for (const std::string& name : names)
      if (!clients[name].is_parked && heartbeat(name) == "rebalance_in_progress") join(name);
    std::map<std::string, std::string> assignments;
    for (const std::string& name : names) assignments[name] = "for " + name;
    for (const std::string& name : names) sync(name, assignments);
    for (const std::string& name : names) EXPECT_EQ(heard_sync(name), "has for " + name);
    return "generation " + std::to_string(it().describe(group).generation);
  }
  /// Time passes in which only these give signs of life.
  void after_with(io::Millis ms, const std::vector<std::string>& living) {
    for (io::Millis end = loop.now() + ms; loop.now() < end; after(std::min<io::Millis>(1000, end - loop.now())))
      for (const std::string& name : living) heartbeat(name);
  }

  // --- what they hear
  std::string heard_join(const std::string& name) {
    const auto& joined = clients[name].joined;
    if (!joined) return "waits";
    if (joined->error != GroupError::none) return naru::name(joined->error);
    std::string out = "generation " + std::to_string(joined->generation);
    if (joined->skip_assignment) out += ", skips";
    if (joined->leader != joined->member) return out + ", follows " + name_of(joined->leader);
    std::set<std::string> members;
    for (const auto& member : joined->members) members.insert(name_of(member.id));
    out += ", leads";
    for (const std::string& member : members) out += " " + member;
    return out;
  }
  std::string heard_sync(const std::string& name) {
    const auto& synced = clients[name].synced;
    if (!synced) return "waits";
    return synced->error != GroupError::none ? naru::name(synced->error)
                                             : "has " + std::string(text(synced->assignment));
  }
  std::string state() { return naru::name(it().describe(group).state); }
  size_t members() { return it().describe(group).members.size(); }
  std::string name_of(const std::string& id) const {
    for (const auto& [name, client] : clients)
      if (client.id == id) return name;
    return "stranger";
  }
  Uuid topic_id(std::string_view name) {
    if (missing_topics.contains(std::string(name))) return {};
    Uuid& id = topics[std::string(name)];
    if (id.is_none()) id = loop.random().uuid();
    return id;
  }
  GroupMemberArgs from(const std::string& name) {
    if (name.empty()) return {.group = group};
    TestClient& client = clients[name];
    GroupMemberArgs from{.group = group, .member = client.id, .generation = client.generation};
    if (!client.instance.empty()) from.instance = client.instance;
    return from;
  }

  sim::SimLoop loop;
  sim::SimDisk disk;
  Journal journal;
  std::unique_ptr<Table> table;
  GroupSettings settings;
  std::unique_ptr<Groups> groups;
  std::string group = "g";
  std::map<std::string, TestClient> clients;
  std::map<std::string, Uuid> topics;
  std::set<std::string> missing_topics;
  uint64_t memory_max = UINT64_MAX;
  bool full = false, disk_is_slow = false, disk_fails = false;
  JournalPosition on_disk_at_most = UINT64_MAX;

 private:
  io::Task<Result<void>> durable(JournalPosition position) {
    while (disk_is_slow || position > on_disk_at_most) co_await loop.sleep_until(loop.now() + 1);
    if (disk_fails) co_return fail(Code::io);
    co_return co_await journal.wait(position);
  }
  static io::Task<> hear(io::Task<GroupJoinResult> task, TestClient& client) {
    client.is_parked = !task.done();
    auto joined = co_await task;
    client.is_parked = false;
    bool has_id = joined.error == GroupError::none || joined.error == GroupError::member_id_required;
    if (has_id) client.id = joined.member;
    if (joined.error == GroupError::none) client.generation = joined.generation;
    client.joined = std::move(joined);
  }
  static io::Task<> hear(io::Task<GroupSyncResult> task, TestClient& client) {
    client.is_parked = !task.done();
    auto synced = co_await task;
    client.is_parked = false;
    client.synced = std::move(synced);
  }
};

}  // namespace naru
