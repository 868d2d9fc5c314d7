// Each kind of exchange against the plainest model that can be right, with random bindings that come and go.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <set>

#include "base/testing.h"
#include "broker/routing/hashing.h"
#include "broker/routing/headers.h"
#include "broker/routing/topic.h"

namespace naru {
namespace {

using Found = std::set<uint64_t>;

Found route(const Bindings& bindings, const RoutedMessage& message) {
  std::vector<Destination> to;
  bindings.match(message, to);
  Found found;
  for (Destination destination : to) found.insert(destination.value);
  return found;
}
Found route(const Bindings& bindings, std::string_view key) { return route(bindings, {.routing_key = key}); }

std::vector<std::string> words_of(const std::string& key) {
  std::vector<std::string> words;
  if (key.empty()) return words;
  for (size_t at = 0;;) {
    size_t dot = key.find('.', at);
    words.push_back(key.substr(at, dot == std::string::npos ? dot : dot - at));
    if (dot == std::string::npos) return words;
    at = dot + 1;
  }
}
bool topic_matches(std::span<const std::string> pattern, std::span<const std::string> words) {
  if (pattern.empty()) return words.empty();
  if (pattern[0] == "#")
    return topic_matches(pattern.subspan(1), words) || (!words.empty() && topic_matches(pattern, words.subspan(1)));
  return !words.empty() && (pattern[0] == "*" || pattern[0] == words[0]) &&
         topic_matches(pattern.subspan(1), words.subspan(1));
}
bool topic_matches(const std::string& pattern, const std::string& key) {
  return topic_matches(words_of(pattern), words_of(key));
}

std::string random_key(Prng& random, std::initializer_list<const char*> alphabet, size_t words_max) {
  std::string key;
  size_t words = random.below(words_max + 1);
  for (size_t i = 0; i < words; ++i) {
    if (i > 0) key += '.';
    key += std::data(alphabet)[random.below(alphabet.size())];
  }
  return key;
}

/// Random adds, removes and matches of a kind of exchange that goes by key.
template <class Matches>
void agrees_with_model(ExchangeType type, Matches matches, std::initializer_list<const char*> pattern_words,
                       std::initializer_list<const char*> key_words) {
  for_each_seed(100, [&](uint64_t seed) {
    Prng random(seed);
    auto bindings = make_bindings(type);
    std::multiset<std::pair<std::string, uint64_t>> model;
    for (int step = 0; step < 200; ++step) {
      std::string pattern = random_key(random, pattern_words, 5);
      uint64_t destination = random.below(seed % 2 ? 5 : 100);
      if (random.chance(0.6)) {
        bindings->add(pattern, {}, Destination(destination));
        model.emplace(pattern, destination);
      } else {
        if (model.empty()) continue;
        // A fanout exchange does not know by which key a destination came.
        if (type == ExchangeType::fanout || random.chance(0.7))
          std::tie(pattern, destination) = *std::next(model.begin(), static_cast<long>(random.below(model.size())));
        auto there = model.find({pattern, destination});
        ASSERT_EQ(bindings->remove(pattern, {}, Destination(destination)), there != model.end());
        if (there != model.end()) model.erase(there);
      }
      std::string first = random_key(random, key_words, 6), second = random_key(random, key_words, 6);
      std::vector<std::string_view> more;
      if (random.chance(0.3)) more.push_back(second);
      Found expected;
      for (const auto& [key, to] : model)
        if (matches(key, first) || (!more.empty() && matches(key, second))) expected.insert(to);
      ASSERT_EQ(route(*bindings, {.routing_key = first, .more_keys = more}), expected) << first;
    }
    for (const auto& [key, to] : model) ASSERT_TRUE(bindings->remove(key, {}, Destination(to)));
    if (type == ExchangeType::topic) EXPECT_EQ(static_cast<TopicBindings*>(bindings.get())->nodes(), 1u);
  });
}

TEST(routing, direct_agrees_with_the_model) {
  agrees_with_model(ExchangeType::direct, [](const auto& a, const auto& b) { return a == b; }, {"a", "b"}, {"a", "b"});
}
TEST(routing, fanout_agrees_with_the_model) {
  agrees_with_model(ExchangeType::fanout, [](const auto&, const auto&) { return true; }, {"a", "b"}, {"a", "b"});
}
TEST(routing, topic_agrees_with_the_model) {
  agrees_with_model(ExchangeType::topic, [](const auto& a, const auto& b) { return topic_matches(a, b); },
                    {"a", "b", "", "*", "#", "#"}, {"a", "b", "", "c", "*", "#"});
}

// As a RabbitMQ 3.10.8 answers.
TEST(routing, topic_corner_cases_are_those_of_rabbitmq) {
  const std::vector<std::string> keys = {"", ".", "a", "a.", "..", "a.b", ".a", "a..b", "a.b.c", "#", "*", "a.#"};
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {"", {""}},
      {"#", keys},
      {"*", {"a", "#", "*"}},
      {"*.*", {".", "a.", "a.b", ".a", "a.#"}},
      {"a.*", {"a.", "a.b", "a.#"}},
      {"a.#", {"a", "a.", "a.b", "a..b", "a.b.c", "a.#"}},
      {"#.a", {"a", ".a"}},
      {"#.a.#", {"a", "a.", "a.b", ".a", "a..b", "a.b.c", "a.#"}},
      {"a.*.b", {"a..b"}},
      {"*.#", {".", "a", "a.", "..", "a.b", ".a", "a..b", "a.b.c", "#", "*", "a.#"}},
      {"#.#", keys},
      {"a#", {}},
      {"a*", {}},
      {".", {"."}},
      {".#", {".", "..", ".a"}},
      {"#.", {".", "a.", ".."}},
      {"*.", {".", "a."}},
  };
  for (const auto& [pattern, expected] : cases) {
    auto topic = make_bindings(ExchangeType::topic);
    topic->add(pattern, {}, Destination(1));
    std::vector<std::string> matched;
    for (const std::string& key : keys)
      if (!route(*topic, key).empty()) matched.push_back(key);
    EXPECT_EQ(matched, expected) << pattern;
  }
}

TEST(routing, topic_keys_of_any_length) {
  auto topic = make_bindings(ExchangeType::topic);
  std::string dots(254, '.'), stars = "*";
  for (int i = 0; i < 126; ++i) stars += ".*";
  topic->add("#.end", {}, Destination(1));
  topic->add(dots, {}, Destination(2));
  topic->add(stars, {}, Destination(3));
  EXPECT_EQ(route(*topic, dots), Found{2});
  EXPECT_EQ(route(*topic, dots + "end"), Found{1});
  EXPECT_EQ(route(*topic, std::string(126, '.')), Found{3});
  EXPECT_EQ(route(*topic, std::string(10'000, '.') + "end"), Found{1});  // a dead letter's key can be as long
}

TEST(routing, many_hashes_in_one_key_do_not_explode) {
  auto topic = make_bindings(ExchangeType::topic);
  std::string pattern = "#";
  for (int i = 0; i < 60; ++i) pattern += ".a.#";
  topic->add(pattern + ".b", {}, Destination(1));
  std::string key = "a";
  for (int i = 0; i < 120; ++i) key += ".a";
  EXPECT_EQ(route(*topic, key), Found{});  // exponential, were it tried way by way
  EXPECT_EQ(route(*topic, key + ".b"), Found{1});
}

/// Headers, said once more in the plainest way.
bool headers_match(FieldTableView asked, FieldTableView headers) {
  auto match = asked.find("x-match");
  std::string how(match ? *match->text() : "all");
  bool all = true, any = false;
  for (const Field& field : asked) {
    if (field.name == "x-match" || (!how.ends_with("with-x") && field.name.starts_with("x-"))) continue;
    auto found = headers.find(field.name);
    bool good = found && (field.value.is_none() || same_in_routing(field.value, *found));
    all = all && good;
    any = any || good;
  }
  return how.starts_with("all") ? all : any;
}

FieldTable random_headers(Prng& random, bool binding) {
  FieldTable table;
  const char* names[] = {"a", "b", "c", "x-d"};
  for (uint64_t left = random.below(4); left > 0; --left) {
    std::string_view name = names[random.below(4)];
    if (binding && table.find(name)) continue;
    switch (random.below(9)) {
      case 0: table.add(name, static_cast<int32_t>(random.below(3))); break;
      case 1: table.add(name, static_cast<int64_t>(random.below(3))); break;
      case 2: table.add(name, static_cast<double>(random.below(4)) / 2); break;
      case 3: table.add(name, std::string(random.below(2), 's')); break;
      case 4: table.add(name, Bytes(random.below(2), 's')); break;
      case 5: table.add(name, random.chance(0.5)); break;
      case 6: table.add(name, nullptr); break;
      case 7: table.add(name, FieldTable().add("n", static_cast<int32_t>(random.below(2)))); break;
      default: table.add(name, Timestamp{random.below(3)});
    }
  }
  if (binding && random.chance(0.8)) {
    const char* how[] = {"all", "any", "all-with-x", "any-with-x"};
    table.add("x-match", how[random.below(4)]);
  }
  return table;
}

TEST(routing, headers_agree_with_the_model) {
  for_each_seed(100, [](uint64_t seed) {
    Prng random(seed);
    auto bindings = make_bindings(ExchangeType::headers);
    std::vector<std::pair<FieldTable, uint64_t>> model;
    for (int step = 0; step < 200; ++step) {
      if (model.empty() || random.chance(0.6)) {
        model.emplace_back(random_headers(random, true), random.below(50));
        bindings->add("", model.back().first.view(), Destination(model.back().second));
      } else {
        size_t which = random.below(model.size());
        ASSERT_TRUE(bindings->remove("", model[which].first.view(), Destination(model[which].second)));
        model.erase(model.begin() + static_cast<long>(which));
      }
      FieldTable headers = random_headers(random, false);
      Found expected;
      for (const auto& [asked, to] : model)
        if (headers_match(asked.view(), headers.view())) expected.insert(to);
      ASSERT_EQ(route(*bindings, {.headers = headers.view()}), expected) << to_text(headers.view());
    }
  });
}

// As a RabbitMQ 3.10.8 answers: numbers are compared across types, and so are texts and bytes.
TEST(routing, values_of_headers_are_compared_as_rabbitmq_does) {
  FieldTable values;
  values.add("I1", int32_t(1)).add("l1", int64_t(1)).add("s1", int16_t(1)).add("B1", uint8_t(1)).add("b-1", int8_t(-1));
  values.add("d1.0", 1.0).add("d1.5", 1.5).add("f1.5", 1.5f).add("S1", "1").add("x1", Bytes{'1'});
  values.add("T1", Timestamp{1}).add("t", true).add("V", nullptr).add("D", Decimal{0, 1});
  values.add("A[1]", FieldArray().add(int32_t(1))).add("A[l1]", FieldArray().add(int64_t(1)));
  values.add("F", FieldTable().add("a", int32_t(1))).add("F2", FieldTable().add("a", int64_t(1)));
  const std::string ones = "I1 l1 s1 B1 d1.0 T1 ";
  std::map<std::string, std::string, std::less<>> expected = {
      {"I1", ones}, {"l1", ones},           {"s1", ones},           {"B1", ones},     {"d1.0", ones},
      {"T1", ones}, {"d1.5", "d1.5 f1.5 "}, {"f1.5", "d1.5 f1.5 "}, {"S1", "S1 x1 "}, {"x1", "S1 x1 "},
  };
  for (const Field& asked : values.view()) {
    auto bindings = make_bindings(ExchangeType::headers);
    bindings->add("", FieldTable().add("k", asked.value).view(), Destination(1));
    std::string matched, everything;
    for (const Field& sent : values.view()) {
      everything += std::string(sent.name) + " ";
      if (!route(*bindings, {.headers = FieldTable().add("k", sent.value).view()}).empty())
        matched += std::string(sent.name) + " ";
    }
    auto wanted = expected.find(asked.name);
    std::string self = std::string(asked.name) + " ";
    EXPECT_EQ(matched, asked.value.is_none() ? everything : wanted == expected.end() ? self : wanted->second);
  }
}

TEST(routing, numbers_too_large_for_a_double_are_compared_exactly) {
  auto same = [](const auto& a, const auto& b) {
    FieldArray values = FieldArray().add(a).add(b);
    auto at = values.view().begin();
    FieldValue first = *at;
    return same_in_routing(first, *++at);
  };
  EXPECT_FALSE(same(int64_t((1L << 53) + 1), 0x1p53));
  EXPECT_TRUE(same(int64_t(1L << 53), 0x1p53));
  EXPECT_TRUE(same(Timestamp{UINT64_MAX}, Timestamp{UINT64_MAX}));
  EXPECT_FALSE(same(Timestamp{UINT64_MAX}, int64_t(-1)));
  EXPECT_FALSE(same(std::nan(""), std::nan("")));
  EXPECT_TRUE(same(0.0, -0.0));
}

TEST(routing, the_order_of_a_bindings_arguments_makes_no_difference) {
  auto bindings = make_bindings(ExchangeType::headers);
  bindings->add("", FieldTable().add("a", 1).add("b", 2).view(), Destination(1));
  EXPECT_FALSE(bindings->remove("", FieldTable().add("a", 1).view(), Destination(1)));
  EXPECT_TRUE(bindings->remove("", FieldTable().add("b", 2).add("a", 1).view(), Destination(1)));
  EXPECT_FALSE(bindings->remove("", FieldTable().add("b", 2).add("a", 1).view(), Destination(1)));
}

std::vector<uint64_t> route_numbered(const Bindings& bindings, int count) {
  std::vector<uint64_t> to;
  for (int i = 0; i < count; ++i) {
    Found found = route(bindings, "key" + std::to_string(i));
    EXPECT_EQ(found.size(), 1u);
    to.push_back(found.empty() ? 0 : *found.begin());
  }
  return to;
}

TEST(routing, consistent_hash_shares_by_weight) {
  auto bindings = make_bindings(ExchangeType::consistent_hash);
  std::map<uint64_t, int> weights = {{7, 1}, {8, 2}, {9, 3}, {100, 4}};
  for (auto [destination, weight] : weights) bindings->add(std::to_string(weight), {}, Destination(destination));
  std::map<uint64_t, int> counts;
  for (uint64_t to : route_numbered(*bindings, 100'000)) ++counts[to];
  for (auto [destination, weight] : weights) EXPECT_NEAR(counts[destination], weight * 10'000, 500);
}

TEST(routing, consistent_hash_moves_only_what_has_to_move) {
  auto bindings = make_bindings(ExchangeType::consistent_hash),
       other_order = make_bindings(ExchangeType::consistent_hash);
  for (uint64_t i = 1; i <= 10; ++i) {
    bindings->add("10", {}, Destination(i));
    other_order->add("10", {}, Destination(11 - i));
  }
  auto before = route_numbered(*bindings, 10'000);
  EXPECT_EQ(route_numbered(*other_order, 10'000), before);
  bindings->add("10", {}, Destination(50));
  auto with_one_more = route_numbered(*bindings, 10'000);
  int moved = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    if (with_one_more[i] == before[i]) continue;
    EXPECT_EQ(with_one_more[i], 50u);
    ++moved;
  }
  EXPECT_NEAR(moved, 10'000 / 11, 150);
  EXPECT_TRUE(bindings->remove("10", {}, Destination(50)));
  EXPECT_EQ(route_numbered(*bindings, 10'000), before);
  EXPECT_TRUE(bindings->remove("10", {}, Destination(3)));
  auto with_one_less = route_numbered(*bindings, 10'000);
  for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(with_one_less[i] == before[i] || before[i] == 3);
}

TEST(routing, consistent_hash_by_header_and_property) {
  auto targets = [](FieldTable arguments, auto message_of) {
    auto bindings = make_bindings(ExchangeType::consistent_hash, arguments.view());
    for (uint64_t i = 0; i < 100; ++i) bindings->add("1", {}, Destination(i));
    Found found;
    for (int i = 0; i < 1000; ++i) {
      std::string text = std::to_string(i);
      FieldTable headers = FieldTable().add("who", text);
      found.merge(route(*bindings, message_of(text, headers, i)));
    }
    return found.size();
  };
  using Message = RoutedMessage;
  auto by_header = [](auto& text, auto& headers, int) {
    return Message{.routing_key = text, .headers = headers.view()};
  };
  auto by_id = [](auto& text, auto&, int) { return Message{.message_id = text}; };
  auto by_correlation = [](auto& text, auto&, int) { return Message{.correlation_id = text}; };
  auto by_time = [](auto&, auto&, uint64_t i) { return Message{.timestamp = i}; };
  EXPECT_GT(targets(FieldTable().add("hash-header", "who"), by_header), 90u);
  EXPECT_EQ(targets(FieldTable().add("hash-header", "nobody"), by_header), 1u);
  EXPECT_GT(targets(FieldTable().add("hash-property", "message_id"), by_id), 90u);
  EXPECT_GT(targets(FieldTable().add("hash-property", "correlation_id"), by_correlation), 90u);
  EXPECT_GT(targets(FieldTable().add("hash-property", "timestamp"), by_time), 90u);
  EXPECT_EQ(targets({}, by_id), 1u);
}

TEST(routing, modulus_hash_gives_a_share_per_binding) {
  auto bindings = make_bindings(ExchangeType::modulus_hash), other_order = make_bindings(ExchangeType::modulus_hash);
  for (uint64_t to : {1, 2, 2, 2}) bindings->add("any" + std::to_string(to), {}, Destination(to));
  for (uint64_t to : {2, 2, 1, 2}) other_order->add("", {}, Destination(to));
  auto routed = route_numbered(*bindings, 10'000);
  EXPECT_EQ(route_numbered(*other_order, 10'000), routed);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(routed, 2u)), 7500, 200);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bindings->remove("", {}, Destination(2)));
  EXPECT_FALSE(bindings->remove("", {}, Destination(2)));
  EXPECT_EQ(route(*bindings, "x"), Found{1});
  EXPECT_TRUE(bindings->remove("", {}, Destination(1)));
  EXPECT_EQ(route(*bindings, "x"), Found{});
}

TEST(routing, random_goes_by_the_number_that_comes_along) {
  auto bindings = make_bindings(ExchangeType::random);
  for (uint64_t to : {5, 6, 7}) bindings->add("", {}, Destination(to));
  Found found;
  for (uint64_t number = 0; number < 3; ++number) found.merge(route(*bindings, {.random = number}));
  EXPECT_EQ(found, (Found{5, 6, 7}));
}

TEST(routing, problems_are_told_in_rabbitmqs_words) {
  using enum ExchangeType;
  auto match_is = [](const auto& value) {
    return binding_problem(headers, "", FieldTable().add("x-match", value).view()).value_or("fine");
  };
  EXPECT_EQ(match_is("any-with-x"), "fine");
  EXPECT_EQ(match_is("xx"), "Invalid x-match field value <<\"xx\">>; expected all, any, all-with-x, or any-with-x");
  EXPECT_EQ(match_is(1), "Invalid x-match field type signedint (value 1); expected longstr");
  EXPECT_EQ(match_is(nullptr), "Invalid x-match field type void (value undefined); expected longstr");
  EXPECT_EQ(match_is(1.5), "Invalid x-match field type double (value 1.5); expected longstr");
  EXPECT_EQ(match_is(Bytes{'a', 'n', 'y'}), "Invalid x-match field type binary (value <<\"any\">>); expected longstr");
  EXPECT_EQ(match_is(FieldTable().add("a", 1)),
            "Invalid x-match field type table (value [{<<\"a\">>,signedint,1}]); expected longstr");
  EXPECT_EQ(match_is(FieldArray().add("any")),
            "Invalid x-match field type array (value [{longstr,<<\"any\">>}]); expected longstr");
  auto weight_is = [](std::string_view key) { return binding_problem(consistent_hash, key, {}).value_or("fine"); };
  EXPECT_EQ(weight_is("10"), "fine");
  EXPECT_EQ(weight_is("+1"), "fine");
  EXPECT_EQ(weight_is(""), "The binding key must be an integer: <<>>");
  EXPECT_EQ(weight_is("abc"), "The binding key must be an integer: <<\"abc\">>");
  EXPECT_EQ(weight_is(" 1"), "The binding key must be an integer: <<\" 1\">>");
  EXPECT_EQ(weight_is("0"), "The binding key must be greater than 0");
  EXPECT_EQ(weight_is("-1"), "The binding key must be greater than 0");
  EXPECT_FALSE(exchange_problem(consistent_hash, FieldTable().add("hash-header", "a").view()));
  EXPECT_EQ(exchange_problem(consistent_hash, FieldTable().add("hash-header", "a").add("hash-property", "b").view()),
            "hash-header and hash-property are mutually exclusive");
  EXPECT_EQ(exchange_problem(consistent_hash, FieldTable().add("hash-property", "nope").view()),
            "Unsupported property: nope");
  EXPECT_TRUE(exchange_problem(consistent_hash, FieldTable().add("hash-header", 1).view()));
  EXPECT_FALSE(exchange_problem(topic, FieldTable().add("hash-property", "nope").view()));
}

TEST(routing, types_have_the_names_that_clients_use) {
  for (const char* text : {"direct", "fanout", "topic", "headers", "x-consistent-hash", "x-modulus-hash", "x-random"})
    EXPECT_EQ(name(*exchange_type(text)), text);
  EXPECT_FALSE(exchange_type("nonsense"));
  EXPECT_FALSE(exchange_type(""));
}

TEST(routing, keep_unique_drops_what_is_there_twice) {
  std::vector<Destination> to = {Destination(3), Destination(1), Destination(3)};
  keep_unique(to);
  EXPECT_EQ(to, (std::vector{Destination(1), Destination(3)}));
}

/// Nanoseconds of this thread, so that others on the machine do not count.
double thread_nanos() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

void measure(ExchangeType type, int count) {
  auto bindings = make_bindings(type);
  std::vector<std::string> keys;
  std::vector<FieldTable> headers;
  for (int i = 0; i < count; ++i) {
    std::string number = std::to_string(i);
    const char* ends[] = {".#", ".*", ""};
    keys.push_back("shop." + std::to_string(i % 1000) + ".order." + number + ends[i % 3]);
    headers.push_back(FieldTable().add("shop", int32_t(i % 1000)).add("order", number));
  }
  double started = thread_nanos();
  for (int i = 0; i < count; ++i) bindings->add(keys[i], headers[i].view(), Destination(static_cast<uint64_t>(i)));
  double added = thread_nanos();
  int rounds = type == ExchangeType::fanout ? 10 : 100'000;
  std::vector<Destination> to;
  for (int i = 0; i < rounds; ++i) {
    to.clear();
    auto which = static_cast<size_t>((static_cast<int64_t>(i) * 7919) % count);
    bindings->match({.routing_key = keys[which], .headers = headers[which].view()}, to);
  }
  double matched = thread_nanos();
  for (int i = 0; i < count; ++i) bindings->remove(keys[i], headers[i].view(), Destination(static_cast<uint64_t>(i)));
  std::printf("%-18s %6d bindings: add %5.0f ns, match %7.0f ns, remove %5.0f ns\n", std::string(name(type)).c_str(),
              count, (added - started) / count, (matched - added) / rounds, (thread_nanos() - matched) / count);
}

// ./broker_test --gtest_also_run_disabled_tests --gtest_filter='*speed*'
TEST(routing, DISABLED_speed) {
  using enum ExchangeType;
  for (int count : {100, 100'000})
    for (auto type : {direct, topic, headers, fanout}) measure(type, count);
  measure(consistent_hash, 10);
  measure(consistent_hash, 100);
}

}  // namespace
}  // namespace naru
