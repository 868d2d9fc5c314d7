#pragma once
// What all SQS sessions share. On core 0, where the queues are.
#include <map>
#include <set>

#include "broker/core.h"
#include "broker/users/users.h"
#include "io/buffer_pool.h"
#include "sqs/door_settings.h"
#include "sqs/http_date.h"
#include "sqs/queues.h"
#include "sqs/wire/signature.h"

namespace naru::sqs {

struct Door {
  Door(Core& its_core, Queues& its_queues, Users& its_users, DoorSettings its_settings = {})
      : core(its_core), queues(its_queues), users(its_users), settings(std::move(its_settings)) {}

  Core& core;
  Queues& queues;
  Users& users;
  DoorSettings settings;
  SigningKeys signing_keys{};
  io::BufferPool buffers{};
  HttpDate date{};
  std::set<class Session*> sessions{};
  bool stopping = false;

  struct Counters {
    uint64_t requests = 0, refused = 0, failed = 0;  // failed: by our fault, 5xx
    uint64_t receiving = 0;                          // receives at work now, nearly all of which wait
  } counters{};
  std::map<std::string_view, uint64_t> requests_by_action{};

  /// Whether somebody can sign at all.
  bool has_secrets();

 private:
  uint64_t seen_version_ = 0;
  bool has_secrets_ = false;
};

/// Lines of /metrics.
std::string metrics(const Door& door);

}  // namespace naru::sqs
