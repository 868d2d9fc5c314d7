"""x-delayed-message exchanges: messages wait there for as long as their header x-delay says. The plugin is not among Debian's,
so these have been checked against its source and documentation only."""
import time

import pytest
from broker import PEER, wait_until

pytestmark = pytest.mark.skipif(PEER == "rabbitmq", reason="Debian has no plugin for it")


def in_ms(count):
    return {"headers": {"x-delay": count}}


@pytest.fixture
def delayed(channel, q, x):
    """A channel with a delayed exchange, direct, bound to a queue that is consumed."""
    channel.exchange(x, "x-delayed-message", arguments={"x-delayed-type": "direct"})
    channel.declare(q)
    channel.bind(q, x, "k")
    return channel


def test_a_message_waits(delayed, q, x):
    delayed.consume(q, no_ack=True)
    delayed.confirms()
    start = time.monotonic()
    delayed.publish(x, "k", "later", **in_ms(4000))
    assert delayed.next("basic.ack").delivery_tag == 1  # at once: it is on disk
    got = delayed.next("basic.deliver")
    assert time.monotonic() - start > 3.99
    assert (got.text, got.exchange, got.routing_key, got.redelivered) == ("later", x, "k", False)
    assert got.properties == {"headers": {"x-delay": -4000}}


def test_order_is_by_time(delayed, q, x):
    for body, ms in (("c", 8000), ("b", 4000), ("now", 0), ("a", 100)):
        delayed.publish(x, "k", body, **in_ms(ms))
    delayed.consume(q, no_ack=True)
    assert delayed.bodies(4) == ["now", "a", "b", "c"]


def test_same_delay_keeps_the_order(delayed, q, x):
    for n in range(500):
        delayed.publish(x, "k", str(n), **in_ms(300))
    delayed.consume(q, no_ack=True)
    assert delayed.bodies(500) == [str(n) for n in range(500)]


@pytest.mark.parametrize("header", [{}, {"x-delay": 0}, {"x-delay": -5}, {"x-delay": "soon"}, {"x-delay": True}, {"x-delay": 1 << 60}])
def test_no_delay(delayed, q, x, header):
    delayed.publish(x, "k", "now", headers=header)
    delayed.call("basic.qos")
    got = delayed.get(q)
    assert got.text == "now" and got.properties == {"headers": header}


@pytest.mark.parametrize("delay, shown", [("300", -300), (300.5, -300), (300, -300)])
def test_kinds_of_numbers(delayed, q, x, delay, shown):
    delayed.consume(q, no_ack=True)
    start = time.monotonic()
    delayed.publish(x, "k", "later", headers={"x-delay": delay, "other": "kept"})
    assert delayed.deliver().properties == {"headers": {"x-delay": shown, "other": "kept"}}
    assert time.monotonic() - start > 0.29


def test_bindings_are_those_of_its_type(channel, q, x):
    channel.exchange(x, "x-delayed-message", arguments={"x-delayed-type": "topic"})
    channel.declare(q)
    channel.bind(q, x, "a.*")
    channel.publish(x, "a.b", "yes", **in_ms(50))
    channel.publish(x, "b.b", "no", **in_ms(50))
    channel.publish(x, "a.c", "too", **in_ms(60))
    channel.consume(q, no_ack=True)
    assert channel.bodies(2) == ["yes", "too"]
    channel.quiet()


def test_bindings_made_while_it_waits_count(channel, q, x):
    channel.exchange(x, "x-delayed-message", arguments={"x-delayed-type": "fanout"})
    channel.publish(x, "", "early bird", **in_ms(5000))
    channel.declare(q)
    channel.bind(q, x)
    channel.consume(q, no_ack=True)
    assert channel.deliver().text == "early bird"


def test_mandatory_is_not_asked_for_what_waits(delayed, x):
    delayed.publish(x, "nobody", "later", mandatory=True, **in_ms(50))
    delayed.publish(x, "nobody", "now", mandatory=True)
    assert delayed.answer("basic.return").text == "now"
    delayed.quiet()


def test_time_to_live_begins_when_it_goes_on(delayed, q, x, count):
    delayed.publish(x, "k", "later", expiration="4000", **in_ms(4000))
    wait_until(lambda: count(q) == (1, 0), "it has gone on")
    wait_until(lambda: count(q) == (0, 0), "its time is over")


def test_copies(delayed, other, q, x):
    """CC and BCC count when it goes on, and BCC does not show."""
    second, third = q + "2", q + "3"
    for name in (second, third):
        delayed.declare(name)
        delayed.bind(name, x, name)
    delayed.publish(x, "k", "m", headers={"x-delay": 100, "CC": [second], "BCC": [third]})
    for name in (q, second, third):
        other.consume(name, no_ack=True)
        assert other.deliver().properties == {"headers": {"x-delay": -100, "CC": [second]}}


def test_a_publish_through_another_exchange_waits_too(delayed, q, x):
    delayed.exchange(x + ".front", "fanout")
    delayed.call("exchange.bind", destination=x, source=x + ".front")
    delayed.consume(q, no_ack=True)
    start = time.monotonic()
    delayed.publish(x + ".front", "k", "later", **in_ms(300))
    got = delayed.deliver()
    assert time.monotonic() - start > 0.29
    assert (got.text, got.exchange) == ("later", x + ".front")


def test_alternate_exchange(channel, q, x):
    channel.exchange(x + ".ae", "fanout")
    channel.exchange(x, "x-delayed-message", arguments={"x-delayed-type": "direct", "alternate-exchange": x + ".ae"})
    channel.declare(q)
    channel.bind(q, x + ".ae")
    channel.publish(x, "nobody", "lost and found", **in_ms(100))
    channel.consume(q, no_ack=True)
    assert channel.deliver().text == "lost and found"


def test_in_a_transaction(delayed, q, x):
    delayed.call("tx.select")
    delayed.publish(x, "k", "never", **in_ms(50))
    delayed.call("tx.rollback")
    delayed.publish(x, "k", "later", **in_ms(100))
    delayed.call("tx.commit")
    delayed.consume(q, no_ack=True)
    assert delayed.deliver().text == "later"
    delayed.quiet(0.3)


def test_deleting_the_exchange_deletes_what_waits(delayed, q, x):
    delayed.publish(x, "k", "never", **in_ms(5000))
    delayed.call("exchange.delete", exchange=x)
    delayed.exchange(x, "x-delayed-message", arguments={"x-delayed-type": "direct"})
    delayed.bind(q, x, "k")
    delayed.consume(q, no_ack=True)
    delayed.publish(x, "k", "after it", **in_ms(5000))
    assert delayed.deliver().text == "after it"


@pytest.mark.parametrize("arguments, text", [
    ({}, "Invalid argument, 'x-delayed-type' must be an existing exchange type"),
    ({"x-delayed-type": 1}, "Invalid argument, 'x-delayed-type' must be an existing exchange type"),
    ({"x-delayed-type": "nonsense"}, "unknown exchange type 'nonsense'"),
    ({"x-delayed-type": "x-delayed-message"}, "Invalid argument, 'x-delayed-type' can't be used for 'x-delayed-message'")])
def test_bad_types(channel, x, arguments, text):
    channel.refused(406, text, "exchange.declare", exchange=x, type="x-delayed-message", arguments=arguments)


def test_many_with_times_of_all_kinds(delayed, q, x):
    """In any order, also with those that were written long before: each comes in its turn."""
    delays = [(n * 7919) % 1000 + 1 for n in range(2000)]
    delayed.confirms()
    for n, ms in enumerate(delays):
        delayed.publish(x, "k", f"{ms} {n}", **in_ms(ms + 500))
    assert set(delayed.confirmed().values()) == {"ack"}
    delayed.consume(q, no_ack=True)
    bodies = delayed.bodies(2000)
    assert sorted(bodies) == sorted(f"{ms} {n}" for n, ms in enumerate(delays))


def test_can_be_listed_and_cancelled(broker, delayed, q, x):
    for n, ms in enumerate((600_000, 200_000, 400_000)):
        delayed.publish(x, "k", f"m{n}", message_id=f"id{n}", **in_ms(ms))
    delayed.call("basic.qos")
    lines = [line.split("\t") for line in broker.ctl("-q", "list_delayed", x).splitlines() if "id1" in line or "id2" in line or "id0" in line]
    assert [line[4] for line in lines] == ["id1", "id2", "id0"]
    assert 100_000 < int(lines[0][1]) - time.time() * 1000 <= 200_000
    broker.ctl("cancel_delayed", x, lines[0][0])
    left = [line.split("\t") for line in broker.ctl("-q", "list_delayed", x, "--limit", "1").splitlines()]
    assert left[-1][4] == "id2"
    with pytest.raises(AssertionError, match="(?i)not.?found"):
        broker.ctl("cancel_delayed", x, lines[0][0])
