// Produce, v3-9. Appends one record batch per partition; the answer comes when they are on disk (or as safe as the
// topic's durability asks), with acks=0 never. acks=1 waits like acks=all: what is confirmed has to survive kill -9,
// and the sync that this takes is shared with everyone who waits.
// * v5 log start offset  * v7 zstd  * v8 which record was at fault  * v9 flexible
// A topic's compression.type other than "producer" is made true here: the batch is opened anyway, to be checked.
// timeout_ms bounds Kafka's wait for other replicas, of which there are none; the wait for the disk has no end but the
// disk's. Not here: transactions. What has no answer to give (acks=0) but failed ends the connection, as in Kafka.
#include "kafka/messages/00_produce.h"

#include "kafka/api.h"
#include "kafka/errors.h"
#include "log/record.h"
#include "log/record_batch.h"

namespace naru::kafka {
namespace {

/// One partition of the request, and what became of it. Owns all it holds: the frame goes while it waits for the disk.
struct Part {
  TopicPtr topic;
  int32_t partition = 0;
  Bytes copy;  // for another core
  std::span<uint8_t> batch;
  ErrorCode error = ErrorCode::none;
  const char* message = nullptr;
  int32_t bad_record = -1;
  Offset base = Offset(-1), log_start = Offset(-1);
  int64_t append_time = -1;
  JournalPosition position = 0;

  void refuse(ErrorCode code, const char* why) { error = code, message = why; }
};

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

/// Bytes that the compressed batches of one request may still become on one core. Inflating is work on the loop, and a
/// few hundred bytes may become as much as fits into memory, so a request has little more in all than one batch may
/// have.
class Inflation {
 public:
  Inflation(const Core& owner, uint64_t batch_bytes)
      : each_(std::min<uint64_t>(inflated_bytes_max, owner.budget.total())) {
    constexpr uint64_t ratio = 16;  // of what is compressed well
    left_ = std::max(each_, ratio * batch_bytes);
  }
  Result<Bytes> open(Codec codec, ByteView records) {
    uint64_t most = std::min(each_, left_);
    Result<Bytes> opened = fail(Code::too_large, "the batches of the request");
    if (most > 0) opened = decompress(codec, records, most);
    if (opened) left_ -= opened->size();
    if (!opened && opened.error().code == Code::too_large) left_ -= most;
    return opened;
  }

 private:
  uint64_t each_, left_;
};

/// The batch as bytes: whole, one, checksummed, with the records that its header promises. Compressed ones are opened
/// too, as Kafka does: what is stored here every consumer has to be able to read.
/// `records` gets the inflated ones.
Result<BatchHeader> check_bytes(Part& part, int16_t version, Inflation& inflation, RecordFacts& facts, Bytes& records) {
  auto refuse = [&](ErrorCode code, const char* why) {
    part.refuse(code, why);
    return fail(Code::invalid, why);
  };
  if (part.batch.size() < batch_header_bytes)
    return refuse(ErrorCode::invalid_record, "Produce requests must have exactly one whole record batch per partition");
  // The order in which Kafka looks: the format, the length, and only then the rest.
  int8_t magic = static_cast<int8_t>(part.batch[16]);
  int64_t length = load_be<int32_t>(part.batch.data() + 8);
  if (magic == 0 || magic == 1) return refuse(ErrorCode::invalid_record, "Message format before v2 is not supported");
  if (magic != 2) return refuse(ErrorCode::corrupt_message, "Unknown message format");
  if (length < static_cast<int64_t>(batch_header_bytes - batch_prefix_bytes))
    return refuse(ErrorCode::corrupt_message, "The length of the record batch is too small");
  if (length + static_cast<int64_t>(batch_prefix_bytes) != static_cast<int64_t>(part.batch.size()))
    return refuse(ErrorCode::invalid_record, "Produce requests must have exactly one whole record batch per partition");
  if (static_cast<int64_t>(part.batch.size()) > part.topic->message_bytes_max)
    return refuse(ErrorCode::message_too_large, "The record batch is larger than max.message.bytes of the topic");
  bool has_segments = !part.topic->queue;  // those of queues are made as large as their messages
  if (has_segments && part.batch.size() > part.topic->log.segment_bytes)
    return refuse(ErrorCode::record_list_too_large, "The record batch is larger than segment.bytes of the topic");
  auto header = validate(part.batch, Walk::records, &facts);
  if (!header) return refuse(code_of(header.error()), header.error().reason);
  if (header->base_offset != Offset(0)) return refuse(ErrorCode::invalid_record, "The base offset of a new batch is 0");
  if (header->codec() == Codec::zstd && version < 7)
    return refuse(ErrorCode::unsupported_compression_type, "zstd needs Produce version 7 or later");
  if (header->codec() != Codec::none) {
    auto opened = inflation.open(header->codec(), ByteView(part.batch).subspan(batch_header_bytes));
    if (!opened && opened.error().code == Code::too_large)  // Java's producer then sends its records in smaller batches
      return refuse(ErrorCode::message_too_large, "Decompressed, the record batch is larger than the broker can check");
    if (!opened) return refuse(ErrorCode::invalid_record, opened.error().reason);
    auto inside = walk_records(*header, *opened, Origin::producer);
    if (!inside) return refuse(ErrorCode::invalid_record, inside.error().reason);
    facts = *inside;
    records = std::move(*opened);
  }
  return header;
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

/// The batch anew with the codec that the topic wants, if it came with another one; `inflated` has its records if they
/// were compressed. Here and now, because batches of one connection keep their order, as Kafka does it too.
Result<BatchHeader> finish(Part& part, const Bytes& inflated) {
  BatchHeader header = TRY(naru::peek_header(part.batch));
  const auto& wanted = part.topic->compression;
  if (!wanted || wanted->codec == header.codec()) return header;
  ByteView records = ByteView(part.batch).subspan(batch_header_bytes);
  Bytes body = TRY(compress(*wanted, header.codec() == Codec::none ? records : ByteView(inflated)));
  Bytes batch(batch_header_bytes);
  append(batch, body);
  header.attributes =
      static_cast<int16_t>((header.attributes & ~Attribute::codec_mask) | int{std::to_underlying(wanted->codec)});
  seal_batch(batch, header);
  part.copy = std::move(batch);
  part.batch = part.copy;
  if (static_cast<int64_t>(part.batch.size()) > part.topic->message_bytes_max) {
    part.refuse(ErrorCode::message_too_large, "Compressed anew, the record batch is larger than max.message.bytes");
    return fail(Code::too_large, part.message);
  }
  return naru::peek_header(part.batch);
}

/// Everything that can be wrong with the batch or with this topic's rules for it; corrects what the broker corrects.
Result<BatchHeader> check(Core& owner, Part& part, int16_t version, Inflation& inflation) {
  auto refuse = [&](ErrorCode code, const char* why) {
    part.refuse(code, why);
    return fail(Code::invalid, why);
  };
  const Topic& topic = *part.topic;
  int64_t now = owner.loop.wall();
  RecordFacts facts;
  Bytes inflated;
  auto header = check_bytes(part, version, inflation, facts, inflated);
  if (!header) return header;
  if (header->is_transactional())
    return refuse(ErrorCode::transactional_id_authorization_failed, "naru does not serve transactions yet");
  if (topic.log.compact && facts.has_null_key) {
    part.bad_record = first_record(part.batch, [](const Record& record) { return !record.key; });
    return refuse(ErrorCode::invalid_record, "One or more records have been rejected: a compacted topic needs a key");
  }
  if (topic.log_append_time && header->log_append_time() && !topic.queue) {
    part.bad_record = 0;
    return refuse(ErrorCode::invalid_timestamp, "The broker sets the time of the topic's records, not the producer");
  }
  if (topic.log_append_time) {
    set_log_append_time(part.batch, now);
    part.append_time = now;
    return finish(part, inflated);
  }
  bool early = facts.min_timestamp != no_timestamp && topic.timestamp_before_max_ms < now &&
               facts.min_timestamp < now - topic.timestamp_before_max_ms;
  bool late = facts.max_timestamp > now && facts.max_timestamp - now > topic.timestamp_after_max_ms;
  if (early || late) {
    part.bad_record = first_record(part.batch, [&](const Record& record) {
      return record.timestamp < now - topic.timestamp_before_max_ms ||
             record.timestamp - now > topic.timestamp_after_max_ms;
    });
    return refuse(ErrorCode::invalid_timestamp, "Timestamp is out of the range that the topic allows");
  }
  if (header->log_append_time()) clear_log_append_time(part.batch);
  if (facts.max_timestamp != header->max_timestamp) set_max_timestamp(part.batch, facts.max_timestamp);
  return finish(part, inflated);
}

void append(Core& owner, Part& part, int16_t version, Inflation& inflation) {
  // Null if it was deleted while the request was on its way to this core.
  Log* log = owner.find_log(*part.topic, part.partition);
  if (!log) return part.refuse(ErrorCode::unknown_topic_or_partition, nullptr);
  auto header = check(owner, part, version, inflation);
  if (!header)
    return part.error == ErrorCode::none ? part.refuse(code_of(header.error()), header.error().reason) : void();
  auto appended = part.topic->queue ? owner.queues->append_to_queue(log->stream(), part.batch, *header)
                                    : log->append(part.batch, *header);
  if (!appended && part.topic->queue && appended.error().code == Code::busy)
    return part.refuse(ErrorCode::policy_violation, appended.error().reason);
  if (!appended) return part.refuse(code_of(appended.error()), appended.error().reason);
  part.base = appended->base;
  part.position = appended->position;
  part.log_start = log->bounds().begin;
  Bytes().swap(part.copy);    // the journal has its own: the wait for the disk holds nothing
  if (appended->duplicate) {  // the time is the stored one's, and nothing came in
    if (part.topic->log_append_time) part.append_time = appended->max_timestamp;
    return;
  }
  owner.counters.records_in += static_cast<uint64_t>(header->count);
  owner.note_append(part.topic->log);
}

/// Appends the parts of one core and waits for its disk if asked. `elsewhere`: the core is not the connection's, which
/// has seen to it that its own journal has room. Who waits goes on in the order in which he came.
io::Task<bool> append_all(Core& owner, std::vector<Part*> parts, int16_t version, bool durable, bool elsewhere) {
  if (elsewhere) co_await owner.store.journal().room();
  JournalPosition position = 0;
  uint64_t batch_bytes = 0;
  for (const Part* part : parts) batch_bytes += part->batch.size();
  Inflation inflation(owner, batch_bytes);
  for (Part* part : parts) {
    append(owner, *part, version, inflation);
    position = std::max(position, part->position);
  }
  if (durable && position > 0) {
    auto done = co_await owner.store.durable_if_space(position);
    for (Part* part : parts)
      if (!done && part->error == ErrorCode::none) part->refuse(ErrorCode::kafka_storage_error, done.error().reason);
  }
  co_return true;
}

ProduceResponse respond(const std::vector<Part>& parts, const std::vector<std::pair<std::string, size_t>>& topics) {
  ProduceResponse response;
  size_t next = 0;
  for (const auto& [name, count] : topics) {
    auto& topic = response.responses.emplace_back();
    topic.name = name;
    for (size_t i = 0; i < count; ++i) {
      const Part& part = parts[next++];
      auto& out = topic.partition_responses.emplace_back();
      out.index = part.partition;
      out.error_code = part.error;
      out.base_offset = part.error == ErrorCode::none ? part.base.value : -1;
      out.log_append_time_ms = part.error == ErrorCode::none ? part.append_time : -1;
      out.log_start_offset = part.error == ErrorCode::none ? part.log_start.value : -1;
      if (part.message) out.error_message = part.message;
      if (part.bad_record >= 0) out.record_errors.push_back({part.bad_record, part.message});
    }
  }
  return response;
}

io::Task<Reply> handle(Context on, ByteView body) {
  Reply reply;
  auto decoded = decode_counted<ProduceRequest>(on, body);
  if (!decoded) {
    reply.close = true;
    co_return reply;
  }
  const ProduceRequest* request = &decoded->message;
  int16_t acks = request->acks;
  std::vector<Part> parts;
  std::vector<std::pair<std::string, size_t>> topics;  // name, how many of the parts
  CatalogPtr catalog = on.core.catalog();
  for (const auto& asked : request->topic_data) {
    topics.emplace_back(asked.name, asked.partition_data.size());
    TopicPtr topic = catalog->find(asked.name);
    for (const auto& partition : asked.partition_data) {
      Part& part = parts.emplace_back();
      part.topic = topic;
      part.partition = partition.index;
      // The session's buffer is ours to write to: offsets are assigned in place.
      ByteView records = partition.records.value_or(ByteView());
      part.batch = {const_cast<uint8_t*>(records.data()), records.size()};
      if (acks != -1 && acks != 0 && acks != 1) {
        part.refuse(ErrorCode::invalid_required_acks, nullptr);
      } else if (!topic || partition.index < 0 || static_cast<size_t>(partition.index) >= topic->partitions.size()) {
        part.refuse(ErrorCode::unknown_topic_or_partition, nullptr);
      }
    }
  }
  // The parts of this core first: they read from the frame, which others get copies of.
  Broker& broker = on.core.broker;
  std::vector<std::vector<Part*>> by_core(broker.cores.size());
  uint64_t copied = 0;
  for (Part& part : parts) {
    if (part.error != ErrorCode::none) continue;
    Core& owner = broker.owner(part.topic->partitions[static_cast<size_t>(part.partition)]);
    if (&owner != &on.core) {
      part.copy.assign(part.batch.begin(), part.batch.end());
      copied += part.copy.size();
      part.batch = part.copy;
    }
    by_core[owner.index].push_back(&part);
  }
  on.core.budget.overdraw(copied);
  io::Reserved copies(on.core.budget, copied);
  bool durable = acks != 0;
  int16_t version = on.version();
  std::vector<io::Task<bool>> running;
  for (size_t i = 0; i < by_core.size(); ++i) {
    if (by_core[i].empty()) continue;
    bool elsewhere = i != on.core.index;
    auto work = [list = std::move(by_core[i]), version, durable, elsewhere](Core& owner) {
      return append_all(owner, list, version, durable, elsewhere);
    };
    running.push_back(naru::on(on.core, *broker.cores[i], work));
  }
  for (auto& task : running) (void)co_await task;

  if (acks == 0) {
    reply.close = std::ranges::any_of(parts, [](const Part& part) { return part.error != ErrorCode::none; });
    co_return reply;
  }
  ProduceResponse response = respond(parts, topics);
  reply.frame = encode_response(on.header, response);
  co_return reply;
}

}  // namespace

extern const Handler produce{0, handle};

}  // namespace naru::kafka
