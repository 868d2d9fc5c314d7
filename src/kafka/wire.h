#pragma once
// Kafka's wire. A message is a struct with one `describe(wire, m)` that lists its fields in order, each with the
// versions that have it; decoding, encoding and measuring are three walkers over the same description, so they
// cannot disagree. From its first flexible version on, a message writes compact lengths, and ends every struct with
// tagged fields, which a reader that does not know them skips.
#include "base/result.h"
#include "kafka/wire_encoder.h"
#include "kafka/wire_reader.h"
#include "kafka/wire_types.h"

namespace naru::kafka {

/// What every request begins with. `client_id` has an int16 length even in flexible versions: a broker must be able
/// to read it in an ApiVersions request that is newer than the broker.
struct RequestHeader {
  int16_t key = 0, version = 0;
  int32_t correlation_id = 0;
  std::optional<std::string_view> client_id;
};

/// Its response header never is flexible, so that a client of any version can read what the broker speaks.
inline constexpr int16_t api_versions_key = 18;

/// A frame without its size, split.
struct Request {
  RequestHeader header;
  ByteView body;
};
/// Key, version and correlation id only: what every version of every header begins with.
Result<RequestHeader> peek_header(ByteView frame);
/// `flexible` says whether the header has tagged fields; decode_request() of api_versions.h knows.
Result<Request> decode_header(ByteView frame, bool flexible);

template <class M>
constexpr bool is_flexible(int16_t version) {
  return version >= M::flexible_since;
}

/// The body of a request or response. Bytes after its end are ignored, as Kafka does. `memory_used` gets what its
/// vectors take.
template <class M>
Result<M> decode(ByteView body, int16_t version, size_t memory_max = decoded_bytes_max, size_t* memory_used = nullptr) {
  Reader reader(body, version, is_flexible<M>(version), memory_max);
  M message;
  reader.structure(message);
  if (memory_used) *memory_used = memory_max - reader.memory_left();
  if (!reader.ok()) return std::unexpected(reader.error());
  return message;
}

/// A frame with room for the size prefix, header and body; end_frame() fills the prefix in.
Frame begin_frame(size_t body_size);
void begin_response(Frame& frame, int32_t correlation_id, bool flexible_header);
void end_frame(Frame& frame);

template <class M>
void append_body(Frame& frame, const M& message, int16_t version) {
  Writer writer(version, is_flexible<M>(version), frame);
  writer.structure(message);
}
template <class M>
size_t body_size(const M& message, int16_t version) {
  Sizer sizer(version, is_flexible<M>(version));
  sizer.structure(message);
  return sizer.sink.size();
}

/// The whole frame of a response: size, header, body.
template <class M>
Frame encode_response(const RequestHeader& to, const M& message) {
  Frame frame = begin_frame(body_size(message, to.version));
  begin_response(frame, to.correlation_id, is_flexible<M>(to.version) && M::api_key != api_versions_key);
  append_body(frame, message, to.version);
  end_frame(frame);
  return frame;
}

/// A message alone, without frame: blobs inside other messages, and tests.
template <class M>
Bytes encode(const M& message, int16_t version) {
  Frame frame;
  frame.bytes.reserve(body_size(message, version));
  append_body(frame, message, version);
  return std::move(frame.bytes);
}

}  // namespace naru::kafka
