#include "amqp/wire/method.h"

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

}  // namespace naru::amqp
