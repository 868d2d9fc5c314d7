#include "broker/vhost/virtual_host.h"

namespace naru {

std::optional<std::string_view> Exchange::alternate() const {
  auto value = definition.arguments.find("alternate-exchange");
  if (value) return value->text();
  return policy_alternate ? std::optional<std::string_view>(*policy_alternate) : std::nullopt;
}

DeclaredQueue* VirtualHost::find_queue(std::string_view queue_name) {
  auto found = queues_.find(queue_name);
  return found == queues_.end() ? nullptr : &found->second;
}

Exchange* VirtualHost::find_exchange(std::string_view exchange_name) {
  auto found = exchanges_.find(exchange_name);
  return found == exchanges_.end() ? nullptr : &found->second;
}

void VirtualHost::add(ExchangeDefinition definition) {
  std::string key = definition.name;
  auto matcher = make_bindings(definition.type, definition.arguments.view());
  exchanges_.insert_or_assign(key, Exchange{.definition = std::move(definition), .matcher = std::move(matcher)});
  ++version_;
}

bool VirtualHost::add(Binding binding) {
  std::string row = encode(binding);
  auto [at, is_new] = bindings_.try_emplace(std::move(row), std::move(binding));
  if (!is_new) return false;
  const Binding& added = at->second;
  auto [id, is_new_target] = target_ids_.try_emplace({added.to_queue, added.destination}, last_target_ + 1);
  if (is_new_target) targets_.emplace(++last_target_, Target{added.to_queue, added.destination, {}});
  targets_.find(id->second)->second.bindings.insert(&added);
  Exchange& source = exchanges_.find(added.source)->second;
  source.bindings.insert(&added);
  source.matcher->add(added.key, added.arguments.view(), Destination(id->second));
  ++version_;
  return true;
}

void VirtualHost::remove(const Binding& binding) {
  auto at = bindings_.find(encode(binding));
  if (at == bindings_.end()) return;
  const Binding& gone = at->second;
  auto id = target_ids_.find({gone.to_queue, gone.destination});
  auto target = targets_.find(id->second);
  Exchange* source = find_exchange(gone.source);
  if (!source) source = leaving_exchanges_.find(gone.source);
  if (source) {
    source->bindings.erase(&gone);
    if (source->matcher) source->matcher->remove(gone.key, gone.arguments.view(), Destination(id->second));
  }
  target->second.bindings.erase(&gone);
  if (target->second.bindings.empty()) {
    targets_.erase(target);
    target_ids_.erase(id);
  }
  bindings_.erase(at);
  ++version_;
}

std::vector<Binding> VirtualHost::bindings_to(bool is_queue, const std::string& target) const {
  std::vector<Binding> found;
  auto id = target_ids_.find({is_queue, target});
  if (id == target_ids_.end()) return found;
  for (const Binding* binding : targets_.find(id->second)->second.bindings) found.push_back(*binding);
  return found;
}

bool VirtualHost::is_leaving(const Binding& binding) {
  if (leaving_exchanges_.find(binding.source)) return true;
  return binding.to_queue ? leaving_queues_.find(binding.destination) != nullptr
                          : leaving_exchanges_.find(binding.destination) != nullptr;
}

bool VirtualHost::routes_by_key(const Exchange& exchange) const {
  auto by_key = [](ExchangeType type) {
    return type == ExchangeType::direct || type == ExchangeType::fanout || type == ExchangeType::topic;
  };
  // An exchange that another one leads to may look at more: then only if there is none of these.
  return by_key(exchange.definition.type) && !exchange.alternate() &&
         std::ranges::none_of(exchange.bindings, [](const Binding* binding) { return !binding->to_queue; });
}

void VirtualHost::route(const Exchange& from, const RoutedMessage& message,
                        std::vector<std::shared_ptr<Queue>>& queues) {
  const uint64_t routing = ++routings_;
  auto is_new = [&](const auto& place) { return std::exchange(place.reached_by, routing) != routing; };
  auto reach = [&](const DeclaredQueue* queue) {
    if (queue && !queue->definition.settings.topic && is_new(*queue)) queues.push_back(queue->queue);
  };
  std::vector<const Exchange*> seen;
  auto go_on = [&](const Exchange* exchange) {
    if (exchange && is_new(*exchange)) seen.push_back(exchange);
  };
  go_on(&from);
  for (size_t i = 0; i < seen.size(); ++i) {
    const Exchange& exchange = *seen[i];
    matched_.clear();
    if (exchange.delayed && message.delayed) {
      queues.push_back(exchange.delayed);
      continue;
    }
    if (exchange.definition.name.empty()) {  // bound to every queue by its name
      reach(find_queue(message.routing_key));
      for (std::string_view key : message.more_keys) reach(find_queue(key));
      continue;  // it has no alternate exchange, whatever a policy says
    }
    exchange.matcher->match(message, matched_);
    passed_ += 1 + matched_.size();
    keep_unique(matched_);
    bool leads_on = false;  // what is being deleted is no way on
    for (Destination destination : matched_) {
      const Target& target = targets_.find(destination.value)->second;
      const DeclaredQueue* queue = target.is_queue ? find_queue(target.name) : nullptr;
      const Exchange* next = target.is_queue ? nullptr : find_exchange(target.name);
      leads_on |= queue || next;
      reach(queue);
      go_on(next);
    }
    if (leads_on) continue;
    auto alternate = exchange.alternate();
    // The default exchange is nobody's alternate.
    if (alternate && !alternate->empty()) go_on(find_exchange(*alternate));
  }
}

}  // namespace naru
