#pragma once
// The three policies of a queue, which are JSON in an attribute's text.
#include "base/json.h"
#include "sqs/attributes.h"
#include "sqs/wire/queue_attributes.h"

namespace naru::sqs {

/// Where dead letters go, out of {"deadLetterTargetArn":"...","maxReceiveCount":"3"}.
Reply<Redrive> parse_redrive_policy(std::string_view text, bool source_is_fifo, const FindAttributes& find);

/// Which queues may name this one as theirs for dead letters.
struct RedriveAllowed {
  enum class Who : uint8_t { all, nobody, listed };
  Who who = Who::all;
  std::vector<std::string> queues{};
  bool allows(std::string_view queue) const;
};
Reply<RedriveAllowed> parse_redrive_allow_policy(std::string_view text);

Reply<void> check_policy(std::string_view text);

/// Adds a statement, as the service writes it. `text`: the policy so far, perhaps empty.
Reply<std::string> add_permission(std::string_view text, std::string_view queue_arn, std::string_view label,
                                  const Texts& accounts, const Texts& actions);
/// Empty if no statement is left.
Reply<std::string> remove_permission(std::string_view text, std::string_view label);

}  // namespace naru::sqs
