"""Consumers: tags, deliveries, cancelling, exclusive ones, turns, priorities, cancel notify."""
import pytest
import re
from client import CAPABILITIES


def test_deliver(channel, q, fill):
    channel.declare(q)
    tag = channel.consume(q, "mine")
    fill(q, "a", priority=1, headers={"h": 1})
    got = channel.deliver()
    assert (tag, got.consumer_tag, got.delivery_tag, got.redelivered, got.exchange, got.routing_key, got.text, got.properties) == \
        ("mine", "mine", 1, False, "", q, "a", {"priority": 1, "headers": {"h": 1}})


def test_server_made_tags(channel, q):
    channel.declare(q)
    tags = {channel.consume(q) for _ in range(3)}
    assert len(tags) == 3 and all(re.fullmatch(r"amq\.ctag-[A-Za-z0-9_-]{22}", tag) for tag in tags)


def test_missing_queue(channel, q):
    channel.refused(404, f"no queue '{q}' in vhost '/'", "basic.consume", queue=q)


def test_tag_in_use(channel, q):
    channel.declare(q)
    channel.consume(q, "A")
    channel.refused_hard(530, "attempt to reuse consumer tag 'A'", "basic.consume", queue=q, consumer_tag="A")


def test_tag_of_another_channel(connection, q):
    first, second = connection.channel(), connection.channel()
    first.declare(q)
    assert first.consume(q, "A") == second.consume(q, "A") == "A"


def test_tag_again_after_cancel(channel, q):
    channel.declare(q)
    for _ in range(3):
        channel.consume(q, "A")
        channel.cancel("A")


def test_what_is_there_comes_in_order(channel, q, fill):
    channel.declare(q)
    fill(q, *map(str, range(50)))
    channel.consume(q)
    assert channel.bodies(50) == list(map(str, range(50)))
    assert channel.inbox == channel.inbox.__class__()


def test_no_ack_is_gone_with_delivery(connection, q, fill):
    channel = connection.channel()
    channel.declare(q)
    fill(q, "a", "b")
    channel.consume(q, no_ack=True)
    assert channel.bodies(2) == ["a", "b"]
    channel.close()
    assert connection.channel().get(q) is None


def test_nowait(channel, q, fill):
    channel.declare(q)
    channel.send("basic.consume", queue=q, consumer_tag="t", nowait=True)
    fill(q, "a")
    assert channel.deliver().consumer_tag == "t"
    channel.send("basic.cancel", consumer_tag="t", nowait=True)
    channel.call("basic.qos")
    fill(q, "b")
    channel.quiet()


def test_nowait_without_tag_makes_one(channel, q, fill):
    channel.declare(q)
    channel.send("basic.consume", queue=q, nowait=True)
    fill(q, "a")
    assert channel.deliver().consumer_tag.startswith("amq.ctag-")


def test_cancel_unknown(channel):
    assert channel.cancel("nobody").consumer_tag == "nobody"


def test_cancel_keeps_the_unacked(channel, q, fill, count):
    channel.declare(q)
    fill(q, "a", "b")
    channel.qos(1)
    channel.consume(q, "t")
    channel.deliver()
    channel.cancel("t")
    assert count(q) == (1, 0)
    channel.ack(1)
    assert channel.drain(q) == ["b"]


def test_nothing_after_cancel_ok(channel, q, fill):
    channel.declare(q)
    channel.consume(q, "t")
    channel.cancel("t")
    fill(q, "a")
    channel.quiet()
    assert channel.get(q).text == "a"


def test_exclusive(channel, other, q):
    channel.declare(q)
    channel.consume(q, "t", exclusive=True)
    other.refused(403, f"queue '{q}' in vhost '/' in exclusive use", "basic.consume", queue=q)


def test_exclusive_on_the_same_channel(channel, q):
    channel.declare(q)
    channel.consume(q, "t", exclusive=True)
    channel.refused(403, f"queue '{q}' in vhost '/' in exclusive use", "basic.consume", queue=q)


def test_exclusive_where_there_is_one(channel, other, q):
    channel.declare(q)
    channel.consume(q)
    other.refused(403, f"queue '{q}' in vhost '/' in exclusive use", "basic.consume", queue=q, exclusive=True)


def test_exclusive_ends_with_cancel(channel, other, q, fill):
    channel.declare(q)
    channel.consume(q, "t", exclusive=True)
    channel.cancel("t")
    other.consume(q)
    fill(q, "a")
    assert other.deliver().text == "a"


def test_exclusive_allows_get(channel, other, q, fill):
    channel.declare(q)
    channel.qos(1)
    channel.consume(q, exclusive=True)
    fill(q, "a", "b")
    channel.deliver()
    assert other.get(q).text == "b"


def test_turns_between_consumers(connection, q, fill):
    channels = [connection.channel() for _ in range(3)]
    channels[0].declare(q)
    for channel in channels:
        channel.consume(q)
    fill(q, *map(str, range(9)))
    got = [channel.bodies(3) for channel in channels]
    assert got == [["0", "3", "6"], ["1", "4", "7"], ["2", "5", "8"]]


def test_turns_on_one_channel(channel, q, fill):
    channel.declare(q)
    for tag in "abc":
        channel.consume(q, tag)
    fill(q, *map(str, range(6)))
    assert [(m.consumer_tag, m.text) for m in (channel.deliver() for _ in range(6))] == [
        ("a", "0"), ("b", "1"), ("c", "2"), ("a", "3"), ("b", "4"), ("c", "5")]


def test_a_busy_consumer_is_left_out(connection, q, fill):
    """With prefetch 1 only who is idle gets work."""
    busy, idle = connection.channel(), connection.channel()
    busy.declare(q)
    for channel in (busy, idle):
        channel.qos(1)
        channel.consume(q)
    fill(q, *map(str, range(6)))
    assert busy.deliver().text == "0"
    for n in range(1, 6):
        got = idle.deliver()
        assert got.text == str(n)
        idle.ack(got.delivery_tag)
    busy.quiet(0.1)


def test_consumer_priority(connection, q, fill):
    low, high = connection.channel(), connection.channel()
    low.declare(q)
    low.consume(q)
    high.qos(2)
    high.consume(q, arguments={"x-priority": 10})
    fill(q, *"abcd")
    assert high.bodies(2) == ["a", "b"]
    assert low.bodies(2) == ["c", "d"]
    high.ack(1)
    fill(q, "e")
    assert high.deliver().text == "e"


def test_consumer_priority_negative(connection, q, fill):
    reserve, main = connection.channel(), connection.channel()
    reserve.declare(q)
    reserve.consume(q, arguments={"x-priority": -1})
    main.consume(q)
    fill(q, "a", "b")
    assert main.bodies(2) == ["a", "b"]
    reserve.quiet(0.1)


def test_consumer_priorities_beyond_32_bits(connection, q, fill):
    channels = [connection.channel() for _ in range(3)]
    channels[0].declare(q)
    for channel, priority in zip(channels, (2**40, 2**40 + 1, -2**40)):
        channel.qos(1)
        channel.consume(q, arguments={"x-priority": priority})
    fill(q, "a", "b", "c")
    assert [channel.deliver().text for channel in channels] == ["b", "a", "c"]


def test_consumer_priority_turns_inside_a_level(connection, q, fill):
    channels = [connection.channel() for _ in range(3)]
    channels[0].declare(q)
    for channel, priority in zip(channels, (5, 5, 1)):
        channel.consume(q, arguments={"x-priority": priority})
    fill(q, *"abcd")
    assert [channels[0].bodies(2), channels[1].bodies(2)] == [["a", "c"], ["b", "d"]]
    channels[2].quiet(0.1)


def test_deleting_the_queue_tells_its_consumers(channel, other, q):
    channel.declare(q)
    channel.consume(q, "t")
    other.call("queue.delete", queue=q)
    told = channel.next("basic.cancel")
    assert (told.consumer_tag, told.nowait) == ("t", True)
    channel.consume(other.declare(q).queue, "t")  # the tag is free


def test_deleting_the_queue_tells_only_who_can_hear_it(connect, other, q):
    deaf = connect(capabilities=CAPABILITIES | {"consumer_cancel_notify": False}).channel()
    deaf.declare(q)
    deaf.consume(q, "t")
    other.call("queue.delete", queue=q)
    deaf.quiet()


def test_deleting_ones_own_queue_tells_too(channel, q):
    channel.declare(q)
    channel.consume(q, "t")
    channel.send("queue.delete", queue=q)
    events = {channel.next().name, channel.next().name}
    assert events == {"basic.cancel", "queue.delete_ok"}


def test_unacked_of_a_deleted_queue_can_be_acked(channel, other, q, fill):
    channel.declare(q)
    fill(q, "a")
    channel.consume(q, "t")
    channel.deliver()
    other.call("queue.delete", queue=q)
    channel.next("basic.cancel")
    channel.ack(1)
    channel.call("basic.qos")
    channel.ack(1)
    channel.expect_error(406, "unknown delivery tag 1", "basic.ack")


def test_a_dead_consumers_messages_go_to_another_at_once(connect, q, fill):
    first, second = connect(), connect().channel()
    dying = first.channel()
    dying.declare(q)
    dying.consume(q)
    fill(q, "a", "b")
    assert dying.bodies(2) == ["a", "b"]
    second.consume(q)
    second.quiet(0.1)
    first.abort()
    got = [second.deliver(), second.deliver()]
    assert [(m.text, m.redelivered) for m in got] == [("a", True), ("b", True)]


def test_publisher_and_consumer_on_one_channel(channel, q):
    channel.declare(q)
    channel.confirms()
    channel.consume(q, no_ack=True)
    for n in range(10):
        channel.publish("", q, str(n))
    assert [channel.answer("basic.deliver").text for _ in range(10)] == [str(n) for n in range(10)]
    assert len(channel.confirmed()) == 10


def test_no_local_is_ignored(channel, q):
    channel.declare(q)
    channel.consume(q, no_local=True)
    channel.publish("", q, "mine")
    assert channel.deliver().text == "mine"


@pytest.mark.parametrize("prefetch", [1, 3])
def test_many_consumers_share_everything_once(connection, q, fill, prefetch):
    channels = [connection.channel() for _ in range(5)]
    channels[0].declare(q)
    for channel in channels:
        channel.qos(prefetch)
        channel.consume(q)
    fill(q, *map(str, range(100)))
    got = []
    while len(got) < 100:
        for channel in channels:
            while channel.inbox or len(got) < 100:
                try:
                    message = channel.deliver(timeout=0.05)
                except AssertionError:
                    break
                got.append(int(message.text))
                channel.ack(message.delivery_tag)
    assert sorted(got) == list(range(100))


def test_consumers_count(channel, q, count):
    channel.declare(q)
    for n in range(1, 4):
        channel.consume(q, f"t{n}")
        assert count(q) == (0, n)
    channel.cancel("t2")
    assert count(q) == (0, 2)
