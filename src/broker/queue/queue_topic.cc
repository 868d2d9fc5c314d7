// Queues over a topic: an ack cursor over each of its partitions, and no log of their own. And those that feed one.
#include "broker/queue/queue_host.h"
#include "broker/queue/topic_feed.h"
#include "broker/queue/topic_source.h"
#include "io/logger.h"

namespace naru {
namespace {

constexpr size_t sources_max = 256;  // at a time: a MessageId has a byte for them

}  // namespace

void Queue::attach_topic(const Catalog& catalog) {
  if (erased_) return;
  if (settings_->to_topic) return feed_topic(catalog);
  TopicPtr topic = catalog.find(*settings_->topic);
  if (topic && topic->log.trim_to_cursors) topic = nullptr;  // a queue: its messages are its consumers'
  // A stream that came to this name later.
  bool is_anothers = topic && topic->queue && topic->queue->vhost != settings_->topic_vhost;
  if (is_anothers) topic = nullptr;
  int32_t attached = 0;
  for (auto& level : levels_) {
    if (topic && level->source->topic->id == topic->id) {
      ++attached;
    } else if (!level->source->is_forgotten()) {
      level->source->forget();
      level->keys.reset();
      level->window.clear();
      host_.count_kept(*this, level->window);
      if (fair_) fair_->reset();  // all that it knew was of that topic
    }
  }
  auto partitions = topic ? static_cast<int32_t>(topic->partitions.size()) : 0;
  for (; attached < partitions; ++attached) {
    auto index = free_level();
    if (!index) {
      io::log(io::Level::error, "a queue over a topic serves no more partitions",
              {{"queue", name}, {"topic", topic->name}, {"partitions", attached}});
      return;
    }
    CursorId id = topic_cursor(id_, attached);
    auto level = std::make_shared<QueueLevel>(LevelIds{StreamId(0), id});
    level->window.trust_no_headers();
    level->source = std::make_shared<TopicSource>(*this, host_, topic, attached, id);
    if (*index == levels_.size()) levels_.emplace_back();
    // Somebody may still have messages of who was here before: they are told apart by this.
    if (levels_[*index]) level->tenant = static_cast<uint16_t>(levels_[*index]->tenant + 1);
    levels_[*index] = level;
    level->source->attach().detach();
  }
}

void Queue::feed_topic(const Catalog& catalog) {
  if (!feed_) {
    feed_ = std::make_shared<TopicFeed>(*this, host_);
    CHECK(add(*feed_));  // nobody came before it
  }
  feed_->look(catalog);
}

/// A new one, or that of a partition that is gone.
std::optional<size_t> Queue::free_level() const {
  for (size_t i = 0; i < levels_.size(); ++i)
    if (levels_[i]->source->is_forgotten()) return i;
  return levels_.size() < sources_max ? std::optional(levels_.size()) : std::nullopt;
}

void Queue::source_ready(TopicSource& source) {
  for (auto& level : levels_) {
    if (level->source.get() != &source) continue;
    level->cursor = &source.cursor;
    know_keys(*level);
    if (host_.unclean) level->cursor->doubt_below(source.end);
  }
  changed();
}

}  // namespace naru
