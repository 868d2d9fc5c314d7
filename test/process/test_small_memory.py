"""Little memory: ordinary messages pass, what does not fit is said, and the settings that clients see are true."""
import socket
import struct
import threading

import pika
import pytest
from pika import frame, spec

import wire
from naru import MIB, PATIENCE, free_port, wait_until
from wire import array, i8, i32, string

DESCRIBE, BROKER = 32, 4


def message(size):
    return wire.batch([wire.record(0, None, b"x" * size)])


def broker_setting(c, name):
    r = c.call(DESCRIBE, 1, array([i8(BROKER) + string("1") + array([string(name)])]) + i8(0))
    r.i32()
    assert r.i32() == 1 and r.i16() == 0
    r.string(), r.i8(), r.string()

    def entry():
        key, value = r.string(), r.string()
        r.i8(), r.i8(), r.i8()
        r.array(lambda: (r.string(), r.string(), r.i8()))
        return key, value
    return dict(r.array(entry))[name]


@pytest.mark.parametrize("flags", [(), ("--shards", "4")])
def test_messages_of_a_megabyte(make_naru, flags):
    naru = make_naru("--memory-limit", "16MiB", *flags).start()
    with wire.Connection(naru.address) as c:
        assert c.create_topic("large", 8) == 0
        for partition in range(8):
            assert c.produce("large", message(1_048_000), partition) == (0, 0)
    naru.stop()


def test_few_loops_share_little_memory(make_naru):
    naru = make_naru("--memory-limit", "16MiB").start()
    assert "cores=1" in naru.says()
    naru.stop()


def test_what_is_too_large_is_said(make_naru):
    naru = make_naru("--memory-limit", "16MiB", "--shards", "1").start()
    with wire.Connection(naru.address) as c:
        most = int(broker_setting(c, "socket.request.max.bytes"))
        assert 4 * MIB - 100 < most < 4 * MIB
    for size in (most + 1, most + 1):
        with wire.Connection(naru.address) as c:
            c.raw(struct.pack(">i", size) + b"\0" * 64)
            assert c.is_closed()
    assert naru.says().count(f"most={most}") == 1, "once in ten seconds"
    naru.stop()


def amqp_connection(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    connection.sendall(b"AMQP\0\0\x09\x01")
    connection.recv(65536)
    connection.sendall(frame.Method(0, spec.Connection.StartOk({}, "PLAIN", "\0guest\0guest", "en_US")).marshal())
    connection.recv(65536)
    connection.sendall(frame.Method(0, spec.Connection.TuneOk(2047, 131072, 0)).marshal() +
                       frame.Method(0, spec.Connection.Open("/")).marshal())
    connection.recv(65536)
    return connection


def begin_messages(connection, channels, size):
    """One on each channel, all but its last byte."""
    try:
        for channel in range(1, channels + 1):
            connection.sendall(frame.Method(channel, spec.Channel.Open()).marshal() +
                               frame.Method(channel, spec.Basic.Publish(0, "", "q")).marshal() +
                               frame.Header(channel, size + 1, spec.BasicProperties()).marshal() +
                               frame.Body(channel, b"x" * size).marshal())
    except OSError:
        pass  # it was closed


def publish_and_get(port):
    connection = pika.BlockingConnection(pika.ConnectionParameters(port=port, blocked_connection_timeout=PATIENCE))
    channel = connection.channel()
    channel.queue_declare("q", durable=True)
    channel.confirm_delivery()
    channel.basic_publish("", "q", b"of another")
    assert channel.basic_get("q", auto_ack=True)[2] == b"of another"
    connection.close()


def test_messages_of_amqp_that_never_end(make_naru):
    """480 MB of them, on 40 connections with 200 channels each: others go on being served."""
    port = free_port()
    naru = make_naru("--memory-limit", "64MiB", "--shards", "1", "--amqp", f"127.0.0.1:{port}").start()
    greedy = [amqp_connection(port) for _ in range(40)]
    threads = [threading.Thread(target=begin_messages, args=(one, 200, 60_000)) for one in greedy]
    for thread in threads:
        thread.start()
    for _ in range(3):
        publish_and_get(port)
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    wait_until(lambda: "messages whose end is still to come" in naru.says(), "it has looked at its memory")

    def is_small():
        publish_and_get(port)  # which makes it look at its memory
        return naru.status("RssAnon")[0] < 64 * MIB
    wait_until(is_small, "the memory is given back", PATIENCE)
    for one in greedy:
        one.close()
    naru.stop()


def test_large_requests_leave_nothing_behind(make_naru):
    """Connections and channels that once sent a large message, and are there still."""
    port = free_port()
    naru = make_naru("--memory-limit", "64MiB", "--shards", "1", "--amqp", f"127.0.0.1:{port}").start()
    with wire.Connection(naru.address) as c:
        assert c.create_topic("large") == 0
    clients = [wire.Connection(naru.address) for _ in range(100)]
    for n, client in enumerate(clients):
        assert client.produce("large", message(900_000)) == (0, n)
    channels = amqp_connection(port)
    for channel in range(1, 101):
        publish_large(channels, channel, 900_000)
    publish_and_get(port)
    wait_until(lambda: naru.status("RssAnon")[0] < 40 * MIB, "it is small again")
    for client in clients:
        client.close()
    channels.close()
    naru.stop()


def publish_large(connection, channel, size):
    """A whole one, to a queue that is not there."""
    parts = [frame.Body(channel, b"x" * part).marshal() for part in [100_000] * (size // 100_000)]
    connection.sendall(frame.Method(channel, spec.Channel.Open()).marshal() +
                       frame.Method(channel, spec.Basic.Publish(0, "", "nowhere")).marshal() +
                       frame.Header(channel, size, spec.BasicProperties()).marshal() + b"".join(parts))
