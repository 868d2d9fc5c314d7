#include "log/offset_map.h"

#include <map>

#include "base/testing.h"

namespace naru {
namespace {

TEST(offset_map, is_a_map) {
  for_each_seed(200, [](uint64_t seed) {
    Prng random(seed);
    OffsetMap<int64_t> map;
    std::map<int64_t, int64_t> model;
    // Close together, far apart, and on their way up as a queue's are.
    int64_t spread = seed % 3 == 0 ? 40 : seed % 3 == 1 ? 1000 : INT64_MAX / 2, base = 0;
    std::map<int64_t, int64_t*> places;
    for (int step = 0; step < 2000; ++step) {
      if (random.chance(0.1)) base += 5;
      int64_t offset = base + static_cast<int64_t>(random.below(static_cast<uint64_t>(spread)));
      if (!model.empty() && random.chance(step % 1000 < 500 ? 0.4 : 0.7)) {
        auto gone = model.lower_bound(offset);
        if (gone == model.end()) gone = model.begin();
        map.erase(gone->first);
        places.erase(gone->first);
        model.erase(gone);
      } else if (!model.contains(offset)) {
        places[offset] = &(map.insert(offset) = model[offset] = step);
      }
      ASSERT_EQ(map.size(), model.size());
      ASSERT_EQ(map.contains(offset), model.contains(offset));
    }
    std::map<int64_t, int64_t> found;
    map.each([&](int64_t offset, int64_t value) { found[offset] = value; });
    EXPECT_EQ(found, model);
    for (const auto& [offset, value] : model) {
      ASSERT_TRUE(map.find(offset));
      EXPECT_EQ(*map.find(offset), value);
      EXPECT_EQ(map.find(offset), places[offset]) << "it has moved";
    }
    while (!model.empty()) {
      map.erase(model.begin()->first);
      model.erase(model.begin());
    }
    EXPECT_LT(map.bytes(), 400u) << "what is empty again is small";
  });
}

TEST(offset_map, costs_nothing_before_its_first_use) {
  OffsetMap<int> map;
  EXPECT_EQ(map.bytes(), 0u);
  EXPECT_FALSE(map.contains(7));
  map.each([](int64_t, int) { FAIL(); });
}

}  // namespace
}  // namespace naru
