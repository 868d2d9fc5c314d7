#include "broker/policies/policies.h"

#include <gtest/gtest.h>

#include "broker/meta_store_testing.h"
#include "broker/policies/age.h"

namespace naru {
namespace {

struct PoliciesTest : testing::Test {
  MemoryMetaStore meta;
  Parameters parameters{meta};
  Policies policies{parameters};

  void SetUp() override {
    parameters.on_change = [this](const Parameters::Key& key) { policies.changed(key.vhost); };
  }
  void set(const char* component, const char* name, const char* value) {
    ASSERT_TRUE(parameters.set({"/", component, name}, *parse_json(value)).take());
  }
  std::string definition(const char* name, PolicyTarget target = PolicyTarget::classic_queue) {
    return to_text(policies.match("/", target, name).definition());
  }
  static std::string wrong(const char* value, bool is_operator = false) {
    auto policy = make_policy("p", *parse_json(value), is_operator);
    return policy ? "" : policy.error();
  }
};

TEST_F(PoliciesTest, the_highest_priority_that_matches_counts) {
  set(Parameters::policy, "low", R"({"pattern":"^a","definition":{"max-length":1},"priority":1})");
  set(Parameters::policy, "high", R"({"pattern":"b$","definition":{"max-length":2},"priority":5})");
  EXPECT_EQ(definition("a"), R"({"max-length":1})");
  EXPECT_EQ(definition("a.b"), R"({"max-length":2})");
  EXPECT_EQ(definition("c"), "{}");
  ASSERT_TRUE(parameters.clear({"/", Parameters::policy, "high"}).take());
  EXPECT_EQ(definition("a.b"), R"({"max-length":1})");
}

TEST_F(PoliciesTest, an_operator_takes_the_smaller_limit_and_adds_what_is_not_said) {
  set(Parameters::policy, "own", R"({"pattern":"","definition":{"max-length":10,"expires":5,"overflow":"drop-head"}})");
  set(Parameters::operator_policy, "op", R"({"pattern":"","definition":{"max-length":3,"expires":9,"message-ttl":7}})");
  EXPECT_EQ(definition("q"), R"({"max-length":3,"expires":5,"overflow":"drop-head","message-ttl":7})");
}

TEST_F(PoliciesTest, they_apply_to_what_they_say) {
  set(Parameters::policy, "q", R"({"pattern":"q","apply-to":"queues","definition":{"max-length":1}})");
  set(Parameters::policy, "x", R"({"pattern":"x","apply-to":"exchanges","definition":{"alternate-exchange":"a"}})");
  set(Parameters::policy, "s", R"({"pattern":"s","apply-to":"streams","definition":{"max-age":"1D"}})");
  EXPECT_NE(definition("q"), "{}");
  EXPECT_EQ(definition("q", PolicyTarget::exchange), "{}");
  EXPECT_NE(definition("x", PolicyTarget::exchange), "{}");
  EXPECT_EQ(definition("x"), "{}");
  EXPECT_NE(definition("s", PolicyTarget::stream), "{}");
  EXPECT_EQ(definition("s", PolicyTarget::quorum_queue), "{}");
}

TEST_F(PoliciesTest, what_makes_no_sense_is_refused) {
  EXPECT_EQ(wrong(R"({"pattern":"","definition":{"max-length":1}})"), "");
  EXPECT_NE(wrong(R"({"definition":{"max-length":1}})"), "");
  EXPECT_NE(wrong(R"({"pattern":"(","definition":{"max-length":1}})"), "");
  EXPECT_NE(wrong(R"({"pattern":"","definition":{}})"), "");
  EXPECT_NE(wrong(R"({"pattern":"","definition":{"max-length":-1}})"), "");
  EXPECT_NE(wrong(R"({"pattern":"","definition":{"expires":0}})"), "");
  EXPECT_NE(wrong(R"({"pattern":"","definition":{"no-such-thing":1}})"), "");
  EXPECT_NE(wrong(R"({"pattern":"","apply-to":"moons","definition":{"max-length":1}})"), "");
  EXPECT_NE(wrong(R"({"pattern":"","priority":"x","definition":{"max-length":1}})"), "");
  EXPECT_EQ(wrong(R"({"pattern":"","definition":{"dead-letter-exchange":"x"}})"), "");
  EXPECT_NE(wrong(R"({"pattern":"","definition":{"dead-letter-exchange":"x"}})", true), "");
}

TEST_F(PoliciesTest, refusals_have_rabbitmqs_words) {
  auto of = [](const char* definition, bool is_operator = false) {
    return wrong((R"({"pattern":"","definition":)" + std::string(definition) + "}").c_str(), is_operator);
  };
  EXPECT_EQ(of(R"({"max-length":"5"})"), R"(<<"5">> is not a valid maximum length)");
  EXPECT_EQ(of(R"({"message-ttl":-1,"max-length":-1})"), "-1 is not a valid maximum length");  // by name
  EXPECT_EQ(of(R"({"nope":1,"message-ttl":-1})", true), "-1 is not a valid message TTL");
  EXPECT_EQ(of(R"({"nope":"x","max-length":5,"nada":[2,null]})"),
            R"([{<<"nada">>,[2,null]},{<<"nope">>,<<"x">>}] are not recognised policy settings)");
  EXPECT_EQ(of(R"({"overflow":"x","max-length":5})", true),
            R"([{<<"overflow">>,<<"x">>}] are not recognised policy settings)");
  EXPECT_EQ(unusable_value(*parse_json(R"({"queue-version":3})")), "3 is not a valid queue-version value");
  EXPECT_EQ(unusable_value(*parse_json(R"({"queue-leader-locator":"x"})")),
            R"(<<"x">> is not a valid queue leader locator value)");
}

TEST_F(PoliciesTest, what_could_not_be_applied_is_told_when_it_is_set) {
  auto unusable = [](const char* definition) { return unusable_value(*parse_json(definition)).has_value(); };
  EXPECT_TRUE(unusable(R"({"max-length":1,"max-age":"7 days"})"));
  EXPECT_TRUE(unusable(R"({"naru-retain":"soon"})"));
  EXPECT_FALSE(unusable(R"({"max-age":"1D","naru-retain":"24h"})"));
  for (const char* key : {"message-ttl", "expires", "consumer-timeout", "delayed-retry-min", "delayed-retry-max"}) {
    std::string name = "{\"" + std::string(key) + "\":";
    EXPECT_TRUE(unusable((name + "315360000001}").c_str())) << key;
    EXPECT_FALSE(unusable((name + "315360000000}").c_str())) << key;
  }
  EXPECT_TRUE(unusable(R"({"ha-mode":"some"})"));
  EXPECT_TRUE(unusable(R"({"ha-mode":"exactly","ha-params":"2"})"));
  EXPECT_TRUE(unusable(R"({"ha-mode":"nodes","ha-params":[]})"));
  EXPECT_TRUE(unusable(R"({"ha-sync-mode":"automatic"})"));
  EXPECT_FALSE(unusable(R"({"ha-mode":"exactly","ha-params":2,"ha-sync-mode":"automatic","ha-sync-batch-size":1})"));
  EXPECT_FALSE(unusable(R"({"ha-mode":"nodes","ha-params":["a@b"],"ha-promote-on-failure":"always"})"));
  // What an older naru let in is applied as far as it can be.
  EXPECT_EQ(wrong(R"({"pattern":"","definition":{"max-length":1,"max-age":"7 days"}})"), "");
  EXPECT_EQ(wrong(R"({"pattern":"","definition":{"max-length":1,"ha-mode":"some"}})"), "");
}

TEST(age, is_a_number_and_a_unit) {
  EXPECT_EQ(parse_age("30s"), 30'000);
  EXPECT_EQ(parse_age("5m"), 300'000);
  EXPECT_EQ(parse_age("1h"), 3'600'000);
  EXPECT_EQ(parse_age("7D"), 7 * 86'400'000LL);
  EXPECT_EQ(parse_age("1M"), 30 * 86'400'000LL);
  EXPECT_EQ(parse_age("1Y"), 365 * 86'400'000LL);
  EXPECT_EQ(parse_age("0s"), 0);
  for (const char* bad :
       {"", "7", "D", "7 D", "7d", "7DD", "-7D", "+7D", "7.5h", " 7D", "99999999999999999999s", "9223372036854775807Y"})
    EXPECT_EQ(parse_age(bad), std::nullopt) << bad;
}

TEST_F(PoliciesTest, parameters_are_there_after_a_restart) {
  set(Parameters::vhost_limits, "limits", R"({"max-queues":2,"max-connections":-1})");
  ASSERT_TRUE(parameters.set_global("cluster_name", "here").take());
  Parameters later(meta);
  ASSERT_TRUE(later.load().take());
  EXPECT_EQ(later.vhost_limit("/", "max-queues"), 2);
  EXPECT_EQ(later.vhost_limit("/", "max-connections"), std::nullopt);
  EXPECT_EQ(later.vhost_limit("other", "max-queues"), std::nullopt);
  EXPECT_EQ(later.globals().at("cluster_name").text(), "here");
  EXPECT_EQ(later.rows_of_vhost("/").size(), 1u);
}

}  // namespace
}  // namespace naru
