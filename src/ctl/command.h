#pragma once
// One `naru ctl` command at work: what was typed, and the words of rabbitmqctl for what comes of it.
#include <map>
#include <span>
#include <vector>

#include "ctl/http_client.h"

namespace naru::ctl {

// Exit codes of rabbitmqctl (sysexits.h).
inline constexpr int ok = 0, usage_error = 64, data_error = 65, no_user = 67, unavailable = 69, software_error = 70,
                     not_permitted = 77;

class Call {
 public:
  Target target;
  std::string vhost = "/";
  bool timeout_given = false, quiet = false, silent = false, no_headers = false;
  std::string formatter = "table";
  std::vector<std::string> words;                           // after the command's name
  std::map<std::string, std::string, std::less<>> options;  // "--priority" -> "5"; flags have no value

  const std::string& word(size_t at) const { return words[at]; }
  bool has(std::string_view option) const { return options.contains(option); }
  std::string option(std::string_view name, std::string otherwise = "") const;

  /// "Adding user ..."; nothing if quiet.
  void banner(const std::string& text) const;
  /// A line of output, whatever.
  void line(const std::string& text) const;
  int error(int code, const std::string& text) const;
  /// What answered is somebody else.
  int no_naru() const;

  /// A request, whose failure is told; nothing then, and exit() has the code.
  std::optional<Response> ask(std::string_view method, const std::string& path, const Json& body = {},
                              std::string_view reason = "");
  /// A list of things, in the same way.
  std::optional<Json> ask_list(const std::string& path);
  /// A request that changes something: what to exit with.
  int change(std::string_view method, const std::string& path, const Json& body = {}, std::string_view reason = "");
  int exit_code = ok;
  /// Says why the broker refused; the code for it.
  int refused(const Response& response) const;
};

/// A number of at least 0; nothing if it is none.
std::optional<int64_t> number_of(std::string_view text);

struct Column {
  std::string_view name;  // as rabbitmqctl calls it
  std::string_view path;  // in the API's JSON; empty: the same
};
/// Prints `items` in the formatter that was asked for.
int print_list(const Call& call, const Json& items, std::span<const Column> columns);
/// The columns that were named in the words, of those there are; `defaults` if none were. Names what is unknown.
std::expected<std::vector<Column>, std::string> chosen_columns(const Call& call, std::span<const Column> known,
                                                               std::span<const Column> defaults);

struct Command {
  std::string_view name, usage;
  size_t least = 0, most = 0;                   // words
  std::span<const std::string_view> options{};  // that take a value; those in flags do not
  std::span<const std::string_view> flags{};
  int (*run)(Call& call) = nullptr;
};

std::span<const Command> user_commands();
std::span<const Command> vhost_commands();
std::span<const Command> policy_commands();
std::span<const Command> listing_commands();
std::span<const Command> broker_commands();
std::span<const Command> node_commands();

}  // namespace naru::ctl
