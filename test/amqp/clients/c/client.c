// librabbitmq doing its users' everyday work; see scenarios.md.
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *host, *prefix;
static int port;

#define CHECK(condition)                                            \
  do {                                                              \
    if (!(condition)) {                                             \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                      \
    }                                                               \
  } while (0)

typedef amqp_connection_state_t Connection;

static amqp_bytes_t text(const char *value) { return amqp_cstring_bytes(value); }

static int is(amqp_bytes_t bytes, const char *value) {
  return bytes.len == strlen(value) && memcmp(bytes.bytes, value, bytes.len) == 0;
}

static Connection connect_to(void) {
  Connection c = amqp_new_connection();
  CHECK(amqp_socket_open(amqp_tcp_socket_new(c), host, port) == AMQP_STATUS_OK);
  CHECK(amqp_login(c, "/", AMQP_DEFAULT_MAX_CHANNELS, AMQP_DEFAULT_FRAME_SIZE, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest").reply_type ==
        AMQP_RESPONSE_NORMAL);
  CHECK(amqp_channel_open(c, 1) != NULL);
  return c;
}

static void ok(Connection c) {
  amqp_rpc_reply_t reply = amqp_get_rpc_reply(c);
  CHECK(reply.reply_type == AMQP_RESPONSE_NORMAL);
}

static void disconnect(Connection c) {
  CHECK(amqp_connection_close(c, AMQP_REPLY_SUCCESS).reply_type == AMQP_RESPONSE_NORMAL);
  CHECK(amqp_destroy_connection(c) == AMQP_STATUS_OK);
}

static uint32_t declare(Connection c, int passive, int durable) {
  amqp_queue_declare_ok_t *answer = amqp_queue_declare(c, 1, text(prefix), passive, durable, 0, 0, amqp_empty_table);
  ok(c);
  return answer->message_count;
}

static void publish(Connection c, const char *key, amqp_bytes_t body, const amqp_basic_properties_t *properties, int mandatory) {
  CHECK(amqp_basic_publish(c, 1, text(""), text(key), mandatory, 0, properties, body) == AMQP_STATUS_OK);
}

static void fill(Connection c, const char *body) {
  amqp_basic_properties_t persistent = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = 2};
  publish(c, prefix, text(body), &persistent, 0);
}

// Gets one message, which must be there; its redelivered flag is the result.
static int get(Connection c, int no_ack, amqp_message_t *message) {
  amqp_rpc_reply_t reply = amqp_basic_get(c, 1, text(prefix), no_ack);
  CHECK(reply.reply_type == AMQP_RESPONSE_NORMAL && reply.reply.id == AMQP_BASIC_GET_OK_METHOD);
  int redelivered = ((amqp_basic_get_ok_t *)reply.reply.decoded)->redelivered;
  CHECK(amqp_read_message(c, 1, message, 0).reply_type == AMQP_RESPONSE_NORMAL);
  return redelivered;
}

static void take(Connection c, const char *body, int redelivered) {
  amqp_message_t message;
  CHECK(get(c, 1, &message) == redelivered);
  CHECK(is(message.body, body));
  amqp_destroy_message(&message);
}

static void receive(Connection c, amqp_envelope_t *envelope) {
  struct timeval timeout = {60, 0};
  amqp_maybe_release_buffers(c);
  CHECK(amqp_consume_message(c, envelope, &timeout, 0).reply_type == AMQP_RESPONSE_NORMAL);
}

static void topology(Connection c) {
  char events[300];
  snprintf(events, sizeof events, "%s.events", prefix);
  amqp_exchange_declare(c, 1, text(events), text("topic"), 0, 1, 0, 0, amqp_empty_table);
  ok(c);
  amqp_table_entry_t limit = {text("x-max-length"), {AMQP_FIELD_KIND_I32, {.i32 = 1000}}};
  amqp_queue_declare(c, 1, text(prefix), 0, 1, 0, 0, (amqp_table_t){1, &limit});
  ok(c);
  amqp_queue_bind(c, 1, text(prefix), text(events), text("order.*.created"), amqp_empty_table);
  ok(c);
  CHECK(amqp_basic_publish(c, 1, text(events), text("order.eu.created"), 0, 0, NULL, text("one")) == AMQP_STATUS_OK);
  take(c, "one", 0);
  amqp_queue_declare(c, 1, text(prefix), 0, 0, 0, 0, amqp_empty_table);
  amqp_rpc_reply_t refused = amqp_get_rpc_reply(c);
  CHECK(refused.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && refused.reply.id == AMQP_CHANNEL_CLOSE_METHOD);
  CHECK(((amqp_channel_close_t *)refused.reply.decoded)->reply_code == 406);
  CHECK(amqp_send_method(c, 1, AMQP_CHANNEL_CLOSE_OK_METHOD, &(amqp_channel_close_ok_t){0}) == AMQP_STATUS_OK);
  CHECK(amqp_channel_open(c, 1) != NULL);
  amqp_queue_delete(c, 1, text(prefix), 0, 0);
  ok(c);
  amqp_exchange_delete(c, 1, text(events), 0);
  ok(c);
}

static void confirms(Connection c) {
  declare(c, 0, 1);
  amqp_confirm_select(c, 1);
  ok(c);
  for (int n = 0; n < 1000; n++) fill(c, "x");
  for (uint64_t confirmed = 0; confirmed < 1000;) {
    amqp_frame_t frame;
    CHECK(amqp_simple_wait_frame(c, &frame) == AMQP_STATUS_OK);
    CHECK(frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD);
    amqp_basic_ack_t *ack = frame.payload.method.decoded;
    confirmed = ack->multiple ? ack->delivery_tag : confirmed + 1;
  }
  CHECK(declare(c, 1, 1) == 1000);
}

static void consume(Connection c) {
  declare(c, 0, 0);
  char body[20];
  for (int n = 0; n < 200; n++) {
    snprintf(body, sizeof body, "%d", n);
    fill(c, body);
  }
  amqp_basic_qos(c, 1, 0, 10, 0);
  ok(c);
  amqp_basic_consume(c, 1, text(prefix), text("worker"), 0, 0, 0, amqp_empty_table);
  ok(c);
  for (int n = 0; n < 200; n++) {
    amqp_envelope_t envelope;
    receive(c, &envelope);
    snprintf(body, sizeof body, "%d", n);
    CHECK(is(envelope.message.body, body) && is(envelope.consumer_tag, "worker"));
    CHECK(amqp_basic_ack(c, 1, envelope.delivery_tag, 0) == AMQP_STATUS_OK);
    amqp_destroy_envelope(&envelope);
  }
  amqp_basic_cancel(c, 1, text("worker"));
  ok(c);
  CHECK(declare(c, 1, 0) == 0);
}

static void redelivery(Connection c) {
  declare(c, 0, 1);
  fill(c, "a");
  fill(c, "b");
  fill(c, "c");
  for (int n = 0; n < 2; n++) {
    amqp_message_t message;
    get(c, 0, &message);
    amqp_destroy_message(&message);
  }
  Connection second = connect_to();
  disconnect(c);
  take(second, "a", 1);
  take(second, "b", 1);
  take(second, "c", 0);
  disconnect(second);
}

static void requeue(Connection c) {
  declare(c, 0, 0);
  for (const char *body = "abcd"; *body; body++) fill(c, (char[]){*body, 0});
  for (int n = 0; n < 3; n++) {
    amqp_message_t message;
    get(c, 0, &message);
    amqp_destroy_message(&message);
  }
  CHECK(amqp_basic_nack(c, 1, 3, 0, 1) == AMQP_STATUS_OK);
  CHECK(amqp_basic_reject(c, 1, 1, 1) == AMQP_STATUS_OK);
  CHECK(amqp_basic_nack(c, 1, 2, 0, 0) == AMQP_STATUS_OK);
  take(c, "a", 1);
  take(c, "c", 1);
  take(c, "d", 0);
}

static void rpc(Connection c) {
  declare(c, 0, 0);
  amqp_basic_consume(c, 1, text(prefix), text("server"), 0, 1, 0, amqp_empty_table);
  ok(c);
  amqp_basic_consume(c, 1, text("amq.rabbitmq.reply-to"), text("client"), 0, 1, 0, amqp_empty_table);
  ok(c);
  for (int n = 0; n < 50; n++) {
    char id[20];
    snprintf(id, sizeof id, "%d", n);
    amqp_basic_properties_t ask = {._flags = AMQP_BASIC_REPLY_TO_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG,
                                   .reply_to = text("amq.rabbitmq.reply-to"), .correlation_id = text(id)};
    publish(c, prefix, text("question"), &ask, 0);
    amqp_envelope_t question, answer;
    receive(c, &question);
    CHECK(is(question.consumer_tag, "server"));
    char to[300] = {0};
    memcpy(to, question.message.properties.reply_to.bytes, question.message.properties.reply_to.len);
    amqp_basic_properties_t back = {._flags = AMQP_BASIC_CORRELATION_ID_FLAG, .correlation_id = question.message.properties.correlation_id};
    publish(c, to, text("answer"), &back, 0);
    receive(c, &answer);
    CHECK(is(answer.consumer_tag, "client") && is(answer.message.body, "answer"));
    CHECK(is(answer.message.properties.correlation_id, id));
    amqp_destroy_envelope(&question);
    amqp_destroy_envelope(&answer);
  }
}

static void large(Connection c) {
  declare(c, 0, 0);
  size_t size = 5000000;
  char *body = malloc(size);
  for (size_t at = 0; at < size; at++) body[at] = (char)(at * 2654435761u >> 13);
  for (int empty = 1; empty >= 0; empty--) {
    amqp_bytes_t sent = {empty ? 0 : size, body};
    publish(c, prefix, sent, NULL, 0);
    amqp_message_t message;
    get(c, 1, &message);
    CHECK(message.body.len == sent.len && memcmp(message.body.bytes, body, sent.len) == 0);
    amqp_destroy_message(&message);
  }
  free(body);
}

static void headers(Connection c) {
  amqp_table_entry_t inner = {text("b"), {AMQP_FIELD_KIND_I32, {.i32 = 1}}};
  amqp_field_value_t items[2] = {{AMQP_FIELD_KIND_I32, {.i32 = 1}}, {AMQP_FIELD_KIND_UTF8, {.bytes = text("two")}}};
  amqp_table_entry_t sent[] = {
      {text("i32"), {AMQP_FIELD_KIND_I32, {.i32 = -42}}},
      {text("i64"), {AMQP_FIELD_KIND_I64, {.i64 = 1ll << 40}}},
      {text("i16"), {AMQP_FIELD_KIND_I16, {.i16 = -5}}},
      {text("i8"), {AMQP_FIELD_KIND_I8, {.i8 = -3}}},
      {text("u8"), {AMQP_FIELD_KIND_U8, {.u8 = 250}}},
      {text("f64"), {AMQP_FIELD_KIND_F64, {.f64 = 1.5}}},
      {text("f32"), {AMQP_FIELD_KIND_F32, {.f32 = 0.5f}}},
      {text("bool"), {AMQP_FIELD_KIND_BOOLEAN, {.boolean = 1}}},
      {text("text"), {AMQP_FIELD_KIND_UTF8, {.bytes = text("hello")}}},
      {text("bytes"), {AMQP_FIELD_KIND_BYTES, {.bytes = {2, "\0\xff"}}}},
      {text("time"), {AMQP_FIELD_KIND_TIMESTAMP, {.u64 = 1700000000}}},
      {text("void"), {AMQP_FIELD_KIND_VOID, {0}}},
      {text("array"), {AMQP_FIELD_KIND_ARRAY, {.array = {2, items}}}},
      {text("table"), {AMQP_FIELD_KIND_TABLE, {.table = {1, &inner}}}},
  };
  int count = sizeof sent / sizeof *sent;
  amqp_basic_properties_t properties = {
      ._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_TIMESTAMP_FLAG |
                AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_USER_ID_FLAG,
      .headers = {count, sent}, .content_type = text("application/json"), .priority = 7, .timestamp = 1700000000,
      .message_id = text("id"), .user_id = text("guest")};
  declare(c, 0, 0);
  publish(c, prefix, text("x"), &properties, 0);
  amqp_message_t message;
  get(c, 1, &message);
  amqp_basic_properties_t *found = &message.properties;
  CHECK(found->_flags == properties._flags && found->headers.num_entries == count);
  for (int n = 0; n < count; n++) {
    amqp_table_entry_t *entry = &found->headers.entries[n];
    CHECK(entry->key.len == sent[n].key.len && memcmp(entry->key.bytes, sent[n].key.bytes, entry->key.len) == 0);
    CHECK(entry->value.kind == sent[n].value.kind);
  }
  CHECK(found->headers.entries[0].value.value.i32 == -42 && found->headers.entries[1].value.value.i64 == 1ll << 40);
  CHECK(is(found->headers.entries[8].value.value.bytes, "hello") && found->headers.entries[10].value.value.u64 == 1700000000);
  CHECK(found->headers.entries[12].value.value.array.num_entries == 2 && found->headers.entries[13].value.value.table.num_entries == 1);
  CHECK(is(found->content_type, "application/json") && found->priority == 7 && found->timestamp == 1700000000);
  CHECK(is(found->message_id, "id") && is(found->user_id, "guest"));
  amqp_destroy_message(&message);
}

static void work(Connection c) {
  declare(c, 0, 1);
  amqp_basic_qos(c, 1, 0, 1, 0);
  amqp_basic_consume(c, 1, text(prefix), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  ok(c);
  amqp_envelope_t envelope;
  receive(c, &envelope);
  printf("working %.*s %d\n", (int)envelope.message.body.len, (char *)envelope.message.body.bytes, envelope.redelivered);
  fflush(stdout);
  sleep(600);
}

int main(int argc, char **argv) {
  CHECK(argc == 5);
  host = argv[1], port = atoi(argv[2]), prefix = argv[4];
  struct { const char *name; void (*run)(Connection); int closes; } scenarios[] = {
      {"topology", topology, 0}, {"confirms", confirms, 0}, {"consume", consume, 0}, {"redelivery", redelivery, 1}, {"requeue", requeue, 0},
      {"rpc", rpc, 0},           {"large", large, 0},       {"headers", headers, 0}, {"work", work, 0}};
  for (size_t n = 0; n < sizeof scenarios / sizeof *scenarios; n++) {
    if (strcmp(argv[3], scenarios[n].name) != 0) continue;
    Connection c = connect_to();
    scenarios[n].run(c);
    if (!scenarios[n].closes) disconnect(c);
    puts("ok");
    return 0;
  }
  fprintf(stderr, "no scenario %s\n", argv[3]);
  return 1;
}
