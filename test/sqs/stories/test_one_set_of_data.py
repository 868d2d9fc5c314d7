"""One set of data: an SQS queue is an AMQP queue of the same name and a Kafka topic; attributes go both ways (docs/mapping.md)."""
import time
import uuid

import pika
import pytest
from broker import PEER
from confluent_kafka import Consumer, Producer, TopicPartition
from queues import Sqs
from wire import Client

pytestmark = pytest.mark.skipif(PEER != "naru", reason="the look-alikes speak SQS only")
ATTRIBUTES = {"text": {"DataType": "String", "StringValue": "ä 日本"}, "number": {"DataType": "Number", "StringValue": "42"},
              "binary": {"DataType": "Binary", "BinaryValue": "AAH/"}, "custom": {"DataType": "String.url", "StringValue": "http://x"}}


@pytest.fixture
def sqs(broker):
    with Client(broker.address) as client:
        using = Sqs(client)
        yield using
        using.clean_up()


@pytest.fixture
def channel(broker):
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", broker.amqp_port, heartbeat=0))
    made = connection.channel()
    made.confirm_delivery()
    yield made
    connection.close()


def read_topic(broker, topic, count):
    consumer = Consumer({"bootstrap.servers": broker.kafka_address, "group.id": str(uuid.uuid4()), "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found, deadline = [], time.monotonic() + 60
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} records"
        found += [record for record in consumer.consume(count, 0.5) if not record.error()]
    consumer.close()
    return found


def get(channel, queue):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        method, properties, body = channel.basic_get(queue)
        if method:
            return method, properties, body
        time.sleep(0.02)
    raise AssertionError("no message came")


def test_sent_by_sqs_taken_by_amqp(sqs, channel, name):
    queue = sqs.create(name)
    sent = sqs.send(queue, "ä body", MessageAttributes=ATTRIBUTES)
    method, properties, body = get(channel, name)
    assert body.decode() == "ä body" and properties.message_id == sent["MessageId"]
    assert {key: properties.headers[key] for key in ("text", "custom")} == {"text": "ä 日本", "custom": "http://x"}
    assert str(properties.headers["number"]) == "42" and properties.headers["binary"] in (b"\0\1\xff", "AAH/")
    assert sqs.counts(queue) == (0, 1, 0)
    channel.basic_nack(method.delivery_tag)
    got = sqs.one(queue, MessageAttributeNames=["All"])
    assert got["MessageAttributes"] == ATTRIBUTES and got["MessageId"] == sent["MessageId"]
    sqs.delete(queue, got)
    assert channel.queue_declare(name, passive=True).method.message_count == 0


def test_published_by_amqp_taken_by_sqs(sqs, channel, name):
    queue = sqs.create(name)
    channel.basic_publish("", name, "ä body".encode(), pika.BasicProperties(
        delivery_mode=2, message_id="m-1", correlation_id="c-1", content_type="text/plain", headers={"text": "x", "int": 7, "bytes": b"\xff\0"}))
    got = sqs.one(queue, MessageAttributeNames=["All"], AttributeNames=["All"])
    assert got["Body"] == "ä body"
    attributes = got["MessageAttributes"]
    assert attributes["text"] == {"DataType": "String", "StringValue": "x"}
    assert attributes["int"]["StringValue"] == "7" and attributes["int"]["DataType"].startswith("Number")
    assert attributes["bytes"] == {"DataType": "Binary", "BinaryValue": "/wA="}
    assert abs(int(got["Attributes"]["SentTimestamp"]) / 1000 - time.time()) < 60
    sqs.delete(queue, got)
    assert sqs.counts(queue) == (0, 0, 0)


def test_a_queue_that_amqp_declared(sqs, channel, name):
    channel.queue_declare(name, durable=True)
    channel.basic_publish("", name, b"b", pika.BasicProperties(delivery_mode=2))
    queue = sqs.do("GetQueueUrl", QueueName=name)["QueueUrl"]
    assert sqs.do("ListQueues", QueueNamePrefix=name)["QueueUrls"] == [queue]
    assert sqs.attribute(queue, "VisibilityTimeout") == "30"
    assert sqs.drain(queue) == ["b"]
    channel.queue_delete(name)
    assert sqs.refuses("GetQueueUrl", QueueName=name)[0] == "AWS.SimpleQueueService.NonExistentQueue"


def test_what_amqp_holds_is_in_flight_and_the_other_way_round(sqs, channel, name):
    queue = sqs.create(name, VisibilityTimeout=600)
    sqs.send_batch(queue, "1", "2")
    method, _, first = get(channel, name)
    assert sqs.counts(queue) == (1, 1, 0)
    second = sqs.one(queue)
    assert {first.decode(), second["Body"]} == {"1", "2"}
    assert channel.basic_get(name)[0] is None and sqs.receive(queue) == []
    channel.basic_ack(method.delivery_tag)
    sqs.delete(queue, second)
    assert sqs.counts(queue) == (0, 0, 0)


def test_read_as_a_topic(broker, sqs, name):
    queue = sqs.create(name)
    for number in range(3):
        sqs.send(queue, f"body {number}", MessageAttributes={"text": ATTRIBUTES["text"], "number": ATTRIBUTES["number"]})
    records = read_topic(broker, name, 3)
    assert [record.value().decode() for record in records] == ["body 0", "body 1", "body 2"]
    headers = dict(records[0].headers())
    assert headers["text"].decode() == "ä 日本" and headers["number"].decode() == "42"
    assert sqs.counts(queue) == (3, 0, 0), "reading takes nothing"
    assert sorted(sqs.drain(queue)) == ["body 0", "body 1", "body 2"]


def test_produced_to_the_topic(broker, sqs, name):
    queue = sqs.create(name)
    producer = Producer({"bootstrap.servers": broker.kafka_address})
    producer.produce(name, "ä body".encode(), headers={"text": "x", "raw": b"\xff\0"})
    assert producer.flush(20) == 0
    got = sqs.one(queue, MessageAttributeNames=["All"])
    assert got["Body"] == "ä body"
    assert got["MessageAttributes"]["text"] == {"DataType": "String", "StringValue": "x"}
    assert got["MessageAttributes"]["raw"] == {"DataType": "Binary", "BinaryValue": "/wA="}
    sqs.delete(queue, got)
    assert sqs.counts(queue) == (0, 0, 0)


def test_a_body_that_is_no_text(sqs, channel, name):
    """What SQS cannot carry is shown in base64, with a mark."""
    queue = sqs.create(name)
    channel.basic_publish("", name, b"\xff\0\1", pika.BasicProperties(delivery_mode=2))
    got = sqs.one(queue, MessageAttributeNames=["All"])
    assert got["Body"] == "/wAB" and got.get("MessageAttributes"), got


def test_a_fifo_queue_keeps_its_groups(broker, sqs, name):
    queue = sqs.create(name + ".fifo", ContentBasedDeduplication="true")
    for body in ("a1", "b1", "a2"):
        sqs.send(queue, body, MessageGroupId=body[0])
    records = read_topic(broker, name + ".fifo", 3)
    assert [record.value() for record in records] == [b"a1", b"b1", b"a2"]
    assert sqs.drain(queue) in (["a1", "a2", "b1"], ["a1", "b1", "a2"])
