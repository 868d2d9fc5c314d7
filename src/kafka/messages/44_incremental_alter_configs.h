#pragma once
// IncrementalAlterConfigs, v0-1. Changes single settings of a resource.
// * v1 flexible
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct IncrementalAlterConfigsRequest {
  static constexpr int16_t api_key = 44, flexible_since = 1;
  static constexpr Versions versions = between(0, 1);

  struct Resource {
    struct Config {
      std::string_view name;
      int8_t config_operation = 0;
      std::optional<std::string_view> value = "";
      static void describe(auto& wire, auto& m) {
        wire("name", m.name);
        wire("config_operation", m.config_operation);
        wire("value", m.value);
      }
    };

    int8_t resource_type = 0;
    std::string_view resource_name;
    std::vector<Config> configs;
    static void describe(auto& wire, auto& m) {
      wire("resource_type", m.resource_type);
      wire("resource_name", m.resource_name);
      wire("configs", m.configs);
    }
  };

  std::vector<Resource> resources;
  bool validate_only = false;
  static void describe(auto& wire, auto& m) {
    wire("resources", m.resources);
    wire("validate_only", m.validate_only);
  }
};

struct IncrementalAlterConfigsResponse {
  static constexpr int16_t api_key = 44, flexible_since = 1;
  static constexpr Versions versions = between(0, 1);

  struct Resource {
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;
    int8_t resource_type = 0;
    std::string resource_name;
    static void describe(auto& wire, auto& m) {
      wire("error_code", m.error_code);
      wire("error_message", m.error_message);
      wire("resource_type", m.resource_type);
      wire("resource_name", m.resource_name);
    }
  };

  int32_t throttle_time_ms = 0;
  std::vector<Resource> responses;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms);
    wire("responses", m.responses);
  }
};

}  // namespace naru::kafka
