"""What naru has from later brokers than the RabbitMQ of the transcripts: consumers that keep a message for too long, retries
that wait, and streams that remember how far a consumer has come."""
import signal
import time

import pika
import pytest
from broker import PEER, Broker, wait_until
from client import CAPABILITIES
from events import Closed

pytestmark = pytest.mark.skipif(PEER == "rabbitmq", reason="3.10 has none of it")
TRACKED = {"x-stream-automatic-offset-tracking": True}


# -- consumer timeouts ---------------------------------------------------------------

def hold(channel, q, fill, **arguments):
    """A consumer that gets two messages and answers none; when it began."""
    fill(q, *"abc")
    channel.qos(2)
    begin = time.monotonic()
    channel.consume(q, "holder", arguments=arguments)
    assert channel.bodies(2) == ["a", "b"]
    return begin


@pytest.mark.parametrize("of_queue, of_consumer", [({"x-consumer-timeout": 400}, {}), ({}, {"x-consumer-timeout": 400}),
                                                   ({"x-consumer-timeout": 600_000}, {"x-consumer-timeout": 400})])
def test_a_consumer_that_holds_a_message_too_long_is_cancelled(channel, other, q, fill, of_queue, of_consumer):
    channel.declare(q, arguments=of_queue)
    begin = hold(channel, q, fill, **of_consumer)
    assert channel.next("basic.cancel").consumer_tag == "holder"
    assert time.monotonic() - begin > 0.39
    # What it held is for others, in its place, and its late answers harm nobody.
    channel.ack(2)
    channel.nack(1)
    assert [(m.text, m.redelivered) for m in (other.get(q), other.get(q), other.get(q))] == \
        [("a", True), ("b", True), ("c", False)]
    channel.refused(406, "unknown delivery tag 2", "basic.ack", delivery_tag=2)


def test_a_late_multiple_acknowledgement(channel, other, q, fill):
    channel.declare(q, arguments={"x-consumer-timeout": 300})
    hold(channel, q, fill)
    channel.next("basic.cancel")
    channel.ack(2, multiple=True)
    assert other.drain(q) == list("abc")
    assert channel.call("queue.declare", queue=q, passive=True).message_count == 0


def test_who_does_not_understand_a_cancel_loses_the_channel(connect, other, q, fill):
    channel = connect(capabilities=CAPABILITIES | {"consumer_cancel_notify": False}).channel()
    channel.declare(q, arguments={"x-consumer-timeout": 300})
    hold(channel, q, fill)
    channel.expect_error(406, "delivery acknowledgement on channel 1 timed out. Timeout value used: 300 ms. This timeout value "
                         "can be configured, see consumers doc guide to learn more", "")
    assert other.drain(q) == list("abc")


def test_acknowledgements_in_time_keep_a_consumer(channel, q, fill):
    channel.declare(q, arguments={"x-consumer-timeout": 4000})
    channel.qos(1)
    channel.consume(q)
    for n in range(6):
        fill(q, str(n))
        message = channel.deliver()
        time.sleep(0.8)
        channel.ack(message.delivery_tag)
    channel.quiet(4.5)


@pytest.mark.parametrize("value", [0, -1, "soon"])
def test_no_timeout(channel, q, value):
    channel.declare(q)
    channel.send("basic.consume", queue=q, arguments={"x-consumer-timeout": value})
    channel.expect_error(406, None, "basic.consume")


# -- retries that wait ---------------------------------------------------------------

def retrying(channel, q, kind, least, most=None, **more):
    arguments = {"x-queue-type": "quorum", "x-delayed-retry-type": kind, "x-delayed-retry-min": least} | more
    channel.declare(q, durable=True, arguments=arguments | ({"x-delayed-retry-max": most} if most else {}))
    return q


def test_each_retry_waits_longer_up_to_the_maximum(channel, q, fill):
    retrying(channel, q, "failed", 300, 700)
    fill(q, "a")
    channel.consume(q)
    tag = channel.deliver().delivery_tag
    for count, delay in ((1, 0.3), (2, 0.6), (3, 0.7), (4, 0.7)):
        begin = time.monotonic()
        channel.reject(tag)
        again = channel.deliver()
        assert time.monotonic() - begin > delay - 0.02
        assert (again.text, again.redelivered, again.headers["x-delivery-count"]) == ("a", True, count)
        tag = again.delivery_tag


@pytest.mark.parametrize("kind, waits", [("failed", ["reject", "close"]), ("returned", ["nack", "recover"]),
                                         ("all", ["reject", "close", "nack", "recover"]), ("disabled", [])])
@pytest.mark.parametrize("how", ["reject", "close", "nack", "recover"])
def test_what_waits(channel, other, q, fill, kind, waits, how):
    retrying(channel, q, kind, 60_000)
    fill(q, "a")
    got = other.get(q, no_ack=False)
    if how == "reject":
        other.reject(got.delivery_tag)
    elif how == "nack":
        other.nack(got.delivery_tag)
    elif how == "recover":
        other.call("basic.recover", requeue=True)
    else:
        other.close()
    # It is there in any case, and others go before it.
    wait_until(lambda: channel.call("queue.declare", queue=q, passive=True).message_count == 1, "it is back")
    fill(q, "b")
    assert channel.drain(q) == (["b"] if how in waits else ["a", "b"])


def test_the_last_retry_dies_at_once(channel, q, fill):
    channel.declare(q + ".dead")
    retrying(channel, q, "all", 200, **{"x-delivery-limit": 1, "x-dead-letter-exchange": "",
                                        "x-dead-letter-routing-key": q + ".dead"})
    fill(q, "a")
    channel.consume(q)
    for _ in range(2):
        channel.reject(channel.deliver().delivery_tag)
    wait_until(lambda: channel.get(q + ".dead"), "a dead letter")


@pytest.mark.parametrize("arguments, text", [({"x-delayed-retry-type": "sometimes"}, "invalid_delayed_retry_type"),
                                             ({"x-delayed-retry-min": -1}, "{value_negative,-1}"),
                                             ({"x-delayed-retry-max": "long"}, '"expected integer, got longstr"')])
def test_retries_as_they_cannot_be(channel, q, arguments, text):
    name, = arguments
    channel.refused(406, f"invalid arg '{name}' for queue '{q}' in vhost '/': {text}", "queue.declare", queue=q, durable=True,
                    arguments=arguments | {"x-queue-type": "quorum"})


def test_only_quorum_queues_wait(channel, q):
    channel.refused(406, f"invalid arg 'x-delayed-retry-type' for queue '{q}' in vhost '/' of queue type rabbit_classic_queue",
                    "queue.declare", queue=q, durable=True, arguments={"x-delayed-retry-type": "all"})


def test_a_delay_survives_a_crash(tmp_path):
    broker = Broker(tmp_path)
    try:
        def connect():
            return pika.BlockingConnection(pika.URLParameters(f"amqp://guest:guest@{broker.address}/%2f")).channel()
        channel = connect()
        channel.confirm_delivery()
        channel.queue_declare("later", durable=True, arguments={
            "x-queue-type": "quorum", "x-delayed-retry-type": "all", "x-delayed-retry-min": 5000})
        channel.basic_publish("", "later", b"a")
        method, _, _ = channel.basic_get("later")
        begin = time.monotonic()
        channel.basic_reject(method.delivery_tag)
        channel.basic_publish("", "later", b"b")  # its confirm: the journal has all of this
        broker.process.send_signal(signal.SIGKILL)
        broker.process.wait(60)
        broker.start()
        channel = connect()
        got = {}

        def both():
            method, properties, body = channel.basic_get("later", auto_ack=True)
            if method:
                got[body] = (properties.headers or {}).get("x-delivery-count", 0), time.monotonic()
            return len(got) == 2
        wait_until(both, "both are there")
        assert (got[b"a"][0], got[b"b"][0]) == (1, 0)
        assert got[b"a"][1] - begin > 4.9
    finally:
        broker.stop()


# -- places in between ----------------------------------------------------------------

def test_what_expires_behind_a_busy_key_holds_up_nobody(channel, q, fill):
    channel.declare(q, durable=True, arguments={"x-naru-order-key": "header:key"})
    fill(q, "first", headers={"key": "a"})
    fill(q, "expires", headers={"key": "a"}, expiration="100")
    fill(q, "other", headers={"key": "b"})
    channel.qos(1)
    channel.consume(q)
    first = channel.deliver()
    time.sleep(0.4)
    channel.ack(first.delivery_tag)
    assert (first.text, channel.deliver().text) == ("first", "other")


def test_a_dead_letter_stays_until_there_is_a_place_for_it(channel, q, fill):
    channel.declare(q + ".dead", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    channel.declare(q, durable=True, arguments={
        "x-queue-type": "quorum", "x-overflow": "reject-publish", "x-dead-letter-strategy": "at-least-once",
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": q + ".dead"})
    fill(q, "a", "b")
    for _ in range(2):
        channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    for body in ("a", "b"):
        assert wait_until(lambda: channel.get(q + ".dead"), "a dead letter").text == body


def test_two_who_declare_an_exclusive_queue_at_once(connect, q):
    channels = [connect().channel() for _ in range(2)]
    for n in range(70):  # now and then the broker has to fetch numbers for new queues first, and both wait for that
        for channel in channels:
            channel.send("queue.declare", queue=f"{q}-{n}", exclusive=True)
        got = [take(channel) for channel in channels]
        assert sorted(got) == [0, 405]
        channels = [connect().channel() if code else channel for channel, code in zip(channels, got)]


def take(channel):
    try:
        channel.next("queue.declare_ok")
        return 0
    except Closed as closed:
        return closed.code


# -- offsets that are remembered -----------------------------------------------------

@pytest.fixture
def stream(channel, q, fill):
    channel.declare(q, durable=True, arguments={"x-queue-type": "stream"})
    fill(q, *(str(n) for n in range(10)))
    return q


def read(connect, stream, count, acked, tag="reader", **arguments):
    """What a consumer of that tag gets; it acknowledges the first `acked`, and ends."""
    connection = connect()
    channel = connection.channel()
    channel.qos(100)
    channel.consume(stream, tag, arguments=TRACKED | {"x-stream-offset": "first"} | arguments)
    got = channel.bodies(count)
    if acked:
        channel.ack(acked, multiple=True)
    connection.close()
    return got


def test_a_consumer_goes_on_where_it_was(connect, stream, fill):
    assert read(connect, stream, 10, acked=4) == [str(n) for n in range(10)]
    assert read(connect, stream, 6, acked=6) == [str(n) for n in range(4, 10)]
    fill(stream, "10")
    assert read(connect, stream, 1, acked=0) == ["10"]
    assert read(connect, stream, 1, acked=0) == ["10"]
    # Others have their own place, and who does not ask for it has none.
    assert read(connect, stream, 11, acked=1, tag="other")[0] == "0"
    assert read(connect, stream, 11, acked=0, **{"x-stream-automatic-offset-tracking": False})[0] == "0"


def test_holes_do_not_move_the_place(connect, stream):
    connection = connect()
    channel = connection.channel()
    channel.qos(100)
    channel.consume(stream, "reader", arguments=TRACKED | {"x-stream-offset": "first"})
    channel.bodies(10)
    for tag in (1, 2, 5, 4):
        channel.ack(tag)
    connection.close()
    assert read(connect, stream, 8, acked=0)[0] == "2"


def test_null_begins_at_the_first_message(connect, stream):
    connection = connect()
    channel = connection.channel()
    channel.qos(100)
    channel.consume(stream, "reader", arguments={"x-stream-offset": None})
    assert channel.bodies(10)[0] == "0"
    channel.ack(3, multiple=True)
    connection.close()
    assert read(connect, stream, 7, acked=0)[0] == "3"


def test_a_stream_of_the_same_name_knows_nothing(connect, channel, stream, fill):
    read(connect, stream, 10, acked=10)
    channel.call("queue.delete", queue=stream)
    channel.declare(stream, durable=True, arguments={"x-queue-type": "stream"})
    fill(stream, "new")
    assert read(connect, stream, 1, acked=0) == ["new"]
