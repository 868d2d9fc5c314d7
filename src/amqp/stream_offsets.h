#pragma once
// How far consumers of streams have come, for those that want the broker to remember it: by the stream and the
// consumer's tag, in rows of core 0's journal. A row is written at the end of a turn in which the place moved, and not
// waited for: after a crash a consumer may get again what it had acknowledged last.
#include <deque>
#include <map>
#include <string>

#include "broker/vhost/virtual_hosts.h"

namespace naru::amqp {

/// In basic.consume: true asks for it; LavinMQ has it under this name.
inline constexpr std::string_view offset_tracking_name = "x-stream-automatic-offset-tracking";

class StreamOffsets {
 public:
  StreamOffsets(Core& core, VirtualHosts& hosts) : core_(core), hosts_(hosts) {}

  /// Where this consumer goes on; nothing if it has never acknowledged anything, or all that is gone by now.
  std::optional<Offset> find(StreamId stream, std::string_view tag) const;
  void store(StreamId stream, std::string_view tag, Offset next);

 private:
  void write();
  void sweep();

  Core& core_;
  VirtualHosts& hosts_;
  std::map<std::string, Offset, std::less<>> pending_;  // by the keys of their rows
  size_t rows_ = 0, sweep_at_ = 0;                      // counted by sweep(), and since
};

/// What one such consumer has got and not acknowledged.
class StreamProgress {
 public:
  StreamProgress(StreamOffsets& offsets, StreamId stream, std::string tag)
      : offsets_(offsets), stream_(stream), tag_(std::move(tag)) {}

  void handed_out(Offset offset) { given_.push_back({offset, false}); }
  /// All before the oldest that is not acknowledged has been processed.
  void acknowledged(Offset offset);

 private:
  struct Given {
    Offset offset;
    bool acknowledged;
  };
  StreamOffsets& offsets_;
  const StreamId stream_;
  const std::string tag_;
  std::deque<Given> given_;  // ascending
};

}  // namespace naru::amqp
