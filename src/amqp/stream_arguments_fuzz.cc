// Any table as the arguments of a consumer that reads a stream, and as those of a queue.
#include "amqp/queue_arguments.h"
#include "amqp/stream_arguments.h"
#include "base/check.h"
#include "broker/policies/age.h"

namespace naru::amqp {
namespace {

void run(ByteView bytes) {
  auto arguments = FieldTableView::parse(bytes);
  if (!arguments) return;
  constexpr int64_t now_ms = 1'700'000'000'000;
  for (const Field& field : *arguments) {
    if (auto age = field.value.text() ? parse_age(*field.value.text()) : std::nullopt) CHECK(*age >= 0);
    auto start = parse_stream_offset(field.value, now_ms);
    CHECK(start || !start.error().empty());
    if (start && start->kind == ReadStart::Kind::offset) CHECK(field.value.integer() == start->value);
  }
  auto filter = StreamFilter::parse(*arguments, "queue 'q' in vhost '/'");
  StoredRecord record;
  if (filter) (void)filter->matches(record);
  QueueDefinition queue{.name = "q", .durable = true, .arguments = FieldTable(*arguments)};
  auto applied = apply_arguments(queue, "/");
  CHECK(applied || !applied.error().empty());
  QueueDefinition ruled{.name = "q", .durable = true};
  apply_policy(ruled, *arguments);
}

}  // namespace
}  // namespace naru::amqp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  naru::amqp::run({data, size});
  return 0;
}
