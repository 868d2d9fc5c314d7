"""What was confirmed survives SIGKILL and SIGTERM at any moment; what was acknowledged and followed by an answer does not
come back after SIGTERM, and after SIGKILL at most what the disk had not seen yet."""
import random
import signal
import time

import pika
import pytest

from broker import PEER, Broker

ROUNDS = 12


@pytest.fixture
def own_broker(tmp_path):
    running = Broker(tmp_path)
    yield running
    running.stop()


def connect(broker):
    return pika.BlockingConnection(pika.URLParameters(f"amqp://guest:guest@{broker.address}/%2f"))


def restart(broker, how):
    broker.process.send_signal(how)
    broker.process.wait(60)
    broker.start()


@pytest.mark.skipif(PEER == "rabbitmq", reason="RabbitMQ confirms before it syncs")
def test_rounds_of_kills(own_broker):
    random.seed(7)
    expected, number = set(), 0
    for round_number in range(ROUNDS):
        channel = connect(own_broker).channel()
        channel.confirm_delivery()
        channel.queue_declare("work", durable=True)
        channel.exchange_declare("events", "topic", durable=True)
        channel.queue_bind("work", "events", "order.*")
        for _ in range(150):
            channel.basic_publish("events", "order.new", str(number).encode(),
                                  pika.BasicProperties(delivery_mode=2, headers={"n": number}))
            expected.add(number)
            number += 1
        for _ in range(random.randrange(100)):
            method, properties, body = channel.basic_get("work")
            assert properties.headers["n"] == int(body)
            assert int(body) in expected, "an acknowledged message came back"
            channel.basic_ack(method.delivery_tag)
            expected.discard(int(body))
        # A confirm that comes after the acknowledgements says that they are on disk too: one journal has both.
        channel.basic_publish("", "work", str(number).encode(), pika.BasicProperties(headers={"n": number}))
        expected.add(number)
        number += 1
        restart(own_broker, signal.SIGKILL if round_number % 2 else signal.SIGTERM)
    channel = connect(own_broker).channel()
    left = [int(body) for _, _, body in iter(lambda: channel.basic_get("work", auto_ack=True), (None, None, None))]
    assert left == sorted(expected)


@pytest.mark.skipif(PEER == "rabbitmq", reason="kills naru's process")
def test_what_administrators_made_survives_a_kill(own_broker):
    """Users, permissions, virtual hosts and policies: durable when the command has returned."""
    ctl = own_broker.ctl
    ctl("add_vhost", "lasting")
    ctl("add_user", "ann", "secret")
    ctl("set_permissions", "-p", "lasting", "ann", "^a", "^a", "^a")
    ctl("set_policy", "-p", "lasting", "short", "^a", '{"max-length":2}', "--apply-to", "queues")
    ctl("add_vhost", "gone")
    ctl("set_permissions", "-p", "gone", "guest", ".*", ".*", ".*")
    with pika.BlockingConnection(pika.URLParameters(f"amqp://guest:guest@{own_broker.address}/gone")) as connection:
        connection.channel().queue_declare("left", durable=True)
    ctl("delete_vhost", "gone")
    own_broker.kill()
    own_broker.start()
    with pika.BlockingConnection(pika.URLParameters(f"amqp://ann:secret@{own_broker.address}/lasting")) as connection:
        channel = connection.channel()
        channel.queue_declare("aq", durable=True)
        channel.confirm_delivery()
        for n in range(4):
            channel.basic_publish("", "aq", str(n).encode())
        assert channel.queue_declare("aq", passive=True).method.message_count == 2
        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="refused for user 'ann'"):
            channel.queue_declare("b")
    assert "gone" not in ctl("-q", "list_vhosts").splitlines()
    ctl("add_vhost", "gone")  # a new one of that name has nothing of the old one
    assert ctl("-q", "list_queues", "-p", "gone") == ""
    assert ctl("-q", "list_permissions", "-p", "gone") == ""
@pytest.mark.skipif(PEER == "rabbitmq", reason="RabbitMQ commits before it syncs")
def test_what_was_committed_survives(own_broker):
    """Messages and acknowledgements of a transaction, and nothing of the one that was under way."""
    for turn in range(3):
        channel = connect(own_broker).channel()
        channel.queue_declare("in", durable=True)
        channel.queue_declare("out", durable=True)
        channel.tx_select()
        for n in range(20):
            channel.basic_publish("", "in", f"{turn} {n}", pika.BasicProperties(delivery_mode=2))
        channel.tx_commit()
        for _ in range(20):
            method, _, body = channel.basic_get("in")
            channel.basic_publish("", "out", body, pika.BasicProperties(delivery_mode=2))
            channel.basic_ack(method.delivery_tag)
        channel.tx_commit()
        channel.basic_publish("", "out", "of no transaction that ended")
        restart(own_broker, signal.SIGKILL)
        channel = connect(own_broker).channel()
        assert channel.queue_declare("in", passive=True).method.message_count == 0
        got = [body.decode() for _, _, body in iter(lambda: channel.basic_get("out", auto_ack=True), (None, None, None))]
        assert got == [f"{turn} {n}" for n in range(20)]


@pytest.mark.skipif(PEER == "rabbitmq", reason="Debian has no plugin for it")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_what_waits_for_its_time_survives(own_broker, how):
    """Delayed messages come once, after the time that they were given, however often the broker dies meanwhile."""
    channel = connect(own_broker).channel()
    channel.exchange_declare("later", "x-delayed-message", durable=True, arguments={"x-delayed-type": "topic"})
    channel.queue_declare("work", durable=True)
    channel.queue_bind("work", "later", "#")
    channel.confirm_delivery()
    begin = time.time()
    delays = [500 + (n * 37) % 5000 for n in range(300)]
    for n, ms in enumerate(delays):
        channel.basic_publish("later", "k", f"{n}", pika.BasicProperties(delivery_mode=2, headers={"x-delay": ms}))
    for _ in range(3):
        time.sleep(0.5)
        restart(own_broker, how)
    channel = connect(own_broker).channel()
    got, deadline = {}, time.monotonic() + 60
    for method, properties, body in channel.consume("work", auto_ack=True, inactivity_timeout=2):
        if method is None and (len(got) == 300 or time.monotonic() > deadline):
            break
        if method is None:
            continue
        n = int(body)
        assert time.time() - begin >= delays[n] / 1000 and properties.headers == {"x-delay": -delays[n]}
        got[n] = got.get(n, 0) + 1
    assert sorted(got) == list(range(300)), "some are lost"
    # A kill between the two writes of one turn may double what was going on at that moment, never more.
    assert sum(got.values()) <= 300 + (30 if how == signal.SIGKILL else 0)


@pytest.mark.skipif(PEER == "rabbitmq", reason="a restart of the original takes ten seconds")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_limits_count_what_was_there_before(own_broker, how):
    """By number and by bytes; what is over the limit goes, the oldest first."""
    arguments = {"number": {"x-max-length": 10}, "bytes": {"x-max-length-bytes": 10_000},
                 "refusing": {"x-max-length-bytes": 10_000, "x-overflow": "reject-publish"}}

    def publish(first, last):
        channel = connect(own_broker).channel()
        channel.confirm_delivery()
        for queue, limits in arguments.items():
            channel.queue_declare(queue, durable=True, arguments=limits)
            for n in range(first, last):
                try:
                    channel.basic_publish("", queue, str(n).zfill(1000), pika.BasicProperties(delivery_mode=2))
                except pika.exceptions.NackError:
                    assert queue == "refusing" and n >= 10
        return channel

    channel = publish(0, 8)
    channel.basic_publish("", "bytes", b"", pika.BasicProperties(delivery_mode=2))  # has no bytes, and none are counted
    restart(own_broker, how)
    channel = publish(8, 15)
    left = {}
    for queue in arguments:
        left[queue] = [int(body) for _, _, body in iter(lambda: channel.basic_get(queue, auto_ack=True), (None, None, None)) if body]
    assert left["number"] == list(range(5, 15))
    assert left["bytes"] == list(range(5, 15))
    assert left["refusing"][:8] == list(range(8)) and len(left["refusing"]) in (10, 11)
