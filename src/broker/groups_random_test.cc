// Many members that join, sync, commit, fall silent, lose their connection and come back, in any order, over restarts
// of the broker. Whatever happens, some things hold; and when all fall silent, nobody is left waiting.
#include "broker/groups_testing.h"

namespace naru {

class RandomGroups {
 public:
  explicit RandomGroups(uint64_t seed) : g_(seed), random_(seed * 7919) {
    g_.settings.initial_rebalance_delay_ms = random_.chance(0.5) ? 0 : 3000;
    if (random_.chance(0.3)) g_.settings.members_max = 4;
    for (int i = 0; i < 6; ++i) {
      std::string name(1, static_cast<char>('A' + i));
      TestClient& client = g_[name];
      if (random_.chance(0.4)) client.instance = "instance-" + name;
      client.old = random_.chance(0.5);
      client.can_skip = random_.chance(0.5);
      client.session_timeout_ms = static_cast<io::Millis>(random_.between(6'000, 40'000));
      client.rebalance_timeout_ms = static_cast<io::Millis>(random_.between(10'000, 60'000));
      if (random_.chance(0.5)) client.protocols.push_back({"sticky", subscription({"t"})});
      names_.push_back(name);
    }
  }

  void step() {
    const std::string& name = names_[random_.below(names_.size())];
    TestClient& client = g_[name];
    uint64_t what = random_.below(100);
    if (what < 4) {
      restart();
    } else if (what < 15) {
      g_.after(static_cast<io::Millis>(random_.between(1, 20'000)));
    } else if (what < 18) {
      g_.disk_is_slow = !g_.disk_is_slow;
    } else if (client.is_parked) {
      if (random_.chance(0.2)) g_.it().drop(client.caller);
      g_.settle();
    } else if (what < 22) {
      g_.leave(name);
      client.id = "", client.generation = -1;
    } else if (what < 26) {
      client.id = "", client.generation = -1;  // a new process
    } else if (what < 30) {
      client.protocols[0].metadata = subscription({random_.chance(0.5) ? "t" : "u"});
    } else {
      behave(name, client);
    }
    hear(name);
    check();
  }

  /// All fall silent, and all comes to its end.
  void end() {
    g_.disk_is_slow = false;
    g_.after(20 * 60'000);
    for (const std::string& name : names_) EXPECT_FALSE(g_[name].is_parked) << name << " was forgotten";
    EXPECT_EQ(g_.members(), 0u);
    EXPECT_TRUE(g_.it().idle());
    g_.after(8 * 24 * 3'600'000LL);
    EXPECT_TRUE(g_.it().list().empty());
    EXPECT_TRUE(g_.table->rows().empty());
    EXPECT_FALSE(g_.loop.turn()) << "a timer is armed for nothing";
  }

 private:
  /// What a client does in good faith.
  void behave(const std::string& name, TestClient& client) {
    client.caller = ++callers_;
    if (client.generation < 0 || g_.heartbeat(name) != "none") {
      client.synced.reset();
      g_.join(name);
    } else if (client.joined && client.joined->error == GroupError::none) {
      std::map<std::string, std::string> assignments;
      for (const auto& member : client.joined->members)
        assignments[member.id] = std::to_string(client.generation) + " " + member.id;
      client.joined.reset();
      g_.sync(name, assignments);
    } else {
      std::string topic(1, static_cast<char>('t' + random_.below(3)));
      auto offset = static_cast<int64_t>(random_.below(1000));
      std::string answer = g_.commit(name, topic, offset);
      if (answer == "none") committed_[topic] = offset;
      if (answer == "waits") committed_.erase(topic), unsure_.insert(topic);
      if (answer == "none") unsure_.erase(topic);
    }
  }

  /// What it does when it has heard something.
  void hear(const std::string& name) {
    TestClient& client = g_[name];
    if (client.joined && client.joined->error == GroupError::none) {
      if (!client.joined->members.empty()) {
        auto [leader, is_new] = leaders_.emplace(client.joined->generation, client.joined->member);
        bool is_same = is_new || leader->second == client.joined->member;
        EXPECT_TRUE(is_same || client.joined->skip_assignment || !client.instance.empty())
            << "generation " << client.joined->generation << " has two leaders";
      }
    } else if (client.joined && client.joined->error != GroupError::member_id_required) {
      if (client.joined->error != GroupError::dropped) client.id = "";
      client.generation = -1, client.joined.reset();
    }
    if (client.synced && client.synced->error != GroupError::none) {
      client.generation = -1, client.synced.reset();
    }
  }

  void check() {
    auto group = g_.it().describe("g");
    if (group.error != GroupError::none) return;
    bool leads = false;
    std::set<std::string> instances;
    for (const auto& member : group.members) {
      leads |= member.id == group.leader;
      if (member.instance) EXPECT_TRUE(instances.insert(*member.instance).second) << "two members are one instance";
    }
    EXPECT_EQ(leads, !group.members.empty()) << "a group with members has one of them for its leader";
    EXPECT_EQ(group.state == GroupState::empty,
              group.members.empty() && group.state != GroupState::preparing_rebalance);
    EXPECT_GE(group.generation, 0);
    if (group.state != GroupState::stable) return;
    for (const std::string& name : names_) {
      TestClient& client = g_[name];
      if (client.is_parked || client.generation < 0) continue;
      auto from = g_.from(name);
      from.generation = group.generation + 1;  // does not count as a sign of life
      if (g_.it().heartbeat(from) == GroupError::illegal_generation && client.synced &&
          client.synced->error == GroupError::none && client.generation == group.generation && !client.joined) {
        std::string has(text(client.synced->assignment));
        EXPECT_TRUE(has.empty() || has.starts_with(std::to_string(client.generation) + " "))
            << name << " holds what was assigned in another generation: " << has;
      }
    }
  }

  void restart() {
    g_.disk_is_slow = false;
    g_.settle();
    auto before = g_.it().describe("g");
    auto rows = g_.table->rows();
    g_.restart();
    auto after = g_.it().describe("g");
    EXPECT_EQ(g_.table->rows(), rows);
    if (before.state == GroupState::stable || (before.state == GroupState::empty && before.generation > 0)) {
      EXPECT_EQ(after.generation, before.generation);
      EXPECT_EQ(after.leader, before.leader);
      EXPECT_EQ(after.members.size(), before.members.size());
    }
    for (const auto& [topic, offset] : committed_)
      if (!unsure_.contains(topic)) EXPECT_EQ(g_.fetch(topic), offset) << topic;
    for (const std::string& name : names_) hear(name), g_[name].joined.reset();
    std::erase_if(leaders_, [&](const auto& entry) { return entry.first > after.generation; });
  }

  TestGroups g_;
  Prng random_;
  std::vector<std::string> names_;
  std::map<int32_t, std::string> leaders_;
  std::map<std::string, int64_t> committed_;
  std::set<std::string> unsure_;
  GroupCaller callers_ = 0;
};

TEST(groups_random, whatever_members_do_the_group_holds_together_and_forgets_nobody) {
  for_each_seed(20, [](uint64_t seed) {
    RandomGroups groups(seed);
    for (int i = 0; i < 400 && !::testing::Test::HasFailure(); ++i) groups.step();
    groups.end();
  });
}

}  // namespace naru
