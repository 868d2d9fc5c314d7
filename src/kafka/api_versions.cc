#include "kafka/api_versions.h"

namespace naru::kafka {

Result<Request> decode_request(ByteView frame) {
  RequestHeader header = TRY(peek_header(frame));
  const Api* api = find_api(header.key);
  return decode_header(frame, api && header.version >= api->flexible_since);
}

}  // namespace naru::kafka
