#ifdef __clang__
#pragma clang optimize off  // 62 messages times four walkers: optimised, this file takes minutes to build
#endif
#include <fstream>
#include <sstream>
#include <string>

#include "base/testing.h"
#include "kafka/api_versions.h"
#include "kafka/messages/all.h"

namespace naru::kafka {
namespace {

/// Fills a message with random content, a third of it left as it is.
class Filler {
 public:
  explicit Filler(Prng& random) : random_(random) {}
  template <class T>
  void operator()(const char*, T& field, Versions = every, Versions = every) {
    value(field);
  }
  template <class T>
  void tag(uint32_t, const char*, T& field, Versions, std::type_identity_t<T> = T{}) {
    value(field);
  }
  template <class T>
  void value(T& field) {
    if (random_.chance(0.3)) return;
    if constexpr (is_optional<T>) {
      if (random_.chance(0.5)) return field.reset();
      value(field.emplace(typename T::value_type{}));
    } else if constexpr (is_array<T>) {
      field.resize(random_.below(4));
      for (auto& item : field) value(item);
    } else if constexpr (std::is_same_v<T, bool>) {
      field = random_.chance(0.5);
    } else if constexpr (std::is_same_v<T, double>) {
      field = static_cast<double>(random_.below(1000));
    } else if constexpr (is_number<T>) {
      field = static_cast<T>(random_.next());
    } else if constexpr (is_text<T>) {
      field = T(pool.substr(random_.below(20), random_.chance(0.1) ? 200 : random_.below(20)));
    } else if constexpr (is_bytes<T>) {
      auto cut = view(pool.substr(random_.below(20), random_.below(40)));
      field = T(cut.begin(), cut.end());
    } else if constexpr (std::is_same_v<T, Uuid>) {
      field = random_.uuid();
    } else if constexpr (std::is_same_v<T, Records>) {
      field.bytes = view(pool.substr(0, random_.below(300)));
    } else {
      T::describe(*this, field);
    }
  }

 private:
  static inline const std::string pool_text = [] {
    std::string text;
    for (int i = 0; i < 400; ++i) text.push_back(static_cast<char>('!' + i % 90));
    return text;
  }();
  static inline const std::string_view pool = pool_text;
  Prng& random_;
};

template <class M>
void round_trip(const char* name, Prng& random) {
  for (int16_t version = M::versions.first; version <= M::versions.last; ++version) {
    SCOPED_TRACE(std::string(name) + " v" + std::to_string(version));
    M message;
    Filler filler(random);
    if (!random.chance(0.1)) M::describe(filler, message);
    Bytes bytes = encode(message, version);
    EXPECT_EQ(bytes.size(), body_size(message, version));
    auto decoded = decode<M>(bytes, version);
    ASSERT_TRUE(decoded) << decoded.error().reason << " at " << decoded.error().detail;
    ASSERT_EQ(encode(*decoded, version), bytes);
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      Bytes piece(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(cut));  // its own memory, so that asan sees
      ASSERT_FALSE(decode<M>(piece, version)) << "cut at " << cut << " of " << bytes.size();
    }
    for (int i = 0; i < 20 && !bytes.empty(); ++i) {  // whatever comes out, it encodes to what decodes to it again
      Bytes broken = bytes;
      broken[random.below(broken.size())] = static_cast<uint8_t>(random.next());
      auto read = decode<M>(broken, version);
      if (!read) continue;
      Bytes again = encode(*read, version);
      auto reread = decode<M>(again, version);
      ASSERT_TRUE(reread);
      ASSERT_EQ(encode(*reread, version), again);
    }
  }
}

TEST(messages, come_back_as_they_were_and_are_refused_when_cut) {
  for_each_seed(8, [](uint64_t seed) {
    Prng random(seed);
#define NARU_ROUND_TRIP(name)                         \
  round_trip<name##Request>(#name "Request", random); \
  round_trip<name##Response>(#name "Response", random);
    NARU_KAFKA_APIS(NARU_ROUND_TRIP)
    round_trip<ConsumerProtocolSubscription>("ConsumerProtocolSubscription", random);
    round_trip<ConsumerProtocolAssignment>("ConsumerProtocolAssignment", random);
  });
}

Bytes bytes_of(std::string_view hex) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

template <class M>
void reencode(const std::string& name, int16_t version, const Bytes& bytes) {
  SCOPED_TRACE(name + " v" + std::to_string(version));
  ASSERT_TRUE(M::versions.has(version));
  auto message = decode<M>(bytes, version);
  ASSERT_TRUE(message) << message.error().reason << " at " << message.error().detail;
  EXPECT_EQ(encode(*message, version), bytes);
}

TEST(messages, read_and_write_what_another_encoder_made_of_kafkas_definitions) {
  std::ifstream file(NARU_SOURCE_DIR "/test/golden/kafka/vectors.txt");
  size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string name, hex;
    int16_t version = -1;
    words >> name >> version >> hex;  // hex is empty where a message has no fields
    Bytes bytes = bytes_of(hex);
    ++count;
#define NARU_REENCODE(message)                                                      \
  if (name == #message "Request") reencode<message##Request>(name, version, bytes); \
  if (name == #message "Response") reencode<message##Response>(name, version, bytes);
    NARU_KAFKA_APIS(NARU_REENCODE)
    if (name == "ConsumerProtocolSubscription") reencode<ConsumerProtocolSubscription>(name, version, bytes);
    if (name == "ConsumerProtocolAssignment") reencode<ConsumerProtocolAssignment>(name, version, bytes);
  }
  EXPECT_GT(count, 300u);
}

template <class Request, class Response>
void exchange(const naru::kafka::Request& request, ByteView response) {
  int16_t version = request.header.version;
  reencode<Request>("request", version, Bytes(request.body.begin(), request.body.end()));
  auto correlation_id = response.size() < 4 ? -1 : load_be<int32_t>(response.data());
  EXPECT_EQ(correlation_id, request.header.correlation_id);
  size_t header = is_flexible<Response>(version) && Response::api_key != api_versions_key ? 5 : 4;
  auto message = decode<Response>(response.subspan(header), version);
  ASSERT_TRUE(message) << message.error().reason << " at " << message.error().detail;
  Frame frame = encode_response(request.header, *message);
  ASSERT_EQ(load_be<int32_t>(frame.bytes.data()), static_cast<int32_t>(frame.bytes.size()) - 4);
  EXPECT_EQ(Bytes(frame.bytes.begin() + 4, frame.bytes.end()), Bytes(response.begin(), response.end()));
}

TEST(messages, come_out_as_real_clients_and_kafka_wrote_them) {
  std::ifstream file(NARU_SOURCE_DIR "/test/golden/kafka/exchanges.txt");
  size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string client, asked, answered;
    int16_t key = -1, version = -1;
    words >> client >> key >> version >> asked >> answered;
    SCOPED_TRACE(client + " " + std::to_string(key) + " v" + std::to_string(version));
    Bytes request_bytes = bytes_of(asked), response_bytes = bytes_of(answered);
    auto request = decode_request(request_bytes);
    ASSERT_TRUE(request);
    ASSERT_EQ(request->header.key, key);
    ASSERT_EQ(request->header.version, version);
    ASSERT_TRUE(find_api(key) && find_api(key)->accepts(version)) << "a client sent it";
    ++count;
#define NARU_EXCHANGE(message) \
  if (key == message##Request::api_key) exchange<message##Request, message##Response>(*request, response_bytes);
    NARU_KAFKA_APIS(NARU_EXCHANGE)
  }
  EXPECT_GT(count, 50u);
}

TEST(messages, read_what_a_group_subscribes_to_also_from_a_newer_client) {
  ConsumerProtocolSubscription wants;
  wants.topics = {"a", "b"};
  wants.rack_id = "r1";
  for (int16_t version : {int16_t{0}, int16_t{3}, int16_t{9}}) {
    Bytes blob(2);
    store_be(blob.data(), version);
    append(blob, encode(wants, std::min<int16_t>(version, 3)));
    if (version > 3) blob.push_back(1);  // a field that naru does not know
    auto read = decode_blob<ConsumerProtocolSubscription>(blob);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->topics, wants.topics);
    EXPECT_EQ(read->rack_id.has_value(), version >= 3);
  }
  EXPECT_FALSE(decode_blob<ConsumerProtocolSubscription>({}));
  EXPECT_FALSE(decode_blob<ConsumerProtocolSubscription>(Bytes{0xff, 0xff, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace naru::kafka
