#pragma once
// Parameters of the Query protocol, from a form or a query string, and described requests out of them.
#include <string>

#include "sqs/wire/fields.h"
#include "sqs/wire/refusal.h"

namespace naru::sqs {

/// name=value pairs, unescaped where they stand (the text is changed) and sorted by name.
class QueryParameters {
 public:
  /// Adds what `text` has. Of a name that comes twice, the first value holds.
  void add(std::span<char> text);
  /// More than any request has: the rest was left out.
  bool has_too_many() const { return all_.size() >= count_max; }
  /// Call after the last add.
  void sort();
  Text find(std::string_view name) const;
  /// Whether a name begins so.
  bool any(std::string_view prefix) const;
  /// The numbers N of names that begin with PREFIX.N, ascending, each once.
  std::vector<uint32_t> numbers(std::string_view prefix) const;

 private:
  struct Parameter {
    std::string_view name, value;
    size_t place;  // among all, as they came
  };
  static constexpr size_t count_max = 10'000;
  std::vector<Parameter>::const_iterator first_from(std::string_view name) const;
  std::vector<Parameter> all_;
};

class QueryReader {
 public:
  explicit QueryReader(const QueryParameters& parameters) : from_(parameters) {}

  template <class M>
  void read(M& message) {
    M::describe(*this, message);
  }
  const std::optional<Refusal>& refusal() const { return refusal_; }

  void operator()(std::string_view name, Text& into) { into = find(name); }
  void operator()(std::string_view name, Number& into);
  template <class T>
  void list(std::string_view, std::string_view name, std::vector<T>& into) {
    for (const Nested& item : items(name)) {
      if constexpr (std::is_same_v<T, std::string_view>) {
        if (auto text = from_.find(item.prefix)) into.push_back(*text);
      } else {
        size_t outer = enter(item);
        T::describe(*this, into.emplace_back());
        prefix_.resize(outer);
      }
    }
  }
  template <class T>
  void list(std::string_view json_name, std::string_view name, std::optional<std::vector<T>>& into) {
    list(json_name, name, into.emplace());  // a list that is empty cannot be told from none
  }
  void map(std::string_view, std::string_view name, std::string_view key, TextMap& into);
  void attributes(std::string_view, std::string_view name, GivenAttributes& into);

 private:
  /// One element of a list: PREFIX.N, or PREFIX alone where the number was left out.
  struct Nested {
    std::string prefix;
  };
  std::vector<Nested> items(std::string_view name) const;
  size_t enter(const Nested& item);
  Text find(std::string_view name);

  const QueryParameters& from_;
  std::string prefix_;  // of what is being read: "SendMessageBatchRequestEntry.2."
  std::string name_;    // being looked for; kept for its memory
  std::optional<Refusal> refusal_;
};

/// A decimal integer, as AWS takes them: digits, perhaps a minus before them.
Number parse_integer(std::string_view text);

}  // namespace naru::sqs
