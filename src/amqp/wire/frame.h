#pragma once
// Frames: type u8, channel u16, payload size u32, payload, 0xCE (AMQP 0-9-1, 4.2.3), and their way in and out of
// streams of bytes.
#include <expected>
#include <optional>
#include <string>

#include "amqp/wire/reply_code.h"
#include "base/bytes.h"
#include "base/endian.h"

namespace naru::amqp {

enum class FrameType : uint8_t { method = 1, header = 2, body = 3, heartbeat = 8 };

inline constexpr size_t frame_head_bytes = 7, frame_end_bytes = 1;
inline constexpr size_t frame_overhead = frame_head_bytes + frame_end_bytes;
inline constexpr uint8_t frame_end = 0xce;
/// What a frame may take until tune-ok has set a limit, and what no limit may go below. RabbitMQ 4.1 starts with 8192,
/// enough for a login with a long token; clients ask for limits down to 4096.
inline constexpr uint32_t initial_frame_max = 8192, least_frame_max = 4096;
/// What the broker proposes, and takes at most.
inline constexpr uint32_t greatest_frame_max = 131072;

/// A whole frame. `payload` borrows from what the reader was fed, or from the reader.
struct Frame {
  FrameType type{};
  uint16_t channel = 0;
  ByteView payload{};
};

/// Bytes that are no frame. After it nothing can be read: the connection ends with FRAME_ERROR.
struct FrameError {
  enum class Kind : uint8_t {
    too_large,   // `size` is over `limit`, the frame_max without the overhead
    end_marker,  // `size` is the byte found in its place
    unknown,     // no such type, or a payload that its type cannot have
  };
  Kind kind{};
  uint8_t type = 0;
  uint16_t channel = 0;
  uint32_t size = 0, limit = 0;
  uint8_t start[16] = {};  // of the payload, where it was read
  uint32_t payload_bytes = 0;

  /// As RabbitMQ explains it: "type 1, all octets = <<>>: {frame_too_large,200000,131064}".
  std::string explanation() const;
};

/// A frame as RabbitMQ describes one that does not belong: "type 8, all octets = <<>>".
std::string frame_text(const Frame& frame);

/// Cuts a stream into frames, however the bytes arrive. Frames that lie whole in what was fed are borrowed from there;
/// one that does not is gathered in a buffer of the reader.
///
///   reader.feed(bytes);
///   while (true) {
///     auto frame = reader.next();
///     if (!frame) return refuse(frame.error());
///     if (!*frame) break;  // needs more; `bytes` may go now
///     handle(**frame);
///   }
class FrameReader {
 public:
  explicit FrameReader(uint32_t frame_max = initial_frame_max) : frame_max_(frame_max) {}

  /// From the next frame on. A payload may have up to `frame_max` bytes, although its overhead should be counted too:
  /// many clients get that wrong, and RabbitMQ lets them.
  void set_frame_max(uint32_t frame_max) { frame_max_ = frame_max; }

  /// `bytes` stay where they are until next has returned none.
  void feed(ByteView bytes) { fed_ = bytes; }
  /// The next frame, good until the next call. None if more bytes are needed. An error is final.
  std::expected<std::optional<Frame>, FrameError> next();

  /// Bytes that the reader holds on to, and a way to give back those that nothing needs.
  size_t held_bytes() const { return gathered_.capacity(); }
  void shrink() {
    if (gathered_.empty() || gathered_is_used_) gathered_ = Bytes(), gathered_is_used_ = false;
  }

 private:
  using Parsed = std::expected<std::optional<Frame>, FrameError>;
  Parsed parse(ByteView bytes) const;
  void gather(size_t bytes_wanted);

  uint32_t frame_max_;
  ByteView fed_;
  Bytes gathered_;  // the start of a frame whose end is still to come
  bool gathered_is_used_ = false;
};

/// The heads and ends of frames are written around what is there already: begin, append the payload, end.
size_t begin_frame(Bytes& to, FrameType type, uint16_t channel);
/// `begun` is what begin_frame returned.
void end_frame(Bytes& to, size_t begun);

void append_heartbeat(Bytes& to);
/// The body as body frames of at most frame_max bytes each, overhead included. None for an empty body.
void append_body(Bytes& to, uint16_t channel, ByteView body, uint32_t frame_max);
/// What append_body appends, in bytes.
size_t body_frames_bytes(size_t body_bytes, uint32_t frame_max);

inline size_t begin_frame(Bytes& to, FrameType type, uint16_t channel) {
  size_t begun = to.size();
  to.resize(begun + frame_head_bytes);
  to[begun] = static_cast<uint8_t>(type);
  store_be(to.data() + begun + 1, channel);
  return begun;
}
inline void end_frame(Bytes& to, size_t begun) {
  store_be(to.data() + begun + 3, static_cast<uint32_t>(to.size() - begun - frame_head_bytes));
  to.push_back(frame_end);
}

}  // namespace naru::amqp
