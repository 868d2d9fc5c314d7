// The only file that sees spdlog and fmt; both header-only, so that the binary needs no library of theirs.
#include "io/logger.h"

#ifndef FMT_HEADER_ONLY
#define FMT_HEADER_ONLY
#endif
#define SPDLOG_FMT_EXTERNAL
#define SPDLOG_HEADER_ONLY
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/json.h"

namespace naru::io {
namespace {

LogFormat format_of_lines = LogFormat::text;

spdlog::logger& logger() {
  static auto instance = [] {
    auto made = spdlog::stderr_color_mt("naru");
    made->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    case Level::none: return spdlog::level::off;
  }
  return spdlog::level::info;
}

}  // namespace

void set_log(LogFormat format, Level least) {
  format_of_lines = format;
  logger().set_level(spdlog_level(least));
  if (format == LogFormat::json) logger().set_pattern("{\"time\":\"%Y-%m-%dT%H:%M:%S.%e%z\",\"level\":\"%l\",%v}");
}

void log(Level level, std::string_view event, std::initializer_list<Fact> facts) {
  std::string line;
  if (format_of_lines == LogFormat::json) {
    line += "\"event\":";
    append_json_text(line, event);
    for (const Fact& fact : facts) {
      line += ',';
      append_json_text(line, fact.key);
      line += ':';
      fact.is_number ? line += fact.text : (append_json_text(line, fact.text), line);
    }
  } else {
    line += event;
    for (const Fact& fact : facts) line += fmt::format(" {}={}", fact.key, fact.text);
  }
  logger().log(spdlog_level(level), "{}", line);
}

}  // namespace naru::io
