#include "base/shared_map.h"

#include <map>

#include "base/testing.h"

namespace naru {
namespace {

struct Entry {
  std::string name;
  int value = 0;
};
constexpr auto name_of = [](const Entry& entry) -> const std::string& { return entry.name; };
using Map = SharedMap<Entry, name_of>;

void expect_same(const Map& map, const std::map<std::string, int>& wanted) {
  ASSERT_EQ(map.size(), wanted.size());
  auto at = wanted.begin();
  for (const auto& entry : map) {
    EXPECT_EQ(entry->name, at->first);
    EXPECT_EQ(entry->value, at->second);
    ++at;
  }
  EXPECT_TRUE(at == wanted.end());
}

TEST(shared_map, is_a_map_and_its_copies_stay_as_they_were) {
  for_each_seed(20, [](uint64_t seed) {
    Prng random(seed);
    Map map;
    std::map<std::string, int> model;
    std::vector<std::pair<Map, std::map<std::string, int>>> copies;
    for (int step = 0; step < 3000; ++step) {
      std::string name = "n" + std::to_string(random.below(600));
      if (random.chance(0.7)) {
        map.put(std::make_shared<const Entry>(name, step));
        model[name] = step;
      } else {
        map.erase(std::string_view(name));
        model.erase(name);
      }
      auto found = map.find(std::string_view(name));
      EXPECT_EQ(found != nullptr, model.contains(name));
      if (random.chance(0.01)) copies.emplace_back(map, model);
    }
    copies.emplace_back(map, model);
    for (const auto& [copy, wanted] : copies) expect_same(copy, wanted);
  });
}

TEST(shared_map, tells_what_two_copies_do_not_share) {
  Map before;
  for (int i = 0; i < 10'000; ++i) before.put(std::make_shared<const Entry>("n" + std::to_string(i), i));
  Map after = before;
  after.put(std::make_shared<const Entry>("n5000", -1));
  after.erase(std::string_view("n77"));
  after.put(std::make_shared<const Entry>("m", 1));
  std::map<std::string, int> seen, gone;
  after.each_unshared(before, [&](const Map::Value& one) { seen[one->name] = one->value; });
  before.each_unshared(after, [&](const Map::Value& one) { gone[one->name] = one->value; });
  EXPECT_EQ(seen.at("n5000"), -1);
  EXPECT_EQ(seen.at("m"), 1);
  EXPECT_TRUE(gone.contains("n77"));
  EXPECT_LT(seen.size(), 600u) << "most is shared";
  before.each_unshared(before, [](const Map::Value&) { ADD_FAILURE() << "all is shared"; });
}

}  // namespace
}  // namespace naru
