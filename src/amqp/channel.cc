#include "amqp/channel.h"

#include "amqp/session.h"

namespace naru::amqp {

Channel::Channel(Session& session, uint16_t its_number, uint64_t its_id)
    : number(its_number), id(its_id), session_(session) {}

Channel::~Channel() {
  close();
  session_.forget(*this);
}

void Channel::close() {
  closing_ = true;
  end_content();
  stop_answers();
  std::vector<std::shared_ptr<Queue>> left;
  for (auto& [tag, consumer] : consumers_)
    if (consumer->queue) left.push_back(consumer->queue);
  consumers_.clear();
  take_back_staged();
  while (!unsettled_.empty()) {  // each to its place; or away, in their order
    Unacked unacked = unsettled_.take(unsettled_.oldest());
    unacked.queue->requeue(unacked.id, Return::failed);
  }
  forget_transaction();
  outstanding_ = 0;
  for (auto& queue : left) session_.door().hosts.consumer_left(session_.host(), *queue);
}

std::optional<Outcome> Channel::handle_now(const Frame& frame) {
  if (closing_) return frame.type == FrameType::method ? std::nullopt : std::optional<Outcome>(Outcome());
  if (frame.type == FrameType::body) return content_body(frame.payload);
  if (frame.type == FrameType::header) return content_header(frame.payload);
  Method method = peek_method(frame.payload);
  if (content_.awaits != Content::Awaits::nothing) {
    return Refusal{ReplyCode::unexpected_frame,
                   expects_header() ? "expected content header for class 60, got non content header frame instead"
                                    : "expected content body, got non content body frame instead"};
  }
  switch (method) {
    case Method::basic_publish: method_ = method; return basic_publish(frame.payload);
    case Method::basic_ack: method_ = method; return basic_ack(frame.payload);
    case Method::basic_nack: method_ = method; return basic_nack(frame.payload);
    case Method::basic_reject: method_ = method; return basic_reject(frame.payload);
    default: return std::nullopt;
  }
}

io::Task<Outcome> Channel::handle(const Frame& frame) {
  method_ = peek_method(frame.payload);
  ByteView payload = frame.payload;
  switch (method_) {
    case Method::exchange_declare: co_return co_await exchange_declare(payload);
    case Method::exchange_delete: co_return co_await exchange_delete(payload);
    case Method::exchange_bind: co_return co_await exchange_bind(payload);
    case Method::exchange_unbind: co_return co_await exchange_unbind(payload);
    case Method::queue_declare: co_return co_await queue_declare(payload);
    case Method::queue_delete: co_return co_await queue_delete(payload);
    case Method::queue_bind: co_return co_await queue_bind(payload);
    case Method::queue_unbind: co_return co_await queue_unbind(payload);
    case Method::queue_purge: co_return queue_purge(payload);
    case Method::basic_qos: co_return basic_qos(payload);
    case Method::basic_consume: co_return basic_consume(payload);
    case Method::basic_cancel: co_return basic_cancel(payload);
    case Method::basic_get: co_return co_await basic_get(payload);
    case Method::basic_recover: co_return basic_recover(payload, /*answer=*/true);
    case Method::basic_recover_async: co_return basic_recover(payload, /*answer=*/false);
    case Method::confirm_select: co_return confirm_select(payload);
    case Method::access_request: session_.send(number, AccessRequestOk{.ticket = 1}); co_return Outcome();
    case Method::channel_flow: {
      auto flow = decode_method<ChannelFlow>(payload);
      if (!flow) co_return malformed(flow.error(), payload);
      if (!flow->active) co_return Refusal{ReplyCode::not_implemented, "active=false"};
      session_.send(number, ChannelFlowOk{.active = true});
      co_return Outcome();
    }
    case Method::tx_select: co_return tx_select();
    case Method::tx_commit: co_return tx_commit();
    case Method::tx_rollback: co_return tx_rollback();
    default: break;
  }
  co_return Refusal{ReplyCode::command_invalid, "unimplemented method"};
}

std::string clean_name(std::string_view name) {
  std::string out;
  for (char c : name)
    if (c != '\r' && c != '\n') out += c;
  return out;
}

Refusal Channel::malformed(const Error& error, ByteView payload) {
  return {ReplyCode::frame_error, decode_explanation(error, payload)};
}

Refusal Channel::none_declared() { return {ReplyCode::not_found, "no previously declared queue"}; }

std::expected<DeclaredQueue*, Refusal> Channel::find_queue(std::string_view wanted, std::string* resolved) {
  if (wanted.empty()) wanted = last_queue_;
  if (wanted.empty()) return std::unexpected(none_declared());
  if (resolved) *resolved = wanted;
  return existing_queue(wanted);
}

std::expected<std::string, Refusal> Channel::stripped_queue_name(std::string_view given) const {
  if (!given.empty()) return clean_name(given);
  if (last_queue_.empty()) return std::unexpected(none_declared());
  return last_queue_;
}

std::expected<DeclaredQueue*, Refusal> Channel::existing_queue(std::string_view wanted) {
  DeclaredQueue* queue = session_.host().find_queue(wanted);
  if (!queue)
    return std::unexpected(Refusal{ReplyCode::not_found,
                                   "no queue '" + std::string(wanted) + "' in vhost '" + session_.host().name + "'"});
  if (queue->definition.owner != 0 && queue->definition.owner != session_.id) return std::unexpected(locked(wanted));
  return queue;
}

Outcome Channel::queue_refusal(Operation operation, std::string_view name) const {
  if (name.empty()) name = last_queue_;
  return name.empty() ? std::nullopt : session_.refusal(operation, "queue", name);
}

Outcome Channel::not_for_streams(std::string_view what, const Queue& queue) const {
  if (!queue.settings().is_stream) return {};
  return Refusal{ReplyCode::not_implemented, std::string(what) + " not supported by stream queues queue '" +
                                                 queue.name + "' in vhost '" + session_.host().name + "'"};
}

Refusal Channel::locked(std::string_view queue) const {
  return {ReplyCode::resource_locked,
          "cannot obtain exclusive access to locked queue '" + std::string(queue) + "' in vhost '" +
              session_.host().name +
              "'. It could be originally declared on another connection or the exclusive property value does not match "
              "that of the original declaration."};
}

}  // namespace naru::amqp
