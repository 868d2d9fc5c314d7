// Queues over a topic: an ack cursor over each of its partitions, and no log of their own.
#include "broker/queue/queue_host.h"
#include "broker/queue/topic_source.h"
#include "io/logger.h"

namespace naru {
namespace {

constexpr size_t sources_max = 256;  // a MessageId has a byte for them

}  // namespace

void Queue::attach_topic(const Catalog& catalog) {
  if (erased_) return;
  TopicPtr topic = catalog.find(*settings_.topic);
  if (topic && topic->log.trim_to_cursors) topic = nullptr;  // a queue: its messages are its consumers'
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
    if (levels_.size() == sources_max) {
      io::log(io::Level::error, "a queue over a topic serves no more partitions",
              {{"queue", name}, {"topic", topic->name}, {"partitions", attached}});
      return;
    }
    CursorId id = topic_cursor(id_, attached);
    Open& level = *levels_.emplace_back(std::make_unique<Open>(Level{StreamId(0), id}));
    level.source = std::make_unique<TopicSource>(*this, host_, topic, attached, id);
    level.source->attach().detach();
  }
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
