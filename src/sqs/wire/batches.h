#pragma once
// What refuses a batch as a whole, before anything of it is done.
#include <set>

#include "sqs/wire/fields.h"
#include "sqs/wire/names.h"
#include "sqs/wire/refusal.h"

namespace naru::sqs {

inline constexpr size_t batch_entries_max = 10;

/// "SendMessageBatchRequestEntry.2", as texts call an entry.
template <class Entry>
std::string entry_name(const std::vector<Entry>&, size_t index) {
  return std::string(Entry::query_name) + "." + std::to_string(index + 1);
}

template <class Entry>
Reply<void> check_entries(const std::optional<std::vector<Entry>>& given) {
  if (!given) return std::unexpected(missing_parameter("Entries"));
  const std::vector<Entry>& entries = *given;
  if (entries.empty())
    return refuse(ErrorCode::empty_batch,
                  "There should be at least one " + std::string(Entry::query_name) + " in the request.");
  if (entries.size() > batch_entries_max)
    return refuse(ErrorCode::too_many_entries, "Maximum number of entries per request are 10. You have sent " +
                                                   std::to_string(entries.size()) + ".");
  std::set<std::string_view> ids;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Text& id = entries[i].id;
    if (!id) return std::unexpected(missing_parameter(entry_name(entries, i) + ".Id"));
    if (!is_plain_name(*id))
      return refuse(ErrorCode::invalid_entry_id,
                    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at "
                    "most 80 letters long.");
    if (!ids.insert(*id).second)
      return refuse(ErrorCode::entry_ids_not_distinct, "Id " + std::string(*id) + " repeated.");
  }
  return {};
}

}  // namespace naru::sqs
