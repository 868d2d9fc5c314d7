#pragma once
// A receipt handle: which message of which queue, and which receive of it. Signed, so that nothing has to be remembered
// and nobody can make one.
//
// Base64 of: stream u64 (the queue, for ever), level u8, offset i64, receive u32, when received i64 (ms), leader epoch
// i32, code u64.
#include "base/siphash.h"
#include "broker/queue/queue.h"

namespace naru::sqs {

struct Receipt {
  uint64_t queue = 0;
  MessageId message{};
  uint32_t attempt = 0;
  int64_t received_ms = 0;
  /// The run of the broker. A message that was handed out before it was durable may be lost in a crash, and another one
  /// stand in its place: that one is of a later epoch, and this receipt is not for it.
  int32_t epoch = 0;
};

std::string encode(const Receipt& receipt, const SipKey& key);
/// Nothing if it is none that was made with this key.
std::optional<Receipt> decode_receipt(std::string_view text, const SipKey& key);

}  // namespace naru::sqs
