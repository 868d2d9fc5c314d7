#pragma once
// What clients say about reading a stream: where to begin, and which messages they want (rabbitmq.md 1.5). The filters
// are those of RabbitMQ 3.13, but exact: nothing is delivered that was not asked for.
#include <expected>
#include <string>
#include <vector>

#include "broker/field_table.h"
#include "broker/queue/queue.h"

namespace naru::amqp {

inline constexpr std::string_view stream_offset_name = "x-stream-offset";
/// The same for a queue: who consumes with it reads what is there, acknowledged or not, and takes nothing away.
inline constexpr std::string_view replay_offset_name = "x-naru-offset";

/// x-stream-offset: first, last, next, a number, a timestamp, or an age. Else what is wrong with it. `now_ms` is the
/// wall clock's.
std::expected<ReadStart, std::string> parse_stream_offset(const FieldValue& value, int64_t now_ms);

/// Which messages of a stream a consumer wants: those whose header x-stream-filter-value is one of `values`.
class StreamFilter {
 public:
  /// From x-stream-filter and x-stream-match-unfiltered of basic.consume. Else what is wrong with them; `queue` is for
  /// that: "queue 'q' in vhost '/'".
  static std::expected<StreamFilter, std::string> parse(FieldTableView arguments, std::string_view queue);
  bool matches(const StoredRecord& record) const;

 private:
  std::vector<std::string> values_;  // none: all messages
  bool match_unfiltered_ = false;    // and those without the header
};

}  // namespace naru::amqp
