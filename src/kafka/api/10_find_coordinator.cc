// FindCoordinator, v0-4. Which broker looks after a group (type 0) or a transaction (type 1): on one node, this one.
// * v1 key type  * v3 flexible  * v4 many keys at once
// An empty key is as good as any, as in Kafka. Share groups (type 2) need v6 and are refused.
#include "kafka/messages/10_find_coordinator.h"

#include "kafka/api.h"

namespace naru::kafka {
namespace {

constexpr int8_t group_type = 0, transaction_type = 1;

io::Task<FindCoordinatorResponse> handle(Context& on, const FindCoordinatorRequest& request) {
  FindCoordinatorResponse response;
  bool known = request.key_type == group_type || request.key_type == transaction_type;
  FindCoordinatorResponse::Coordinator found{.key = {}, .node_id = -1, .host = {}, .port = -1, .error_message = ""};
  if (known) {
    found.node_id = on.core.broker.settings.node_id;
    found.host = on.peer.advertised_host;
    found.port = on.peer.advertised_port;
  } else {
    found.error_code = ErrorCode::invalid_request;
    found.error_message = "This broker does not coordinate keys of this type.";
  }
  for (std::string_view key : request.coordinator_keys) {
    found.key = key;
    response.coordinators.push_back(found);
  }
  response.error_code = found.error_code;
  response.error_message = known ? "NONE" : *found.error_message;  // what Kafka says when there is nothing to say
  response.node_id = found.node_id;
  response.host = std::move(found.host);
  response.port = found.port;
  co_return response;
}

}  // namespace

extern const Handler find_coordinator{10, handle_with<FindCoordinatorRequest, FindCoordinatorResponse, handle>};

}  // namespace naru::kafka
