#pragma once
// A batch that a producer sent, on its way into a log: checked, and made what its topic wants. Only bytes and the
// topic's settings are looked at, so this runs on any thread.
#include <span>

#include "broker/catalog.h"
#include "kafka/errors.h"
#include "log/record_batch.h"

namespace naru::kafka {

/// How much inflating and compressing a request may still have done. What a few hundred bytes become may take as long
/// as it takes memory, so all batches of a request together have little more than one of them may have.
class CodecWork {
 public:
  /// As much as may be done between two turns of a loop.
  static CodecWork here() { return {here_bytes, here_bytes, true}; }
  /// As much as a request with batches of so many bytes may need, where a core has `memory` for requests.
  static CodecWork whole(uint64_t batch_bytes, uint64_t memory);

  /// Undoes `codec`. Records that become more than is left are Code::too_large; Code::busy if they need another thread.
  Result<Bytes> open(Codec codec, ByteView records);
  /// Compresses; Code::busy if that needs another thread.
  Result<Bytes> compress(const Compression& how, ByteView records);
  bool is_here() const { return here_; }

 private:
  static constexpr uint64_t here_bytes = 64 * KiB;
  /// zstd and gzip at their best take a hundred times as long to compress as to inflate.
  static constexpr uint64_t compress_cost = 16;

  CodecWork(uint64_t each, uint64_t left, bool here) : each_(each), left_(left), here_(here) {}

  uint64_t each_, left_;
  bool here_;
};

struct IncomingBatch {
  TopicPtr topic;
  std::span<uint8_t> bytes;  // in the request's frame, until `copy` has something
  Bytes copy;                // made anew, or for another core

  // What is wrong with it, as the answer says it.
  ErrorCode error = ErrorCode::none;
  const char* message = nullptr;
  int32_t bad_record = -1;

  // Of one that is fine.
  BatchHeader header;
  int64_t value_bytes = 0;  // of all records

  void refuse(ErrorCode code, const char* why) { error = code, message = why; }
};

/// Everything that can be wrong with a batch or with its topic's rules for it; corrects what the broker corrects, and
/// compresses it anew if the topic wants that; LogAppendTime is set by who appends. False if that is too much work for
/// `here()`: then it has to be asked again on another thread. `version` is that of the request.
bool check_batch(IncomingBatch& batch, int16_t version, CodecWork& work, int64_t now_ms);

/// What an error of the log's says to a producer.
ErrorCode code_of(const Error& error);

}  // namespace naru::kafka
