#include "kafka/errors.h"

namespace naru::kafka {

const char* name(ErrorCode code) {
  switch (code) {
#define NARU_KAFKA_ERROR(name, number) \
  case ErrorCode::name: return #name;
    NARU_KAFKA_ERRORS(NARU_KAFKA_ERROR)
#undef NARU_KAFKA_ERROR
  }
  return "unknown";
}

}  // namespace naru::kafka
