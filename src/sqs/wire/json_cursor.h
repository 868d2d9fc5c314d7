#pragma once
// JSON (RFC 8259) read in place: strings are unescaped where they stand, so that decoding a request takes no memory.
// Walks forward only; the first mistake is kept and ends the text there.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace naru::sqs {

class JsonCursor {
 public:
  enum class Kind : uint8_t { object, array, string, number, boolean, null, none };

  /// Changes `text` as it goes. What is returned borrows it.
  explicit JsonCursor(std::span<char> text);

  /// What comes next; none at the end or after a mistake.
  Kind peek();
  // Each takes what peek() said comes next; something else is a mistake.
  void begin_object() { open('{'); }
  /// The next member's name, after which its value has to be taken; nothing at the end of the object.
  std::optional<std::string_view> next_member();
  void begin_array() { open('['); }
  /// Whether there is another item, which has to be taken then.
  bool next_item();
  std::string_view string();
  /// A number as it is written.
  std::string_view number();
  /// Nothing if it is no integer of 64 bits.
  std::optional<int64_t> integer();
  bool boolean();
  /// Takes a value of any kind.
  void skip();
  /// After the last value: nothing but blanks may follow.
  void finish();

  bool ok() const { return ok_; }
  /// The text is JSON, but not what it should be.
  void give_up() { fail(); }

 private:
  static constexpr int depth_max = 32;

  void fail();
  void skip_blanks();
  void open(char bracket);
  /// At a separator: true if another element follows, false at `end`, which is taken.
  bool goes_on(char end);
  bool literal(std::string_view word);
  std::optional<uint32_t> hex4();
  bool unescape(char*& to);

  char *at_, *end_;
  int depth_ = 0;
  bool ok_ = true, first_ = false;  // nothing of the innermost object or array has been taken
};

}  // namespace naru::sqs
