#include "log/space_reserve.h"

namespace naru {

Result<bool> SpaceReserve::take() {
  auto file = disk_.open(path_, io::Open::create);
  if (!file) return false;
  auto allocated = (*file)->allocate(bytes_);
  if (allocated) return true;
  (void)disk_.remove(path_).has_value();
  if (allocated.error().code == Code::full) return std::unexpected(allocated.error());
  return false;
}

}  // namespace naru
