#include "management/rates.h"

#include <gtest/gtest.h>

namespace naru::management {
namespace {

double rate(const Json& out, const char* name, bool stats = true) {
  const Json* in = stats ? out.find("message_stats") : &out;
  return in->find(std::string(name) + "_details")->find("rate")->number().value();
}

struct RatesTest : testing::Test {
  Rates rates;
  Traffic traffic;
  Json look(io::Millis now, const char* what = "q") {
    Json out;
    rates.add(out, what, traffic, now);
    return out;
  }
};

TEST_F(RatesTest, the_second_look_tells_what_happened_since) {
  EXPECT_EQ(rate(look(10'000), "publish"), 0);
  traffic.counters.published = 50;
  traffic.ready = 20;
  Json out = look(15'000);
  EXPECT_EQ(rate(out, "publish"), 10);
  EXPECT_EQ(rate(out, "messages_ready", false), 4);
  traffic.ready = 0;
  EXPECT_EQ(rate(look(17'000), "messages", false), -10);
}

TEST_F(RatesTest, a_look_right_after_another_tells_the_same) {
  look(0);
  traffic.counters.acked = 30;
  EXPECT_EQ(rate(look(3000), "ack"), 10);
  traffic.counters.acked = 1000;
  EXPECT_EQ(rate(look(3100), "ack"), 10);
  EXPECT_EQ(rate(look(5000), "ack"), 485);
}

TEST_F(RatesTest, a_new_queue_of_an_old_name_begins_anew) {
  traffic.counters.published = 100;
  look(0);
  traffic.counters.published = 7;
  EXPECT_EQ(rate(look(2000), "publish"), 0);
  traffic.counters.published = 9;
  EXPECT_EQ(rate(look(3000), "publish"), 2);
}

TEST_F(RatesTest, what_nobody_asks_about_is_forgotten) {
  look(0, "a");
  traffic.counters.published = 100;
  look(400'000, "b");
  EXPECT_EQ(rate(look(401'000, "a"), "publish"), 0);  // as if for the first time
}

}  // namespace
}  // namespace naru::management
