"""x-queue-type=quorum on one node: the same queue with a delivery limit and a few refusals."""
import pytest
from broker import wait_until

QUORUM = {"x-queue-type": "quorum"}


@pytest.fixture
def quorum(channel, q):
    channel.declare(q, durable=True, arguments=QUORUM)
    return q


def test_declare_again(channel, quorum):
    channel.declare(quorum, durable=True, arguments=QUORUM)


def test_publish_get_ack(channel, quorum, fill):
    fill(quorum, *"abc")
    got = channel.get(quorum, no_ack=False)
    assert (got.text, got.redelivered, got.message_count) == ("a", False, 2)
    channel.ack(got.delivery_tag)
    assert channel.drain(quorum) == ["b", "c"]


def test_consume(channel, quorum, fill):
    fill(quorum, *map(str, range(50)))
    channel.qos(10)
    channel.consume(quorum)
    for n in range(50):
        message = channel.deliver()
        assert message.text == str(n)
        channel.ack(message.delivery_tag)


def test_delivery_count_header(channel, quorum, fill):
    fill(quorum, "a")
    channel.consume(quorum)
    first = channel.deliver()
    assert first.properties == {}
    channel.nack(1)
    second = channel.deliver()
    assert (second.headers["x-delivery-count"], second.redelivered) == (1, True)
    channel.nack(2)
    assert channel.deliver().headers["x-delivery-count"] == 2


@pytest.mark.parametrize("limit", [1, 3])
def test_delivery_limit_drops(channel, q, fill, limit):
    channel.declare(q, durable=True, arguments=QUORUM | {"x-delivery-limit": limit})
    fill(q, "poison")
    channel.consume(q)
    for tag in range(1, limit + 2):
        assert channel.deliver().text == "poison"
        channel.nack(tag)
    channel.quiet()


def test_delivery_limit_dead_letters(channel, q, fill):
    channel.declare(q + ".dead")
    channel.declare(q, durable=True, arguments=QUORUM | {"x-delivery-limit": 1, "x-dead-letter-exchange": "",
                                                         "x-dead-letter-routing-key": q + ".dead"})
    fill(q, "poison")
    channel.consume(q)
    for tag in (1, 2):
        channel.deliver()
        channel.nack(tag)
    got = wait_until(lambda: channel.get(q + ".dead"), "the dead letter")
    assert got.headers["x-death"][0]["reason"] == "delivery_limit"
    assert got.headers["x-first-death-reason"] == "delivery_limit"


def test_a_dead_consumer_counts_as_a_delivery(connect, q, fill):
    channel = connect().channel()
    channel.declare(q, durable=True, arguments=QUORUM)
    fill(q, "a")
    dying = connect()
    dead = dying.channel()
    dead.consume(q)
    dead.deliver()
    dying.abort()
    channel.consume(q)
    got = channel.deliver()
    assert (got.redelivered, got.headers["x-delivery-count"]) == (True, 1)


@pytest.mark.parametrize("limit, order", [({"x-delivery-limit": 10}, "caef"), ({}, "efca")], ids=["with-a-limit", "without"])
def test_where_requeued_ones_go(channel, q, fill, count, limit, order):
    """With a delivery limit to the front, in the order they came back; without one to the end."""
    channel.declare(q, durable=True, arguments=QUORUM | limit)
    fill(q, *"abcdef")
    for _ in range(4):
        channel.get(q, no_ack=False)
    channel.nack(3)
    channel.nack(1)
    wait_until(lambda: count(q)[0] == 4, "two are back")
    assert channel.drain(q) == list(order)


def test_global_prefetch_is_refused(channel, quorum):
    channel.qos(10, global_=True)
    channel.send("basic.consume", queue=quorum)
    channel.connection.expect_error(540, f"queue '{quorum}' in vhost '/' does not support global qos", "basic.consume")


def test_single_active_consumer(connection, q, fill):
    first, second = connection.channel(), connection.channel()
    first.declare(q, durable=True, arguments=QUORUM | {"x-single-active-consumer": True})
    first.consume(q, "a")
    second.consume(q, "b")
    fill(q, "1")
    assert first.deliver().text == "1"
    first.cancel("a")
    fill(q, "2")
    assert second.deliver().text == "2"


def test_get_with_single_active_consumer(connection, q):
    channel = connection.channel()
    channel.declare(q, durable=True, arguments=QUORUM | {"x-single-active-consumer": True})
    channel.refused(405, f"cannot obtain access to locked queue '{q}' in vhost '/'. basic.get operations are not supported by quorum queues with "
                    "single active consumer", "basic.get", queue=q)


@pytest.mark.parametrize("overflow", ["drop-head", "reject-publish"])
def test_limits(channel, q, overflow):
    channel.declare(q, durable=True, arguments=QUORUM | {"x-max-length": 2, "x-overflow": overflow})
    channel.confirms()
    answers = {}
    for body in "abcdef":
        channel.publish("", q, body)
        answers |= channel.confirmed()
    if overflow == "drop-head":
        assert channel.drain(q) == ["e", "f"]
    else:
        assert set(answers.values()) == {"ack", "nack"}


def test_reject_publish_dlx_is_not_for_quorum(channel, q):
    channel.declare(q, durable=True, arguments=QUORUM | {"x-overflow": "reject-publish-dlx"})


def test_ttl(channel, q, fill, count):
    channel.declare(q, durable=True, arguments=QUORUM | {"x-message-ttl": 100})
    fill(q, "a")
    wait_until(lambda: channel.get(q) is None, "it expires")


@pytest.mark.parametrize("value", ["at-most-once", "at-least-once"])
def test_dead_letter_strategy(channel, q, fill, value):
    channel.declare(q + ".dead", durable=True, arguments=QUORUM)
    channel.declare(q, durable=True, arguments=QUORUM | {
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": q + ".dead", "x-dead-letter-strategy": value, "x-overflow": "reject-publish"})
    fill(q, "a")
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    got = wait_until(lambda: channel.get(q + ".dead"), "the dead letter")
    assert (got.text, got.headers["x-death"][0]["reason"], got.headers["x-death"][0]["count"]) == ("a", "rejected", 1)


def test_unknown_dead_letter_strategy(channel, q):
    channel.refused(406, f"invalid arg 'x-dead-letter-strategy' for queue '{q}' in vhost '/': invalid_dlx_strategy", "queue.declare", queue=q,
                    durable=True, arguments=QUORUM | {"x-dead-letter-strategy": "maybe"})


def test_purge_and_delete_count(channel, quorum, fill):
    fill(quorum, "a", "b")
    assert channel.call("queue.purge", queue=quorum).message_count == 2
    fill(quorum, "c")
    assert channel.call("queue.delete", queue=quorum).message_count == 1
