// Descriptions against the definition of AMQP 0-9-1, field by field. The definition is no part of this repository;
// without it the first test skips itself, and what was encoded from it remains (test/golden/amqp/vectors.txt).
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "amqp/wire/method.h"
#include "amqp/wire/properties.h"
#include "base/testing.h"

namespace naru::amqp {
namespace {

/// Prints what a method looks like, one line per field, in the words of tools/amqp_spec_check.py.
class Layout {
 public:
  explicit Layout(std::string& to) : to_(to) {}
  template <class T>
  void operator()(const char* name, T& field) {
    line(name, type_of<T>(), default_of(field));
  }
  template <class T>
  void operator()(const char* name, std::optional<T>&) {
    to_ += std::string("  ") + name + " " + type_of<T>() + "\n";
  }
  void long_text(const char* name, std::string_view field) { line(name, "longstr", default_of(field)); }

 private:
  void line(const char* name, const char* type, const std::string& value) {
    to_ += std::string("  ") + name + " " + type + " = " + value + "\n";
  }
  template <class T>
  static const char* type_of() {
    if constexpr (std::is_same_v<T, bool>)
      return "bit";
    else if constexpr (std::is_integral_v<T>)
      return sizeof(T) == 1 ? "octet" : sizeof(T) == 2 ? "short" : sizeof(T) == 4 ? "long" : "longlong";
    else if constexpr (std::is_same_v<T, FieldTableView>)
      return "table";
    else
      return "shortstr";
  }
  template <class T>
  static std::string default_of(const T& field) {
    if constexpr (std::is_same_v<T, bool>)
      return field ? "true" : "false";
    else if constexpr (std::is_integral_v<T>)
      return std::to_string(field);
    else if constexpr (std::is_same_v<T, FieldTableView>)
      return to_text(field);
    else
      return '"' + std::string(field) + '"';
  }
  std::string& to_;
};

template <class M>
void print(std::string& to) {
  to += std::string(name(M::method)) + " " + std::to_string(class_id(M::method)) + " " +
        std::to_string(method_id(M::method)) + (has_content(M::method) ? " content\n" : "\n");
  M method;
  Layout layout(to);
  M::describe(layout, method);
}

std::string print_all() {
  std::string text;
#define NARU_PRINT(type, enumerator, class_number, method_number, method_name) print<type>(text);
  NARU_AMQP_METHODS(NARU_PRINT)
#undef NARU_PRINT
  text += "properties\n";
  Properties properties;
  Layout layout(text);
  Properties::describe(layout, properties);
  for (uint16_t code = 0; code < 1000; ++code) {
    auto reply = static_cast<ReplyCode>(code);
    if (name(reply) == "UNKNOWN") continue;
    text += "reply " + std::string(name(reply)) + " " + std::to_string(code) + (is_hard(reply) ? " hard\n" : " soft\n");
  }
  return text;
}

TEST(spec, every_method_is_described_as_defined) {
  const char* chosen = std::getenv("NARU_AMQP_SPEC_DIR");
  std::string folder = chosen ? chosen : NARU_SOURCE_DIR "/../shared/spec/amqp-0-9-1";
  if (!std::filesystem::exists(folder + "/credit_extension.json"))
    GTEST_SKIP() << "no definition in " << folder << "; NARU_AMQP_SPEC_DIR names another place";
  std::string file = ::testing::TempDir() + "/naru_amqp_layout." + std::to_string(getpid());
  std::ofstream(file) << print_all();
  std::string command =
      "python3 " NARU_SOURCE_DIR "/tools/amqp_spec_check.py compare '" + folder + "' '" + file + "' 2>&1";
  FILE* checker = popen(command.c_str(), "r");
  ASSERT_TRUE(checker);
  std::string output;
  for (char piece[4096]; size_t size = std::fread(piece, 1, sizeof piece, checker);) output.append(piece, size);
  int status = pclose(checker);
  std::filesystem::remove(file);
  ASSERT_NE(WEXITSTATUS(status), 127) << "python3 is needed to compare; ./dev test installs it";
  EXPECT_EQ(status, 0) << output;
}

Bytes bytes_of(std::string_view hex) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

template <class M>
void reencode(const Bytes& payload, const std::string& meaning) {
  auto method = decode_method<M>(payload);
  ASSERT_TRUE(method) << method.error().reason << " at " << method.error().detail;
  EXPECT_EQ(to_text(*method), meaning);
  Bytes again;
  append_method(again, 0, *method);
  EXPECT_EQ(Bytes(again.begin() + 7, again.end() - 1), payload);
}

TEST(spec, what_another_encoder_made_of_the_definition_is_read_and_written) {
  std::ifstream file(NARU_SOURCE_DIR "/test/golden/amqp/vectors.txt");
  size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string kind, hex, meaning;
    words >> kind >> hex >> std::ws;
    std::getline(words, meaning);
    SCOPED_TRACE(meaning);
    Bytes bytes = bytes_of(hex);
    ++count;
#define NARU_REENCODE(type, enumerator, class_number, method_number, method_name) \
  if (kind == method_name) reencode<type>(bytes, meaning);
    NARU_AMQP_METHODS(NARU_REENCODE)
#undef NARU_REENCODE
    if (kind != "properties") continue;
    auto properties = decode_properties(bytes);
    ASSERT_TRUE(properties) << properties.error().reason << " at " << properties.error().detail;
    EXPECT_EQ(to_text(*properties), meaning);
    Bytes again;
    append_properties(again, *properties);
    EXPECT_EQ(again, bytes);
  }
  EXPECT_GT(count, 150u);
}

template <class M>
Bytes rewritten(const Frame& frame) {
  auto method = decode_method<M>(frame.payload);
  EXPECT_TRUE(method) << method.error().reason << " at " << method.error().detail;
  Bytes again;
  if (method) append_method(again, frame.channel, *method);
  return again;
}

TEST(spec, frames_come_out_as_real_clients_and_rabbitmq_wrote_them) {
  std::ifstream file(NARU_SOURCE_DIR "/test/golden/amqp/frames.txt");
  size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string sender, hex;
    words >> sender >> hex;
    SCOPED_TRACE(line.substr(0, 100));
    Bytes bytes = bytes_of(hex), again;
    FrameReader reader;
    reader.feed(bytes);
    auto frame = reader.next();
    ASSERT_TRUE(frame && *frame);
    if ((*frame)->type == FrameType::header) {
      auto header = decode_header((*frame)->payload);
      ASSERT_TRUE(header) << header.error().reason << " at " << header.error().detail;
      append_header(again, (*frame)->channel, header->body_bytes, header->properties);
    } else {
      ASSERT_EQ((*frame)->type, FrameType::method);
      switch (peek_method((*frame)->payload)) {
#define NARU_REWRITE(type, enumerator, class_number, method_number, method_name) \
  case Method::enumerator: again = rewritten<type>(**frame); break;
        NARU_AMQP_METHODS(NARU_REWRITE)
#undef NARU_REWRITE
      }
    }
    EXPECT_EQ(again, bytes);
    ++count;
  }
  EXPECT_GT(count, 100u);
}

}  // namespace
}  // namespace naru::amqp
