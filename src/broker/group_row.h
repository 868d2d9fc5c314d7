#pragma once
// A group as a row of its shard's table. The key is "group/<id>"; the value is versioned, little-endian (base/pack.h):
//
//   u8 version = 1, text protocol type, text protocol, text leader, i32 generation, i64 in this state since,
//   u32 members, each: text id, u8 is static, text instance, text client id, text host, i64 session timeout,
//   i64 rebalance timeout, bytes assignment, u32 protocols, each: text name, bytes metadata
//
// Numbers and order are on disk, forever; what is added later comes with a new version.
#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/group.h"

namespace naru {

inline constexpr std::string_view group_row_prefix = "group/";
std::string group_row_key(std::string_view group);

std::string encode_group_row(const Group::Saved& saved);
Result<Group::Saved> decode_group_row(std::string_view value);

}  // namespace naru
