"""x-queue-type=stream over AMQP: a log that is read, not emptied."""
import time

import pytest
from broker import wait_until
from wire import Typed

STREAM = {"x-queue-type": "stream"}


@pytest.fixture
def stream(channel, q, fill):
    channel.declare(q, durable=True, arguments=STREAM)
    for n in range(10):
        fill(q, str(n))  # one by one: the original delivers whole chunks, and these are chunks of one
    return q


def read(channel, stream, count, offset=None, tag="", prefetch=100, **arguments):
    channel.qos(prefetch)
    if offset is not None:
        arguments["x-stream-offset"] = offset
    channel.consume(stream, tag, arguments=arguments)
    found = []
    for _ in range(count):
        message = channel.deliver()
        found.append((message.headers["x-stream-offset"], message.text))
        channel.ack(message.delivery_tag)
    return found


ALL = [(n, str(n)) for n in range(10)]


def test_first(channel, stream):
    assert read(channel, stream, 10, "first") == ALL


def test_offsets_are_longs(channel, stream):
    channel.qos(10)
    channel.consume(stream, arguments={"x-stream-offset": "first"})
    offset = channel.deliver().headers["x-stream-offset"]
    assert (offset, offset.kind) == (0, "l")


@pytest.mark.parametrize("offset", [0, 3, 9])
def test_by_number(channel, stream, offset):
    assert read(channel, stream, 10 - offset, offset) == ALL[offset:]


def test_beyond_the_end_waits(channel, stream, fill):
    channel.qos(10)
    channel.consume(stream, arguments={"x-stream-offset": 12})
    fill(stream, "10", "11", "12")
    assert channel.deliver().text == "12"


@pytest.mark.parametrize("offset", ["next", None])
def test_next_is_the_default(channel, stream, fill, offset):
    channel.qos(10)
    channel.consume(stream, arguments={} if offset is None else {"x-stream-offset": offset})
    channel.quiet()
    fill(stream, "new")
    assert channel.deliver().text == "new"


def test_last_starts_with_the_last_chunk(channel, stream, fill):
    channel.qos(100)
    channel.consume(stream, arguments={"x-stream-offset": "last"})
    found = [channel.deliver().headers["x-stream-offset"]]
    while found[-1] < 9:
        found.append(channel.deliver().headers["x-stream-offset"])
    assert found[-1] == 9


def test_by_timestamp(channel, stream):
    assert read(channel, stream, 10, Typed("T", int(time.time()) - 3600)) == ALL


def test_by_timestamp_of_the_future(channel, stream, fill):
    channel.qos(10)
    channel.consume(stream, arguments={"x-stream-offset": Typed("T", int(time.time()) + 3600)})
    channel.quiet()
    fill(stream, "new")
    assert channel.deliver().text == "new"


def test_by_interval(channel, stream):
    assert read(channel, stream, 10, "1h") == ALL


@pytest.mark.parametrize("offset", ["yesterday", True, 1.5])
def test_bad_offsets(channel, stream, broker, offset):
    """The original stumbles over its own feet here: 541."""
    channel.qos(10)
    channel.send("basic.consume", queue=stream, arguments={"x-stream-offset": offset})
    if broker.is_rabbitmq:
        channel.connection.expect_error(541, None, "")
    else:
        channel.expect_error(406, None, "basic.consume")


def test_several_readers_each_get_everything(connection, stream):
    first, second = connection.channel(), connection.channel()
    assert read(first, stream, 10, "first") == read(second, stream, 10, "first") == ALL


def test_a_second_reading_finds_it_all_again(channel, stream):
    assert read(channel, stream, 10, "first", "one") == ALL
    channel.cancel("one")
    assert read(channel, stream, 10, "first", "two") == ALL


def test_prefetch_is_credit(channel, stream):
    channel.qos(3)
    channel.consume(stream, arguments={"x-stream-offset": "first"})
    assert channel.bodies(3) == ["0", "1", "2"]
    channel.quiet()
    channel.ack(2, multiple=True)
    assert channel.bodies(2) == ["3", "4"]
    channel.quiet(0.1)


def test_without_prefetch(channel, stream):
    channel.refused(406, f"consumer prefetch count is not set for 'queue '{stream}' in vhost '/''", "basic.consume", queue=stream)


def test_without_acks(channel, stream):
    channel.qos(10)
    channel.refused_hard(540, f"automatic acknowledgement not supported by stream queues queue '{stream}' in vhost '/'",
                         "basic.consume", queue=stream, no_ack=True)


@pytest.mark.parametrize("name", ["basic.get", "queue.purge"])
def test_not_supported(channel, stream, name):
    channel.refused_hard(540, f"{name} not supported by stream queues queue '{stream}' in vhost '/'", name, queue=stream)


@pytest.mark.parametrize("name", ["basic.nack", "basic.reject"])
@pytest.mark.parametrize("requeue", [True, False])
def test_nack_and_reject(channel, stream, name, requeue):
    channel.qos(2)
    channel.consume(stream, arguments={"x-stream-offset": "first"})
    channel.deliver()
    channel.send(name, delivery_tag=1, requeue=requeue)
    channel.connection.expect_error(
        540, f"basic.nack and basic.reject not supported by stream queues queue '{stream}' in vhost '/'", None)


def test_properties_survive(channel, q, broker):
    """The original turns messages into AMQP 1.0 and loses nested headers on the way; naru keeps them."""
    channel.declare(q, durable=True, arguments=STREAM)
    channel.confirms().publish("", q, "x", content_type="text/plain", headers={"a": 1, "b": {"c": [1, "two"]}}, message_id="m", priority=3,
                               correlation_id="c", timestamp=1700000000, app_id="app", type="t", user_id="guest", delivery_mode=2)
    channel.confirmed()
    channel.qos(10)
    channel.consume(q, arguments={"x-stream-offset": "first"})
    got = channel.deliver()
    nested = {} if broker.is_rabbitmq else {"b": {"c": [1, "two"]}}
    assert got.properties == {
        "content_type": "text/plain", "headers": {"a": 1, **nested, "x-stream-offset": 0}, "message_id": "m", "priority": 3,
        "correlation_id": "c", "timestamp": 1700000000, "app_id": "app", "type": "t", "user_id": "guest", "delivery_mode": 2}
    assert (got.exchange, got.routing_key, got.redelivered) == ("", q, False)


def test_a_queue_of_100_kib_messages(channel, q, fill):
    channel.declare(q, durable=True, arguments=STREAM)
    bodies = [str(n) * 100_000 for n in range(5)]
    fill(q, *bodies)
    channel.qos(10)
    channel.consume(q, arguments={"x-stream-offset": "first"})
    assert channel.bodies(5) == bodies


def test_max_length_bytes_drops_whole_segments(channel, q, fill):
    channel.declare(q, durable=True, arguments=STREAM | {"x-max-length-bytes": 20_000, "x-stream-max-segment-size-bytes": 10_000})
    for n in range(100):
        fill(q, f"{n:04}" + "x" * 1000)
    time.sleep(0.2)

    def first():
        reader = channel.connection.channel()
        reader.qos(10)
        reader.consume(q, arguments={"x-stream-offset": "first"})
        number = int(reader.deliver().text[:4])
        reader.close()
        return number
    wait_until(lambda: first() > 0, "the oldest go")


@pytest.mark.parametrize("arguments", [{"x-max-age": "7D"}, {"x-max-age": "1h"}, {"x-max-age": "30s"}, {"x-max-length-bytes": 10**9},
                                       {"x-stream-max-segment-size-bytes": 10**6}])
def test_arguments(channel, q, arguments):
    channel.declare(q, durable=True, arguments=STREAM | arguments)


@pytest.mark.parametrize("arg, value, reason", [
    ("x-max-age", "7", "invalid_max_age"), ("x-max-age", "7 days", "invalid_max_age"), ("x-max-age", 7, "{unacceptable_type,signedint}"),
    ("x-max-length-bytes", -1, "{value_negative,-1}"), ("x-stream-max-segment-size-bytes", -1, "{value_negative,-1}")])
def test_bad_arguments(channel, q, arg, value, reason):
    channel.refused(406, f"invalid arg '{arg}' for queue '{q}' in vhost '/': {reason}", "queue.declare", queue=q, durable=True,
                    arguments=STREAM | {arg: value})


def test_delete(channel, stream):
    channel.call("queue.delete", queue=stream)
    channel.refused(404, f"no queue '{stream}' in vhost '/'", "queue.declare", queue=stream, passive=True)


def test_bound_to_an_exchange(channel, q, x):
    channel.exchange(x, "topic")
    channel.declare(q, durable=True, arguments=STREAM)
    channel.bind(q, x, "a.#")
    channel.confirms()
    channel.publish(x, "a.b", "in", mandatory=True)
    channel.publish(x, "b.a", "out")
    channel.confirmed()
    channel.qos(5)
    channel.consume(q, arguments={"x-stream-offset": "first"})
    got = channel.deliver()
    assert (got.text, got.exchange, got.routing_key) == ("in", x, "a.b")
    channel.quiet(0.1)


def test_x_offset_of_a_stored_header_is_ours(channel, q, fill):
    channel.declare(q, durable=True, arguments=STREAM)
    fill(q, "a", headers={"x-stream-offset": "forged"})
    channel.qos(1)
    channel.consume(q, arguments={"x-stream-offset": "first"})
    assert channel.deliver().headers["x-stream-offset"] == 0


def test_global_prefetch(channel, stream):
    channel.qos(5)
    channel.qos(5, global_=True)
    channel.send("basic.consume", queue=stream, consumer_tag="one", arguments={"x-stream-offset": "first"})
    channel.connection.expect_error(540, f"queue '{stream}' in vhost '/' does not support global qos", "basic.consume")


def test_counts(channel, stream, broker):
    """The original counts now and then, and says 0 until then."""
    channel.qos(10)
    channel.consume(stream, arguments={"x-stream-offset": "first"})
    channel.bodies(10)
    answer = channel.declare(stream, passive=True)
    assert answer.message_count == 10 or broker.is_rabbitmq


def test_exclusive_means_nothing(connection, channel, stream):
    channel.qos(10)
    channel.consume(stream, "one", exclusive=True, arguments={"x-stream-offset": "first"})
    assert channel.bodies(10) == [str(n) for n in range(10)]
    other = connection.channel()
    other.qos(10)
    other.consume(stream, "two", arguments={"x-stream-offset": "first"})
    assert other.bodies(10) == [str(n) for n in range(10)]


@pytest.mark.parametrize("flag", ["if_unused", "if_empty"])
def test_delete_whatever_is_there(channel, stream, flag):
    channel.qos(10)
    channel.consume(stream, arguments={"x-stream-offset": "first"})
    channel.bodies(10)
    channel.call("queue.delete", queue=stream, **{flag: True})


def test_readers_are_told_of_the_end(channel, other, stream):
    channel.qos(10)
    channel.consume(stream, "one", arguments={"x-stream-offset": "first"})
    channel.bodies(10)
    other.call("queue.delete", queue=stream)
    assert channel.next("basic.cancel").consumer_tag == "one"


def test_expiration_of_a_message_means_nothing(channel, q, fill):
    channel.declare(q, durable=True, arguments=STREAM)
    fill(q, "a", expiration="1")
    time.sleep(0.1)
    channel.qos(1)
    channel.consume(q, arguments={"x-stream-offset": "first"})
    assert channel.deliver().text == "a"


def test_recover(channel, stream, broker):
    """The original stumbles: 541."""
    channel.qos(2)
    channel.consume(stream, arguments={"x-stream-offset": "first"})
    channel.bodies(2)
    channel.send("basic.recover", requeue=True)
    if broker.is_rabbitmq:
        channel.connection.expect_error(541, None, "")
    else:
        channel.connection.expect_error(
            540, f"basic.nack and basic.reject not supported by stream queues queue '{stream}' in vhost '/'", None)


def test_after_a_cancel_acks_are_fine(channel, stream):
    channel.qos(3)
    channel.consume(stream, "one", arguments={"x-stream-offset": "first"})
    channel.bodies(3)
    channel.cancel("one")
    channel.ack(3, multiple=True)
    assert read(channel, stream, 2, 3, "two") == ALL[3:5]


def test_a_negative_offset_is_the_first(channel, stream):
    assert read(channel, stream, 10, -1) == ALL


@pytest.mark.parametrize("kind", ["b", "s", "I", "l"])
def test_offsets_of_any_integer(channel, stream, kind):
    assert read(channel, stream, 3, Typed(kind, 7)) == ALL[7:]


@pytest.mark.parametrize("age, count", [("1Y", 10), ("1M", 10), ("1D", 10), ("10m", 10), ("3600s", 10)])
def test_ages(channel, stream, age, count):
    assert read(channel, stream, count, age) == ALL[:count]


def test_headers_and_exchanges_lead_to_streams(channel, q, x):
    channel.exchange(x, "headers")
    channel.declare(q, durable=True, arguments=STREAM)
    channel.declare(q + "2", arguments={})
    channel.bind(q, x, "", arguments={"x-match": "any", "kind": "event"})
    channel.bind(q + "2", x, "", arguments={"x-match": "any", "kind": "event"})
    channel.confirms()
    channel.publish(x, "rk", "body", headers={"kind": "event"}, mandatory=True)
    channel.confirmed()
    channel.qos(1)
    channel.consume(q, arguments={"x-stream-offset": "first"})
    assert channel.deliver().text == channel.get(q + "2").text == "body"
