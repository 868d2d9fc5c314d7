#include "amqp/wire/frame.h"

#include <algorithm>

#include "base/check.h"
#include "base/erlang_text.h"

namespace naru::amqp {
namespace {

/// Less is no method (class and method id) and no header (class, weight, body size, flags).
bool has_likely_payload(uint8_t type, size_t bytes) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::method: return bytes >= 4;
    case FrameType::header: return bytes >= 12;
    case FrameType::body: return true;
    case FrameType::heartbeat: return bytes == 0;
  }
  return false;
}

FrameError error_of(FrameError::Kind kind, ByteView head) {
  return {.kind = kind, .type = head[0], .channel = load_be<uint16_t>(head.data() + 1)};
}

std::string described(uint8_t type, ByteView shown, size_t payload_bytes) {
  return "type " + std::to_string(type) + (shown.size() < payload_bytes ? ", first 16 octets = " : ", all octets = ") +
         erlang_binary(shown);
}

void remember_payload(FrameError& error, ByteView payload) {
  error.payload_bytes = static_cast<uint32_t>(payload.size());
  std::copy_n(payload.begin(), std::min(payload.size(), sizeof error.start), error.start);
}

}  // namespace

FrameReader::Parsed FrameReader::parse(ByteView bytes) const {
  if (bytes.size() < frame_head_bytes) return std::nullopt;
  auto size = load_be<uint32_t>(bytes.data() + 3);
  if (size > frame_max_) [[unlikely]] {
    FrameError error = error_of(FrameError::Kind::too_large, bytes);
    error.size = size;
    error.limit = frame_max_ - static_cast<uint32_t>(frame_overhead);
    return std::unexpected(error);
  }
  if (bytes.size() - frame_head_bytes < size_t{size} + frame_end_bytes) return std::nullopt;
  ByteView payload = bytes.subspan(frame_head_bytes, size);
  uint8_t end = bytes[frame_head_bytes + size];
  if (end != frame_end || !has_likely_payload(bytes[0], size)) [[unlikely]] {
    FrameError error = error_of(end != frame_end ? FrameError::Kind::end_marker : FrameError::Kind::unknown, bytes);
    error.size = end;
    remember_payload(error, payload);
    return std::unexpected(error);
  }
  return Frame{static_cast<FrameType>(bytes[0]), load_be<uint16_t>(bytes.data() + 1), payload};
}

std::expected<std::optional<Frame>, FrameError> FrameReader::next() {
  if (gathered_is_used_) gathered_.clear(), gathered_is_used_ = false;
  if (!gathered_.empty()) {
    gather(frame_head_bytes);
    if (gathered_.size() >= frame_head_bytes) {
      auto size = load_be<uint32_t>(gathered_.data() + 3);
      if (size <= frame_max_) gather(size + frame_overhead);
    }
    Parsed parsed = parse(gathered_);
    gathered_is_used_ = parsed && *parsed;
    return parsed;
  }
  Parsed parsed = parse(fed_);
  if (!parsed) return parsed;
  if (*parsed)
    fed_ = fed_.subspan((*parsed)->payload.size() + frame_overhead);
  else
    gather(fed_.size());
  return parsed;
}

void FrameReader::gather(size_t bytes_wanted) {
  if (gathered_.size() >= bytes_wanted) return;
  size_t bytes = std::min(bytes_wanted - gathered_.size(), fed_.size());
  append(gathered_, fed_.first(bytes));
  fed_ = fed_.subspan(bytes);
}

std::string FrameError::explanation() const {
  std::string why;
  switch (kind) {
    case Kind::too_large: why = "{frame_too_large," + std::to_string(size) + "," + std::to_string(limit) + "}"; break;
    case Kind::end_marker: why = "{invalid_frame_end_marker," + std::to_string(size) + "}"; break;
    case Kind::unknown: why = "unknown_frame"; break;
  }
  size_t shown = std::min<size_t>(payload_bytes, sizeof start);
  return described(type, {start, shown}, payload_bytes) + ": " + why;
}

std::string frame_text(const Frame& frame) {
  constexpr size_t shown_max = sizeof FrameError::start;
  return described(static_cast<uint8_t>(frame.type), frame.payload.first(std::min(frame.payload.size(), shown_max)),
                   frame.payload.size());
}

void append_heartbeat(Bytes& to) { end_frame(to, begin_frame(to, FrameType::heartbeat, 0)); }

size_t body_frames_bytes(size_t body_bytes, uint32_t frame_max) {
  size_t each = frame_max - frame_overhead;
  return body_bytes + (body_bytes + each - 1) / each * frame_overhead;
}

void append_body(Bytes& to, uint16_t channel, ByteView body, uint32_t frame_max) {
  CHECK(frame_max > frame_overhead);
  size_t begin = to.size(), each = frame_max - frame_overhead;
  to.resize(begin + body_frames_bytes(body.size(), frame_max));
  uint8_t* at = to.data() + begin;
  while (!body.empty()) {
    ByteView piece = body.first(std::min(body.size(), each));
    body = body.subspan(piece.size());
    at[0] = static_cast<uint8_t>(FrameType::body);
    store_be(at + 1, channel);
    store_be(at + 3, static_cast<uint32_t>(piece.size()));
    std::memcpy(at + frame_head_bytes, piece.data(), piece.size());
    at[frame_head_bytes + piece.size()] = frame_end;
    at += piece.size() + frame_overhead;
  }
}

}  // namespace naru::amqp
