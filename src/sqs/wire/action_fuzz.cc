// Any bytes as the body of a request, in both protocols: nothing is read beyond it, and what was decoded can be encoded
// into JSON that can be read.
#include "base/check.h"
#include "base/json.h"
#include "sqs/messages/move_task.h"
#include "sqs/messages/queue.h"
#include "sqs/messages/receive.h"
#include "sqs/messages/send.h"
#include "sqs/wire/check_message.h"
#include "sqs/wire/hocon.h"
#include "sqs/wire/json_reader.h"
#include "sqs/wire/names.h"
#include "sqs/wire/policies.h"
#include "sqs/wire/query_reader.h"

using namespace naru;
using namespace naru::sqs;

namespace {

template <class M>
void read(std::string_view body) {
  // Their own memory, of just that size, so that the sanitizer sees what goes beyond.
  std::vector<char> form(body.begin(), body.end());
  M one, other;
  auto json = parse_json(body);
  if (json) JsonReader(*json).read(one);
  QueryParameters parameters;
  parameters.add({form.data(), form.size()});
  parameters.sort();
  QueryReader query(parameters);
  query.read(other);
}

void send_and_show(std::string_view body) {
  auto json = parse_json(body);
  if (!json) return;
  SendMessageRequest request;
  JsonReader reader(*json);
  reader.read(request);
  if (!reader.ok()) return;
  auto attributes = check_attributes(request.message.attributes);
  if (!attributes) return;
  ReceiveMessageResult result;
  result.messages.push_back({.message_id = "m", .receipt = "r", .body = request.message.body.value_or("")});
  result.messages[0].attributes = *attributes;
  result.messages[0].attributes_md5 = md5_of(*attributes);
  std::string out, xml;
  JsonWriter(out).write(result);
  XmlWriter(xml).write(result);
  auto shown = parse_json(out);
  CHECK(shown.has_value());
  CHECK((*shown->find("Messages")->items())[0].text_of("Body") == request.message.body.value_or(""));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 10) {
    case 0: read<SendMessageBatchRequest>(body); break;
    case 1: read<ReceiveMessageRequest>(body); break;
    case 2: read<CreateQueueRequest>(body); break;
    case 3: read<VisibilityBatchRequest>(body); break;
    case 4: read<StartMoveRequest>(body); break;
    case 5: read<SendMessageRequest>(body); break;
    case 6: send_and_show(body); break;
    case 7: (void)parse_hocon(body); break;
    case 8:
      (void)parse_redrive_allow_policy(body);
      if (auto added = add_permission(body, "arn", "label", {"1"}, {"*"})) CHECK(remove_permission(*added, "label"));
      break;
    case 9:
      (void)queue_of_arn(body);
      CHECK(body.contains(parse_queue_url(body).name));
      break;
  }
  return 0;
}
