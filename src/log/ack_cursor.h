#pragma once
// A queue's place in its log: which records are done, who holds which until when, what is due again.
//
//              floor                                    next                       end
//   all done ....|  done  | held | returned | done | parked |  new, never looked at  |
//
// A record is new, held, delayed, returned (due again), parked (its key is busy) or done. Only "done" is durable, as
// Changes; what was held is due again after a crash: delivery is at least once. Attempts and delays ride along in the
// snapshots (save), so a clean restart keeps them and after a crash they are a lower bound: writing each delivery to
// disk would cost as much as the messages themselves. Whoever wants more writes TakenNotes. A hold with a deadline
// outlives its holder: from a snapshot or a note it comes back as that of `former_holder`.
// Memory: an entry per record that is held, delayed, returned or parked, and a map node per run of done records above
// the floor. Nothing for new records, however many. No I/O and no clock: times come in, in milliseconds.
#include <functional>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/interval_set.h"
#include "log/cursor.h"
#include "log/offset_map.h"

namespace naru {

/// Of holds that were made before this start of the broker.
inline constexpr HolderId former_holder{0};

/// Tells the key of a record, for cursors that keep the order per key.
class KeySource {
 public:
  /// A hash of the key of the record at `offset`, below the `end` given to take; 0 for a record without a key, which
  /// never waits for another. Asked once per record, mostly in ascending order.
  virtual uint64_t key_of(Offset offset) = 0;

 protected:
  ~KeySource() = default;
};

class AckCursor {
 public:
  struct Taken {
    Offset offset{};
    uint32_t attempt = 1;  // how often it was taken by now
    bool operator==(const Taken&) const = default;
  };
  struct Hold {
    HolderId holder{};
    uint32_t attempt = 1;
    int64_t deadline_ms = never_ms;
  };
  /// A record that became due by itself.
  struct Due {
    Offset offset{};
    uint32_t attempt = 0;
    std::optional<HolderId> holder{};  // whose hold ran out; none if its delay was over
  };
  struct Counts {
    int64_t ready = 0, held = 0, delayed = 0;
  };

  explicit AckCursor(Offset floor = Offset(0)) : floor_(floor.value), next_(floor.value) {}
  AckCursor(AckCursor&&) = default;
  AckCursor& operator=(AckCursor&&) = default;

  /// From now on the records of one key have at most one holder at a time and are taken in order: a record waits while
  /// another holder has one of its key, or while one that was given back is delayed. The same holder may take several.
  /// At most `parked_max` waiting records are stepped over (a number kept for each); behind that, others wait too until
  /// a key moves on. Call before the first take, also after load; `keys` outlives the cursor.
  void order_by_key(KeySource& keys, size_t parked_max = 100'000) { keys_source_ = &keys, parked_max_ = parked_max; }

  /// Gives `holder` the oldest record below `end` that is due; none if there is none. Call expire before: this does not
  /// look at deadlines.
  std::optional<Taken> take(Offset end, HolderId holder, int64_t deadline_ms = never_ms);
  /// [first, last) is done, whoever holds it. Returns how many were not done before; if 0, there is nothing to write
  /// down, else Change{first, last}. `last` is at most the log's end.
  int64_t settle(Offset first, Offset last);
  /// Settles all below `end` that nobody holds, also what is delayed. Returns the changes to write down.
  std::vector<Change> settle_idle(Offset end);
  /// Gives a held record back: due at once if due_ms <= now_ms, else then. False if it is not held.
  bool release(Offset offset, int64_t due_ms, int64_t now_ms);
  /// As if it had never been taken: due at once, and this time does not count. False if it is not held.
  bool untake(Offset offset);
  /// `holder` gets this very record if nobody holds it, new ones too, and this time does not count. Whether its key is
  /// busy is not looked at: for who keeps another order.
  bool hold_at(Offset offset, HolderId holder, int64_t deadline_ms);
  /// When a held record was taken first: `now_ms` if nobody has said yet.
  int64_t first_taken(Offset offset, int64_t now_ms);
  /// For who takes records ahead of the time when somebody gets them: a held record's take does not count, or does so
  /// now. Returns how often it was taken.
  uint32_t uncount(Offset offset) { return --find(offset)->attempts; }
  uint32_t count(Offset offset) { return ++find(offset)->attempts; }
  /// The oldest record below `end` that nobody holds and no delay keeps; take gives it to whoever asks, unless its key
  /// is busy.
  std::optional<Offset> peek(Offset end);
  /// A holder is gone: all it held is due now. Costs by what it held. Returns it, oldest first.
  std::vector<Taken> release_all(HolderId holder);
  /// Moves the deadline of a held record. False if it is not held.
  bool extend(Offset offset, int64_t deadline_ms);
  /// A new record is not due before due_ms ("delayed delivery"). Does not hold up its key. False if it is not new.
  bool delay(Offset offset, int64_t due_ms);
  /// Says until when a hold goes on that has run out; a time that is past: no longer.
  using Longer = std::function<int64_t(Offset, HolderId)>;
  /// Holds and delays that end at or before now_ms do; what that made due, by time.
  std::vector<Due> expire(int64_t now_ms, const Longer& longer = nullptr);
  /// When expire has something to do next.
  std::optional<int64_t> next_deadline();
  /// All below `offset` is done and nothing from there on, except that what is held or delayed there stays so. Holds
  /// below it are void. Write down Change{offset, offset, seek}.
  void seek(Offset offset);
  /// Recovery: settle or seek.
  void apply(const Change& change);
  /// Recovery: what of these records is not done is as the note says.
  void apply(const TakenNote& note);

  /// Below it, all is done.
  Offset floor() const { return Offset(floor_); }
  bool is_done(Offset offset) const { return offset.value < floor_ || done_.contains(offset.value); }
  /// The first record at or after `from` that is not done.
  Offset first_open(Offset from) const { return Offset(done_.first_gap(std::max(from.value, floor_))); }
  /// The first one that is; a number above all offsets if there is none.
  Offset first_done(Offset from) const { return from.value < floor_ ? from : Offset(done_.first_in(from.value)); }
  /// How many records are done, from offset 0 on.
  int64_t done_count() const { return floor_ + done_.count(); }
  /// All from here on is not done.
  Offset done_end() const { return Offset(done_.empty() ? floor_ : done_.ranges().rbegin()->second); }
  /// The done ranges above the floor.
  const IntervalSet& done() const { return done_; }
  std::optional<Hold> held(Offset offset) const;
  /// Somebody has it, or it is for later.
  bool is_kept(Offset offset) const {
    const Entry* one = find(offset);
    return one && (one->state == State::held || one->state == State::delayed);
  }
  /// How often the record was taken, as far as is known.
  uint32_t attempts(Offset offset) const;
  /// Of the records below `end`, the log's end. Parked ones count as ready. O(1).
  Counts counts(Offset end) const;
  size_t held_by(HolderId holder) const;
  size_t parked() const { return parked_.size(); }
  size_t bytes() const;

  /// Records below `end` may have been taken before: by a process that ended without saving this. Kept in snapshots.
  void doubt_below(Offset end) { doubtful_end_ = std::max(doubtful_end_, end.value); }
  bool is_doubtful(Offset offset) const { return offset.value < doubtful_end_; }

  /// Version u8 = 3, floor i64, then as varints: runs, and per run its distance from the last one and its length;
  /// exceptions (delayed, held with a deadline, or taken before), and per exception its distance from the last one, 8 *
  /// attempts + 4 if it has a first time + 1 if delayed, 2 if held, then if it is either the time when that ends
  /// (zigzag) and the key hash u64, then the time when it was first taken (zigzag) if it has one; then how far behind
  /// the floor records are doubtful (not in version 1). Versions 1 and 2: 2 * attempts + 1 if delayed.
  void save(Bytes& to) const;
  /// Reads exactly one snapshot. What was held without a deadline is due. Code::corrupt, or Code::unsupported for a
  /// later version.
  static Result<AckCursor> load(ByteView bytes);

 private:
  enum class State : uint8_t { none, returned, delayed, held, parked };
  struct Holder;
  /// Everything known of one record that is neither new nor done.
  struct Entry {
    int64_t offset = 0;
    int64_t due = never_ms;                     // a hold's deadline, a delay's end
    uint64_t key = 0;                           // 0: none, or not asked for yet
    Holder* holder = nullptr;                   // of a held one
    Entry *before = nullptr, *after = nullptr;  // among those of its holder
    int64_t first_taken = 0;                    // 0: nobody asked
    uint32_t attempts = 0;
    State state = State::none;
    bool key_known = false;
  };
  struct Holder {
    HolderId id{};
    Entry* first = nullptr;
    size_t count = 0;
    std::set<int64_t> own;  // the oldest parked record of each key that only this holder has
  };
  /// A key that is busy: records of it are held, or were given back with a delay.
  struct Key {
    Holder* holder = nullptr;
    uint32_t held = 0, delayed = 0;
    int64_t listed = -1;  // the record that stands for it in its holder's `own`
  };
  struct Timer {
    int64_t due, offset;
    auto operator<=>(const Timer&) const = default;
  };

  Entry* find(Offset offset) { return entries_.find(offset.value); }
  const Entry* find(Offset offset) const { return entries_.find(offset.value); }
  Entry& add(Offset offset);
  Holder& holder_of(HolderId id);
  int64_t oldest_waiting(HolderId holder) const;
  std::optional<Taken> take_new(Offset end, HolderId holder, int64_t deadline_ms);
  bool blocked(uint64_t key, HolderId holder) const;
  bool is_key_wanted(const Entry& entry) const;
  void learn_key(Entry& entry);

  // Every change of a state is leave, one of the four that follow, then update_key.
  void leave(Entry& entry);
  void hold(Entry& entry, HolderId holder, int64_t deadline_ms);
  void put_back(Entry& entry);
  void put_off(Entry& entry, int64_t due_ms);
  void park(Entry& entry);
  void update_key(uint64_t key);

  void unlist(Key& key);
  void drop_if_idle(Holder& holder);
  void give_back(Entry& entry, int64_t due_ms, int64_t now_ms);
  void forget(Entry& entry);
  void forget_range(int64_t first, int64_t last);
  void start_timer(const Entry& entry);
  void load_exception(Entry& entry, uint64_t head, int64_t due, uint64_t key, int64_t first_taken);
  bool is_running(const Timer& timer) const;

  int64_t floor_, next_;  // every record in [floor_, next_) is done or has an entry; from next_ on few are
  int64_t doubtful_end_ = 0;
  IntervalSet done_;  // above the floor
  OffsetMap<Entry> entries_;
  std::set<int64_t> returned_;                     // due, oldest first
  std::set<std::pair<uint64_t, int64_t>> parked_;  // by key, oldest first
  std::unordered_map<HolderId, Holder> holders_;
  Holder* recent_ = nullptr;  // who took last; stays although idle, as it mostly takes again
  std::unordered_map<uint64_t, Key> keys_;
  std::vector<Timer> timers_;  // a heap, the earliest first; holds that ended in time leave theirs behind for a while
  size_t timed_ = 0;           // how many entries have one that counts
  int64_t held_ = 0, delayed_ = 0;
  KeySource* keys_source_ = nullptr;
  size_t parked_max_ = 0;
};

}  // namespace naru
