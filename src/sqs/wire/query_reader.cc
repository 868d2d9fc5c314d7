#include "sqs/wire/query_reader.h"

#include <algorithm>
#include <charconv>

namespace naru::sqs {
namespace {

int hex_value(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/// What application/x-www-form-urlencoded text stands for, which is never longer.
std::string_view unescape_in_place(std::span<char> text) {
  char* to = text.data();
  for (size_t i = 0; i < text.size(); ++i) {
    int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      *to++ = static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      *to++ = text[i] == '+' ? ' ' : text[i];
    }
  }
  return {text.data(), static_cast<size_t>(to - text.data())};
}

}  // namespace

Number parse_integer(std::string_view text) {
  int64_t value = 0;
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

void QueryParameters::add(std::span<char> text) {
  while (!text.empty() && !has_too_many()) {
    std::string_view rest(text.data(), text.size());
    size_t end = std::min(rest.find('&'), rest.size());
    size_t equals = std::min(rest.find('='), end);
    if (equals > 0) {
      size_t value = std::min(equals + 1, end);
      std::string_view name = unescape_in_place(text.first(equals));
      all_.push_back({name, unescape_in_place(text.subspan(value, end - value)), all_.size()});
    }
    text = text.subspan(std::min(end + 1, text.size()));
  }
}

void QueryParameters::sort() {
  std::ranges::sort(all_, {}, [](const Parameter& one) { return std::pair(one.name, one.place); });
}

std::vector<QueryParameters::Parameter>::const_iterator QueryParameters::first_from(std::string_view name) const {
  return std::ranges::lower_bound(all_, name, {}, &Parameter::name);
}

Text QueryParameters::find(std::string_view name) const {
  auto found = first_from(name);
  return found == all_.end() || found->name != name ? Text() : Text(found->value);
}

bool QueryParameters::any(std::string_view prefix) const {
  auto found = first_from(prefix);
  return found != all_.end() && found->name.starts_with(prefix);
}

std::vector<uint32_t> QueryParameters::numbers(std::string_view prefix) const {
  std::vector<uint32_t> numbers;
  std::string start(prefix);
  start += '.';
  auto at = first_from(start);
  for (; at != all_.end() && at->name.starts_with(start); ++at) {
    std::string_view rest = at->name.substr(start.size());
    uint32_t number = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    bool ends_well = end == rest.data() + rest.size() || *end == '.';
    if (error == std::errc() && ends_well && (numbers.empty() || numbers.back() != number)) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  auto twice = std::ranges::unique(numbers);
  numbers.erase(twice.begin(), twice.end());
  return numbers;
}

Text QueryReader::find(std::string_view name) {
  name_.assign(prefix_).append(name);
  return from_.find(name_);
}

void QueryReader::operator()(std::string_view name, Number& into) {
  Text text = find(name);
  if (!text || text->empty()) return;
  into = parse_integer(*text);
  if (!into && !refusal_)
    refusal_ = Refusal{ErrorCode::malformed_input, "'" + std::string(*text) + "' is not an integer: " + name_};
}

std::vector<QueryReader::Nested> QueryReader::items(std::string_view name) const {
  std::vector<Nested> all;
  std::string base = prefix_ + std::string(name);
  for (uint32_t number : from_.numbers(base)) all.push_back({base + "." + std::to_string(number)});
  if (all.empty() && (from_.find(base) || from_.any(base + "."))) all.push_back({base});
  return all;
}

size_t QueryReader::enter(const Nested& item) {
  size_t outer = prefix_.size();
  prefix_ = item.prefix + ".";
  return outer;
}

void QueryReader::map(std::string_view, std::string_view name, std::string_view key, TextMap& into) {
  for (const Nested& item : items(name)) {
    size_t outer = enter(item);
    Text found = find(key), value = find("Value");
    if (found) into.emplace_back(*found, value.value_or(""));
    prefix_.resize(outer);
  }
}

void QueryReader::attributes(std::string_view, std::string_view name, GivenAttributes& into) {
  for (const Nested& item : items(name)) {
    size_t outer = enter(item);
    GivenAttribute& one = into.emplace_back();
    one.name = find("Name").value_or("");
    one.type = find("Value.DataType");
    one.text = find("Value.StringValue");
    if (Text encoded = find("Value.BinaryValue")) {
      one.binary = decode_binary(*encoded);
      if (!one.binary && !refusal_)
        refusal_ = Refusal{ErrorCode::malformed_input, "the value of " + std::string(one.name) + " is no base64"};
    }
    one.has_list = from_.any(prefix_ + "Value.StringListValue") || from_.any(prefix_ + "Value.BinaryListValue");
    prefix_.resize(outer);
  }
}

}  // namespace naru::sqs
