#include "amqp/wire/properties.h"

#include "amqp/wire/method_ids.h"

namespace naru::amqp {
namespace {

constexpr size_t header_bytes = 12;  // class u16, weight u16 = 0, body size u64
constexpr uint16_t more_flags = 0x0001, unknown_flags = 0x0002;
constexpr uint16_t first_flag = 0x8000;

class PropertyReader {
 public:
  PropertyReader(uint16_t flags, ByteView values) : reader(values), flags_(flags) {}
  template <class T>
  void operator()(const char* name, std::optional<T>& field) {
    if (flags_ & first_flag) reader(name, field.emplace());
    flags_ = static_cast<uint16_t>(flags_ << 1);
  }
  ArgumentReader reader;

 private:
  uint16_t flags_;
};

/// Walks with an ArgumentSizer or an ArgumentWriter where there is a value, and gathers the flags.
template <class Walker>
class PropertyWalker {
 public:
  explicit PropertyWalker(Walker& walker) : walker_(walker) {}
  template <class T>
  void operator()(const char* name, const std::optional<T>& field) {
    if (field) walker_(name, *field), flags |= next_;
    next_ = static_cast<uint16_t>(next_ >> 1);
  }
  uint16_t flags = 0;

 private:
  Walker& walker_;
  uint16_t next_ = first_flag;
};

}  // namespace

Result<Properties> decode_properties(ByteView encoded) {
  if (encoded.size() < sizeof(uint16_t)) return fail(Code::invalid, "no property flags");
  auto flags = load_be<uint16_t>(encoded.data());
  ByteView values = encoded.subspan(sizeof flags);
  Properties properties;
  if (flags == 0 && values.empty()) return properties;
  if (flags & unknown_flags) return fail(Code::invalid, "unknown property flags", flags);
  for (uint16_t more = flags; more & more_flags;) {
    // More flags would be for a fifteenth property and on, which do not exist.
    if (values.size() < sizeof more) return fail(Code::invalid, "no property flags");
    more = load_be<uint16_t>(values.data());
    values = values.subspan(sizeof more);
    if (more & ~more_flags) return fail(Code::invalid, "unknown property flags", more);
  }
  PropertyReader walker(flags, values);
  Properties::describe(walker, properties);
  walker.reader.finish();
  if (!walker.reader.ok()) return std::unexpected(walker.reader.error());
  return properties;
}

void append_properties(Bytes& to, const Properties& properties) {
  ArgumentSizer sizer;
  PropertyWalker sizes(sizer);
  Properties::describe(sizes, properties);
  size_t begin = to.size();
  to.resize(begin + sizeof(uint16_t) + sizer.size());
  store_be(to.data() + begin, sizes.flags);
  ArgumentWriter writer(to.data() + begin + sizeof(uint16_t));
  PropertyWalker values(writer);
  Properties::describe(values, properties);
}

Result<ContentHeader> decode_header(ByteView payload) {
  if (payload.size() < header_bytes) return fail(Code::invalid, "content header ends too early");
  ContentHeader header{.class_id = load_be<uint16_t>(payload.data()),
                       .body_bytes = load_be<uint64_t>(payload.data() + 4),
                       .encoded = payload.subspan(header_bytes)};
  if (auto weight = load_be<uint16_t>(payload.data() + 2); weight != 0)
    return fail(Code::invalid, "content header with a weight", weight);
  header.properties = TRY(decode_properties(header.encoded));
  return header;
}

namespace {

size_t begin_header(Bytes& to, uint16_t channel, uint64_t body_bytes) {
  size_t begun = begin_frame(to, FrameType::header, channel);
  to.resize(to.size() + header_bytes);
  uint8_t* at = to.data() + to.size() - header_bytes;
  store_be(at, basic_class);
  store_be(at + 2, uint16_t{0});
  store_be(at + 4, body_bytes);
  return begun;
}

}  // namespace

void append_header(Bytes& to, uint16_t channel, uint64_t body_bytes, ByteView encoded) {
  size_t begun = begin_header(to, channel, body_bytes);
  append(to, encoded);
  end_frame(to, begun);
}

void append_header(Bytes& to, uint16_t channel, uint64_t body_bytes, const Properties& properties) {
  size_t begun = begin_header(to, channel, body_bytes);
  append_properties(to, properties);
  end_frame(to, begun);
}

std::string to_text(const Properties& properties) {
  ArgumentPrinter printer;
  PropertyWalker present(printer);
  Properties::describe(present, properties);
  return "{" + printer.take() + "}";
}

}  // namespace naru::amqp
