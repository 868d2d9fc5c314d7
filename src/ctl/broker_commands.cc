// Queues that are emptied or deleted, connections that are closed, definitions, and what is set for the whole broker.
#include <cstdio>
#include <fstream>
#include <sstream>

#include "ctl/command.h"
#include "http/parser.h"
#include "io/exchange.h"

namespace naru::ctl {
namespace {

using http::escape;

std::string queue_path(const Call& call) { return "/queues/" + escape(call.vhost) + "/" + escape(call.word(0)); }

int purge_queue(Call& call) {
  call.banner("Purging queue '" + call.word(0) + "' in vhost '" + call.vhost + "' ...");
  auto response = request(call.target, "DELETE", queue_path(call) + "/contents");
  if (!response) return call.error(unavailable, response.error().reason);
  if (response->status == 404) return call.error(unavailable, "not_found");
  return response->ok() ? ok : call.refused(*response);
}

int replay_queue(Call& call) {
  std::string from = call.option("--from", "first");
  call.banner("Replaying queue '" + call.word(0) + "' in vhost '" + call.vhost + "' from " + from + " ...");
  Json body;
  body.set("from", from);
  auto response = request(call.target, "POST", queue_path(call) + "/replay", body);
  if (!response) return call.error(unavailable, response.error().reason);
  if (response->status == 404) return call.error(unavailable, "not_found");
  if (!response->ok()) return call.refused(*response);
  const Json* messages = response->body.find("messages");
  call.banner(std::to_string(messages ? messages->integer().value_or(0) : 0) + " messages are back");
  return ok;
}

int delete_queue(Call& call) {
  constexpr std::pair<const char*, const char*> conditions[] = {{"if-empty", "queue is empty"},
                                                                {"if-unused", "queue is unused"}};
  std::string query, said;
  for (auto [condition, meaning] : conditions) {
    if (!call.has("--" + std::string(condition)) && !call.has("-" + std::string(condition + 3, 1))) continue;
    query += (query.empty() ? "?" : "&") + std::string(condition) + "=true";
    said += (said.empty() ? " if " : " and if ") + std::string(meaning);
  }
  call.banner("Deleting queue '" + call.word(0) + "' on vhost '" + call.vhost + "'" + said + " ...");
  auto there = request(call.target, "GET", queue_path(call));
  if (there && there->status == 404) return call.error(usage_error, "Queue not found");
  auto response = call.ask("DELETE", queue_path(call) + query);
  if (!response) return call.exit_code;
  const Json* ready = there ? there->body.find("messages_ready") : nullptr;
  call.banner("Queue was successfully deleted with " + std::to_string(ready ? ready->integer().value_or(0) : 0) +
              " ready messages");
  return ok;
}

int close_connection(Call& call) {
  call.banner("Closing connection " + call.word(0) + ", reason: " + call.word(1) + "...");
  return call.change("DELETE", "/connections/" + escape(call.word(0)), {}, call.word(1));
}

int close_all_connections(Call& call) {
  bool everywhere = call.has("--global");
  auto limit = number_of(call.option("--limit", "0")), delay_ms = number_of(call.option("--per-connection-delay", "0"));
  if (!limit) return call.error(usage_error, "--limit: a number");
  if (!delay_ms || *delay_ms > INT32_MAX) return call.error(usage_error, "--per-connection-delay: milliseconds");
  call.banner("Closing all connections " + (everywhere ? "on node" : "in vhost " + call.vhost) +
              ", reason: " + call.word(0) + "...");
  auto all = call.ask_list(everywhere ? "/connections" : "/vhosts/" + escape(call.vhost) + "/connections");
  if (!all) return call.exit_code;
  int64_t closed = 0;
  for (const Json& one : *all->items()) {
    if (*limit > 0 && closed == *limit) break;
    if (closed > 0) io::wait(*delay_ms);
    std::string path = "/connections/" + escape(one.text_of("name"));
    auto response = request(call.target, "DELETE", path, {}, call.word(0));
    if (!response) return call.error(unavailable, response.error().reason);
    if (response->ok()) ++closed;  // the others had gone meanwhile
  }
  call.banner("Closed " + std::to_string(closed) + " connections");
  return ok;
}

int close_all_user_connections(Call& call) {
  call.banner("Closing all connections of user " + call.word(0) + ", reason: " + call.word(1) + " ...");
  return call.change("DELETE", "/connections/username/" + escape(call.word(0)), {}, call.word(1));
}

int export_definitions(Call& call) {
  std::string file = call.words.empty() ? "-" : call.word(0);
  bool to_output = file == "-";
  if (!to_output) call.banner("Exporting definitions in JSON to a file at \"" + file + "\" ...");
  auto definitions = call.ask("GET", "/definitions");
  if (!definitions) return call.exit_code;
  if (!definitions->body.members()) return call.no_naru();
  std::string text = to_text(definitions->body);
  if (to_output) return call.line(text), ok;
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text << '\n';
  out.close();
  return out ? ok : call.error(software_error, "cannot write " + file);
}

int import_definitions(Call& call) {
  std::string file = call.words.empty() ? "-" : call.word(0), text;
  if (file == "-") {
    call.banner("Importing definitions in JSON from standard input ...");
    for (int c; (c = std::getchar()) != EOF;) text += static_cast<char>(c);
  } else {
    call.banner("Importing definitions in JSON from a file at \"" + file + "\" ...");
    std::ifstream in(file, std::ios::binary);
    std::ostringstream all;
    if (!in) return call.error(data_error, "Bad argument: File " + file + " does not exist");
    all << in.rdbuf();
    text = all.str();
  }
  auto definitions = parse_json(text);
  if (!definitions || !definitions->members()) return call.error(data_error, "The file is no JSON object");
  if (!call.timeout_given) call.target.timeout_ms = 0;  // a hundred thousand queues are made before it is answered
  return call.change("POST", "/definitions", *definitions);
}

int set_cluster_name(Call& call) {
  call.banner("Setting cluster name to " + call.word(0) + " ...");
  Json body;
  body.set("name", call.word(0));
  return call.change("PUT", "/cluster-name", body);
}

/// A limit that is none is the caller's mistake, whatever the broker does else.
int set_alarm(Call& call, const char* limit) {
  Json body;
  body.set(limit, call.words.size() == 2 ? call.word(0) + " " + call.word(1) : call.word(0));
  auto response = request(call.target, "PUT", "/alarms", body);
  if (response && response->status == 400) return call.error(data_error, "Bad argument: " + response->reason());
  return response && response->ok() ? ok : call.change("PUT", "/alarms", body);
}

int set_memory_limit(Call& call) {
  std::string limit = call.words.size() == 2 ? call.word(0) + " " + call.word(1) : call.word(0);
  call.banner("Setting memory threshold on naru to " + (call.words.size() == 2 ? call.word(1) + " (absolute)" : limit) +
              " ...");
  return set_alarm(call, "vm_memory_high_watermark");
}

int set_disk_limit(Call& call) {
  std::string limit = call.words.size() == 2 ? call.word(0) + " " + call.word(1) : call.word(0);
  call.banner("Setting disk free limit on naru to " + limit + " ...");
  return set_alarm(call, "disk_free_limit");
}

std::string delayed_path(const Call& call) {
  return "/exchanges/" + escape(call.vhost) + "/" + escape(call.word(0)) + "/delayed";
}

int list_delayed(Call& call) {
  static constexpr Column columns[] = {
      {"id", ""}, {"due", ""}, {"routing_key", ""}, {"payload_bytes", ""}, {"message_id", ""}};
  call.banner("Listing delayed messages of exchange '" + call.word(0) + "' in vhost '" + call.vhost + "' ...");
  auto response = call.ask("GET", delayed_path(call) + "?count=" + call.option("--limit", "100"));
  if (!response) return call.exit_code;
  const Json* messages = response->body.find("messages");
  return messages ? print_list(call, *messages, columns) : ok;
}

int cancel_delayed(Call& call) {
  call.banner("Cancelling delayed message " + call.word(1) + " of exchange '" + call.word(0) + "' in vhost '" +
              call.vhost + "' ...");
  return call.change("DELETE", delayed_path(call) + "/" + escape(call.word(1)));
}

constexpr std::string_view delete_flags[] = {"--if-empty", "--if-unused", "-e", "-u"};
constexpr std::string_view close_flags[] = {"--global"}, close_options[] = {"--limit", "--per-connection-delay"};
constexpr std::string_view replay_options[] = {"--from"};
constexpr std::string_view format_options[] = {"--format"}, delayed_options[] = {"--limit", "--formatter"};

constexpr Command commands[] = {
    {"purge_queue", "[-p <vhost>] <queue>", 1, 1, {}, {}, purge_queue},
    {"replay_queue",
     "[-p <vhost>] <queue> [--from first | <offset> | <age> | <time>]",
     1,
     1,
     replay_options,
     {},
     replay_queue},
    {"delete_queue", "[-p <vhost>] <queue> [--if-empty] [--if-unused]", 1, 1, {}, delete_flags, delete_queue},
    {"close_connection", "<connection> <explanation>", 2, 2, {}, {}, close_connection},
    {"close_all_connections", "[-p <vhost> --limit <limit>] [--global] [--per-connection-delay <ms>] <explanation>", 1,
     1, close_options, close_flags, close_all_connections},
    {"close_all_user_connections", "<username> <explanation>", 2, 2, {}, {}, close_all_user_connections},
    {"export_definitions", "[<file> | -]", 0, 1, format_options, {}, export_definitions},
    {"import_definitions", "[<file> | -]", 0, 1, format_options, {}, import_definitions},
    {"set_cluster_name", "<name>", 1, 1, {}, {}, set_cluster_name},
    {"set_vm_memory_high_watermark", "<fraction> | absolute <size>", 1, 2, {}, {}, set_memory_limit},
    {"set_disk_free_limit", "<size> | mem_relative <fraction>", 1, 2, {}, {}, set_disk_limit},
    {"list_delayed", "[-p <vhost>] <exchange> [--limit <limit>]", 1, 1, delayed_options, {}, list_delayed},
    {"cancel_delayed", "[-p <vhost>] <exchange> <id>", 2, 2, {}, {}, cancel_delayed},
};

}  // namespace

std::span<const Command> broker_commands() { return commands; }

}  // namespace naru::ctl
