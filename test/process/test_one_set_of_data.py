"""One set of data: what RabbitMQ's clients publish, Kafka's clients read, and the other way round (docs/mapping.md)."""
import datetime
import json
import struct
import time
from decimal import Decimal

import confluent_kafka
import pika
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from naru import MIB, PATIENCE, free_port, wait_until

STREAM = {"x-queue-type": "stream"}


class Both:
    """One broker, spoken to in both languages."""

    def __init__(self, naru, amqp):
        self.naru, self.amqp_port = naru, amqp

    def amqp(self):
        parameters = pika.ConnectionParameters("127.0.0.1", self.amqp_port, heartbeat=0, blocked_connection_timeout=PATIENCE)
        channel = pika.BlockingConnection(parameters).channel()
        channel.confirm_delivery()
        return channel

    def kafka(self, **more):
        return {"bootstrap.servers": self.naru.address, **{key.replace("_", "."): value for key, value in more.items()}}

    def producer(self, **more):
        return Producer(self.kafka(**more))

    def admin(self):
        return AdminClient(self.kafka())

    def topics(self):
        return self.admin().list_topics(timeout=PATIENCE).topics

    def read(self, topic, count, partition=0, offset=confluent_kafka.OFFSET_BEGINNING, **more):
        consumer = Consumer(self.kafka(group_id="readers", enable_auto_commit=False, **more))
        consumer.assign([TopicPartition(topic, partition, offset)])
        found, deadline = [], time.monotonic() + PATIENCE
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records"
            for record in consumer.consume(count - len(found), 0.5):
                assert record.error() is None, record.error()
                found.append(record)
        consumer.close()
        return found


@pytest.fixture(params=[1, 3], ids=["1core", "3cores"])
def both(make_naru, request):
    port = free_port()
    return Both(make_naru("--shards", str(request.param), "--amqp", f"127.0.0.1:{port}").start(), port)


def produce(both, topic, *records, **options):
    """(key, value, headers) each; waits for all."""
    failed = []
    producer = both.producer(**options)
    for key, value, headers in records:
        producer.produce(topic, value, key, partition=0, headers=headers,
                         on_delivery=lambda error, _: failed.append(error) if error else None)
    assert producer.flush(PATIENCE) == 0
    assert failed == []


def consume(channel, queue, count, prefetch=100, **arguments):
    """(method, properties, body) of so many messages, acknowledged."""
    channel.basic_qos(prefetch_count=prefetch)
    found = []
    for message in channel.consume(queue, arguments=arguments, inactivity_timeout=PATIENCE):
        assert message[0] is not None, f"{len(found)} of {count} messages"
        channel.basic_ack(message[0].delivery_tag)
        found.append(message)
        if len(found) == count:
            break
    channel.cancel()
    return found


HEADERS = {
    "text": "täxt", "true": True, "false": False, "int": 7, "long": 2**40, "negative": -5, "void": None,
    "decimal": Decimal("3.14"), "time": datetime.datetime(2024, 2, 29, 12, 0, tzinfo=datetime.timezone.utc),
    "array": [1, "two", [3]], "table": {"deep": {"er": [1, {"x": "y"}]}}, "bytes": b"\xff\x00", "empty": "", "amqp.own": "z",
}
PROPERTIES = dict(content_type="text/plain", content_encoding="utf-8", delivery_mode=2, priority=4, correlation_id="c-1",
                  reply_to="answers", expiration="3600000", message_id="m-1", timestamp=1700000000, type="t", user_id="guest",
                  app_id="app", cluster_id="cl")


@pytest.mark.parametrize("arguments", [{}, {"x-queue-type": "quorum"}, STREAM], ids=["classic", "quorum", "stream"])
def test_published_by_amqp_read_by_kafka(both, arguments):
    channel = both.amqp()
    channel.exchange_declare("events", "topic", durable=True)
    channel.queue_declare("orders", durable=True, arguments=arguments)
    channel.queue_bind("orders", "events", "order.#")
    channel.basic_publish("events", "order.new", b"body", pika.BasicProperties(headers=HEADERS, **PROPERTIES))
    channel.basic_publish("", "orders", b"", pika.BasicProperties())
    first, second = both.read("orders", 2)
    assert (first.key(), first.value(), first.offset()) == (b"order.new", b"body", 0)
    assert abs(first.timestamp()[1] / 1000 - time.time()) < 60
    headers = dict(first.headers())
    assert headers["amqp.exchange"] == b"events"
    assert headers["amqp.content-type"] == b"text/plain"
    assert headers["amqp.correlation-id"] == b"c-1"
    assert (headers["text"], headers["int"], headers["true"], headers["void"]) == ("täxt".encode(), b"7", b"true", None)
    assert json.loads(headers["table"]) == {"deep": {"er": [1, {"x": "y"}]}}
    assert headers["amqp.header.amqp.own"] == b"z"
    assert (second.key(), second.value(), second.headers(), second.offset()) == (None, b"", None, 1)
    # And what AMQP's clients get is what was sent, bit by bit.
    got = consume(both.amqp(), "orders", 2, **({"x-stream-offset": "first"} if arguments == STREAM else {}))
    seen = got[0][1]
    assert {name: getattr(seen, name) for name in PROPERTIES} == PROPERTIES
    mine = {**HEADERS, "bytes": seen.headers["bytes"]}  # pika gives bytes back as text with escapes
    assert {name: value for name, value in seen.headers.items() if name != "x-stream-offset"} == mine
    assert [body for _, _, body in got] == [b"body", b""]


def test_produced_by_kafka_consumed_by_amqp(both):
    channel = both.amqp()
    channel.queue_declare("work", durable=True)
    produce(both, "work", ("customer-1", b"one", [("trace", b"abc"), ("amqp.reply-to", b"answers"), ("none", None)]),
            (None, b"two", None), (b"\xff\xfe", None, None), ("k", b"", [("twice", b"1"), ("twice", b"2"), ("bin", b"\xff")]))
    assert channel.queue_declare("work", passive=True).method.message_count == 4
    got = consume(channel, "work", 4)
    one, two, three, four = got
    assert (one[0].exchange, one[0].routing_key, one[2]) == ("", "customer-1", b"one")
    assert (one[1].reply_to, one[1].headers) == ("answers", {"trace": "abc", "none": None})
    assert (two[0].routing_key, two[2], two[1].headers) == ("work", b"two", None)
    assert (three[0].routing_key, three[2]) == ("work", b"")
    assert list(three[1].headers) == ["kafka.key"]
    assert four[2] == b""
    assert channel.queue_declare("work", passive=True).method.message_count == 0


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("arguments", [{}, STREAM], ids=["classic", "stream"])
def test_consumers_get_what_is_produced_while_they_wait(both, arguments, codec):
    channel = both.amqp()
    channel.queue_declare("q", durable=True, arguments=arguments)
    channel.basic_publish("", "q", b"before")
    channel.basic_qos(prefetch_count=1000)
    start = {"x-stream-offset": "first"} if arguments else {}
    generator = channel.consume("q", arguments=start, inactivity_timeout=PATIENCE)
    bodies = [next(generator)[2]]
    records = [(None, f"{n}".encode() * 50, None) for n in range(300)]
    produce(both, "q", *records, compression_type=codec, linger_ms=20)
    other = both.amqp()
    other.basic_publish("", "q", b"after")
    while len(bodies) < 302:
        message = next(generator)
        assert message[0] is not None, f"{len(bodies)} came"
        channel.basic_ack(message[0].delivery_tag)
        bodies.append(message[2])
    assert bodies == [b"before", *(value for _, value, _ in records), b"after"]


def test_a_stream_is_a_topic_with_offsets_and_times(both):
    channel = both.amqp()
    channel.queue_declare("log", durable=True, arguments=STREAM)
    for n in range(10):
        channel.basic_publish("", "log", str(n).encode())
    consumer = Consumer(both.kafka(group_id="g", enable_auto_commit=False))
    assert consumer.get_watermark_offsets(TopicPartition("log", 0), timeout=PATIENCE) == (0, 10)
    middle = both.read("log", 10)[5]
    at = TopicPartition("log", 0, middle.timestamp()[1])
    found = consumer.offsets_for_times([at], timeout=PATIENCE)[0].offset
    assert found <= 5 and both.read("log", 1, offset=found)[0].timestamp()[1] >= middle.timestamp()[1]
    consumer.close()


def test_a_group_commits_on_a_queue_and_goes_on_after_a_restart(both):
    channel = both.amqp()
    channel.queue_declare("log", durable=True, arguments=STREAM)
    for n in range(6):
        channel.basic_publish("", "log", str(n).encode())

    def some(count):
        consumer = Consumer(both.kafka(group_id="g", auto_offset_reset="earliest", enable_auto_commit=False))
        consumer.subscribe(["log"])
        found, deadline = [], time.monotonic() + PATIENCE
        while len(found) < count and time.monotonic() < deadline:
            record = consumer.poll(0.5)
            if record and not record.error():
                found.append(record.value())
                consumer.commit(record, asynchronous=False)
        consumer.close()
        return found
    assert some(3) == [b"0", b"1", b"2"]
    channel.connection.close()
    both.naru.kill()
    both.naru.start()
    assert some(3) == [b"3", b"4", b"5"]


def test_priorities_are_partitions(both):
    channel = both.amqp()
    channel.queue_declare("p", durable=True, arguments={"x-max-priority": 2})
    for priority in (0, 2, 1, 2):
        channel.basic_publish("", "p", str(priority).encode(), pika.BasicProperties(priority=priority))
    assert len(both.topics()["p"].partitions) == 3
    assert [record.value() for record in both.read("p", 2, partition=2)] == [b"2", b"2"]
    producer = both.producer()
    producer.produce("p", b"urgent", partition=2)
    producer.flush(PATIENCE)
    assert [body for _, _, body in consume(channel, "p", 5)] == [b"2", b"2", b"urgent", b"1", b"0"]


def test_names(both):
    channel = both.amqp()
    for name, durable in (("plain", True), ("transient", False), ("with space", True), ("a/b", True)):
        channel.queue_declare(name, durable=durable)
    channel.queue_declare("", exclusive=True)
    wait_until(lambda: "plain" in both.topics(), "the queue is seen by Kafka")
    assert set(both.topics()) == {"plain"}


def test_a_name_is_one_thing(both):
    channel = both.amqp()
    channel.queue_declare("q", durable=True)
    admin = both.admin()
    with pytest.raises(KafkaException) as refused:
        admin.create_topics([NewTopic("q", 1)])["q"].result(PATIENCE)
    assert refused.value.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
    admin.create_topics([NewTopic("t", 2)])["t"].result(PATIENCE)
    produce(both, "t", (None, b"x", None))
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.queue_declare("t", durable=True)
    assert closed.value.reply_code == 406 and "topic" in closed.value.reply_text
    assert both.read("t", 1)[0].value() == b"x"
    both.amqp().queue_declare("t", exclusive=True)  # that one is nobody else's anyway


def test_who_asks_first_is_no_obstacle(both):
    """Kafka's consumers make the topics that they ask for; the queue of that name takes the place of the empty topic."""
    asker = both.producer()
    wait_until(lambda: asker.list_topics("orders", PATIENCE).topics["orders"].error is None, "the topic is made by asking")
    consumer = Consumer(both.kafka(group_id="g", auto_offset_reset="earliest", topic_metadata_refresh_interval_ms=200))
    consumer.subscribe(["orders"])
    consumer.poll(0.5)
    channel = both.amqp()
    channel.queue_declare("orders", durable=True, arguments=STREAM)
    channel.basic_publish("", "orders", b"first")
    got = []
    wait_until(lambda: (got.append(consumer.poll(0.2)), [r for r in got if r and not r.error()])[1], "the record comes")
    assert [r.value() for r in got if r and not r.error()] == [b"first"]
    consumer.close()


def test_deleting_one_deletes_the_other(both):
    channel = both.amqp()
    channel.queue_declare("a", durable=True)
    channel.queue_declare("b", durable=True)
    channel.basic_publish("", "b", b"x")
    wait_until(lambda: {"a", "b"} <= set(both.topics()), "both are seen")
    channel.queue_delete("a")
    wait_until(lambda: "a" not in both.topics(), "it is gone for Kafka")
    admin = both.admin()
    admin.delete_topics(["b"])["b"].result(PATIENCE)
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.queue_declare("b", passive=True)
    assert closed.value.reply_code == 404
    channel = both.amqp()
    channel.queue_declare("b", durable=True)  # another one, and empty
    assert channel.basic_get("b") == (None, None, None)
    both.naru.stop()
    both.naru.start()
    assert set(both.topics()) == {"b"}


def test_what_kafka_may_not_change(both):
    channel = both.amqp()
    channel.queue_declare("q", durable=True)
    channel.basic_publish("", "q", b"x")
    both.read("q", 1)
    admin = both.admin()
    with pytest.raises(KafkaException):
        admin.create_partitions([confluent_kafka.admin.NewPartitions("q", 3)])["q"].result(PATIENCE)
    with pytest.raises(KafkaException):
        list(admin.delete_records([TopicPartition("q", 0, 1)]).values())[0].result(PATIENCE)
    assert channel.basic_get("q")[2] == b"x"


def test_limits_hold_for_producers(both):
    channel = both.amqp()
    channel.queue_declare("full", durable=True, arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    channel.queue_declare("head", durable=True, arguments={"x-max-length": 2})
    wait_until(lambda: {"full", "head"} <= set(both.topics()), "both are seen")
    errors = []
    producer = both.producer(batch_num_messages=1, max_in_flight_requests_per_connection=1)
    for n in range(4):
        producer.produce("full", str(n).encode(), on_delivery=lambda error, _: errors.append(error))
        producer.flush(PATIENCE)
    assert [error and error.code() for error in errors] == [None, None, KafkaError.POLICY_VIOLATION, KafkaError.POLICY_VIOLATION]
    produce(both, "head", *((None, str(n).encode(), None) for n in range(5)))
    assert [body for _, _, body in consume(channel, "head", 2)] == [b"3", b"4"]


def test_time_to_live_holds_for_producers(both):
    channel = both.amqp()
    channel.queue_declare("short", durable=True, arguments={"x-message-ttl": 300, "x-dead-letter-exchange": "",
                                                            "x-dead-letter-routing-key": "grave"})
    channel.queue_declare("grave", durable=True)
    produce(both, "short", ("k", b"late", [("h", b"v")]))
    (method, properties, body), = consume(channel, "grave", 1)
    assert (body, properties.headers["h"], properties.headers["x-first-death-reason"]) == (b"late", "v", "expired")


def test_what_was_produced_survives_a_kill(both):
    channel = both.amqp()
    channel.queue_declare("q", durable=True)
    produce(both, "q", *((None, str(n).encode(), None) for n in range(100)), compression_type="lz4")
    for n in range(100, 110):
        channel.basic_publish("", "q", str(n).encode())
    both.naru.kill()
    both.naru.start()
    assert [int(body) for _, _, body in consume(both.amqp(), "q", 110)] == list(range(110))


def test_large_bodies(both):
    body = struct.pack(">Q", 7) * ((100 if "1" in both.naru.flags else 40) * MIB // 8)  # cores share the memory
    channel = both.amqp()
    channel.queue_declare("large", durable=True, arguments=STREAM)
    channel.basic_publish("", "large", body)
    record, = both.read("large", 1, receive_message_max_bytes=200 * MIB, fetch_max_bytes=120 * MIB, message_max_bytes=120 * MIB)
    assert record.value() == body
    (_, _, again), = consume(channel, "large", 1, **{"x-stream-offset": "first"})
    assert again == body


def test_headers_that_fit_no_frame(both):
    """A header frame cannot be split: what does not fit is left out, the rest comes."""
    channel = both.amqp()
    channel.queue_declare("q", durable=True)
    produce(both, "q", ("k", b"x", [("huge", b"h" * 300_000), ("n" * 400, b"long name"), ("small", b"s")]),
            message_max_bytes=2 * MIB)
    (_, properties, body), = consume(channel, "q", 1)
    assert (body, properties.headers) == (b"x", {"n" * 255: "long name", "small": "s"})


# -- streams: what RabbitMQ 3.10 has not, and what only a process shows ----------------------

def test_filters(both):
    channel = both.amqp()
    channel.queue_declare("log", durable=True, arguments=STREAM)
    for n in range(3000):
        headers = {"x-stream-filter-value": ("eu", "us", "asia")[n % 3]} if n % 10 else None
        channel.basic_publish("", "log", str(n).encode(), pika.BasicProperties(headers=headers))
    produce(both, "log", (None, b"from kafka", [("x-stream-filter-value", b"eu")]))

    def wanted(count, **arguments):
        return [body.decode() for _, _, body in consume(both.amqp(), "log", count, **{"x-stream-offset": "first"}, **arguments)]
    eu = [str(n) for n in range(3000) if n % 10 and n % 3 == 0]
    assert wanted(len(eu) + 1, **{"x-stream-filter": "eu"}) == [*eu, "from kafka"]
    plain = [str(n) for n in range(3000) if n % 10 == 0 or n % 3 == 2]
    assert wanted(len(plain), **{"x-stream-filter": ["asia", "none"], "x-stream-match-unfiltered": True}) == plain


def test_readers_of_a_stream_on_disk(both):
    """Far more than is kept in memory, twenty readers at different places, after a restart."""
    channel = both.amqp()
    channel.queue_declare("log", durable=True, arguments=STREAM | {"x-stream-max-segment-size-bytes": MIB})
    producer = both.producer(linger_ms=5)
    for n in range(40_000):
        producer.produce("log", f"{n:08}".encode() * 30, partition=0)
        producer.poll(0)
    assert producer.flush(PATIENCE) == 0
    channel.connection.close()
    both.naru.stop()
    both.naru.start()
    readers = []
    for n in range(20):
        start = n * 2000
        reader = both.amqp()
        reader.basic_qos(prefetch_count=200)
        readers.append((start, reader.consume("log", arguments={"x-stream-offset": start}, inactivity_timeout=PATIENCE), reader))
    for step in range(100):
        for start, messages, reader in readers:
            method, properties, body = next(messages)
            assert int(body[:8]) == start + step == properties.headers["x-stream-offset"]
            reader.basic_ack(method.delivery_tag)


def test_age_and_size_of_a_stream(both, make_naru, tmp_path):
    both.naru.stop()
    config = tmp_path / "naru.toml"
    config.write_text("log-retention-check-interval-ms = 200\n")
    both.naru.flags += ["--config", str(config)]
    both.naru.start()
    channel = both.amqp()
    channel.queue_declare("old", durable=True, arguments=STREAM | {"x-max-age": "2s"})
    channel.queue_declare("big", durable=True, arguments=STREAM | {"x-max-length-bytes": 4 * MIB})
    channel.basic_publish("", "old", b"x")
    for _ in range(100):
        channel.basic_publish("", "big", b"y" * 200_000)
    consumer = Consumer(both.kafka(group_id="g"))
    wait_until(lambda: consumer.get_watermark_offsets(TopicPartition("old", 0), timeout=PATIENCE) == (1, 1), "it is too old")
    low, high = consumer.get_watermark_offsets(TopicPartition("big", 0), timeout=PATIENCE)
    assert high == 100 and 70 <= low <= 85
    consumer.close()


def test_what_is_consumed_gives_its_space_back(both):
    """A queue's log shrinks as it is consumed, whoever reads it besides."""
    channel = both.amqp()
    channel.queue_declare("q", durable=True)
    for _ in range(100):
        channel.basic_publish("", "q", b"x" * MIB)
    assert len(both.read("q", 5)) == 5

    def space():
        return sum(file.stat().st_blocks * 512 for file in (both.naru.data / "segments").iterdir())
    assert space() > 90 * MIB
    consume(channel, "q", 100)
    wait_until(lambda: space() < 10 * MIB, "its space is given back")
