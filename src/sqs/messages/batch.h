#pragma once
// What the three batches have in common.
#include "sqs/wire/fields.h"
#include "sqs/wire/refusal.h"
#include "sqs/wire/writers.h"

namespace naru::sqs {

template <class Entry>
struct BatchRequest {
  Text queue_url;
  std::optional<std::vector<Entry>> given;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    wire.list("Entries", Entry::query_name, m.given);
  }
  const std::vector<Entry>& entries() const { return *given; }
};

struct FailedEntry {
  std::string_view id;
  bool sender_fault = true;
  std::string_view code;
  std::string message;
  static void describe(auto& wire, auto& m) {
    wire("Id", m.id);
    wire("SenderFault", m.sender_fault);
    wire("Code", m.code);
    wire("Message", m.message);
  }
};

template <class Entry>
struct BatchResult {
  std::vector<Entry> successful;
  std::vector<FailedEntry> failed;
  static void describe(auto& wire, auto& m) {
    wire.list("Successful", Entry::query_name, m.successful);
    wire.list("Failed", "BatchResultErrorEntry", m.failed);
  }
  void add_failed(std::string_view id, Refusal refusal) {
    const ErrorNames& name = names(refusal.code);
    failed.push_back({id, name.status < 500, name.query, std::move(refusal.message)});
  }
};

}  // namespace naru::sqs
