#include "report.h"

#include <sys/resource.h>

namespace naru::load {

std::string Errors::json() const {
  std::string text = "{";
  const auto append = [&](const std::string& name, uint64_t count) {
    text.append(text.size() > 1 ? ",\"" : "\"").append(name).append("\":").append(std::to_string(count));
  };
  for (const auto& [error, count] : counts_) append(std::to_string(error), count);
  for (const auto& [what, count] : broken_) append(what, count);
  return text + "}";
}

void Errors::explain() const {
  for (const auto& [error, count] : counts_)
    std::fprintf(stderr, "naru-load: %llu answers with error %d %s\n", static_cast<unsigned long long>(count), error,
                 error_name(error));
  for (const auto& [what, count] : broken_)
    std::fprintf(stderr, "naru-load: %llu times: %s\n", static_cast<unsigned long long>(count), what.c_str());
}

double cpu_seconds() {
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

int conclude(Line& line, const Errors& errors) {
  line.json("errors", errors.json()).print();
  errors.explain();
  return errors.any() ? 1 : 0;
}

}  // namespace naru::load
