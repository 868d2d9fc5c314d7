// The only file that sees PCRE2.
#include "broker/users/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace naru {
namespace {

// Steps, and KiB of its own stack: a name is at most 255 bytes, and a sane pattern needs a few hundred of them.
constexpr uint32_t steps_max = 100'000, heap_kib_max = 1024;

struct Matching {
  pcre2_match_context* limits = pcre2_match_context_create(nullptr);
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  Matching() { pcre2_set_heap_limit(limits, heap_kib_max); }
  void allow(uint32_t steps) {
    pcre2_set_match_limit(limits, steps);
    pcre2_set_depth_limit(limits, steps);
  }
  Matching(const Matching&) = delete;
  ~Matching() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
  }
};

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

void Pattern::Free::operator()(void* code) const { pcre2_code_free(static_cast<pcre2_code*>(code)); }

std::expected<Pattern, std::string> Pattern::compile(std::string_view text) {
  int error = 0;
  PCRE2_SIZE at = 0;
  pcre2_code* code = pcre2_compile(units(text), text.size(), 0, &error, &at, nullptr);
  if (code) return Pattern(text, code);
  PCRE2_UCHAR reason[256] = {};
  pcre2_get_error_message(error, reason, sizeof reason);
  return std::unexpected(std::string(reinterpret_cast<const char*>(reason)) + " at " + std::to_string(at));
}

bool Pattern::matches(std::string_view subject) const { return matches_within(subject, steps_max).value_or(false); }

std::optional<bool> Pattern::matches_within(std::string_view subject, uint32_t steps) const {
  thread_local Matching matching;
  matching.allow(steps);
  int found = pcre2_match(static_cast<const pcre2_code*>(code_.get()), units(subject), subject.size(), 0, 0,
                          matching.data, matching.limits);
  if (found >= 0) return true;
  return found == PCRE2_ERROR_NOMATCH ? std::optional(false) : std::nullopt;
}

std::string escape_pattern(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c < 0;
    if (!is_word) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace naru
