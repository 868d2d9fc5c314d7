// DeleteGroups, v0-2. Deletes empty groups with all that they had committed.
// * v1 throttle time  * v2 flexible
#include "kafka/messages/42_delete_groups.h"

#include <set>

#include "kafka/api.h"
#include "kafka/group_errors.h"

namespace naru::kafka {
namespace {

io::Task<DeleteGroupsResponse> handle(Context& on, const DeleteGroupsRequest& request) {
  DeleteGroupsResponse response;
  std::set<std::string_view> once(request.groups_names.begin(), request.groups_names.end());
  for (std::string_view id : once) {
    Core& owner = on.core.broker.owner_of_group(id);
    auto remove = [&](Core& there) { return there.groups.remove(id); };
    GroupError error = co_await naru::on(on.core, owner, remove);
    response.results.push_back({std::string(id), error_code(error)});
  }
  co_return response;
}

}  // namespace

extern const Handler delete_groups{42, handle_with<DeleteGroupsRequest, DeleteGroupsResponse, handle>};

}  // namespace naru::kafka
