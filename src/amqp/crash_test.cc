// What was confirmed survives, end to end: clients publish, consume, acknowledge, reject, give back and commit over
// AMQP on a simulated network and disk; queues have priorities, limits, times to live, dead letters, delays and keys;
// users, policies and declarations change meanwhile. Power fails at any write, or the process is killed, again and
// again. One seed, one story: NARU_SEED=n replays it (NARU_STORY=1 tells it), NARU_SEEDS=n runs more.

#include <sstream>

#include "amqp/crash_model_testing.h"
#include "amqp/crash_rows_testing.h"
#include "amqp/sim_client_testing.h"

namespace naru::amqp {
namespace {

struct Route {
  const char *exchange, *key;
  std::vector<const char*> origins;
};
/// All that messages can be sent to; what becomes of them is in declare().
const Route routes[] = {
    {"", "plain", {"plain"}},   {"", "levels", {"levels"}}, {"all", "", {"plain", "levels", "limited"}},
    {"", "work", {"work"}},     {"", "brief", {"brief"}},   {"", "limited", {"limited"}},
    {"", "short", {"short"}},   {"", "full", {"full"}},     {"", "ruled", {"ruled"}},
    {"", "keyed", {"keyed"}},   {"", "fair", {"fair"}},     {"later", "late", {"late"}},
    {"", "stream", {"stream"}},
};
constexpr const char* consumed[] = {"plain", "levels", "limited", "work", "brief", "short",
                                    "full",  "ruled",  "keyed",   "fair", "late",  "graveyard"};
constexpr uint8_t priority_max = 3;

/// Whether what is rejected there goes elsewhere.
bool buries(std::string_view queue) {
  constexpr std::string_view with[] = {"limited", "work", "retry", "brief", "short", "ruled"};
  return std::ranges::count(with, queue) > 0;
}

/// What a client counts on to be on disk when an answer comes.
struct Pledge {
  std::vector<std::pair<std::string, int64_t>> published, acknowledged;
};

struct Client {
  Client(sim::SimConnection& connection, uint64_t number) : wire(connection), id(number) {}
  struct Held {
    std::string queue;
    uint64_t tag;
    Sighting seen;
    std::string key;
  };
  SimClient wire;
  const uint64_t id;
  // Channel 1 confirms what it publishes.
  uint64_t next_publish = 1;
  std::map<uint64_t, Pledge> unconfirmed;
  std::vector<std::pair<std::string, int64_t>> acknowledged;  // since the last publish
  std::vector<Held> held;
  bool purging = false;
  // Channel 2 has transactions, one at a time.
  bool transacting = false;
  Pledge transaction;
};

/// With NARU_STORY=1, what happens is told.
template <class... Words>
void tell(const Words&... words) {
  static const bool aloud = std::getenv("NARU_STORY") != nullptr;
  if (!aloud) return;
  std::ostringstream line;
  ((line << words << ' '), ...);
  std::puts(line.str().c_str());
}

class World {
 public:
  explicit World(uint64_t seed, bool lying = false)
      : random_(seed), lying_(lying), broker_(random_.next()), clerks_(random_.next()) {}
  ~World() { clients_.clear(); }

  void run() {
    for (int life = 0; life < 3 && !failed(); ++life) {
      if (!begin()) return;
      serve();
      end();
    }
    if (!failed() && begin()) drain();
  }

  Promises promises;
  uint64_t refused = 0, commits = 0, lives = 0;
  uint64_t changes() const { return clerks_.changes; }

 private:
  static bool failed() { return ::testing::Test::HasFailure(); }
  bool is_dead() { return broker_.disk().is_dead(); }

  // --- the life of the broker
  bool begin() {
    if (random_.chance(0.2)) {  // a start that comes to nothing
      tell("a start in vain");
      broker_.disk().lose_power_in(static_cast<int>(random_.below(80)));
      (void)broker_.start().has_value();
      broker_.kill();
    }
    broker_.disk().set_lying(lying_);
    auto started = broker_.start();
    EXPECT_TRUE(started) << started.error().reason;
    if (!started) return false;
    broker_.loop().run([&] { return broker_.is_settled(); });
    ++lives;
    tell("life", lives, "unclean", broker_.is_unclean());
    promises.verify(contents_of(broker_, "late"), broker_.is_unclean());
    clerks_.verify(broker_);
    if (policy_is_set_) {
      DeclaredQueue* ruled = broker_.host().find_queue("ruled");
      EXPECT_TRUE(ruled && ruled->queue->settings().dead_letter_exchange == "dead");
    }
    return !failed() && set_up();
  }
  bool set_up() {
    Client admin(broker_.connect(), 0);
    admin.wire.log_in();
    declare(admin.wire);
    bool declared = false, ruled = false;
    set_policy(ruled).detach();
    broker_.loop().run([&] {
      for (const Received& got : admin.wire.take()) {
        EXPECT_NE(got.method, Method::channel_close) << got.as<ChannelClose>().reply_text;
        declared |= got.method == Method::confirm_select_ok;
      }
      return declared && ruled;
    });
    EXPECT_TRUE(declared && ruled);
    policy_is_set_ = true;
    purge_under_way_ = false;
    admin.wire.hang_up();
    for (int i = 0; i < 3; ++i) add_client();
    return declared && ruled;
  }
  void end() {
    hear_all();
    if (!is_dead() && random_.chance(0.25)) {
      clients_.clear();
      key_holders_.clear();
      broker_.disk().lose_power_in(-1);
      broker_.disk().set_space(UINT64_MAX);
      broker_.end_cleanly();
      tell("ended cleanly");
      return;
    }
    if (!is_dead() && random_.chance(0.6)) broker_.disk().lose_power();
    tell(is_dead() ? "the power is gone" : "killed");
    clients_.clear();
    key_holders_.clear();
    broker_.kill();
  }
  io::Task<> set_policy(bool& done) {
    Json definition, value;
    definition.set("dead-letter-exchange", "dead");
    value.set("pattern", "^ruled$").set("apply-to", "queues").set("priority", 1);
    value.set("definition", std::move(definition));
    Parameters::Key key{"/", Parameters::policy, "rule"};
    auto setting = broker_.parameters().set(std::move(key), std::move(value));
    auto set = co_await setting;
    EXPECT_TRUE(set);
    done = true;
  }

  static void declare(SimClient& client) {
    client.send(1, ChannelOpen{});
    auto exchange = [&](const char* name, const char* type, const FieldTable& arguments = {}) {
      client.send(1, ExchangeDeclare{.exchange = name, .type = type, .durable = true, .arguments = arguments.view()});
    };
    auto queue = [&](const char* name, const FieldTable& arguments = {}) {
      client.send(1, QueueDeclare{.queue = name, .durable = true, .arguments = arguments.view()});
    };
    auto bind = [&](const char* from, const char* to, const char* key = "") {
      client.send(1, QueueBind{.queue = to, .exchange = from, .routing_key = key});
    };
    auto dying = [] { return FieldTable().add("x-dead-letter-exchange", "dead"); };
    exchange("all", "fanout");
    exchange("dead", "fanout");
    exchange("later", "x-delayed-message", FieldTable().add("x-delayed-type", "direct"));
    queue("graveyard");
    queue("plain");
    queue("levels", FieldTable().add("x-max-priority", int32_t{priority_max}));
    queue("work", FieldTable().add("x-dead-letter-exchange", "").add("x-dead-letter-routing-key", "retry"));
    queue("retry", FieldTable()
                       .add("x-dead-letter-exchange", "")
                       .add("x-dead-letter-routing-key", "work")
                       .add("x-message-ttl", int32_t{30}));
    queue("brief", dying().add("x-message-ttl", int32_t{40}));
    queue("limited", dying().add("x-queue-type", "quorum").add("x-delivery-limit", int32_t{1}));
    queue("short", dying().add("x-max-length", int32_t{5}));
    queue("full", FieldTable().add("x-max-length", int32_t{5}).add("x-overflow", "reject-publish"));
    queue("ruled");
    queue("keyed", FieldTable().add("x-naru-order-key", "header:k"));
    queue("fair", FieldTable().add("x-naru-fair-key", "header:k"));
    queue("late");
    queue("stream", FieldTable().add("x-queue-type", "stream"));
    bind("all", "plain");
    bind("all", "levels");
    bind("all", "limited");
    bind("dead", "graveyard");
    bind("later", "late", "late");
    client.send(1, ConfirmSelect{});
  }
  void add_client() {
    Client& client = *clients_.emplace_back(std::make_unique<Client>(broker_.connect(), ++last_client_));
    client.wire.log_in();
    client.wire.send(1, ChannelOpen{});
    client.wire.send(1, ConfirmSelect{});
    client.wire.send(1, BasicQos{.prefetch_count = static_cast<uint16_t>(random_.between(1, 5))});
    for (const char* queue : consumed)
      if (random_.chance(0.4)) client.wire.send(1, BasicConsume{.queue = queue, .consumer_tag = queue});
    client.wire.send(2, ChannelOpen{});
    client.wire.send(2, TxSelect{});
  }

  // --- what happens
  void serve() {
    if (random_.chance(0.5)) broker_.disk().lose_power_in(static_cast<int>(random_.between(1, 300)));
    for (uint64_t steps = random_.between(20, 90); steps > 0 && !is_dead() && !failed(); --steps) {
      step();
      hear_all();
    }
  }
  void step() {
    Client& client = *clients_[random_.below(clients_.size())];
    uint64_t dice = random_.below(100);
    if (dice < 35) {
      for (uint64_t n = random_.between(1, 4); n > 0; --n) publish(client);
    } else if (dice < 60) {
      answer(client);
    } else if (dice < 65) {
      transact(client);
    } else if (dice < 72) {
      clerks_.step(broker_);
    } else if (dice < 74) {
      lose(client);
    } else if (dice < 75) {
      purge(client);
    } else if (dice < 77) {
      // Little room or none for a while: publishers wait, and what fits still counts.
      broker_.disk().set_space(random_.chance(0.6) ? UINT64_MAX : broker_.disk().used() + random_.below(30'000));
    } else {
      run_for_a_while();
    }
  }
  void run_for_a_while() {
    if (random_.chance(0.1)) broker_.loop().run_for(static_cast<io::Millis>(random_.below(60)));
    for (uint64_t turns = random_.below(40); turns > 0 && !is_dead(); --turns) broker_.loop().turn();
  }

  /// One message; `channel` 1 has it confirmed, 2 commits it later.
  void publish(Client& client, uint16_t channel = 1) {
    const Route& route = routes[channel == 2 ? random_.below(2) : random_.below(std::size(routes))];
    int64_t number = ++last_number_;
    auto priority = static_cast<uint8_t>(random_.below(priority_max + 2));
    FieldTable headers;
    std::string key = "key" + std::to_string(number % 3);
    headers.add("k", key);
    int32_t delay = 0;
    if (route.exchange == std::string_view("later")) {
      delay = static_cast<int32_t>(random_.chance(0.3) ? random_.below(3) : random_.below(300));
      headers.add("x-delay", delay);
    }
    Properties properties{.headers = headers.view(), .delivery_mode = uint8_t{2}, .priority = priority};
    std::string body = body_of(number);
    client.wire.publish(channel, {.exchange = route.exchange, .routing_key = route.key}, properties, view(body));
    Pledge& pledge = channel == 2 ? client.transaction : client.unconfirmed[client.next_publish++];
    tell("client", client.id, "publishes m", number, "to", route.origins[0], "on channel", channel);
    for (const char* origin : route.origins) {
      Copy& copy = promises.copy(origin, number);
      copy.publisher = client.id * 2 + (channel - 1u);
      if (origin == std::string_view("levels")) copy.level = std::min(priority, priority_max);
      if (origin == std::string_view("late")) copy.level = delay > 0 ? 1 : 0;  // the log where it waits is another
      if (origin == std::string_view("plain") && is_purging()) copy.may_be_gone = true;
      pledge.published.emplace_back(origin, number);
    }
    if (channel == 1) pledge.acknowledged = std::exchange(client.acknowledged, {});
  }
  bool is_purging() const {
    return purge_under_way_ || std::ranges::any_of(clients_, [](const auto& one) { return one->purging; });
  }

  /// What a consumer says to some of what it has.
  void answer(Client& client) {
    for (uint64_t n = random_.between(1, 3); n > 0 && !client.held.empty(); --n) {
      size_t which = random_.chance(0.7) ? 0 : random_.below(client.held.size());
      Client::Held held = client.held[which];
      uint64_t dice = random_.below(10);
      if (dice == 0) continue;  // later
      client.held.erase(client.held.begin() + static_cast<ptrdiff_t>(which));
      if (!held.key.empty()) key_holders_.erase(held.key);
      tell("client", client.id,
           dice < 3   ? "gives back"
           : dice < 5 ? "rejects"
                      : "acknowledges",
           held.seen.origin, "m", held.seen.number, "at", held.seen.place);
      if (dice < 3) {
        client.wire.send(1, BasicNack{.delivery_tag = held.tag});
      } else if (dice < 5) {
        client.wire.send(1, BasicReject{.delivery_tag = held.tag, .requeue = false});
        if (!buries(held.queue)) done(client, held.seen);
      } else {
        client.wire.send(1, BasicAck{.delivery_tag = held.tag});
        done(client, held.seen);
      }
    }
  }
  void done(Client& client, const Sighting& seen) {
    promises.copy(seen.origin, seen.number).may_be_gone = true;
    client.acknowledged.emplace_back(seen.origin, seen.number);
  }

  /// Fetches a message; what goes on is in hear_transaction.
  void transact(Client& client) {
    if (std::exchange(client.transacting, true)) return;
    client.wire.send(2, BasicGet{.queue = "plain"});
  }
  void purge(Client& client) {
    if (std::exchange(client.purging, true)) return;
    tell("client", client.id, "purges");
    client.wire.send(1, QueuePurge{.queue = "plain"});
    for (auto& [key, copy] : promises.all())
      if (key.first == "plain") copy.may_be_gone = true;
  }
  /// A client goes away in the middle of things, and another one comes.
  void lose(Client& client) {
    client.wire.hang_up();
    tell("client", client.id, "goes away");
    purge_under_way_ |= client.purging;  // it may still be carried out
    for (const Client::Held& held : client.held)
      if (!held.key.empty()) key_holders_.erase(held.key);
    std::erase_if(clients_, [&](const auto& one) { return one.get() == &client; });
    add_client();
  }

  // --- what clients hear
  void hear_all() {
    for (auto& client : clients_)
      for (const Received& got : client->wire.take())
        got.channel == 2 ? hear_transaction(*client, got) : hear(*client, got);
  }
  void hear(Client& client, const Received& got) {
    switch (got.method) {
      case Method::basic_ack: {
        auto ack = got.as<BasicAck>();
        auto& waiting = client.unconfirmed;
        auto first = ack.multiple ? waiting.begin() : waiting.find(ack.delivery_tag);
        auto last = waiting.upper_bound(ack.delivery_tag);
        ASSERT_TRUE(first != waiting.end() && first != last) << "a confirm for nothing";
        for (auto at = first; at != last; ++at) keep(at->second);
        waiting.erase(first, last);
        break;
      }
      case Method::basic_nack: {
        auto refusal = client.unconfirmed.extract(got.as<BasicNack>().delivery_tag);
        ASSERT_TRUE(refusal);
        for (const auto& [origin, number] : refusal.mapped().published) {
          EXPECT_EQ(origin, "full");
          promises.copy(origin, number).gone = true;
          ++refused;
        }
        // The nack did not wait for the disk, so that nothing is known of what was acknowledged before.
        for (auto& one : refusal.mapped().acknowledged) client.acknowledged.push_back(one);
        break;
      }
      case Method::basic_deliver: {
        auto deliver = got.as<BasicDeliver>();
        receive(client, got, std::string(deliver.consumer_tag), deliver.delivery_tag, deliver.redelivered);
        break;
      }
      case Method::queue_purge_ok: client.purging = false; break;
      case Method::channel_close: ADD_FAILURE() << got.as<ChannelClose>().reply_text; break;
      case Method::connection_close: ADD_FAILURE() << got.as<ConnectionClose>().reply_text; break;
      default: break;
    }
  }
  void receive(Client& client, const Received& got, std::string queue, uint64_t tag, bool redelivered) {
    Properties properties = got.properties();
    Sighting seen = Sighting::of(properties, got.body, queue);
    tell("client", client.id, "gets", seen.origin, "m", seen.number, "at", seen.place, redelivered ? "again" : "");
    promises.handed_out(seen, redelivered);
    std::string key;
    if (queue == "keyed") {
      key = *properties.headers->find("k")->text();
      EXPECT_TRUE(key_holders_.insert(key).second) << key << " is with two at a time";
    }
    client.held.push_back({queue, tag, seen, key});
  }
  void hear_transaction(Client& client, const Received& got) {
    if (got.method == Method::basic_get_empty) client.transacting = false;
    if (got.method == Method::channel_close) ADD_FAILURE() << got.as<ChannelClose>().reply_text;
    if (got.method == Method::tx_commit_ok) {
      keep(client.transaction);
      ++commits;
      client.transaction = {};
      client.transacting = false;
    }
    if (got.method != Method::basic_get_ok) return;
    auto ok = got.as<BasicGetOk>();
    Sighting seen = Sighting::of(got.properties(), got.body, "plain");
    promises.handed_out(seen, ok.redelivered);
    publish(client, 2);
    publish(client, 2);
    if (random_.chance(0.2)) {
      client.wire.send(2, BasicNack{.delivery_tag = ok.delivery_tag});
      client.wire.send(2, TxRollback{});
      client.wire.send(2, BasicNack{.delivery_tag = ok.delivery_tag});
      client.wire.send(2, TxCommit{});
      for (auto& [origin, number] : client.transaction.published) promises.copy(origin, number).gone = true;
      client.transaction = {};
      return;
    }
    tell("client", client.id, "commits an acknowledgement of", seen.origin, "m", seen.number);
    client.wire.send(2, BasicAck{.delivery_tag = ok.delivery_tag});
    client.wire.send(2, TxCommit{});
    promises.copy(seen.origin, seen.number).may_be_gone = true;
    client.transaction.acknowledged.emplace_back(seen.origin, seen.number);
  }
  /// What was pledged is on disk now.
  void keep(const Pledge& pledge) {
    for (const auto& [origin, number] : pledge.published) tell("confirmed:", origin, "m", number);
    for (const auto& [origin, number] : pledge.published) promises.confirm(origin, number);
    for (const auto& [origin, number] : pledge.acknowledged) promises.copy(origin, number).gone = true;
  }

  /// The faults are over: all that is left comes to a consumer, each message, and nothing stays behind.
  void drain() {
    for (auto& client : clients_) client->wire.hang_up();
    clients_.clear();
    broker_.disk().set_space(UINT64_MAX);
    std::set<std::pair<std::string, int64_t>> left, came;
    for (const auto& [key, copy] : promises.all())
      if (!copy.gone && key.first != "stream") left.insert(key);
    Client& last = *clients_.emplace_back(std::make_unique<Client>(broker_.connect(), ++last_client_));
    last.wire.log_in();
    last.wire.send(1, ChannelOpen{});
    for (const char* queue : consumed) last.wire.send(1, BasicConsume{.queue = queue, .consumer_tag = queue});
    constexpr int rounds_max = 40;
    constexpr io::Millis round_ms = 25;
    for (int round = 0; round < rounds_max && came.size() < left.size(); ++round) {
      broker_.loop().run_for(round_ms);
      hear_all();
      for (const Client::Held& held : std::exchange(last.held, {})) {
        last.wire.send(1, BasicAck{.delivery_tag = held.tag});
        came.insert({held.seen.origin, held.seen.number});
        key_holders_.erase(held.key);
      }
    }
    for (const auto& [origin, number] : left)
      EXPECT_TRUE(came.contains({origin, number})) << origin << " m" << number << " never comes";
    broker_.loop().run_for(round_ms);
    for (const auto& [name, queue] : broker_.host().queues()) {
      auto counts = queue.queue->counts();
      if (name != "stream") EXPECT_EQ(counts.ready + counts.unacked, 0) << name;
    }
  }

  Prng random_;
  const bool lying_;
  SimBroker broker_;
  Clerks clerks_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::set<std::string> key_holders_;  // of the queue that keeps an order per key
  int64_t last_number_ = 0;
  uint64_t last_client_ = 0;
  bool policy_is_set_ = false;
  bool purge_under_way_ = false;  // of a client that went away
};

TEST(amqp_crash, what_was_confirmed_survives_power_loss_and_kill) {
  uint64_t confirms = 0, redeliveries = 0, dead_letters = 0, doubles = 0, commits = 0, refused = 0, changes = 0;
  for_each_seed(1000, [&](uint64_t seed) {
    World world(seed);
    world.run();
    confirms += world.promises.confirms;
    redeliveries += world.promises.redeliveries;
    dead_letters += world.promises.dead_letters;
    doubles += world.promises.doubles;
    commits += world.commits;
    refused += world.refused;
    changes += world.changes();
  });
  if (!has_all_seeds()) return;
  // Else the test does not do enough to mean anything.
  EXPECT_GT(confirms, 20'000u);
  EXPECT_GT(redeliveries, 10'000u);
  EXPECT_GT(dead_letters, 5'000u);
  EXPECT_GT(doubles, 0u);
  EXPECT_GT(commits, 300u);
  EXPECT_GT(refused, 300u);
  EXPECT_GT(changes, 3'000u);
}

TEST(amqp_crash, a_disk_that_lies_about_syncs_is_noticed) {  // else the test above proves nothing
  EXPECT_TRUE(fails_for_a_seed([](uint64_t seed) { World(seed, /*lying=*/true).run(); }));
}

}  // namespace
}  // namespace naru::amqp
