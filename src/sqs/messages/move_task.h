#pragma once
// Moving messages back from a dead-letter queue.
#include <string>

#include "sqs/wire/fields.h"

namespace naru::sqs {

struct StartMoveRequest {
  Text source, destination;
  Number per_second;
  static void describe(auto& wire, auto& m) {
    wire("SourceArn", m.source);
    wire("DestinationArn", m.destination);
    wire("MaxNumberOfMessagesPerSecond", m.per_second);
  }
};
struct StartMoveResult {
  std::string handle;
  static void describe(auto& wire, auto& m) { wire("TaskHandle", m.handle); }
};

struct CancelMoveRequest {
  Text handle;
  static void describe(auto& wire, auto& m) { wire("TaskHandle", m.handle); }
};
struct CancelMoveResult {
  int64_t moved = 0;
  static void describe(auto& wire, auto& m) { wire("ApproximateNumberOfMessagesMoved", m.moved); }
};

struct ListMovesRequest {
  Text source;
  Number max;
  static void describe(auto& wire, auto& m) {
    wire("SourceArn", m.source);
    wire("MaxResults", m.max);
  }
};
struct ListedMove {
  std::optional<std::string> handle;  // while it runs
  std::string_view status;
  std::string source;
  std::optional<std::string> destination;
  Number per_second;
  int64_t moved = 0, to_move = 0;
  std::optional<std::string> failure;
  int64_t started_ms = 0;
  static void describe(auto& wire, auto& m) {
    wire("TaskHandle", m.handle);
    wire("Status", m.status);
    wire("SourceArn", m.source);
    wire("DestinationArn", m.destination);
    wire("MaxNumberOfMessagesPerSecond", m.per_second);
    wire("ApproximateNumberOfMessagesMoved", m.moved);
    wire("ApproximateNumberOfMessagesToMove", m.to_move);
    wire("FailureReason", m.failure);
    wire("StartedTimestamp", m.started_ms);
  }
};
struct ListMovesResult {
  std::vector<ListedMove> results;
  static void describe(auto& wire, auto& m) { wire.always("Results", "ListMessageMoveTasksResultEntry", m.results); }
};

}  // namespace naru::sqs
