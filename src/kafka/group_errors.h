#pragma once
#include "broker/group_types.h"
#include "kafka/errors.h"

namespace naru::kafka {

/// What Kafka calls a group's refusal. Without default: a new one does not compile until it has its code.
ErrorCode error_code(GroupError error);

}  // namespace naru::kafka
