#include "sqs/receipt.h"

#include "base/base64.h"
#include "base/pack.h"

namespace naru::sqs {
namespace {

constexpr size_t signed_bytes = 8 + 1 + 8 + 4 + 8 + 4, receipt_bytes = signed_bytes + 8;

}  // namespace

std::string encode(const Receipt& receipt, const SipKey& key) {
  Bytes bytes;
  bytes.reserve(receipt_bytes);
  Packer to(bytes);
  to.put(receipt.queue).put(receipt.message.level).put(receipt.message.offset.value).put(receipt.attempt);
  to.put(receipt.received_ms).put(receipt.epoch);
  to.put(siphash(key, bytes));
  return to_base64(text(bytes));
}

std::optional<Receipt> decode_receipt(std::string_view handle, const SipKey& key) {
  if (handle.size() > 2 * receipt_bytes) return std::nullopt;
  auto bytes = from_base64(handle);
  if (!bytes || bytes->size() != receipt_bytes) return std::nullopt;
  ByteView all = view(*bytes);
  if (load_le<uint64_t>(all.data() + signed_bytes) != siphash(key, all.first(signed_bytes))) return std::nullopt;
  Unpacker from(all);
  Receipt receipt;
  receipt.queue = from.get<uint64_t>();
  receipt.message.level = from.get<uint8_t>();
  receipt.message.offset = Offset(from.get<int64_t>());
  receipt.attempt = from.get<uint32_t>();
  receipt.received_ms = from.get<int64_t>();
  receipt.epoch = from.get<int32_t>();
  return receipt;
}

}  // namespace naru::sqs
