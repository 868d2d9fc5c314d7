// Descriptions against Kafka's own message definitions, field by field in every version. The definitions are no part
// of this repository; without them the test skips itself, and the vectors of messages_test remain.
#ifdef __clang__
#pragma clang optimize off  // see messages_test.cc
#endif
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/testing.h"
#include "kafka/messages/all.h"

namespace naru::kafka {
namespace {

/// Prints what a version of a message looks like, one line per field, in the words of tools/spec_check.py.
class Layout {
 public:
  Layout(std::string& to, int16_t version, bool flexible) : to_(to), version_(version), flexible_(flexible) {}

  template <class T>
  void operator()(const char* name, T& field, Versions versions = every, Versions nullable = every) {
    if (!tags_open_ && versions.has(version_)) line("", name, field, nullable.has(version_));
  }
  template <class T>
  void tag(uint32_t number, const char* name, T& field, Versions versions,
           const std::type_identity_t<T>& absent = T{}) {
    if (!tags_open_ || !flexible_ || !versions.has(version_)) return;
    tags_open_ = false;
    line("tag " + std::to_string(number) + " ", name, field, true);
    tags_open_ = true;
    if (default_of(absent) != default_of(field)) to_ += std::string("  but absent means ") + default_of(absent) + "\n";
  }
  template <class T>
  void structure(T& m) {
    ++depth_;
    T::describe(*this, m);
    tags_open_ = true;
    T::describe(*this, m);
    tags_open_ = false;
    --depth_;
  }

 private:
  template <class T>
  void line(const std::string& before, const char* name, T& field, bool nullable) {
    to_ += std::string(static_cast<size_t>(2 * depth_), ' ') + before + name + " " + type_of<T>() +
           (is_optional<T> && nullable ? "?" : "") + " = " + default_of(field) + "\n";
    inside<T>();
  }
  template <class T>
  void inside() {
    if constexpr (is_optional<T>) {
      inside<typename T::value_type>();
    } else if constexpr (is_array<T>) {
      inside<typename T::value_type>();
    } else if constexpr (is_struct<T>) {
      T item;
      structure(item);
    }
  }
  template <class T>
  static constexpr bool is_struct =
      !is_number<T> && !is_text<T> && !is_bytes<T> && !std::is_same_v<T, Uuid> && !std::is_same_v<T, Records>;

  template <class T>
  static std::string type_of() {
    if constexpr (is_optional<T>)
      return type_of<typename T::value_type>();
    else if constexpr (is_array<T>)
      return "[]" + type_of<typename T::value_type>();
    else if constexpr (std::is_same_v<T, bool>)
      return "bool";
    else if constexpr (std::is_same_v<T, double>)
      return "float64";
    else if constexpr (is_number<T>)
      return (std::is_unsigned_v<T> ? "uint" : "int") + std::to_string(8 * sizeof(T));
    else if constexpr (is_text<T>)
      return "string";
    else if constexpr (is_bytes<T> || std::is_same_v<T, Records>)
      return "bytes";
    else if constexpr (std::is_same_v<T, Uuid>)
      return "uuid";
    else
      return "struct";
  }
  template <class T>
  static std::string default_of(const T& field) {
    if constexpr (is_optional<T>)
      return field ? default_of(*field) : "null";
    else if constexpr (is_array<T>)
      return field.empty() ? "[]" : "not empty";
    else if constexpr (std::is_same_v<T, bool>)
      return field ? "true" : "false";
    else if constexpr (std::is_same_v<T, double>)
      return std::to_string(field);
    else if constexpr (is_number<T>)
      return std::to_string(static_cast<int64_t>(field));
    else if constexpr (is_text<T>)
      return '"' + std::string(field) + '"';
    else if constexpr (is_bytes<T>)
      return field.empty() ? "\"\"" : "not empty";
    else if constexpr (std::is_same_v<T, Records>)
      return field.length() == 0 ? "\"\"" : "not empty";
    else if constexpr (std::is_same_v<T, Uuid>)
      return field.is_none() ? "0" : "not zero";
    else
      return "{}";
  }

  std::string& to_;
  int16_t version_;
  bool flexible_;
  bool tags_open_ = false;
  int depth_ = 0;
};

template <class M>
void print(std::string& to, const char* name) {
  std::string key = "none";
  if constexpr (requires { M::api_key; }) key = std::to_string(M::api_key);
  to += std::string(name) + " key " + key + " flexible " +
        (M::flexible_since == never ? "never" : std::to_string(M::flexible_since)) + "\n";
  for (int16_t version = M::versions.first; version <= M::versions.last; ++version) {
    to += std::string(name) + " version " + std::to_string(version) + "\n";
    M message;
    Layout(to, version, is_flexible<M>(version)).structure(message);
  }
}

TEST(spec, every_message_is_described_as_kafka_defines_it) {
  const char* chosen = std::getenv("NARU_SPEC_DIR");
  std::string definitions = chosen ? chosen : NARU_SOURCE_DIR "/../shared/spec/kafka";
  if (!std::filesystem::exists(definitions + "/ProduceRequest.json"))
    GTEST_SKIP() << "no message definitions in " << definitions << "; NARU_SPEC_DIR names another place";

  std::string layout;
#define NARU_PRINT(message)                            \
  print<message##Request>(layout, #message "Request"); \
  print<message##Response>(layout, #message "Response");
  NARU_KAFKA_APIS(NARU_PRINT)
  print<ConsumerProtocolSubscription>(layout, "ConsumerProtocolSubscription");
  print<ConsumerProtocolAssignment>(layout, "ConsumerProtocolAssignment");

  std::string file = ::testing::TempDir() + "/naru_kafka_layout." + std::to_string(getpid());
  std::ofstream(file) << layout;
  std::string command =
      "python3 " NARU_SOURCE_DIR "/tools/spec_check.py compare '" + definitions + "' '" + file + "' 2>&1";
  FILE* checker = popen(command.c_str(), "r");
  ASSERT_TRUE(checker);
  std::string output;
  for (char piece[4096]; size_t size = std::fread(piece, 1, sizeof piece, checker);) output.append(piece, size);
  int status = pclose(checker);
  std::filesystem::remove(file);
  ASSERT_NE(WEXITSTATUS(status), 127) << "python3 is needed to compare; ./dev test installs it";
  EXPECT_EQ(status, 0) << output;
}

}  // namespace
}  // namespace naru::kafka
