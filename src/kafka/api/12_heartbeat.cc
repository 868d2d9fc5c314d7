// Heartbeat, v0-4. A member says that it is alive; the answer tells it to rejoin.
// * v1 throttle time  * v3 instance id: static members (KIP-345)  * v4 flexible
#include "kafka/messages/12_heartbeat.h"

#include "kafka/api.h"
#include "kafka/errors.h"
#include "kafka/group_errors.h"

namespace naru::kafka {
namespace {

io::Task<HeartbeatResponse> handle(Context& on, const HeartbeatRequest& request) {
  Core& owner = on.core.broker.owner_of_group(request.group_id);
  auto beat = [&](Core& there) {
    return there.groups.heartbeat({.group = request.group_id,
                                   .member = request.member_id,
                                   .instance = request.group_instance_id,
                                   .generation = request.generation_id});
  };
  HeartbeatResponse response;
  response.error_code = error_code(co_await naru::on(on.core, owner, beat));
  co_return response;
}

}  // namespace

extern const Handler heartbeat{12, handle_with<HeartbeatRequest, HeartbeatResponse, handle>};

}  // namespace naru::kafka
