#pragma once
// Field tables as JSON and back, as RabbitMQ's definitions and HTTP API have them: whole numbers become longs; what
// JSON has no type for (a timestamp, bytes, a decimal) becomes what is nearest, and does not come back.
#include "base/json.h"
#include "broker/field_table.h"

namespace naru {

Json to_json(FieldTableView table);
Json to_json(const FieldValue& value);
/// The members of an object; an empty table for anything else.
FieldTable to_fields(const Json& object);

}  // namespace naru
