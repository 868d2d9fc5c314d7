// What the wire costs per message: ./amqp_test --gtest_also_run_disabled_tests --gtest_filter='*speed*'
#include <cstdio>
#include <ctime>

#include "amqp/wire/method.h"
#include "amqp/wire/properties.h"
#include "base/testing.h"

namespace naru::amqp {
namespace {

double thread_nanos() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

constexpr int messages = 1000, rounds = 1000;

/// Reads publishes as a session does, out of 64 KiB at a time.
size_t read_all(ByteView stream) {
  FrameReader reader(131072);
  size_t sum = 0;
  while (!stream.empty()) {
    ByteView piece = stream.first(std::min<size_t>(stream.size(), 65536));
    stream = stream.subspan(piece.size());
    reader.feed(piece);
    while (true) {
      auto next = reader.next();
      if (!next || !*next) break;
      ByteView payload = (*next)->payload;
      if ((*next)->type == FrameType::method)
        sum += decode_method<BasicPublish>(payload)->routing_key.size();
      else if ((*next)->type == FrameType::header)
        sum += decode_header(payload)->body_bytes;
      else
        sum += payload.size();
    }
  }
  return sum;
}

TEST(wire, DISABLED_speed) {
  FieldTable table = FieldTable().add("tenant", "shop-12").add("retries", int32_t(3)).add("trace", "4bf92f35-77b3");
  Properties rich = {.content_type = "application/json", .headers = table.view(), .delivery_mode = 2};
  const std::pair<const char*, Properties> cases[] = {
      {"no properties", {}}, {"persistent", {.delivery_mode = 2}}, {"rich", rich}};
  for (const auto& [what, properties] : cases) {
    const Bytes body(16, 'x');
    Bytes stream, encoded, out;
    append_properties(encoded, properties);
    for (int i = 0; i < messages; ++i) {
      append_method(stream, 1, BasicPublish{.routing_key = "a.queue"});
      append_header(stream, 1, body.size(), properties);
      append_body(stream, 1, body, 131072);
    }
    double begun = thread_nanos();
    size_t sum = 0;
    for (int round = 0; round < rounds; ++round) sum += read_all(stream);
    double read = thread_nanos();
    for (int round = 0; round < rounds; ++round) {
      out.clear();
      for (uint64_t i = 0; i < messages; ++i) {
        append_method(out, 1,
                      BasicDeliver{.consumer_tag = "ctag1.0123456789", .delivery_tag = i, .routing_key = "a.queue"});
        append_header(out, 1, body.size(), encoded);
        append_body(out, 1, body, 131072);
      }
      sum += out.size();
    }
    double count = double{messages} * rounds;
    std::printf("%-14s publish %.0f ns, deliver %.0f ns (%zu)\n", what, (read - begun) / count,
                (thread_nanos() - read) / count, sum);
  }
}

}  // namespace
}  // namespace naru::amqp
