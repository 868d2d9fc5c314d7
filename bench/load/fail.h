#pragma once

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace naru::load {

/// A measurement that cannot go on says why and ends: half a figure is worse than none.
[[noreturn, gnu::format(printf, 1, 2)]] inline void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::fputs("naru-load: ", stderr);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
  va_end(arguments);
  std::exit(2);
}

}  // namespace naru::load
