#pragma once
// The catalog's store: a small transactional, versioned, watchable map. On one machine it is a table in core 0's
// journal; a cluster puts etcd behind the same interface. Answers may take long and an outcome may be unknown, so
// nobody who calls it may assume that it returned at once.
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/task.h"

namespace naru {

/// Counts transactions; each one that commits has the next number.
using Revision = uint64_t;

struct MetaRow {
  std::string key, value;
  Revision revision = 0;  // of the transaction that set it last
};
/// Holds while the row was last set by that transaction; 0: while there is no such row.
struct MetaCompare {
  std::string key;
  Revision revision = 0;
};
struct MetaWrite {
  std::string key;
  std::optional<std::string> value;  // nothing: take the row away
};

/// The key of a queue's row.
inline std::string queue_row(std::string_view vhost, std::string_view queue) {
  std::string key = "queue/";
  key.append(vhost).push_back('\0');
  return key.append(queue);
}

class MetaStore {
 public:
  virtual ~MetaStore() = default;
  /// All writes or none. Code::conflict if a compare does not hold; Code::io if the outcome is unknown.
  virtual io::Task<Result<Revision>> commit(std::vector<MetaCompare> compares, std::vector<MetaWrite> writes) = 0;
  /// All rows whose key begins with `prefix`, ascending.
  virtual io::Task<Result<std::vector<MetaRow>>> range(std::string prefix) = 0;
  /// Told of each write to such a row, in the order of commits, after it is durable. Lasts as long as the store.
  virtual void watch(std::string prefix, std::function<void(const MetaWrite&, Revision)> on_write) = 0;
};

}  // namespace naru
