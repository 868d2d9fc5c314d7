#pragma once
// CHECK guards an invariant of ours: a false one is our bug, and going on would spread it. It is always on.
// DCHECK is for checks that cost more than they tell in production; on in debug and sanitizer builds.
// Bad input from a peer or a failing disk is never a CHECK: that is a Result (result.h).
#include <cstdint>

namespace naru {

/// Prints the place and the condition to stderr and aborts. Recovery at the next start is the way on.
[[noreturn]] void check_failed(const char* file, int line, const char* condition);

}  // namespace naru

#define CHECK(condition)                                    \
  do {                                                      \
    if (!(condition)) [[unlikely]]                          \
      ::naru::check_failed(__FILE__, __LINE__, #condition); \
  } while (false)

#ifdef NARU_DCHECK
#define DCHECK(condition) CHECK(condition)
#else
#define DCHECK(condition) \
  do {                    \
  } while (false)
#endif
