#pragma once
// What the meta store keeps for SQS: of a queue under "sqs/queue/" and its name, of a move task that has not ended
// under "sqs/move/" and its id.
#include "base/bytes.h"
#include "base/result.h"
#include "log/offset.h"
#include "sqs/queues.h"

namespace naru::sqs {

struct QueueRow {
  /// The log of the broker's queue that this is about; 0 while the queue is being made. A row about another one is left
  /// over from a queue that is gone.
  StreamId stream{};
  int64_t created_s = 0, modified_s = 0;
  /// Messages below it were purged, and are remembered no more for deduplication.
  Offset purged_to{};
  /// There were messages with groups, on a queue that is none of FIFO: each gets its share.
  bool is_shared = false;
  /// Somebody made it with these attributes, or set them: else it is a queue of AMQP's that keeps its own rules.
  bool has_attributes = false;
  Attributes attributes{};
  Tags tags{};
};

std::string encode(const QueueRow& row);
Result<QueueRow> decode_row(std::string_view bytes);

std::string encode(const MoveTask& task);
Result<MoveTask> decode_move_task(std::string_view id, std::string_view bytes);

}  // namespace naru::sqs
