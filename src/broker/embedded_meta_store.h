#pragma once
#include "broker/meta_store.h"
#include "log/store.h"

namespace naru {

/// MetaStore as rows of a table in this core's journal: one recovery and one sync for metadata and data.
class EmbeddedMetaStore final : public MetaStore {
 public:
  EmbeddedMetaStore(Store& store, Table& table);
  io::Task<Result<Revision>> commit(std::vector<MetaCompare> compares, std::vector<MetaWrite> writes) override;
  io::Task<Result<std::vector<MetaRow>>> range(std::string prefix) override;
  void watch(std::string prefix, std::function<void(const MetaWrite&, Revision)> on_write) override;

 private:
  struct Watch {
    std::string prefix;
    std::function<void(const MetaWrite&, Revision)> on_write;
  };
  Store& store_;
  Table& table_;
  Revision revision_ = 0;
  std::vector<Watch> watches_;
};

}  // namespace naru
