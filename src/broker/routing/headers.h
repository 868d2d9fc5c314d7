#pragma once
// Headers exchanges: a binding's arguments say which headers a message must have, and x-match whether all or any of
// them. Names that begin with "x-" do not count, unless x-match is all-with-x or any-with-x; x-match itself never does.
// A value of type none asks only that the header is there.
//
// Not every binding is looked at for every message: each lies under one header that a message must have to match it
// (all) or under each of its headers (any), by a hash of name and value.
#include <unordered_map>

#include "broker/routing/by_key.h"

namespace naru {

/// Whether RabbitMQ takes the values for the same when it routes: numbers of all types by their value, a timestamp
/// being one too, texts and bytes by their bytes; else type and content, and inside of tables and arrays the types as
/// well.
bool same_in_routing(const FieldValue& a, const FieldValue& b);

class HeadersBindings final : public Bindings {
 public:
  void add(std::string_view, FieldTableView arguments, Destination destination) override;
  bool remove(std::string_view, FieldTableView arguments, Destination destination) override;
  void match(const RoutedMessage& message, std::vector<Destination>& to) const override;

 private:
  using BindingId = uint32_t;
  struct Binding {
    Destination destination{};
    bool any = false;
    uint32_t times = 1;             // it is there: with keys, which do not count, or headers that do not
    FieldTable asked;               // the headers that count
    std::vector<uint64_t> indexed;  // where it lies in by_header_
  };

  static Binding read(FieldTableView arguments, Destination destination);
  /// The headers are sorted by name, each there once.
  static bool matches(const Binding& binding, std::span<const Field> headers);
  static uint64_t identity(const Binding& binding);
  std::unordered_multimap<uint64_t, BindingId>::iterator find(const Binding& binding);
  void put_into_index(BindingId id);

  std::vector<Binding> bindings_;
  std::vector<BindingId> free_;
  std::unordered_map<uint64_t, std::vector<BindingId>> by_header_;
  std::unordered_multimap<uint64_t, BindingId> by_identity_;
  Destinations always_;  // "all" of no headers at all
};

}  // namespace naru
