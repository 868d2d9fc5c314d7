#include "broker/queue/fair_share.h"

#include "base/testing.h"

namespace naru {
namespace {

using Place = FairShare::Place;

/// "a a b": the keys of the next messages, each a letter; `leave` says how they end.
struct Rounds {
  explicit Rounds(FairShare::Shares shares = {}) : share(std::move(shares)) {}
  FairShare share;
  int64_t end = 0;
  std::map<int64_t, char> key_of;

  void add(const std::string& keys) {
    for (char key : keys) {
      key_of[end] = key;
      share.add({0, Offset(end++)}, static_cast<uint64_t>(key));
    }
  }
  std::string take(int count) {
    std::string out;
    for (; count > 0; --count) {
      auto place = share.next();
      out += place ? key_of[place->offset.value] : '-';
      if (place) last = *place;
    }
    return out;
  }
  Place last;
};

TEST(fair_share, each_key_in_turn) {
  Rounds r;
  r.add("aaaaaabbc");
  EXPECT_EQ(r.take(10), "abcabaaaa-");
  r.add("cab");
  EXPECT_EQ(r.take(4), "cab-");
}

TEST(fair_share, who_comes_late_waits_for_one_round) {
  Rounds r;
  r.add("aaaabbbb");
  EXPECT_EQ(r.take(3), "aba");
  r.add("c");
  EXPECT_EQ(r.take(5), "bacba");
}

TEST(fair_share, weights_are_messages_in_a_row) {
  Rounds r({.weights = {{'a', 3}}, .out_max = 0});
  r.add("aaaaaaabbbb");
  EXPECT_EQ(r.take(11), "aaabaaababb");
}

TEST(fair_share, no_more_of_one_key_than_may_be_out) {
  Rounds r({.weights = {}, .out_max = 2});
  r.add("aaab");
  EXPECT_EQ(r.take(4), "aba-");
  Place a = r.last;
  r.share.done(a);
  EXPECT_EQ(r.take(2), "a-");
}

TEST(fair_share, what_is_put_back_comes_next_and_what_is_given_back_keeps_its_key_and_place) {
  Rounds r;
  r.add("aabb");
  EXPECT_EQ(r.take(1), "a");
  Place first = r.last;
  r.share.put_back(first);
  EXPECT_EQ(r.take(1), "a");
  EXPECT_EQ(r.last, first);
  r.share.given_back(first);
  r.share.add(first, 0);  // nobody knows its key any more
  EXPECT_EQ(r.take(2), "ba");
  EXPECT_EQ(r.last, first);
  EXPECT_EQ(r.share.waiting(), 2u);
}

TEST(fair_share, clear_forgets_who_waits_and_not_who_is_out) {
  Rounds r;
  r.add("aab");
  EXPECT_EQ(r.take(1), "a");
  EXPECT_EQ(r.share.clear().size(), 2u);
  EXPECT_EQ(r.share.waiting(), 0u);
  r.share.done(r.last);
  r.add("b");
  EXPECT_EQ(r.take(2), "b-");
}

TEST(fair_share, any_order_of_steps_gives_each_message_once_and_keys_in_order) {
  for_each_seed(200, [](uint64_t seed) {
    Prng random(seed);
    Rounds r({.weights = {{'b', 2}}, .out_max = static_cast<uint32_t>(random.below(3))});
    std::vector<Place> out;
    size_t done = 0, sent = 0;
    for (int step = 0; step < 400 || done < sent; ++step) {
      ASSERT_LT(step, 5000);
      auto dice = random.below(10);
      if (step < 400 && dice < 3) {
        r.add(std::string(1, static_cast<char>('a' + random.below(5))));
        ++sent;
      } else if (dice < 7) {
        auto place = r.share.next();
        if (!place) continue;
        if (random.below(8) == 0) {
          r.share.put_back(*place);
        } else {
          out.push_back(*place);
        }
      } else if (!out.empty()) {
        size_t at = random.below(out.size());
        Place place = out[at];
        out.erase(out.begin() + static_cast<std::ptrdiff_t>(at));
        if (random.below(5) == 0) {
          r.share.given_back(place);
          r.share.add(place, 0);
        } else {
          r.share.done(place);
          ++done;
        }
      }
    }
    EXPECT_EQ(done, sent);
    EXPECT_EQ(r.share.waiting(), 0u);
  });
}

TEST(fair_share, a_quiet_key_goes_before_a_noisy_ones_backlog) {
  Rounds r({.quiet_first = true});
  r.add(std::string(60, 'n'));
  EXPECT_EQ(r.take(40), std::string(40, 'n'));
  r.add("aabb");
  EXPECT_EQ(r.take(6), "ababnn") << "and nobody is throttled";
  for (int64_t n = 0; n < 20; ++n) r.share.done({0, Offset(n)});
  r.add("ab");
  EXPECT_EQ(r.take(4), "abnn") << "no longer noisy: 22 out";
}

TEST(fair_share, of_noisy_keys_the_one_with_the_least_out) {
  Rounds r({.quiet_first = true});
  r.add(std::string(60, 'm') + std::string(60, 'n'));
  EXPECT_EQ(r.take(70).size(), 70u);
  for (int64_t n = 60; n < 64; ++n) r.share.done({0, Offset(n)});
  EXPECT_EQ(r.take(5).substr(0, 4), "nnnn");
}

}  // namespace
}  // namespace naru
