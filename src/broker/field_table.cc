#include "broker/field_table.h"

#include <algorithm>
#include <map>

#include "base/check.h"

namespace naru {
namespace {

/// Bytes of a value of this type; -1 if it begins with a length, -2 if there is no such type.
int fixed_size(FieldType type) {
  switch (type) {
    case FieldType::none: return 0;
    case FieldType::boolean:
    case FieldType::int8:
    case FieldType::uint8: return 1;
    case FieldType::int16:
    case FieldType::uint16: return 2;
    case FieldType::int32:
    case FieldType::uint32:
    case FieldType::float32: return 4;
    case FieldType::decimal: return 5;
    case FieldType::int64:
    case FieldType::int64_other:
    case FieldType::float64:
    case FieldType::timestamp: return 8;
    case FieldType::text:
    case FieldType::bytes:
    case FieldType::array:
    case FieldType::table: return -1;
  }
  return -2;
}

/// Reads one value without looking into it. Returns where it ends, or null.
const uint8_t* read_value(const uint8_t* at, const uint8_t* end, FieldValue* value) {
  if (at == end) return nullptr;
  value->type = static_cast<FieldType>(*at++);
  int fixed = fixed_size(value->type);
  if (fixed < -1) return nullptr;
  auto size = static_cast<size_t>(fixed);
  if (fixed < 0) {
    if (end - at < 4) return nullptr;
    size = load_be<uint32_t>(at);
    at += 4;
  }
  if (size > static_cast<size_t>(end - at)) return nullptr;
  value->bytes = {at, size};
  return at + size;
}

const uint8_t* read_item(const uint8_t* at, const uint8_t* end, FieldValue* value) {
  return read_value(at, end, value);
}
const uint8_t* read_item(const uint8_t* at, const uint8_t* end, Field* field) {
  size_t size = *at++;
  if (size > static_cast<size_t>(end - at)) return nullptr;
  field->name = text({at, size});
  return read_value(at + size, end, &field->value);
}

/// Nested tables and arrays wait in a list instead of on the stack: no bytes are too deep, and each is read once.
Result<void> check_fields(ByteView bytes, bool is_table) {
  struct Nested {
    ByteView bytes;
    bool is_table;
  };
  std::vector<Nested> waiting;
  Nested now{bytes, is_table};
  while (true) {
    const uint8_t *at = now.bytes.data(), *end = at + now.bytes.size();
    while (at != end) {
      Field field;
      const uint8_t* next = now.is_table ? read_item(at, end, &field) : read_item(at, end, &field.value);
      if (!next) return fail(Code::invalid, "malformed field", at - bytes.data());
      FieldType type = field.value.type;
      if ((type == FieldType::table || type == FieldType::array) && !field.value.bytes.empty())
        waiting.push_back({field.value.bytes, type == FieldType::table});
      at = next;
    }
    if (waiting.empty()) return {};
    now = waiting.back();
    waiting.pop_back();
  }
}

}  // namespace

template <class Item>
void FieldIterator<Item>::decode() {
  if (at_ == end_) return;
  next_ = read_item(at_, end_, &item_);
  CHECK(next_);  // parse has seen these bytes
}
template class FieldIterator<Field>;
template class FieldIterator<FieldValue>;

const char* name(FieldType type) {
  switch (type) {
    case FieldType::boolean: return "bool";
    case FieldType::int8: return "byte";
    case FieldType::uint8: return "unsignedbyte";
    case FieldType::int16: return "short";
    case FieldType::uint16: return "unsignedshort";
    case FieldType::int32: return "signedint";
    case FieldType::uint32: return "unsignedint";
    case FieldType::int64:
    case FieldType::int64_other: return "long";
    case FieldType::float32: return "float";
    case FieldType::float64: return "double";
    case FieldType::decimal: return "decimal";
    case FieldType::timestamp: return "timestamp";
    case FieldType::text: return "longstr";
    case FieldType::bytes: return "binary";
    case FieldType::array: return "array";
    case FieldType::table: return "table";
    case FieldType::none: return "void";
  }
  return "unknown";
}

std::optional<int64_t> FieldValue::integer() const {
  switch (type) {
    case FieldType::int8: return load_be<int8_t>(bytes.data());
    case FieldType::uint8: return load_be<uint8_t>(bytes.data());
    case FieldType::int16: return load_be<int16_t>(bytes.data());
    case FieldType::uint16: return load_be<uint16_t>(bytes.data());
    case FieldType::int32: return load_be<int32_t>(bytes.data());
    case FieldType::uint32: return load_be<uint32_t>(bytes.data());
    case FieldType::int64:
    case FieldType::int64_other: return load_be<int64_t>(bytes.data());
    default: return std::nullopt;
  }
}
std::optional<double> FieldValue::real() const {
  if (type == FieldType::float32) return std::bit_cast<float>(load_be<uint32_t>(bytes.data()));
  if (type == FieldType::float64) return std::bit_cast<double>(load_be<uint64_t>(bytes.data()));
  return std::nullopt;
}
std::optional<bool> FieldValue::boolean() const {
  if (type != FieldType::boolean) return std::nullopt;
  return bytes[0] != 0;
}
std::optional<std::string_view> FieldValue::text() const {
  if (type != FieldType::text) return std::nullopt;
  return naru::text(bytes);
}
std::optional<Timestamp> FieldValue::timestamp() const {
  if (type != FieldType::timestamp) return std::nullopt;
  return Timestamp{load_be<uint64_t>(bytes.data())};
}
std::optional<Decimal> FieldValue::decimal() const {
  if (type != FieldType::decimal) return std::nullopt;
  return Decimal{bytes[0], load_be<uint32_t>(bytes.data() + 1)};
}
std::optional<FieldTableView> FieldValue::table() const {
  if (type != FieldType::table) return std::nullopt;
  return FieldTableView::of_checked(bytes);
}
std::optional<FieldArrayView> FieldValue::array() const {
  if (type != FieldType::array) return std::nullopt;
  return FieldArrayView::of_checked(bytes);
}

bool same_value(const FieldValue& a, const FieldValue& b) {
  if (auto number = a.integer()) return number == b.integer();
  if (auto number = a.real()) return number == b.real();
  if (auto flag = a.boolean()) return flag == b.boolean();  // any byte but 0 is true
  return a.type == b.type && std::ranges::equal(a.bytes, b.bytes);
}

Result<FieldTableView> FieldTableView::parse(ByteView bytes) {
  TRY_VOID(check_fields(bytes, true));
  return FieldTableView(bytes);
}
Result<FieldArrayView> FieldArrayView::parse(ByteView bytes) {
  TRY_VOID(check_fields(bytes, false));
  return FieldArrayView(bytes);
}

std::optional<FieldValue> FieldTableView::find(std::string_view name) const {
  for (const Field& field : *this)
    if (field.name == name) return field.value;
  return std::nullopt;
}
size_t FieldTableView::count() const {
  size_t count = 0;
  for (auto at = begin(); at != end(); ++at) ++count;
  return count;
}

void append_field_value(Bytes& to, const FieldValue& value) {
  if (fixed_size(value.type) < 0)
    detail::append_sized(to, value.type, value.bytes);
  else
    detail::append_raw(to, value.type, value.bytes);
}

void FieldTable::append_name(std::string_view name) {
  name = name.substr(0, UINT8_MAX);
  bytes_.push_back(static_cast<uint8_t>(name.size()));
  append(bytes_, naru::view(name));
}

void FieldTable::replace(std::string_view name, ByteView encoded) {
  const uint8_t *begin = bytes_.data(), *end = begin + bytes_.size();
  for (const uint8_t* at = begin; at != end;) {
    Field field;
    const uint8_t* next = read_item(at, end, &field);
    CHECK(next);
    if (field.name == name) {
      const uint8_t* value = at + 1 + name.size();
      auto place = bytes_.erase(bytes_.begin() + (value - begin), bytes_.begin() + (next - begin));
      bytes_.insert(place, encoded.begin(), encoded.end());
      return;
    }
    at = next;
  }
  append_name(name);
  append(bytes_, encoded);
}

bool FieldTable::remove(std::string_view name) {
  Bytes kept;
  const uint8_t *at = bytes_.data(), *end = at + bytes_.size();
  while (at != end) {
    Field field;
    const uint8_t* next = read_item(at, end, &field);
    CHECK(next);
    if (field.name != name) append(kept, {at, next});
    at = next;
  }
  if (kept.size() == bytes_.size()) return false;
  bytes_ = std::move(kept);
  return true;
}

FieldTable sorted_by_name(FieldTableView table) {
  std::vector<Field> fields;
  for (const Field& field : table) fields.push_back(field);
  std::ranges::sort(fields, [](const Field& a, const Field& b) {
    return a.name != b.name ? a.name < b.name : a.value.bytes.data() < b.value.bytes.data();
  });
  FieldTable sorted;
  for (const Field& field : fields) sorted.add(field.name, field.value);
  return sorted;
}

FieldTable sorted(FieldTableView table) {
  std::multimap<std::string_view, FieldValue> by_name;
  for (const Field& field : table) by_name.emplace(field.name, field.value);
  FieldTable all;
  for (const auto& [name, value] : by_name) all.add(name, value);
  return all;
}

}  // namespace naru
