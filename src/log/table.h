#pragma once
// A shard's small durable state: rows of key and value that are kept in memory, journaled at each change and stored
// whole in checkpoints. The catalog and the committed offsets live here.
#include <map>
#include <string>
#include <string_view>

#include "log/journal.h"

namespace naru {

/// Sets a row, or takes it away. Borrows.
struct RowChange {
  std::string_view key;
  std::optional<std::string_view> value;
};

class Table {
 public:
  using Rows = std::map<std::string, std::string, std::less<>>;

  Table(Journal& journal, uint8_t shard) : journal_(journal), shard_(shard) {}

  /// Makes all changes, or after a crash none of them. They survive once the returned position is durable; readers of
  /// the table see them at once.
  JournalPosition change(std::span<const RowChange> changes);
  JournalPosition put(std::string_view key, std::string_view value) {
    RowChange change{key, value};
    return this->change({&change, 1});
  }
  /// Fine if there is no such row.
  JournalPosition erase(std::string_view key) {
    RowChange change{key, std::nullopt};
    return find(key) ? this->change({&change, 1}) : journal_.end();
  }
  const std::string* find(std::string_view key) const {
    auto row = rows_.find(key);
    return row == rows_.end() ? nullptr : &row->second;
  }
  /// Calls `on_row(key, value)` for the rows whose key begins with `prefix`, ascending.
  void each(std::string_view prefix, auto&& on_row) const {
    for (auto row = rows_.lower_bound(prefix); row != rows_.end() && row->first.starts_with(prefix); ++row)
      on_row(std::string_view(row->first), std::string_view(row->second));
  }
  const Rows& rows() const { return rows_; }
  /// Takes what recovery found.
  void adopt(Rows rows) { rows_ = std::move(rows); }

 private:
  Journal& journal_;
  uint8_t shard_;
  Rows rows_;
  Bytes scratch_;
};

void apply_row(Table::Rows& rows, const RowChange& change);
/// Applies a journaled entry to the tables of all shards.
Result<void> replay_rows(ByteView payload, std::span<Table::Rows> tables);

}  // namespace naru
