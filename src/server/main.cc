#include <cstdio>

#include "server/check_command.h"
#include "server/config.h"
#include "server/server.h"

int main(int argc, char** argv) {
  using namespace naru::server;
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
