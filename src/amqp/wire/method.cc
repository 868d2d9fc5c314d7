#include "amqp/wire/method.h"

#include <algorithm>

#include "base/erlang_text.h"

namespace naru::amqp {

std::string_view name(Method method) {
  switch (method) {
#define NARU_NAME(type, enumerator, class_id, method_id, text) \
  case Method::enumerator: return text;
    NARU_AMQP_METHODS(NARU_NAME)
#undef NARU_NAME
  }
  return {};
}

std::string decode_explanation(const Error& error, ByteView payload) {
  if (std::string_view(error.reason) == not_utf8) return error.reason;
  ByteView arguments = payload.subspan(std::min(method_id_bytes, payload.size()));
  return "cannot decode " + erlang_bytes(arguments.first(std::min<size_t>(arguments.size(), 256)));  // is cut anyway
}

}  // namespace naru::amqp
