#pragma once
// How Erlang prints terms. RabbitMQ's error texts have them inside, and its clients' tests compare.
#include <string>

#include "base/bytes.h"

namespace naru {

/// <<"text">> if all of it is printable ASCII, else as erlang_bytes.
std::string erlang_binary(ByteView bytes);
inline std::string erlang_binary(std::string_view text) { return erlang_binary(view(text)); }
/// <<1,2,3>>
std::string erlang_bytes(ByteView bytes);

}  // namespace naru
