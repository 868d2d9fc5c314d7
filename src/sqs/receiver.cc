#include "sqs/receiver.h"

#include "base/hash.h"

namespace naru::sqs {
namespace {

/// A name for a message that nobody gave one; the same whenever it is asked for.
std::string made_up_id(uint64_t queue, const naru::MessageId& message) {
  Uuid id;
  store_le(id.bytes.data(), mix64(queue << 8 | message.level));
  store_le(id.bytes.data() + 8, mix64(queue ^ static_cast<uint64_t>(message.offset.value) << 16));
  return to_hex_text(id);
}

}  // namespace

Receiver::Receiver(LiveQueue& queue, const ReceiveRequest& request) : queue_(queue), holder_(request.holder) {
  const Attributes& attributes = queue.attributes();
  max = static_cast<size_t>(std::max(request.max, 1));
  lease_ms = request.visibility.value_or(attributes.visibility) * 1000L;
  waits = request.wait.value_or(attributes.wait) > 0;
}

void Receiver::stop() {
  if (ended_.is_set() || std::exchange(stopped_, true)) return;
  queue_.queue().forget(*this);
  // Not from here: what calls goes with the receive.
  queue_.engine_.core().loop.post([this] { ended_.set(End::answered); });
}

/// A message that was received too often goes to the queue for these. False if it has to stay.
bool Receiver::bury(const Delivery& delivery, const Journey& journey, int64_t first_received_ms) {
  LiveQueue* target = queue_.engine_.live(queue_.attributes().redrive->target);
  if (!target || target == &queue_ || queue_.engine_.is_unavailable()) return false;
  Journey next{.dead_letter_source = queue_.name(),
               .receives_before = journey.receives_before + delivery.attempt - 1,
               .first_received_ms = first_received_ms};
  bool moved = target->take_over(delivery.record, next);
  has_buried |= moved;
  return moved;
}

Incoming LiveQueue::message_of(const Record& record, const Receipt& receipt, int64_t first_taken_ms) const {
  Incoming message = read_record(record, made_up_id(receipt.queue, receipt.message));
  Journey journey = journey_of(record);
  message.receipt = encode(receipt, engine_.key());
  message.receive_count = journey.receives_before + receipt.attempt;
  message.first_received_ms = journey.first_received_ms > 0 ? journey.first_received_ms : first_taken_ms;
  if (queue_->settings().grouped) message.sequence = static_cast<uint64_t>(receipt.message.offset.value) + 1;
  return message;
}

io::Task<std::vector<Incoming>> LiveQueue::repeat(std::vector<Receipt> receipts, int64_t lease_ms) {
  auto self = shared_from_this();
  std::vector<Incoming> messages;
  int64_t now = engine_.core().loop.wall();
  for (const Receipt& receipt : receipts) {
    StoredRecord record;
    RecordWindow::Found found = co_await queue_->read(receipt.message.offset, &record);
    auto lease = queue_->lease(receipt.message);
    if (found != RecordWindow::Found::here || !lease || lease->attempt != receipt.attempt)
      co_return std::vector<Incoming>();
    messages.push_back(message_of(record, receipt, queue_->first_taken(receipt.message)));
  }
  for (const Receipt& receipt : receipts) {  // others may have got it while the rest was read
    auto lease = queue_->lease(receipt.message);
    if (!lease || lease->attempt != receipt.attempt) co_return std::vector<Incoming>();
  }
  for (const Receipt& receipt : receipts) queue_->extend_lease(receipt.message, now + lease_ms);
  co_return messages;
}

LeaseTaker::Answer Receiver::offer(naru::Queue& queue, const Delivery& delivery, int64_t first_taken_ms) {
  Journey journey = journey_of(delivery.record);
  int64_t first = journey.first_received_ms > 0 ? journey.first_received_ms : first_taken_ms;
  const auto& redrive = queue_.attributes().redrive;
  if (redrive && delivery.attempt > redrive->receives_max && bury(delivery, journey, first)) return Answer::moved;
  int64_t now = queue_.engine_.core().loop.wall();
  Receipt receipt{queue.id(), delivery.id, delivery.attempt, now, queue_.engine_.core().store.epoch()};
  messages.push_back(queue_.message_of(delivery.record, receipt, first_taken_ms));
  Leases& leases = queue_.leases_;
  if (holder_ && lease_ms > 0 && leases.settings().mode != LeaseSettings::Mode::off)
    leases.add(delivery.id, {holder_, lease_ms, now, delivery.attempt});
  return Answer::taken;
}

io::Task<Outcome<std::vector<Incoming>>> LiveQueue::receive(ReceiveRequest request, std::shared_ptr<Poll> poll) {
  auto self = shared_from_this();
  if (is_gone()) co_return fail(Problem::no_such_queue);
  if (engine_.core().stopping) co_return fail(Problem::unavailable);
  std::vector<Incoming> none;
  if (poll && poll->is_cancelled()) co_return none;
  Receiver receiver(*this, request);
  bool is_attempt = !request.attempt_id.empty() && queue_->settings().grouped;
  if (is_attempt) {
    auto known = attempts_.find(request.attempt_id, engine_.core().loop.wall());
    auto repeating = repeat(std::move(known), receiver.lease_ms);
    auto again = co_await repeating;
    if (is_gone()) co_return fail(Problem::no_such_queue);
    if (!again.empty()) co_return again;
  }
  io::Loop& loop = engine_.core().loop;
  std::unique_ptr<io::Timer> timer;
  if (receiver.waits) {
    timer = std::make_unique<io::Timer>(loop, [&receiver] { receiver.stop(); });
    timer->arm(loop.now() + request.wait.value_or(attributes().wait) * 1000L);
  }
  if (poll) poll->waits([&receiver] { receiver.stop(); });
  queue_->ask(receiver);
  LeaseTaker::End end = co_await receiver.ended();
  timer.reset();
  if (poll) poll->waits(nullptr);
  // Who is told that there is nothing here any more finds it where it went.
  if (receiver.has_buried) co_await engine_.durable();
  if (end == LeaseTaker::End::gone) co_return fail(Problem::no_such_queue);
  bool is_short = !receiver.waits, is_fifo = queue_->settings().grouped;
  if (end == LeaseTaker::End::limited && is_short && !is_fifo) co_return fail(Problem::over_limit);
  if (poll && poll->is_cancelled()) {
    give_back(receiver.messages);
    co_return none;
  }
  if (is_attempt && !receiver.messages.empty() && receiver.lease_ms > 0) {
    std::vector<Receipt> got;
    for (const Incoming& one : receiver.messages)
      if (auto receipt = check(one.receipt)) got.push_back(*receipt);
    attempts_.add(request.attempt_id, std::move(got), loop.wall());
  }
  co_return std::move(receiver.messages);
}

}  // namespace naru::sqs
