"""Clients that go on working whatever happens to the broker, and remember exactly what it confirmed.

Each is a thread. Values are NAME:NUMBER and padding, so that what is found later can be told apart.
"""
import random
import threading
import time
from collections import Counter, deque

import wire
from broker import wait_until

QUIET = {"log_level": 0, "reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 100, "retry.backoff.ms": 20,
         "topic.metadata.refresh.interval.ms": 2000, "broker.address.ttl": 1000}


COORDINATOR_NOT_AVAILABLE = 15


def value(name, number):
    return f"{name}:{number}:".encode().ljust(40 + number % 160, b".")


def parse(data):
    name, number, _ = data.split(b":", 2)
    return name.decode(), int(number)


class Worker(threading.Thread):
    def __init__(self, address, name, seed):
        super().__init__(name=name, daemon=True)
        self.address, self.random = address, random.Random(f"{seed}-{name}")
        self.stopping = threading.Event()
        self.failure = None   # what must never happen
        self.confirmed = 0    # things that the broker said are so
        self.errors = Counter()

    def run(self):
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001  (the test reports it)
            self.failure = error

    def check(self):
        if self.failure:
            raise AssertionError(f"{self.name}: {self.failure!r}") from self.failure

    def finish(self, seconds=180):
        self.stopping.set()
        self.join(seconds)
        self.check()
        assert not self.is_alive(), f"{self.name} does not finish in {seconds} s"

    def connected(self):
        """A connection, as soon as there is a broker; None when the work is over."""
        while not self.stopping.is_set():
            try:
                return wire.Connection(self.address)
            except OSError:
                time.sleep(0.01)
        return None


class Producer(Worker):
    """librdkafka, which repeats what was not answered. `acked` has {(topic, partition, offset): number}."""

    def __init__(self, address, name, seed, places, idempotent):
        super().__init__(address, name, seed)
        self.places, self.idempotent = places, idempotent
        self.acked, self.unknown_place = {}, []
        self.sent = 0
        self.under_way = 0

    def delivered(self, number):
        def callback(error, message):
            self.under_way -= 1
            if error:
                raise AssertionError(f"record {number} was given up: {error}")
            self.confirmed += 1
            if message.offset() is None or message.offset() < 0:
                self.unknown_place.append(number)  # the broker knew it already and did not say where
            else:
                self.acked[message.topic(), message.partition(), message.offset()] = number
        return callback

    def on_error(self, error):
        self.errors[error.name()] += 1
        if error.fatal():
            self.failure = AssertionError(f"fatal: {error}")

    def work(self):
        from confluent_kafka import Producer as Library
        producer = Library({**QUIET, "bootstrap.servers": self.address, "acks": "all", "linger.ms": 1,
                            "enable.idempotence": self.idempotent, "message.timeout.ms": 0, "error_cb": self.on_error})
        while not self.stopping.is_set() and not self.failure:
            for _ in range(self.random.randrange(1, 6)):
                topic, partition = self.random.choice(self.places)
                producer.produce(topic, value(self.name, self.sent), partition=partition,
                                 on_delivery=self.delivered(self.sent))
                self.sent += 1
                self.under_way += 1
            producer.poll(0.001)
            while self.under_way > 60 and not self.failure:
                producer.poll(0.01)
        wait_until(lambda: producer.flush(1) == 0 or self.failure, f"{self.name}: all is confirmed", 120)


class RawProducer(Worker):
    """Many requests under way on one connection, as the protocol allows. An idempotent one repeats after a crash
    what was not answered, with the same producer id and sequences; the other one never repeats."""

    def __init__(self, address, name, seed, place, idempotent):
        super().__init__(address, name, seed)
        (self.topic, self.partition), self.idempotent = place, idempotent
        self.depth = 5 if idempotent else 20
        self.acked, self.sent = {}, 0
        self.pid, self.sequence = -1, 0
        self.unanswered = deque()  # (first number, count, batch)

    def make(self):
        count = self.random.randrange(1, 4)
        values = [value(self.name, self.sent + i) for i in range(count)]
        fields = {"pid": self.pid, "pid_epoch": 0, "sequence": self.sequence} if self.idempotent else {}
        made = self.sent, count, wire.simple_batch(*values, time=int(time.time() * 1000), **fields)
        self.sent += count
        self.sequence += count
        return made

    def work(self):
        while connection := self.connected():
            try:
                with connection:
                    self.talk(connection)
            except (OSError, wire.Closed) as error:
                self.errors[type(error).__name__] += 1
                if not self.idempotent:
                    self.unanswered.clear()  # whether they are there, nobody will ever know

    def talk(self, connection):
        if self.idempotent and self.pid < 0:
            error, pid, _ = connection.init_producer_id()
            assert error == 0
            self.pid = pid
        expected = connection.correlation
        for _, _, batch in self.unanswered:
            connection.send_produce(self.topic, batch, self.partition)
        while self.unanswered or not self.stopping.is_set():
            while len(self.unanswered) < self.depth and not self.stopping.is_set():
                self.unanswered.append(self.make())
                connection.send_produce(self.topic, self.unanswered[-1][2], self.partition)
                if self.random.random() < 0.2:
                    break
            expected += 1
            error, base, _, _ = connection.produce_answer(self.topic, correlation=expected)
            number, count, _ = self.unanswered[0]
            assert error == 0, f"error {error} for record {number}"
            self.unanswered.popleft()
            self.confirmed += count
            for i in range(count):
                self.acked[self.topic, self.partition, base + i] = number + i


class Committer(Worker):
    """Commits ever higher offsets without being a member, as tools do."""

    def __init__(self, address, name, seed, place):
        super().__init__(address, name, seed)
        self.topic, self.partition = place
        self.sent = self.acked = -1

    def work(self):
        while connection := self.connected():
            connection.close()
            try:
                group = wire.Group(self.address, self.name)
                while not self.stopping.is_set():
                    self.sent += 1
                    error = group.commit(self.topic, self.sent, partition=self.partition)
                    if error == COORDINATOR_NOT_AVAILABLE:  # it is ending by SIGTERM
                        self.errors["CoordinatorNotAvailable"] += 1
                        continue
                    assert error == 0, f"commit: error {error}"
                    self.acked = self.sent
                    self.confirmed += 1
                    time.sleep(0.002)
                group.close()
            except (OSError, wire.Closed) as error:
                self.errors[type(error).__name__] += 1


class Readers:
    """What the members of one group know together."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acked = {}  # (topic, partition): the highest offset whose commit was confirmed
        self.next = {}   # (topic, partition): the lowest offset that nobody has read


class Member(Worker):
    """A group member on librdkafka that reads, and commits what it read before it reads on."""

    def __init__(self, address, name, seed, topics, group, shared):
        super().__init__(address, name, seed)
        self.topics, self.group, self.shared = topics, group, shared
        self.read = 0

    def take(self, messages):
        ends = {}
        for message in messages:
            if message.error():
                self.errors[message.error().name()] += 1
                continue
            place, offset = (message.topic(), message.partition()), message.offset()
            with self.shared.lock:
                known = self.shared.next.get(place, 0)
                assert offset <= known, f"{place}: offset {offset} comes, {known} was never seen"
                self.shared.next[place] = max(known, offset + 1)
            ends[place] = offset + 1
            self.read += 1
        return ends

    def work(self):
        from confluent_kafka import Consumer, KafkaException, TopicPartition
        consumer = Consumer({**QUIET, "bootstrap.servers": self.address, "group.id": self.group,
                             "auto.offset.reset": "earliest", "enable.auto.commit": False, "check.crcs": True,
                             "session.timeout.ms": 6000, "heartbeat.interval.ms": 300, "fetch.wait.max.ms": 50,
                             "error_cb": lambda error: self.errors.update([error.name()])})
        consumer.subscribe(self.topics)
        while not self.stopping.is_set():
            ends = self.take(consumer.consume(200, 0.05))
            if not ends:
                continue
            try:
                done = consumer.commit(asynchronous=False,
                                       offsets=[TopicPartition(t, p, offset) for (t, p), offset in ends.items()])
            except KafkaException as error:
                self.errors[error.args[0].name()] += 1
                continue
            for one in done:
                if one.error:
                    self.errors[one.error.name()] += 1
                    continue
                with self.shared.lock:
                    place = one.topic, one.partition
                    self.shared.acked[place] = max(one.offset, self.shared.acked.get(place, 0))
                self.confirmed += 1
        consumer.close()


class Churn(Worker):
    """Creates topics, writes a record or two, deletes them; their names come again."""

    NAMES = [f"churn-{i}" for i in range(6)]

    def __init__(self, address, name, seed):
        super().__init__(address, name, seed)
        self.lock = threading.Lock()  # held during a step, so that others see confirmed states
        self.there = dict.fromkeys(self.NAMES, False)  # True, False, None: the broker did not say
        self.records = dict.fromkeys(self.NAMES, (0, 0))  # at least, at most

    def work(self):
        while connection := self.connected():
            try:
                with connection:
                    while not self.stopping.is_set():
                        with self.lock:
                            self.step(connection, self.random.choice(self.NAMES))
                        time.sleep(0.01)
            except (OSError, wire.Closed) as error:
                self.errors[type(error).__name__] += 1

    def step(self, connection, name):
        before, self.there[name] = self.there[name], None
        if before is None:  # settle it
            error = connection.delete_topic(name)
            assert error in (0, 3), f"delete {name}: error {error}"
            self.there[name], self.records[name] = False, (0, 0)
        elif not before:
            error = connection.create_topic(name)
            assert error == 0, f"create {name}, which is gone: error {error}"
            self.there[name] = True
            assert connection.list_offset(name, -1) == (0, -1, 0), f"{name} is new and not empty"
        elif self.random.random() < 0.4:
            error = connection.delete_topic(name)
            assert error == 0, f"delete {name}, which is there: error {error}"
            self.there[name], self.records[name] = False, (0, 0)
        else:
            self.there[name] = True
            least, most = self.records[name]
            self.records[name] = least, most + 1
            batch = wire.simple_batch(value(name, most), time=int(time.time() * 1000))
            error, base = connection.produce(name, batch)
            assert error == 0 and least <= base <= most, f"produce to {name}: error {error}, offset {base}"
            self.records[name] = base + 1, base + 1
        self.confirmed += 1

    def verify(self, connection):
        """Call it with the lock held."""
        for name, there in self.there.items():
            error, _, end = connection.list_offset(name, -1)
            if there is not None:
                assert error == (0 if there else 3), f"{name}: error {error}, but confirmed: {there}"
            if there and error == 0:
                least, most = self.records[name]
                assert least <= end <= most, f"{name} ends at {end}, expected {least} to {most}"
