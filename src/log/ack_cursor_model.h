#pragma once
// For tests and the fuzzer: an ack cursor as a plain map of records, slow and obvious, run beside the real one.

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "log/ack_cursor.h"

namespace naru {

/// Keys by rule: most records have one of `keys` keys, every fifth has none.
struct RuledKeys final : KeySource {
  uint64_t keys;
  explicit RuledKeys(uint64_t count) : keys(count) {}
  uint64_t key_of(Offset offset) override {
    auto n = static_cast<uint64_t>(offset.value);
    return n % 5 == 4 ? 0 : 1 + n * 7 / 3 % keys;
  }
};

class AckCursorModel {
 public:
  explicit AckCursorModel(KeySource* keys) : keys_(keys) {}

  std::optional<AckCursor::Taken> take(int64_t end, HolderId holder, int64_t deadline) {
    for (int64_t n = floor(); n < end; ++n) {
      Record& record = records_[n];
      if (record.state != ready || blocked(n, holder)) continue;
      record = {held, record.attempts + 1, deadline, holder};
      return AckCursor::Taken{Offset(n), record.attempts};
    }
    return std::nullopt;
  }
  int64_t settle(int64_t first, int64_t last) {
    int64_t count = 0;
    for (int64_t n = std::max(first, floor_); n < last; ++n)
      if (records_[n].state != done) records_[n] = {done}, ++count;
    return count;
  }
  void settle_idle(int64_t end) {
    for (int64_t n = floor_; n < end; ++n)
      if (records_[n].state == ready || records_[n].state == delayed) records_[n] = {done};
  }
  bool release(int64_t n, int64_t due, int64_t now) {
    Record& record = records_[n];
    if (n < floor_ || record.state != held) return false;
    if (due <= now)
      record = {ready, record.attempts};
    else
      record = {delayed, record.attempts, due};
    return true;
  }
  size_t release_all(HolderId holder) {
    size_t count = 0;
    for (auto& [n, record] : records_)
      if (record.state == held && record.holder == holder) record = {ready, record.attempts}, ++count;
    return count;
  }
  bool extend(int64_t n, int64_t deadline) {
    if (n < floor_ || records_[n].state != held) return false;
    records_[n].due = deadline;
    return true;
  }
  /// Whether a record is new is the real cursor's to say where it was looked at but not taken; so it is told.
  void delay(int64_t n, int64_t due) { records_[n] = {delayed, 0, due}; }
  size_t expire(int64_t now) {
    size_t count = 0;
    for (auto& [n, record] : records_)
      if ((record.state == held || record.state == delayed) && record.due <= now)
        record = {ready, record.attempts}, ++count;
    return count;
  }
  void seek(int64_t target) {
    records_.erase(records_.begin(), records_.lower_bound(target));
    for (auto& [n, record] : records_)
      if (record.state == done) record = {};
    floor_ = target;
  }
  void restart() {
    for (auto& [n, record] : records_)
      if (record.state == held && record.due != never_ms)
        record.holder = former_holder;
      else if (record.state == held)
        record = {ready, record.attempts};
  }
  int64_t floor() {
    while (records_.contains(floor_) && records_[floor_].state == done) records_.erase(floor_++);
    return floor_;
  }

  /// What differs from the real one, or nothing.
  std::string difference(AckCursor& real, int64_t end) {
    if (real.floor() != Offset(floor())) return "floor";
    AckCursor::Counts counts;
    std::optional<int64_t> deadline;
    for (int64_t n = 0; n < end; ++n) {
      Record record = n < floor_ ? Record{done} : records_[n];
      if (real.is_done(Offset(n)) != (record.state == done)) return "done " + std::to_string(n);
      auto hold = real.held(Offset(n));
      if (hold.has_value() != (record.state == held)) return "held " + std::to_string(n);
      if (hold && (hold->holder != record.holder || hold->deadline_ms != record.due))
        return "hold " + std::to_string(n);
      if (record.state != done && real.attempts(Offset(n)) != record.attempts) return "attempts " + std::to_string(n);
      counts.ready += record.state == ready;
      counts.held += record.state == held;
      counts.delayed += record.state == delayed;
      if (record.state == held || record.state == delayed)
        if (record.due != never_ms) deadline = std::min(deadline.value_or(never_ms), record.due);
    }
    AckCursor::Counts got = real.counts(Offset(end));
    if (got.ready != counts.ready || got.held != counts.held || got.delayed != counts.delayed) return "counts";
    if (real.next_deadline() != deadline) return "deadline";
    return "";
  }

 private:
  enum State : uint8_t { ready, held, delayed, done };
  struct Record {
    State state = ready;
    uint32_t attempts = 0;
    int64_t due = 0;
    HolderId holder{};
  };
  bool blocked(int64_t n, HolderId holder) {
    uint64_t key = keys_ ? keys_->key_of(Offset(n)) : 0;
    if (key == 0) return false;
    for (const auto& [other, record] : records_)
      if (keys_->key_of(Offset(other)) == key &&
          ((record.state == held && record.holder != holder) || (record.state == delayed && record.attempts > 0)))
        return true;
    return false;
  }

  KeySource* keys_;
  int64_t floor_ = 0;
  std::map<int64_t, Record> records_;  // from the floor on
};

/// Both cursors, driven together. Each step says what went apart, or nothing.
struct AckCursorPair {
  int64_t end;
  RuledKeys keys;
  KeySource* source;
  AckCursor real;
  AckCursorModel model;
  int64_t now = 0;

  /// `key_count` 0: no order per key.
  explicit AckCursorPair(uint64_t key_count, int64_t records = 24)
      : end(records), keys(std::max<uint64_t>(key_count, 1)), source(key_count > 0 ? &keys : nullptr), model(source) {
    if (source) real.order_by_key(*source);
  }
  AckCursorPair(const AckCursorPair&) = delete;

  std::string both(bool same, const char* what) {
    if (!same) return what;
    return model.difference(real, end);
  }
  std::string take(uint64_t holder, int64_t deadline, int64_t below) {
    auto got = real.take(Offset(below), HolderId(holder), deadline);
    return both(got == model.take(below, HolderId(holder), deadline), "take");
  }
  std::string settle(int64_t first, int64_t last) {
    return both(real.settle(Offset(first), Offset(last)) == model.settle(first, last), "settle");
  }
  std::string settle_idle() {
    auto before = real.counts(Offset(end));
    auto changes = real.settle_idle(Offset(end));
    auto after = real.counts(Offset(end));
    model.settle_idle(end);
    return both((before.ready + before.delayed > 0) == !changes.empty() && after.ready + after.delayed == 0,
                "settle_idle");
  }
  std::string release(int64_t n, int64_t due) {
    return both(real.release(Offset(n), due, now) == model.release(n, due, now), "release");
  }
  std::string release_all(uint64_t holder) {
    return both(real.release_all(HolderId(holder)).size() == model.release_all(HolderId(holder)), "release_all");
  }
  std::string extend(int64_t n, int64_t deadline) {
    return both(real.extend(Offset(n), deadline) == model.extend(n, deadline), "extend");
  }
  std::string delay(int64_t n, int64_t due) {
    if (real.delay(Offset(n), due)) model.delay(n, due);
    return both(true, "delay");
  }
  std::string pass(int64_t ms) {
    now += ms;
    return both(real.expire(now).size() == model.expire(now), "expire");
  }
  std::string seek(int64_t n) {
    real.apply({Offset(n), Offset(n), Change::Kind::seek});
    model.seek(n);
    return both(true, "seek");
  }
  /// From a snapshot.
  std::string restart() {
    Bytes saved;
    real.save(saved);
    auto loaded = AckCursor::load(saved);
    if (!loaded) return loaded.error().reason;
    real = std::move(*loaded);
    if (source) real.order_by_key(*source);
    model.restart();
    return both(true, "restart");
  }
  /// Nothing may be stuck: everything can be taken and settled in the end.
  std::string drain() {
    for (uint64_t holder : {1, 2, 3})
      if (auto wrong = release_all(holder); !wrong.empty()) return wrong;
    if (auto wrong = pass(1'000'000); !wrong.empty()) return wrong;
    for (int64_t n = 0; n < end; ++n) {
      auto taken = real.take(Offset(end), HolderId(9));
      auto expected = model.take(end, HolderId(9), never_ms);
      if (taken != expected) return "drain";
      if (!taken) break;
      if (auto wrong = settle(taken->offset.value, taken->offset.value + 1); !wrong.empty()) return wrong;
    }
    return real.floor() >= Offset(end) && real.parked() == 0 ? "" : "not drained";
  }
};

}  // namespace naru
