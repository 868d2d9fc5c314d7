#pragma once
// Fills a described request from JSON. The first mistake is kept.
#include "base/json.h"
#include "sqs/wire/fields.h"

namespace naru::sqs {

class JsonReader {
 public:
  /// Some of it changes on the way; the request borrows it.
  explicit JsonReader(Json& json) : json_(json) {}

  template <class M>
  void read(M& message) {
    object(json_, message);
  }
  bool ok() const { return ok_; }

 private:
  /// Puts a member into the field of its name.
  struct Member {
    JsonReader& reader;
    std::string_view name;
    Json& given;

    /// A null stands for what is not given.
    bool is(std::string_view field) const { return name == field && !given.is_null(); }
    void operator()(std::string_view field, auto& into) {
      if (is(field)) reader.value(given, into);
    }
    template <class T>
    void list(std::string_view field, std::string_view, std::vector<T>& into) {
      if (is(field)) reader.list(given, into);
    }
    template <class T>
    void list(std::string_view field, std::string_view, std::optional<std::vector<T>>& into) {
      if (is(field)) reader.list(given, into.emplace());
    }
    void map(std::string_view field, std::string_view, std::string_view, TextMap& into) {
      if (is(field)) reader.map(given, into);
    }
    void attributes(std::string_view field, std::string_view, GivenAttributes& into) {
      if (is(field)) reader.attributes(given, into);
    }
  };

  template <class M>
  void object(Json& from, M& message) {
    auto* members = from.members();
    if (!members) return give_up();
    for (auto& [name, given] : *members) {
      Member member{*this, name, given};
      M::describe(member, message);
    }
  }
  template <class T>
  void list(Json& from, std::vector<T>& into) {
    auto* items = from.items();
    if (!items) return give_up();
    for (Json& item : *items) {
      if constexpr (std::is_same_v<T, std::string_view>)
        into.push_back(text(item));
      else
        object(item, into.emplace_back());
    }
  }
  void value(Json& from, Text& into) { into = text(from); }
  void value(Json& from, Number& into);
  void map(Json& from, TextMap& into);
  void attributes(Json& from, GivenAttributes& into);
  void attribute(Json& from, GivenAttribute& into);
  /// Text, or a number or a truth value as text.
  std::string_view text(Json& from);
  void give_up() { ok_ = false; }

  Json& json_;
  bool ok_ = true;
};

}  // namespace naru::sqs
