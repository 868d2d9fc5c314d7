#include "amqp/record_mapping.h"

#include <charconv>
#include <cmath>

#include "amqp/record_names.h"

namespace naru::amqp {
namespace {

/// Readers of Kafka's see nested tables as JSON; deeper and longer than this nobody reads.
constexpr TextLimits json_limits{.depth = 32, .bytes = 64 * KiB, .text_bytes = 64 * KiB};

template <class Number>
void append_number(Bytes& to, Number number) {
  char digits[40];
  append(to, view({digits, std::to_chars(digits, digits + sizeof digits, number).ptr}));
}

/// Whether what the record has for it tells the type as well.
bool is_plain(const Field& field) {
  switch (field.value.type) {
    case FieldType::none: return true;
    case FieldType::text: return is_utf8(text(field.value.bytes));
    case FieldType::bytes: return !is_utf8(text(field.value.bytes));
    default: return false;
  }
}

/// Whether the text gives back just this value, the type being known.
bool has_exact_text(const FieldValue& value) {
  switch (value.type) {
    case FieldType::array:
    case FieldType::table: return false;
    case FieldType::boolean: return value.bytes[0] <= 1;
    case FieldType::float32:
    case FieldType::float64: return !std::isnan(*value.real());
    default: return true;
  }
}

}  // namespace

NewRecord RecordMaker::make(const MappedMessage& message, std::string_view home, int64_t arrival_ms) {
  headers_.clear();
  texts_.clear();
  made_.clear();
  NewRecord record{.timestamp = arrival_ms, .value = message.body};
  put_route(message, home, record);
  put_properties(message.properties);
  for (std::string_view key : message.blind_keys) put(blind_key_name, view(key));
  if (message.properties.headers) put_table(*message.properties.headers);
  for (const Made& made : made_) {
    ByteView bytes(texts_.data() + made.begin, made.size);
    if (made.is_name)
      headers_[made.header].name = text(bytes);
    else
      headers_[made.header].value = bytes;
  }
  record.headers = headers_;
  return record;
}

void RecordMaker::put_route(const MappedMessage& message, std::string_view home, NewRecord& record) {
  if (!message.exchange.empty()) put(exchange_name, view(message.exchange));
  bool sent_home = message.exchange.empty() && !home.empty() && message.routing_key == home;
  if (sent_home) return;
  record.key = view(message.routing_key);
  if (!is_utf8(message.routing_key)) put(routing_key_name, *record.key);
}

void RecordMaker::put_properties(const Properties& properties) {
  if (properties.delivery_mode) put_number(delivery_mode_name, unsigned{*properties.delivery_mode});
  if (properties.priority) put_number(priority_name, unsigned{*properties.priority});
  if (properties.timestamp) put_number(timestamp_name, *properties.timestamp);
  for (const TextProperty& one : text_properties)
    if (const auto& text = properties.*one.field) put(one.name, view(*text));
}

void RecordMaker::put_table(FieldTableView table) {
  put_types(table);
  for (const Field& field : table) put_field(field);
}

void RecordMaker::put_types(FieldTableView table) {
  types_.clear();
  exact_.clear();
  size_t needed = 0;
  for (const Field& field : table) {
    bool exact = !has_exact_text(field.value);
    types_ += exact ? exact_value : static_cast<char>(field.value.type);
    if (exact) append_field_value(exact_, field.value);
    if (!is_plain(field)) needed = types_.size();
  }
  types_.resize(needed);
  // An empty table is not the same as none.
  if (needed > 0 || table.empty()) put(types_name, view(types_));
  if (!exact_.empty()) put(exact_name, exact_);
}

void RecordMaker::put_field(const Field& field) {
  const FieldValue& value = field.value;
  size_t begin = texts_.size();
  if (value.is_none()) {
    headers_.push_back({field.name, std::nullopt});
  } else if (value.type == FieldType::text || value.type == FieldType::bytes) {
    put(field.name, value.bytes);
  } else if (auto flag = value.boolean()) {
    put(field.name, view(*flag ? "true" : "false"));
  } else if (auto number = value.integer()) {
    put_number(field.name, *number);
  } else if (auto time = value.timestamp()) {
    put_number(field.name, time->seconds);
  } else if (value.type == FieldType::float32) {
    put_number(field.name, static_cast<float>(*value.real()));
  } else if (auto real = value.real()) {
    put_number(field.name, *real);
  } else if (auto decimal = value.decimal()) {
    append_number(texts_, decimal->value);
    append(texts_, view("e-"));
    append_number(texts_, unsigned{decimal->scale});
    put_made(field.name, begin);
  } else {
    append(texts_, view(to_text(value, json_limits)));
    put_made(field.name, begin);
  }
  if (!field.name.starts_with(reserved_prefix) && field.name != expires_header) return;
  begin = texts_.size();
  append(texts_, view(escape_prefix));
  append(texts_, view(field.name));
  made_.push_back({headers_.size() - 1, true, begin, texts_.size() - begin});
}

template <class Number>
void RecordMaker::put_number(std::string_view name, Number number) {
  size_t begin = texts_.size();
  append_number(texts_, number);
  put_made(name, begin);
}

void RecordMaker::put_made(std::string_view name, size_t begin) {
  made_.push_back({headers_.size(), false, begin, texts_.size() - begin});
  put(name, {});
}

namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

template <class Number>
bool append_parsed(Bytes& to, std::string_view text) {
  auto number = parse_number<Number>(text);
  if (number) append_field_value(to, *number);
  return number.has_value();
}

bool append_decimal(Bytes& to, std::string_view text) {
  size_t e = text.find("e-");
  if (e == std::string_view::npos) return false;
  auto value = parse_number<uint32_t>(text.substr(0, e));
  auto scale = parse_number<uint8_t>(text.substr(e + 2));
  if (value && scale) append_field_value(to, Decimal{*scale, *value});
  return value && scale;
}

/// Appends the value of this type that a text stands for; false if it stands for none.
bool append_typed(Bytes& to, FieldType type, std::optional<ByteView> value) {
  if (!value) return type == FieldType::none && (append_field_value(to, nullptr), true);
  std::string_view text = naru::text(*value);
  switch (type) {
    case FieldType::boolean:
      if (text != "true" && text != "false") return false;
      return append_field_value(to, text == "true"), true;
    case FieldType::int8: return append_parsed<int8_t>(to, text);
    case FieldType::uint8: return append_parsed<uint8_t>(to, text);
    case FieldType::int16: return append_parsed<int16_t>(to, text);
    case FieldType::uint16: return append_parsed<uint16_t>(to, text);
    case FieldType::int32: return append_parsed<int32_t>(to, text);
    case FieldType::uint32: return append_parsed<uint32_t>(to, text);
    case FieldType::int64: return append_parsed<int64_t>(to, text);
    case FieldType::int64_other: {
      size_t begin = to.size();
      if (!append_parsed<int64_t>(to, text)) return false;
      to[begin] = static_cast<uint8_t>(type);
      return true;
    }
    case FieldType::float32: return append_parsed<float>(to, text);
    case FieldType::float64: return append_parsed<double>(to, text);
    case FieldType::decimal: return append_decimal(to, text);
    case FieldType::timestamp: {
      auto seconds = parse_number<uint64_t>(text);
      return seconds && (append_field_value(to, Timestamp{*seconds}), true);
    }
    case FieldType::text:
    case FieldType::bytes: return append_field_value(to, FieldValue{type, *value}), true;
    case FieldType::array:
    case FieldType::table:
    case FieldType::none: return false;
  }
  return false;
}

void append_plain(Bytes& to, std::optional<ByteView> value) {
  if (!value) return append_field_value(to, nullptr);
  append_field_value(to, FieldValue{is_utf8(text(*value)) ? FieldType::text : FieldType::bytes, *value});
}

/// Puts the headers table together again.
class TableReader {
 public:
  TableReader(Bytes& to, size_t bytes_max) : to_(to), bytes_max_(bytes_max) { restart(); }
  void restart() {
    to_.clear();
    letters_ = {};
    exact_ = {};
    any_ = has_types_ = false;
  }

  void set_types(std::string_view letters) { letters_ = letters, has_types_ = true; }
  bool set_exact(ByteView values) {
    auto array = FieldArrayView::parse(values);
    if (array) exact_ = *array;
    return array.has_value();
  }
  void add(std::string_view name, std::optional<ByteView> value) {
    size_t begin = to_.size();
    name = cut_utf8(name, short_text_bytes_max);
    to_.push_back(static_cast<uint8_t>(name.size()));
    append(to_, view(name));
    if (letters_.empty()) {
      append_plain(to_, value);
    } else {
      char letter = letters_[0];
      letters_.remove_prefix(1);
      if (letter == exact_value) {
        add_exact(value);
      } else if (!append_typed(to_, static_cast<FieldType>(letter), value)) {
        append_plain(to_, value);
      }
    }
    if (to_.size() > bytes_max_) to_.resize(begin);
    any_ = true;
  }
  /// False if the types tell of other headers than there were. Then they tell nothing.
  bool fits() const { return letters_.empty() && exact_.empty(); }
  bool present() const { return any_ || has_types_; }

 private:
  void add_exact(std::optional<ByteView> value) {
    if (exact_.empty()) return append_plain(to_, value);
    auto first = exact_.begin();
    append_field_value(to_, *first);
    const uint8_t *after = first->bytes.data() + first->bytes.size(),
                  *end = exact_.bytes().data() + exact_.bytes().size();
    exact_ = FieldArrayView::of_checked({after, end});
  }

  Bytes& to_;
  size_t bytes_max_;
  std::string_view letters_;
  FieldArrayView exact_;
  bool any_ = false, has_types_ = false;
};

template <class Number>
bool set_number(std::optional<Number>& field, std::string_view text) {
  auto number = parse_number<Number>(text);
  if (number && !field) field = number;
  return number.has_value();
}

/// False if the header has no meaning for AMQP, or no valid value.
bool set_property(MappedMessage& message, std::optional<std::string_view>& routing_key, const Header& header) {
  if (!header.value) return false;
  std::string_view value = text(*header.value);
  Properties& properties = message.properties;
  if (header.name == delivery_mode_name) return set_number(properties.delivery_mode, value);
  if (header.name == priority_name) return set_number(properties.priority, value);
  if (header.name == timestamp_name) return set_number(properties.timestamp, value);
  if (value.size() > short_text_bytes_max) return false;
  if (header.name == exchange_name) return message.exchange = value, true;
  if (header.name == routing_key_name) return routing_key = value, true;
  for (const TextProperty& one : text_properties) {
    if (header.name != one.name) continue;
    if (!(properties.*one.field)) properties.*one.field = value;
    return true;
  }
  return false;
}

void read_headers(const Record& record, bool with_types, MappedMessage& message,
                  std::optional<std::string_view>& routing_key, TableReader& table) {
  for (const Header& header : record.headers) {
    std::string_view name = header.name;
    if (name.starts_with(reserved_prefix)) {
      if (name.starts_with(escape_prefix)) {
        table.add(name.substr(escape_prefix.size()), header.value);
        continue;
      }
      if (name == blind_key_name) continue;
      if (header.value && name == types_name) {
        table.set_types(with_types ? text(*header.value) : std::string_view());
        continue;
      }
      if (header.value && name == exact_name && (!with_types || table.set_exact(*header.value))) continue;
      if (set_property(message, routing_key, header)) continue;
    }
    table.add(name, header.value);
  }
}

}  // namespace

std::vector<std::string_view> blind_keys_of(const Record& record) {
  std::vector<std::string_view> keys;
  for (const Header& header : record.headers)
    if (header.name == blind_key_name && header.value && header.value->size() <= short_text_bytes_max)
      keys.push_back(text(*header.value));
  return keys;
}

MappedMessage read_record(const Record& record, const ReadOptions& options, Bytes& table) {
  MappedMessage message{.routing_key = options.home, .body = record.value.value_or(ByteView())};
  std::optional<std::string_view> routing_key;
  TableReader reader(table, options.table_bytes_max);
  if (!record.headers.empty()) {
    read_headers(record, true, message, routing_key, reader);
    if (!reader.fits()) {
      // Somebody has changed the headers without knowing of the types.
      reader.restart();
      read_headers(record, false, message, routing_key, reader);
    }
  }
  if (routing_key) {
    message.routing_key = *routing_key;
  } else if (record.key) {
    std::string_view key = text(*record.key);
    if (key.size() <= short_text_bytes_max && is_utf8(key))
      message.routing_key = key;
    else
      reader.add(record_key_name, record.key);
  }
  if (options.record_time && !message.properties.timestamp && record.timestamp >= 0)
    message.properties.timestamp = static_cast<uint64_t>(record.timestamp) / 1000;
  if (reader.present()) message.properties.headers = FieldTableView::of_checked(table);
  return message;
}

}  // namespace naru::amqp
