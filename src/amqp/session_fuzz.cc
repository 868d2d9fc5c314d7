// Bytes into a whole broker: a session over a simulated connection, with queues on a simulated disk behind it. Whatever
// comes, the session ends when its client goes, what it said before are whole frames, and the broker starts again on
// what is left on the disk.
//
// The first byte says how the others are meant: bit 0: somebody has logged in and opened channel 1 before; bit 1: what
// follows are pieces `type u8, channel u8, size u16, payload` that become frames with their sizes and ends in order, so
// that mutations reach what is inside; bit 2: the process is killed and starts again.
#include "amqp/sim_broker_testing.h"
#include "amqp/sim_client_testing.h"

namespace naru::amqp {
namespace {

constexpr io::Millis a_while_ms = 100, ending_ms = 20'000;

Bytes as_frames(ByteView pieces) {
  Bytes frames;
  while (pieces.size() >= 4) {
    auto size = std::min<size_t>(load_be<uint16_t>(pieces.data() + 2), pieces.size() - 4);
    size_t begun = begin_frame(frames, static_cast<FrameType>(pieces[0]), pieces[1]);
    append(frames, pieces.subspan(4, size));
    end_frame(frames, begun);
    pieces = pieces.subspan(4 + size);
  }
  return frames;
}

void run(ByteView bytes) {
  if (bytes.empty()) return;
  uint8_t how = bytes[0];
  bytes = bytes.subspan(1);
  SimBroker broker(1, /*memory_bytes=*/16 * MiB);
  CHECK(broker.start());
  sim::SimConnection& connection = broker.connect();
  if (how & 1) {
    SimClient client(connection);
    client.log_in();
    client.send(1, ChannelOpen{});
    client.send(1, QueueDeclare{.queue = "q", .durable = true});
    client.send(1, BasicConsume{.queue = "q", .consumer_tag = "c"});
  }
  if (how & 2) {
    connection.send(as_frames(bytes));
  } else {
    connection.send(bytes);
  }
  broker.loop().run_for(a_while_ms);
  Bytes heard = connection.take();
  FrameReader frames(131072);
  ByteView rest = heard;
  if (text(rest).starts_with("AMQP")) rest = rest.subspan(protocol_header_bytes);  // we speak that, not this
  frames.feed(rest);
  size_t whole = 0;
  while (true) {
    auto frame = frames.next();
    CHECK(frame);
    if (!*frame) break;
    whole += frame_overhead + (*frame)->payload.size();
  }
  CHECK(whole == rest.size());
  connection.hang_up();
  broker.loop().run_for(ending_ms);
  CHECK(connection.is_closed());
  if (!(how & 4)) return;
  broker.kill();
  CHECK(broker.start());
}

}  // namespace
}  // namespace naru::amqp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  naru::amqp::run({data, size});
  return 0;
}
