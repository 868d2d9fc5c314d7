#pragma once
// A request's partitions, brought to the cores that own them.
#include "broker/core.h"
#include "kafka/errors.h"

namespace naru::kafka {

/// The topic of this name if it has such a partition, else null.
inline TopicPtr topic_with(const Catalog& catalog, std::string_view name, int32_t partition) {
  TopicPtr topic = catalog.find(name);
  bool known = topic && partition >= 0 && static_cast<size_t>(partition) < topic->partitions.size();
  return known ? topic : nullptr;
}

/// What is wrong with the leader epoch that a client believes in; -1 is no belief.
inline ErrorCode check_leader_epoch(int32_t believed, int32_t present) {
  if (believed < 0 || believed == present) return ErrorCode::none;
  return believed < present ? ErrorCode::fenced_leader_epoch : ErrorCode::unknown_leader_epoch;
}

/// Runs `work(owner, parts)`, a Task<bool>, on every core that owns some of the parts, on all at the same time. A Part
/// has `topic` and `partition`; without topic it is left out, and a topic that goes away meanwhile becomes null.
template <class Part, class Work>
io::Task<> on_owners(Core& core, std::vector<Part>& parts, Work work) {
  Broker& broker = core.broker;
  std::vector<std::vector<Part*>> by_core(broker.cores.size());
  for (Part& part : parts) {
    if (!part.topic) continue;
    StreamId stream = part.topic->partitions[static_cast<size_t>(part.partition)];
    by_core[broker.owner(stream).index].push_back(&part);
  }
  std::vector<io::Task<bool>> running;
  for (size_t i = 0; i < by_core.size(); ++i) {
    if (by_core[i].empty()) continue;
    auto there = [&work, mine = std::move(by_core[i])](Core& owner) mutable {
      std::erase_if(mine, [&](Part* part) {
        bool gone = !owner.catalog()->find(part->topic->id);
        if (gone) part->topic = nullptr;
        return gone;
      });
      return work(owner, mine);
    };
    running.push_back(naru::on(core, *broker.cores[i], std::move(there)));
  }
  for (auto& task : running) (void)co_await task;
}

}  // namespace naru::kafka
