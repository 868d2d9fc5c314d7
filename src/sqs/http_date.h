#pragma once
#include <string>

#include "io/loop.h"

namespace naru::sqs {

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), made once a second.
class HttpDate {
 public:
  const std::string& at(io::Millis wall_ms);

 private:
  int64_t second_ = -1;
  std::string text_;
};

}  // namespace naru::sqs
