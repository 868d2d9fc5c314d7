#include "broker/catalog.h"

#include "base/pack.h"

namespace naru {

std::string encode_topic(const Topic& topic) {
  Bytes row;
  Packer to(row);
  to.put(uint8_t{1}).put(ByteView(topic.id.bytes)).put(static_cast<uint32_t>(topic.partitions.size()));
  for (StreamId stream : topic.partitions) to.put(stream.value);
  to.put(static_cast<uint32_t>(topic.config.size()));
  for (const auto& [key, value] : topic.config) to.put(std::string_view(key)).put(std::string_view(value));
  return std::string(text(row));
}

Result<Topic> decode_topic(std::string_view name, std::string_view row) {
  Unpacker from(view(row));
  Topic topic;
  topic.name = name;
  if (from.get<uint8_t>() != 1) return fail(Code::unsupported, "a topic row of a newer naru");
  if (ByteView id = from.bytes(); id.size() == 16) std::memcpy(topic.id.bytes.data(), id.data(), 16);
  uint32_t count = from.get<uint32_t>();
  if (!from.plausible(count, 8)) return fail(Code::corrupt, "a topic row does not decode");
  for (uint32_t i = 0; i < count; ++i) topic.partitions.push_back(StreamId(from.get<uint64_t>()));
  count = from.get<uint32_t>();
  for (uint32_t i = 0; i < count && from.ok(); ++i) {
    std::string key(from.text());
    topic.config.emplace(std::move(key), from.text());
  }
  if (!from.at_end()) return fail(Code::corrupt, "a topic row does not decode");
  return topic;
}

const char* topic_name_error(std::string_view name) {
  if (name.empty()) return "Topic name is invalid: the empty string is not allowed";
  if (name == "." || name == "..") return "Topic name is invalid: '.' or '..' is not allowed";
  if (name.size() > 249) return "Topic name is invalid: the length of it is longer than the max allowed length 249";
  for (char c : name) {
    bool fine =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!fine)
      return "Topic name is invalid: it contains one or more characters other than ASCII alphanumerics, '.', '_' and "
             "'-'";
  }
  return nullptr;
}

}  // namespace naru
