#include "ctl/ctl.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "ctl/command.h"

namespace naru::ctl {
namespace {

constexpr std::span<const Command> (*tables[])() = {user_commands,    vhost_commands,  policy_commands,
                                                    listing_commands, broker_commands, node_commands};

const Command* find(std::string_view name) {
  for (auto table : tables)
    for (const Command& command : table())
      if (command.name == name) return &command;
  return nullptr;
}

int help() {
  std::puts(
      "usage: naru ctl [OPTIONS] COMMAND ...\n\n"
      "The commands of rabbitmqctl, for a naru that runs on this machine or elsewhere.\n\n"
      "  --admin HOST:PORT   its admin port (default 127.0.0.1:15672; or NARU_ADMIN)\n"
      "  --login NAME        an administrator (default guest; or NARU_USER)\n"
      "  --password WORD     (default guest; or NARU_PASSWORD, which other users of the machine do not see)\n"
      "  -p, --vhost NAME    virtual host (default /)\n"
      "  -q, --quiet         only what was asked for;  -s, --silent  without column names either\n"
      "  --formatter table|json|csv     -t, --timeout SECONDS (0: none)     -n, --node NAME (taken, and without "
      "effect)\n");
  for (auto table : tables)
    for (const Command& command : table())
      std::printf("  %.*s %.*s\n", static_cast<int>(command.name.size()), command.name.data(),
                  static_cast<int>(command.usage.size()), command.usage.data());
  return ok;
}

int usage_of(const Command& command) {
  std::printf("Usage:\n  naru ctl %.*s %.*s\n", static_cast<int>(command.name.size()), command.name.data(),
              static_cast<int>(command.usage.size()), command.usage.data());
  return ok;
}

int misused(const Command& command, const std::string& what) {
  std::fprintf(stderr, "Error (argument validation): %s\nUsage:\n  naru ctl %.*s %.*s\n", what.c_str(),
               static_cast<int>(command.name.size()), command.name.data(), static_cast<int>(command.usage.size()),
               command.usage.data());
  return usage_error;
}

/// Reads what may stand before or behind the command. Nothing; or what is wrong.
class Reader {
 public:
  Reader(std::span<const char* const> words, Call& call) : words_(words.begin(), words.end()), call_(call) {}

  std::string command;
  bool asks_for_help = false;
  std::optional<std::string> read() {
    while (at_ < words_.size()) {
      std::string word = words_[at_++];
      size_t equals = word.starts_with("--") ? word.find('=') : word.npos;
      if (equals != word.npos) {
        words_.insert(words_.begin() + static_cast<ptrdiff_t>(at_), word.substr(equals + 1));
        word.resize(equals);
      }
      if (!plain_ && word == "--") {
        plain_ = true;
      } else if (!plain_ && word.starts_with('-') && word.size() > 1 && !is_number(word)) {
        if (auto wrong = option(word)) return wrong;
      } else if (command.empty()) {
        command = word;
      } else {
        call_.words.push_back(word);
      }
    }
    return std::nullopt;
  }

 private:
  static bool is_number(std::string_view word) { return word[1] >= '0' && word[1] <= '9'; }

  std::optional<std::string> option(const std::string& name) {
    std::string value;
    auto takes = [&](std::initializer_list<std::string_view> names) {
      if (std::ranges::find(names, name) == names.end()) return false;
      has_value_ = at_ < words_.size();
      if (has_value_) value = words_[at_++];
      return true;
    };
    has_value_ = true;
    if (name == "-q" || name == "--quiet") {
      call_.quiet = true;
    } else if (name == "-s" || name == "--silent") {
      call_.silent = true;
    } else if (name == "--help") {
      asks_for_help = true;
    } else if (name == "--no-table-headers") {
      call_.no_headers = true;
    } else if (name == "-l" || name == "--longnames" || name == "--dry-run") {
    } else if (takes({"-p", "--vhost"})) {
      call_.vhost = value;
    } else if (takes({"-n", "--node", "--script-name", "--erlang-cookie", "--rabbitmq-home"})) {
    } else if (takes({"--admin"})) {
      auto endpoint = io::parse_endpoint(value);
      if (!endpoint) return "--admin: " + std::string(endpoint.error().reason);
      call_.target.admin = *endpoint;
    } else if (takes({"--login"})) {
      call_.target.user = value;
    } else if (takes({"--password"})) {
      call_.target.password = value;
    } else if (takes({"--formatter"})) {
      constexpr std::string_view known[] = {"table", "pretty_table", "json", "csv"};
      if (std::ranges::find(known, value) == std::end(known)) return "--formatter: table, pretty_table, json or csv";
      call_.formatter = value == "pretty_table" ? "table" : value;
    } else if (takes({"-t", "--timeout"})) {
      auto seconds = number_of(value);
      if (!seconds || *seconds > INT32_MAX) return name + ": a number of seconds; 0 waits for ever";
      call_.target.timeout_ms = *seconds * 1000;
      call_.timeout_given = true;
    } else if (auto* found = find(command); found && std::ranges::count(found->flags, name)) {
      call_.options[name];
    } else if (found && std::ranges::count(found->options, name)) {
      takes({name});
      call_.options[name] = value;
    } else {
      return "Invalid options for this command: " + name;
    }
    if (!has_value_) return name + " needs a value";
    return std::nullopt;
  }

  std::vector<std::string> words_;
  Call& call_;
  size_t at_ = 0;
  bool plain_ = false, has_value_ = true;
};

void read_environment(Call& call) {
  if (const char* admin = std::getenv("NARU_ADMIN"))
    if (auto endpoint = io::parse_endpoint(admin)) call.target.admin = *endpoint;
  if (const char* user = std::getenv("NARU_USER")) call.target.user = user;
  if (const char* password = std::getenv("NARU_PASSWORD")) call.target.password = password;
}

}  // namespace

int run(std::span<const char* const> words) {
  Call call;
  read_environment(call);
  Reader reader(words, call);
  auto wrong = reader.read();
  if (wrong && reader.command.empty()) {
    std::fprintf(stderr, "Error (argument validation): %s\n", wrong->c_str());
    return usage_error;
  }
  if (reader.command.empty() || reader.command == "help" || reader.command == "--help") return help();
  const Command* command = find(reader.command);
  if (!command) {
    std::fprintf(stderr, "Command '%s' not found.\n", reader.command.c_str());
    return usage_error;
  }
  if (reader.asks_for_help) return usage_of(*command);
  if (wrong) return misused(*command, *wrong);
  if (call.words.size() < command->least) return misused(*command, "not enough arguments");
  if (call.words.size() > command->most) return misused(*command, "too many arguments");
  return command->run(call);
}

}  // namespace naru::ctl
