// Lines of /metrics with the names of RabbitMQ's Prometheus plugin, so that its dashboards show naru.
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
  void gauge(const char* name, const char* help, uint64_t number) {
    begin("gauge", name, help);
    value("", number);
  }
  std::string out;

 private:
  std::string name_;
};

}  // namespace

std::string Api::metrics() const {
  Sums sums = sum(site_);
  const auto& messages = site_.core.messages;
  Lines lines;
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
