#pragma once
// A client that speaks frames to a SimBroker and never waits: what it sends lies in the connection until the broker
// reads it, what the broker has sent is taken when the test asks. For tests.
#include "amqp/wire/method.h"
#include "amqp/wire/properties.h"
#include "amqp/wire/protocol_header.h"
#include "sim/sim_net.h"

namespace naru::amqp {

/// A method, with its message where it carries one.
struct Received {
  uint16_t channel = 0;
  Method method{};
  Bytes payload{}, header{}, body{};
  uint64_t left = 0;  // of the body

  template <class M>
  M as() const {
    return *decode_method<M>(payload);
  }
  Properties properties() const { return decode_header(header)->properties; }
};

class SimClient {
 public:
  explicit SimClient(sim::SimConnection& connection) : connection_(connection), frames_(frame_max) {}

  /// Says all that a login takes at once, without hearing the answers.
  void log_in(std::string_view vhost = "/", uint16_t heartbeat_s = 0) {
    static constexpr std::string_view response("\0guest\0guest", 12);
    connection_.send(protocol_header);
    FieldTable none;
    send(0, ConnectionStartOk{.client_properties = none.view(), .response = response});
    send(0, ConnectionTuneOk{.channel_max = 100, .frame_max = frame_max, .heartbeat = heartbeat_s});
    send(0, ConnectionOpen{.virtual_host = vhost});
  }
  template <class M>
  void send(uint16_t channel, const M& method) {
    Bytes bytes;
    append_method(bytes, channel, method);
    connection_.send(bytes);
  }
  void publish(uint16_t channel, const BasicPublish& to, const Properties& properties, ByteView body) {
    Bytes bytes;
    append_method(bytes, channel, to);
    append_header(bytes, channel, body.size(), properties);
    append_body(bytes, channel, body, frame_max);
    connection_.send(bytes);
  }
  void beat() {
    Bytes bytes;
    append_heartbeat(bytes);
    connection_.send(bytes);
  }
  void hang_up() { connection_.hang_up(); }
  bool is_closed() const { return connection_.is_closed(); }

  /// All that has come whole since the last call, where the client reads no more than `most` bytes.
  std::vector<Received> take(size_t most = SIZE_MAX) {
    std::vector<Received> whole;
    Bytes bytes = connection_.take(most);
    frames_.feed(bytes);
    while (true) {
      auto next = frames_.next();
      CHECK(next);  // the broker's frames are good
      if (!*next) return whole;
      add(**next, whole);
    }
  }

 private:
  static constexpr uint32_t frame_max = 131072;

  void add(const Frame& frame, std::vector<Received>& whole) {
    if (frame.type == FrameType::heartbeat) return;
    Received& open = open_[frame.channel];
    if (frame.type == FrameType::method) {
      open = {.channel = frame.channel, .method = peek_method(frame.payload)};
      open.payload.assign(frame.payload.begin(), frame.payload.end());
      if (has_content(open.method)) return;
    } else if (frame.type == FrameType::header) {
      open.header.assign(frame.payload.begin(), frame.payload.end());
      auto header = decode_header(open.header);
      CHECK(header);
      open.left = header->body_bytes;
    } else {
      CHECK(frame.payload.size() <= open.left);
      append(open.body, frame.payload);
      open.left -= frame.payload.size();
    }
    if (open.left == 0) whole.push_back(std::move(open));
  }

  sim::SimConnection& connection_;
  FrameReader frames_;
  std::map<uint16_t, Received> open_;
};

}  // namespace naru::amqp
