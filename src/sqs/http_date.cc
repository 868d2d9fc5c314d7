#include "sqs/http_date.h"

#include <ctime>

namespace naru::sqs {

const std::string& HttpDate::at(io::Millis wall_ms) {
  int64_t second = wall_ms / 1000;
  if (second == second_) return text_;
  second_ = second;
  std::time_t time = second;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d GMT", days[parts.tm_wday], parts.tm_mday,
                months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  text_ = text;
  return text_;
}

}  // namespace naru::sqs
