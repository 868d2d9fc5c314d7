#pragma once
// Direct and fanout exchanges.
#include <unordered_map>

#include "broker/routing/bindings.h"

namespace naru {

/// Lets a map of strings be asked with a view, without making a string.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

class DirectBindings final : public Bindings {
 public:
  void add(std::string_view key, FieldTableView, Destination destination) override;
  bool remove(std::string_view key, FieldTableView, Destination destination) override;
  void match(const RoutedMessage& message, std::vector<Destination>& to) const override;

 private:
  std::unordered_map<std::string, Destinations, TextHash, std::equal_to<>> by_key_;
};

class FanoutBindings final : public Bindings {
 public:
  void add(std::string_view, FieldTableView, Destination destination) override { all_.add(destination); }
  bool remove(std::string_view, FieldTableView, Destination destination) override { return all_.remove(destination); }
  void match(const RoutedMessage&, std::vector<Destination>& to) const override { all_.append_to(to); }

 private:
  Destinations all_;
};

}  // namespace naru
