#pragma once
// Queues, their attributes, tags and permissions.
#include <string>

#include "sqs/wire/fields.h"

namespace naru::sqs {

/// The answer to what has no result.
struct Nothing {
  using is_void = void;
  static void describe(auto&, auto&) {}
};
struct QueueRequest {
  Text queue_url;
  static void describe(auto& wire, auto& m) { wire("QueueUrl", m.queue_url); }
};

struct CreateQueueRequest {
  Text name;
  TextMap attributes, tags;
  static void describe(auto& wire, auto& m) {
    wire("QueueName", m.name);
    wire.map("Attributes", "Attribute", "Name", m.attributes);
    wire.map("tags", "Tag", "Key", m.tags);
  }
};
struct QueueUrlResult {
  std::string url;
  static void describe(auto& wire, auto& m) { wire("QueueUrl", m.url); }
};
struct GetQueueUrlRequest {
  Text name, account;
  static void describe(auto& wire, auto& m) {
    wire("QueueName", m.name);
    wire("QueueOwnerAWSAccountId", m.account);
  }
};

struct ListQueuesRequest {
  Text prefix, next_token;
  Number max;
  static void describe(auto& wire, auto& m) {
    wire("QueueNamePrefix", m.prefix);
    wire("NextToken", m.next_token);
    wire("MaxResults", m.max);
  }
};
struct ListQueuesResult {
  std::vector<std::string> urls;
  std::optional<std::string> next_token;
  static void describe(auto& wire, auto& m) {
    wire.list("QueueUrls", "QueueUrl", m.urls);
    wire("NextToken", m.next_token);
  }
};
struct ListSourcesRequest {
  Text queue_url, next_token;
  Number max;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    wire("NextToken", m.next_token);
    wire("MaxResults", m.max);
  }
};
struct ListSourcesResult {
  std::vector<std::string> urls;
  std::optional<std::string> next_token;
  static void describe(auto& wire, auto& m) {
    wire.always("queueUrls", "QueueUrl", m.urls);
    wire("NextToken", m.next_token);
  }
};

struct GetAttributesRequest {
  Text queue_url;
  Texts names;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    wire.list("AttributeNames", "AttributeName", m.names);
  }
};
struct GetAttributesResult {
  std::vector<std::pair<std::string_view, std::string>> attributes;
  static void describe(auto& wire, auto& m) { wire.map("Attributes", "Attribute", "Name", m.attributes); }
};
struct SetAttributesRequest {
  Text queue_url;
  TextMap attributes;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    wire.map("Attributes", "Attribute", "Name", m.attributes);
  }
};

struct TagRequest {
  Text queue_url;
  TextMap tags;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    wire.map("Tags", "Tag", "Key", m.tags);
  }
};
struct UntagRequest {
  Text queue_url;
  Texts keys;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    wire.list("TagKeys", "TagKey", m.keys);
  }
};
struct ListTagsResult {
  std::vector<std::pair<std::string, std::string>> tags;
  static void describe(auto& wire, auto& m) { wire.map("Tags", "Tag", "Key", m.tags); }
};

struct AddPermissionRequest {
  Text queue_url, label;
  Texts accounts, actions;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    wire("Label", m.label);
    wire.list("AWSAccountIds", "AWSAccountId", m.accounts);
    wire.list("Actions", "ActionName", m.actions);
  }
};
struct RemovePermissionRequest {
  Text queue_url, label;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    wire("Label", m.label);
  }
};

}  // namespace naru::sqs
