// Names, messages, attributes, policies: what is let through and what is refused, in which words.
#include <gtest/gtest.h>

#include "sqs/queues_file.h"
#include "sqs/wire/batches.h"
#include "sqs/wire/check_message.h"
#include "sqs/wire/policies.h"

namespace naru::sqs {
namespace {

TEST(sqs_names, urls_of_every_form) {
  for (const char* url :
       {"http://localhost:9324/000000000000/q", "http://h/queue/eu-west-1/1/q", "https://sqs.eu.h:1/1/q", "http://h/q",
        "q", "/q", "/000000000000/q/", "http://h/1/lease-x/q?Action=y"})
    EXPECT_EQ(parse_queue_url(url).name, "q") << url;
  EXPECT_EQ(parse_queue_url("/1/lease-worker-7/q").token, "worker-7");
  EXPECT_EQ(parse_queue_url("http://host:9324").name, "");
  EXPECT_EQ(parse_queue_url("/").name, "");
  EXPECT_TRUE(is_queue_name("a-B_9.fifo"));
  for (std::string name : {std::string(), std::string(".fifo"), std::string("a.b"), std::string("a b"),
                           std::string(81, 'x'), std::string(76, 'x') + ".fifo"})
    EXPECT_FALSE(is_queue_name(name)) << name;
  EXPECT_EQ(queue_of_arn(arn_of({}, "q.fifo")), "q.fifo");
  EXPECT_FALSE(queue_of_arn("arn:aws:sns:us-east-1:1:t"));
  EXPECT_FALSE(queue_of_arn("q"));
}

GivenAttributes one(std::string_view name, Text type, Text value, Text binary = {}) {
  return {{.name = name, .type = type, .text = value, .binary = binary}};
}

TEST(sqs_message, digests_as_amazons) {
  auto md5_for = [](const GivenAttributes& given) { return std::string(text(*md5_of(*check_attributes(given)))); };
  EXPECT_EQ(md5_for(one("Foo", "String", "Bar")), "ae7155c6026991b6d54b11589678bf9c");
  EXPECT_EQ(md5_for(one("timestamp", "Number", "1493147359900")), "235c5c510d26fb653d073faed50ae77c");
  EXPECT_EQ(md5_for(one("AWSTraceHeader", "String",
                        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")),
            "5ae4d5d7636402d80f4eb6d213245a88");
  EXPECT_FALSE(md5_of({}));
}

TEST(sqs_message, attributes_that_are_refused) {
  struct Row {
    GivenAttributes given;
    std::string_view said;
  };
  const std::string long_name(257, 'n'), long_type = "String." + std::string(249, 't');
  for (const Row& row : {
           Row{one("", "String", "x"), "non-empty message (user) attribute names"},
           Row{one(long_name, "String", "x"), "name must be shorter than 256"},
           Row{one("aWs.x", "String", "x"), "reserved for internal use"},
           Row{one("AMAZON.x", "String", "x"), "reserved for internal use"},
           Row{one(".x", "String", "x"), "Invalid message (user) attribute name '.x'"},
           Row{one("a..b", "String", "x"), "Invalid message (user) attribute name"},
           Row{one("a b", "String", "x"), "Invalid message (user) attribute name"},
           Row{one("a", std::nullopt, "x"), "non-empty message attribute type"},
           Row{one("a", long_type, "x"), "type must be shorter than 256"},
           Row{one("a", "Strings", "x"), "supported type prefixes"},
           Row{one("a", "String", std::nullopt), "must contain a non-empty message attribute value"},
           Row{one("a", "String", ""), "must contain a non-empty value of type 'String'"},
           Row{one("a", "Binary.x", std::nullopt, ""), "must contain a non-empty value of type 'Binary'"},
           Row{one("a", "Number", "1x"), "Can't cast the value of message (user) attribute 'a' to a number"},
           Row{one("a", "Number", "."), "Can't cast"},
       }) {
    auto checked = check_attributes(row.given);
    ASSERT_FALSE(checked) << row.said;
    EXPECT_TRUE(checked.error().message.contains(row.said)) << checked.error().message;
  }
  for (const char* number : {"1", "-1", "+1.5", ".5", "1.", "1e10", "-1.5E-7"})
    EXPECT_TRUE(check_attributes(one("a", "Number.x", number))) << number;
  GivenAttributes eleven;
  for (int i = 0; i < 11; ++i) eleven.push_back({.name = "abcdefghijk", .type = "String", .text = "x"});
  EXPECT_EQ(check_attributes(eleven).error().message,
            "Number of message attributes [11] exceeds the allowed maximum [10].");
}

TEST(sqs_message, characters) {
  EXPECT_TRUE(is_message_text("plain, and \t\r\n"));
  EXPECT_TRUE(is_message_text("\u00e9\ud7ff\ue000\ufffd\U00010000\U0010ffff"));
  for (std::string_view text : {std::string_view("\0", 1), std::string_view("\x0b"), std::string_view("a\x1f"),
                                std::string_view("\xef\xbf\xbe"), std::string_view("\xef\xbf\xbf"),
                                std::string_view("\xed\xa0\x80"), std::string_view("\xff")})
    EXPECT_FALSE(is_message_text(text)) << text;
  EXPECT_TRUE(is_message_key("a!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"));
  EXPECT_FALSE(is_message_key("a b"));
  EXPECT_FALSE(is_message_key(""));
  EXPECT_FALSE(is_message_key(std::string(129, 'x')));
}

const Attributes* nothing_found(std::string_view) { return nullptr; }
const FindAttributes find_nothing = nothing_found;

TEST(sqs_attributes, ranges) {
  struct Row {
    std::string_view name;
    int64_t min, max;
  };
  for (const Row& row : {Row{"DelaySeconds", 0, 900}, Row{"MaximumMessageSize", 1024, 1'048'576},
                         Row{"MessageRetentionPeriod", 60, 1'209'600}, Row{"ReceiveMessageWaitTimeSeconds", 0, 20},
                         Row{"VisibilityTimeout", 0, 43'200}, Row{"KmsDataKeyReusePeriodSeconds", 60, 86'400}}) {
    auto apply = [&](std::string value) {
      Attributes into;
      auto applied = apply_attributes({{row.name, value}}, {"q", true, find_nothing}, into);
      if (applied && row.name != "KmsDataKeyReusePeriodSeconds") EXPECT_EQ(attribute_text(into, row.name), value);
      return applied;
    };
    EXPECT_TRUE(apply(std::to_string(row.min)));
    EXPECT_TRUE(apply(std::to_string(row.max)));
    for (std::string value : {std::to_string(row.min - 1), std::to_string(row.max + 1), std::string(), std::string("x"),
                              std::string("+5"), std::string("5 "), std::string("99999999999999999999")}) {
      auto applied = apply(value);
      ASSERT_FALSE(applied) << row.name << "=" << value;
      EXPECT_EQ(applied.error().code, ErrorCode::invalid_attribute_value);
      EXPECT_EQ(applied.error().message, "Invalid value for the parameter " + std::string(row.name) + ".");
    }
  }
}

TEST(sqs_attributes, kinds_of_queues) {
  auto apply = [](bool fifo, bool is_new, std::string_view name, std::string_view value) {
    Attributes into{.is_fifo = fifo};
    auto applied = apply_attributes({{name, value}}, {"q", is_new, find_nothing}, into);
    return applied ? std::string() : applied.error().message;
  };
  EXPECT_EQ(apply(true, true, "FifoQueue", "true"), "");
  EXPECT_EQ(apply(false, true, "FifoQueue", "false"), "Unknown Attribute FifoQueue.");
  EXPECT_EQ(apply(false, false, "FifoQueue", "true"), "Unknown Attribute FifoQueue.");
  EXPECT_EQ(apply(true, false, "FifoQueue", "false"),
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.");
  EXPECT_EQ(apply(true, true, "ContentBasedDeduplication", "true"), "");
  EXPECT_EQ(apply(false, true, "ContentBasedDeduplication", "true"), "Unknown Attribute ContentBasedDeduplication.");
  EXPECT_EQ(apply(false, true, "DeduplicationScope", "queue"),
            "You can specify the DeduplicationScope only when FifoQueue is set to true.");
  EXPECT_EQ(apply(true, true, "FifoThroughputLimit", "perMessageGroupId"), "");
  EXPECT_EQ(apply(true, true, "FifoThroughputLimit", "x"), "Invalid value for the parameter FifoThroughputLimit.");
  for (std::string_view name : {"QueueArn", "CreatedTimestamp", "Nonsense", ""})
    EXPECT_EQ(apply(false, true, name, "x"), "Unknown Attribute " + std::string(name) + ".");
}

TEST(sqs_attributes, redrive_policies) {
  Attributes plain, fifo{.is_fifo = true}, closed;
  closed.texts["RedriveAllowPolicy"] = R"({"redrivePermission":"denyAll"})";
  FindAttributes find = [&](std::string_view name) -> const Attributes* {
    return name == "dead" ? &plain : name == "dead.fifo" ? &fifo : name == "closed" ? &closed : nullptr;
  };
  auto apply = [&](std::string policy) {
    Attributes into;
    auto applied = apply_attributes({{"RedrivePolicy", policy}}, {"q", false, find}, into);
    if (applied) EXPECT_EQ(into.redrive, (Redrive{"dead", 3}));
    return applied ? std::string() : applied.error().message;
  };
  auto policy = [](std::string arn, std::string count) {
    return R"({"deadLetterTargetArn":")" + arn + R"(","maxReceiveCount":)" + count + "}";
  };
  std::string arn = arn_of({}, "dead");
  EXPECT_EQ(apply(policy(arn, "3")), "");
  EXPECT_EQ(apply(policy(arn, "\"3\"")), "");
  auto ends = [&](std::string text, std::string_view end) {
    std::string said = apply(text);
    EXPECT_TRUE(said.ends_with(end)) << said;
  };
  ends("x", "Reason: Redrive policy is not a valid JSON map.");
  ends("{}", "mandatory attribute: maxReceiveCount.");
  ends(R"({"maxReceiveCount":1})", "mandatory attribute: deadLetterTargetArn.");
  ends(policy(arn, "0"), "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive.");
  ends(policy("dead", "1"), "Invalid value for deadLetterTargetArn.");
  ends(policy("arn:aws:sns:r:1:dead", "1"), "Only SQS queues are valid resources for deadLetterTargetArn.");
  ends(policy(arn_of({}, "nobody"), "1"), "Dead letter target does not exist.");
  ends(policy(arn_of({}, "dead.fifo"), "1"), "Dead-letter queue must be same type of queue as the source..");
  ends(policy(arn_of({}, "closed"), "1"), "does not allow this queue as a source queue.");
}

TEST(sqs_attributes, redrive_allow_policies) {
  auto who = [](std::string text) { return parse_redrive_allow_policy(text); };
  EXPECT_TRUE(who(R"({"redrivePermission":"allowAll"})")->allows("q"));
  EXPECT_FALSE(who(R"({"redrivePermission":"denyAll"})")->allows("q"));
  auto listed = who(R"({"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:r:1:q"]})");
  ASSERT_TRUE(listed);
  EXPECT_TRUE(listed->allows("q"));
  EXPECT_FALSE(listed->allows("other"));
  for (const char* text :
       {"x", "[]", "{}", R"({"redrivePermission":"some"})", R"({"redrivePermission":"byQueue"})",
        R"({"redrivePermission":"allowAll","sourceQueueArns":[]})", R"({"redrivePermission":"allowAll","x":1})",
        R"({"redrivePermission":"byQueue","sourceQueueArns":"q"})"})
    EXPECT_FALSE(who(text)) << text;
}

TEST(sqs_attributes, permissions_edit_the_policy) {
  std::string arn = arn_of({}, "q");
  auto first = add_permission("", arn, "label", {"111"}, {"SendMessage"});
  ASSERT_TRUE(first);
  EXPECT_EQ(*first,
            R"({"Version":"2008-10-17","Id":"arn:aws:sqs:us-east-1:000000000000:q/SQSDefaultPolicy","Statement":)"
            R"([{"Sid":"label","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111:root"},)"
            R"("Action":"SQS:SendMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:q"}]})");
  auto second = add_permission(*first, arn, "other", {"1", "2"}, {"SendMessage", "*"});
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->contains(R"("AWS":["arn:aws:iam::1:root","arn:aws:iam::2:root"])"));
  EXPECT_EQ(add_permission(*second, arn, "label", {"1"}, {"*"}).error().message,
            "Value label for parameter Label is invalid. Reason: Already exists.");
  EXPECT_EQ(remove_permission(*second, "nobody").error().message,
            "Value nobody for parameter Label is invalid. Reason: can't find label.");
  EXPECT_EQ(remove_permission(*second, "other"), *first);
  EXPECT_EQ(remove_permission(*first, "label"), "");
}

struct Entry {
  static constexpr std::string_view query_name = "E";
  Text id;
};

TEST(sqs_batches, whole_ones_that_are_refused) {
  auto code = [](std::optional<std::vector<Entry>> entries) {
    auto fine = check_entries(entries);
    return fine ? ErrorCode::internal : fine.error().code;
  };
  EXPECT_EQ(code(std::vector<Entry>{{"a"}, {"b-_9"}}), ErrorCode::internal);
  EXPECT_EQ(code(std::vector<Entry>()), ErrorCode::empty_batch);
  EXPECT_EQ(code(std::nullopt), ErrorCode::missing_parameter);
  EXPECT_EQ(code(std::vector<Entry>(11, Entry{"a"})), ErrorCode::too_many_entries);
  EXPECT_EQ(code(std::vector<Entry>{{"a"}, {"a"}}), ErrorCode::entry_ids_not_distinct);
  EXPECT_EQ(code(std::vector<Entry>{{"a b"}}), ErrorCode::invalid_entry_id);
  EXPECT_EQ(code(std::vector<Entry>{{std::nullopt}}), ErrorCode::missing_parameter);
}

TEST(sqs_queues_file, as_elasticmqs_users_have_it) {
  auto queues = parse_queues_file(R"(
    include classpath("application.conf")
    rest-sqs { enabled = true, bind-port = 9324 }  # another server's
    queues {
      orders {
        defaultVisibilityTimeout = 10 seconds
        delay: 5s, receiveMessageWait = 1500   // milliseconds
        deadLettersQueue { name = "orders-dead"
                           maxReceiveCount = 3 }
        tags { team = sales, "a b" = "c d" }
      }
      orders-dead { }
      "work.fifo" { fifo = true, contentBasedDeduplication = true }
      jobs { fifo = true }
    })",
                                  {});
  ASSERT_TRUE(queues) << queues.error();
  ASSERT_EQ(queues->size(), 4u);
  const QueueInFile& orders = (*queues)[0];
  EXPECT_EQ(orders.name, "orders");
  EXPECT_EQ(orders.attributes.visibility, 10);
  EXPECT_EQ(orders.attributes.delay, 5);
  EXPECT_EQ(orders.attributes.wait, 1);
  EXPECT_EQ(orders.attributes.redrive, (Redrive{"orders-dead", 3}));
  EXPECT_EQ(orders.tags, (Tags{{"team", "sales"}, {"a b", "c d"}}));
  EXPECT_TRUE((*queues)[2].attributes.content_based_deduplication);
  EXPECT_EQ((*queues)[3].name, "jobs.fifo");
  for (const char* text : {"queues { a { delay = soon } }", "queues { a { delay = 1 hour } }", "queues { a = 5 }",
                           "queues { a { colour = red } }", "queues { a", "queues { a { copyTo = \"b\" } }",
                           "queues { a { deadLettersQueue { name = \"b\" } } }", "queues { \"a b\" {} }", "queues }"})
    EXPECT_FALSE(parse_queues_file(text, {})) << text;
  EXPECT_EQ(parse_queues_file("\n\nqueues { a { delay = 16 minutes } }", {}).error(),
            "line 3: a: Invalid value for the parameter DelaySeconds.");
}

}  // namespace
}  // namespace naru::sqs
