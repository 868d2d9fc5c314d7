#include "broker/embedded_meta_store.h"

#include "base/pack.h"

namespace naru {
namespace {

constexpr std::string_view prefix = "meta/";

/// A row's value in the table: the revision, then the caller's value.
Revision revision_of(std::string_view stored) { return stored.size() < 8 ? 0 : load_le<uint64_t>(stored.data()); }

}  // namespace

EmbeddedMetaStore::EmbeddedMetaStore(Store& store, Table& table) : store_(store), table_(table) {
  table_.each(prefix,
              [&](std::string_view, std::string_view stored) { revision_ = std::max(revision_, revision_of(stored)); });
}

io::Task<Result<Revision>> EmbeddedMetaStore::commit(std::vector<MetaCompare> compares, std::vector<MetaWrite> writes) {
  // What is deleted makes space, and the journal has kept some for that.
  bool is_full = store_.is_full();
  bool only_deletes = std::ranges::none_of(writes, [](const MetaWrite& write) { return write.value.has_value(); });
  if (is_full && (!only_deletes || store_.journal().is_stuck()))
    co_return fail(Code::full, "no space left to change metadata");
  for (const MetaCompare& compare : compares) {
    const std::string* stored = table_.find(std::string(prefix) + compare.key);
    if ((stored ? revision_of(*stored) : 0) != compare.revision)
      co_return fail(Code::conflict, "metadata was changed by another at the same time");
  }
  Revision revision = ++revision_;
  std::vector<std::pair<std::string, std::optional<std::string>>> rows;
  for (const MetaWrite& write : writes) {
    auto& [key, value] = rows.emplace_back(std::string(prefix) + write.key, std::nullopt);
    if (!write.value) continue;
    value.emplace(8, '\0');
    store_le(value->data(), revision);
    value->append(*write.value);
  }
  std::vector<RowChange> changes;
  for (const auto& [key, value] : rows) changes.push_back({key, value});
  auto position = table_.change(changes);
  if (is_full) {
    CO_TRY_VOID(co_await store_.durable_if_space(position));
  } else {
    CO_TRY_VOID(co_await store_.durable(position));
  }
  for (const MetaWrite& write : writes)
    for (const Watch& watch : watches_)
      if (write.key.starts_with(watch.prefix)) watch.on_write(write, revision);
  co_return revision;
}

io::Task<Result<std::vector<MetaRow>>> EmbeddedMetaStore::range(std::string wanted) {
  std::vector<MetaRow> rows;
  table_.each(std::string(prefix) + wanted, [&](std::string_view key, std::string_view stored) {
    rows.push_back({std::string(key.substr(prefix.size())),
                    std::string(stored.substr(std::min<size_t>(8, stored.size()))), revision_of(stored)});
  });
  co_return rows;
}

void EmbeddedMetaStore::watch(std::string wanted, std::function<void(const MetaWrite&, Revision)> on_write) {
  watches_.push_back({std::move(wanted), std::move(on_write)});
}

}  // namespace naru
