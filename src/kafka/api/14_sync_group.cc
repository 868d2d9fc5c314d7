// SyncGroup, v0-5. The leader brings everyone's assignment, and everyone takes his own; those who come before the
// leader wait.
// * v1 throttle time  * v3 static members  * v4 flexible  * v5 protocol type and name are checked, and may not be
// absent
#include "kafka/messages/14_sync_group.h"

#include "kafka/api.h"
#include "kafka/group_errors.h"

namespace naru::kafka {
namespace {

io::Task<SyncGroupResponse> handle(Context& on, const SyncGroupRequest& request) {
  SyncGroupResponse response;
  if (on.version() >= 5 && (!request.protocol_type || !request.protocol_name)) {
    response.error_code = ErrorCode::inconsistent_group_protocol;
    co_return response;
  }
  GroupSyncArgs args{
      .caller = on.peer.id,
      .from = {.group = request.group_id,
               .member = request.member_id,
               .instance = request.group_instance_id,
               .generation = request.generation_id},
      .protocol_type = request.protocol_type,
      .protocol = request.protocol_name,
  };
  for (const auto& [member, assignment] : request.assignments) args.assignments.push_back({member, assignment});
  Core& owner = on.core.broker.owner_of_group(request.group_id);
  auto sync = [&](Core& there) { return there.groups.sync(std::move(args)); };
  GroupSyncResult synced = co_await naru::on(on.core, owner, sync);

  response.error_code = error_code(synced.error);
  response.protocol_type = std::move(synced.protocol_type);
  response.protocol_name = std::move(synced.protocol);
  response.assignment = std::move(synced.assignment);
  co_return response;
}

}  // namespace

extern const Handler sync_group{14, handle_with<SyncGroupRequest, SyncGroupResponse, handle>};

}  // namespace naru::kafka
