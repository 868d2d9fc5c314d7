#pragma once
// Expected errors are values. Four kinds, four fates (ARCHITECTURE.md): bad bytes close a session, a refused
// request carries a Code to the protocol's own errors.cc, a failing world stops writes, our bug is a CHECK.
#include <cstdint>
#include <expected>
#include <utility>

namespace naru {

/// What went wrong, in naru's words. A protocol maps each to its own code by a switch without default.
enum class Code : uint8_t {
  invalid,       // the bytes or the request make no sense
  corrupt,       // a checksum or a structure on disk or wire is broken
  too_large,     // over a limit the sender could have known
  not_found,     // no such log, topic, group, file
  exists,        // already there
  out_of_range,  // an offset outside of what can be read
  fenced,        // an older epoch than the one known
  duplicate,     // already appended; detail = the offset it got then
  out_of_order,  // a producer's sequence has a gap
  conflict,      // a compare failed, a state forbids it
  full,          // no space on the disk; heals by itself
  io,            // the disk failed
  busy,          // a limit of ours is reached; try again
  closed,        // the peer or the broker is going away
  timeout,
  unsupported,
};

/// A short name for logs and tests: "out_of_range".
const char* name(Code code);

/// No allocation: a code, a reason that lives forever, and one number (an offset, an errno, a size).
struct Error {
  Code code;
  const char* reason = "";
  int64_t detail = 0;
};

template <class T>
struct [[nodiscard]] Result : std::expected<T, Error> {
  using std::expected<T, Error>::expected;
};

inline std::unexpected<Error> fail(Code code, const char* reason = "", int64_t detail = 0) {
  return std::unexpected(Error{code, reason, detail});
}

}  // namespace naru

#define NARU_CAT2(a, b) a##b
#define NARU_CAT(a, b) NARU_CAT2(a, b)

/// TRY(expression) is the value, or returns the error from the enclosing function.
#define TRY(...)                                             \
  ({                                                         \
    auto&& try_result = (__VA_ARGS__);                       \
    if (!try_result) [[unlikely]]                            \
      return std::unexpected(std::move(try_result).error()); \
    *std::move(try_result);                                  \
  })
/// TRY_VOID(expression) for a Result<void>.
#define TRY_VOID(...)                                        \
  do {                                                       \
    auto&& try_result = (__VA_ARGS__);                       \
    if (!try_result) [[unlikely]]                            \
      return std::unexpected(std::move(try_result).error()); \
  } while (false)
/// CO_TRY(auto x, co_await f()) inside a coroutine.
#define CO_TRY(declaration, ...)                                            \
  auto NARU_CAT(try_, __LINE__) = (__VA_ARGS__);                            \
  if (!NARU_CAT(try_, __LINE__)) [[unlikely]]                               \
    co_return std::unexpected(std::move(NARU_CAT(try_, __LINE__)).error()); \
  declaration = *std::move(NARU_CAT(try_, __LINE__))
#define CO_TRY_VOID(...)                                        \
  do {                                                          \
    auto try_result = (__VA_ARGS__);                            \
    if (!try_result) [[unlikely]]                               \
      co_return std::unexpected(std::move(try_result).error()); \
  } while (false)
