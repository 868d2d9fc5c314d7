// GET /metrics: names end in their unit, counters in _total, as Prometheus asks.
#include "admin/session.h"

namespace naru::admin {
namespace {

struct Sum {
  Core::Counters counters;
  Store::Counters store;
  uint64_t logs = 0, log_bytes = 0, open_files = 0, budget_used = 0, budget_total = 0;
  std::array<size_t, group_state_count> groups{};
};

io::Task<Sum> count(Core& core) {
  Sum sum;
  sum.counters = core.counters;
  sum.store = core.store.counters();
  for (const auto& [stream, log] : core.store.logs()) {
    ++sum.logs;
    sum.log_bytes += log->state().bytes();
  }
  sum.open_files = core.store.files().open_count();
  sum.budget_used = core.budget.used();
  sum.budget_total = core.budget.total();
  sum.groups = core.groups.count_by_state();
  co_return sum;
}

void line(std::string& out, const char* type, const char* name, const char* help, uint64_t value) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ").append(type);
  out.append("\n").append(name).append(" ").append(std::to_string(value)).append("\n");
}

}  // namespace

io::Task<std::string> metrics(Core& core) {
  Sum all;
  for (const auto& each : core.broker.cores) {
    Sum one = co_await on(core, *each, count);
    all.counters.connections += one.counters.connections;
    all.counters.requests += one.counters.requests;
    all.counters.bytes_in += one.counters.bytes_in;
    all.counters.bytes_out += one.counters.bytes_out;
    all.counters.records_in += one.counters.records_in;
    all.store.appended_batches += one.store.appended_batches;
    all.store.appended_bytes += one.store.appended_bytes;
    all.store.checkpoints += one.store.checkpoints;
    all.logs += one.logs;
    all.log_bytes += one.log_bytes;
    all.open_files += one.open_files;
    all.budget_used += one.budget_used;
    all.budget_total += one.budget_total;
    for (size_t i = 0; i < group_state_count; ++i) all.groups[i] += one.groups[i];
  }
  std::string out;
  line(out, "gauge", "naru_kafka_connections", "Open Kafka connections.", all.counters.connections);
  line(out, "counter", "naru_kafka_requests_total", "Kafka requests handled.", all.counters.requests);
  line(out, "counter", "naru_kafka_received_bytes_total", "Bytes of Kafka requests.", all.counters.bytes_in);
  line(out, "counter", "naru_kafka_sent_bytes_total", "Bytes of Kafka responses.", all.counters.bytes_out);
  line(out, "counter", "naru_kafka_produced_records_total", "Records appended through Kafka.", all.counters.records_in);
  line(out, "counter", "naru_log_appended_bytes_total", "Bytes of record batches appended.", all.store.appended_bytes);
  line(out, "counter", "naru_log_appended_batches_total", "Record batches appended.", all.store.appended_batches);
  line(out, "counter", "naru_log_checkpoints_total", "Checkpoints written.", all.store.checkpoints);
  line(out, "gauge", "naru_log_count", "Logs (partitions) that have been used.", all.logs);
  line(out, "gauge", "naru_log_size_bytes", "Bytes of record batches on disk.", all.log_bytes);
  line(out, "gauge", "naru_log_open_files", "Open segment files.", all.open_files);
  line(out, "gauge", "naru_memory_budget_used_bytes", "Memory taken by frames and answers.", all.budget_used);
  line(out, "gauge", "naru_memory_budget_bytes", "Memory that frames and answers may take.", all.budget_total);
  line(out, "gauge", "naru_catalog_topics", "Topics.", core.catalog()->topics.size());
  out += "# HELP naru_groups Consumer groups by state.\n# TYPE naru_groups gauge\n";
  for (size_t i = 0; i < group_state_count; ++i) {
    out.append("naru_groups{state=\"").append(name(static_cast<GroupState>(i))).append("\"} ");
    out.append(std::to_string(all.groups[i])).append("\n");
  }
  co_return out;
}

}  // namespace naru::admin
