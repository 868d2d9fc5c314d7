#pragma once
// What clients declare: exchanges, queues and what binds them. Rows of the meta store, and what is in memory.
#include <string>
#include <vector>

#include "broker/field_table.h"
#include "broker/queue/queue.h"
#include "broker/routing/bindings.h"

namespace naru {

struct ExchangeDefinition {
  std::string name;
  ExchangeType type = ExchangeType::direct;
  bool durable = false, auto_delete = false, internal = false;
  FieldTable arguments{};
  std::vector<LevelIds> levels{};  // of a type that delays: where messages wait; given when it is created
};

/// What a client may ask of a queue's keeping. All are logs here; the type decides which arguments are allowed.
enum class QueueType : uint8_t { classic = 1, quorum = 2, stream = 3 };

struct QueueDefinition {
  std::string name;
  QueueType type = QueueType::classic;
  bool durable = false, auto_delete = false;
  uint64_t owner = 0;  // the connection that has it exclusively; 0: nobody
  FieldTable arguments{};
  QueueSettings settings{};             // derived from the arguments
  std::optional<int64_t> expires_ms{};  // the queue goes when nobody used it for so long
  std::vector<LevelIds> levels{};       // given when it is created
};

struct Binding {
  std::string source;
  bool to_queue = true;  // else to an exchange
  std::string destination, key;
  FieldTable arguments{};
  bool operator==(const Binding&) const = default;
};

std::string encode(const ExchangeDefinition& exchange);
std::string encode(const QueueDefinition& queue);
std::string encode(const Binding& binding);
/// `settings` of a queue are left to be derived anew: what arguments mean may change.
Result<ExchangeDefinition> decode_exchange(std::string_view row);
Result<QueueDefinition> decode_queue(std::string_view row);
Result<Binding> decode_binding(std::string_view row);

}  // namespace naru
