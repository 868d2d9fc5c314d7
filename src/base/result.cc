#include "base/result.h"

namespace naru {

const char* name(Code code) {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::corrupt: return "corrupt";
    case Code::too_large: return "too_large";
    case Code::not_found: return "not_found";
    case Code::exists: return "exists";
    case Code::out_of_range: return "out_of_range";
    case Code::fenced: return "fenced";
    case Code::duplicate: return "duplicate";
    case Code::out_of_order: return "out_of_order";
    case Code::conflict: return "conflict";
    case Code::full: return "full";
    case Code::io: return "io";
    case Code::busy: return "busy";
    case Code::closed: return "closed";
    case Code::timeout: return "timeout";
    case Code::unsupported: return "unsupported";
  }
  return "?";
}

}  // namespace naru
