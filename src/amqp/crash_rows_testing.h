#pragma once
// The part of the crash test that changes users, permissions, policies, virtual hosts, queues, exchanges and bindings,
// and knows which of these changes are durable.
#include "amqp/sim_broker_testing.h"
#include "base/testing.h"

namespace naru::amqp {

/// What is declared under one name: a number that each change raises, or nothing.
struct Declared {
  enum class Kind : uint8_t { user, permission, policy, vhost, queue, exchange, binding };
  static constexpr int kinds = 7;
  Kind kind{};
  std::string name;
  std::optional<int32_t> known{};               // what was confirmed last
  std::vector<std::optional<int32_t>> asked{};  // since then
  bool is_busy = false;                         // a change is on its way
};

class Clerks {
 public:
  explicit Clerks(uint64_t seed) : random_(seed) {
    constexpr const char* names[] = {"a", "b"};
    for (int kind = 0; kind < Declared::kinds; ++kind)
      for (const char* name : names)
        rows_.push_back({.kind = static_cast<Declared::Kind>(kind), .name = std::string("row ") + name});
  }

  /// Begins a change of something; it goes on by itself until it is durable, or the broker dies.
  void step(SimBroker& broker) {
    Declared& row = rows_[random_.below(rows_.size())];
    if (row.is_busy) return;
    bool takes_away = row.known && random_.chance(0.3);
    auto to = takes_away ? std::nullopt : std::optional(++last_);
    if (row.known) row.asked.push_back(std::nullopt);  // some are replaced by taking the old one away first
    row.asked.push_back(to);
    row.is_busy = true;
    change(broker, row, to).detach();
  }

  /// After a start.
  void verify(SimBroker& broker) {
    for (Declared& row : rows_) {
      auto now = look(broker, row);
      bool may_be = now == row.known || std::ranges::count(row.asked, now) > 0;
      EXPECT_TRUE(may_be) << "kind " << static_cast<int>(row.kind) << " " << row.name << " is " << now.value_or(-1)
                          << ", was " << row.known.value_or(-1);
      row.known = now;
      row.asked.clear();
      row.is_busy = false;
    }
  }
  uint64_t changes = 0;

 private:
  io::Task<> change(SimBroker& broker, Declared& row, std::optional<int32_t> to) {
    auto changing = to ? put(broker, row, *to) : take_away(broker, row);
    auto changed = co_await changing;
    row.is_busy = false;
    if (!changed) co_return;  // no space, or the broker is dead: it is in doubt
    row.known = to;
    row.asked.clear();
    ++changes;
  }

  io::Task<Result<void>> put(SimBroker& broker, const Declared& row, int32_t number) {
    std::string text = std::to_string(number);
    switch (row.kind) {
      case Declared::Kind::user: {
        User user{.name = row.name, .tags = {text}};
        co_return co_await broker.users().put(std::move(user));
      }
      case Declared::Kind::permission: {
        Permission permission{.user = "guest", .vhost = "of " + row.name, .patterns = {text, text, text}};
        co_return co_await broker.users().allow(std::move(permission));
      }
      case Declared::Kind::policy: {
        Json definition, value;
        definition.set("max-length", 7);
        value.set("pattern", "^nobody$").set("apply-to", "queues").set("priority", number);
        value.set("definition", std::move(definition));
        Parameters::Key key{"/", Parameters::policy, row.name};
        co_return co_await broker.parameters().set(std::move(key), std::move(value));
      }
      case Declared::Kind::vhost: {
        Json metadata;
        metadata.set("description", text);
        co_return co_await broker.hosts().put(row.name, std::move(metadata));
      }
      case Declared::Kind::queue: {
        // What is there is not changed by declaring it again.
        auto deleting = broker.hosts().delete_queue(broker.host(), row.name);
        CO_TRY_VOID(co_await deleting);
        QueueDefinition queue{.name = row.name, .durable = true};
        queue.arguments.add("x-max-length", number);
        (void)apply_arguments(queue, "/").has_value();
        auto declaring = broker.hosts().declare_queue(broker.host(), std::move(queue));
        CO_TRY_VOID(co_await declaring);
        co_return Result<void>();
      }
      case Declared::Kind::exchange: {
        auto deleting = broker.hosts().delete_exchange(broker.host(), row.name);
        CO_TRY_VOID(co_await deleting);
        ExchangeDefinition exchange{.name = row.name, .type = ExchangeType::topic, .durable = true};
        exchange.arguments.add("number", number);
        auto declaring = broker.hosts().declare_exchange(broker.host(), std::move(exchange));
        CO_TRY_VOID(co_await declaring);
        co_return Result<void>();
      }
      case Declared::Kind::binding: {
        auto unbinding = take_away(broker, row);
        CO_TRY_VOID(co_await unbinding);
        auto binding = binding_of(row, number);
        co_return co_await broker.hosts().bind(broker.host(), std::move(binding));
      }
    }
    co_return Result<void>();
  }

  io::Task<Result<void>> take_away(SimBroker& broker, const Declared& row) {
    switch (row.kind) {
      case Declared::Kind::user: co_return co_await broker.users().remove(row.name);
      case Declared::Kind::permission: co_return co_await broker.users().forbid("guest", "of " + row.name);
      case Declared::Kind::policy: {
        Parameters::Key key{"/", Parameters::policy, row.name};
        co_return co_await broker.parameters().clear(std::move(key));
      }
      case Declared::Kind::vhost: co_return co_await broker.hosts().remove(row.name);
      case Declared::Kind::queue: {
        auto deleting = broker.hosts().delete_queue(broker.host(), row.name);
        CO_TRY_VOID(co_await deleting);
        co_return Result<void>();
      }
      case Declared::Kind::exchange: co_return co_await broker.hosts().delete_exchange(broker.host(), row.name);
      case Declared::Kind::binding: {
        auto there = look(broker, row);
        if (!there) co_return Result<void>();
        auto binding = binding_of(row, *there);
        co_return co_await broker.hosts().unbind(broker.host(), std::move(binding));
      }
    }
    co_return Result<void>();
  }

  static Binding binding_of(const Declared& row, int32_t number) {
    Binding binding{.source = "amq.topic", .to_queue = false, .destination = "amq.fanout", .key = row.name};
    binding.arguments.add("number", number);
    return binding;
  }

  static std::optional<int32_t> number_in(FieldTableView arguments, std::string_view name) {
    auto value = arguments.find(name);
    return value ? std::optional(static_cast<int32_t>(value->integer().value_or(0))) : std::nullopt;
  }

  static std::optional<int32_t> look(SimBroker& broker, const Declared& row) {
    switch (row.kind) {
      case Declared::Kind::user: {
        const User* user = broker.users().find(row.name);
        return user ? std::optional(std::stoi(user->tags.at(0))) : std::nullopt;
      }
      case Declared::Kind::permission:
        for (const Permission& one : broker.users().permissions())
          if (one.vhost == "of " + row.name) return std::stoi(one.patterns[0]);
        return std::nullopt;
      case Declared::Kind::policy: {
        const Json* value = broker.parameters().find({"/", Parameters::policy, row.name});
        return value ? std::optional(static_cast<int32_t>(*value->find("priority")->integer())) : std::nullopt;
      }
      case Declared::Kind::vhost: {
        const VirtualHost* host = broker.hosts().find(row.name);
        return host ? std::optional(std::stoi(std::string(host->metadata.text_of("description")))) : std::nullopt;
      }
      case Declared::Kind::queue: {
        const DeclaredQueue* queue = broker.host().find_queue(row.name);
        return queue ? number_in(queue->definition.arguments.view(), "x-max-length") : std::nullopt;
      }
      case Declared::Kind::exchange: {
        const Exchange* exchange = broker.host().find_exchange(row.name);
        return exchange ? number_in(exchange->definition.arguments.view(), "number") : std::nullopt;
      }
      case Declared::Kind::binding:
        for (const auto& [key, binding] : broker.host().bindings())
          if (binding.key == row.name) return number_in(binding.arguments.view(), "number");
        return std::nullopt;
    }
    return std::nullopt;
  }

  Prng random_;
  std::vector<Declared> rows_;
  int32_t last_ = 0;
};

}  // namespace naru::amqp
