#include <cstdio>

#include "ctl/ctl.h"
#include "server/check_command.h"
#include "server/config.h"
#include "server/server.h"

int main(int argc, char** argv) {
  using namespace naru::server;
  // Their words are rabbitmqctl's, not ours.
  std::vector<const char*> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == std::string_view("ctl")) return naru::ctl::run(std::span(words).subspan(1));
  if (!words.empty() && words[0] == std::string_view("import-definitions")) {
    words[0] = "import_definitions";
    return naru::ctl::run(words);
  }
  Parsed parsed = parse_command_line(argc, argv);
  if (!parsed.config) {
    std::fputs(parsed.message.c_str(), parsed.exit_code == 0 ? stdout : stderr);
    return parsed.exit_code;
  }
  naru::io::set_log(parsed.config->log_format, naru::io::Level::info);
  switch (parsed.config->command) {
    case Config::Command::serve: return serve(*parsed.config);
    case Config::Command::check: return check(parsed.config->data_dir);
    case Config::Command::version: std::puts("naru 0.1.0"); return 0;
  }
}
