#pragma once
// What an asker may do, when it asks for that: one bit per operation of Kafka's AclOperation. Naru has no authorizer
// yet, so everybody may do all that makes sense on a resource, and these are the sets that Kafka answers then.
#include <cstdint>

namespace naru::kafka {

constexpr int32_t operation_bit(int operation) { return 1 << operation; }
inline constexpr int read_operation = 3, write_operation = 4, create_operation = 5, delete_operation = 6,
                     alter_operation = 7, describe_operation = 8, cluster_action = 9, describe_configs_operation = 10,
                     alter_configs_operation = 11, idempotent_write = 12;

inline constexpr int32_t operations_on_topic =
    operation_bit(read_operation) | operation_bit(write_operation) | operation_bit(create_operation) |
    operation_bit(delete_operation) | operation_bit(alter_operation) | operation_bit(describe_operation) |
    operation_bit(describe_configs_operation) | operation_bit(alter_configs_operation);
inline constexpr int32_t operations_on_group =
    operation_bit(read_operation) | operation_bit(delete_operation) | operation_bit(describe_operation) |
    operation_bit(describe_configs_operation) | operation_bit(alter_configs_operation);
inline constexpr int32_t operations_on_cluster =
    operation_bit(create_operation) | operation_bit(alter_operation) | operation_bit(describe_operation) |
    operation_bit(cluster_action) | operation_bit(describe_configs_operation) | operation_bit(alter_configs_operation) |
    operation_bit(idempotent_write);
static_assert(operations_on_topic == 3576 && operations_on_group == 3400 && operations_on_cluster == 8096,
              "as Apache Kafka 4.3 answers without an authorizer");

}  // namespace naru::kafka
