#include "io/overlay_disk.h"

#include <algorithm>

namespace naru::io {
namespace {
constexpr uint64_t page_bytes = 4096;
}

struct OverlayDisk::Node {
  uint64_t size = 0;
  uint64_t below_size = 0;  // how much of the file below still shows through
  std::map<uint64_t, Bytes> pages;
};

namespace {

class OverlayFile final : public File {
 public:
  /// `below` is nullptr for a file that exists only up here.
  OverlayFile(std::shared_ptr<OverlayDisk::Node> node, std::unique_ptr<File> below)
      : node_(std::move(node)), below_(std::move(below)) {}

  Result<void> read(uint64_t at, std::span<uint8_t> into) override {
    if (at > node_->size || into.size() > node_->size - at)
      return fail(Code::out_of_range, "file ends early", static_cast<int64_t>(at));
    return fill(at, into);
  }

  Result<void> write(uint64_t at, std::span<const ByteView> pieces) override {
    for (ByteView piece : pieces) {
      for (size_t done = 0; done < piece.size();) {
        uint64_t page = (at + done) / page_bytes, in_page = (at + done) % page_bytes;
        size_t length = std::min<size_t>(piece.size() - done, page_bytes - in_page);
        Bytes now(page_bytes);
        TRY_VOID(fill(page * page_bytes, now));
        if (at + done + length > node_->size ||
            !std::equal(now.begin() + in_page, now.begin() + in_page + length, piece.begin() + done)) {
          std::copy_n(piece.begin() + static_cast<ptrdiff_t>(done), length,
                      now.begin() + static_cast<ptrdiff_t>(in_page));
          node_->pages[page] = std::move(now);
          node_->size = std::max(node_->size, at + done + length);
        }
        done += length;
      }
      at += piece.size();
    }
    return {};
  }

  Result<void> sync() override { return {}; }
  Result<uint64_t> size() override { return node_->size; }
  Result<void> truncate(uint64_t size) override {
    node_->size = size;
    node_->below_size = std::min(node_->below_size, size);
    node_->pages.erase(node_->pages.lower_bound((size + page_bytes - 1) / page_bytes), node_->pages.end());
    if (auto last = node_->pages.find(size / page_bytes); last != node_->pages.end())
      std::fill(last->second.begin() + static_cast<ptrdiff_t>(size % page_bytes), last->second.end(), uint8_t{0});
    return {};
  }
  Result<void> punch(uint64_t, uint64_t) override { return fail(Code::unsupported, "an overlay has no holes"); }
  void write_behind(uint64_t, uint64_t) override {}
  void forget(uint64_t, uint64_t) override {}

 private:
  /// Zeros where nothing stands.
  Result<void> fill(uint64_t at, std::span<uint8_t> into) {
    uint64_t shown = node_->below_size > at ? std::min<uint64_t>(into.size(), node_->below_size - at) : 0;
    if (shown > 0) TRY_VOID(below_->read(at, into.first(shown)));
    std::ranges::fill(into.subspan(shown), uint8_t{0});
    for (auto page = node_->pages.lower_bound(at / page_bytes); page != node_->pages.end(); ++page) {
      uint64_t from = page->first * page_bytes, first = std::max(from, at);
      uint64_t last = std::min(from + page_bytes, at + into.size());
      if (first >= last) break;
      std::memcpy(into.data() + (first - at), page->second.data() + (first - from), last - first);
    }
    return {};
  }

  std::shared_ptr<OverlayDisk::Node> node_;
  std::unique_ptr<File> below_;
};

}  // namespace

Result<std::unique_ptr<File>> OverlayDisk::open(const std::string& path, Open mode, Cache) {
  auto found = nodes_.find(path);
  bool removed = found != nodes_.end() && !found->second;
  std::unique_ptr<File> below;
  if (!removed) {
    auto opened = below_.open(path, Open::read);
    if (opened)
      below = std::move(*opened);
    else if (opened.error().code != Code::not_found)
      return std::unexpected(opened.error());
  }
  bool exists = below || (found != nodes_.end() && found->second);
  bool may_create = mode == Open::create || mode == Open::create_new;
  if (!exists && !may_create) return fail(Code::not_found, "open");
  if (found == nodes_.end() && mode == Open::read) return below;
  std::shared_ptr<Node> node = exists && found != nodes_.end() ? found->second : std::make_shared<Node>();
  if (below && found == nodes_.end()) node->size = node->below_size = TRY(below->size());
  nodes_[path] = node;
  auto file = std::make_unique<OverlayFile>(std::move(node), std::move(below));
  if (mode == Open::create_new) TRY_VOID(file->truncate(0));
  return file;
}

Result<std::vector<std::string>> OverlayDisk::list(const std::string& folder) {
  auto below = below_.list(folder);
  if (!below && below.error().code != Code::not_found) return below;
  std::set<std::string> names;
  if (below) names.insert(below->begin(), below->end());
  std::string prefix = folder.empty() ? "" : folder + "/";
  for (const auto& [path, node] : nodes_) {
    if (!path.starts_with(prefix) || path.find('/', prefix.size()) != std::string::npos) continue;
    std::string name = path.substr(prefix.size());
    if (node) {
      names.insert(name);
    } else {
      names.erase(name);
    }
  }
  if (!below && names.empty()) return below;
  return std::vector<std::string>(names.begin(), names.end());
}

Result<void> OverlayDisk::rename(const std::string&, const std::string&) {
  return fail(Code::unsupported, "an overlay renames nothing");
}

Result<void> OverlayDisk::remove(const std::string& path) {
  TRY(open(path, Open::read));
  nodes_[path] = nullptr;
  return {};
}

}  // namespace naru::io
