// What is there at this moment: list_queues and its siblings.
#include <array>

#include "ctl/command.h"
#include "http/parser.h"

namespace naru::ctl {
namespace {

using http::escape;

/// Which columns there are; the first `shown` ones where none is named.
struct Listing {
  const char *path, *banner;
  bool of_vhost;
  std::span<const Column> columns;
  size_t shown;
};

constexpr Column queue_columns[] = {{"name", ""},
                                    {"messages", ""},
                                    {"messages_ready", ""},
                                    {"messages_unacknowledged", ""},
                                    {"consumers", ""},
                                    {"durable", ""},
                                    {"auto_delete", ""},
                                    {"exclusive", ""},
                                    {"arguments", ""},
                                    {"policy", ""},
                                    {"operator_policy", ""},
                                    {"effective_policy_definition", ""},
                                    {"type", ""},
                                    {"state", ""},
                                    {"node", ""},
                                    {"vhost", ""}};
constexpr Column exchange_columns[] = {{"name", ""},     {"type", ""},      {"durable", ""}, {"auto_delete", ""},
                                       {"internal", ""}, {"arguments", ""}, {"policy", ""},  {"vhost", ""}};
constexpr Column binding_columns[] = {{"source_name", "source"},
                                      {"source_kind", ""},
                                      {"destination_name", "destination"},
                                      {"destination_kind", "destination_type"},
                                      {"routing_key", ""},
                                      {"arguments", ""},
                                      {"vhost", ""}};
constexpr Column connection_columns[] = {{"user", ""},
                                         {"peer_host", ""},
                                         {"peer_port", ""},
                                         {"state", ""},
                                         {"pid", "name"},
                                         {"name", ""},
                                         {"user_provided_name", ""},
                                         {"vhost", ""},
                                         {"host", ""},
                                         {"port", ""},
                                         {"protocol", ""},
                                         {"auth_mechanism", ""},
                                         {"ssl", ""},
                                         {"channels", ""},
                                         {"channel_max", ""},
                                         {"frame_max", ""},
                                         {"timeout", ""},
                                         {"client_properties", ""},
                                         {"connected_at", ""},
                                         {"recv_oct", ""},
                                         {"send_oct", ""},
                                         {"node", ""}};
constexpr Column channel_columns[] = {{"pid", "name"},
                                      {"user", ""},
                                      {"consumer_count", ""},
                                      {"messages_unacknowledged", ""},
                                      {"name", ""},
                                      {"connection", "connection_details.name"},
                                      {"number", ""},
                                      {"vhost", ""},
                                      {"transactional", ""},
                                      {"confirm", ""},
                                      {"messages_unconfirmed", ""},
                                      {"messages_uncommitted", ""},
                                      {"acks_uncommitted", ""},
                                      {"prefetch_count", ""},
                                      {"global_prefetch_count", ""},
                                      {"state", ""},
                                      {"node", ""}};
constexpr Column consumer_columns[] = {{"queue_name", "queue.name"},
                                       {"channel_pid", "channel_details.name"},
                                       {"consumer_tag", ""},
                                       {"ack_required", ""},
                                       {"prefetch_count", ""},
                                       {"active", ""},
                                       {"arguments", ""},
                                       {"activity_status", ""}};

constexpr Listing queues{"/queues/", "Listing queues for vhost ", true, queue_columns, 2};
constexpr Listing exchanges{"/exchanges/", "Listing exchanges for vhost ", true, exchange_columns, 2};
constexpr Listing bindings{"/bindings/", "Listing bindings for vhost ", true, binding_columns, 6};
constexpr Listing connections{"/connections", "Listing connections ...", false, connection_columns, 4};
constexpr Listing channels{"/channels", "Listing channels ...", false, channel_columns, 4};
constexpr Listing consumers{"/consumers/", "Listing consumers in vhost ", true, consumer_columns, 7};

template <const Listing& listing>
int list(Call& call) {
  if (&listing == &queues && call.target.timeout_ms > 0)  // of the others rabbitmqctl does not say it
    call.banner("Timeout: " + std::to_string(call.target.timeout_ms / 1000) + ".0 seconds ...");
  call.banner(listing.banner +
              (listing.of_vhost ? call.vhost + (&listing == &bindings ? "..." : " ...") : std::string()));
  auto columns = chosen_columns(call, listing.columns, listing.columns.first(listing.shown));
  if (!columns) return call.error(usage_error, columns.error());
  std::string path = listing.of_vhost ? listing.path + escape(call.vhost) : std::string(listing.path);
  if constexpr (&listing == &queues) {
    // Those of a node that is not there, and of a virtual host that is not there: none, and no error.
    auto host = request(call.target, "GET", "/vhosts/" + escape(call.vhost));
    if (call.has("--offline") || (host && host->status == 404)) return print_list(call, Json::array(), *columns);
  }
  auto all = call.ask_list(path);
  if (!all) return call.exit_code;
  if constexpr (&listing == &bindings)
    for (Json& one : *all->items()) one.set("source_kind", "exchange");
  return print_list(call, *all, *columns);
}

constexpr const char* usage = "[<column> ...]";
constexpr const char* vhost_usage = "[-p <vhost>] [<column> ...]";
constexpr std::string_view queue_flags[] = {"--online", "--offline", "--local", "--all"};

constexpr Command commands[] = {
    {"list_queues", vhost_usage, 0, 64, {}, queue_flags, list<queues>},
    {"list_exchanges", vhost_usage, 0, 64, {}, {}, list<exchanges>},
    {"list_bindings", vhost_usage, 0, 64, {}, {}, list<bindings>},
    {"list_connections", usage, 0, 64, {}, {}, list<connections>},
    {"list_channels", usage, 0, 64, {}, {}, list<channels>},
    {"list_consumers", "[-p <vhost>]", 0, 64, {}, {}, list<consumers>},
};

}  // namespace

std::span<const Command> listing_commands() { return commands; }

}  // namespace naru::ctl
