"""Priority queues."""
import time

import pytest


def test_highest_first(channel, q, fill):
    channel.declare(q, arguments={"x-max-priority": 10})
    for priority in (1, 5, 3, 10, 0):
        fill(q, str(priority), priority=priority)
    assert channel.drain(q) == ["10", "5", "3", "1", "0"]


def test_order_inside_a_level(channel, q, fill):
    channel.declare(q, arguments={"x-max-priority": 3})
    for n in range(9):
        fill(q, f"{n % 3}-{n}", priority=n % 3)
    assert channel.drain(q) == ["2-2", "2-5", "2-8", "1-1", "1-4", "1-7", "0-0", "0-3", "0-6"]


def test_none_is_zero(channel, q, fill):
    channel.declare(q, arguments={"x-max-priority": 3})
    fill(q, "none")
    fill(q, "one", priority=1)
    fill(q, "zero", priority=0)
    assert channel.drain(q) == ["one", "none", "zero"]


def test_above_the_maximum_is_the_maximum(channel, q, fill):
    channel.declare(q, arguments={"x-max-priority": 3})
    fill(q, "three", priority=3)
    fill(q, "nine", priority=9)
    got = [channel.get(q), channel.get(q)]
    assert [(m.text, m.properties["priority"]) for m in got] == [("three", 3), ("nine", 9)]


def test_without_levels_priority_is_a_property_only(channel, q, fill):
    channel.declare(q)
    for priority in (1, 9, 5):
        fill(q, str(priority), priority=priority)
    assert channel.drain(q) == ["1", "9", "5"]


def test_a_consumer_gets_the_highest_next(channel, q, fill):
    channel.declare(q, arguments={"x-max-priority": 10})
    channel.qos(1)
    fill(q, "low", priority=1)
    channel.consume(q)
    assert channel.deliver().text == "low"
    fill(q, "middle", priority=5)
    fill(q, "high", priority=9)
    channel.ack(1)
    assert channel.deliver().text == "high"
    channel.ack(2)
    assert channel.deliver().text == "middle"


def test_requeue_goes_back_into_its_level(channel, q, fill):
    channel.declare(q, arguments={"x-max-priority": 10})
    fill(q, "a", "b", priority=2)
    fill(q, "c", priority=1)
    for _ in range(2):
        channel.get(q, no_ack=False)
    channel.nack(1)
    fill(q, "d", priority=2)
    assert channel.drain(q) == ["a", "d", "c"]


def test_purge_takes_every_level(channel, q, fill):
    channel.declare(q, arguments={"x-max-priority": 5})
    for priority in range(5):
        fill(q, "x", priority=priority)
    assert channel.call("queue.purge", queue=q).message_count == 5
    assert channel.get(q) is None


def test_count_covers_every_level(channel, q, fill, count):
    channel.declare(q, arguments={"x-max-priority": 5})
    for priority in range(5):
        fill(q, "x", priority=priority)
    assert count(q) == (5, 0)
    assert channel.get(q).message_count == 4


def test_expired_in_a_low_level_is_never_delivered(channel, q, fill):
    channel.declare(q + ".dead")
    channel.declare(q, arguments={"x-max-priority": 5, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": q + ".dead"})
    fill(q, "high", priority=5)
    fill(q, "low", priority=1, expiration="50")
    time.sleep(0.2)
    assert channel.get(q).text == "high"
    assert channel.get(q) is None
    channel.consume(q + ".dead", no_ack=True)
    assert channel.deliver().text == "low"


def test_256_levels(channel, q, fill):
    channel.declare(q, arguments={"x-max-priority": 255})
    for priority in (0, 255, 128):
        fill(q, str(priority), priority=priority)
    assert channel.drain(q) == ["255", "128", "0"]


def test_zero_levels(channel, q, fill):
    channel.declare(q, arguments={"x-max-priority": 0})
    fill(q, "a", priority=5)
    fill(q, "b", priority=9)
    assert channel.drain(q) == ["a", "b"]


def test_drop_head_with_priorities(channel, q, fill, broker):
    """The original drops from the highest level, which nobody wants; naru drops the lowest first."""
    channel.declare(q, arguments={"x-max-priority": 5, "x-max-length": 2})
    fill(q, "high", priority=5)
    fill(q, "low1", "low2", priority=1)
    assert channel.drain(q) == (["low1", "low2"] if broker.is_rabbitmq else ["high", "low2"])


@pytest.mark.parametrize("argument", [{"x-max-priority": 2}])
def test_equivalence_of_levels(channel, q, argument):
    channel.declare(q, arguments=argument)
    channel.declare(q, arguments=argument)


def test_reject_publish_with_priorities(channel, q):
    channel.declare(q, arguments={"x-max-priority": 5, "x-max-length": 1, "x-overflow": "reject-publish"})
    channel.confirms()
    channel.publish("", q, "low", priority=1)
    assert channel.confirmed() == {1: "ack"}
    channel.publish("", q, "high", priority=5)
    assert channel.confirmed() == {2: "nack"}
