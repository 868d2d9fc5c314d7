"""One who misbehaves costs nobody else anything."""
import socket
import time

from broker import wait_until
from client import Connection


LONG = 15  # seconds: who waits for the other waits for ever


def work(channel, q):
    """Publishes and gets for a while; the longest time that one round took, in seconds."""
    channel.declare(q, exclusive=True)
    longest = 0.0
    for n in range(50):
        begin = time.monotonic()
        channel.publish("", q, str(n))
        wait_until(lambda: channel.get(q), "it is there")
        longest = max(longest, time.monotonic() - begin)
    return longest


def test_a_consumer_that_does_not_read(broker, channel, other, q, fill):
    channel.declare(q)
    fill(q, *["x" * 50_000] * 400)
    deaf = Connection(broker.address, handshake=False)
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.start()
    deaf.channel().consume(q)
    time.sleep(0.3)
    assert work(other, q + ".2") < LONG
    # What it was not sent yet is there for others.
    got = channel.get(q)
    assert got is None or len(got.body) == 50_000
    deaf.abort()


def test_a_channel_with_as_many_unacked_messages_as_can_be(channel, other, q, fill, count):
    channel.declare(q)
    fill(q, *["x"] * 66_000)
    channel.qos(65_535)
    channel.consume(q)
    channel.bodies(65_535)
    channel.quiet(0.2)  # the prefetch is full
    assert work(other, q + ".2") < LONG
    assert count(q) == (465, 1)
    channel.ack(1)
    assert channel.deliver().text == "x"
    channel.ack(0, multiple=True)
    channel.bodies(464)
    channel.ack(0, multiple=True)
    channel.call("basic.qos")
    assert count(q) == (0, 1)


def test_a_publisher_that_does_not_read_its_confirms(broker, other, q):
    deaf = Connection(broker.address)
    channel = deaf.channel()
    channel.declare(q, exclusive=True)
    channel.confirms()
    for _ in range(20_000):
        channel.publish("", q, "x")
    assert work(other, q + ".2") < LONG
    assert set(channel.confirmed().values()) == {"ack"}
    deaf.abort()
