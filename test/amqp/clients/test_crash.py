"""kill -9, fifty times on one data folder, under publishers and consumers of pika and aio-pika: what was confirmed is there until
it was acknowledged, what was acknowledged for good does not come again, what returns is marked. Plain queues, priorities,
dead letters and delayed messages."""
import asyncio
import itertools
import os
import random
import threading
import time

import aio_pika
import pika
import pytest
from broker import PEER, Broker, wait_until
from test_stories import dial

ROUNDS = int(os.environ.get("NARU_CRASH_ROUNDS", "50"))
# Where messages come to consumers; what is rejected in `failing` goes on to `graveyard`.
QUEUES = {"plain": {}, "levels": {"x-max-priority": 5}, "late": {}, "graveyard": {},
          "failing": {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "graveyard"}}
# exchange, routing key
ROUTES = [("", "plain"), ("", "levels"), ("", "failing"), ("later", "late")]
NUMBERS = itertools.count()


def declare(channel):
    for queue, arguments in QUEUES.items():
        channel.queue_declare(queue, durable=True, arguments=arguments)
    channel.queue_declare("barrier", durable=True, arguments={"x-max-length": 1})
    channel.exchange_declare("later", "x-delayed-message", durable=True, arguments={"x-delayed-type": "direct"})
    channel.queue_bind("late", "later", "late")


class Publisher(threading.Thread):
    """Publishes numbered messages, one confirm after the other; knows which were confirmed."""

    def __init__(self, broker):
        super().__init__(daemon=True)
        self.broker, self.confirmed = broker, {}
        self.start()

    def next(self):
        number = next(NUMBERS)
        exchange, key = ROUTES[number % len(ROUTES)]
        return number, exchange, key, dict(delivery_mode=2, priority=number % 7, headers={"x-delay": number % 150})

    def run(self):
        try:
            channel = dial(self.broker).channel()
            channel.confirm_delivery()
            while True:
                number, exchange, key, properties = self.next()
                channel.basic_publish(exchange, key, str(number), pika.BasicProperties(**properties))
                self.confirmed[number] = key
        except (pika.exceptions.AMQPError, OSError):
            pass  # the broker was killed


class PipeliningPublisher(Publisher):
    """The same with aio-pika, twenty at a time."""

    def run(self):
        asyncio.run(self.publish())

    async def publish(self):
        try:
            connection = await aio_pika.connect(f"amqp://guest:guest@{self.broker.address}/", timeout=60)
            channel = await connection.channel(publisher_confirms=True)
            later = await channel.get_exchange("later", ensure=False)
            exchanges = {"": channel.default_exchange, "later": later}
            await asyncio.gather(*(self.one_by_one(exchanges) for _ in range(20)))
        except (aio_pika.exceptions.AMQPError, aio_pika.exceptions.AMQPConnectionError, OSError, RuntimeError,
                asyncio.CancelledError, asyncio.TimeoutError):
            pass
        except Exception as error:
            if type(error) is not Exception:  # that very class is what aiormq raises for a confirm that never came
                raise

    async def one_by_one(self, exchanges):
        while True:
            number, exchange, key, properties = self.next()
            message = aio_pika.Message(str(number).encode(), **properties)
            await exchanges[exchange].publish(message, key, mandatory=False)
            self.confirmed[number] = key


class Consumer(threading.Thread):
    """Takes from all queues. Acknowledges most, rejects most of `failing`, keeps the rest. The confirm of a message of its
    own says that all that it acknowledged before is on disk: one journal has both."""

    def __init__(self, broker, seed, idle=None):
        super().__init__(daemon=True)
        self.broker, self.random, self.idle = broker, random.Random(seed), idle
        self.deliveries, self.acked, self.acked_for_good = [], [], []
        self.start()

    def run(self):
        try:
            channel = dial(self.broker).channel()
            channel.basic_qos(prefetch_count=20)
            channel.confirm_delivery()
            self.last = time.monotonic()
            for queue in QUEUES:
                channel.basic_consume(queue, lambda *got, queue=queue: self.take(queue, *got))
            while not self.idle or time.monotonic() - self.last < self.idle:
                channel.connection.process_data_events(time_limit=0.2)
        except (pika.exceptions.AMQPError, OSError):
            pass

    def take(self, queue, channel, method, properties, body):
        number = int(body)
        self.last = time.monotonic()
        self.deliveries.append((number, queue, method.redelivered))
        if queue == "failing" and self.random.random() < 0.8:
            channel.basic_reject(method.delivery_tag, requeue=False)
        elif self.idle or self.random.random() < 0.9:  # the last consumer takes everything
            self.acked.append(number)
            channel.basic_ack(method.delivery_tag)
        if len(self.deliveries) % 50 == 0:
            channel.basic_publish("", "barrier", b"")
            self.acked_for_good = list(self.acked)


@pytest.mark.skipif(PEER == "rabbitmq", reason="a restart of the original takes ten seconds, and it does not promise this")
def test_rounds_of_kill_9(tmp_path):
    broker = Broker(tmp_path)
    if broker.process is None:
        pytest.skip("the broker is not ours to kill")
    declare(dial(broker).channel())
    confirmed, acked, gone, handed, chance = {}, set(), set(), set(), random.Random(7)
    for turn in range(ROUNDS):
        workers = [Publisher(broker), PipeliningPublisher(broker), Consumer(broker, turn)]
        wait_until(lambda: under_way(*workers), "all are at work")
        time.sleep(chance.uniform(0.05, 0.3))
        broker.kill()
        for worker in workers:
            worker.join(60)
            assert not worker.is_alive()
        confirmed |= workers[0].confirmed | workers[1].confirmed
        check(workers[2], gone, handed)
        acked |= set(workers[2].acked)
        gone |= set(workers[2].acked_for_good)
        broker.start()
    last = Consumer(broker, 0, idle=8.0)
    last.join(120)
    assert not last.is_alive()
    check(last, gone, handed)
    acked |= set(last.acked)
    lost = sorted((number, key) for number, key in confirmed.items() if number not in acked)
    channel = dial(broker).channel()
    left = {queue: channel.queue_declare(queue, passive=True).method.message_count for queue in QUEUES}
    delayed = broker.ctl("list_delayed", "later")
    assert not lost, f"{len(lost)} of {len(confirmed)} are lost: {lost[:20]}; queues have {left}, the exchange {delayed}"
    assert len(confirmed) > 20 * ROUNDS and len(gone) > 10 * ROUNDS, "too little happened to prove anything"
    assert {queue for _, queue in handed} == set(QUEUES)
    assert left == dict.fromkeys(QUEUES, 0)
    broker.stop()


def under_way(one, other, consumer):
    """Enough happened in this round to prove something."""
    return len(one.confirmed) + len(other.confirmed) > 20 and len(consumer.acked_for_good) > 10


def check(consumer, gone, handed):
    """A message that a consumer had before must say so when it comes again; one that was done with does not come. A kill may
    double what was moving from one place to the next at that moment, so that this holds where nothing moves."""
    for number, queue, redelivered in consumer.deliveries:
        moves = queue in ("late", "graveyard", "failing")
        assert redelivered or moves or (number, queue) not in handed, f"{number} came again without redelivered"
        assert moves or number not in gone, f"{number} came again from {queue} after its acknowledgement was on disk"
        handed.add((number, queue))
