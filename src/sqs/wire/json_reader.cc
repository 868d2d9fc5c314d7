#include "sqs/wire/json_reader.h"

namespace naru::sqs {

bool JsonReader::expect(Kind kind) {
  if (cursor_.peek() == kind) return true;
  cursor_.give_up();
  return false;
}

bool JsonReader::has_value() {
  if (cursor_.peek() != Kind::null) return true;
  cursor_.skip();
  return false;
}

std::string_view JsonReader::text() {
  switch (cursor_.peek()) {
    case Kind::string: return cursor_.string();
    case Kind::number: return cursor_.number();
    case Kind::boolean: return cursor_.boolean() ? "true" : "false";
    default: cursor_.give_up(); return {};
  }
}

void JsonReader::value(Number& into) {
  if (!expect(Kind::number)) return;
  into = cursor_.integer();
  if (!into) cursor_.give_up();
}

void JsonReader::map(TextMap& into) {
  if (!expect(Kind::object)) return;
  cursor_.begin_object();
  while (auto name = cursor_.next_member())
    if (has_value()) into.emplace_back(*name, text());
}

void JsonReader::attributes(GivenAttributes& into) {
  if (!expect(Kind::object)) return;
  cursor_.begin_object();
  while (auto name = cursor_.next_member()) {
    if (!has_value()) continue;
    into.push_back({.name = *name});
    attribute(into.back());
  }
}

void JsonReader::attribute(GivenAttribute& into) {
  if (!expect(Kind::object)) return;
  cursor_.begin_object();
  while (auto name = cursor_.next_member()) {
    if (!has_value()) continue;
    if (*name == "DataType") {
      into.type = text();
    } else if (*name == "StringValue") {
      into.text = text();
    } else if (*name == "BinaryValue") {
      into.binary = decode_binary(expect(Kind::string) ? cursor_.string() : std::string_view());
      if (!into.binary) cursor_.give_up();
    } else if (*name == "StringListValues" || *name == "BinaryListValues") {
      if (expect(Kind::array)) cursor_.begin_array();
      while (cursor_.next_item()) into.has_list = true, cursor_.skip();  // some SDKs send an empty one
    } else {
      cursor_.skip();
    }
  }
}

}  // namespace naru::sqs
