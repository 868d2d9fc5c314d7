#include "kafka/group_errors.h"

#include "base/check.h"

namespace naru::kafka {

ErrorCode error_code(GroupError error) {
  switch (error) {
    case GroupError::none: return ErrorCode::none;
    case GroupError::invalid_group_id: return ErrorCode::invalid_group_id;
    case GroupError::group_id_not_found: return ErrorCode::group_id_not_found;
    case GroupError::non_empty_group: return ErrorCode::non_empty_group;
    case GroupError::group_max_size_reached: return ErrorCode::group_max_size_reached;
    case GroupError::group_subscribed_to_topic: return ErrorCode::group_subscribed_to_topic;
    case GroupError::unknown_member_id: return ErrorCode::unknown_member_id;
    case GroupError::member_id_required: return ErrorCode::member_id_required;
    case GroupError::fenced_instance_id: return ErrorCode::fenced_instance_id;
    case GroupError::illegal_generation: return ErrorCode::illegal_generation;
    case GroupError::rebalance_in_progress: return ErrorCode::rebalance_in_progress;
    case GroupError::inconsistent_group_protocol: return ErrorCode::inconsistent_group_protocol;
    case GroupError::invalid_session_timeout: return ErrorCode::invalid_session_timeout;
    case GroupError::offset_metadata_too_large: return ErrorCode::offset_metadata_too_large;
    case GroupError::unstable_offset_commit: return ErrorCode::unstable_offset_commit;
    case GroupError::coordinator_load_in_progress: return ErrorCode::coordinator_load_in_progress;
    case GroupError::coordinator_not_available:
    case GroupError::storage_full:  // clients ask again, and that is right: it heals
    case GroupError::dropped: return ErrorCode::coordinator_not_available;
    case GroupError::not_coordinator:
    case GroupError::storage_failed: return ErrorCode::not_coordinator;  // as Kafka: look for one with a disk
  }
  CHECK(false && "a group error without a code");
}

}  // namespace naru::kafka
