#include "kafka/wire.h"

#include "base/check.h"

namespace naru::kafka {

void Reader::fail(Code code, const char* reason) {
  if (!ok_) return;
  ok_ = false;
  error_ = {code, reason, at_ - begin_};
  at_ = end_;
}
void Reader::cut_short() { fail(Code::invalid, "message ends too early"); }
void Reader::refuse_null() { fail(Code::invalid, "null where none may be"); }

ByteView Reader::take(size_t count) {
  if (count > left()) [[unlikely]]
    return cut_short(), ByteView();
  ByteView taken(at_, count);
  at_ += count;
  return taken;
}

uint64_t Reader::uvarint() {
  uint64_t value = 0;
  int used = load_uvarint(rest(), &value, varint32_bytes_max);
  if (used == 0 || value > UINT32_MAX) [[unlikely]]
    return fail(Code::invalid, "bad varint"), 0;
  at_ += used;
  return value;
}

std::optional<size_t> Reader::length(bool nullable) {
  int64_t count = flexible_ ? static_cast<int64_t>(uvarint()) - 1 : number<int32_t>();
  if (!ok_) return std::nullopt;
  if (count >= 0) return static_cast<size_t>(count);
  if (!nullable) refuse_null();
  return std::nullopt;
}

std::optional<ByteView> Reader::bytes(bool nullable) {
  std::optional<size_t> count = length(nullable);
  if (!count) return std::nullopt;
  return take(*count);
}

std::optional<std::string_view> Reader::text(bool nullable) {
  int64_t count = flexible_ ? static_cast<int64_t>(uvarint()) - 1 : number<int16_t>();
  if (!ok_) return std::nullopt;
  if (count < 0) {
    if (!nullable) refuse_null();
    return std::nullopt;
  }
  if (static_cast<size_t>(count) > text_bytes_max) return fail(Code::invalid, "text too long"), std::nullopt;
  return naru::text(take(static_cast<size_t>(count)));
}

std::optional<std::string_view> Reader::legacy_text() {
  int16_t count = number<int16_t>();
  if (!ok_ || count < 0) return std::nullopt;
  return naru::text(take(static_cast<size_t>(count)));
}

bool Reader::reserve(size_t count, size_t bytes_each_min, size_t memory_each) {
  memory_each += element_bytes;
  if (count > left() / std::max<size_t>(bytes_each_min, 1)) return cut_short(), false;
  if (count > memory_left_ / memory_each) return fail(Code::too_large, "message takes too much memory"), false;
  memory_left_ -= count * memory_each;
  return true;
}

Reader::Tag Reader::open_tag() {
  uint64_t number = uvarint(), size = uvarint();
  if (size > left()) cut_short();
  Tag tag{ok_ ? at_ + size : end_, end_};
  end_ = tag.end;
  open_tag_ = static_cast<int64_t>(number);
  return tag;
}

void Reader::close_tag(Tag tag) {
  if (ok_ && open_tag_ == tag_taken && at_ != tag.end) fail(Code::invalid, "tagged field with a wrong size");
  open_tag_ = fields_open;
  end_ = tag.outer_end;
  at_ = ok_ ? tag.end : end_;
}

void Reader::skip_tags() {
  for (uint64_t tags = uvarint(); tags > 0 && ok_; --tags) close_tag(open_tag());
}

Result<RequestHeader> peek_header(ByteView frame) {
  Reader reader(frame, 0, false);
  RequestHeader header;
  header.key = reader.number<int16_t>();
  header.version = reader.number<int16_t>();
  header.correlation_id = reader.number<int32_t>();
  if (!reader.ok()) return std::unexpected(reader.error());
  return header;
}

Result<Request> decode_header(ByteView frame, bool flexible) {
  Request request;
  request.header = TRY(peek_header(frame));
  Reader reader(frame.subspan(8), 0, flexible);
  request.header.client_id = reader.legacy_text();
  if (flexible) reader.skip_tags();
  if (!reader.ok()) return std::unexpected(reader.error());
  request.body = reader.rest();
  return request;
}

Frame begin_frame(size_t body_size) {
  constexpr size_t size_and_header_bytes_max = 9;
  Frame frame;
  frame.bytes.reserve(size_and_header_bytes_max + body_size);
  frame.bytes.resize(sizeof(int32_t));
  return frame;
}

void begin_response(Frame& frame, int32_t correlation_id, bool flexible_header) {
  StoreSink sink(frame);
  uint8_t bytes[sizeof correlation_id];
  store_be(bytes, correlation_id);
  sink.put(bytes, sizeof bytes);
  if (flexible_header) sink.put_uvarint(0);  // no tagged fields
}

void end_frame(Frame& frame) {
  uint64_t size = frame.size() - sizeof(int32_t);
  CHECK(size <= INT32_MAX);  // fetches are bounded far below
  store_be(frame.bytes.data(), static_cast<int32_t>(size));
}

}  // namespace naru::kafka
