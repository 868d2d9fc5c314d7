#pragma once
// One line of log per notable event, on stderr: for a person on a terminal, or as JSON. A few lines an hour, never one
// per message. Any thread may log.
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace naru::io {

enum class Level : uint8_t { debug, info, warning, error, none };
enum class LogFormat : uint8_t { text, json };

/// A fact about the event: {"path", "/var/lib/naru"} or {"bytes", 42}.
struct Fact {
  std::string_view key;
  std::string text;
  bool is_number = false;
  Fact(std::string_view k, std::string_view value) : key(k), text(value) {}
  Fact(std::string_view k, const char* value) : key(k), text(value) {}
  Fact(std::string_view k, const std::string& value) : key(k), text(value) {}
  template <std::integral T>
  Fact(std::string_view k, T value) : key(k), text(std::to_string(value)), is_number(true) {}
};

/// Before the first line; text and info until then.
void set_log(LogFormat format, Level least);
void log(Level level, std::string_view event, std::initializer_list<Fact> facts = {});

}  // namespace naru::io
