// DescribeCluster, v0-1. The brokers of the cluster: this one.
// * v1 asks for brokers (1) or controllers (2); naru has no controllers of their own and refuses the latter as a Kafka
// broker does
#include "kafka/messages/60_describe_cluster.h"

#include "kafka/api.h"
#include "kafka/authorized_operations.h"

namespace naru::kafka {
namespace {

constexpr int8_t brokers_type = 1, controllers_type = 2;

io::Task<DescribeClusterResponse> handle(Context& on, const DescribeClusterRequest& request) {
  DescribeClusterResponse response;
  if (request.endpoint_type == controllers_type) {
    response.error_code = ErrorCode::mismatched_endpoint_type;
    response.error_message =
        "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER";
    co_return response;
  }
  if (request.endpoint_type != brokers_type) {
    response.error_code = ErrorCode::unsupported_endpoint_type;
    response.error_message = "Unsupported endpoint type " + std::to_string(request.endpoint_type);
    co_return response;
  }
  Broker& broker = on.core.broker;
  response.cluster_id = to_text(broker.cluster_id);
  response.controller_id = broker.settings.node_id;
  response.brokers.push_back({broker.settings.node_id, on.peer.advertised_host, on.peer.advertised_port, std::nullopt});
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = operations_on_cluster;
  co_return response;
}

}  // namespace

extern const Handler describe_cluster{60, handle_with<DescribeClusterRequest, DescribeClusterResponse, handle>};

}  // namespace naru::kafka
