#include "broker/group_types.h"

namespace naru {

const char* name(GroupError error) {
  switch (error) {
    case GroupError::none: return "none";
    case GroupError::invalid_group_id: return "invalid_group_id";
    case GroupError::group_id_not_found: return "group_id_not_found";
    case GroupError::non_empty_group: return "non_empty_group";
    case GroupError::group_max_size_reached: return "group_max_size_reached";
    case GroupError::group_subscribed_to_topic: return "group_subscribed_to_topic";
    case GroupError::unknown_member_id: return "unknown_member_id";
    case GroupError::member_id_required: return "member_id_required";
    case GroupError::fenced_instance_id: return "fenced_instance_id";
    case GroupError::illegal_generation: return "illegal_generation";
    case GroupError::rebalance_in_progress: return "rebalance_in_progress";
    case GroupError::inconsistent_group_protocol: return "inconsistent_group_protocol";
    case GroupError::invalid_session_timeout: return "invalid_session_timeout";
    case GroupError::offset_metadata_too_large: return "offset_metadata_too_large";
    case GroupError::unstable_offset_commit: return "unstable_offset_commit";
    case GroupError::coordinator_load_in_progress: return "coordinator_load_in_progress";
    case GroupError::coordinator_not_available: return "coordinator_not_available";
    case GroupError::not_coordinator: return "not_coordinator";
    case GroupError::storage_full: return "storage_full";
    case GroupError::storage_failed: return "storage_failed";
    case GroupError::dropped: return "dropped";
  }
  CHECK(false && "a group error without a name");
}

const char* name(GroupState state) {
  switch (state) {
    case GroupState::empty: return "Empty";
    case GroupState::preparing_rebalance: return "PreparingRebalance";
    case GroupState::completing_rebalance: return "CompletingRebalance";
    case GroupState::stable: return "Stable";
    case GroupState::dead: return "Dead";
  }
  CHECK(false && "a group state without a name");
}

}  // namespace naru
