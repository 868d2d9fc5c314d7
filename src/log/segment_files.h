#pragma once
// The open segment files of one core, and the index of each. Both are bounded, because both can be had again: the file
// not used for longest is closed; its index is kept for a while longer, as making one means to walk the segment.
#include <list>
#include <memory>
#include <unordered_map>

#include "io/disk.h"
#include "log/index.h"
#include "log/log_state.h"

namespace naru {

class SegmentFiles {
 public:
  struct Entry {
    std::shared_ptr<io::File> file;
    std::unique_ptr<SegmentIndex> index;  // nullptr: not loaded
    uint64_t indexed = 0;                 // how many bytes of the segment it knows

    /// A batch is added at `at`. An index that has missed some before it is brought up to date when it is asked for.
    void note(const BatchHeader& header, uint64_t at) {
      if (!index || indexed != at) return;
      index->note(header, at);
      indexed = at + header.size_bytes();
    }
  };

  SegmentFiles(io::Disk& disk, size_t open_max, size_t kept_bytes_max = 8 * MiB)
      : disk_(disk), open_max_(open_max), kept_bytes_max_(kept_bytes_max) {}

  /// The file of a segment that exists. The reference holds until the next call.
  Result<Entry*> open(StreamId stream, const Segment& segment);
  /// A new, empty file, with an empty index.
  Result<Entry*> create(StreamId stream, const Segment& segment);
  /// The index of a segment: as kept, from the file's footer, or by walking the batches; a sealed one then gets its
  /// footer. `written` bytes of the segment are in the file: the index knows at least these, and only what it has not
  /// seen yet is walked. The pointer holds until the next call.
  Result<SegmentIndex*> index(StreamId stream, const Segment& segment, uint64_t written,
                              std::span<const Hole> holes = {});
  /// Writes the index behind a sealed segment's batches, so that it need not be rebuilt. A hint: it may fail.
  void write_footer(StreamId stream, const Segment& segment);
  /// Forgets the file, if it is open. Slices in flight keep it open.
  void close(StreamId stream, const Segment& segment);
  size_t open_count() const { return order_.size(); }
  size_t kept_bytes() const { return kept_bytes_; }
  /// Somebody still reads the segment by a slice that was handed out, or writes to it.
  bool is_in_use(const SegmentId& id);

 private:
  using Key = SegmentId;
  struct Hash {
    size_t operator()(const Key& k) const {
      return (k.stream.value * 0x9e3779b97f4a7c15) ^ static_cast<uint64_t>(k.base.value) * 0xff51afd7ed558ccd ^
             k.version;
    }
  };
  struct Slot {
    Key key;
    Entry entry;
  };
  /// The index of a file that was closed.
  struct Kept {
    Key key;
    std::unique_ptr<SegmentIndex> index;
    uint64_t indexed;
    size_t bytes() const { return index->bytes() + 128; }
  };
  Entry* insert(Key key, std::unique_ptr<io::File> file);
  void let_go(std::list<Slot>::iterator slot);
  void keep(Slot& slot);
  void drop_kept(std::list<Kept>::iterator kept);

  io::Disk& disk_;
  size_t open_max_, kept_bytes_max_, kept_bytes_ = 0;
  std::list<Slot> order_;  // most recently used first
  std::unordered_map<Key, std::list<Slot>::iterator, Hash> slots_;
  std::list<Kept> kept_order_;  // most recently closed first
  std::unordered_map<Key, std::list<Kept>::iterator, Hash> kept_;
  std::vector<std::pair<Key, std::weak_ptr<io::File>>> outlasting_;  // closed here, in use elsewhere
};

/// Calls `on_batch(header, position)` for each batch of a segment from `at` up to `end`, or until it says false. Reads
/// only what it needs. `holes` of the segment are passed over; `at` may lie in one.
Result<void> walk_headers(io::File& file, uint64_t at, uint64_t end,
                          const std::function<bool(const BatchHeader&, uint64_t)>& on_batch,
                          std::span<const Hole> holes = {});
/// The index of a sealed segment as its file has it, else built from the batches.
Result<SegmentIndex> load_index(io::File& file, const Segment& segment, std::span<const Hole> holes);

}  // namespace naru
