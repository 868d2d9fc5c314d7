#pragma once
// More routing keys, in the headers CC and BCC of a message that was published: as far as they are lists of texts.
#include <vector>

#include "broker/field_table.h"

namespace naru::amqp {

/// More lead nowhere: each key is looked for in every exchange that a message comes through.
inline constexpr size_t more_keys_max = 1000;

inline std::vector<std::string_view> keys_in(FieldTableView headers, const char* name) {
  std::vector<std::string_view> keys;
  auto value = headers.find(name);
  auto array = value ? value->array() : std::nullopt;
  if (!array) return keys;
  for (const FieldValue& key : *array)
    if (key.text() && keys.size() < more_keys_max) keys.push_back(*key.text());
  return keys;
}

}  // namespace naru::amqp
