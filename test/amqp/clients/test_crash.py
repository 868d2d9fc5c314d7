"""kill -9, again and again, under publishers and consumers with pika: what was confirmed is there, what returns is marked."""
import os
import random
import threading
import time

import pika
import pytest
from broker import PEER, Broker
from test_stories import dial

ROUNDS = int(os.environ.get("NARU_CRASH_ROUNDS", "5"))
QUEUE = "survivors"


class Publisher(threading.Thread):
    """Publishes numbered messages one by one; knows which were confirmed."""

    def __init__(self, broker, first):
        super().__init__(daemon=True)
        self.broker, self.next, self.confirmed = broker, first, []
        self.start()

    def run(self):
        try:
            channel = dial(self.broker).channel()
            channel.queue_declare(QUEUE, durable=True)
            channel.confirm_delivery()
            while True:
                number, self.next = self.next, self.next + 1
                channel.basic_publish("", QUEUE, str(number), pika.BasicProperties(delivery_mode=2), mandatory=True)
                self.confirmed.append(number)
        except (pika.exceptions.AMQPError, OSError):
            pass  # the broker was killed


class Consumer(threading.Thread):
    """Takes messages and acknowledges most of them; knows each delivery."""

    def __init__(self, broker, seed, idle=None):
        super().__init__(daemon=True)
        self.broker, self.random, self.idle, self.deliveries = broker, random.Random(seed), idle, []
        self.start()

    def run(self):
        try:
            channel = dial(self.broker).channel()
            channel.queue_declare(QUEUE, durable=True)
            channel.basic_qos(prefetch_count=20)
            for method, _, body in channel.consume(QUEUE, inactivity_timeout=self.idle):
                if method is None:
                    return
                self.deliveries.append((int(body), method.redelivered))
                if self.idle or self.random.random() < 0.9:  # the last consumer takes everything
                    channel.basic_ack(method.delivery_tag)
        except (pika.exceptions.AMQPError, OSError):
            pass


@pytest.mark.skipif(PEER == "rabbitmq", reason="a restart of the original takes ten seconds, and it does not promise this")
def test_rounds_of_kill_9(tmp_path):
    broker = Broker(tmp_path)
    if broker.process is None:
        pytest.skip("the broker is not ours to kill")
    confirmed, seen, chance = set(), {}, random.Random(7)
    for turn in range(ROUNDS):
        publisher, consumer = Publisher(broker, turn * 1_000_000), Consumer(broker, turn)
        time.sleep(chance.uniform(0.2, 1.0))
        broker.kill()
        publisher.join(20)
        consumer.join(20)
        assert not publisher.is_alive() and not consumer.is_alive()
        assert publisher.confirmed, "nothing was confirmed in this round: it proves nothing"
        confirmed |= set(publisher.confirmed)
        remember(consumer.deliveries, seen)
        broker.start()
    last = Consumer(broker, 0, idle=1.0)
    last.join(60)
    remember(last.deliveries, seen)
    assert confirmed <= set(seen), f"lost: {sorted(confirmed - set(seen))[:20]}"
    assert dial(broker).channel().queue_declare(QUEUE, passive=True).method.message_count == 0
    broker.stop()


def remember(deliveries, seen):
    """A message that a consumer had before must say so when it comes again."""
    for number, redelivered in deliveries:
        assert redelivered or number not in seen, f"{number} came again without redelivered"
        seen[number] = redelivered
