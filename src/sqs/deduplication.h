#pragma once
// What was sent to a FIFO queue in the last five minutes, so that a message sent again is not stored again. Independent
// of what has become of the messages. After a start it is read from the queue's log, which is kept for as long. Pure.
#include <deque>
#include <unordered_map>

#include "base/siphash.h"
#include "base/uuid.h"
#include "log/offset.h"

namespace naru::sqs {

inline constexpr int64_t deduplication_ms = 5 * 60 * 1000;

class Deduplication {
 public:
  struct First {
    Uuid message_id{};
    Offset offset{};
    int64_t at_ms = 0;
  };

  explicit Deduplication(const SipKey& key) : key_(key) {}

  /// The first message with this id in the last five minutes; `scope`: the group, where ids count within groups.
  const First* find(std::string_view scope, std::string_view id, int64_t now_ms);
  void add(std::string_view scope, std::string_view id, const First& first);
  void clear();
  size_t size() const { return first_.size(); }

 private:
  /// 128 bits of hash: nobody who does not know the key finds two ids with the same.
  struct Name {
    uint64_t a = 0, b = 0;
    bool operator==(const Name&) const = default;
  };
  struct HashOfName {
    size_t operator()(const Name& name) const { return name.a; }
  };
  Name name_of(std::string_view scope, std::string_view id) const;
  void expire(int64_t now_ms);

  SipKey key_;
  std::unordered_map<Name, First, HashOfName> first_;
  std::deque<std::pair<int64_t, Name>> order_;
};

}  // namespace naru::sqs
