// The least that a broker must do for a Produce, as a yardstick: split frames, check the CRC-32C, write the
// batch to a file, fdatasync in one helper thread for all that wait, answer. No topics, no offsets, no reads.
// The file is a ring that was written before, so a sync moves data and no metadata. What naru reaches of this
// figure is what its routing, offsets, journal and indexes cost.
//
//   produce_limit --port P --file F --partitions N [--no-sync]
//
// It answers naru-load's other requests with constants: every topic exists and has N partitions.
#include <fcntl.h>
#include <isa-l/crc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "../load/api.h"
#include "../load/wire.h"

using namespace naru::load;

namespace {

constexpr size_t ring_bytes = 256u << 20;
constexpr size_t in_bytes = 1u << 20;  // several batches per read
constexpr size_t crc_at = 17, attributes_at = 21;

struct Connection {
  explicit Connection(int socket) : fd(socket) {}
  int fd;
  std::unique_ptr<char[]> in = std::make_unique<char[]>(in_bytes);
  size_t in_end = 0;
  std::string out;
  std::string waiting;  // answers that wait for the group that forms now
  std::string syncing;  // answers that wait for the group that is being synced
};

/// Answers to what naru-load asks before and after it produces.
class Stage {
 public:
  explicit Stage(int32_t partitions) : partitions_(partitions) {}

  std::string answer(int16_t key, int32_t correlation, Reader& request) const {
    Writer writer;
    writer.i32(0).i32(correlation);
    if (key == api_versions_api.key) {
      const Api apis[] = {produce_api,      fetch_api,         list_offsets_api, metadata_api,
                          api_versions_api, create_topics_api, delete_topics_api};
      writer.i16(0).count(std::size(apis));
      for (const Api& api : apis) writer.i16(api.key).i16(0).i16(api.version);
    } else if (key == metadata_api.key) {
      request.count();
      const std::string_view topic = request.text();
      writer.i32(0).count(1).i32(1).text("127.0.0.1").i32(0).null_text().null_text().i32(1);
      writer.count(1).i16(0).text(topic).i8(0).count(static_cast<size_t>(partitions_));
      for (int32_t partition = 0; partition < partitions_; ++partition)
        writer.i16(0).i32(partition).i32(1).count(1).i32(1).count(1).i32(1);
    } else if (key == list_offsets_api.key) {
      request.bytes(4 + 1 + 4);
      writer.i32(0).count(1).text(request.text()).count(static_cast<size_t>(partitions_));
      for (int32_t partition = 0; partition < partitions_; ++partition)
        writer.i32(partition).i16(0).i64(-1).i64(0).i32(0);
    } else if (key == delete_topics_api.key) {
      request.count();
      writer.i32(0).count(1).text(request.text()).i16(0);
    } else {
      fail("no answer to API %d", key);
    }
    return sealed(std::move(writer));
  }

  static std::string produced(int32_t correlation, Reader& request, std::string_view& batch) {
    request.text();  // transactional id
    request.bytes(2 + 4 + 4);
    const std::string_view topic = request.text();
    request.count();
    const int32_t partition = request.i32();
    batch = request.blob();
    Writer writer;
    writer.i32(0).i32(correlation).count(1).text(topic).count(1);
    writer.i32(partition).i16(0).i64(0).i64(-1).i64(0).i32(0);
    return sealed(std::move(writer));
  }

 private:
  static std::string sealed(Writer writer) {
    write_at(writer.data(), static_cast<int32_t>(writer.size() - 4));
    return writer.take();
  }
  int32_t partitions_;
};

class Server {
 public:
  Server(uint16_t port, const std::string& file, int32_t partitions, bool is_synced)
      : stage_(partitions), is_synced_(is_synced) {
    open_ring(file);
    listen_on(port);
    synced_event_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    watch(synced_event_, nullptr);
    std::thread([this] { sync_forever(); }).detach();
  }

  void run() {
    epoll_event events[64];
    for (;;) {
      const int count = epoll_wait(epoll_, events, std::size(events), -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.ptr == this) {
          accept_one();
        } else if (events[i].data.ptr == nullptr) {
          finish_sync();
        } else {
          read(*static_cast<Connection*>(events[i].data.ptr));
        }
      }
      if (!is_syncing_ && is_dirty_) begin_sync();
    }
  }

 private:
  void open_ring(const std::string& path) {
    file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file_ < 0) fail("%s: %s", path.c_str(), std::strerror(errno));
    const std::string block(1 << 20, 'x');
    for (size_t at = 0; at < ring_bytes; at += block.size())
      if (pwrite(file_, block.data(), block.size(), static_cast<off_t>(at)) < 0) fail("%s", std::strerror(errno));
    fsync(file_);
  }

  void listen_on(uint16_t port) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 || listen(listener_, 64) < 0)
      fail("port %d: %s", port, std::strerror(errno));
    watch(listener_, this);
  }

  void watch(int fd, void* whom) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = whom;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connections_.push_back(std::make_unique<Connection>(fd));
    watch(fd, connections_.back().get());
  }

  void read(Connection& connection) {
    const ssize_t got = recv(connection.fd, connection.in.get() + connection.in_end, in_bytes - connection.in_end, 0);
    if (got <= 0) {
      if (got < 0 && errno == EAGAIN) return;
      close(connection.fd);  // its memory stays until a last sync is over; a yardstick may leak
      connection.fd = -1;
      return;
    }
    connection.in_end += static_cast<size_t>(got);
    size_t at = 0;
    while (connection.in_end - at >= 4) {
      const size_t frame_bytes = read_at<uint32_t>(connection.in.get() + at);
      if (frame_bytes + 4 > in_bytes) fail("a frame of %zu bytes", frame_bytes);
      if (connection.in_end - at - 4 < frame_bytes) break;
      take(connection, std::string_view(connection.in.get() + at + 4, frame_bytes));
      at += 4 + frame_bytes;
    }
    std::memmove(connection.in.get(), connection.in.get() + at, connection.in_end - at);
    connection.in_end -= at;
    flush(connection);
  }

  void take(Connection& connection, std::string_view frame) {
    Reader request(frame);
    const int16_t key = request.i16();
    request.i16();
    const int32_t correlation = request.i32();
    request.text();
    // Answers keep the order of requests, so behind one that waits all wait.
    const bool is_behind = !connection.waiting.empty() || !connection.syncing.empty();
    if (key != produce_api.key) {
      (is_behind ? connection.waiting : connection.out) += stage_.answer(key, correlation, request);
      is_dirty_ |= is_behind;
      return;
    }
    std::string_view batch;
    const std::string answer = Stage::produced(correlation, request, batch);
    append(batch);
    (is_synced_ ? connection.waiting : connection.out) += answer;
    is_dirty_ |= is_synced_;
  }

  void append(std::string_view batch) {
    const std::string_view covered = batch.substr(attributes_at);
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(covered.data()));
    if (~crc32_iscsi(data, static_cast<int>(covered.size()), 0xffffffff) != read_at<uint32_t>(batch.data() + crc_at))
      fail("a batch with a wrong checksum");
    if (position_ + batch.size() > ring_bytes) position_ = 0;
    if (pwrite(file_, batch.data(), batch.size(), static_cast<off_t>(position_)) < 0) fail("%s", std::strerror(errno));
    position_ += batch.size();
  }

  void begin_sync() {
    for (auto& connection : connections_) std::swap(connection->waiting, connection->syncing);
    is_dirty_ = false;
    is_syncing_ = true;
    sync_wanted_.release();
  }

  void sync_forever() {
    for (;;) {
      sync_wanted_.acquire();
      if (fdatasync(file_) != 0) fail("fdatasync: %s", std::strerror(errno));
      eventfd_write(synced_event_, 1);
    }
  }

  void finish_sync() {
    eventfd_t ignored;
    eventfd_read(synced_event_, &ignored);
    is_syncing_ = false;
    for (auto& connection : connections_) {
      connection->out += connection->syncing;
      connection->syncing.clear();
      flush(*connection);
    }
  }

  // Answers are small against a socket's buffer, so a partial write is tried again with the next answer.
  static void flush(Connection& connection) {
    if (connection.out.empty() || connection.fd < 0) return;
    const ssize_t sent = send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent > 0) connection.out.erase(0, static_cast<size_t>(sent));
  }

  Stage stage_;
  const bool is_synced_;
  int file_ = -1, listener_ = -1, epoll_ = -1, synced_event_ = -1;
  size_t position_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;
  bool is_dirty_ = false, is_syncing_ = false;
  std::binary_semaphore sync_wanted_{0};
};

}  // namespace

int main(int argc, char** argv) {
  uint16_t port = 0;
  int32_t partitions = 1;
  std::string file;
  bool is_synced = true;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--no-sync") {
      is_synced = false;
    } else if (i + 1 < argc && flag == "--port") {
      port = static_cast<uint16_t>(std::atoi(argv[++i]));
    } else if (i + 1 < argc && flag == "--file") {
      file = argv[++i];
    } else if (i + 1 < argc && flag == "--partitions") {
      partitions = std::atoi(argv[++i]);
    } else {
      fail("usage: produce_limit --port P --file F --partitions N [--no-sync]");
    }
  }
  if (port == 0 || file.empty()) fail("usage: produce_limit --port P --file F --partitions N [--no-sync]");
  Server(port, file, partitions, is_synced).run();
}
