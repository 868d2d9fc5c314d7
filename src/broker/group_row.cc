#include "broker/group_row.h"

#include "base/pack.h"

namespace naru {

constexpr uint8_t group_row_version = 1;

std::string group_row_key(std::string_view group) { return std::string(group_row_prefix).append(group); }

static void encode_member(Packer& to, const Group::Member& member) {
  to.put(member.id).put<uint8_t>(member.instance.has_value()).put(member.instance.value_or(""));
  to.put(member.client_id).put(member.client_host).put(member.session_timeout_ms).put(member.rebalance_timeout_ms);
  to.put(ByteView(member.assignment)).put(static_cast<uint32_t>(member.protocols.size()));
  for (const GroupProtocol& protocol : member.protocols) to.put(protocol.name).put(ByteView(protocol.metadata));
}

static Group::Member decode_member(Unpacker& from) {
  Group::Member member;
  member.id = from.text();
  bool is_static = from.get<uint8_t>() != 0;
  std::string_view instance = from.text();
  if (is_static) member.instance = instance;
  member.client_id = from.text();
  member.client_host = from.text();
  member.session_timeout_ms = from.get<io::Millis>();
  member.rebalance_timeout_ms = from.get<io::Millis>();
  ByteView assignment = from.bytes();
  member.assignment.assign(assignment.begin(), assignment.end());
  auto protocols = from.get<uint32_t>();
  if (!from.plausible(protocols, 8)) return member;
  for (uint32_t i = 0; i < protocols; ++i) {
    std::string_view name = from.text();
    ByteView metadata = from.bytes();
    member.protocols.push_back({std::string(name), Bytes(metadata.begin(), metadata.end())});
  }
  return member;
}

std::string encode_group_row(const Group::Saved& saved) {
  Bytes row;
  Packer to(row);
  to.put(group_row_version).put(saved.protocol_type).put(saved.protocol).put(saved.leader);
  to.put(saved.generation).put(saved.state_since).put(static_cast<uint32_t>(saved.members.size()));
  for (const Group::Member& member : saved.members) encode_member(to, member);
  return std::string(text(row));
}

Result<Group::Saved> decode_group_row(std::string_view value) {
  Unpacker from(view(value));
  if (from.get<uint8_t>() != group_row_version) return fail(Code::unsupported, "groups: a row of an unknown version");
  Group::Saved saved;
  saved.protocol_type = from.text();
  saved.protocol = from.text();
  saved.leader = from.text();
  saved.generation = from.get<int32_t>();
  saved.state_since = from.get<int64_t>();
  auto members = from.get<uint32_t>();
  if (from.plausible(members, 45))
    for (uint32_t i = 0; i < members && from.ok(); ++i) saved.members.push_back(decode_member(from));
  if (!from.at_end()) return fail(Code::corrupt, "groups: a row does not decode");
  return saved;
}

}  // namespace naru
