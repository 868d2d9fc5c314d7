#include "io/disk.h"

namespace naru::io {

Result<Bytes> read_file(Disk& disk, const std::string& path, uint64_t bytes_max) {
  auto file = TRY(disk.open(path, Open::read));
  uint64_t size = TRY(file->size());
  if (size > bytes_max) return fail(Code::too_large, "file is larger than it can be", static_cast<int64_t>(size));
  Bytes contents(size);
  TRY_VOID(file->read(0, contents));
  return contents;
}

Result<void> replace_file(Disk& disk, const std::string& folder, const std::string& name, ByteView contents) {
  std::string path = folder.empty() ? name : folder + "/" + name, fresh = path + ".new";
  auto file = TRY(disk.open(fresh, Open::create_new));
  auto written = file->write(0, contents);
  if (written) written = file->sync();
  if (!written) {
    // On a full disk what is half written would keep the space that it waits for.
    (void)disk.remove(fresh).has_value();
    return written;
  }
  TRY_VOID(disk.rename(fresh, path));
  return disk.sync_folder(folder);
}

}  // namespace naru::io
