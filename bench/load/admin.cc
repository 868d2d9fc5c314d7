#include "admin.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "connection.h"
#include "fail.h"

namespace naru::load {
namespace {

constexpr int64_t ready_ns_max = 30'000'000'000;
constexpr int16_t unknown_topic_or_partition = 3, topic_already_exists = 36;

void pause_a_little() { usleep(20'000); }

}  // namespace

Admin::Admin(const std::string& broker) : fd_(dial(broker)) { check_versions(); }
Admin::~Admin() { close(fd_); }

std::string Admin::call(std::string frame) {
  for (size_t sent = 0; sent < frame.size();) {
    const ssize_t wrote = ::send(fd_, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
    if (wrote <= 0) fail("cannot send a request: %s", std::strerror(errno));
    sent += static_cast<size_t>(wrote);
  }
  char length[4];
  if (recv(fd_, length, sizeof length, MSG_WAITALL) != sizeof length)
    fail("the broker closed the connection instead of answering API %d", read_at<int16_t>(frame.data() + 4));
  std::string answer(read_at<uint32_t>(length), '\0');
  if (recv(fd_, answer.data(), answer.size(), MSG_WAITALL) != static_cast<ssize_t>(answer.size()))
    fail("the broker closed the connection inside an answer");
  return answer.substr(4);  // past the correlation id
}

void Admin::check_versions() {
  const std::string answer = call(finish(begin(api_versions_api)));
  Reader reader(answer);
  if (const int16_t error = reader.i16(); error != 0) fail("ApiVersions: error %d %s", error, error_name(error));
  struct Range {
    int16_t key, first, last;
  };
  std::vector<Range> ranges;
  for (size_t apis = reader.count(); apis > 0; --apis) {
    Range range;
    range.key = reader.i16();
    range.first = reader.i16();
    range.last = reader.i16();
    ranges.push_back(range);
  }
  for (const Api& api :
       {produce_api, fetch_api, list_offsets_api, metadata_api, create_topics_api, delete_topics_api}) {
    bool accepted = false;
    for (const Range& range : ranges)
      accepted |= range.key == api.key && range.first <= api.version && api.version <= range.last;
    if (!accepted) fail("the broker does not speak %s v%d", api.name, api.version);
  }
}

int32_t Admin::partitions_of(const std::string& topic) {
  Writer request = begin(metadata_api);
  request.count(1).text(topic).i8(0);  // do not create it on the way
  const std::string answer = call(finish(std::move(request)));
  Reader reader(answer);
  reader.i32();  // throttle
  for (size_t brokers = reader.count(); brokers > 0; --brokers) {
    reader.i32();
    reader.text();
    reader.i32();
    reader.text();
  }
  reader.text();  // cluster id
  reader.i32();   // controller
  if (reader.count() != 1) fail("Metadata: not exactly the topic that was asked for");
  const int16_t error = reader.i16();
  if (error == unknown_topic_or_partition) return 0;
  reader.text();
  reader.i8();
  return static_cast<int32_t>(reader.count());
}

void Admin::ensure_topic(const std::string& topic, int32_t partitions) {
  int32_t found = partitions_of(topic);
  if (found == 0) {
    Writer request = begin(create_topics_api);
    request.count(1).text(topic).i32(partitions).i16(1).count(0).count(0).i32(30'000).i8(0);
    const std::string answer = call(finish(std::move(request)));
    Reader reader(answer);
    reader.i32();  // throttle
    if (reader.count() != 1) fail("CreateTopics: not exactly one answer");
    reader.text();
    if (const int16_t error = reader.i16(); error != 0 && error != topic_already_exists)
      fail("CreateTopics: error %d %s", error, error_name(error));
    const int64_t give_up_ns = now_ns() + ready_ns_max;
    while ((found = partitions_of(topic)) == 0) {
      if (now_ns() > give_up_ns) fail("topic %s was created but never appeared", topic.c_str());
      pause_a_little();
    }
  }
  if (found != partitions)
    fail("topic %s has %d partitions, not %d: name another, or delete it", topic.c_str(), found, partitions);
  ends(topic, partitions);
}

void Admin::delete_topic(const std::string& topic) {
  Writer request = begin(delete_topics_api);
  request.count(1).text(topic).i32(30'000);
  const std::string answer = call(finish(std::move(request)));
  Reader reader(answer);
  reader.i32();  // throttle
  if (reader.count() != 1) fail("DeleteTopics: not exactly one answer");
  reader.text();
  if (const int16_t error = reader.i16(); error != 0) fail("DeleteTopics: error %d %s", error, error_name(error));
}

// A partition that was just created may not have its leader yet, so errors are retried for a while.
std::vector<int64_t> Admin::ends(const std::string& topic, int32_t partitions) {
  const int64_t give_up_ns = now_ns() + ready_ns_max;
  for (;;) {
    Writer request = begin(list_offsets_api);
    request.i32(-1).i8(0).count(1).text(topic).count(static_cast<size_t>(partitions));
    for (int32_t partition = 0; partition < partitions; ++partition) request.i32(partition).i32(-1).i64(-1);
    const std::string answer = call(finish(std::move(request)));
    Reader reader(answer);
    reader.i32();  // throttle
    if (reader.count() != 1) fail("ListOffsets: not exactly one topic");
    reader.text();
    std::vector<int64_t> ends(static_cast<size_t>(partitions), -1);
    int16_t last_error = 0;
    for (size_t left = reader.count(); left > 0; --left) {
      const int32_t partition = reader.i32();
      if (const int16_t error = reader.i16(); error != 0) last_error = error;
      reader.i64();  // timestamp
      const int64_t offset = reader.i64();
      reader.i32();  // leader epoch
      if (partition < 0 || partition >= partitions) fail("ListOffsets: partition %d was not asked for", partition);
      ends[static_cast<size_t>(partition)] = offset;
    }
    if (last_error == 0) return ends;
    if (now_ns() > give_up_ns) fail("ListOffsets: error %d %s", last_error, error_name(last_error));
    pause_a_little();
  }
}

}  // namespace naru::load
