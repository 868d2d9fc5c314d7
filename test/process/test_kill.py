"""kill -9 under load, again and again on one data folder: what was confirmed is there, once, where it was confirmed.

NARU_ROUNDS=500 for a long run; NARU_SEED repeats the moments of a run (not its threads).
"""
import os
import random
import time

import pytest

import wire
from broker import wait_until
from load import Churn, Committer, Member, Producer, RawProducer, Readers, parse
from naru import check

PARTITIONS = {"orders": 3, "events": 2, "raw": 2}
ROUNDS = int(os.environ.get("NARU_ROUNDS", 50))


class Load:
    def __init__(self, address, seed):
        some = [("orders", 0), ("orders", 1), ("orders", 2), ("events", 0), ("events", 1)]
        self.readers = Readers()
        self.exact = [Producer(address, f"idempotent-{i}", seed, some, idempotent=True) for i in range(2)]
        self.exact.append(RawProducer(address, "raw-idempotent", seed, ("raw", 0), idempotent=True))
        self.repeating = [Producer(address, "plain", seed, some, idempotent=False)]
        self.once = [RawProducer(address, "raw-pipelined", seed, ("raw", 1), idempotent=False),
                     RawProducer(address, "raw-mixed", seed, ("events", 1), idempotent=False)]
        self.producers = self.exact + self.repeating + self.once
        self.committer = Committer(address, "committer", seed, ("orders", 0))
        self.churn = Churn(address, "churn", seed)
        self.members = [Member(address, f"member-{i}", seed, ["orders", "events"], "readers", self.readers)
                        for i in range(2)]
        self.workers = [*self.producers, self.committer, self.churn, *self.members]

    def start(self):
        for worker in self.workers:
            worker.start()

    def check(self):
        for worker in self.workers:
            worker.check()

    def confirmed(self):
        return sum(worker.confirmed for worker in self.workers)

    def finish(self):
        for worker in self.workers:
            worker.stopping.set()
        for worker in self.workers:
            worker.finish()


def committed(address, group, places):
    asking = wire.Group(address, group)
    try:
        topics = {t: [p for topic, p in places if topic == t] for t, _ in places}
        error, found = asking.committed(topics)
        assert error == 0
        return {place: found[place][0] for place in places}
    finally:
        asking.close()


def verify_start(address, load, ends):
    """What must hold after each start, while the clients already go on."""
    with load.readers.lock:
        wanted = dict(load.readers.acked)
    if wanted:
        found = committed(address, "readers", list(wanted))
        assert all(found[place] >= offset for place, offset in wanted.items()), (found, wanted)
    place = load.committer.topic, load.committer.partition
    acked = load.committer.acked
    if acked >= 0:
        found = committed(address, "committer", [place])[place]
        assert acked <= found <= load.committer.sent, f"{acked} was confirmed, {found} is there"
    with wire.Connection(address) as c:
        for (topic, partition), offset in ends.items():
            error, _, end = c.list_offset(topic, -1, partition=partition)
            assert error == 0 and end > offset, f"{topic}/{partition}: error {error}, ends at {end}; {offset} was confirmed"
        with load.churn.lock:
            load.churn.verify(c)


def last_acked(load):
    ends = {}
    for producer in load.producers:
        for topic, partition, offset in list(producer.acked):
            ends[topic, partition] = max(offset, ends.get((topic, partition), -1))
    return ends


def everything(address):
    """{(topic, partition): values in the order of their offsets}, read by a client library."""
    from confluent_kafka import Consumer, TopicPartition
    consumer = Consumer({"bootstrap.servers": address, "group.id": "unused", "check.crcs": True, "fetch.wait.max.ms": 50,
                         "enable.auto.commit": False})
    found = {}
    for topic, count in PARTITIONS.items():
        for partition in range(count):
            place = TopicPartition(topic, partition, 0)
            low, high = consumer.get_watermark_offsets(place, 60)
            assert low == 0
            consumer.assign([place])
            values = found[topic, partition] = []
            deadline = time.monotonic() + 120
            while len(values) < high:
                assert time.monotonic() < deadline, f"{place}: {len(values)} of {high} records come"
                for message in consumer.consume(10_000, 0.2):
                    assert not message.error(), message.error()
                    assert message.offset() == len(values), f"{place}: a gap before {message.offset()}"
                    values.append(message.value())
    consumer.close()
    return found


def verify_records(load, found):
    numbers = {producer.name: [] for producer in load.producers}
    for place, values in found.items():
        latest = {}
        for data in values:
            name, number = parse(data)
            numbers[name].append(number)
            if name in latest and not name.startswith("plain"):  # nobody else repeats
                assert number > latest[name], f"{place}: {name} {number} after {latest[name]}"
            latest[name] = number
    for producer in load.producers:
        for (topic, partition, offset), number in producer.acked.items():
            values = found[topic, partition]
            assert offset < len(values), f"{producer.name} {number} was confirmed at {topic}/{partition}/{offset}, the end is {len(values)}"
            assert parse(values[offset]) == (producer.name, number), (
                f"{producer.name} {number} was confirmed at {topic}/{partition}/{offset}; there is {values[offset]}")
    for producer in load.exact:  # all of it, once
        assert sorted(numbers[producer.name]) == list(range(producer.sent)), producer.name
    for producer in load.repeating:  # all of it
        assert set(numbers[producer.name]) == set(range(producer.sent)), producer.name
    for producer in load.once:  # it never repeats: nothing twice
        assert len(set(numbers[producer.name])) == len(numbers[producer.name]), producer.name


def wait_for(load, more, of_each=0):
    """The broker confirms so much more; and so much of each producer and member."""
    target = load.confirmed() + more
    targets = {worker: worker.confirmed + of_each for worker in load.workers}
    deadline = time.monotonic() + 120
    while load.confirmed() < target or any(worker.confirmed < goal for worker, goal in targets.items()):
        load.check()
        assert time.monotonic() < deadline, "the clients get nothing done: " + str(
            {w.name: (w.confirmed, dict(w.errors)) for w in load.workers})
        time.sleep(0.001)


@pytest.mark.parametrize("flags, rounds", [
    pytest.param([], ROUNDS, id="sync"),
    pytest.param(["--durability", "os"], max(1, ROUNDS // 4), id="os"),
    pytest.param(["--shards", "2"], max(1, ROUNDS // 4), id="two-shards"),
])
def test_nothing_confirmed_is_lost(make_naru, tmp_path, flags, rounds):
    seed = int(os.environ.get("NARU_SEED", random.randrange(1 << 32)))
    print(f"NARU_SEED={seed}")
    dice = random.Random(seed)
    config = tmp_path / "naru.toml"
    config.write_text("group-initial-rebalance-delay-ms = 0\n")
    naru = make_naru("--config", str(config), *flags).start()
    with wire.Connection(naru.address) as c:
        for topic, count in PARTITIONS.items():
            assert c.create_topic(topic, count) == 0
    load = Load(naru.address, seed)
    load.start()
    ways = {"kill": 0, "kill at start": 0, "SIGTERM": 0}
    for number in range(rounds):
        # At once, or when the client libraries have found the broker again and all are at work.
        wait_for(load, dice.randrange(1, 1500), of_each=dice.choice((0, 0, 1, 3, 10)))
        time.sleep(dice.random() * 0.005)  # anywhere between two turns of the broker
        way = "kill" if number == 0 else dice.choices(list(ways), (80, 7, 13))[0]
        ways[way] += 1
        naru.stop() if way == "SIGTERM" else naru.kill()
        ends = last_acked(load)
        if way == "kill at start":
            naru.spawn()
            time.sleep(dice.random() * 0.06)
            naru.kill()
        naru.start()
        if way == "SIGTERM":
            assert "unclean" not in naru.says()
        verify_start(naru.address, load, ends)
        load.check()
    wait_for(load, 1500, of_each=20)  # all goes on
    load.finish()
    print(ways, {w.name: (w.confirmed, dict(w.errors)) for w in load.workers})
    verify_records(load, everything(naru.address))
    verify_start(naru.address, load, last_acked(load))
    wait_until(lambda: naru.get("/health")[0] == 200, "it is well")
    naru.stop()
    assert check(naru.data) is None
