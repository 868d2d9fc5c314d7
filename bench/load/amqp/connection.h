// One AMQP connection with one channel: set up blocking, then non-blocking under an epoll.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../dial.h"
#include "frames.h"

namespace naru::load::amqp {

constexpr uint16_t the_channel = 1;

// The methods that a load sends or meets.
constexpr uint32_t connection_close = method_id(10, 50), channel_close = method_id(20, 40);
constexpr uint32_t exchange_declare = method_id(40, 10), exchange_declare_ok = method_id(40, 11);
constexpr uint32_t exchange_delete = method_id(40, 20), exchange_delete_ok = method_id(40, 21);
constexpr uint32_t queue_declare = method_id(50, 10), queue_declare_ok = method_id(50, 11);
constexpr uint32_t queue_bind = method_id(50, 20), queue_bind_ok = method_id(50, 21);
constexpr uint32_t queue_delete = method_id(50, 40), queue_delete_ok = method_id(50, 41);
constexpr uint32_t basic_qos = method_id(60, 10), basic_qos_ok = method_id(60, 11);
constexpr uint32_t basic_consume = method_id(60, 20), basic_consume_ok = method_id(60, 21);
constexpr uint32_t basic_publish = method_id(60, 40), basic_return = method_id(60, 50);
constexpr uint32_t basic_deliver = method_id(60, 60), basic_ack = method_id(60, 80), basic_nack = method_id(60, 120);
constexpr uint32_t confirm_select = method_id(85, 10), confirm_select_ok = method_id(85, 11);

class Connection {
 public:
  /// Logs in as guest and opens a channel.
  explicit Connection(const std::string& broker);
  Connection(Connection&&) = delete;
  ~Connection();

  /// Sends what is in out() and waits for this answer. Its arguments stay valid until the next call.
  std::string_view call(uint32_t answer);

  // Declarations, each with its answer.
  void declare_queue(const std::string& name, const std::string& type, bool durable);
  void delete_queue(const std::string& name);
  void declare_fanout(const std::string& name);
  void delete_exchange(const std::string& name);
  void bind(const std::string& queue, const std::string& exchange);
  void consume(const std::string& queue, bool no_ack, uint16_t prefetch);
  void confirm();

  /// From here on nothing blocks.
  void go();
  /// Append frames here, then flush().
  std::string& out() { return out_; }
  size_t unsent() const { return out_.size() - out_sent_; }
  void flush();
  /// Reads what the socket has, once; false if it had nothing.
  bool fill();
  /// The next whole frame; false when more has to be read.
  bool next(Frame& frame);
  /// A method that no load expects: ends the program with what the broker said.
  [[noreturn]] static void unexpected(uint32_t id, std::string_view arguments);

  int fd() const { return fd_; }
  uint32_t frame_max() const { return frame_max_; }

 private:
  void send_all();
  std::string_view await(uint16_t channel, uint32_t answer);

  int fd_;
  uint32_t frame_max_ = 131072;
  std::string out_;
  size_t out_sent_ = 0;
  std::vector<char> in_;
  size_t in_begin_ = 0, in_end_ = 0;
};

}  // namespace naru::load::amqp
