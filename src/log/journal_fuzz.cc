// Any bytes as a journal file: read without harm, and what verifies is what was written. The input is also cut into
// entries of a journal that is then damaged in one place: what comes back is a prefix, or the damage is noticed.
#include <cstring>

#include "base/check.h"
#include "base/endian.h"
#include "log/journal.h"

using namespace naru;

namespace {

class FileOfBytes final : public io::File {
 public:
  Bytes bytes;
  Result<void> read(uint64_t at, std::span<uint8_t> into) override {
    if (at > bytes.size() || into.size() > bytes.size() - at) return fail(Code::out_of_range);
    if (!into.empty()) std::memcpy(into.data(), bytes.data() + at, into.size());
    return {};
  }
  Result<void> write(uint64_t at, std::span<const ByteView> pieces) override {
    for (ByteView piece : pieces) {
      if (bytes.size() < at + piece.size()) bytes.resize(at + piece.size());
      std::ranges::copy(piece, bytes.begin() + static_cast<ptrdiff_t>(at));
      at += piece.size();
    }
    return {};
  }
  Result<void> sync() override { return {}; }
  Result<uint64_t> size() override { return bytes.size(); }
  Result<void> truncate(uint64_t size) override { return bytes.resize(size), Result<void>(); }
  Result<void> punch(uint64_t, uint64_t) override { return {}; }
  void write_behind(uint64_t, uint64_t) override {}
  void forget(uint64_t, uint64_t) override {}
};

/// A disk with one journal file.
class OneFile final : public io::Disk {
 public:
  FileOfBytes* file = nullptr;
  Result<std::unique_ptr<io::File>> open(const std::string&, io::Open, io::Cache) override {
    auto made = std::make_unique<FileOfBytes>();
    file = made.get();
    return made;
  }
  Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>(); }
  Result<void> make_folder(const std::string&) override { return {}; }
  Result<void> rename(const std::string&, const std::string&) override { return {}; }
  Result<void> remove(const std::string&) override { return {}; }
  Result<void> sync_folder(const std::string&) override { return {}; }
  Result<void> sync_all() override { return {}; }
};

/// Makes blocking calls at once.
class PlainLoop final : public io::Loop {
 public:
  io::Millis now() const override { return 0; }
  io::Millis wall() const override { return 0; }
  void work(io::Lane, Call job, Call done) override {
    job();
    done();
  }
  void send(Call call) override { post(std::move(call)); }
  void turn() {
    while (run_ready() || run_turn_end()) {
    }
  }
};

const JournalId id{3, 1};

Result<JournalEnd> read_texts(io::File& file, std::vector<std::string>& texts) {
  return read_journal(file, id, 0, [&](const JournalEntry& entry) -> Result<void> {
    texts.emplace_back(text(entry.payload));
    return {};
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::string> texts;
  FileOfBytes raw;
  raw.bytes.assign(data, data + size);
  (void)read_texts(raw, texts);
  if (size < 4) return 0;

  uint32_t damage_at = load_le<uint16_t>(data);
  uint8_t flip = data[2];
  PlainLoop loop;
  OneFile disk;
  std::vector<std::string> written;
  Journal journal(loop, disk, id, {.file_bytes = 1 * GiB},
                  {.durable = [](JournalPosition) {}, .file_full = [] {}, .failed = [](Error) {}});
  CHECK(journal.start({}));
  for (size_t at = 3; at < size;) {
    size_t length = std::min<size_t>(data[at] & 0x7f, size - at - 1);
    written.emplace_back(reinterpret_cast<const char*>(data) + at + 1, length);
    journal.append(EntryKind::rows, view(written.back()));
    if (data[at] & 0x80) loop.turn();
    at += 1 + length;
  }
  loop.turn();
  CHECK(journal.durable() == journal.end());
  texts.clear();
  auto whole = read_texts(*disk.file, texts);
  CHECK(whole && !whole->torn && whole->damaged_before == 0 && texts == written);

  if (flip == 0 || disk.file->bytes.empty()) return 0;
  disk.file->bytes[damage_at % disk.file->bytes.size()] ^= flip;
  texts.clear();
  auto damaged = read_texts(*disk.file, texts);
  CHECK(damaged && texts.size() <= written.size());
  CHECK(std::equal(texts.begin(), texts.end(), written.begin()));
  return 0;
}
