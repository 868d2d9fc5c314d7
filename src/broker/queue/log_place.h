#pragma once
// Where in a log somebody begins who asks for its first message, for an offset or a time.
#include "broker/queue/message.h"

namespace naru {

/// Never behind the log's end. `log`: gives the log, null once it is gone; asked again after every wait. What has to be
/// read for it is read by another thread. Code::closed: it is gone.
template <class GetLog>
io::Task<Result<Offset>> place_in_log(io::Loop& loop, GetLog log, ReadStart from) {
  MaybeRecord found;
  if (from.kind == ReadStart::Kind::time) {
    CO_TRY(found, co_await find_by_time(loop, log, from.value));
  }
  Log* there = log();
  if (!there) co_return fail(Code::closed, "the log is gone");
  Bounds bounds = there->bounds();
  switch (from.kind) {
    case ReadStart::Kind::first: co_return bounds.begin;
    case ReadStart::Kind::offset: co_return std::clamp(Offset(from.value), bounds.begin, bounds.end);
    case ReadStart::Kind::time: co_return found ? found->offset : bounds.end;
    case ReadStart::Kind::last:
    case ReadStart::Kind::next: break;
  }
  co_return fail(Code::unsupported, "no such place to begin at");
}

}  // namespace naru
