#include "kafka/api.h"

#include "io/logger.h"

namespace naru::kafka {

// One per file in api/, named after its API.
extern const Handler produce, fetch, list_offsets, metadata, offset_commit, offset_fetch, find_coordinator, join_group,
    heartbeat, leave_group, sync_group, describe_groups, list_groups, api_versions, create_topics, delete_topics,
    delete_records, init_producer_id, offset_for_leader_epoch, describe_configs, alter_configs, describe_log_dirs,
    create_partitions, delete_groups, incremental_alter_configs, offset_delete, describe_cluster;

namespace {

const Handler* const handlers[] = {
    &produce,
    &fetch,
    &list_offsets,
    &metadata,
    &offset_commit,
    &offset_fetch,
    &find_coordinator,
    &join_group,
    &heartbeat,
    &leave_group,
    &sync_group,
    &describe_groups,
    &list_groups,
    &api_versions,
    &create_topics,
    &delete_topics,
    &delete_records,
    &init_producer_id,
    &offset_for_leader_epoch,
    &describe_configs,
    &alter_configs,
    &describe_log_dirs,
    &create_partitions,
    &delete_groups,
    &incremental_alter_configs,
    &offset_delete,
    &describe_cluster,
};

}  // namespace

void note_refused(const Context& on, const Error& why) {
  if (why.code != Code::too_large) return;
  const Api* api = find_api(on.header.key);
  io::log(io::Level::warning, "a request asks for too much at once; raise --memory-limit or ask for less",
          {{"client", on.peer.host}, {"client id", on.client_id()}, {"api", api ? api->name : "?"}});
}

const Handler* find_handler(int key) {
  for (const Handler* handler : handlers)
    if (handler->key == key) return handler;
  return nullptr;
}

std::vector<const Api*> advertised() {
  std::vector<const Api*> out;
  for (const Api& api : apis)
    if (find_handler(api.key)) out.push_back(&api);
  return out;
}

}  // namespace naru::kafka
