#pragma once
// What a broker has promised about messages, and what it has after a start: the part of the crash test that knows right
// from wrong. A message is named by its number and its origin, the queue where it came first; dead letters tell theirs.
#include <map>
#include <set>

#include "amqp/sim_broker_testing.h"
#include "base/testing.h"

namespace naru::amqp {

/// Number and padding, so that a body that was mixed up with another is noticed.
inline std::string body_of(int64_t number) {
  Prng prng(static_cast<uint64_t>(number) + 1);
  size_t pad = prng.chance(0.1) ? prng.below(6000) : prng.below(200);
  return "m" + std::to_string(number) + ":" + std::string(pad, static_cast<char>('a' + number % 26));
}

/// A message as it shows itself, over the wire or in a log.
struct Sighting {
  int64_t number = -1;
  std::string origin;
  std::string place;  // a queue, and how often it had died by then: a message that comes back to a queue is a new one

  static Sighting of(const Properties& properties, ByteView body, const std::string& queue) {
    Sighting seen;
    std::string bytes(text(body));
    seen.number = std::atoll(bytes.c_str() + 1);
    EXPECT_EQ(bytes, body_of(seen.number)) << "in " << queue;
    auto headers = properties.headers.value_or(FieldTableView());
    auto first = headers.find("x-first-death-queue");
    seen.origin = first ? std::string(first->text().value_or("")) : queue;
    int64_t deaths = 0;
    auto value = headers.find("x-death");
    auto array = value ? value->array() : std::nullopt;
    if (array)
      for (const FieldValue& death : *array) {
        auto table = death.table();
        auto count = table ? table->find("count") : std::nullopt;
        deaths += count ? count->integer().value_or(0) : 0;
      }
    seen.place = queue + "/" + std::to_string(deaths);
    return seen;
  }
};

/// A message at one origin, and what its publisher and its consumers may count on.
struct Copy {
  uint64_t publisher = 0;  // and its order among what that one sent to this log
  uint8_t level = 0;
  bool confirmed = false;
  bool may_be_gone = false;        // somebody acknowledged it, or asked for the like
  bool gone = false;               // and knows that this is on disk; or it was refused, or it was missing after a crash
  bool doubled = false;            // a crash came between its two places
  std::set<std::string> handed{};  // the places where a client got it, or may have
};

using Contents = std::map<std::pair<std::string, int64_t>, std::vector<Sighting>>;

class Promises {
 public:
  Copy& copy(const std::string& origin, int64_t number) { return copies_[{origin, number}]; }
  std::map<std::pair<std::string, int64_t>, Copy>& all() { return copies_; }

  void confirm(const std::string& origin, int64_t number) {
    Copy& its = copy(origin, number);
    its.confirmed = true;
    ++confirms;
  }
  /// A client got it.
  void handed_out(const Sighting& seen, bool redelivered) {
    SCOPED_TRACE(seen.origin + " m" + std::to_string(seen.number) + " at " + seen.place);
    auto found = copies_.find({seen.origin, seen.number});
    ASSERT_TRUE(found != copies_.end()) << "nobody published it";
    Copy& its = found->second;
    if (its.doubled) return;
    EXPECT_FALSE(its.gone) << "it comes again";
    bool again = !its.handed.insert(seen.place).second;
    EXPECT_TRUE(redelivered || !again) << "it comes again and does not say so";
    ++deliveries;
    redeliveries += redelivered;
  }

  /// After a start. What is there now is there to stay, what is not is gone for good.
  void verify(const Contents& contents, bool unclean) {
    for (const auto& [key, places] : contents) {
      const auto& [origin, number] = key;
      SCOPED_TRACE(origin + " m" + std::to_string(number) + " at " + places[0].place);
      auto found = copies_.find(key);
      ASSERT_TRUE(found != copies_.end()) << "nobody published it";
      if (!found->second.doubled) EXPECT_FALSE(found->second.gone) << "it is back";
      EXPECT_LE(places.size(), 4u);  // a start that came to nothing may have doubled it again
    }
    verify_prefixes(contents);
    for (auto& [key, its] : copies_) {
      auto there = contents.find(key);
      bool is_there = there != contents.end();
      if (its.confirmed && !its.may_be_gone && !its.gone)
        EXPECT_TRUE(is_there) << "lost: " << key.first << " m" << key.second;
      its.confirmed |= is_there;
      if (!is_there) {
        its.gone = true;
        continue;
      }
      its.may_be_gone = its.gone = false;
      if (there->second.size() > 1 && !std::exchange(its.doubled, true)) ++doubles;
      for (const Sighting& one : there->second) dead_letters += one.place.substr(0, one.place.find('/')) != one.origin;
      if (unclean) doubt(key.first, its, there->second);
    }
  }

  uint64_t confirms = 0, deliveries = 0, redeliveries = 0, doubles = 0, dead_letters = 0;

 private:
  /// Nobody knows who had what: all has to say that it may be a second time. Where messages come by themselves, as
  /// their time is over or there are too many, it may be new; and a move that a crash undid is made again.
  static void doubt(const std::string& origin, Copy& its, const std::vector<Sighting>& places) {
    bool moves_by_itself = origin == "brief" || origin == "work" || origin == "short" || origin == "late";
    auto is_moved = [&](const std::string& place) { return !place.ends_with("/0") || origin == "late"; };
    std::erase_if(its.handed, is_moved);
    for (const Sighting& one : places)
      if (!moves_by_itself || !is_moved(one.place)) its.handed.insert(one.place);
  }

  /// Of what one client published to one log a crash may take the end, never something before it.
  void verify_prefixes(const Contents& contents) {
    std::map<std::tuple<std::string, uint64_t, uint8_t>, int64_t> missing;
    for (const auto& [key, its] : copies_) {  // by number: the order of publishing
      if (its.may_be_gone || its.gone) continue;
      auto log = std::tuple(key.first, its.publisher, its.level);
      if (!contents.contains(key)) {
        missing.try_emplace(log, key.second);
      } else if (auto gap = missing.find(log); gap != missing.end()) {
        ADD_FAILURE() << key.first << " has m" << key.second << ", but not m" << gap->second << " from before";
      }
    }
  }

  std::map<std::pair<std::string, int64_t>, Copy> copies_;
};

/// What lies open in a queue's logs. Reads the segments, as a consumer with a backlog does.
inline void add_contents(Contents& to, Store& store, const std::string& queue, const std::vector<LevelIds>& levels,
                         bool is_stream) {
  for (const LevelIds& level : levels) {
    Log* log = store.find(level.stream);
    if (!log) continue;
    auto is_open = [&](Offset at) { return is_stream || !store.cursor(level.cursor, level.stream).is_done(at); };
    auto bounds = log->bounds();
    EXPECT_EQ(bounds.high_watermark, bounds.end);
    std::set<Offset> found;
    for (Offset at = bounds.begin; at < bounds.end;) {
      auto slice = log->read(at, 64 * KiB);
      ASSERT_TRUE(slice) << slice.error().reason << " at " << at.value << " of " << queue;
      if (slice->range.length == 0) break;
      Bytes bytes(slice->range.length);
      ASSERT_TRUE(slice->range.file->read(slice->range.at, bytes));
      for (ByteView rest = bytes; !rest.empty();) {
        auto header = peek_header(rest);
        ASSERT_TRUE(header);
        auto reader = RecordReader::open(rest.first(header->size_bytes()));
        ASSERT_TRUE(reader);
        Record record;
        while (*reader->next(&record)) {
          if (record.offset < bounds.begin || !is_open(record.offset)) continue;
          found.insert(record.offset);
          Bytes table;
          MappedMessage message = read_record(record, {.home = queue}, table);
          Sighting seen = Sighting::of(message.properties, message.body, queue);
          to[{seen.origin, seen.number}].push_back(seen);
        }
        at = header->next_offset();
        rest = rest.subspan(header->size_bytes());
      }
    }
    for (Offset at = bounds.begin; at < bounds.end; ++at)
      EXPECT_TRUE(found.contains(at) || !is_open(at)) << queue << " has a gap at " << at.value;
  }
}

/// Of all queues of the virtual host "/", and of what waits at its exchanges: that is for the queue `delayed_for`.
inline Contents contents_of(SimBroker& broker, const std::string& delayed_for) {
  Contents all;
  EXPECT_TRUE(broker.hosts().find("/")) << "where is the virtual host /?";
  if (!broker.hosts().find("/")) return all;
  std::set<StreamId> known = broker.hosts().streams();
  for (const auto& [stream, log] : broker.core().store.logs())
    EXPECT_TRUE(known.contains(stream)) << "stream " << stream.value << " belongs to nobody";
  for (const auto& [name, queue] : broker.host().queues())
    add_contents(all, broker.core().store, name, queue.definition.levels, queue.definition.type == QueueType::stream);
  Contents delayed;
  for (const auto& [name, exchange] : broker.host().exchanges())
    add_contents(delayed, broker.core().store, "exchange", exchange.definition.levels, false);
  for (const auto& [key, places] : delayed)
    for (const Sighting& one : places) all[{delayed_for, key.second}].push_back(one);
  return all;
}

}  // namespace naru::amqp
