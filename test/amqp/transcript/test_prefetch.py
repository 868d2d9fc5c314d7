"""basic.qos: how many unacked messages a consumer or a channel may hold."""
import pytest


def test_prefetch_one(channel, q, fill):
    channel.declare(q)
    fill(q, *"abc")
    channel.qos(1)
    channel.consume(q)
    for n, body in enumerate("abc", 1):
        assert channel.deliver().text == body
        channel.quiet(0.1)
        channel.ack(n)


@pytest.mark.parametrize("limit", [2, 5, 10])
def test_prefetch(channel, q, fill, limit):
    channel.declare(q)
    fill(q, *map(str, range(20)))
    channel.qos(limit)
    channel.consume(q)
    assert channel.bodies(limit) == list(map(str, range(limit)))
    channel.quiet(0.1)
    channel.ack(limit, multiple=True)
    assert channel.bodies(limit) == list(map(str, range(limit, 2 * limit)))[:limit]


def test_prefetch_zero_is_no_limit(channel, q, fill):
    channel.declare(q)
    fill(q, *map(str, range(300)))
    channel.qos(0)
    channel.consume(q)
    assert len(channel.bodies(300)) == 300


def test_prefetch_is_for_consumers_to_come(channel, q, fill):
    channel.declare(q)
    channel.qos(3)
    channel.consume(q, "old")
    channel.qos(10)
    fill(q, *map(str, range(20)))
    assert len(channel.bodies(3)) == 3
    channel.quiet(0.1)
    channel.consume(q, "new")
    assert {m.consumer_tag for m in (channel.deliver() for _ in range(10))} == {"new"}
    channel.quiet(0.1)


def test_each_consumer_has_its_own(channel, q, fill):
    channel.declare(q)
    channel.qos(2)
    channel.consume(q, "a")
    channel.consume(q, "b")
    fill(q, *map(str, range(10)))
    got = [channel.deliver().consumer_tag for _ in range(4)]
    assert sorted(got) == ["a", "a", "b", "b"]
    channel.quiet(0.1)


def test_global_is_shared_by_the_channel(channel, q, fill):
    channel.declare(q)
    channel.qos(3, global_=True)
    channel.consume(q, "a")
    channel.consume(q, "b")
    fill(q, *map(str, range(10)))
    assert len(channel.bodies(3)) == 3
    channel.quiet(0.1)
    channel.ack(1)
    assert channel.deliver().text == "3"
    channel.quiet(0.1)


def test_global_and_own_both_hold(channel, q, fill):
    channel.declare(q)
    channel.qos(2)
    channel.qos(3, global_=True)
    channel.consume(q, "a")
    fill(q, *map(str, range(10)))
    assert len(channel.bodies(2)) == 2
    channel.quiet(0.1)
    channel.consume(q, "b")
    assert channel.deliver().consumer_tag == "b"
    channel.quiet(0.1)


def test_one_for_consumers_to_come_ends_a_global_one(channel, q, fill):
    channel.declare(q)
    channel.qos(3, global_=True)
    channel.qos(5)
    channel.consume(q, "a")
    fill(q, *map(str, range(10)))
    assert len(channel.bodies(5)) == 5
    channel.quiet(0.1)


def test_global_can_change_at_any_time(channel, q, fill):
    channel.declare(q)
    channel.qos(1, global_=True)
    channel.consume(q)
    fill(q, *map(str, range(10)))
    channel.deliver()
    channel.quiet(0.1)
    channel.qos(4, global_=True)
    assert len(channel.bodies(3)) == 3
    channel.quiet(0.1)
    channel.qos(0, global_=True)
    assert len(channel.bodies(6)) == 6


def test_global_counts_earlier_gets(channel, q, fill):
    channel.declare(q)
    fill(q, *"abcd")
    channel.get(q, no_ack=False)
    channel.qos(2, global_=True)
    channel.consume(q)
    assert channel.deliver().text == "b"
    channel.quiet(0.1)


def test_global_does_not_count_later_gets(channel, q, fill):
    channel.declare(q)
    fill(q, *"abcd")
    channel.qos(2, global_=True)
    channel.get(q, no_ack=False)
    channel.consume(q)
    assert channel.bodies(2) == ["b", "c"]
    channel.quiet(0.1)


def test_no_ack_consumers_have_no_limit(channel, q, fill):
    channel.declare(q)
    channel.qos(1)
    channel.consume(q, no_ack=True)
    fill(q, *"abcd")
    assert channel.bodies(4) == list("abcd")


@pytest.mark.parametrize("size", [1, 10, 2**32 - 1])
def test_prefetch_size_is_not_implemented(channel, size):
    channel.refused_hard(540, f"prefetch_size!=0 ({size})", "basic.qos", prefetch_size=size)


@pytest.mark.parametrize("release", ["ack", "nack", "reject", "drop"])
def test_whatever_settles_makes_room(channel, q, fill, release):
    channel.declare(q)
    channel.qos(1)
    fill(q, "a", "b")
    channel.consume(q)
    assert channel.deliver().text == "a"
    {"ack": channel.ack, "nack": channel.nack, "reject": channel.reject, "drop": lambda t: channel.reject(t, False)}[release](1)
    assert channel.deliver().text == ("b" if release in ("ack", "drop") else "a")


def test_a_cancelled_consumers_unacked_do_not_fill_anothers_prefetch(channel, q, fill):
    channel.declare(q)
    channel.qos(1)
    fill(q, "a", "b", "c")
    channel.consume(q, "first")
    channel.deliver()
    channel.cancel("first")
    channel.consume(q, "second")
    assert channel.deliver().text == "b"
    channel.quiet(0.1)


def test_prefetch_of_two_queues_on_one_channel(channel, q, fill):
    channel.qos(1)
    for n in "12":
        channel.declare(q + n)
        fill(q + n, "a", "b")
        channel.consume(q + n, n)
    assert sorted(channel.deliver().consumer_tag for _ in range(2)) == ["1", "2"]
    channel.quiet(0.1)


def test_ten_thousand_unacked(channel, q, fill):
    channel.declare(q)
    fill(q, *["x"] * 10000)
    channel.consume(q)
    channel.bodies(10000)
    channel.ack(10000, multiple=True)
    assert channel.call("queue.delete", queue=q).message_count == 0
