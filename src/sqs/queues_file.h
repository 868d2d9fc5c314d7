#pragma once
// The file of queues that are made at the start, as ElasticMQ has it: the object `queues` of a HOCON file. Of HOCON
// (https://github.com/lightbend/config/blob/main/HOCON.md) it reads objects, texts with and without quotes, numbers,
// durations and comments; it passes over what stands beside `queues`, and over includes.
//
//   queues {
//     orders {
//       defaultVisibilityTimeout = 10 seconds
//       deadLettersQueue { name = "orders-dead", maxReceiveCount = 3 }
//       tags { team = "sales" }
//     }
//     orders-dead { }
//   }
#include <expected>

#include "sqs/queues.h"
#include "sqs/wire/names.h"

namespace naru::sqs {

struct QueueInFile {
  std::string name;
  Attributes attributes{};
  Tags tags{};
};

/// Else what is wrong, and in which line.
std::expected<std::vector<QueueInFile>, std::string> parse_queues_file(std::string_view text, const Place& place);

/// Makes those that are not there, and gives those that are the attributes that stand in the file. Else what is wrong.
io::Task<std::expected<void, std::string>> make_queues(Queues& queues, std::vector<QueueInFile> wanted);

}  // namespace naru::sqs
