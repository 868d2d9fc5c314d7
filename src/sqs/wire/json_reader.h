#pragma once
// Fills a described request from JSON. The first mistake is kept, and what follows does nothing.
#include "sqs/wire/fields.h"
#include "sqs/wire/json_cursor.h"

namespace naru::sqs {

class JsonReader {
 public:
  /// Unescapes in place: the text is changed.
  explicit JsonReader(std::span<char> text) : cursor_(text) {}

  template <class M>
  void read(M& message) {
    object(message);
    cursor_.finish();
  }
  bool ok() const { return cursor_.ok(); }

 private:
  using Kind = JsonCursor::Kind;

  /// Puts the member that is next into the field of its name.
  struct Member {
    JsonReader& reader;
    std::string_view name;
    bool found = false;

    bool is(std::string_view field) {
      if (found || name != field) return false;
      found = true;
      return reader.has_value();
    }
    void operator()(std::string_view field, auto& into) {
      if (is(field)) reader.value(into);
    }
    template <class T>
    void list(std::string_view field, std::string_view, std::vector<T>& into) {
      if (is(field)) reader.list(into);
    }
    template <class T>
    void list(std::string_view field, std::string_view, std::optional<std::vector<T>>& into) {
      if (is(field)) reader.list(into.emplace());
    }
    void map(std::string_view field, std::string_view, std::string_view, TextMap& into) {
      if (is(field)) reader.map(into);
    }
    void attributes(std::string_view field, std::string_view, GivenAttributes& into) {
      if (is(field)) reader.attributes(into);
    }
  };

  template <class M>
  void object(M& message) {
    if (!expect(Kind::object)) return;
    cursor_.begin_object();
    while (auto name = cursor_.next_member()) {
      Member member{*this, *name};
      M::describe(member, message);
      if (!member.found) cursor_.skip();
    }
  }
  template <class T>
  void list(std::vector<T>& into) {
    if (!expect(Kind::array)) return;
    cursor_.begin_array();
    while (cursor_.next_item()) {
      if constexpr (std::is_same_v<T, std::string_view>)
        into.push_back(text());
      else
        object(into.emplace_back());
    }
  }
  void value(Text& into) { into = text(); }
  void value(Number& into);
  void map(TextMap& into);
  void attributes(GivenAttributes& into);
  void attribute(GivenAttribute& into);
  /// Text, or a number or a truth value as it is written.
  std::string_view text();
  bool expect(Kind kind);
  /// Takes a null, which stands for what is not given.
  bool has_value();

  JsonCursor cursor_;
};

}  // namespace naru::sqs
