#include "sqs/queues_file.h"

#include "sqs/wire/hocon.h"
#include "sqs/wire/query_reader.h"
#include "sqs/wire/queue_attributes.h"

namespace naru::sqs {
namespace {

std::string in_line(const HoconMember& member, const std::string& what) {
  return "line " + std::to_string(member.line) + ": " + member.name + ": " + what;
}

/// "10 seconds", "5s", "1 minute", "500 ms"; a number alone means milliseconds, as everywhere in HOCON. In seconds.
std::optional<int64_t> parse_duration(std::string_view text) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  Number number = parse_integer(text.substr(0, digits));
  std::string_view unit = text.substr(digits);
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  if (!number || *number > 1'000'000'000) return std::nullopt;
  struct Unit {
    std::string_view names;  // each with a blank behind it
    int64_t ms;
  };
  constexpr Unit units[] = {{"ms milli millis millisecond milliseconds ", 1},
                            {"s second seconds ", 1'000},
                            {"m minute minutes ", 60'000},
                            {"h hour hours ", 3'600'000},
                            {"d day days ", 86'400'000}};
  if (unit.empty()) return *number / 1000;
  for (const Unit& one : units)
    if (one.names.starts_with(std::string(unit) + " ") || one.names.contains(" " + std::string(unit) + " "))
      return *number * one.ms / 1000;
  return std::nullopt;
}

struct Setting {
  std::string_view name, attribute;
  enum class Kind : uint8_t { duration, truth, number } kind = Kind::duration;
};
constexpr Setting settings[] = {
    {"defaultVisibilityTimeout", "VisibilityTimeout"},
    {"delay", "DelaySeconds"},
    {"receiveMessageWait", "ReceiveMessageWaitTimeSeconds"},
    {"messageRetentionPeriod", "MessageRetentionPeriod"},
    {"maximumMessageSize", "MaximumMessageSize", Setting::Kind::number},
    {"contentBasedDeduplication", "ContentBasedDeduplication", Setting::Kind::truth},
};

/// A queue on its way out of the file: attributes as a client would give them.
struct Given {
  std::string name;
  bool is_fifo = false;
  std::vector<std::pair<std::string, std::string>> attributes{};
  std::optional<std::string> dead_letters{};
  std::string receives_max = "10";
  Tags tags{};
  int line = 0;
};

std::expected<void, std::string> read_dead_letters(const HoconMember& member, Given& into) {
  for (const HoconMember& one : member.members) {
    if (one.name == "name") {
      into.dead_letters = one.text;
    } else if (one.name == "maxReceiveCount") {
      into.receives_max = one.text;
    } else {
      return std::unexpected(in_line(one, "no such setting; there is name and maxReceiveCount"));
    }
  }
  if (!into.dead_letters) return std::unexpected(in_line(member, "needs a name"));
  return {};
}

std::expected<void, std::string> read_setting(const HoconMember& member, Given& into) {
  if (member.name == "fifo") {
    into.is_fifo = member.text == "true";
    return {};
  }
  if (member.name == "deadLettersQueue") return read_dead_letters(member, into);
  if (member.name == "tags") {
    for (const HoconMember& tag : member.members) into.tags.insert_or_assign(tag.name, tag.text);
    return {};
  }
  auto found = std::ranges::find(settings, std::string_view(member.name), &Setting::name);
  if (found == std::end(settings))
    return std::unexpected(in_line(member, member.name == "copyTo" || member.name == "moveTo"
                                               ? "naru has no such thing; bind an exchange to both queues instead"
                                               : "no such setting"));
  std::string value = member.text;
  if (found->kind == Setting::Kind::duration) {
    auto seconds = parse_duration(value);
    if (!seconds) return std::unexpected(in_line(member, "\"" + value + "\" is no duration, as 10 seconds"));
    value = std::to_string(*seconds);
  }
  into.attributes.emplace_back(found->attribute, std::move(value));
  return {};
}

std::expected<Given, std::string> read_queue(const HoconMember& member) {
  Given out{.name = member.name, .line = member.line};
  if (!member.is_object) return std::unexpected(in_line(member, "is no object { }"));
  for (const HoconMember& one : member.members)
    if (auto read = read_setting(one, out); !read) return std::unexpected(read.error());
  if (out.is_fifo && !is_fifo_name(out.name)) out.name += ".fifo";
  out.is_fifo = is_fifo_name(out.name);
  if (!is_queue_name(out.name)) return std::unexpected(in_line(member, "not a name that a queue can have"));
  return out;
}

std::string fifo_name(std::string name, bool is_fifo) {
  if (is_fifo && !is_fifo_name(name)) name += ".fifo";
  return name;
}

}  // namespace

std::expected<std::vector<QueueInFile>, std::string> parse_queues_file(std::string_view text, const Place& place) {
  auto file = parse_hocon(text);
  if (!file) return std::unexpected(file.error());
  std::vector<Given> given;
  std::map<std::string, Attributes, std::less<>> known;
  const HoconMember* queues = file->find("queues");
  for (const HoconMember& member : queues ? queues->members : std::vector<HoconMember>()) {
    auto queue = read_queue(member);
    if (!queue) return std::unexpected(queue.error());
    known[queue->name].is_fifo = queue->is_fifo;
    given.push_back(std::move(*queue));
  }
  FindAttributes find = [&](std::string_view name) {
    auto found = known.find(name);
    return found == known.end() ? nullptr : &found->second;
  };
  std::vector<QueueInFile> out;
  for (Given& one : given) {
    if (one.dead_letters) {
      std::string arn = arn_of(place, fifo_name(*one.dead_letters, one.is_fifo));
      one.attributes.emplace_back("RedrivePolicy", R"({"deadLetterTargetArn":")" + arn + R"(","maxReceiveCount":")" +
                                                       one.receives_max + R"("})");
    }
    TextMap attributes(one.attributes.begin(), one.attributes.end());
    QueueInFile& queue = out.emplace_back(QueueInFile{one.name, {}, std::move(one.tags)});
    queue.attributes.is_fifo = one.is_fifo;
    AttributeChange change{queue.name, true, find};
    if (auto applied = apply_attributes(attributes, change, queue.attributes); !applied)
      return std::unexpected("line " + std::to_string(one.line) + ": " + one.name + ": " + applied.error().message);
  }
  return out;
}

io::Task<std::expected<void, std::string>> make_queues(Queues& queues, std::vector<QueueInFile> wanted) {
  for (const QueueInFile& one : wanted) {
    auto creating = queues.create(one.name, one.attributes, one.tags);
    auto created = co_await creating;
    if (!created) co_return std::unexpected(one.name + ": cannot be made; the name may be a topic's or a stream's");
    if (created->is_new || created->queue->attributes() == one.attributes) continue;
    if (created->queue->attributes().is_fifo != one.attributes.is_fifo)
      co_return std::unexpected(one.name + ": is there already, and of the other kind");
    auto setting = created->queue->set_attributes(one.attributes);
    auto set = co_await setting;
    if (!set) co_return std::unexpected(one.name + ": its attributes cannot be stored");
  }
  co_return std::expected<void, std::string>();
}

}  // namespace naru::sqs
