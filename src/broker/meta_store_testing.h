#pragma once
#include <map>

#include "broker/meta_store.h"

namespace naru {

/// A meta store in memory, for tests: what a second reader finds in it is what a restart would.
class MemoryMetaStore final : public MetaStore {
 public:
  std::map<std::string, MetaRow> rows;
  bool is_full = false;

  io::Task<Result<Revision>> commit(std::vector<MetaCompare> compares, std::vector<MetaWrite> writes) override {
    if (is_full) co_return fail(Code::full, "no space left");
    for (const MetaCompare& compare : compares)
      if ((rows.contains(compare.key) ? rows[compare.key].revision : 0) != compare.revision)
        co_return fail(Code::conflict, "changed");
    ++revision_;
    for (const MetaWrite& write : writes) {
      if (write.value) {
        rows[write.key] = {write.key, *write.value, revision_};
      } else {
        rows.erase(write.key);
      }
    }
    co_return revision_;
  }
  io::Task<Result<std::vector<MetaRow>>> range(std::string prefix) override {
    std::vector<MetaRow> found;
    for (const auto& [key, row] : rows)
      if (key.starts_with(prefix)) found.push_back(row);
    co_return found;
  }
  void watch(std::string, std::function<void(const MetaWrite&, Revision)>) override {}

 private:
  Revision revision_ = 0;
};

}  // namespace naru
