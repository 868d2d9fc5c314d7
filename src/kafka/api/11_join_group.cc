// JoinGroup, v0-9. A member asks into its group and waits until the others are there too; the leader hears who they
// are.
// * v1 rebalance timeout (before: the session's)  * v2 throttle time  * v4 a member without an id is given one and sent
// back with it  * v5 static members  * v6 flexible  * v7 protocol type  * v8 reason  * v9 a static leader that comes
// back may skip assigning
// Not here: the reason is read and dropped.
#include "kafka/messages/11_join_group.h"

#include "kafka/api.h"
#include "kafka/group_errors.h"

namespace naru::kafka {
namespace {

io::Task<JoinGroupResponse> handle(Context& on, const JoinGroupRequest& request) {
  GroupJoinArgs args{
      .caller = on.peer.id,
      .group = request.group_id,
      .member = request.member_id,
      .instance = request.group_instance_id,
      .client_id = on.client_id(),
      .client_host = on.peer.host,
      .session_timeout_ms = request.session_timeout_ms,
      .rebalance_timeout_ms = on.version() >= 1 ? request.rebalance_timeout_ms : request.session_timeout_ms,
      .protocol_type = request.protocol_type,
      .requires_member_id = on.version() >= 4,
      .can_skip_assignment = on.version() >= 9,
  };
  for (const auto& [name, metadata] : request.protocols) args.protocols.push_back({name, metadata});
  Core& owner = on.core.broker.owner_of_group(request.group_id);
  auto join = [&](Core& there) { return there.groups.join(std::move(args)); };
  GroupJoinResult joined = co_await naru::on(on.core, owner, join);

  JoinGroupResponse response;
  response.error_code = error_code(joined.error);
  response.generation_id = joined.generation;
  response.protocol_type = std::move(joined.protocol_type);
  response.protocol_name = std::move(joined.protocol);
  response.leader = std::move(joined.leader);
  response.skip_assignment = joined.skip_assignment;
  response.member_id = std::move(joined.member);
  for (auto& [id, instance, metadata] : joined.members)
    response.members.push_back({std::move(id), std::move(instance), std::move(metadata)});
  co_return response;
}

}  // namespace

extern const Handler join_group{11, handle_with<JoinGroupRequest, JoinGroupResponse, handle>};

}  // namespace naru::kafka
