#pragma once
// DescribeCluster, v0-1. The brokers of the cluster.
// * v1 controllers can be asked for
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct DescribeClusterRequest {
  static constexpr int16_t api_key = 60, flexible_since = 0;
  static constexpr Versions versions = between(0, 1);

  bool include_cluster_authorized_operations = false;
  int8_t endpoint_type = 1;
  static void describe(auto& wire, auto& m) {
    wire("include_cluster_authorized_operations", m.include_cluster_authorized_operations);
    wire("endpoint_type", m.endpoint_type, since(1));
  }
};

struct DescribeClusterResponse {
  static constexpr int16_t api_key = 60, flexible_since = 0;
  static constexpr Versions versions = between(0, 1);

  struct Broker {
    int32_t broker_id = 0;
    std::string host;
    int32_t port = 0;
    std::optional<std::string> rack;
    static void describe(auto& wire, auto& m) {
      wire("broker_id", m.broker_id);
      wire("host", m.host);
      wire("port", m.port);
      wire("rack", m.rack);
    }
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  int8_t endpoint_type = 1;
  std::string cluster_id;
  int32_t controller_id = -1;
  std::vector<Broker> brokers;
  int32_t cluster_authorized_operations = INT32_MIN;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms);
    wire("error_code", m.error_code);
    wire("error_message", m.error_message);
    wire("endpoint_type", m.endpoint_type, since(1));
    wire("cluster_id", m.cluster_id);
    wire("controller_id", m.controller_id);
    wire("brokers", m.brokers);
    wire("cluster_authorized_operations", m.cluster_authorized_operations);
  }
};

}  // namespace naru::kafka
