"""pika's BlockingConnection doing its users' everyday work; see scenarios.md."""
import datetime
import decimal
import hashlib
import os
import sys
import time

import pika
from pika.exceptions import ChannelClosedByBroker, UnroutableError

HOST, PORT, SCENARIO, PREFIX = sys.argv[1:5]
PERSISTENT = pika.BasicProperties(delivery_mode=2, content_type="text/plain")


def connect():
    return pika.BlockingConnection(pika.ConnectionParameters(HOST, int(PORT), client_properties={"connection_name": "pika"}))


def fill(channel, queue, bodies, **properties):
    for body in bodies:
        channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2, **properties), mandatory=True)


def topology(connection, channel):
    channel.exchange_declare(PREFIX + ".events", "topic", durable=True)
    channel.queue_declare(PREFIX, durable=True, arguments={"x-max-length": 1000})
    channel.queue_bind(PREFIX, PREFIX + ".events", "order.*.created")
    channel.confirm_delivery()
    channel.basic_publish(PREFIX + ".events", "order.eu.created", b"one", PERSISTENT, mandatory=True)
    method, properties, body = channel.basic_get(PREFIX, auto_ack=True)
    assert (body, method.routing_key, properties.content_type) == (b"one", "order.eu.created", "text/plain")
    try:
        channel.queue_declare(PREFIX, durable=False)
        raise AssertionError("another declaration was accepted")
    except ChannelClosedByBroker as error:
        assert error.reply_code == 406 and "inequivalent arg 'durable'" in error.reply_text, error
    channel = connection.channel()
    channel.queue_unbind(PREFIX, PREFIX + ".events", "order.*.created")
    channel.queue_delete(PREFIX)
    channel.exchange_delete(PREFIX + ".events")


def confirms(connection, channel):
    channel.queue_declare(PREFIX, durable=True)
    channel.confirm_delivery()
    for n in range(1000):
        channel.basic_publish("", PREFIX, str(n), PERSISTENT)
    assert channel.queue_declare(PREFIX, passive=True).method.message_count == 1000
    try:
        channel.basic_publish("", PREFIX + ".nowhere", b"x", mandatory=True)
        raise AssertionError("unroutable, and nobody said so")
    except UnroutableError:
        pass


def consume(connection, channel):
    channel.queue_declare(PREFIX)
    fill(channel, PREFIX, map(str, range(200)))
    channel.basic_qos(prefetch_count=10)
    got = []
    for method, _, body in channel.consume(PREFIX):
        got.append(int(body))
        channel.basic_ack(method.delivery_tag)
        if len(got) == 200:
            break
    channel.cancel()
    assert got == list(range(200))
    assert channel.queue_declare(PREFIX, passive=True).method.message_count == 0


def redelivery(connection, channel):
    channel.queue_declare(PREFIX, durable=True)
    fill(channel, PREFIX, ["a", "b", "c"])
    assert [channel.basic_get(PREFIX)[2] for _ in range(2)] == [b"a", b"b"]
    connection.close()
    channel = connect().channel()
    got = [channel.basic_get(PREFIX, auto_ack=True) for _ in range(3)]
    assert [(body, method.redelivered) for method, _, body in got] == [(b"a", True), (b"b", True), (b"c", False)]


def requeue(connection, channel):
    channel.queue_declare(PREFIX)
    fill(channel, PREFIX, ["a", "b", "c", "d"])
    tags = [channel.basic_get(PREFIX)[0].delivery_tag for _ in range(3)]
    channel.basic_nack(tags[2], requeue=True)
    channel.basic_reject(tags[0], requeue=True)
    channel.basic_nack(tags[1], requeue=False)
    assert [channel.basic_get(PREFIX, auto_ack=True)[2] for _ in range(3)] == [b"a", b"c", b"d"]


def rpc(connection, channel):
    server = connection.channel()
    server.queue_declare(PREFIX)

    def serve(_channel, _method, properties, body):
        server.basic_publish("", properties.reply_to, body[::-1],
                             pika.BasicProperties(correlation_id=properties.correlation_id))
    server.basic_consume(PREFIX, serve, auto_ack=True)
    answers = {}
    channel.basic_consume("amq.rabbitmq.reply-to", lambda _c, _m, p, body: answers.update({p.correlation_id: body}), auto_ack=True)
    for n in range(50):
        channel.basic_publish("", PREFIX, f"question {n}", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to", correlation_id=str(n)))
    deadline = time.monotonic() + 60
    while len(answers) < 50:
        assert time.monotonic() < deadline, answers
        connection.process_data_events(0.1)
    assert answers["49"] == b"question 49"[::-1]


def retry(connection, channel):
    """A work queue and a waiting room; three attempts."""
    channel.queue_declare(PREFIX, durable=True, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": PREFIX + ".wait"})
    channel.queue_declare(PREFIX + ".wait", durable=True, arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": PREFIX, "x-message-ttl": 50})
    fill(channel, PREFIX, ["job"])
    for attempt, (method, properties, _) in enumerate(channel.consume(PREFIX, inactivity_timeout=60)):
        deaths = (properties.headers or {}).get("x-death", [])
        assert [d["count"] for d in deaths] == [attempt] * len(deaths) and len(deaths) == (2 if attempt else 0), deaths
        if attempt == 3:
            channel.basic_ack(method.delivery_tag)
            break
        channel.basic_reject(method.delivery_tag, requeue=False)
    channel.cancel()


def priority(connection, channel):
    channel.queue_declare(PREFIX, arguments={"x-max-priority": 10})
    for n in (1, 9, 5):
        fill(channel, PREFIX, [str(n)], priority=n)
    assert [channel.basic_get(PREFIX, auto_ack=True)[2] for _ in range(3)] == [b"9", b"5", b"1"]


def large(connection, channel):
    channel.queue_declare(PREFIX)
    for body in (b"", os.urandom(5_000_000)):
        fill(channel, PREFIX, [body])
        got = channel.basic_get(PREFIX, auto_ack=True)[2]
        assert hashlib.sha256(got or b"").digest() == hashlib.sha256(body).digest()


def headers(connection, channel):
    sent = {"int": 42, "long": 2**40, "text": "héllo", "true": True, "none": None, "list": [1, "two", [3]], "table": {"a": {"b": 1}},
            "bytes": b"\0\xff", "time": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), "decimal": decimal.Decimal("3.14")}
    properties = pika.BasicProperties("application/json", "gzip", sent, 2, 7, "corr", "reply", "60000", "id", 1700000000, "type", "guest", "app")
    channel.queue_declare(PREFIX)
    channel.basic_publish("", PREFIX, b"x", properties)
    got = channel.basic_get(PREFIX, auto_ack=True)[1]
    got.headers["time"] = got.headers["time"].replace(tzinfo=datetime.timezone.utc)
    assert got.headers == sent, got.headers
    got.headers = properties.headers = None
    assert got == properties, got


def work(connection, channel):
    """Says what it works on and never finishes: the test kills it."""
    channel.queue_declare(PREFIX, durable=True)
    channel.basic_qos(prefetch_count=1)
    for method, _, body in channel.consume(PREFIX):
        print(f"working {body.decode()} {int(method.redelivered)}", flush=True)
        time.sleep(600)


def main():
    connection = connect()
    globals()[SCENARIO](connection, connection.channel())
    print("ok")


main()
