// Lines of /metrics with the names of RabbitMQ's Prometheus plugin, so that its dashboards show naru.
#include "amqp/server_properties.h"
#include "io/process.h"
#include "management/api.h"

namespace naru::management {
namespace {

constexpr const char* types[QueueSettings::kinds] = {"rabbit_classic_queue", "rabbit_quorum_queue",
                                                     "rabbit_stream_queue"};

struct Sums {
  Queue::Counters counters[QueueSettings::kinds];
  int64_t ready = 0, unacked = 0;
  size_t queues = 0, consumers = 0, connections = 0, channels = 0;
};

Sums sum(const Site& site) {
  Sums all;
  for (size_t i = 0; i < QueueSettings::kinds; ++i) all.counters[i] = site.queues.of_erased[i];
  for (const auto& [name, host] : site.hosts.all()) {
    all.queues += host->queues().size();
    for (const auto& [queue_name, queue] : host->queues()) {
      auto counts = queue.queue->counts();
      all.ready += counts.ready;
      all.unacked += counts.unacked;
      all.consumers += queue.queue->consumer_count();
      all.counters[std::to_underlying(queue.queue->settings().kind())] += queue.queue->counters();
    }
  }
  for (const amqp::Session* session : site.door.sessions) {
    all.connections += session->has_host();
    all.channels += session->channels().size();
  }
  return all;
}

/// A label's value as Prometheus' text format has it.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

class Lines {
 public:
  void begin(const char* type, std::string name, const char* help) {
    name_ = std::move(name);
    out.append("# HELP ").append(name_).append(" ").append(help);
    out.append("\n# TYPE ").append(name_).append(" ").append(type).append("\n");
  }
  void value(const std::string& labels, uint64_t number) {
    out.append(name_).append(labels).append(" ").append(std::to_string(number)).append("\n");
  }
  void counter(const char* what, const char* help, uint64_t number) {
    begin("counter", std::string("rabbitmq_global_messages_") + what + "_total", help);
    value("{protocol=\"amqp091\"}", number);
  }
  void by_type(const char* what, const char* help, const Sums& sums, uint64_t (*count)(const Queue::Counters&)) {
    begin("counter", std::string("rabbitmq_global_messages_") + what + "_total", help);
    for (size_t i = 0; i < QueueSettings::kinds; ++i)
      value(std::string("{protocol=\"amqp091\",queue_type=\"") + types[i] + "\"}", count(sums.counters[i]));
  }
  /// A series whose labels are what it says.
  void info(const char* name, const char* help,
            std::initializer_list<std::pair<const char*, std::string_view>> labels) {
    begin("gauge", name, help);
    std::string all;
    for (const auto& [label, text] : labels)
      all.append(all.empty() ? "{" : ",").append(label).append("=\"").append(escaped(text)).append("\"");
    value(all + "}", 1);
  }
  void gauge(const char* name, const char* help, uint64_t number) {
    begin("gauge", name, help);
    value("", number);
  }
  std::string out;

 private:
  std::string name_;
};

/// What the panels of RabbitMQ's dashboards are joined with: each looks for the node and its cluster here.
void add_identity(Lines& lines, const Site& site) {
  const Broker& broker = site.core.broker;
  const auto& globals = site.parameters.globals();
  auto named = globals.find("cluster_name");
  std::string_view cluster = named == globals.end() ? site.node : named->second.text().value_or(site.node);
  lines.info("rabbitmq_identity_info", "Which node this is.",
             {{"rabbitmq_node", site.node},
              {"rabbitmq_cluster", cluster},
              {"rabbitmq_cluster_permanent_id", to_hex_text(broker.cluster_id)}});
  lines.info("rabbitmq_build_info", "Which version this is.",
             {{"rabbitmq_version", amqp::rabbitmq_version},
              {"prometheus_plugin_version", amqp::rabbitmq_version},
              {"prometheus_client_version", ""},
              {"erlang_version", ""},
              {"product_name", "naru"},
              {"product_version", broker.settings.version}});
}

void add_resources(Lines& lines, const Site& site) {
  Alarms& alarms = *site.door.alarms;
  (void)alarms.raised();  // has a look
  io::Descriptors descriptors = io::descriptors();
  bool no_space = alarms.low_on_disk() || site.queues.is_blocked();
  lines.gauge("rabbitmq_alarms_memory_used_watermark", "Whether the memory alarm is raised.", alarms.low_on_memory());
  lines.gauge("rabbitmq_alarms_free_disk_space_watermark", "Whether the disk alarm is raised.", no_space);
  lines.gauge("rabbitmq_process_resident_memory_bytes", "Memory of the process.", io::resident_bytes());
  lines.gauge("rabbitmq_resident_memory_limit_bytes", "Where the memory alarm comes.", alarms.memory_max());
  lines.gauge("rabbitmq_disk_space_available_bytes", "Space on the disk of the data.",
              io::space_of(site.core.broker.settings.data_dir).free);
  lines.gauge("rabbitmq_disk_space_available_limit_bytes", "Where the disk alarm comes.", alarms.disk_free_min());
  lines.gauge("rabbitmq_process_open_fds", "Open descriptors.", descriptors.used);
  lines.gauge("rabbitmq_process_max_fds", "Descriptors that may be open.", descriptors.most);
  lines.gauge("rabbitmq_process_open_tcp_sockets", "Open AMQP connections.", site.door.sessions.size());
  lines.gauge("rabbitmq_process_max_tcp_sockets", "Connections that may be open.",
              site.core.broker.settings.connections_max);
  lines.gauge("rabbitmq_erlang_uptime_seconds", "Since the start.",
              static_cast<uint64_t>(site.core.loop.wall() - site.started_ms) / 1000);
}

}  // namespace

std::string Api::metrics() const {
  Sums sums = sum(site_);
  const auto& messages = site_.core.messages;
  Lines lines;
  add_identity(lines, site_);
  add_resources(lines, site_);
  lines.counter("received", "Messages that clients published.", messages.received);
  lines.counter("confirmed", "Messages confirmed to publishers.", messages.confirmed);
  lines.counter("routed", "Messages that reached a queue, once for each.", messages.routed);
  lines.counter("unroutable_dropped", "Messages that led nowhere.", messages.dropped);
  lines.counter("unroutable_returned", "Messages that led nowhere and were returned.", messages.returned);
  using Counters = Queue::Counters;
  lines.by_type("delivered", "Messages handed to consumers or fetched.", sums,
                [](const Counters& one) { return one.delivered + one.got; });
  lines.by_type("redelivered", "Those of them that had been handed out before.", sums,
                [](const Counters& one) { return one.redelivered; });
  lines.by_type("acknowledged", "Messages that consumers acknowledged.", sums,
                [](const Counters& one) { return one.acked; });
  lines.begin("counter", "rabbitmq_global_messages_get_empty_total", "Times that basic.get found no message.");
  lines.value("{protocol=\"amqp091\",queue_type=\"rabbit_classic_queue\"}", messages.get_empty);
  constexpr const char* deaths[] = {"rejected", "expired", "maxlen", "delivery_limit"};  // by Death
  for (size_t i = 0; i < 4; ++i) {
    lines.begin("counter", std::string("rabbitmq_global_messages_dead_lettered_") + deaths[i] + "_total",
                "Dead letters that found their exchange.");
    uint64_t buried = site_.queues.dead_letters ? site_.queues.dead_letters->buried[i] : 0;
    lines.value("{queue_type=\"rabbit_classic_queue\",dead_letter_strategy=\"at_least_once\"}", buried);
  }
  lines.gauge("rabbitmq_connections", "Open AMQP connections.", sums.connections);
  lines.gauge("rabbitmq_channels", "Open channels.", sums.channels);
  lines.gauge("rabbitmq_consumers", "Consumers.", sums.consumers);
  lines.gauge("rabbitmq_queues", "Queues.", sums.queues);
  lines.gauge("rabbitmq_queue_messages_ready", "Messages ready to be delivered.", static_cast<uint64_t>(sums.ready));
  lines.gauge("rabbitmq_queue_messages_unacked", "Messages delivered and not acknowledged.",
              static_cast<uint64_t>(sums.unacked));
  lines.gauge("rabbitmq_queue_messages", "Both together.", static_cast<uint64_t>(sums.ready + sums.unacked));
  return lines.out;
}

}  // namespace naru::management
