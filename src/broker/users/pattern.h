#pragma once
// Regular expressions as Erlang's `re` takes them, which is PCRE: what permissions and policies are written in.
// Matching takes bounded time: a pattern that would try for ever matches nothing.
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace naru {

class Pattern {
 public:
  /// Else what is wrong with it, and where.
  static std::expected<Pattern, std::string> compile(std::string_view text);
  /// Whether it occurs anywhere in `subject`, as bytes.
  bool matches(std::string_view subject) const;
  /// The same within so many steps of trying; nothing if that is too few to know.
  std::optional<bool> matches_within(std::string_view subject, uint32_t steps) const;
  const std::string& text() const { return text_; }

 private:
  struct Free {
    void operator()(void* code) const;
  };
  Pattern(std::string_view pattern, void* code) : text_(pattern), code_(code) {}
  std::string text_;
  std::unique_ptr<void, Free> code_;
};

/// Text that stands for itself in a pattern.
std::string escape_pattern(std::string_view text);

}  // namespace naru
