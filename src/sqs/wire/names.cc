#include "sqs/wire/names.h"

#include <algorithm>

namespace naru::sqs {
namespace {

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Takes what stands behind the last `at` off the end of `text`, which loses it.
std::string_view take_last(std::string_view& text, char at) {
  size_t place = text.rfind(at);
  std::string_view last = place == text.npos ? text : text.substr(place + 1);
  text = place == text.npos ? std::string_view() : text.substr(0, place);
  return last;
}

}  // namespace

bool is_plain_name(std::string_view name, size_t size_max) {
  auto fits = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
  return !name.empty() && name.size() <= size_max && std::ranges::all_of(name, fits);
}

bool is_queue_name(std::string_view name) {
  if (name.size() > 80) return false;
  return is_plain_name(is_fifo_name(name) ? name.substr(0, name.size() - 5) : name);
}

QueueUrl parse_queue_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  if (size_t scheme = url.find("://"); scheme != url.npos) {
    url.remove_prefix(scheme + 3);
    url.remove_prefix(std::min(url.find('/'), url.size()));
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  QueueUrl out{.name = take_last(url, '/'), .token = {}};
  constexpr std::string_view mark = "lease-";
  std::string_view before = take_last(url, '/');
  if (before.starts_with(mark)) out.token = before.substr(mark.size());
  return out;
}

std::string arn_of(const Place& place, std::string_view queue) {
  std::string arn = "arn:aws:sqs:";
  arn.append(place.region).append(":").append(place.account).append(":").append(queue);
  return arn;
}

std::optional<std::string_view> queue_of_arn(std::string_view arn) {
  if (!arn.starts_with("arn:") || std::ranges::count(arn, ':') != 5) return std::nullopt;
  std::string_view name = take_last(arn, ':');
  take_last(arn, ':');
  take_last(arn, ':');
  if (take_last(arn, ':') != "sqs" || name.empty()) return std::nullopt;
  return name;
}

}  // namespace naru::sqs
