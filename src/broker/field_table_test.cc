#include "broker/field_table.h"

#include <cmath>
#include <limits>
#include <set>

#include "base/testing.h"
#include "broker/field_json.h"

namespace naru {
namespace {

/// Appends random fields (or values, for an array) and goes deeper now and then.
Bytes random_fields(Prng& random, bool is_table, int depth) {
  Bytes bytes;
  for (uint64_t left = random.below(6); left > 0; --left) {
    if (is_table) {
      std::string name(random.below(random.chance(0.05) ? 256 : 6), 'n');
      bytes.push_back(static_cast<uint8_t>(name.size()));
      append(bytes, view(name));
    }
    switch (random.below(18)) {
      case 0: append_field_value(bytes, random.chance(0.5)); break;
      case 1: append_field_value(bytes, static_cast<int8_t>(random.next())); break;
      case 2: append_field_value(bytes, static_cast<uint8_t>(random.next())); break;
      case 3: append_field_value(bytes, static_cast<int16_t>(random.next())); break;
      case 4: append_field_value(bytes, static_cast<uint16_t>(random.next())); break;
      case 5: append_field_value(bytes, static_cast<int32_t>(random.next())); break;
      case 6: append_field_value(bytes, static_cast<uint32_t>(random.next())); break;
      case 7: append_field_value(bytes, static_cast<int64_t>(random.next())); break;
      case 8: append_field_value(bytes, std::bit_cast<float>(static_cast<uint32_t>(random.next()))); break;
      case 9: append_field_value(bytes, std::bit_cast<double>(random.next())); break;
      case 10: append_field_value(bytes, Timestamp{random.next()}); break;
      case 11: append_field_value(bytes, Decimal{2, static_cast<uint32_t>(random.next())}); break;
      case 12: append_field_value(bytes, std::string(random.below(20), 's')); break;
      case 13: append_field_value(bytes, Bytes(random.below(20), 7)); break;
      case 14: append_field_value(bytes, nullptr); break;
      case 15: {
        uint8_t number[8] = {0, 0, 0, 0, 0, 0, 0, 9};
        append_field_value(bytes, FieldValue{FieldType::int64_other, number});
        break;
      }
      default:
        if (depth == 0) break;
        bool table = random.chance(0.5);
        Bytes inner = random_fields(random, table, depth - 1);
        append_field_value(bytes, FieldValue{table ? FieldType::table : FieldType::array, inner});
    }
    if (is_table && bytes.back() == 'n') append_field_value(bytes, nullptr);  // a name whose nested value was left out
  }
  return bytes;
}

/// Writes what iterating shows, value by value.
Bytes rewritten(FieldTableView table);

void rewrite(Bytes& to, const FieldValue& value) {
  if (auto table = value.table()) {
    Bytes inner = rewritten(*table);
    append_field_value(to, FieldTableView::of_checked(inner));
  } else if (auto array = value.array()) {
    Bytes bytes;
    for (const FieldValue& item : *array) rewrite(bytes, item);
    append_field_value(to, FieldArrayView::of_checked(bytes));
  } else if (auto text = value.text()) {
    append_field_value(to, *text);
  } else if (auto number = value.integer(); number && value.type == FieldType::int16) {
    append_field_value(to, static_cast<int16_t>(*number));
  } else if (auto time = value.timestamp()) {
    append_field_value(to, *time);
  } else if (auto decimal = value.decimal()) {
    append_field_value(to, *decimal);
  } else if (auto real = value.real(); real && value.type == FieldType::float64) {
    append_field_value(to, *real);
  } else {
    append_field_value(to, value);
  }
}
Bytes rewritten(FieldTableView table) {
  Bytes bytes;
  for (const Field& field : table) {
    bytes.push_back(static_cast<uint8_t>(field.name.size()));
    append(bytes, view(field.name));
    rewrite(bytes, field.value);
  }
  return bytes;
}

TEST(field_table, reads_back_every_type_with_its_value) {
  const Bytes raw = {1, 2, 3};
  FieldTable nested = FieldTable().add("in", "side");
  FieldArray array = FieldArray().add(int32_t(1)).add("two").add(nullptr);
  FieldTable table;
  table.add("bool", true)
      .add("int8", int8_t(-1))
      .add("uint8", uint8_t(255))
      .add("int16", int16_t(-2))
      .add("uint16", uint16_t(65535))
      .add("int32", int32_t(-3))
      .add("uint32", uint32_t(4294967295))
      .add("int64", std::numeric_limits<int64_t>::min())
      .add("float", 1.5f)
      .add("double", -0.25)
      .add("decimal", Decimal{2, 314})
      .add("time", Timestamp{1700000000})
      .add("text", "text")
      .add("bytes", raw)
      .add("array", array)
      .add("table", nested)
      .add("none", nullptr);
  auto read = FieldTableView::parse(table.view().bytes());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->count(), 17u);
  EXPECT_EQ(read->find("bool")->boolean(), true);
  EXPECT_EQ(read->find("int8")->integer(), -1);
  EXPECT_EQ(read->find("uint8")->integer(), 255);
  EXPECT_EQ(read->find("int16")->integer(), -2);
  EXPECT_EQ(read->find("uint16")->integer(), 65535);
  EXPECT_EQ(read->find("int32")->integer(), -3);
  EXPECT_EQ(read->find("uint32")->integer(), 4294967295);
  EXPECT_EQ(read->find("int64")->integer(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(read->find("float")->real(), 1.5);
  EXPECT_EQ(read->find("double")->real(), -0.25);
  EXPECT_EQ(read->find("decimal")->decimal(), (Decimal{2, 314}));
  EXPECT_EQ(read->find("time")->timestamp(), Timestamp{1700000000});
  EXPECT_FALSE(read->find("time")->integer());
  EXPECT_EQ(read->find("text")->text(), "text");
  EXPECT_TRUE(std::ranges::equal(read->find("bytes")->bytes, raw));
  EXPECT_FALSE(read->find("bytes")->text());
  EXPECT_EQ(read->find("table")->table()->find("in")->text(), "side");
  EXPECT_EQ(to_text(*read->find("array")), R"([1, "two", null])");
  EXPECT_TRUE(read->find("none")->is_none());
  EXPECT_FALSE(read->find("nowhere"));
  EXPECT_EQ(to_text(FieldTable().add("a", int16_t(1)).add("b\n", Decimal{1, 5}).view()),
            R"({"a": 1, "b\u000a": 5e-1})");
}

TEST(field_table, text_is_json_unless_something_is_left_out) {
  FieldTable table = FieldTable().add("q\"", "ü\x01").add("bad", "\xff").add("nan", -INFINITY).add("big", 1e300);
  EXPECT_EQ(to_text(table.view()), R"({"q\"": "ü\u0001", "bad": "\u00ff", "nan": "-inf", "big": 1e+300})");
  EXPECT_EQ(to_text(FieldTable().add("a", FieldTable().add("b", 1)).view(), {.depth = 1}), R"({"a": {…}})");
  EXPECT_EQ(to_text(FieldTable().add("a", "long").add("b", 2).view(), {.bytes = 5, .text_bytes = 2}),
            R"({"a": "lo…", …})");
}

TEST(field_table, letters_and_sizes_are_those_of_the_wire) {
  FieldTable table = FieldTable().add("a", int32_t(258)).add("b", "xy").add("c", FieldTable().add("", true));
  const Bytes expected = {1, 'a', 'I', 0, 0,   1,   2, 1, 'b', 'S', 0, 0,   0,
                          2, 'x', 'y', 1, 'c', 'F', 0, 0, 0,   3,   0, 't', 1};
  EXPECT_TRUE(std::ranges::equal(table.view().bytes(), expected));
}

TEST(field_table, random_tables_come_back_the_same) {
  for_each_seed(300, [](uint64_t seed) {
    Prng random(seed);
    Bytes bytes = random_fields(random, true, 4);
    auto table = FieldTableView::parse(bytes);
    ASSERT_TRUE(table);
    EXPECT_EQ(rewritten(*table), bytes);
  });
}

TEST(field_table, cut_or_padded_bytes_are_refused_unless_they_are_whole_fields) {
  for_each_seed(50, [](uint64_t seed) {
    Prng random(seed);
    Bytes bytes = random_fields(random, true, 3);
    FieldTableView whole = *FieldTableView::parse(bytes);
    std::set<size_t> ends = {0};
    const uint8_t* at = bytes.data();
    for (const Field& field : whole)
      ends.insert(static_cast<size_t>(field.value.bytes.data() + field.value.bytes.size() - at));
    for (size_t cut = 0; cut < bytes.size(); ++cut)
      EXPECT_EQ(FieldTableView::parse(ByteView(bytes).first(cut)).has_value(), ends.contains(cut)) << cut;
  });
}

TEST(field_table, lengths_that_lie_are_refused) {
  auto refused = [](std::initializer_list<uint8_t> bytes) { return !FieldTableView::parse(Bytes(bytes)); };
  EXPECT_TRUE(refused({1}));                                            // no name
  EXPECT_TRUE(refused({255, 'a'}));                                     // shorter than its length
  EXPECT_TRUE(refused({1, 'a'}));                                       // no type
  EXPECT_TRUE(refused({1, 'a', 'Q', 0}));                               // no such type
  EXPECT_TRUE(refused({1, 'a', 0, 0}));                                 // no such type
  EXPECT_TRUE(refused({1, 'a', 'S', 0xff, 0xff, 0xff, 0xff, 'x'}));     // over the end
  EXPECT_TRUE(refused({1, 'a', 'S', 0, 0, 0}));                         // no length
  EXPECT_TRUE(refused({1, 'a', 'F', 0, 0, 0, 2, 1, 'b'}));              // nested without type
  EXPECT_TRUE(refused({1, 'a', 'F', 0, 0, 0, 3, 0, 'I', 0, 0, 0, 1}));  // a nested value over its table's end
  EXPECT_TRUE(refused({1, 'a', 'A', 0, 0, 0, 1, 'Z'}));
  EXPECT_FALSE(refused({1, 'a', 'A', 0, 0, 0, 1, 'V'}));
  auto error = FieldTableView::parse(Bytes{0, 'V', 1, 'a', 'F', 0, 0, 0, 2, 0, 'Q'}).error();
  EXPECT_EQ(error.detail, 9);
}

TEST(field_table, any_depth_is_fine) {
  for (int levels : {1'000, 100'000}) {
    Bytes bytes;  // from the inside out would be quadratic: the lengths are known beforehand
    for (int level = levels; level > 0; --level) {
      bytes.push_back(0);
      bytes.push_back('F');
      uint8_t size[4];
      store_be(size, static_cast<uint32_t>(6 * (level - 1)));
      append(bytes, size);
    }
    auto table = FieldTableView::parse(bytes);
    ASSERT_TRUE(table);
    int depth = 0;
    for (FieldTableView at = *table; !at.empty(); at = *at.begin()->value.table()) ++depth;
    EXPECT_EQ(depth, levels);
    EXPECT_LT(to_text(*table).size(), 1000u);
    EXPECT_TRUE(same_value({FieldType::table, bytes}, {FieldType::table, Bytes(bytes)}));
    bytes.back() = 1;  // the innermost table claims a byte that is not there
    EXPECT_FALSE(FieldTableView::parse(bytes));
  }
}

TEST(field_table, many_nested_tables_side_by_side_cost_linear_time_and_memory) {
  Bytes bytes;
  for (int i = 0; i < 200'000; ++i) append(bytes, Bytes{0, 'A', 0, 0, 0, 1, 'V'});
  EXPECT_TRUE(FieldTableView::parse(bytes));
}

TEST(field_table, set_replaces_in_place_and_remove_takes_all) {
  FieldTable table = FieldTable().add("a", int32_t(1)).add("b", "x").add("a", int32_t(3));
  table.set("a", "longer than before").set("c", true);
  EXPECT_EQ(to_text(table.view()), R"({"a": "longer than before", "b": "x", "a": 3, "c": true})");
  EXPECT_TRUE(table.remove("a"));
  EXPECT_FALSE(table.remove("a"));
  EXPECT_EQ(to_text(table.view()), R"({"b": "x", "c": true})");
}

TEST(field_table, same_value_compares_as_rabbitmq_does) {
  auto same = [](const auto& a, const auto& b) {
    FieldArray values = FieldArray().add(a).add(b);
    auto at = values.view().begin();
    FieldValue first = *at;
    return same_value(first, *++at);
  };
  EXPECT_TRUE(same(int16_t(10), int64_t(10)));
  EXPECT_TRUE(same(uint8_t(10), int32_t(10)));
  EXPECT_FALSE(same(int32_t(10), int32_t(11)));
  EXPECT_FALSE(same(int32_t(10), 10.0));
  EXPECT_TRUE(same(1.5f, 1.5));
  EXPECT_FALSE(same("10", int32_t(10)));
  EXPECT_TRUE(same("x", "x"));
  EXPECT_FALSE(same("x", Bytes{'x'}));
  EXPECT_TRUE(same(nullptr, nullptr));
  EXPECT_FALSE(same(Timestamp{1}, int64_t(1)));
  EXPECT_TRUE(same(FieldTable().add("a", 1), FieldTable().add("a", 1)));
  EXPECT_FALSE(same(FieldTable().add("a", 1), FieldTable().add("b", 1)));
}

TEST(field_json, a_table_of_very_many_fields_is_shown_in_a_moment) {
  FieldTable table;
  for (int i = 0; i < 200'000; ++i) table.add(std::to_string(i % 150'000), i);
  Json shown = to_json(table.view());
  EXPECT_EQ(shown.members()->size(), 150'000u);  // comparing each with each would take minutes
  EXPECT_EQ(shown.find("0")->integer(), 150'000);
}

}  // namespace
}  // namespace naru
