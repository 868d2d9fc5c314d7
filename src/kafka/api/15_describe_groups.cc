// DescribeGroups, v0-5. State and members of groups. A group that is not there is "Dead", without an error.
// * v1 throttle time  * v3 what the asker may do  * v4 static members  * v5 flexible
// Not here: v6 (an error for a group that is not there). Without an authorizer everybody may do everything.
#include "kafka/messages/15_describe_groups.h"

#include <set>

#include "kafka/api.h"
#include "kafka/authorized_operations.h"
#include "kafka/group_errors.h"

namespace naru::kafka {
namespace {

io::Task<DescribeGroupsResponse> handle(Context& on, const DescribeGroupsRequest& request) {
  DescribeGroupsResponse response;
  std::set<std::string_view> seen;  // an answer is long: what is asked twice is told once
  for (std::string_view id : request.groups) {
    if (!seen.insert(id).second) continue;
    Core& owner = on.core.broker.owner_of_group(id);
    auto describe = [&](Core& there) { return there.groups.describe(id); };
    GroupDescription group = co_await naru::on(on.core, owner, describe);

    auto& out = response.groups.emplace_back();
    if (group.error != GroupError::group_id_not_found) out.error_code = error_code(group.error);
    out.group_id = id;
    out.group_state = name(group.state);
    out.protocol_type = std::move(group.protocol_type);
    out.protocol_data = std::move(group.protocol);
    for (auto& member : group.members) {
      out.members.push_back({.member_id = std::move(member.id),
                             .group_instance_id = std::move(member.instance),
                             .client_id = std::move(member.client_id),
                             .client_host = std::move(member.client_host),
                             .member_metadata = std::move(member.metadata),
                             .member_assignment = std::move(member.assignment)});
    }
    if (request.include_authorized_operations) out.authorized_operations = operations_on_group;
  }
  co_return response;
}

}  // namespace

extern const Handler describe_groups{15, handle_with<DescribeGroupsRequest, DescribeGroupsResponse, handle>,
                                     /*long_answer=*/true};

}  // namespace naru::kafka
