"""Log compaction as clients see it: the last value of each key stays at its offset, older ones go, tombstones go later.

Segments close by the records' own times (segment.ms), so each round of records is one segment and the last one is
never compacted; the cleaner is told to look often (broker.py)."""
import time
import uuid

import pytest

import wire
from broker import wait_until

ROUND_MS, SEGMENT_MS = 1000, 500
KEYS = 40


class Topic:
    def __init__(self, broker, **configs):
        self.address, self.name = broker.address, f"compacted-{uuid.uuid4().hex[:8]}"
        settings = {"cleanup.policy": "compact", "segment.ms": str(SEGMENT_MS), "min.cleanable.dirty.ratio": "0",
                    **{key.replace("__", "."): value for key, value in configs.items()}}
        with wire.Connection(self.address) as c:
            assert c.create_topic(self.name, configs=list(settings.items())) == 0
        wait_until(lambda: wire.ready(self.address, self.name, 1), "the topic is ready")
        self.time = int(time.time() * 1000) - 3_600_000
        self.sent = []  # (key, value) by offset
        self.open = 0   # where the last segment begins

    def round(self, pairs, codec="none", idempotent=False):
        """One segment: later than the one before by more than segment.ms."""
        from confluent_kafka import Producer
        producer = Producer({"bootstrap.servers": self.address, "compression.type": codec, "linger.ms": 50,
                             "enable.idempotence": idempotent, "log_level": 0})
        offsets = []

        def delivered(error, message):
            assert error is None, error
            offsets.append(message.offset())
        self.time += ROUND_MS
        for key, value in pairs:
            producer.produce(self.name, key=key, value=value, partition=0, timestamp=self.time, on_delivery=delivered)
        assert producer.flush(60) == 0
        assert offsets == list(range(len(self.sent), len(self.sent) + len(pairs)))
        self.open = len(self.sent)
        self.sent += pairs

    def read(self, begin=0):
        """{offset: (key, value)}, from `begin` to the end."""
        from confluent_kafka import Consumer, TopicPartition
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": "unused", "enable.auto.commit": False,
                             "enable.partition.eof": True, "check.crcs": True, "fetch.wait.max.ms": 20, "log_level": 0})
        consumer.assign([TopicPartition(self.name, 0, begin)])
        found, deadline = {}, time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline, "the end is never reached"
            message = consumer.poll(0.2)
            if message is None:
                continue
            if message.error():
                assert message.error().name() == "_PARTITION_EOF", message.error()
                consumer.close()
                return found
            assert message.offset() > max(found, default=-1)
            text = lambda data: None if data is None else data.decode()  # noqa: E731
            found[message.offset()] = text(message.key()), text(message.value())

    def survivors(self):
        """Offsets: the last of each key in closed segments, and all of the open one."""
        last = {key: offset for offset, (key, _) in enumerate(self.sent[:self.open])}
        return set(last.values()) | set(range(self.open, len(self.sent)))

    def check(self, found):
        """What is there is what was sent, where it was sent; and nothing is missing that has to be there."""
        for offset, pair in found.items():
            assert pair == self.sent[offset], f"offset {offset}"
        missing = self.survivors() - set(found)
        assert all(self.sent[offset][1] is None for offset in missing), f"the last values at {missing} are gone"

    def wait_for(self, condition, what):
        def look():
            found = self.read()
            self.check(found)
            return condition(found) and found
        return wait_until(look, what)

    def compacted(self):
        """Nothing is left but what has to stay."""
        return self.wait_for(lambda found: set(found) <= self.survivors(), "old values are gone")


def pairs(label, count=KEYS):
    return [(f"key-{i}", f"{label} {i}") for i in range(count)]


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_last_values_stay_where_they_were(broker, codec):
    topic = Topic(broker)
    for turn in range(4):
        topic.round(pairs(f"round {turn}"), codec)
    topic.round([("again", str(i)) for i in range(10)], codec, idempotent=True)  # one batch, one key
    topic.round([("end", "of it")])
    found = topic.compacted()
    assert len(found) == KEYS + 2
    with wire.Connection(broker.address) as c:
        assert c.list_offset(topic.name, -2) == (0, -1, 0)
        assert c.list_offset(topic.name, -1)[2] == len(topic.sent)
    middle = KEYS + 3  # gone: the next one that is there follows
    assert min(topic.read(middle)) == min(offset for offset in found if offset >= middle)
    topic.round(pairs("after"))  # and again, over what is compacted already
    topic.round([("end", "again")])
    assert len(topic.compacted()) == KEYS + 3  # one "end" is closed and the other open


def test_tombstone_stays_for_readers_to_see(broker):
    topic = Topic(broker, delete__retention__ms="86400000")
    topic.round(pairs("first"))
    topic.round([("key-3", None)])
    topic.round([("end", "of it")])
    found = topic.compacted()
    assert found[KEYS] == ("key-3", None) and 3 not in found
    topic.round([("end", "later")])
    assert topic.compacted()[KEYS] == ("key-3", None)


def test_tombstone_goes_after_its_time(broker):
    topic = Topic(broker, delete__retention__ms="1")
    topic.round(pairs("first"))
    topic.round([("key-3", None), ("key-5", None)])
    topic.round([("end", "of it")])

    def gone(found):
        if KEYS in found or KEYS + 1 in found:
            topic.round([("end", f"turn {len(topic.sent)}")])  # the cleaner comes by when there is something new
            return False
        return True
    found = topic.wait_for(gone, "tombstones are gone")
    assert not {"key-3", "key-5"} & {key for key, _ in found.values()}
    assert KEYS - 2 <= len({key for key, _ in found.values()}) - 1


def test_young_records_are_left_alone(broker):
    topic = Topic(broker, min__compaction__lag__ms="1800000")
    topic.round(pairs("an hour ago"))
    topic.round(pairs("a second later"))
    topic.time = int(time.time() * 1000) - 10 * ROUND_MS
    young = len(topic.sent)
    topic.round(pairs("just now"))
    topic.round(pairs("now"))
    topic.round([("end", "of it")])
    found = topic.wait_for(lambda found: 0 not in found, "the old ones are compacted")
    assert set(found) == set(range(KEYS, len(topic.sent)))  # of the old the last, and all young ones
    assert young == 2 * KEYS


def test_max_lag_compacts_what_the_ratio_would_not(broker):
    lazy = Topic(broker, min__cleanable__dirty__ratio="1")
    prompt = Topic(broker, min__cleanable__dirty__ratio="1", max__compaction__lag__ms="60000")
    for topic in (lazy, prompt):
        topic.round(pairs("first"))
        topic.round(pairs("second"))
        topic.round([("end", "of it")])
    prompt.compacted()
    assert set(lazy.read()) == set(range(len(lazy.sent)))
