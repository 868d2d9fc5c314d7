#pragma once
// Queues' names, URLs and ARNs.
#include <optional>
#include <string>
#include <string_view>

namespace naru::sqs {

/// What URLs and ARNs say beside the name. Any account and region is taken; these are told to clients.
struct Place {
  std::string region = "us-east-1", account = "000000000000";
  std::string public_url{};  // "https://queues.example.org"; empty: as the client's Host header has it
};

/// Letters, digits, - and _, and nothing else; `empty` is false.
bool is_plain_name(std::string_view name, size_t size_max = 80);
/// A plain name, or one with ".fifo" behind it; 80 characters in all.
bool is_queue_name(std::string_view name);
inline bool is_fifo_name(std::string_view name) { return name.ends_with(".fifo"); }

/// What a queue's URL, or the path of one, or a bare name means: its last segment is the name. Host, region and account
/// may be anything.
struct QueueUrl {
  std::string_view name;   // empty: it names no queue
  std::string_view token;  // of /ACCOUNT/lease-TOKEN/NAME: tells holders behind one address apart
};
QueueUrl parse_queue_url(std::string_view url);

std::string arn_of(const Place& place, std::string_view queue);
/// The queue of "arn:aws:sqs:REGION:ACCOUNT:NAME"; nothing if it is no such ARN.
std::optional<std::string_view> queue_of_arn(std::string_view arn);

}  // namespace naru::sqs
