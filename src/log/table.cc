#include "log/table.h"

#include "base/pack.h"

namespace naru {

JournalPosition Table::change(std::span<const RowChange> changes) {
  scratch_.clear();
  Packer to(scratch_);
  to.put(shard_).put(static_cast<uint32_t>(changes.size()));
  for (const RowChange& change : changes) {
    to.put(static_cast<uint8_t>(change.value.has_value())).put(change.key).put(change.value.value_or(""));
  }
  auto position = journal_.append(EntryKind::rows, scratch_);
  for (const RowChange& change : changes) apply_row(rows_, change);
  return position;
}

void apply_row(Table::Rows& rows, const RowChange& change) {
  auto row = rows.find(change.key);
  if (!change.value) {
    if (row != rows.end()) rows.erase(row);
  } else if (row == rows.end()) {
    rows.emplace(change.key, *change.value);
  } else {
    row->second.assign(*change.value);
  }
}

Result<void> replay_rows(ByteView payload, std::span<Table::Rows> tables) {
  Unpacker from(payload);
  uint8_t shard = from.get<uint8_t>();
  uint32_t count = from.get<uint32_t>();
  for (uint32_t i = 0; i < count && from.ok() && shard < tables.size(); ++i) {
    bool set = from.get<uint8_t>() != 0;
    RowChange change{from.text(), std::nullopt};
    if (auto value = from.text(); set) change.value = value;
    if (from.ok()) apply_row(tables[shard], change);
  }
  if (!from.at_end()) return fail(Code::corrupt, "journal: row changes do not decode");
  return {};
}

}  // namespace naru
