"""What naru has from later brokers than the RabbitMQ of the transcripts: consumers that keep a message for too long, and
streams that remember how far a consumer has come."""
import time

import pytest
from broker import PEER
from client import CAPABILITIES

pytestmark = pytest.mark.skipif(PEER == "rabbitmq", reason="3.10 has neither")
TRACKED = {"x-stream-automatic-offset-tracking": True}


# -- consumer timeouts ---------------------------------------------------------------

def hold(channel, q, fill, **arguments):
    """A consumer that gets two messages and answers none."""
    fill(q, *"abc")
    channel.qos(2)
    channel.consume(q, "holder", arguments=arguments)
    assert channel.bodies(2) == ["a", "b"]
    return time.monotonic()


@pytest.mark.parametrize("of_queue, of_consumer", [({"x-consumer-timeout": 400}, {}), ({}, {"x-consumer-timeout": 400}),
                                                   ({"x-consumer-timeout": 60_000}, {"x-consumer-timeout": 400})])
def test_a_consumer_that_holds_a_message_too_long_is_cancelled(channel, other, q, fill, of_queue, of_consumer):
    channel.declare(q, arguments=of_queue)
    begin = hold(channel, q, fill, **of_consumer)
    assert channel.next("basic.cancel", timeout=3).consumer_tag == "holder"
    assert 0.39 < time.monotonic() - begin < 1.5
    # What it held is for others, in its place, and its late answers harm nobody.
    channel.ack(2)
    channel.nack(1)
    assert [(m.text, m.redelivered) for m in (other.get(q), other.get(q), other.get(q))] == \
        [("a", True), ("b", True), ("c", False)]
    channel.refused(406, "unknown delivery tag 2", "basic.ack", delivery_tag=2)


def test_a_late_multiple_acknowledgement(channel, other, q, fill):
    channel.declare(q, arguments={"x-consumer-timeout": 300})
    hold(channel, q, fill)
    channel.next("basic.cancel", timeout=3)
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
    channel.declare(q, arguments={"x-consumer-timeout": 400})
    channel.qos(1)
    channel.consume(q)
    for n in range(5):
        fill(q, str(n))
        message = channel.deliver()
        time.sleep(0.2)
        channel.ack(message.delivery_tag)
    channel.quiet(0.8)


@pytest.mark.parametrize("value", [0, -1, "soon"])
def test_no_timeout(channel, q, value):
    channel.declare(q)
    channel.send("basic.consume", queue=q, arguments={"x-consumer-timeout": value})
    channel.expect_error(406, None, "basic.consume")


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
