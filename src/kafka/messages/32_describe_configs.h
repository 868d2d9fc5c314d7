#pragma once
// DescribeConfigs, v0-4. Configuration of topics and brokers with its sources.
// * v1 synonyms  * v3 types, documentation  * v4 flexible
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct DescribeConfigsRequest {
  static constexpr int16_t api_key = 32, flexible_since = 4;
  static constexpr Versions versions = between(0, 4);

  struct Resource {
    int8_t resource_type = 0;
    std::string_view resource_name;
    std::optional<std::vector<std::string_view>> configuration_keys{std::in_place};
    static void describe(auto& wire, auto& m) {
      wire("resource_type", m.resource_type);
      wire("resource_name", m.resource_name);
      wire("configuration_keys", m.configuration_keys);
    }
  };

  std::vector<Resource> resources;
  bool include_synonyms = false, include_documentation = false;
  static void describe(auto& wire, auto& m) {
    wire("resources", m.resources);
    wire("include_synonyms", m.include_synonyms, since(1));
    wire("include_documentation", m.include_documentation, since(3));
  }
};

struct DescribedResource {
  struct Config {
    struct Synonym {
      std::string name;
      std::optional<std::string> value = "";
      int8_t source = 0;
      static void describe(auto& wire, auto& m) {
        wire("name", m.name);
        wire("value", m.value);
        wire("source", m.source);
      }
    };

    std::string name;
    std::optional<std::string> value = "";
    bool read_only = false, is_default = false;
    int8_t config_source = -1;
    bool is_sensitive = false;
    std::vector<Synonym> synonyms;
    int8_t config_type = 0;
    std::optional<std::string> documentation = "";
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("value", m.value);
      wire("read_only", m.read_only);
      wire("is_default", m.is_default, between(0, 0));
      wire("config_source", m.config_source, since(1));
      wire("is_sensitive", m.is_sensitive);
      wire("synonyms", m.synonyms, since(1));
      wire("config_type", m.config_type, since(3));
      wire("documentation", m.documentation, since(3));
    }
  };

  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  int8_t resource_type = 0;
  std::string resource_name;
  std::vector<Config> configs;
  static void describe(auto& wire, auto& m) {
    wire("error_code", m.error_code);
    wire("error_message", m.error_message);
    wire("resource_type", m.resource_type);
    wire("resource_name", m.resource_name);
    wire("configs", m.configs);
  }
};

/// `Results`: an array of DescribedResource.
template <class Results>
struct DescribeConfigsResponseOf {
  static constexpr int16_t api_key = 32, flexible_since = 4;
  static constexpr Versions versions = between(0, 4);
  using Resource = DescribedResource;

  int32_t throttle_time_ms = 0;
  Results results;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms);
    wire("results", m.results);
  }
};
using DescribeConfigsResponse = DescribeConfigsResponseOf<std::vector<DescribedResource>>;
/// As the broker answers it: the settings of a thousand topics take a hundred times the memory of their names.
using LongDescribeConfigsResponse = DescribeConfigsResponseOf<MadeArray<DescribedResource>>;

}  // namespace naru::kafka
