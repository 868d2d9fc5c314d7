#include "sqs/row.h"

#include "base/pack.h"

namespace naru::sqs {
namespace {

constexpr uint8_t row_version = 1, task_version = 1;

void put_map(Packer& to, const Tags& map) {
  to.put(static_cast<uint32_t>(map.size()));
  for (const auto& [key, value] : map) to.put(std::string_view(key)).put(std::string_view(value));
}

Tags get_map(Unpacker& from) {
  Tags map;
  uint32_t count = from.get<uint32_t>();
  if (!from.plausible(count, 8)) return map;
  for (; count > 0; --count) {
    std::string key(from.text());
    map.emplace(std::move(key), from.text());
  }
  return map;
}

}  // namespace

std::string encode(const QueueRow& row) {
  const Attributes& a = row.attributes;
  Bytes bytes;
  Packer to(bytes);
  to.put(row_version).put(row.stream.value).put(row.created_s).put(row.modified_s).put(row.purged_to.value);
  for (bool flag :
       {row.is_shared, row.has_attributes, a.is_fifo, a.content_based_deduplication, a.deduplicate_per_group})
    to.put(static_cast<uint8_t>(flag));
  to.put(a.delay).put(a.message_bytes_max).put(a.retention).put(a.wait).put(a.visibility);
  to.put(a.redrive ? a.redrive->receives_max : uint32_t{0});
  to.put(a.redrive ? std::string_view(a.redrive->target) : std::string_view());
  put_map(to, a.texts);
  put_map(to, row.tags);
  return std::string(text(bytes));
}

Result<QueueRow> decode_row(std::string_view bytes) {
  Unpacker from(view(bytes));
  auto version = from.get<uint8_t>();
  if (version != row_version) return naru::fail(Code::unsupported, "a row of a queue of SQS: version", version);
  QueueRow row;
  Attributes& a = row.attributes;
  row.stream = StreamId(from.get<uint64_t>());
  row.created_s = from.get<int64_t>();
  row.modified_s = from.get<int64_t>();
  row.purged_to = Offset(from.get<int64_t>());
  for (bool* flag :
       {&row.is_shared, &row.has_attributes, &a.is_fifo, &a.content_based_deduplication, &a.deduplicate_per_group})
    *flag = from.get<uint8_t>() != 0;
  for (int32_t* number : {&a.delay, &a.message_bytes_max, &a.retention, &a.wait, &a.visibility})
    *number = from.get<int32_t>();
  auto receives_max = from.get<uint32_t>();
  std::string target(from.text());
  if (receives_max > 0) a.redrive = Redrive{std::move(target), receives_max};
  a.texts = get_map(from);
  row.tags = get_map(from);
  if (!from.at_end()) return naru::fail(Code::corrupt, "a row of a queue of SQS");
  return row;
}

std::string encode(const MoveTask& task) {
  Bytes bytes;
  Packer to(bytes);
  to.put(task_version).put(std::string_view(task.source)).put(static_cast<uint8_t>(task.destination.has_value()));
  to.put(std::string_view(task.destination ? *task.destination : std::string()));
  to.put(task.per_second_max.value_or(0)).put(task.moved).put(task.to_move).put(task.started_ms);
  return std::string(text(bytes));
}

Result<MoveTask> decode_move_task(std::string_view id, std::string_view bytes) {
  Unpacker from(view(bytes));
  if (from.get<uint8_t>() != task_version) return naru::fail(Code::unsupported, "a move task's version");
  MoveTask task{.id = std::string(id)};
  task.source = from.text();
  bool has_destination = from.get<uint8_t>() != 0;
  std::string destination(from.text());
  if (has_destination) task.destination = std::move(destination);
  auto rate = from.get<int32_t>();
  if (rate > 0) task.per_second_max = rate;
  task.moved = from.get<int64_t>();
  task.to_move = from.get<int64_t>();
  task.started_ms = from.get<int64_t>();
  if (!from.at_end()) return naru::fail(Code::corrupt, "a move task");
  return task;
}

}  // namespace naru::sqs
