#include "log/check.h"

#include <set>

#include "io/overlay_disk.h"
#include "log/index.h"
#include "log/record_batch.h"
#include "log/recovery.h"

namespace naru {
namespace {

constexpr uint64_t window_bytes = MiB, footer_bytes_max = 64 * MiB, progress_bytes = 64 * MiB;

class Check {
 public:
  Check(io::Disk& disk, const CheckEvents& events) : disk_(disk), events_(events), overlay_(disk) {}

  Result<CheckFacts> run() {
    TRY_VOID(is_there());
    std::string damage;
    auto recovered = recover(overlay_, damage);
    if (!recovered && recovered.error().code == Code::unsupported) return std::unexpected(recovered.error());
    if (!recovered) {
      report(Finding::Kind::damage, damage, place(recovered.error()),
             recovered.error().reason + std::string("; naru does not start on this"));
      look_at_files_alone();
      return facts_;
    }
    facts_.journal_entries = recovered->facts.entries;
    manifest_ = recovered->manifest;
    for (const auto& [stream, log] : recovered->state.logs) total_ += log.bytes();
    for (const auto& [id, cursor] : recovered->state.cursors) cursors_[cursor.stream].push_back(&cursor.cursor);
    for (const auto& [stream, log] : recovered->state.logs) check_log(log);
    note_orphans(recovered->state);
    return facts_;
  }

 private:
  Result<void> is_there() {
    auto manifest = read_manifest(disk_);
    if (manifest || manifest.error().code == Code::corrupt) return {};
    if (manifest.error().code != Code::not_found) return std::unexpected(manifest.error());
    if (disk_.list("journal") || disk_.list(segment_folder)) return {};  // recovery says what is missing
    return fail(Code::not_found, "there is no naru data in this folder");
  }

  void report(Finding::Kind kind, const std::string& file, std::optional<uint64_t> at, std::string what) {
    ++(kind == Finding::Kind::damage ? facts_.damages : facts_.notes);
    if (events_.found) events_.found({kind, file, at, std::move(what)});
  }
  void damaged(const std::string& file, uint64_t at, std::string what) {
    report(Finding::Kind::damage, file, at, std::move(what));
  }
  static std::optional<uint64_t> place(const Error& error) {
    bool is_place = error.code == Code::corrupt && error.detail > 0;
    return is_place ? std::optional(static_cast<uint64_t>(error.detail)) : std::nullopt;
  }
  void moved_on(uint64_t bytes) {
    facts_.bytes += bytes;
    if (events_.progress && facts_.bytes / progress_bytes != (facts_.bytes - bytes) / progress_bytes)
      events_.progress(facts_.bytes, total_);
  }

  void check_log(const LogState& log) {
    ++facts_.logs;
    expected_epoch_ = -1;
    for (size_t i = 0; i < log.segments.size(); ++i) {
      Offset limit = i + 1 < log.segments.size() ? log.segments[i + 1].base : log.end;
      holes_ = log.holes_of(i);
      for (const Hole& hole : holes_) check_hole(log, log.segments[i], hole);
      check_segment(log, log.segments[i], limit);
    }
  }

  /// Only where cursors have settled may there be a hole.
  void check_hole(const LogState& log, const Segment& s, const Hole& hole) {
    for (const AckCursor* cursor : cursors_[log.stream])
      if (cursor->first_open(hole.first) < hole.last)
        damaged(segment_path({log.stream, s.base, s.version}), hole.at,
                "a hole holds offset " + std::to_string(cursor->first_open(hole.first).value) +
                    ", which a cursor has not settled");
  }

  /// One file: every batch up to where the last one has to end, then what follows.
  void check_segment(const LogState& log, const Segment& s, Offset limit) {
    ++facts_.segments;
    std::string path = segment_path({log.stream, s.base, s.version});
    auto file = overlay_.open(path, io::Open::read);
    auto size = file ? (*file)->size() : Result<uint64_t>(std::unexpected(file.error()));
    if (!size) {
      bool missing = size.error().code == Code::not_found;
      // An empty one may not have its name on disk yet: the next start makes it.
      if (missing && s.bytes == 0) return;
      return damaged(path, 0,
                     missing
                         ? "this segment is missing: " + std::to_string(limit - s.base) + " records of its log are lost"
                         : std::string("cannot be read: ") + size.error().reason);
    }
    if (*size < s.bytes)
      damaged(path, *size, "cut short: " + std::to_string(s.bytes - *size) + " bytes that were on disk are missing");
    uint64_t end = std::min(*size, s.bytes);
    walk(log, s, path, **file, end, limit);
    if (*size > s.bytes) check_rest(s, path, **file, *size);
  }

  void walk(const LogState& log, const Segment& s, const std::string& path, io::File& file, uint64_t end,
            Offset limit) {
    Offset next = s.base;
    Bytes window;
    uint64_t window_at = 0;
    auto load = [&](uint64_t at, uint64_t length) -> Result<ByteView> {
      if (at < window_at || at + length > window_at + window.size()) {
        window.resize(std::min(std::max(length, window_bytes), end - at));
        window_at = at;
        TRY_VOID(file.read(at, window));
      }
      return ByteView(window).subspan(at - window_at, length);
    };
    auto hole = holes_.begin();
    for (uint64_t at = 0;;) {
      for (; hole != holes_.end() && hole->at == at; ++hole) {
        if (hole->first < next) damaged(path, at, "a hole begins before the batch in front of it ends");
        next = hole->last;
        at = hole->end();
      }
      if (at >= end) break;
      auto head = load(at, std::min<uint64_t>(batch_header_bytes, end - at));
      if (!head) return damaged(path, at, std::string("cannot be read: ") + head.error().reason);
      auto header = peek_header(*head);
      if (!header || header->size_bytes() > end - at) {
        damaged(path, at,
                "no record batch begins here: the remaining " + std::to_string(end - at) + " bytes, offsets " +
                    std::to_string(next.value) + " to " + std::to_string(limit.value - 1) + ", cannot be read");
        return;
      }
      auto batch = load(at, header->size_bytes());
      if (!batch) return damaged(path, at, std::string("cannot be read: ") + batch.error().reason);
      if (auto valid = validate_stored(*batch, Walk::records); !valid)
        damaged(path, at, "the batch of offsets " + range(*header) + " is damaged: " + valid.error().reason);
      check_place(log, s, path, *header, at, next, limit);
      next = header->next_offset();
      ++facts_.batches;
      facts_.records += static_cast<uint64_t>(std::max(0, header->count));
      at += header->size_bytes();
      moved_on(header->size_bytes());
    }
    if (hole != holes_.end()) damaged(path, hole->at, "a hole does not begin where a batch ends");
    // Behind a sealed one, power loss at level `os` can have taken records that were settled.
    bool ends_right = s.sealed ? next <= log.end : next == log.end;
    if (end == s.bytes && s.bytes > 0 && s.version == 0 && &s == &log.segments.back() && !ends_right &&
        log.end > log.begin)
      damaged(
          path, end,
          "ends at offset " + std::to_string(next.value) + ", but its log ends at " + std::to_string(log.end.value));
  }

  static std::string range(const BatchHeader& header) {
    return std::to_string(header.base_offset.value) + " to " + std::to_string(header.last_offset().value);
  }

  /// Offset and leader epoch stand outside of a batch's checksum: what surrounds them tells whether they are right.
  void check_place(const LogState& log, const Segment& s, const std::string& path, const BatchHeader& header,
                   uint64_t at, Offset next, Offset limit) {
    // Power loss can leave a gap at level `os`: before a new segment, or below what was trimmed later.
    bool may_have_gap = s.version > 0 || header.base_offset <= log.begin;
    bool follows = header.base_offset == next || (may_have_gap && header.base_offset > next);
    if (!follows || header.next_offset() > limit)
      damaged(path, at,
              "offsets " + range(header) + " do not follow here: " + std::to_string(next.value) + " is next, and " +
                  std::to_string(limit.value) + " begins what comes after this segment");
    int32_t epoch = -1;
    for (const EpochStart& e : log.epochs)
      if (e.start <= header.base_offset) epoch = e.epoch;
    // Epochs that ended before the first readable offset are forgotten.
    bool fits = epoch >= 0 ? header.leader_epoch == epoch : header.leader_epoch <= manifest_.epoch;
    if (!fits || header.leader_epoch < expected_epoch_)
      damaged(path, at,
              "the batch of offsets " + range(header) + " has leader epoch " + std::to_string(header.leader_epoch) +
                  " where " + std::to_string(std::max(epoch, expected_epoch_)) + " belongs");
    else
      expected_epoch_ = header.leader_epoch;
  }

  void check_rest(const Segment& s, const std::string& path, io::File& file, uint64_t size) {
    if (!s.sealed)
      return report(
          Finding::Kind::note, path, s.bytes,
          std::to_string(size - s.bytes) + " bytes behind the last batch were never confirmed; they are written over");
    bool whole = size - s.bytes <= footer_bytes_max;
    if (whole) {
      Bytes footer(size - s.bytes);
      whole = file.read(s.bytes, footer).has_value() && SegmentIndex::load(footer, s.base, s.bytes).has_value();
    }
    if (!whole)
      report(Finding::Kind::note, path, s.bytes, "the index at the end is damaged; it is built again from the batches");
  }

  void note_orphans(const StoreState& state) {
    auto names = disk_.list(segment_folder);
    if (!names) return;
    std::set<std::string> known;
    for (const auto& [stream, log] : state.logs)
      for (const Segment& s : log.segments) known.insert(segment_path({stream, s.base, s.version}));
    for (const std::string& name : *names) {
      std::string path = std::string(segment_folder) + "/" + name;
      if (known.contains(path)) continue;
      bool is_segment = parse_segment_name(name).has_value();
      report(Finding::Kind::note, path, std::nullopt,
             is_segment ? "belongs to no log any more; it is removed after the next unclean end" : "is not naru's");
    }
  }

  /// Without a state to hold them against, files can only be held against themselves.
  void look_at_files_alone() {
    auto names = disk_.list(segment_folder);
    if (!names) return;
    for (const std::string& name : *names) {
      auto id = parse_segment_name(name);
      if (!id) continue;
      std::string path = std::string(segment_folder) + "/" + name;
      auto file = disk_.open(path, io::Open::read);
      auto size = file ? (*file)->size() : Result<uint64_t>(std::unexpected(file.error()));
      if (!size) {
        damaged(path, 0, std::string("cannot be read: ") + size.error().reason);
        continue;
      }
      ++facts_.segments;
      Bytes batch;
      for (uint64_t at = 0; *size - at >= batch_header_bytes;) {
        batch.resize(batch_header_bytes);
        if (!(*file)->read(at, batch)) break;
        auto header = peek_header(batch);
        if (!header || header->size_bytes() > *size - at) break;  // an index, or a tail that was not confirmed
        batch.resize(header->size_bytes());
        if (!(*file)->read(at, batch)) break;
        if (auto valid = validate_stored(batch, Walk::records); !valid)
          damaged(path, at, "the batch of offsets " + range(*header) + " is damaged: " + valid.error().reason);
        ++facts_.batches;
        facts_.records += static_cast<uint64_t>(std::max(0, header->count));
        at += header->size_bytes();
        moved_on(header->size_bytes());
      }
    }
  }

  io::Disk& disk_;
  const CheckEvents& events_;
  io::OverlayDisk overlay_;
  Manifest manifest_;
  std::unordered_map<StreamId, std::vector<const AckCursor*>> cursors_;
  std::span<const Hole> holes_;  // of the segment at hand
  CheckFacts facts_;
  uint64_t total_ = 0;
  int32_t expected_epoch_ = -1;
};

}  // namespace

Result<CheckFacts> check_folder(io::Disk& disk, const CheckEvents& events) { return Check(disk, events).run(); }

}  // namespace naru
