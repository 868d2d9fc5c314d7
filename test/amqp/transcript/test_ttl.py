"""Time to live: of messages, of a queue's messages, of queues. A test waits for the effect, not by the clock: times are
short where nothing has to happen before they are over, and seconds where something has."""
import time

import pytest
from broker import wait_until


def test_message_expires(channel, q, fill, count):
    channel.declare(q)
    fill(q, "short", expiration="50")
    fill(q, "long", expiration="600000")
    wait_until(lambda: count(q) == (1, 0), "the message expires")
    assert channel.get(q).text == "long"
    assert channel.get(q) is None


def test_queue_ttl(channel, q, fill, count):
    channel.declare(q, arguments={"x-message-ttl": 50})
    fill(q, "a", "b")
    wait_until(lambda: count(q) == (0, 0), "both expire")


@pytest.mark.parametrize("queue_ttl, message_ttl", [(50, "100000"), (100000, "50")])
def test_the_shorter_one_wins(channel, q, fill, count, queue_ttl, message_ttl):
    channel.declare(q, arguments={"x-message-ttl": queue_ttl})
    fill(q, "a", expiration=message_ttl)
    wait_until(lambda: count(q) == (0, 0), "it expires")


def test_what_has_time_stays(channel, q, fill):
    channel.declare(q, arguments={"x-message-ttl": 60000})
    fill(q, "a", expiration="50000")
    time.sleep(0.2)
    got = channel.get(q)
    assert (got.text, got.properties) == ("a", {"expiration": "50000"})


def test_expired_behind_a_live_one_is_never_delivered_but_counted(channel, q, fill, count):
    channel.declare(q)
    fill(q, "long")
    fill(q, "short", expiration="50")
    time.sleep(0.3)
    assert count(q) == (2, 0)
    assert channel.get(q).text == "long"
    assert channel.get(q) is None
    assert count(q) == (0, 0)


def test_zero_without_a_consumer_is_dropped(channel, q, fill):
    channel.declare(q)
    fill(q, "a", expiration="0")
    assert channel.get(q) is None


def test_zero_with_a_consumer_is_delivered(channel, q, fill):
    channel.declare(q)
    channel.consume(q)
    fill(q, "a", expiration="0")
    assert channel.deliver().text == "a"


def test_queue_ttl_zero(channel, q, fill):
    channel.declare(q, arguments={"x-message-ttl": 0})
    fill(q, "a")
    assert channel.get(q) is None
    channel.consume(q)
    fill(q, "b")
    assert channel.deliver().text == "b"


def test_unacked_does_not_expire(channel, q, fill):
    channel.declare(q)
    channel.consume(q)  # who waits gets it in any case
    fill(q, "a", expiration="50")
    assert channel.deliver().text == "a"
    time.sleep(0.2)
    channel.ack(1)
    channel.call("basic.qos")


def test_requeued_keeps_its_time(channel, q, fill, count):
    channel.declare(q)
    channel.consume(q, "t")
    fill(q, "a", expiration="100")
    channel.deliver()
    channel.cancel("t")
    time.sleep(0.3)
    channel.nack(1)
    wait_until(lambda: count(q) == (0, 0), "it is over at once")
    assert channel.get(q) is None


def test_purge_and_expiry_together(channel, q, fill, count):
    channel.declare(q)
    fill(q, "a", "b", expiration="5000")
    assert channel.call("queue.purge", queue=q).message_count == 2
    fill(q, "c")
    time.sleep(5.2)  # the time of those that are gone takes nobody else
    assert count(q) == (1, 0)
    assert channel.get(q).text == "c"


# -- queues that go when nobody uses them -----------------------------------------------

def gone(connection, q):
    channel = connection.channel()
    channel.send("queue.declare", queue=q, passive=True)
    try:
        channel.answer("queue.declare_ok")
        channel.close()
        return False
    except Exception as end:  # noqa: BLE001
        assert end.code == 404
        return True


def wait_until_gone(connection, q, pause, meanwhile=lambda: None):
    """Asking keeps the queue: it is asked for with pauses that are longer than its time."""
    def asked():
        for _ in range(4):
            meanwhile()
            time.sleep(pause / 4)
        return gone(connection, q)
    wait_until(asked, "nobody uses it, and it goes")


def test_unused_queue_expires(connect, q):
    connection = connect()
    channel = connection.channel()
    channel.declare(q, arguments={"x-expires": 200})
    wait_until_gone(connection, q, 0.6)


def test_consumer_keeps_the_queue(connect, q):
    connection = connect()
    channel = connection.channel()
    channel.declare(q, arguments={"x-expires": 4000})
    channel.consume(q, "t")
    time.sleep(4.5)
    assert not gone(connection, q)
    channel.cancel("t")
    wait_until_gone(connection, q, 4.5)


def test_get_keeps_the_queue(connection, q):
    channel = connection.channel()
    channel.declare(q, arguments={"x-expires": 5000})
    for _ in range(30):
        time.sleep(0.2)
        assert channel.get(q) is None
    assert not gone(connection, q)


def test_declare_keeps_the_queue(connection, q):
    channel = connection.channel()
    for _ in range(30):
        channel.declare(q, arguments={"x-expires": 5000})
        time.sleep(0.2)
    assert not gone(connection, q)


def test_publishing_does_not_keep_the_queue(connection, q):
    channel = connection.channel()
    channel.declare(q, arguments={"x-expires": 300})
    wait_until_gone(connection, q, 0.8, lambda: channel.publish("", q, "x"))


def test_expiring_queue_takes_its_messages(channel, q, fill):
    """Without dead-lettering them."""
    channel.declare(q + ".dead")
    channel.declare(q, arguments={"x-expires": 4000, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": q + ".dead"})
    fill(q, "a")
    wait_until_gone(channel.connection, q, 4.5)
    assert channel.get(q + ".dead") is None


def test_zero_that_is_given_back_is_dropped(channel, q, fill):
    channel.declare(q, arguments={"x-message-ttl": 0})
    channel.consume(q)
    fill(q, "a")
    channel.nack(channel.deliver().delivery_tag)
    channel.quiet()
    assert channel.call("queue.declare", queue=q, passive=True).message_count == 0
