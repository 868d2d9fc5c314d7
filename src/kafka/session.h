#pragma once
// One Kafka connection: frames in, handlers, frames out, in the order of the requests. A request runs alone, except
// that Produce requests run on while earlier ones wait for the disk: order is kept because one has appended before the
// next begins.
#include <deque>

#include "io/buffer_pool.h"
#include "io/net.h"
#include "io/pace.h"
#include "kafka/api.h"

namespace naru::kafka {

/// What all Kafka sessions of one core share.
struct Door {
  Core& core;
  io::Endpoint advertised;  // empty host: tell clients the address that they connected to
  io::BufferPool buffers;
  bool stopping = false;
  io::Millis refusal_noted_at = INT64_MIN / 2;  // who sends what is too large tries again at once
};

class Session {
 public:
  Session(Door& door, std::unique_ptr<io::Stream> stream, uint64_t id);
  ~Session();

  /// Serves until the connection ends; the session may be destroyed then.
  io::Task<> run();
  /// Ends after the request that is running; at once if none is.
  void stop();
  /// Ends now.
  void close() { stream_->close(); }

 private:
  /// The answer to a Produce request, or its place in line.
  struct Answer {
    bool ready = false;
    io::Wakeup body_done;
    Reply reply;
  };

  io::Task<bool> read_more();
  io::Task<bool> make_room(size_t frame_bytes);
  std::optional<ByteView> next_frame();
  io::Task<bool> handle(ByteView frame);
  io::Task<> all_answered();
  io::Task<bool> handle_alone(Handle run, Context context, ByteView body);
  io::Task<bool> handle_produce(Handle run, Context context, ByteView body);
  void send_ready();
  bool send(Reply reply);
  void hold(uint64_t answer_bytes);
  io::Task<bool> flow();
  void watch();
  bool is_hogging();
  void lose_peer();
  void note_frame(int64_t bytes);

  Door& door_;
  Core& core_;
  std::unique_ptr<io::Stream> stream_;
  Peer peer_;

  io::PooledBuffer buffer_;
  size_t begin_ = 0, end_ = 0;  // unread bytes in buffer_
  io::Reserved reserved_;       // for a frame larger than a small buffer
  Bytes request_;               // the request that is running: a copy, so that buffer_ can go while it waits

  std::deque<std::shared_ptr<Answer>> answers_;
  io::Wakeup* answers_waiter_ = nullptr;
  uint64_t held_bytes_ = 0;      // answers in memory that the peer has not taken, as counted in the budget
  uint64_t untaken_before_ = 0;  // for the peer, when the watchdog looked last
  bool over_ = false;            // nothing more is read; what was asked before is still answered
  bool broken_ = false;          // nothing is answered any more
  bool busy_ = false, ending_ = false;
  bool waiting_for_group_ = false, waiting_for_memory_ = false, waiting_for_peer_ = false;
  io::Millis last_bytes_ = 0;
  io::Pace pace_;
  io::Timer watchdog_;
};

}  // namespace naru::kafka
