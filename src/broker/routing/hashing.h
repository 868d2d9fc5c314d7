#pragma once
// Exchanges that send each message to one of their destinations.
#include "broker/routing/bindings.h"

namespace naru {

/// x-consistent-hash: a binding's key is a weight, and messages that hash alike go to the same destination. By weighted
/// rendezvous hashing: of all destinations the one whose number, drawn from message and destination, is the highest.
/// Shares are exactly by weight, whatever the order of the bindings; a destination that comes takes only what it
/// then has, and one that goes leaves only what it had. Costs by the number of destinations.
class ConsistentHashBindings final : public Bindings {
 public:
  explicit ConsistentHashBindings(FieldTableView exchange_arguments);
  void add(std::string_view key, FieldTableView, Destination destination) override;
  bool remove(std::string_view key, FieldTableView, Destination destination) override;
  void match(const RoutedMessage& message, std::vector<Destination>& to) const override;

 private:
  struct Weighted {
    Destination destination;
    double weight = 0;  // the sum over its bindings
    uint32_t bindings = 0;
  };
  uint64_t hash_of(const RoutedMessage& message) const;

  enum class Source : uint8_t { routing_key, header, message_id, correlation_id, timestamp };
  Source source_ = Source::routing_key;
  std::string header_;
  std::vector<Weighted> destinations_;
};

/// x-modulus-hash and x-random: a number modulo how many bindings there are. A destination that is bound n times gets n
/// shares. The order is that of the destinations' numbers, so that it does not depend on who was bound first.
class ModulusBindings final : public Bindings {
 public:
  explicit ModulusBindings(ExchangeType type) : random_(type == ExchangeType::random) {}
  void add(std::string_view, FieldTableView, Destination destination) override;
  bool remove(std::string_view, FieldTableView, Destination destination) override;
  void match(const RoutedMessage& message, std::vector<Destination>& to) const override;

 private:
  bool random_;
  std::vector<Destination> destinations_;  // ascending
};

/// The weight that a binding key stands for: a positive decimal number, maybe with a + in front.
std::optional<int64_t> parse_weight(std::string_view key);

}  // namespace naru
