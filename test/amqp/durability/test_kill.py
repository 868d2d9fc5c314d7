"""What was confirmed survives SIGKILL and SIGTERM at any moment; what was acknowledged and followed by an answer does not
come back after SIGTERM, and after SIGKILL at most what the disk had not seen yet."""
import random
import signal

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
    broker.process.wait(20)
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
