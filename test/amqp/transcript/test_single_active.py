"""Single active consumer: one works, the others wait for it to go."""
import pytest

SAC = {"x-single-active-consumer": True}


@pytest.fixture
def three(connection, q):
    """Three channels with a consumer each."""
    channels = [connection.channel() for _ in range(3)]
    channels[0].declare(q, arguments=SAC)
    for n, channel in enumerate(channels):
        channel.consume(q, f"t{n}")
    return channels


def test_only_the_first_gets_messages(three, q, fill):
    fill(q, *"abc")
    assert three[0].bodies(3) == list("abc")
    three[1].quiet(0.1)
    three[2].quiet(0.05)


def test_the_next_takes_over_after_cancel(three, q, fill):
    three[0].cancel("t0")
    fill(q, "a")
    assert three[1].deliver().text == "a"
    three[2].quiet(0.1)


def test_the_next_takes_over_after_its_channel_ends(three, q, fill):
    fill(q, "a", "b")
    three[0].bodies(2)
    three[0].close()
    got = [three[1].deliver(), three[1].deliver()]
    assert [(m.text, m.redelivered) for m in got] == [("a", True), ("b", True)]


def test_unacked_of_a_cancelled_one_stay_with_it(three, q, fill):
    fill(q, "a")
    three[0].deliver()
    three[0].cancel("t0")
    fill(q, "b")
    assert three[1].deliver().text == "b"
    three[0].nack(1)
    assert three[1].deliver().text == "a"


def test_a_full_prefetch_does_not_pass_the_turn(connection, q, fill):
    first, second = connection.channel(), connection.channel()
    first.declare(q, arguments=SAC)
    first.qos(1)
    first.consume(q)
    second.consume(q)
    fill(q, "a", "b")
    assert first.deliver().text == "a"
    second.quiet()
    first.ack(1)
    assert first.deliver().text == "b"


def test_one_that_left_and_came_back_waits(three, q, fill):
    three[0].cancel("t0")
    three[0].consume(q, "t0")
    fill(q, "a")
    assert three[1].deliver().text == "a"
    three[0].quiet(0.1)


def test_exclusive_consume_is_refused(channel, q):
    channel.declare(q, arguments=SAC)
    channel.refused(403, f"queue '{q}' in vhost '/' in exclusive use", "basic.consume", queue=q, exclusive=True)


def test_exclusive_consume_is_refused_while_others_wait(three, q):
    three[2].refused(403, f"queue '{q}' in vhost '/' in exclusive use", "basic.consume", queue=q, exclusive=True)


def test_get_still_works(three, other, q, fill):
    three[0].cancel("t0")
    three[1].cancel("t1")
    three[2].cancel("t2")
    fill(q, "a")
    assert other.get(q).text == "a"


def test_priority_does_not_take_over(connection, q, fill):
    """Classic queues: who came first works on, whatever priority comes later."""
    first, second = connection.channel(), connection.channel()
    first.declare(q, arguments=SAC)
    first.consume(q, "low")
    second.consume(q, "high", arguments={"x-priority": 10})
    fill(q, "a")
    assert first.deliver().text == "a"
    second.quiet(0.1)


def test_priority_decides_who_is_next(connection, q, fill):
    channels = [connection.channel() for _ in range(3)]
    channels[0].declare(q, arguments=SAC)
    channels[0].consume(q, "active")
    channels[1].consume(q, "low", arguments={"x-priority": 1})
    channels[2].consume(q, "high", arguments={"x-priority": 5})
    channels[0].cancel("active")
    fill(q, "a")
    assert channels[2].deliver().text == "a"


def test_all_count_as_consumers(three, q, count):
    assert count(q) == (0, 3)
