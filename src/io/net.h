#pragma once
// Byte streams between naru and its clients. A Stream is used by one session; the session and its stream live on one
// core. io::TcpStream is the real one, sim::SimStream the one of tests.
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "io/disk.h"
#include "io/task.h"

namespace naru::io {

/// A part of a file on its way to a peer. Shared, because the segment may be dropped from its log meanwhile; the count
/// is the only thing that two cores touch.
struct FileRange {
  std::shared_ptr<File> file;
  uint64_t at = 0, length = 0;
  bool just_written = false;  // so it is in the page cache: nobody has to ask
};

/// Whether a Stream::peer() is this machine.
inline bool is_loopback(std::string_view peer) { return peer.starts_with("127.") || peer.starts_with("[::1]"); }

class Stream {
 public:
  virtual ~Stream() = default;
  /// Takes what is there; suspends while nothing is. 0 when the peer has closed its side.
  virtual Task<Result<size_t>> read(std::span<uint8_t> into) = 0;
  /// Resumes when read() would not wait: so that an idle peer needs no buffer.
  virtual Task<> readable() = 0;
  /// Called once when the peer is found to have gone, also while nobody reads.
  virtual void on_end(std::move_only_function<void()> call) = 0;
  /// Queues bytes; they leave at the end of the loop's turn. Errors show up in read and drained.
  virtual void send(Bytes bytes) = 0;
  virtual void send(FileRange range) = 0;
  /// Bytes queued and not yet taken by the kernel.
  virtual uint64_t queued() const = 0;
  /// Those, and what the kernel has that has not arrived. The kernel takes a MiB in one go when a slow reader has made
  /// room for it: this tells sooner that it reads. A system call.
  virtual uint64_t untaken() const { return queued(); }
  /// Resumes when at most `bytes` are queued, or with the error that ended the stream.
  virtual Task<Result<void>> drained(uint64_t bytes) = 0;
  /// Ends both directions now and makes pending reads and drains return Code::closed.
  virtual void close() = 0;
  /// "127.0.0.1:52814"
  virtual std::string peer() const = 0;
  /// The address that the peer connected to, without the port.
  virtual std::string local_host() const = 0;
};

/// Where to listen or what to tell clients: host and port.
struct Endpoint {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  std::string text() const { return (host.contains(':') ? "[" + host + "]" : host) + ":" + std::to_string(port); }
};
/// "HOST:PORT", "[::1]:9092", ":9092" (all addresses).
Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace naru::io
