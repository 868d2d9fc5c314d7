#include "sqs/wire/json_reader.h"

namespace naru::sqs {

std::string_view JsonReader::text(Json& from) {
  if (from.boolean() || from.number()) from = to_text(from);
  if (!from.text()) give_up();
  return from.text().value_or("");
}

void JsonReader::value(Json& from, Number& into) {
  into = from.integer();
  if (!into) give_up();
}

void JsonReader::map(Json& from, TextMap& into) {
  auto* members = from.members();
  if (!members) return give_up();
  for (auto& [name, given] : *members)
    if (!given.is_null()) into.emplace_back(name, text(given));
}

void JsonReader::attributes(Json& from, GivenAttributes& into) {
  auto* members = from.members();
  if (!members) return give_up();
  for (auto& [name, given] : *members) {
    if (given.is_null()) continue;
    into.push_back({.name = name});
    attribute(given, into.back());
  }
}

void JsonReader::attribute(Json& from, GivenAttribute& into) {
  auto* members = from.members();
  if (!members) return give_up();
  for (auto& [name, given] : *members) {
    if (given.is_null()) continue;
    if (name == "DataType") {
      into.type = text(given);
    } else if (name == "StringValue") {
      into.text = text(given);
    } else if (name == "BinaryValue") {
      into.binary = given.text() ? decode_binary(*given.text()) : std::nullopt;
      if (!into.binary) give_up();
    } else if (name == "StringListValues" || name == "BinaryListValues") {
      auto* items = given.items();
      if (!items) return give_up();
      into.has_list |= !items->empty();  // some SDKs send an empty one
    }
  }
}

}  // namespace naru::sqs
