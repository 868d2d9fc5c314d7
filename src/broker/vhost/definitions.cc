#include "broker/vhost/definitions.h"

#include "base/pack.h"

namespace naru {
namespace {

constexpr uint8_t row_version = 1;

std::string to_row(const Bytes& bytes) { return std::string(text(bytes)); }

Result<FieldTable> arguments_of(Unpacker& from) { return FieldTable(TRY(FieldTableView::parse(from.bytes()))); }

void put_levels(Packer& to, const std::vector<LevelIds>& levels) {
  to.put(static_cast<uint16_t>(levels.size()));
  for (const LevelIds& level : levels) to.put(level.stream.value).put(level.cursor.value);
}

std::vector<LevelIds> levels_of(Unpacker& from) {
  std::vector<LevelIds> levels;
  for (auto count = from.get<uint16_t>(); from.ok() && count > 0; --count) {
    StreamId stream(from.get<uint64_t>());
    levels.push_back({stream, CursorId(from.get<uint64_t>())});
  }
  return levels;
}

/// Code::unsupported for a row that a later naru wrote.
Result<Unpacker> open_row(std::string_view row) {
  Unpacker from(view(row));
  if (auto version = from.get<uint8_t>(); from.ok() && version != row_version)
    return fail(Code::unsupported, "definition of a later version", version);
  return from;
}

}  // namespace

std::string encode(const ExchangeDefinition& exchange) {
  Bytes row;
  Packer to(row);
  to.put(row_version)
      .put(exchange.name)
      .put(static_cast<uint8_t>(exchange.type))
      .put(static_cast<uint8_t>(exchange.auto_delete | exchange.internal << 1))
      .put(exchange.arguments.view().bytes());
  if (exchange.type == ExchangeType::delayed_message) put_levels(to, exchange.levels);
  return to_row(row);
}

Result<ExchangeDefinition> decode_exchange(std::string_view row) {
  Unpacker from = TRY(open_row(row));
  ExchangeDefinition exchange;
  exchange.name = from.text();
  exchange.type = static_cast<ExchangeType>(from.get<uint8_t>());
  auto flags = from.get<uint8_t>();
  exchange.durable = true;
  exchange.auto_delete = flags & 1;
  exchange.internal = flags & 2;
  exchange.arguments = TRY(arguments_of(from));
  bool delays = exchange.type == ExchangeType::delayed_message;
  if (delays) exchange.levels = levels_of(from);
  if (!from.ok() || (delays && exchange.levels.empty())) return fail(Code::corrupt, "definition of an exchange");
  return exchange;
}

std::string encode(const QueueDefinition& queue) {
  Bytes row;
  Packer to(row);
  to.put(row_version)
      .put(queue.name)
      .put(static_cast<uint8_t>(queue.type))
      .put(static_cast<uint8_t>(queue.auto_delete))
      .put(queue.arguments.view().bytes());
  put_levels(to, queue.levels);
  return to_row(row);
}

Result<QueueDefinition> decode_queue(std::string_view row) {
  Unpacker from = TRY(open_row(row));
  QueueDefinition queue;
  queue.name = from.text();
  queue.type = static_cast<QueueType>(from.get<uint8_t>());
  queue.durable = true;
  queue.auto_delete = from.get<uint8_t>() & 1;
  queue.arguments = TRY(arguments_of(from));
  queue.levels = levels_of(from);
  if (!from.ok() || queue.levels.empty()) return fail(Code::corrupt, "definition of a queue");
  return queue;
}

std::string encode(const Binding& binding) {
  Bytes row;
  Packer(row)
      .put(row_version)
      .put(binding.source)
      .put(static_cast<uint8_t>(binding.to_queue))
      .put(binding.destination)
      .put(binding.key)
      .put(binding.arguments.view().bytes());
  return to_row(row);
}

Result<Binding> decode_binding(std::string_view row) {
  Unpacker from = TRY(open_row(row));
  Binding binding;
  binding.source = from.text();
  binding.to_queue = from.get<uint8_t>() != 0;
  binding.destination = from.text();
  binding.key = from.text();
  binding.arguments = TRY(arguments_of(from));
  if (!from.ok()) return fail(Code::corrupt, "definition of a binding");
  return binding;
}

}  // namespace naru
