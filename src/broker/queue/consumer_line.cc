#include "broker/queue/consumer_line.h"

namespace naru {

Result<void> ConsumerLine::add(QueueConsumer& consumer) {
  if (exclusive_ || (consumer.exclusive && count_ > 0)) return fail(Code::busy, "in exclusive use");
  auto& line = all_[consumer.priority];
  consumer.place_ = line.insert(line.end(), &consumer);
  ++count_;
  exclusive_ = consumer.exclusive;
  if (one_is_served_) {
    choose_active();
  } else {
    list(consumer);
  }
  return {};
}

void ConsumerLine::remove(QueueConsumer& consumer) {
  auto line = all_.find(consumer.priority);
  line->second.erase(consumer.place_);
  if (line->second.empty()) all_.erase(line);
  --count_;
  exclusive_ = false;
  unlist(consumer);
  if (active_ != &consumer) return;
  active_ = nullptr;
  choose_active();
}

void ConsumerLine::choose_active() {
  if (active_ || all_.empty()) return;
  active_ = all_.begin()->second.front();
  list(*active_);
}

void ConsumerLine::wake(QueueConsumer& consumer) {
  if (!one_is_served_ || active_ == &consumer) list(consumer);
}

void ConsumerLine::list(QueueConsumer& consumer) {
  if (std::exchange(consumer.listed_, true)) return;
  auto& line = ready_[consumer.priority];
  consumer.turn_ = line.insert(line.end(), &consumer);
}

void ConsumerLine::unlist(QueueConsumer& consumer) {
  if (!std::exchange(consumer.listed_, false)) return;
  ready_[consumer.priority].erase(consumer.turn_);
}

QueueConsumer* ConsumerLine::next() {
  for (auto at = ready_.begin(); at != ready_.end();) {
    auto& line = at->second;
    while (!line.empty()) {
      QueueConsumer* first = line.front();
      if (first->can_take()) return first;
      unlist(*first);
    }
    at = ready_.erase(at);
  }
  return nullptr;
}

void ConsumerLine::served(QueueConsumer& consumer) {
  auto& line = ready_[consumer.priority];
  line.splice(line.end(), line, consumer.turn_);
}

std::vector<QueueConsumer*> ConsumerLine::close() {
  std::vector<QueueConsumer*> all;
  for (auto& [priority, line] : all_) all.insert(all.end(), line.begin(), line.end());
  all_.clear();
  ready_.clear();
  count_ = 0;
  active_ = nullptr;
  return all;
}

}  // namespace naru
