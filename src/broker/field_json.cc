#include "broker/field_json.h"

#include <cmath>

namespace naru {
namespace {

constexpr int depth_max = 32;

Json value_to_json(const FieldValue& value, int depth);

Json table_to_json(FieldTableView table, int depth) {
  Json::Object object;  // clients send tables of tens of thousands of fields: no name is looked for
  for (const Field& field : table) object.emplace_back(std::string(field.name), value_to_json(field.value, depth));
  keep_last_of_each(object);
  return Json(std::move(object));
}

/// What is nested beyond all reason is left out: a table may be as deep as its bytes allow.
Json value_to_json(const FieldValue& value, int depth) {
  if (auto integer = value.integer()) return Json(*integer);
  if (auto real = value.real()) return Json(*real);
  if (auto boolean = value.boolean()) return Json(*boolean);
  if (auto text = value.text()) return Json(*text);
  if (auto time = value.timestamp()) return Json(static_cast<int64_t>(time->seconds));
  if (auto decimal = value.decimal()) return Json(decimal->value / std::pow(10.0, decimal->scale));
  if (depth >= depth_max) return Json();
  if (auto table = value.table()) return table_to_json(*table, depth + 1);
  if (auto array = value.array()) {
    Json items = Json::array();
    for (const FieldValue& one : *array) items.push(value_to_json(one, depth + 1));
    return items;
  }
  if (value.type == FieldType::bytes) return Json(text(value.bytes));
  return Json();
}

FieldArray to_array(const Json::Array& items);

/// `add` takes any type that a field may have.
template <class Add>
void with_value(const Json& json, Add add) {
  if (auto integer = json.integer()) {
    add(*integer);
  } else if (auto number = json.number()) {
    add(*number);
  } else if (auto boolean = json.boolean()) {
    add(*boolean);
  } else if (auto text = json.text()) {
    add(*text);
  } else if (auto* items = json.items()) {
    FieldArray array = to_array(*items);
    add(array.view());
  } else if (json.members()) {
    FieldTable table = to_fields(json);
    add(table.view());
  } else {
    add(nullptr);
  }
}

FieldArray to_array(const Json::Array& items) {
  FieldArray array;
  for (const Json& item : items) with_value(item, [&](const auto& value) { array.add(value); });
  return array;
}

}  // namespace

Json to_json(FieldTableView table) { return table_to_json(table, 0); }
Json to_json(const FieldValue& value) { return value_to_json(value, 0); }

FieldTable to_fields(const Json& object) {
  FieldTable table;
  if (auto* members = object.members())
    for (const auto& [name, json] : *members)
      with_value(json, [&, &key = name](const auto& value) { table.add(key, value); });
  return table;
}

}  // namespace naru
