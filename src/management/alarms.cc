// Limits of memory and disk, below or above which publishers wait. RabbitMQ has no pages for these, only rabbitmqctl.
#include <charconv>
#include <cmath>

#include "management/call.h"

namespace naru::management {
namespace {

/// Beyond it nothing is meant, and no number of bytes is left to compare with.
constexpr double bytes_max = 1e18;
std::optional<uint64_t> bytes_of(double number) {
  bool makes_sense = std::isfinite(number) && number >= 0 && number <= bytes_max;
  return makes_sense ? std::optional(static_cast<uint64_t>(number)) : std::nullopt;
}

/// "1000", "64MiB", "2GB": as rabbitmqctl takes sizes, where k, M and G are powers of 1024 and kB, MB, GB of 1000.
std::optional<uint64_t> size_of(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  constexpr std::pair<std::string_view, double> units[] = {{"", 1},      {"k", KiB},  {"kiB", KiB}, {"M", MiB},
                                                           {"MiB", MiB}, {"G", GiB},  {"GiB", GiB}, {"kB", 1e3},
                                                           {"KB", 1e3},  {"MB", 1e6}, {"GB", 1e9},  {"KiB", KiB}};
  for (auto [name, factor] : units)
    if (name == unit) return bytes_of(number * factor);
  return std::nullopt;
}

std::optional<double> fraction_of(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// What a number without a unit is, in a limit.
enum class Plain : uint8_t { share, bytes };

/// A member with a text: "0.4" of `whole`, or a size.
std::optional<uint64_t> limit_in(const Call& call, std::string_view name, Plain plain, uint64_t whole) {
  const Json* value = call.body.find(name);
  std::string text = !value ? "" : value->text() ? std::string(*value->text()) : to_text(*value);
  constexpr std::string_view relative = "mem_relative ", absolute = "absolute ";
  bool is_fraction = plain == Plain::share;
  if (text.starts_with(relative)) is_fraction = true, text.erase(0, relative.size());
  if (text.starts_with(absolute)) is_fraction = false, text.erase(0, absolute.size());
  if (!is_fraction) return size_of(text);
  auto fraction = fraction_of(text);
  // RabbitMQ takes no more than all of the memory; of disks there may be more than that.
  if (!fraction || (plain == Plain::share && *fraction > 1)) return std::nullopt;
  return bytes_of(*fraction * static_cast<double>(whole));
}

io::Task<Reply> set(Call& call) {
  Alarms& alarms = *call.site.door.alarms;
  if (call.body.find("vm_memory_high_watermark")) {
    // Of what the process was given: of the machine's memory there may be much more, which naru does not take.
    auto bytes = limit_in(call, "vm_memory_high_watermark", Plain::share, alarms.memory_limit);
    if (!bytes)
      co_return bad_request(
          "vm_memory_high_watermark is a fraction of --memory-limit between 0.0 and 1.0, or \"absolute SIZE\"");
    alarms.set_memory_max(*bytes);
  }
  if (call.body.find("disk_free_limit")) {
    auto bytes = limit_in(call, "disk_free_limit", Plain::bytes, alarms.memory_total);
    if (!bytes) co_return bad_request("disk_free_limit is a size, or \"mem_relative FRACTION\"");
    alarms.set_disk_free_min(*bytes);
  }
  co_return no_content();
}

io::Task<Reply> get(Call& call) {
  Alarms& alarms = *call.site.door.alarms;
  (void)alarms.raised();  // has a look
  Json out;
  out.set("memory", alarms.low_on_memory())
      .set("disk", alarms.low_on_disk() || call.site.queues.is_blocked())
      .set("vm_memory_high_watermark", static_cast<int64_t>(alarms.memory_max()))
      .set("disk_free_limit", static_cast<int64_t>(alarms.disk_free_min()));
  co_return Reply{200, std::move(out)};
}

constexpr Route routes[] = {
    {"GET", "/alarms", Needs::monitoring, get},
    {"PUT", "/alarms", Needs::administrator, set},
};

}  // namespace

std::span<const Route> alarm_routes() { return routes; }

}  // namespace naru::management
