// AMQP 0-9-1 frames, as much as a load needs: written into a growing buffer and cut out of one that was read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../wire.h"

namespace naru::load::amqp {

enum class FrameType : uint8_t { method = 1, header = 2, body = 3, heartbeat = 8 };

/// A class and a method of it in one number, as they stand on the wire.
constexpr uint32_t method_id(uint16_t class_id, uint16_t method) { return uint32_t{class_id} << 16 | method; }

/// One frame at the end of `out`: `begin`, the payload, `end`.
class FrameWriter {
 public:
  explicit FrameWriter(std::string& out) : out_(out) {}
  FrameWriter& begin(FrameType type, uint16_t channel) {
    put(static_cast<uint8_t>(type)).put(channel);
    size_at_ = out_.size();
    return put(uint32_t{0});
  }
  FrameWriter& method(uint16_t channel, uint32_t id) { return begin(FrameType::method, channel).put(id); }
  template <std::integral T>
  FrameWriter& put(T value) {
    char bytes[sizeof value];
    write_at(bytes, value);
    out_.append(bytes, sizeof bytes);
    return *this;
  }
  FrameWriter& short_text(std::string_view text) {
    put(static_cast<uint8_t>(text.size()));
    out_.append(text);
    return *this;
  }
  FrameWriter& long_text(std::string_view text) {
    put(static_cast<uint32_t>(text.size()));
    out_.append(text);
    return *this;
  }
  FrameWriter& bytes(std::string_view raw) {
    out_.append(raw);
    return *this;
  }
  void end() {
    write_at(out_.data() + size_at_, static_cast<uint32_t>(out_.size() - size_at_ - 4));
    put(uint8_t{0xce});
  }

 private:
  std::string& out_;
  size_t size_at_ = 0;
};

struct Frame {
  FrameType type;
  uint16_t channel;
  std::string_view payload;
};

/// Takes a whole frame off the front of `bytes`, or returns false.
inline bool cut_frame(std::string_view& bytes, Frame& frame) {
  constexpr size_t around = 8;  // type, channel, size, end
  if (bytes.size() < around) return false;
  const size_t payload = read_at<uint32_t>(bytes.data() + 3);
  if (bytes.size() < payload + around) return false;
  frame = {static_cast<FrameType>(bytes[0]), read_at<uint16_t>(bytes.data() + 1), bytes.substr(7, payload)};
  if (static_cast<uint8_t>(bytes[7 + payload]) != 0xce) fail("a frame without its end octet");
  bytes.remove_prefix(payload + around);
  return true;
}

}  // namespace naru::load::amqp
