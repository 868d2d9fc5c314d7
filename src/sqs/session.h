#pragma once
// One connection of an SQS client: HTTP requests in, one after the other, answers out in their order. Lives on core 0,
// where the queues are.
#include "io/buffer_pool.h"
#include "io/net.h"
#include "sqs/call.h"

namespace naru::sqs {

class Session {
 public:
  Session(Door& door, std::unique_ptr<io::Stream> stream);
  ~Session();

  /// Serves until the connection ends; the session may be destroyed then.
  io::Task<> run();
  /// Ends after the request that is running; one that waits for messages is answered now.
  void stop();
  /// Ends now.
  void close() { stream_->close(); }

 private:
  io::Task<> linger();
  io::Task<bool> read_more();
  io::Task<bool> take_bytes(ByteView bytes);
  io::Task<> make_room();
  void say_continue();
  io::Task<bool> serve();
  io::Task<> perform(Call& call);
  Reply<void> admit(Call& call);
  void send(Response response, std::string_view request_id);
  io::Task<bool> written(Call& call);
  void watch();
  void peer_gone();
  std::string new_request_id();

  Door& door_;
  Core& core_;
  std::unique_ptr<io::Stream> stream_;
  const bool from_loopback_;
  http::Parser parser_;
  std::string unread_;     // bytes behind the request that is being served
  http::Request request_;  // being served
  Call* call_ = nullptr;   // the same
  Holders holders_;
  io::Reserved reserved_;  // memory for a large body
  bool told_to_continue_ = false, busy_ = false, peer_gone_ = false, stopping_ = false, keep_alive_ = true;
  bool refused_ = false;  // what came is no HTTP, or too large
  io::Millis request_began_ = 0;
  io::Timer watchdog_;
};

}  // namespace naru::sqs
