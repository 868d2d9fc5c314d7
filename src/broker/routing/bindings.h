#pragma once
// Where an exchange sends a message: what its bindings say, as data structures that are made for matching. Pure: no
// names, no catalog, no wire; a destination is a number.
//
// The caller keeps the bindings themselves (to list them, to write them down) and the rule that a binding is its
// source, destination, key and arguments, so that one that exists already is not added again. Matching never changes
// anything: several threads may match at the same time, as long as nobody adds or removes.
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/field_table.h"
#include "broker/routing/destinations.h"

namespace naru {

/// The numbers are stored with exchanges, forever.
enum class ExchangeType : uint8_t {
  direct = 1,
  fanout = 2,
  topic = 3,
  headers = 4,
  consistent_hash = 5,
  modulus_hash = 6,
  random = 7,
  delayed_message = 8,  // as another type, but a message may have to wait first
};
/// "direct", "x-consistent-hash": the names that clients declare exchanges with.
std::string_view name(ExchangeType type);
std::optional<ExchangeType> exchange_type(std::string_view name);
/// The type whose bindings an exchange has: its own, or the one that its x-delayed-type names.
ExchangeType binding_type(ExchangeType type, FieldTableView arguments);
/// How many milliseconds a message asks to wait, in its header x-delay; 0 if it does not, or not with a number from 1
/// to ten years.
int64_t requested_delay_ms(FieldTableView headers);

/// What routing looks at. Borrows.
struct RoutedMessage {
  std::string_view routing_key{};
  /// Further keys, from the CC and BCC headers. The exchanges that hash look at the first key only.
  std::span<const std::string_view> more_keys{};
  FieldTableView headers{};
  std::string_view message_id{}, correlation_id{};
  std::optional<uint64_t> timestamp{};
  /// It asks to wait: an exchange that can do that keeps it.
  bool delayed = false;
  /// Any number; a random exchange picks with it, so that matching itself is the same every time.
  uint64_t random = 0;
};

class Bindings {
 public:
  virtual ~Bindings() = default;

  /// Bindings that binding_problem would refuse are bad input here: their effect is not specified, but harmless.
  virtual void add(std::string_view key, FieldTableView arguments, Destination destination) = 0;
  /// As it was added; false if it was not.
  virtual bool remove(std::string_view key, FieldTableView arguments, Destination destination) = 0;
  /// Appends where the message goes. A destination may come more than once, be it because several bindings match: see
  /// keep_unique.
  virtual void match(const RoutedMessage& message, std::vector<Destination>& to) const = 0;
};

/// `arguments` are those of the exchange; the hashing ones take hash-header or hash-property from there.
std::unique_ptr<Bindings> make_bindings(ExchangeType type, FieldTableView arguments = {});

/// Sorts, and drops what is there twice.
void keep_unique(std::vector<Destination>& destinations);

/// What is wrong with the arguments of an exchange, or with a binding's key and arguments: RabbitMQ's text, without the
/// name of its code, PRECONDITION_FAILED. None if all is well.
std::optional<std::string> exchange_problem(ExchangeType type, FieldTableView arguments);
std::optional<std::string> binding_problem(ExchangeType type, std::string_view key, FieldTableView arguments);

}  // namespace naru
