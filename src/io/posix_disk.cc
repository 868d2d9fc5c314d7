#include "io/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace naru::io {
namespace {

std::unexpected<Error> os_error(const char* what) {
  int number = errno;
  Code code = number == ENOSPC || number == EDQUOT || number == EFBIG ? Code::full
              : number == ENOENT || number == ENOTDIR                 ? Code::not_found
              : number == EEXIST                                      ? Code::exists
              : number == EMFILE || number == ENFILE                  ? Code::busy
                                                                      : Code::io;
  return fail(code, what, number);
}

/// Whatever the reason, also "no space left" where a file system finds out late: what was written may be gone from the
/// page cache, and a second sync would say that all is well. Never Code::full, which means that trying again is safe.
std::unexpected<Error> sync_error(const char* what) { return fail(Code::io, what, errno); }

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  explicit PosixFile(Fd fd) : fd_(std::move(fd)) {}

  Result<void> read(uint64_t at, std::span<uint8_t> into) override {
    while (!into.empty()) {
      ssize_t n = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return os_error("read");
      if (n == 0) return fail(Code::out_of_range, "file ends early", static_cast<int64_t>(at));
      at += static_cast<uint64_t>(n);
      into = into.subspan(static_cast<size_t>(n));
    }
    return {};
  }

  Result<void> write(uint64_t at, std::span<const ByteView> pieces) override {
    constexpr size_t batch = 64;
    iovec parts[batch];
    size_t done_in_first = 0;
    while (!pieces.empty()) {
      size_t count = std::min(pieces.size(), batch);
      for (size_t i = 0; i < count; ++i) {
        ByteView piece = i == 0 ? pieces[i].subspan(done_in_first) : pieces[i];
        parts[i] = {const_cast<uint8_t*>(piece.data()), piece.size()};
      }
      ssize_t n = ::pwritev(fd_.get(), parts, static_cast<int>(count), static_cast<off_t>(at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return os_error("write");
      at += static_cast<uint64_t>(n);
      for (size_t left = static_cast<size_t>(n); !pieces.empty();) {
        size_t of_first = pieces[0].size() - done_in_first;
        if (left < of_first) {
          done_in_first += left;
          break;
        }
        left -= of_first;
        done_in_first = 0;
        pieces = pieces.subspan(1);
      }
    }
    return {};
  }

  Result<void> sync() override {
    if (::fdatasync(fd_.get()) != 0) return sync_error("fdatasync");
    return {};
  }
  Result<uint64_t> size() override {
    struct stat st;
    if (::fstat(fd_.get(), &st) != 0) return os_error("fstat");
    return static_cast<uint64_t>(st.st_size);
  }
  Result<void> truncate(uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return os_error("ftruncate");
    return {};
  }
  Result<void> punch(uint64_t at, uint64_t length) override {
    if (::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at),
                    static_cast<off_t>(length)) == 0)
      return {};
    if (errno == EOPNOTSUPP || errno == ENOSYS) return fail(Code::unsupported, "fallocate", errno);
    return os_error("fallocate");
  }
  Result<void> allocate(uint64_t size) override {
    struct statfs fs;
    if (::fstatfs(fd_.get(), &fs) == 0 && fs.f_type == TMPFS_MAGIC)
      return fail(Code::unsupported, "memory is not allocated before it is needed");
    if (::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)) == 0) return {};
    if (errno == EOPNOTSUPP) return fail(Code::unsupported, "fallocate", errno);
    return os_error("fallocate");
  }
  void write_behind(uint64_t at, uint64_t length) override {
    ::sync_file_range(fd_.get(), static_cast<off_t>(at), static_cast<off_t>(length), SYNC_FILE_RANGE_WRITE);
  }
  void forget(uint64_t at, uint64_t length) override {
    ::posix_fadvise(fd_.get(), static_cast<off_t>(at), static_cast<off_t>(length), POSIX_FADV_DONTNEED);
  }
  bool is_cached(uint64_t at, uint64_t length) override {
    return length == 0 || (has_page(at) && (length <= page_bytes || has_page(at + length - 1)));
  }
  void load(uint64_t at, uint64_t length) override {
    ::posix_fadvise(fd_.get(), static_cast<off_t>(at), static_cast<off_t>(length), POSIX_FADV_WILLNEED);
    uint8_t into[64 * KiB];
    for (ssize_t n = 1; n > 0 && length > 0; at += static_cast<uint64_t>(n), length -= static_cast<uint64_t>(n)) {
      n = ::pread(fd_.get(), into, std::min<uint64_t>(length, sizeof into), static_cast<off_t>(at));
      if (n < 0) return;  // who reads it for good will hear why
    }
  }
  int descriptor() const override { return fd_.get(); }

 private:
  bool has_page(uint64_t at) {
    uint8_t byte;
    iovec into{&byte, 1};
    // EAGAIN: it would wait, and the kernel has begun to read. Other errors: this file system cannot tell.
    return ::preadv2(fd_.get(), &into, 1, static_cast<off_t>(at), RWF_NOWAIT) >= 0 || errno != EAGAIN;
  }

  static constexpr uint64_t page_bytes = 4096;
  Fd fd_;
};

class PosixDisk final : public Disk {
 public:
  PosixDisk(Fd folder, bool read_only) : folder_(std::move(folder)), read_only_(read_only) {}

  Result<std::unique_ptr<File>> open(const std::string& path, Open mode, Cache cache) override {
    if (read_only_ && mode != Open::read) return changes_nothing();
    int flags = O_CLOEXEC | (mode == Open::read ? O_RDONLY : O_RDWR);
    if (mode == Open::create) flags |= O_CREAT;
    if (mode == Open::create_new) flags |= O_CREAT | O_TRUNC;
    int fd = -1;
    if (cache == Cache::direct) fd = ::openat(folder_.get(), path.c_str(), flags | O_DIRECT, 0640);
    // EINVAL: a file system without direct I/O, such as tmpfs.
    if (fd < 0 && (cache == Cache::paged || errno == EINVAL)) fd = ::openat(folder_.get(), path.c_str(), flags, 0640);
    if (fd < 0) return os_error("open");
    return std::make_unique<PosixFile>(Fd(fd));
  }

  Result<std::vector<std::string>> list(const std::string& folder) override {
    Fd fd(::openat(folder_.get(), folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return os_error("open folder");
    DIR* dir = ::fdopendir(::dup(fd.get()));
    if (!dir) return os_error("fdopendir");
    std::vector<std::string> names;
    errno = 0;
    while (dirent* entry = ::readdir(dir)) {
      std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(std::move(name));
      errno = 0;
    }
    int number = errno;
    ::closedir(dir);
    if (number != 0) return fail(Code::io, "read folder", number);  // half a list looks like files that are missing
    std::ranges::sort(names);
    return names;
  }

  Result<void> make_folder(const std::string& folder) override {
    if (read_only_) return changes_nothing();
    for (size_t end = 0; end != std::string::npos;) {
      end = folder.find('/', end + 1);
      if (::mkdirat(folder_.get(), folder.substr(0, end).c_str(), 0750) != 0 && errno != EEXIST)
        return os_error("mkdir");
    }
    return {};
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    if (read_only_) return changes_nothing();
    if (::renameat(folder_.get(), from.c_str(), folder_.get(), to.c_str()) != 0) return os_error("rename");
    return {};
  }
  Result<void> remove(const std::string& path) override {
    if (read_only_) return changes_nothing();
    if (::unlinkat(folder_.get(), path.c_str(), 0) == 0) return {};
    if (errno == EISDIR && ::unlinkat(folder_.get(), path.c_str(), AT_REMOVEDIR) == 0) return {};
    return os_error("remove");
  }
  Result<void> sync_folder(const std::string& folder) override {
    Fd fd(::openat(folder_.get(), folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return os_error("open folder");
    if (::fsync(fd.get()) != 0) return sync_error("fsync folder");
    return {};
  }
  Result<void> sync_all() override {
    if (::syncfs(folder_.get()) != 0) return sync_error("syncfs");
    return {};
  }

 private:
  static std::unexpected<Error> changes_nothing() {
    return fail(Code::unsupported, "this folder was opened for reading only");
  }

  Fd folder_;
  bool read_only_;
};

Result<std::unique_ptr<Disk>> open_at(const std::string& root, bool read_only) {
  Fd folder(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return os_error("open data folder");
  // The lock goes with the descriptor, so a killed broker never leaves one behind.
  // One that is being killed holds it for a moment longer: a supervisor's restart should not fail on that.
  int locked = -1;
  for (int tries = 0; tries < 10 && locked != 0; ++tries) {
    if (tries > 0) ::poll(nullptr, 0, 100);
    locked = ::flock(folder.get(), (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB);
  }
  if (locked != 0) return fail(Code::busy, "another naru is running on this data folder", errno);
  return std::make_unique<PosixDisk>(std::move(folder), read_only);
}

/// The name of a folder that was just made survives power loss after this, and with it all that will be in there.
Result<void> sync_parent(const std::string& folder) {
  size_t slash = folder.find_last_of('/');
  std::string parent = slash == std::string::npos ? "." : folder.substr(0, slash);
  Fd fd(::open(parent.empty() ? "/" : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return os_error("open the parent of the data folder");
  if (::fsync(fd.get()) != 0) return sync_error("fsync the parent of the data folder");
  return {};
}

}  // namespace

Result<std::unique_ptr<Disk>> open_disk(const std::string& root) {
  for (size_t end = 0; end != std::string::npos;) {
    end = root.find('/', end + 1);
    std::string part = root.substr(0, end);
    if (part.empty()) continue;
    if (::mkdir(part.c_str(), 0750) == 0)
      TRY_VOID(sync_parent(part));
    else if (errno != EEXIST)
      return os_error("create data folder");
  }
  return open_at(root, /*read_only=*/false);
}

Result<std::unique_ptr<Disk>> open_disk_for_reading(const std::string& root) {
  return open_at(root, /*read_only=*/true);
}

}  // namespace naru::io
