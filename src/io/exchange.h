#pragma once
// One exchange with a server, blocking: for commands that do nothing else.
#include <string>

#include "io/loop.h"
#include "io/net.h"

namespace naru::io {

/// Connects, sends `request`, and returns all that comes until the server ends the connection. Code::not_found: no such
/// host; Code::closed: nobody listens there; Code::timeout: nothing came for so long (0: it waits for ever); Code::io.
Result<std::string> exchange(const Endpoint& to, std::string_view request, Millis timeout_ms);

/// Does nothing for so long.
void wait(Millis ms);

}  // namespace naru::io
