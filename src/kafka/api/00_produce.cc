// Produce, v3-9. Appends one record batch per partition; the answer comes when they are on disk (or as safe as the
// topic's durability asks), with acks=0 never. acks=1 waits like acks=all: what is confirmed has to survive kill -9,
// and the sync that this takes is shared with everyone who waits.
// * v5 log start offset  * v7 zstd  * v8 which record was at fault  * v9 flexible
// Batches are checked before they go to the cores of their partitions; what takes long of that (inflating, compressing
// anew) is done by another thread, and the connection's next requests wait for it: its batches keep their order.
// timeout_ms bounds Kafka's wait for other replicas, of which there are none; the wait for the disk has no end but the
// disk's. Not here: transactions. What has no answer to give (acks=0) but failed ends the connection, as in Kafka.
#include "kafka/messages/00_produce.h"

#include "kafka/api.h"
#include "kafka/errors.h"
#include "kafka/incoming_batch.h"

namespace naru::kafka {
namespace {

/// One partition of the request, and what became of it. Owns all it holds: the frame goes while it waits for the disk.
struct Part : IncomingBatch {
  int32_t partition = 0;
  Offset base = Offset(-1), log_start = Offset(-1);
  int64_t append_time = -1;
  JournalPosition position = 0;
};

/// Looks at every batch, as far as that is quick, and has the others looked at by a thread that may take its time.
io::Task<> check_all(Core& core, std::vector<Part>& parts, int16_t version) {
  CodecWork here = CodecWork::here();
  std::vector<Part*> left;
  uint64_t bytes = 0;
  const int64_t now = core.loop.wall();
  for (Part& part : parts) {
    if (part.error != ErrorCode::none || check_batch(part, version, here, now)) continue;
    left.push_back(&part);
    bytes += part.bytes.size();
  }
  if (left.empty()) co_return;
  CodecWork whole = CodecWork::whole(bytes, core.budget.total());
  auto job = [&] {
    for (Part* part : left) CHECK(check_batch(*part, version, whole, now));
    return true;
  };
  co_await io::work(core.loop, io::Lane::codec, job);
}

void append(Core& owner, Part& part) {
  // Null if it was deleted while the request was on its way to this core.
  Log* log = owner.find_log(*part.topic, part.partition);
  if (!log) return part.refuse(ErrorCode::unknown_topic_or_partition, nullptr);
  if (part.topic->log_append_time) {
    part.append_time = owner.loop.wall();
    set_log_append_time(part.bytes, part.append_time);
    part.header.attributes |= Attribute::log_append_time;
    part.header.max_timestamp = part.append_time;
  }
  auto appended = part.topic->queue
                      ? owner.queues->append_to_queue(log->stream(), part.bytes, part.header, part.value_bytes)
                      : log->append(part.bytes, part.header);
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
  owner.counters.records_in += static_cast<uint64_t>(part.header.count);
  owner.note_append(part.topic->log);
}

/// Appends the parts of one core and waits for its disk if asked. `elsewhere`: the core is not the connection's, which
/// has seen to it that its own journal has room. Who waits goes on in the order in which he came.
io::Task<bool> append_all(Core& owner, std::vector<Part*> parts, bool durable, bool elsewhere) {
  if (elsewhere) co_await owner.store.journal().room();
  JournalPosition position = 0;
  for (Part* part : parts) {
    append(owner, *part);
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
      part.bytes = {const_cast<uint8_t*>(records.data()), records.size()};
      if (acks != -1 && acks != 0 && acks != 1) {
        part.refuse(ErrorCode::invalid_required_acks, nullptr);
      } else if (!topic || partition.index < 0 || static_cast<size_t>(partition.index) >= topic->partitions.size()) {
        part.refuse(ErrorCode::unknown_topic_or_partition, nullptr);
      }
    }
  }
  co_await check_all(on.core, parts, on.version());
  co_await on.core.store.journal().room();
  // Others get copies: the frame goes when this core has appended its own.
  Broker& broker = on.core.broker;
  std::vector<std::vector<Part*>> by_core(broker.cores.size());
  uint64_t copied = 0;
  for (Part& part : parts) {
    if (part.error != ErrorCode::none) continue;
    Core& owner = broker.owner(part.topic->partitions[static_cast<size_t>(part.partition)]);
    if (&owner != &on.core && part.copy.empty()) {
      part.copy.assign(part.bytes.begin(), part.bytes.end());
      part.bytes = part.copy;
    }
    copied += part.copy.size();
    by_core[owner.index].push_back(&part);
  }
  on.core.budget.overdraw(copied);
  io::Reserved copies(on.core.budget, copied);
  bool durable = acks != 0;
  std::vector<io::Task<bool>> running;
  for (size_t i = 0; i < by_core.size(); ++i) {
    if (by_core[i].empty()) continue;
    bool elsewhere = i != on.core.index;
    auto work = [list = std::move(by_core[i]), durable, elsewhere](Core& owner) {
      return append_all(owner, list, durable, elsewhere);
    };
    running.push_back(naru::on(on.core, *broker.cores[i], work));
  }
  on.body_done->wake();
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
