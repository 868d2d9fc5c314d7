// Groups as tools and people see them.
#include <cctype>

#include "broker/groups.h"

namespace naru {

static bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

static bool passes(const std::vector<std::string_view>& filter, std::string_view word) {
  return filter.empty() || std::ranges::any_of(filter, [&](std::string_view other) { return same_word(other, word); });
}

std::vector<GroupSummary> Groups::list(const std::vector<std::string_view>& states,
                                       const std::vector<std::string_view>& types) const {
  std::vector<GroupSummary> lines;
  if (!passes(types, "classic")) return lines;
  for (const auto& [id, group] : groups_) {
    if (!passes(states, name(group->state()))) continue;
    GroupSummary line{id, group->protocol_type(), group->state(), group->generation(), group->members().size()};
    if (group->topics()) line.topics.assign(group->topics()->begin(), group->topics()->end());
    lines.push_back(std::move(line));
  }
  return lines;
}

GroupDescription Groups::describe(std::string_view id) const {
  GroupDescription description;
  const Group* group = find(id);
  if (!group) {
    description.error = GroupError::group_id_not_found;
    return description;
  }
  bool stable = group->state() == GroupState::stable;  // else what members said and got is of no one generation
  description.state = group->state();
  description.protocol_type = group->protocol_type();
  if (stable) description.protocol = group->protocol();
  description.leader = group->leader();
  description.generation = group->generation();
  for (const auto& [member_id, member] : group->members()) {
    GroupDescription::Member line{member_id, member.instance, member.client_id, member.client_host};
    const Bytes* metadata = stable ? member.metadata(group->protocol()) : nullptr;
    if (metadata) line.metadata = *metadata;
    if (stable) line.assignment = member.assignment;
    description.members.push_back(std::move(line));
  }
  return description;
}

std::array<size_t, group_state_count> Groups::count_by_state() const {
  std::array<size_t, group_state_count> counts{};
  for (const auto& [id, group] : groups_) ++counts[static_cast<size_t>(group->state())];
  return counts;
}

}  // namespace naru
