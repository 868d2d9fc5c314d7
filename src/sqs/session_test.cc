// The session alone: HTTP and both protocols over queues in memory that do as little as they can.
#include "sqs/session.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "broker/meta_store_testing.h"
#include "sim/sim_disk.h"
#include "sim/sim_loop.h"
#include "sim/sim_net.h"

namespace naru::sqs {
namespace {

/// Hands out its messages in order, each once, and remembers what it was asked.
class MemoryQueue final : public MessageQueue {
 public:
  MemoryQueue(io::Loop& loop, std::string its_name, Attributes attributes)
      : loop_(loop), name_(std::move(its_name)), attributes_(std::move(attributes)) {}

  std::deque<std::string> bodies;
  std::vector<std::string> given_back, removed;
  int waiting = 0;

  const std::string& name() const override { return name_; }
  const Attributes& attributes() const override { return attributes_; }
  const Tags& tags() const override { return tags_; }
  int64_t created_s() const override { return 1; }
  int64_t modified_s() const override { return 2; }
  QueueCounts counts() override { return {static_cast<int64_t>(bodies.size()), 0, 0}; }
  bool is_gone() const override { return false; }

  io::Task<std::vector<Outcome<Sent>>> send(std::span<const Outgoing> messages) override {
    std::vector<Outcome<Sent>> all;
    for (const Outgoing& message : messages) {
      bodies.emplace_back(message.body);
      all.emplace_back(Sent{"id-" + std::to_string(++sent_), 0});
    }
    for (auto* waiter : std::exchange(waiters_, {})) waiter->wake();
    co_await loop_.sleep_until(loop_.now() + 1);  // as if for the disk
    co_return all;
  }
  io::Task<Outcome<std::vector<Incoming>>> receive(ReceiveRequest request, std::shared_ptr<Poll> poll) override {
    io::Millis until = loop_.now() + request.wait.value_or(0) * 1000;
    ++waiting;
    while (bodies.empty() && !poll->is_cancelled() && loop_.now() < until) {
      io::Wakeup wakeup;
      waiters_.push_back(&wakeup);
      io::Timer timer(loop_, [&] { wakeup.wake(); });
      timer.arm(until);
      poll->waits([&] { wakeup.wake(); });
      co_await wakeup;
      poll->waits(nullptr);
      std::erase(waiters_, &wakeup);
    }
    --waiting;
    std::vector<Incoming> out;
    while (!bodies.empty() && !poll->is_cancelled() && out.size() < static_cast<size_t>(request.max)) {
      Incoming& one = out.emplace_back();
      one.message_id = "m";
      one.receipt = "r-" + bodies.front();
      one.body = bodies.front();
      bodies.pop_front();
    }
    co_return out;
  }
  void give_back(std::span<const Incoming> messages) override {
    for (const Incoming& one : messages) given_back.push_back(one.receipt);
  }
  io::Task<std::vector<Outcome<void>>> remove(std::span<const std::string_view> receipts) override {
    std::vector<Outcome<void>> all;
    for (std::string_view receipt : receipts) {
      bool good = receipt.starts_with("r-");
      if (good) removed.emplace_back(receipt);
      all.push_back(good ? Outcome<void>() : Outcome<void>(fail(Problem::receipt_invalid)));
    }
    co_return all;
  }
  std::vector<Outcome<void>> change_visibility(std::span<const Visibility> changes) override {
    return std::vector<Outcome<void>>(changes.size());
  }
  io::Task<Outcome<void>> purge() override { co_return Outcome<void>(); }
  io::Task<Outcome<void>> set_attributes(Attributes attributes) override {
    attributes_ = std::move(attributes);
    co_return Outcome<void>();
  }
  io::Task<Outcome<void>> tag(Tags tags) override {
    tags_.merge(tags);
    co_return Outcome<void>();
  }
  io::Task<Outcome<void>> untag(std::vector<std::string> keys) override {
    for (const std::string& key : keys) tags_.erase(key);
    co_return Outcome<void>();
  }

 private:
  io::Loop& loop_;
  const std::string name_;
  Attributes attributes_;
  Tags tags_;
  int sent_ = 0;
  std::vector<io::Wakeup*> waiters_;
};

class MemoryQueues final : public Queues {
 public:
  explicit MemoryQueues(io::Loop& loop) : loop_(loop) {}
  std::map<std::string, std::shared_ptr<MemoryQueue>, std::less<>> all;
  std::vector<std::string> identities;
  int gone = 0;

  QueuePtr find(std::string_view name) override {
    auto found = all.find(name);
    return found == all.end() ? nullptr : found->second;
  }
  io::Task<Outcome<Created>> create(std::string name, Attributes attributes, Tags tags) override {
    auto& queue = all[name];
    bool is_new = !queue;
    if (is_new) queue = std::make_shared<MemoryQueue>(loop_, name, std::move(attributes));
    (void)tags;
    co_return Created{queue, is_new};
  }
  io::Task<Outcome<void>> remove(std::string name) override {
    all.erase(name);
    co_return Outcome<void>();
  }
  std::vector<std::string> list(std::string_view prefix, std::string_view after, size_t max) override {
    std::vector<std::string> names;
    for (const auto& [name, queue] : all)
      if (name.starts_with(prefix) && name > after && names.size() < max) names.push_back(name);
    return names;
  }
  std::vector<std::string> dead_letter_sources(std::string_view, std::string_view, size_t) override { return {}; }
  HolderPtr connected(std::string identity, bool) override {
    identities.push_back(identity);
    return std::make_shared<Holder>();
  }
  void seen(Holder&) override {}
  void disconnected(Holder&) override { ++gone; }
  io::Task<Outcome<std::string>> start_move(std::string, std::optional<std::string>, std::optional<int32_t>) override {
    co_return Outcome<std::string>("task");
  }
  std::vector<MoveTask> moves(std::string_view, size_t) override { return {}; }
  io::Task<Outcome<int64_t>> cancel_move(std::string) override { co_return fail(Problem::no_such_task); }

 private:
  io::Loop& loop_;
};

io::Task<> serve(std::unique_ptr<Session> session, int& running) {
  ++running;
  co_await session->run();
  session.reset();
  --running;
}

class SqsSessionTest : public testing::Test {
 public:
  sim::SimLoop loop{7};
  std::unique_ptr<sim::SimDisk> disk = std::make_unique<sim::SimDisk>(7);
  Broker broker{BrokerSettings{}};
  MemoryMetaStore meta;
  Users users{meta};
  MemoryQueues queues{loop};
  std::unique_ptr<Door> door;
  int running = 0;

  SqsSessionTest() {
    broker.cores.push_back(
        std::make_unique<Core>(broker, 0, loop, *disk, JournalId{1, 0}, 1, StoreSettings{}, [](Error) {}, 7));
    CHECK(users.load("/").take());
    door = std::make_unique<Door>(broker.first(), queues, users);
    queues.all["q"] = std::make_shared<MemoryQueue>(loop, "q", Attributes());
  }
  ~SqsSessionTest() override { EXPECT_EQ(running, 0); }

  MemoryQueue& queue() { return *queues.all["q"]; }
  std::unique_ptr<sim::SimConnection> connect() {
    auto connection = std::make_unique<sim::SimConnection>(loop, loop.random().next());
    serve(std::make_unique<Session>(*door, connection->accept()), running).detach();
    return connection;
  }
  /// What comes for these bytes on a connection of their own, which is closed then.
  std::string talk(std::string_view bytes, io::Millis ms = 100) {
    auto connection = connect();
    connection->send(view(bytes));
    loop.run_for(ms);
    std::string out(text(connection->take()));
    connection->hang_up();
    loop.run_for(100);
    return out;
  }
};

std::string json_call(std::string_view action, std::string_view body, std::string_view more = "") {
  std::string out = "POST / HTTP/1.1\r\nHost: localhost:9324\r\nX-Amz-Target: AmazonSQS." + std::string(action);
  out.append("\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: " + std::to_string(body.size()) + "\r\n");
  return out.append(more).append("\r\n").append(body);
}
std::string form_call(std::string_view body, std::string_view path = "/") {
  std::string out =
      "POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded";
  return out.append("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n").append(body);
}
std::string body_of(std::string_view response) { return std::string(response.substr(response.find("\r\n\r\n") + 4)); }
/// With what differs each time taken out.
std::string masked(std::string text) {
  for (std::string_view name : {"x-amzn-RequestId: ", "Date: ", "<RequestId>"})
    for (size_t at = 0; (at = text.find(name, at)) != text.npos; at += name.size()) {
      size_t from = at + name.size();
      text.replace(from, text.find_first_of("\r<", from) - from, "?");
    }
  return text;
}

TEST_F(SqsSessionTest, a_message_goes_in_and_comes_out_in_json) {
  EXPECT_EQ(masked(talk(json_call("SendMessage", R"({"QueueUrl":"http://x/0/q","MessageBody":"hello"})"))),
            "HTTP/1.1 200 OK\r\nx-amzn-RequestId: ?\r\nDate: ?\r\nContent-Type: application/x-amz-json-1.0\r\n"
            "Content-Length: 74\r\n\r\n"
            R"({"MessageId":"id-1","MD5OfMessageBody":"5d41402abc4b2a76b9719d911017c592"})");
  EXPECT_EQ(body_of(talk(json_call("ReceiveMessage", R"({"QueueUrl":"q"})"))),
            R"({"Messages":[{"MessageId":"m","ReceiptHandle":"r-hello","MD5OfBody":"5d41402abc4b2a76b9719d911017c592",)"
            R"("Body":"hello"}]})");
  EXPECT_TRUE(talk(json_call("DeleteMessage", R"({"QueueUrl":"q","ReceiptHandle":"r-hello"})"))
                  .ends_with("Content-Length: 0\r\n\r\n"));
  EXPECT_EQ(queue().removed, std::vector<std::string>{"r-hello"});
  EXPECT_EQ(body_of(talk(json_call("ReceiveMessage", R"({"QueueUrl":"q"})"))), "{}");
}

TEST_F(SqsSessionTest, the_same_in_the_query_protocol_and_by_get) {
  EXPECT_EQ(masked(talk(form_call("Action=SendMessage&MessageBody=a+b", "/000000000000/q"))),
            "HTTP/1.1 200 OK\r\nx-amzn-RequestId: ?\r\nDate: ?\r\nContent-Type: text/xml\r\nContent-Length: 346\r\n\r\n"
            "<?xml version=\"1.0\"?><SendMessageResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">"
            "<SendMessageResult><MessageId>id-1</MessageId><MD5OfMessageBody>0cc9cd4dd26c5137b675a0d819cb9ab0"
            "</MD5OfMessageBody></SendMessageResult><ResponseMetadata><RequestId>?</RequestId></ResponseMetadata>"
            "</SendMessageResponse>");
  EXPECT_TRUE(talk("GET /0/q?Action=ReceiveMessage HTTP/1.1\r\nHost: h\r\n\r\n").contains("<Body>a b</Body>"));
  EXPECT_TRUE(talk("GET /0/q?Action=ReceiveMessage HTTP/1.1\r\nHost: h\r\n\r\n")
                  .contains("<ReceiveMessageResult></ReceiveMessageResult>"));
}

TEST_F(SqsSessionTest, a_query_may_ask_for_json) {
  auto get = [&](std::string target) {
    return masked(body_of(talk("GET " + target + " HTTP/1.1\r\nHost: h\r\nAccept: application/json\r\n\r\n")));
  };
  EXPECT_TRUE(get("/0/q?Action=GetQueueUrl&QueueName=q")
                  .starts_with(R"({"GetQueueUrlResponse":{"GetQueueUrlResult":{"QueueUrl":"http://h/000000000000/q"},)"
                               R"("ResponseMetadata":{"RequestId":")"));
  EXPECT_TRUE(
      get("/0/q?Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout&AttributeName.2=DelaySeconds")
          .contains(R"("Attributes":[{"Name":"VisibilityTimeout","Value":"30"},{"Name":"DelaySeconds","Value":"0"}])"));
  EXPECT_TRUE(parse_json(get("/0/q?Action=PurgeQueue"))->find("PurgeQueueResponse"));
  EXPECT_EQ(parse_json(get("/0/nobody?Action=PurgeQueue"))->find("Error")->text_of("Type"), "Sender");
}

TEST_F(SqsSessionTest, errors_in_both_protocols) {
  EXPECT_EQ(masked(talk(json_call("SendMessage", R"({"QueueUrl":"http://h/0/nobody","MessageBody":"x"})"))),
            "HTTP/1.1 400 Bad Request\r\nx-amzn-RequestId: ?\r\nDate: ?\r\nContent-Type: application/x-amz-json-1.0\r\n"
            "Content-Length: 96\r\nx-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\r\n\r\n"
            R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."})");
  EXPECT_EQ(
      masked(body_of(talk(form_call("Action=SendMessage&MessageBody=x&QueueUrl=nobody")))),
      "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error><Type>Sender"
      "</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist for "
      "this wsdl version.</Message><Detail/></Error><RequestId>?</RequestId></ErrorResponse>");
  EXPECT_TRUE(talk(json_call("DeleteMessage", R"({"QueueUrl":"q","ReceiptHandle":"x"})")).starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(talk(form_call("Action=DeleteMessage&QueueUrl=q&ReceiptHandle=x")).starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(talk(json_call("Nonsense", "{}")).contains("com.amazon.coral.service#UnknownOperationException"));
  EXPECT_TRUE(talk(form_call("Action=Nonsense")).contains("The action Nonsense is not valid for this endpoint."));
  EXPECT_EQ(body_of(talk("GET / HTTP/1.1\r\nHost: h\r\n\r\n")), "<UnknownOperationException/>\n");
  EXPECT_TRUE(talk("HELO\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(talk("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n").starts_with("HTTP/1.1 413"));
}

TEST_F(SqsSessionTest, answers_do_not_depend_on_how_bytes_arrive) {
  std::string bytes = json_call("SendMessage", R"({"QueueUrl":"q","MessageBody":"one"})") +
                      form_call("Action=ReceiveMessage&QueueUrl=q") +
                      "POST /0/q HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "12\r\nAction=GetQueueUrl\r\nc\r\n&QueueName=q\r\n0\r\n\r\n" +
                      json_call("ReceiveMessage", R"({"QueueUrl":"q"})", "Connection: close\r\n");
  std::string whole = masked(talk(bytes));
  EXPECT_TRUE(whole.contains("<Body>one</Body>") && whole.contains("<QueueUrl>http://h/000000000000/q</QueueUrl>"))
      << whole;
  EXPECT_TRUE(whole.ends_with("Connection: close\r\n\r\n{}")) << whole;
  for (size_t cut = 1; cut < bytes.size(); cut += 7) {
    queues.all["q"] = std::make_shared<MemoryQueue>(loop, "q", Attributes());
    auto connection = connect();
    connection->send(view(std::string_view(bytes).substr(0, cut)));
    loop.run_for(50);
    connection->send(view(std::string_view(bytes).substr(cut)));
    loop.run_for(100);
    EXPECT_EQ(masked(std::string(text(connection->take()))), whole) << cut;
    EXPECT_TRUE(connection->is_closed());
    connection->hang_up();
    loop.run_for(10);
  }
}

TEST_F(SqsSessionTest, who_expects_to_go_on_is_told_to) {
  auto connection = connect();
  std::string call = json_call("SendMessage", R"({"QueueUrl":"q","MessageBody":"x"})", "Expect: 100-continue\r\n");
  size_t head = call.find("\r\n\r\n") + 4;
  connection->send(view(std::string_view(call).substr(0, head)));
  loop.run_for(50);
  EXPECT_EQ(text(connection->take()), "HTTP/1.1 100 Continue\r\n\r\n");
  connection->send(view(std::string_view(call).substr(head)));
  loop.run_for(50);
  EXPECT_TRUE(text(connection->take()).starts_with("HTTP/1.1 200 OK"));
  connection->hang_up();
  loop.run_for(10);
}

TEST_F(SqsSessionTest, a_long_poll_is_answered_when_a_message_comes_and_ends_with_its_client) {
  auto waiting = connect(), gone = connect();
  for (auto* one : {&waiting, &gone})
    (*one)->send(view(json_call("ReceiveMessage", R"({"QueueUrl":"q","WaitTimeSeconds":20})")));
  loop.run_for(5'000);
  EXPECT_EQ(queue().waiting, 2);
  EXPECT_EQ(door->counters.receiving, 2u);
  gone->hang_up();
  loop.run_for(50);
  EXPECT_EQ(queue().waiting, 1);
  EXPECT_TRUE(waiting->take().empty());
  EXPECT_TRUE(talk(form_call("Action=SendMessage&QueueUrl=q&MessageBody=now")).contains("200 OK"));
  EXPECT_TRUE(text(waiting->take()).contains(R"("Body":"now")"));
  waiting->hang_up();
  loop.run_for(50);
  EXPECT_TRUE(queue().given_back.empty());
  EXPECT_EQ(queues.gone, static_cast<int>(queues.identities.size()));
}

TEST_F(SqsSessionTest, a_message_that_its_client_never_reads_goes_back) {
  queue().bodies.push_back(std::string(100'000, 'x'));
  auto connection = connect();
  connection->set_window(1000);
  connection->send(view(json_call("ReceiveMessage", R"({"QueueUrl":"q"})")));
  loop.run_for(50'000);
  EXPECT_TRUE(queue().given_back.empty());
  loop.run_for(20'000);  // it has a minute
  EXPECT_EQ(queue().given_back.size(), 1u);
  EXPECT_TRUE(connection->is_closed());
}

TEST_F(SqsSessionTest, half_a_request_has_a_minute_and_none_has_for_ever) {
  auto half = connect(), idle = connect();
  half->send(view("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"));
  loop.run_for(50'000);
  EXPECT_FALSE(half->is_closed());
  loop.run_for(20'000);
  EXPECT_TRUE(half->is_closed());
  EXPECT_FALSE(idle->is_closed());
  idle->hang_up();
  loop.run_for(10);
}

TEST_F(SqsSessionTest, stopping_answers_who_waits) {
  auto waiting = connect(), idle = connect();
  waiting->send(view(json_call("ReceiveMessage", R"({"QueueUrl":"q","WaitTimeSeconds":20})")));
  loop.run_for(100);
  for (auto* session : std::set(door->sessions)) session->stop();
  loop.run_for(100);
  EXPECT_TRUE(text(waiting->take()).ends_with("Connection: close\r\n\r\n{}"));
  EXPECT_TRUE(idle->is_closed() && waiting->is_closed());
}

TEST_F(SqsSessionTest, signatures_are_asked_for_where_they_have_to_be) {
  door->settings.signing = Signing::required;
  EXPECT_TRUE(talk(form_call("Action=ListQueues")).contains("<Code>MissingAuthenticationToken</Code>"));
  EXPECT_TRUE(talk(json_call("ListQueues", "{}")).contains("#MissingAuthenticationTokenException"));
  std::string unknown =
      "Authorization: AWS4-HMAC-SHA256 Credential=x/20231114/r/sqs/aws4_request, SignedHeaders=host, "
      "Signature=0\r\nX-Amz-Date: 20231114T221320Z\r\n";
  EXPECT_TRUE(talk(json_call("ListQueues", "{}", unknown)).contains("InvalidClientTokenId;Sender"));
  door->settings.signing = Signing::off;
  EXPECT_TRUE(talk(form_call("Action=ListQueues")).contains("<QueueUrl>http://h/000000000000/q</QueueUrl>"));
}

TEST_F(SqsSessionTest, a_token_in_the_url_tells_clients_apart) {
  talk(json_call("ReceiveMessage", R"({"QueueUrl":"http://h/0/lease-w7/q"})"));
  ASSERT_FALSE(queues.identities.empty());
  EXPECT_TRUE(queues.identities.back().ends_with("#w7"));
}

TEST_F(SqsSessionTest, metrics_count_by_action) {
  talk(form_call("Action=ListQueues"));
  talk(form_call("Action=Nonsense"));
  std::string text = metrics(*door);
  EXPECT_TRUE(text.contains("naru_sqs_requests_total{action=\"ListQueues\"} 1\n")) << text;
  EXPECT_TRUE(text.contains("naru_sqs_requests_refused_total 1\n")) << text;
}

TEST_F(SqsSessionTest, every_action_is_there) { EXPECT_EQ(all_actions().size(), 23u); }

}  // namespace
}  // namespace naru::sqs
