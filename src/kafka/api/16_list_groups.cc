// ListGroups, v0-5. All groups, of all cores.
// * v1 throttle time  * v3 flexible  * v4 state, and only groups in some states  * v5 type, and only some types
#include "kafka/messages/16_list_groups.h"

#include "kafka/api.h"

namespace naru::kafka {
namespace {

io::Task<ListGroupsResponse> handle(Context& on, const ListGroupsRequest& request) {
  auto list = [&](Core& there) { return there.groups.list(request.states_filter, request.types_filter); };
  std::vector<io::Task<std::vector<GroupSummary>>> running;
  for (auto& core : on.core.broker.cores) running.push_back(naru::on(on.core, *core, list));
  ListGroupsResponse response;
  for (auto& task : running) {
    auto groups = co_await task;
    for (GroupSummary& group : groups)
      response.groups.push_back({std::move(group.group), std::move(group.protocol_type), name(group.state), "classic"});
  }
  std::ranges::sort(response.groups, {}, &ListGroupsResponse::Group::group_id);  // however many cores there are
  co_return response;
}

}  // namespace

extern const Handler list_groups{16, handle_with<ListGroupsRequest, ListGroupsResponse, handle>, /*long_answer=*/true};

}  // namespace naru::kafka
