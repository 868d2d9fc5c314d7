#include "connection.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace naru::load::amqp {
namespace {

constexpr size_t in_bytes_first = 512u << 10;
constexpr uint32_t connection_start = method_id(10, 10), connection_start_ok = method_id(10, 11);
constexpr uint32_t connection_tune = method_id(10, 30), connection_tune_ok = method_id(10, 31);
constexpr uint32_t connection_open = method_id(10, 40), connection_open_ok = method_id(10, 41);
constexpr uint32_t channel_open = method_id(20, 10), channel_open_ok = method_id(20, 11);

std::string no_table() { return std::string(4, '\0'); }

std::string table_of(std::string_view key, std::string_view text) {
  std::string entry;
  FrameWriter(entry).short_text(key).put(uint8_t{'S'}).long_text(text);
  std::string table;
  FrameWriter(table).long_text(entry);
  return table;
}

}  // namespace

Connection::Connection(const std::string& broker) : fd_(dial(broker)), in_(in_bytes_first) {
  out_.assign("AMQP\0\0\x09\x01", 8);
  send_all();
  await(0, connection_start);
  FrameWriter(out_)
      .method(0, connection_start_ok)
      .bytes(no_table())
      .short_text("PLAIN")
      .long_text({"\0guest\0guest", 12})
      .short_text("en_US")
      .end();
  send_all();
  Reader tune(await(0, connection_tune));
  tune.i16();
  frame_max_ = static_cast<uint32_t>(tune.i32());
  FrameWriter tuned(out_);
  tuned.method(0, connection_tune_ok).put(uint16_t{2047}).put(frame_max_).put(uint16_t{0}).end();
  FrameWriter(out_).method(0, connection_open).short_text("/").short_text("").put(uint8_t{0}).end();
  send_all();
  await(0, connection_open_ok);
  FrameWriter(out_).method(the_channel, channel_open).short_text("").end();
  call(channel_open_ok);
}

Connection::~Connection() { close(fd_); }

void Connection::send_all() {
  for (size_t sent = 0; sent < out_.size();) {
    const ssize_t done = send(fd_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("the broker closed a connection");
    sent += static_cast<size_t>(done);
  }
  out_.clear();
}

std::string_view Connection::await(uint16_t channel, uint32_t answer) {
  for (;;) {
    for (Frame frame; next(frame);) {
      if (frame.type != FrameType::method) continue;
      const auto id = read_at<uint32_t>(frame.payload.data());
      if (frame.channel == channel && id == answer) return frame.payload.substr(4);
      unexpected(id, frame.payload.substr(4));
    }
    if (!fill()) fail("the broker closed a connection during its set-up");
  }
}

std::string_view Connection::call(uint32_t answer) {
  send_all();
  return await(the_channel, answer);
}

void Connection::declare_queue(const std::string& name, const std::string& type, bool durable) {
  const std::string arguments = type == "classic" ? no_table() : table_of("x-queue-type", type);
  FrameWriter(out_)
      .method(the_channel, queue_declare)
      .put(uint16_t{0})
      .short_text(name)
      .put(static_cast<uint8_t>(durable ? 2 : 0))
      .bytes(arguments)
      .end();
  call(queue_declare_ok);
}

void Connection::delete_queue(const std::string& name) {
  FrameWriter(out_).method(the_channel, queue_delete).put(uint16_t{0}).short_text(name).put(uint8_t{0}).end();
  call(queue_delete_ok);
}

void Connection::declare_fanout(const std::string& name) {
  FrameWriter(out_)
      .method(the_channel, exchange_declare)
      .put(uint16_t{0})
      .short_text(name)
      .short_text("fanout")
      .put(uint8_t{2})
      .bytes(no_table())
      .end();
  call(exchange_declare_ok);
}

void Connection::delete_exchange(const std::string& name) {
  FrameWriter(out_).method(the_channel, exchange_delete).put(uint16_t{0}).short_text(name).put(uint8_t{0}).end();
  call(exchange_delete_ok);
}

void Connection::bind(const std::string& queue, const std::string& exchange) {
  FrameWriter(out_)
      .method(the_channel, queue_bind)
      .put(uint16_t{0})
      .short_text(queue)
      .short_text(exchange)
      .short_text("")
      .put(uint8_t{0})
      .bytes(no_table())
      .end();
  call(queue_bind_ok);
}

void Connection::confirm() {
  FrameWriter(out_).method(the_channel, confirm_select).put(uint8_t{0}).end();
  call(confirm_select_ok);
}

void Connection::consume(const std::string& queue, bool no_ack, uint16_t prefetch) {
  FrameWriter(out_).method(the_channel, basic_qos).put(uint32_t{0}).put(prefetch).put(uint8_t{0}).end();
  call(basic_qos_ok);
  FrameWriter(out_)
      .method(the_channel, basic_consume)
      .put(uint16_t{0})
      .short_text(queue)
      .short_text("load")
      .put(static_cast<uint8_t>(no_ack ? 2 : 0))
      .bytes(no_table())
      .end();
  call(basic_consume_ok);
}

void Connection::go() { fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK); }

void Connection::flush() {
  while (out_sent_ < out_.size()) {
    const ssize_t done = send(fd_, out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL);
    if (done < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return;
      fail("the broker closed a connection");
    }
    out_sent_ += static_cast<size_t>(done);
  }
  out_.clear();
  out_sent_ = 0;
}

bool Connection::fill() {
  if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
  if (in_end_ == in_.size()) {
    if (in_begin_ == 0) in_.resize(in_.size() * 2);
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(in_begin_), in_.begin() + static_cast<std::ptrdiff_t>(in_end_),
              in_.begin());
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  ssize_t got = 0;
  do got = recv(fd_, in_.data() + in_end_, in_.size() - in_end_, 0);
  while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return false;
  if (got <= 0) fail("the broker closed a connection");
  in_end_ += static_cast<size_t>(got);
  return true;
}

bool Connection::next(Frame& frame) {
  std::string_view bytes(in_.data() + in_begin_, in_end_ - in_begin_);
  if (!cut_frame(bytes, frame)) return false;
  in_begin_ = in_end_ - bytes.size();
  return true;
}

void Connection::unexpected(uint32_t id, std::string_view arguments) {
  if (id == connection_close || id == channel_close) {
    Reader reader(arguments);
    const int code = reader.i16();
    const auto size = static_cast<uint8_t>(reader.i8());
    fail("the broker closed the %s: %d %s", id == channel_close ? "channel" : "connection", code,
         std::string(reader.bytes(size)).c_str());
  }
  fail("the broker sent method %u.%u, which nobody expects here", id >> 16, id & 0xffff);
}

}  // namespace naru::load::amqp
