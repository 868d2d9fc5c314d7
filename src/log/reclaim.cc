#include "log/reclaim.h"

namespace naru {

void keep_up(AckCursor& cursor, const LogState& log) {
  if (cursor.floor() < log.begin) cursor.settle(cursor.floor(), log.begin);
}

void Reclaim::note(Log& log) {
  if (!log.settings().trim_to_cursors || log.state().segments.empty()) return;
  if (work_.empty()) {
    context_.loop.at_turn_end([this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) sweep();
    });
  }
  work_.try_emplace(log.stream(), Work{&log});
}

void Reclaim::sweep() {
  for (auto& [stream, work] : work_) trim(*work.log);
  work_.clear();
}

void Reclaim::trim(Log& log) {
  // Retention has its own time to look.
  if (log.settings().remove_old) return;
  const auto& segments = log.state().segments;
  Offset floor = log.settled_floor(), begin = log.bounds().begin;
  for (size_t i = 1; i < segments.size() && segments[i].base <= floor; ++i) begin = segments[i].base;
  if (begin > log.bounds().begin) (void)log.trim(begin).has_value();
}

}  // namespace naru
