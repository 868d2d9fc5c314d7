"""SIGTERM while connections are busy: the broker ends at once, with exit code 0, and leaves no connection behind."""
import signal
import socket
import threading
import time

import pytest
import wire
from broker import PEER, Broker, wait_until
from client import Connection

pytestmark = pytest.mark.skipif(PEER == "rabbitmq", reason="the original takes its time")


@pytest.fixture
def own_broker(tmp_path):
    running = Broker(tmp_path)
    yield running
    if running.process.poll() is None:
        running.stop()


def deaf_consumer(broker, queue, window=4096):
    """Asks for messages and never reads one."""
    connection = Connection(broker.address, handshake=False)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.start()
    channel = connection.channel()
    channel.consume(queue, no_ack=True)
    return connection


def flood(broker, queue, stop):
    """Publishes without reading confirms until the connection ends."""
    connection = Connection(broker.address)
    channel = connection.channel()
    channel.confirms()
    piece = b"".join(wire.frame(wire.METHOD, 1, wire.method("basic.publish", exchange="", routing_key=queue)) +
                     wire.content(1, b"x" * 2000, {}, 131072) for _ in range(50))
    connection.socket.settimeout(60)
    try:
        while not stop.is_set():
            connection.socket.sendall(piece)
    except OSError:
        pass
    connection.abort()


def end(broker):
    begin = time.monotonic()
    broker.process.send_signal(signal.SIGTERM)
    status = broker.process.wait(60)
    took = time.monotonic() - begin
    log = broker.log.read_text()
    assert status == 0, log[-4000:]
    assert "left behind" not in log
    assert took < 20, f"it took {took:.1f} s"


def fill(broker, queue, count, size):
    with Connection(broker.address) as connection:
        channel = connection.channel()
        channel.declare(queue, durable=True)
        channel.confirms()
        for _ in range(count):
            channel.publish("", queue, b"x" * size)
        assert set(channel.confirmed().values()) == {"ack"}


def test_with_consumers_that_do_not_read(own_broker):
    fill(own_broker, "deep", 2000, 20_000)
    deaf = [deaf_consumer(own_broker, "deep") for _ in range(4)]
    time.sleep(0.5)
    end(own_broker)
    assert len(deaf) == 4


def test_consumers_that_did_not_read_and_went_leave_nothing(own_broker):
    """Their connections are gone at once, not only when the broker stops."""
    fill(own_broker, "deep", 2000, 20_000)
    for _ in range(4):
        deaf = deaf_consumer(own_broker, "deep")
        time.sleep(0.3)
        # What it did not read is more than the broker sends ahead, and still it asks for more.
        deaf.channels[1].send("basic.qos", prefetch_count=1)
        deaf.channels[1].send("basic.consume", queue="deep")
        deaf.abort()
    wait_until(lambda: own_broker.ctl("-s", "list_connections", "name").strip() == "", "they are gone")
    end(own_broker)


def test_with_publishers_under_way(own_broker):
    fill(own_broker, "deep", 1, 10)
    stop = threading.Event()
    publishers = [threading.Thread(target=flood, args=(own_broker, "deep", stop), daemon=True) for _ in range(3)]
    for publisher in publishers:
        publisher.start()
    time.sleep(1)
    end(own_broker)
    stop.set()
    for publisher in publishers:
        publisher.join(60)


def test_with_everything_else_under_way(own_broker):
    """A transaction, half a message, a large body that waits, an unanswered question, a login that does not go on."""
    fill(own_broker, "deep", 100, 1000)
    connections = [Connection(own_broker.address) for _ in range(4)]
    connections[0].channel().call("tx.select")
    connections[0].channels[1].publish("", "deep", "never committed")
    connections[0].channels[1].get("deep", no_ack=False)
    connections[1].channel()
    connections[1].raw(wire.frame(wire.METHOD, 1, wire.method("basic.publish", exchange="", routing_key="deep")))
    connections[2].channel().consume("amq.rabbitmq.reply-to", no_ack=True)
    connections[3].channel()
    connections[3].raw(wire.frame(wire.METHOD, 1, wire.method("basic.publish", exchange="", routing_key="deep")) +
                       wire.content(1, b"y" * 1_000_000, {}, 131072)[:300_000])
    half_way = Connection(own_broker.address, handshake=False)
    half_way.raw(wire.PROTOCOL_HEADER)
    time.sleep(0.3)
    end(own_broker)
