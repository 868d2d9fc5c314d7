// LeaveGroup, v0-5. Members leave: one of its own will, or several by an administrator's.
// * v1 throttle time  * v3 many at once, static ones by instance id  * v4 flexible  * v5 reason (read and dropped)
#include "kafka/messages/13_leave_group.h"

#include "kafka/api.h"
#include "kafka/group_errors.h"

namespace naru::kafka {
namespace {

/// Answers when a crash cannot bring back who has left: the next to come would wait for it until its session ends.
io::Task<GroupLeaveResult> leave_for_good(Core& there, const GroupLeaveArgs& args) {
  GroupLeaveResult left = there.groups.leave(args);
  (void)co_await there.store.durable_if_space(there.store.journal().end());  // without space it has left all the same
  co_return left;
}

io::Task<LeaveGroupResponse> handle(Context& on, const LeaveGroupRequest& request) {
  GroupLeaveArgs args{.group = request.group_id};
  bool single = on.version() < 3;
  if (single) args.members.push_back({request.member_id, std::nullopt});
  for (const auto& member : request.members) args.members.push_back({member.member_id, member.group_instance_id});
  Core& owner = on.core.broker.owner_of_group(request.group_id);
  auto leave = [&](Core& there) { return leave_for_good(there, args); };
  GroupLeaveResult left = co_await naru::on(on.core, owner, leave);

  LeaveGroupResponse response;
  response.error_code = error_code(left.error);
  if (left.error != GroupError::none) co_return response;
  if (single) response.error_code = error_code(left.members[0]);
  for (size_t i = 0; i < request.members.size(); ++i) {
    auto& out = response.members.emplace_back();
    out.member_id = request.members[i].member_id;
    out.group_instance_id = request.members[i].group_instance_id;
    out.error_code = error_code(left.members[i]);
  }
  co_return response;
}

}  // namespace

extern const Handler leave_group{13, handle_with<LeaveGroupRequest, LeaveGroupResponse, handle>};

}  // namespace naru::kafka
