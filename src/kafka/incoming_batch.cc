#include "kafka/incoming_batch.h"

#include "log/compression.h"
#include "log/producer_window.h"
#include "log/record.h"

namespace naru::kafka {

CodecWork CodecWork::whole(uint64_t batch_bytes, uint64_t memory) {
  constexpr uint64_t ratio = 16;  // of what is compressed well
  uint64_t each = std::min<uint64_t>(inflated_bytes_max, memory);
  return {each, std::max(each, ratio * batch_bytes), false};
}

Result<Bytes> CodecWork::open(Codec codec, ByteView records) {
  uint64_t most = std::min(each_, left_);
  Result<Bytes> opened = fail(Code::too_large, "the batches of the request");
  if (most > 0 && records.size() <= most) opened = decompress(codec, records, most);
  bool is_too_large = !opened && opened.error().code == Code::too_large;
  left_ -= opened ? opened->size() : is_too_large ? most : 0;
  if (is_too_large && here_) return fail(Code::busy, "too much for a turn of the loop");
  return opened;
}

Result<Bytes> CodecWork::compress(const Compression& how, ByteView records) {
  if (here_ && compress_cost * records.size() > left_) return fail(Code::busy, "too much for a turn of the loop");
  if (here_) left_ -= compress_cost * records.size();
  return naru::compress(how, records);
}

ErrorCode code_of(const Error& error) {
  switch (error.code) {
    case Code::corrupt: return ErrorCode::corrupt_message;
    case Code::out_of_order: return ErrorCode::out_of_order_sequence_number;
    case Code::fenced: return ErrorCode::invalid_producer_epoch;
    case Code::too_large: return ErrorCode::message_too_large;
    case Code::invalid:
    case Code::unsupported:
    case Code::out_of_range: return ErrorCode::invalid_record;
    default: return ErrorCode::kafka_storage_error;
  }
}

namespace {

/// What becomes of a look at a batch: all is well, it was refused, or (Code::busy) there was not enough work left.
using Checked = Result<void>;

std::unexpected<Error> refuse(IncomingBatch& batch, ErrorCode code, const char* why) {
  batch.refuse(code, why);
  return fail(Code::invalid, why);
}

std::unexpected<Error> refuse(IncomingBatch& batch, const Error& error) {
  return refuse(batch, code_of(error), error.reason);
}

/// As bytes: whole, one, checksummed. The order in which Kafka looks: the format, the length, and only then the rest.
Checked check_frame(IncomingBatch& batch) {
  const char* not_one = "Produce requests must have exactly one whole record batch per partition";
  if (batch.bytes.size() < batch_header_bytes) return refuse(batch, ErrorCode::invalid_record, not_one);
  int8_t magic = static_cast<int8_t>(batch.bytes[16]);
  int64_t length = load_be<int32_t>(batch.bytes.data() + 8), size = static_cast<int64_t>(batch.bytes.size());
  if (magic == 0 || magic == 1)
    return refuse(batch, ErrorCode::invalid_record, "Message format before v2 is not supported");
  if (magic != 2) return refuse(batch, ErrorCode::corrupt_message, "Unknown message format");
  if (length < static_cast<int64_t>(batch_header_bytes - batch_prefix_bytes))
    return refuse(batch, ErrorCode::corrupt_message, "The length of the record batch is too small");
  if (length + static_cast<int64_t>(batch_prefix_bytes) != size)
    return refuse(batch, ErrorCode::invalid_record, not_one);
  if (size > batch.topic->message_bytes_max)
    return refuse(batch, ErrorCode::message_too_large,
                  "The record batch is larger than max.message.bytes of the topic");
  bool has_segments = !batch.topic->queue;  // those of queues are made as large as their messages
  if (has_segments && batch.bytes.size() > batch.topic->log.segment_bytes)
    return refuse(batch, ErrorCode::record_list_too_large,
                  "The record batch is larger than segment.bytes of the topic");
  return {};
}

/// With the records that its header promises. Compressed ones are opened too, as Kafka does: what is stored here every
/// consumer has to be able to read. `inflated` gets their bytes.
Checked check_records(IncomingBatch& batch, int16_t version, CodecWork& work, RecordFacts& facts, Bytes& inflated) {
  auto header = validate(batch.bytes, Walk::records, &facts);
  if (!header) return refuse(batch, header.error());
  if (header->base_offset != Offset(0))
    return refuse(batch, ErrorCode::invalid_record, "The base offset of a new batch is 0");
  if (header->producer_id >= feed_producers)
    return refuse(batch, ErrorCode::invalid_record, "Producer ids of this size are the broker's own");
  batch.header = *header;
  if (header->codec() == Codec::none) return {};
  if (header->codec() == Codec::zstd && version < 7)
    return refuse(batch, ErrorCode::unsupported_compression_type, "zstd needs Produce version 7 or later");
  auto opened = work.open(header->codec(), ByteView(batch.bytes).subspan(batch_header_bytes));
  if (!opened && opened.error().code == Code::too_large)  // Java's producer then sends its records in smaller batches
    return refuse(batch, ErrorCode::message_too_large,
                  "Decompressed, the record batch is larger than the broker can check");
  if (!opened && opened.error().code == Code::busy) return std::unexpected(opened.error());
  if (!opened) return refuse(batch, ErrorCode::invalid_record, opened.error().reason);
  auto inside = walk_records(*header, *opened, Origin::producer);
  if (!inside) return refuse(batch, ErrorCode::invalid_record, inside.error().reason);
  facts = *inside;
  inflated = std::move(*opened);
  return {};
}

/// The number of the first record in the batch that is like that.
int32_t first_record(ByteView batch, auto is_wanted) {
  auto reader = RecordReader::open(batch);
  Record record;
  for (int32_t i = 0; reader; ++i) {
    auto more = reader->next(&record);
    if (!more || !*more) break;
    if (is_wanted(record)) return i;
  }
  return 0;
}

Checked check_topic_rules(IncomingBatch& batch, const RecordFacts& facts, int64_t now) {
  const Topic& topic = *batch.topic;
  if (batch.header.is_transactional())
    return refuse(batch, ErrorCode::transactional_id_authorization_failed, "naru does not serve transactions yet");
  if (topic.log.compact && facts.has_null_key) {
    batch.bad_record = first_record(batch.bytes, [](const Record& record) { return !record.key; });
    return refuse(batch, ErrorCode::invalid_record,
                  "One or more records have been rejected: a compacted topic needs a key");
  }
  if (topic.log_append_time) {
    if (!batch.header.log_append_time() || topic.queue) return {};
    batch.bad_record = 0;
    return refuse(batch, ErrorCode::invalid_timestamp,
                  "The broker sets the time of the topic's records, not the producer");
  }
  bool early = facts.min_timestamp != no_timestamp && topic.timestamp_before_max_ms < now &&
               facts.min_timestamp < now - topic.timestamp_before_max_ms;
  bool late = facts.max_timestamp > now && facts.max_timestamp - now > topic.timestamp_after_max_ms;
  if (!early && !late) return {};
  batch.bad_record = first_record(batch.bytes, [&](const Record& record) {
    return record.timestamp < now - topic.timestamp_before_max_ms ||
           record.timestamp - now > topic.timestamp_after_max_ms;
  });
  return refuse(batch, ErrorCode::invalid_timestamp, "Timestamp is out of the range that the topic allows");
}

/// The batch anew with the codec that the topic wants, if it came with another one; `inflated` has its records if they
/// were compressed.
Checked recompress(IncomingBatch& batch, CodecWork& work, ByteView inflated) {
  const auto& wanted = batch.topic->compression;
  BatchHeader& header = batch.header;
  if (!wanted || wanted->codec == header.codec()) return {};
  ByteView records = header.codec() == Codec::none ? ByteView(batch.bytes).subspan(batch_header_bytes) : inflated;
  auto body = work.compress(*wanted, records);
  if (!body && body.error().code == Code::busy) return std::unexpected(body.error());
  if (!body) return refuse(batch, body.error());
  Bytes made(batch_header_bytes);
  append(made, *body);
  header.attributes =
      static_cast<int16_t>((header.attributes & ~Attribute::codec_mask) | int{std::to_underlying(wanted->codec)});
  seal_batch(made, header);
  batch.copy = std::move(made);
  batch.bytes = batch.copy;
  if (static_cast<int64_t>(batch.bytes.size()) > batch.topic->message_bytes_max)
    return refuse(batch, ErrorCode::message_too_large,
                  "Compressed anew, the record batch is larger than max.message.bytes");
  header = TRY(peek_header(batch.bytes));
  return {};
}

Checked check(IncomingBatch& batch, int16_t version, CodecWork& work, int64_t now) {
  RecordFacts facts;
  Bytes inflated;
  TRY_VOID(check_frame(batch));
  TRY_VOID(check_records(batch, version, work, facts, inflated));
  TRY_VOID(check_topic_rules(batch, facts, now));
  batch.value_bytes = facts.value_bytes;
  bool keeps_times = !batch.topic->log_append_time;
  if (keeps_times && batch.header.log_append_time()) clear_log_append_time(batch.bytes);
  if (keeps_times && facts.max_timestamp != batch.header.max_timestamp)
    set_max_timestamp(batch.bytes, facts.max_timestamp);
  batch.header = TRY(peek_header(batch.bytes));
  return recompress(batch, work, inflated);
}

}  // namespace

bool check_batch(IncomingBatch& batch, int16_t version, CodecWork& work, int64_t now_ms) {
  auto checked = check(batch, version, work, now_ms);
  if (checked || checked.error().code != Code::busy) return true;
  if (work.is_here()) return false;
  batch.refuse(code_of(checked.error()), checked.error().reason);  // no memory
  return true;
}

}  // namespace naru::kafka
