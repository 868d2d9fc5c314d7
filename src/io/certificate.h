#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace naru::io {

/// When the first certificate in a file of PEM ends, in seconds since 1970; nothing if there is none that can be read.
std::optional<int64_t> certificate_end(const std::string& file);

}  // namespace naru::io
