#include "broker/routing/headers.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"

namespace naru {
namespace {

/// A number as routing compares it: all integers exactly, whatever their type.
struct Number {
  bool whole = false;
  __int128 integer = 0;
  double real = 0;
};

std::optional<Number> number_of(const FieldValue& value) {
  if (auto integer = value.integer()) return Number{.whole = true, .integer = *integer};
  if (auto time = value.timestamp()) return Number{.whole = true, .integer = time->seconds};
  auto real = value.real();
  if (!real) return std::nullopt;
  // Beyond 2^100 no integer compares equal anyway.
  if (std::trunc(*real) == *real && std::abs(*real) < 0x1p100)
    return Number{.whole = true, .integer = static_cast<__int128>(*real)};
  return Number{.real = *real};
}

bool is_text_or_bytes(const FieldValue& value) {
  return value.type == FieldType::text || value.type == FieldType::bytes;
}

uint64_t hash_of(std::string_view name) { return hash64(view(name)); }
/// Equal for values that are same_in_routing.
uint64_t hash_of(std::string_view name, const FieldValue& value) {
  uint64_t seed = hash_of(name) + 1;
  if (auto number = number_of(value))
    return mix64(seed ^
                 (number->whole ? static_cast<uint64_t>(number->integer) : std::bit_cast<uint64_t>(number->real)));
  if (auto flag = value.boolean()) return mix64(seed ^ (*flag ? 3 : 2));
  if (is_text_or_bytes(value)) return hash64(value.bytes, seed);
  return mix64(seed ^ static_cast<uint64_t>(value.type));  // rare: all of one type lie together
}

constexpr std::string_view match_name = "x-match";

}  // namespace

bool same_in_routing(const FieldValue& a, const FieldValue& b) {
  auto first = number_of(a), second = number_of(b);
  if (first || second)
    return first && second && first->whole == second->whole &&
           (first->whole ? first->integer == second->integer : first->real == second->real);
  if (is_text_or_bytes(a) && is_text_or_bytes(b)) return std::ranges::equal(a.bytes, b.bytes);
  return same_value(a, b);
}

HeadersBindings::Binding HeadersBindings::read(FieldTableView arguments, Destination destination) {
  Binding binding;
  binding.destination = destination;
  auto match_value = arguments.find(match_name);
  std::string_view how = match_value ? match_value->text().value_or("") : "";
  binding.any = how == "any" || how == "any-with-x";
  bool with_x = how == "all-with-x" || how == "any-with-x";
  FieldTable sorted = sorted_by_name(arguments);  // the order of arguments makes no difference
  for (const Field& field : sorted.view())
    if (field.name != match_name && (with_x || !field.name.starts_with("x-")))
      binding.asked.add(field.name, field.value);
  return binding;
}

uint64_t HeadersBindings::identity(const Binding& binding) {
  return hash64(binding.asked.view().bytes(), mix64(binding.destination.value) + binding.any);
}

void HeadersBindings::add(std::string_view, FieldTableView arguments, Destination destination) {
  Binding binding = read(arguments, destination);
  if (binding.asked.empty()) {
    if (!binding.any) always_.add(destination);  // any of nothing never matches
    return;
  }
  if (auto there = find(binding); there != by_identity_.end()) {
    ++bindings_[there->second].times;
    return;
  }
  BindingId id;
  if (free_.empty())
    id = static_cast<BindingId>(bindings_.size()), bindings_.emplace_back();
  else
    id = free_.back(), free_.pop_back();
  bindings_[id] = std::move(binding);
  by_identity_.emplace(identity(bindings_[id]), id);
  put_into_index(id);
}

void HeadersBindings::put_into_index(BindingId id) {
  Binding& binding = bindings_[id];
  for (const Field& field : binding.asked.view())
    binding.indexed.push_back(field.value.is_none() ? hash_of(field.name) : hash_of(field.name, field.value));
  if (!binding.any) {
    // One is enough, so the one that is rarest so far.
    auto crowd = [&](uint64_t hash) {
      auto found = by_header_.find(hash);
      return found == by_header_.end() ? 0 : found->second.size();
    };
    binding.indexed = {std::ranges::min(binding.indexed, {}, crowd)};
  }
  std::ranges::sort(binding.indexed);
  binding.indexed.erase(std::ranges::unique(binding.indexed).begin(), binding.indexed.end());
  for (uint64_t hash : binding.indexed) by_header_[hash].push_back(id);
}

std::unordered_multimap<uint64_t, HeadersBindings::BindingId>::iterator HeadersBindings::find(const Binding& binding) {
  auto [at, end] = by_identity_.equal_range(identity(binding));
  auto is_it = [&](const auto& entry) {
    const Binding& there = bindings_[entry.second];
    return there.destination == binding.destination && there.any == binding.any && there.asked == binding.asked;
  };
  at = std::find_if(at, end, is_it);
  return at == end ? by_identity_.end() : at;
}

bool HeadersBindings::remove(std::string_view, FieldTableView arguments, Destination destination) {
  Binding binding = read(arguments, destination);
  if (binding.asked.empty()) return binding.any || always_.remove(destination);
  auto at = find(binding);
  if (at == by_identity_.end()) return false;
  BindingId id = at->second;
  if (--bindings_[id].times > 0) return true;
  by_identity_.erase(at);
  for (uint64_t hash : bindings_[id].indexed) {
    auto found = by_header_.find(hash);
    std::erase(found->second, id);
    if (found->second.empty()) by_header_.erase(found);
  }
  bindings_[id] = Binding();
  free_.push_back(id);
  return true;
}

bool HeadersBindings::matches(const Binding& binding, std::span<const Field> headers) {
  for (const Field& asked : binding.asked.view()) {
    auto found = std::ranges::lower_bound(headers, asked.name, {}, &Field::name);
    bool is_there = found != headers.end() && found->name == asked.name;
    bool good = is_there && (asked.value.is_none() || same_in_routing(asked.value, found->value));
    if (good == binding.any) return binding.any;
  }
  return !binding.any;
}

/// However many headers a message and a binding have in common, each such binding is looked at once.
void HeadersBindings::match(const RoutedMessage& message, std::vector<Destination>& to) const {
  always_.append_to(to);
  if (by_header_.empty()) return;
  std::vector<Field> headers;
  for (const Field& header : message.headers) headers.push_back(header);
  std::ranges::sort(headers, {}, [](const Field& field) { return std::pair(field.name, field.value.bytes.data()); });
  auto same_name = [](const Field& a, const Field& b) { return a.name == b.name; };
  headers.erase(std::ranges::unique(headers, same_name).begin(), headers.end());  // the first counts
  std::vector<BindingId> candidates;
  auto look_under = [&](uint64_t hash) {
    auto found = by_header_.find(hash);
    if (found != by_header_.end()) candidates.insert(candidates.end(), found->second.begin(), found->second.end());
  };
  for (const Field& header : headers) {
    look_under(hash_of(header.name));
    look_under(hash_of(header.name, header.value));
  }
  std::ranges::sort(candidates);
  candidates.erase(std::ranges::unique(candidates).begin(), candidates.end());
  for (BindingId id : candidates)
    if (matches(bindings_[id], headers)) to.push_back(bindings_[id].destination);
}

}  // namespace naru
