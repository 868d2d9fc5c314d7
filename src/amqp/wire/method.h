#pragma once
// Methods between payloads of frames and structs.
//
//   switch (TRY(peek_method(frame.payload))) {
//     case Method::queue_declare: return declare(TRY(decode_method<QueueDeclare>(frame.payload)));
//     ...
//   append_method(out, channel, QueueDeclareOk{.queue = name});
#include "amqp/wire/frame.h"
#include "amqp/wire/methods/basic.h"
#include "amqp/wire/methods/channel.h"
#include "amqp/wire/methods/connection.h"
#include "amqp/wire/methods/exchange.h"
#include "amqp/wire/methods/queue.h"
#include "amqp/wire/methods/tx.h"

namespace naru::amqp {

inline constexpr size_t method_id_bytes = 4;

/// What a method frame carries, which need not be a Method that exists. The frame reader has seen that the ids are
/// there.
inline Method peek_method(ByteView payload) { return static_cast<Method>(load_be<uint32_t>(payload.data())); }

/// Decodes the payload of a method frame that carries an M. The result borrows it. Code::invalid if anything is cut
/// short, malformed, not UTF-8 where RabbitMQ looks (in methods without content) or left over; detail = where.
template <class M>
Result<M> decode_method(ByteView payload) {
  ArgumentReader reader(payload.subspan(method_id_bytes), !has_content(M::method));
  M method;
  M::describe(reader, method);
  reader.finish();
  if (!reader.ok()) [[unlikely]]
    return std::unexpected(reader.error());
  return method;
}

/// Why a payload could not be decoded, as RabbitMQ explains its FRAME_ERROR: "cannot decode <<0,0,1>>".
std::string decode_explanation(const Error& error, ByteView payload);

/// Appends a whole method frame.
template <class M>
void append_method(Bytes& to, uint16_t channel, const M& method) {
  ArgumentSizer sizer;
  M::describe(sizer, method);
  size_t begin = to.size(), payload = method_id_bytes + sizer.size();
  to.resize(begin + frame_overhead + payload);
  uint8_t* at = to.data() + begin;
  at[0] = static_cast<uint8_t>(FrameType::method);
  store_be(at + 1, channel);
  store_be(at + 3, static_cast<uint32_t>(payload));
  store_be(at + frame_head_bytes, static_cast<uint32_t>(M::method));
  ArgumentWriter writer(at + frame_head_bytes + method_id_bytes);
  M::describe(writer, method);
  *writer.at() = frame_end;
}

/// `queue.declare-ok {queue: "q", message_count: 0, consumer_count: 0}`
template <class M>
std::string to_text(const M& method) {
  ArgumentPrinter printer;
  M::describe(printer, method);
  return std::string(name(M::method)) + " {" + printer.take() + "}";
}

}  // namespace naru::amqp
