// What a run prints: one line of JSON for scripts, and errors in words for people.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "api.h"

namespace naru::load {

/// Error codes in answers, counted; a run with any of them is not a measurement.
class Errors {
 public:
  void add(int16_t error) {
    if (error != 0) ++counts_[error];
  }
  /// A broken promise that has no error code: lost, repeated or reordered records.
  void broken(const std::string& what) { ++broken_[what]; }
  bool any() const { return !counts_.empty() || !broken_.empty(); }

  std::string json() const;
  void explain() const;  // to stderr

 private:
  std::map<int16_t, uint64_t> counts_;
  std::map<std::string, uint64_t> broken_;
};

class Line {
 public:
  explicit Line(const std::string& mode) : text_("{\"mode\":\"" + mode + "\"") {}
  Line& number(const char* name, double value) {
    char digits[48];
    std::snprintf(digits, sizeof digits, value >= 1000 ? "%.0f" : "%.4g", value);
    return json(name, digits);
  }
  Line& whole(const char* name, uint64_t value) { return json(name, std::to_string(value)); }
  Line& json(const char* name, const std::string& value) {
    text_.append(",\"").append(name).append("\":").append(value);
    return *this;
  }
  void print() const { std::puts((text_ + "}").c_str()); }

 private:
  std::string text_;
};

/// CPU seconds of this process so far, to tell when it was the limit itself.
double cpu_seconds();

/// Prints the line with the errors at its end and returns the exit status.
int conclude(Line& line, const Errors& errors);

}  // namespace naru::load
