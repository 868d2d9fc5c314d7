// A field table from a peer. What parse accepts can be walked to every end, printed, sorted, edited and compared.
#include "base/check.h"
#include "broker/field_table.h"
#include "broker/routing/headers.h"

namespace naru {
namespace {

/// Every value, whatever it is, gives an answer to every question. Nested ones wait in a list, as deep as they are.
size_t walk(FieldTableView table) {
  std::vector<FieldValue> waiting;
  size_t values = 0;
  auto visit = [&](const FieldValue& value) {
    ++values;
    int answers = value.integer().has_value() + value.real().has_value() + value.boolean().has_value() +
                  value.text().has_value() + value.timestamp().has_value() + value.decimal().has_value() +
                  value.table().has_value() + value.array().has_value() + value.is_none() +
                  (value.type == FieldType::bytes);
    CHECK(answers == 1);
    CHECK(same_value(value, value) || value.real() != value.real());
    if (value.table() || value.array()) waiting.push_back(value);
  };
  for (const Field& field : table) visit(field.value);
  while (!waiting.empty()) {
    FieldValue value = waiting.back();
    waiting.pop_back();
    if (auto inner = value.table())
      for (const Field& field : *inner) visit(field.value);
    if (auto inner = value.array())
      for (const FieldValue& item : *inner) visit(item);
  }
  return values;
}

void run(ByteView bytes) {
  auto table = FieldTableView::parse(bytes);
  if (!table) return;
  size_t values = walk(*table);
  CHECK(to_text(*table).size() < 16 * KiB);
  if (table->empty()) return;
  CHECK(erlang_text({FieldType::table, bytes}).size() < 64 * KiB);

  FieldTable sorted = sorted_by_name(*table);
  CHECK(walk(sorted.view()) == values);
  CHECK(sorted_by_name(sorted.view()) == sorted);
  FieldTable edited(*table);
  std::string first(table->begin()->name);
  edited.set(first, "new");
  CHECK(edited.find(first)->text() == "new");
  CHECK(FieldTableView::parse(edited.view().bytes()));
  CHECK(edited.remove(first));
  CHECK(!edited.find(first));
  CHECK(FieldTableView::parse(edited.view().bytes()));

  // As the arguments of a binding, and as the headers of a message.
  HeadersBindings bindings;
  bindings.add("", *table, Destination(1));
  std::vector<Destination> to;
  bindings.match({.headers = *table}, to);
  CHECK(bindings.remove("", sorted.view(), Destination(1)));
}

}  // namespace
}  // namespace naru

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  naru::run({data, size});
  return 0;
}
