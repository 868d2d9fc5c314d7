"""Queues that feed a topic of Kafka's (x-naru-to-topic): how an exchange is bound to a topic. With unmodified pika and
confluent-kafka."""
import random
import time

import pika
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import NewPartitions, NewTopic

from naru import PATIENCE, wait_until
from test_one_set_of_data import both, consume  # noqa: F401
from test_queue_arguments import declare, http, publish, refused


def create(both, name, partitions=4, **config):
    admin = both.admin()
    settings = {key.replace("_", "."): value for key, value in config.items()}
    admin.create_topics([NewTopic(name, partitions, 1, config=settings)])[name].result(PATIENCE)


def everything(both, topic, partitions=4):
    """All records, by partition."""
    consumer = Consumer(both.kafka(group_id="all", enable_auto_commit=False, enable_partition_eof=False))
    found = {}
    for partition in range(partitions):
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), PATIENCE)
        found[partition] = both.read(topic, high - low, partition) if high > low else []
    consumer.close()
    return found


def bound(both, exchange="shop", queue="to-orders", topic="orders", key="order.#", **arguments):
    channel = both.amqp()
    channel.exchange_declare(exchange, "topic", durable=True)
    declare(channel, queue, to_topic=topic, **arguments)
    channel.queue_bind(queue, exchange, key)
    return channel


def drain(both, queue="to-orders"):
    """Until the topic has all, on disk: what is on its way there counts as unacknowledged."""
    def is_empty():
        status, shown = http(both, "GET", f"/api/queues/%2F/{queue}", {})
        assert status == 200, shown
        return shown["messages"] == 0
    wait_until(is_empty, f"{queue} is empty", PATIENCE)


def test_an_exchange_publishes_to_a_topic_of_kafka(both):
    create(both, "orders")
    channel = bound(both)
    keys = [f"order.{i % 7}" for i in range(70)]
    for number, key in enumerate(keys):
        publish(channel, key, str(number), exchange="shop", content_type="text/plain", headers={"n": number})
    publish(channel, "other.1", "not for the topic", exchange="shop")
    drain(both)
    found = everything(both, "orders")
    assert sum(map(len, found.values())) == 70
    for records in found.values():
        for key in set(record.key() for record in records):  # in order, and all of a key in one partition
            mine = [int(record.value()) for record in records if record.key() == key]
            assert mine == [number for number, sent in enumerate(keys) if sent.encode() == key]
    record = next(record for records in found.values() for record in records)
    headers = dict(record.headers())
    assert headers["amqp.exchange"] == b"shop" and headers["n"] == record.value()
    # Kafka's Java producer, and every other one that is told to do as it does, puts these keys into the same partitions.
    producer = both.producer(partitioner="murmur2")
    placed = {}
    for key in set(keys):
        producer.produce("orders", b"x", key, on_delivery=lambda error, message: placed.update({message.key(): message.partition()}))
    assert producer.flush(PATIENCE) == 0
    assert placed == {record.key(): partition for partition, records in found.items() for record in records}


def test_a_queue_over_the_topic_gets_it_back_as_it_was(both):
    create(both, "orders", 1)
    channel = bound(both)
    declare(channel, "billing", topic="orders")
    properties = {"headers": {"tenant": "a", "list": [1, {"b": True}]}, "correlation_id": "c", "priority": 3, "type": "t"}
    publish(channel, "order.eu", "hello", exchange="shop", **properties)
    (method, got, body), = consume(channel, "billing", 1)
    assert (method.exchange, method.routing_key, body) == ("shop", "order.eu", b"hello")
    assert got.headers == properties["headers"] and got.correlation_id == "c" and got.priority == 3 and got.type == "t"


def test_who_publishes_to_the_queue_itself_publishes_without_a_key(both):
    create(both, "orders")
    channel = both.amqp()
    declare(channel, "to-orders", to_topic="orders")
    publish(channel, "to-orders", *map(str, range(1000)))
    drain(both)
    found = everything(both, "orders")
    assert sorted(int(record.value()) for records in found.values() for record in records) == list(range(1000))
    assert {record.key() for records in found.values() for record in records} == {None}
    assert all(len(records) > 100 for records in found.values())


def test_what_such_a_queue_cannot_be(both):
    create(both, "orders")
    channel = both.amqp()
    assert "x-naru-to-topic: no such topic" in refused(channel, 404, declare, channel, "q", to_topic="nothing")
    channel = both.amqp()
    channel.queue_declare("work", durable=True)
    assert "bind that" in refused(channel, 406, declare, channel, "q", to_topic="work")
    for arguments in ({"x-max-priority": 3}, {"x-expires": 1000}, {"x-naru-order-key": "routing-key"}, {"x-naru-retain": "1h"},
                      {"x-naru-topic": "orders"}):
        channel = both.amqp()
        assert "in order" in refused(channel, 406, channel.queue_declare, "q", durable=True,
                                     arguments={"x-naru-to-topic": "orders", **arguments})
    channel = both.amqp()
    assert "durable" in refused(channel, 406, channel.queue_declare, "q", arguments={"x-naru-to-topic": "orders"})
    channel = both.amqp()
    declare(channel, "q", to_topic="orders")
    assert channel.basic_get("q")[0] is None
    assert "exclusive use" in refused(channel, 403, channel.basic_consume, "q", lambda *_: None)


def test_what_a_topic_does_not_take_becomes_a_dead_letter(both):
    create(both, "orders", 1, max_message_bytes="2000", cleanup_policy="compact")
    channel = both.amqp()
    channel.queue_declare("dead", durable=True)
    channel.queue_declare("to-orders", durable=True, arguments={
        "x-naru-to-topic": "orders", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
    channel.exchange_declare("shop", "fanout", durable=True)
    channel.queue_bind("to-orders", "shop")
    publish(channel, "k1", "fits", exchange="shop")
    publish(channel, "k2", "x" * 3000, exchange="shop")
    publish(channel, "to-orders", "no key, and the topic is compacted")
    publish(channel, "k3", "fits, too", exchange="shop")
    dead = consume(channel, "dead", 2)
    assert sorted(len(body) for _, _, body in dead) == [34, 3000]
    assert [properties.headers["x-death"][0]["reason"] for _, properties, _ in dead] == ["rejected"] * 2
    drain(both)
    assert [record.value() for record in both.read("orders", 2)] == [b"fits", b"fits, too"]


def test_messages_wait_while_there_is_no_topic(both):
    create(both, "orders", 1)
    channel = bound(both)
    publish(channel, "order.1", "before", exchange="shop")
    drain(both)
    admin = both.admin()
    admin.delete_topics(["orders"])["orders"].result(PATIENCE)
    publish(channel, "order.2", "waits", exchange="shop")
    both.naru.stop()
    both.naru.start()
    channel = both.amqp()
    assert channel.queue_declare("to-orders", passive=True).method.message_count == 1
    create(both, "orders", 2)
    drain(both)
    assert [record.value() for records in everything(both, "orders", 2).values() for record in records] == [b"waits"]


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_topic_that_compresses_is_read_back_right(both, codec):
    """That its batches have this codec is shown by topic_feeds_test.cc."""
    create(both, "orders", 2, compression_type=codec)
    channel = bound(both)
    for number in range(20):
        publish(channel, f"order.{number}", str(number) * 5000, exchange="shop")
    drain(both)
    found = everything(both, "orders", 2)
    assert sorted(record.value() for records in found.values() for record in records) == sorted(
        (str(number) * 5000).encode() for number in range(20))


def test_partitions_that_are_added_are_used(both):
    create(both, "orders", 1)
    channel = bound(both)
    publish(channel, "order.1", "first", exchange="shop")
    drain(both)
    admin = both.admin()
    admin.create_partitions([NewPartitions("orders", 8)])["orders"].result(PATIENCE)
    for number in range(64):
        publish(channel, f"order.{number}", "x", exchange="shop")
    drain(both)
    found = everything(both, "orders", 8)
    assert sum(map(len, found.values())) == 65
    assert all(found.values())


def test_what_was_confirmed_is_in_the_topic_once_whatever_kills_the_broker(both):
    create(both, "orders", 3)
    bound(both).connection.close()
    sent, rounds = [], 8
    for round_number in range(rounds):
        channel = both.amqp()
        deadline = time.monotonic() + random.uniform(0.05, 0.4)
        while time.monotonic() < deadline:
            number = len(sent)
            publish(channel, f"order.{number % 5}", str(number), exchange="shop")
            sent.append(number)
        both.naru.kill()
        both.naru.start()
    channel = both.amqp()
    drain(both)
    found = everything(both, "orders", 3)
    got = [int(record.value()) for records in found.values() for record in records]
    assert sorted(got) == sent
    for records in found.values():
        for key in range(5):
            mine = [int(record.value()) for record in records if record.key() == f"order.{key}".encode()]
            assert mine == sorted(mine)
