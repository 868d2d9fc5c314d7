#include "server/check_command.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "io/posix_disk.h"
#include "log/check.h"

namespace naru::server {
namespace {

void print(const Finding& finding) {
  const char* kind = finding.kind == Finding::Kind::damage ? "damage" : "note";
  std::string place = finding.at ? " at byte " + std::to_string(*finding.at) : "";
  std::printf("%s: %s%s: %s\n", kind, finding.file.c_str(), place.c_str(), finding.what.c_str());
}

int cannot(const std::string& folder, const Error& error) {
  bool has_errno = error.code == Code::io || (error.code == Code::not_found && error.detail != 0);
  std::fprintf(stderr, "naru check: %s: %s%s%s\n", folder.c_str(), error.reason, has_errno ? ": " : "",
               has_errno ? std::strerror(static_cast<int>(error.detail)) : "");
  return 2;
}

}  // namespace

int check(const std::string& folder) {
  auto disk = io::open_disk_for_reading(folder);
  if (!disk) return cannot(folder, disk.error());
  bool on_terminal = ::isatty(STDERR_FILENO);
  CheckEvents events{.found = print, .progress = [on_terminal](uint64_t done, uint64_t total) {
                       if (on_terminal && total > 0)
                         std::fprintf(stderr, "\rchecked %llu of %llu MiB ",
                                      static_cast<unsigned long long>(done / MiB),
                                      static_cast<unsigned long long>(total / MiB));
                     }};
  auto facts = check_folder(**disk, events);
  if (on_terminal) std::fprintf(stderr, "\r\033[K");
  if (!facts) return cannot(folder, facts.error());
  auto number = [](uint64_t n) { return static_cast<unsigned long long>(n); };
  std::printf(
      "%s: %llu logs, %llu segments, %llu batches, %llu records, %llu bytes; %llu journal entries to replay; %llu "
      "damages, %llu notes\n",
      facts->damages > 0 ? "damaged" : "whole", number(facts->logs), number(facts->segments), number(facts->batches),
      number(facts->records), number(facts->bytes), number(facts->journal_entries), number(facts->damages),
      number(facts->notes));
  return facts->damages > 0 ? 1 : 0;
}

}  // namespace naru::server
