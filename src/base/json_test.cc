#include "base/json.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace naru {
namespace {

std::string again(std::string_view text) {
  auto parsed = parse_json(text);
  return parsed ? to_text(*parsed) : std::string("error: ") + parsed.error().reason;
}

TEST(json, what_is_read_is_written_the_same) {
  for (const char* text : {R"({"a":1,"b":[true,false,null],"c":{"d":"e"}})", "[]", "{}", R"("x")", "-5", "1.5", "1e+30",
                           R"("\"\\\n\u0001")", R"([9223372036854775807,-9223372036854775808])", R"("grün 🐇")"})
    EXPECT_EQ(again(text), text);
}

TEST(json, names_keep_their_order_and_the_last_of_two_holds) {
  EXPECT_EQ(again(R"({"z":1,"a":2,"z":3})"), R"({"z":3,"a":2})");
  EXPECT_EQ(again(R"({"a":1,"b":2,"a":3,"c":4,"b":5,"a":6})"), R"({"a":6,"b":5,"c":4})");
}

TEST(json, an_object_of_very_many_names_is_read_in_a_moment) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"" + std::to_string(i % 150'000) + "\":0,";
  text.back() = '}';
  EXPECT_EQ(parse_json(text)->members()->size(), 150'000u);  // comparing each with each would take minutes
}

TEST(json, what_is_no_json_is_refused) {
  for (const char* text : {"", "{", "[1,]", "{\"a\"}", "nul", "1 2", "'x'", "{\"a\":1}x", "\"\x01\"", "\"\xff\""})
    EXPECT_FALSE(parse_json(text)) << text;
}

TEST(json, deep_nesting_is_refused_and_not_recursed_into) {
  EXPECT_TRUE(parse_json(std::string(30, '[') + std::string(30, ']')));
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
}

TEST(json, more_values_than_allowed_are_refused) {
  EXPECT_TRUE(parse_json(R"({"a":[1,"b",null]})", 5));
  for (const char* text : {R"({"a":[1,"b",null]})", "[[],[],[],[]]", "[1,2,3,4]", "[1.5,true,{},-1]"})
    EXPECT_FALSE(parse_json(text, 4)) << text;
}

TEST(json, a_number_beyond_all_is_refused) {
  EXPECT_TRUE(parse_json("1e308"));
  EXPECT_FALSE(parse_json("1e309"));
  EXPECT_FALSE(parse_json("[-184E67445808]"));
}

TEST(json, a_whole_number_stays_one_and_a_real_one_too) {
  EXPECT_EQ(parse_json("7")->integer(), 7);
  EXPECT_EQ(parse_json("7")->number(), 7.0);
  EXPECT_FALSE(parse_json("7.0")->integer());
  EXPECT_EQ(again("7.0"), "7.0");
  std::string exact = again("[92276233038547758287644000043525854775828760.1]");
  EXPECT_EQ(again(exact), exact);
}

TEST(json, bytes_that_are_no_utf_8_become_characters) {
  EXPECT_EQ(to_text(Json(std::string("a\xff"))), R"("a\u00ff")");
  EXPECT_EQ(to_text(Json(std::string("\xed\xa0\x80"))), R"("\u00ed\u00a0\u0080")");  // half of a surrogate pair
}

TEST(json, members_are_set_and_found) {
  Json json;
  json.set("a", 1).set("b", "two").set("a", true);
  EXPECT_EQ(to_text(json), R"({"a":true,"b":"two"})");
  EXPECT_EQ(json.text_of("b"), "two");
  EXPECT_EQ(json.text_of("a"), "");
  EXPECT_EQ(json.find("c"), nullptr);
}

TEST(base64, every_length_comes_back) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
  EXPECT_EQ(to_base64("guest:guest"), "Z3Vlc3Q6Z3Vlc3Q=");
}

TEST(base64, what_is_none_is_refused) {
  for (const char* text : {"A", "AA", "AAA", "A===", "AA=A", "AA\nA", "AB==", "AAB="})
    EXPECT_FALSE(from_base64(text)) << text;
}

}  // namespace
}  // namespace naru
