#include "amqp/server_properties.h"

namespace naru::amqp {

FieldTable server_properties(const Core& core) {
  FieldTable capabilities;
  for (const char* name : {"publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify",
                           "connection.blocked", "consumer_priorities", "authentication_failure_close",
                           "per_consumer_qos", "direct_reply_to"})
    capabilities.add(name, true);
  FieldTable properties;
  properties.add("capabilities", capabilities.view())
      .add("cluster_name", "naru@" + to_text(core.broker.cluster_id))
      .add("copyright", "The naru authors")
      .add("information", "Licensed under the Apache License 2.0")
      .add("platform", "C++23")
      .add("product", "naru")
      .add("version", rabbitmq_version);
  return properties;
}

}  // namespace naru::amqp
