#pragma once
// As much of HOCON as files of queues need: see queues_file.h.
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace naru::sqs {

struct HoconMember {
  std::string name{};
  int line = 0;
  std::string text{};                  // as it stands, without quotes
  std::vector<HoconMember> members{};  // of an object
  bool is_object = false;

  const HoconMember* find(std::string_view wanted) const;
};

/// The file as one object. Else what is wrong, and in which line.
std::expected<HoconMember, std::string> parse_hocon(std::string_view text);

}  // namespace naru::sqs
