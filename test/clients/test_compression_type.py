"""compression.type of a topic: whatever codec a producer chose, the broker stores the topic's own, and every client
reads the records as they were sent."""
import random
import struct
import time
import uuid

import pytest

import broker_clients as make
import wire
from broker import wait_until
from records import some_records
from scenarios import check_same
from wire import Connection, batch, record

TOO_LARGE = 10
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
LOG_APPEND_TIME = 8


@pytest.fixture
def wired(broker):
    with Connection(broker.address) as connection:
        yield connection


@pytest.fixture(scope="module")
def clients(broker, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compression")
    opened = [one().open(broker.address, folder) for one in (make.confluent, make.java_4, make.franz, make.kafka_python)]
    yield opened
    for client in opened:
        client.close()


def new_topic(wired, broker, **configs):
    name = f"compression-{uuid.uuid4().hex[:8]}"
    settings = [(key.replace("__", "."), value) for key, value in configs.items()]
    assert wired.create_topic(name, configs=settings) == 0
    wait_until(lambda: wire.ready(broker.address, name, 1), "the topic is ready")
    return name


def recent(records):
    """Of today, so that retention leaves them alone."""
    shift = int(time.time() * 1000) - records[0].timestamp
    return [r._replace(timestamp=r.timestamp + shift) for r in records]


def stored(wired, topic, offset=0):
    """(attributes, bytes) of every batch in the log."""
    found = []
    while True:
        error, end, data = wired.fetch(topic, offset)
        assert error == 0
        if offset == end:
            return found
        at = 0
        for _, last, _, _ in wire.batches(data):
            length, = struct.unpack_from(">i", data, at + 8)
            attributes, = struct.unpack_from(">h", data, at + 21)
            found.append((attributes, data[at:at + 12 + length]))
            at, offset = at + 12 + length, last + 1


def codecs_of(wired, topic, offset=0):
    return {attributes & 7 for attributes, _ in stored(wired, topic, offset)}


@pytest.mark.parametrize("kind", ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"])
def test_broker_stores_the_codec_of_the_topic(broker, wired, clients, kind):
    topic = new_topic(wired, broker, compression__type=kind)
    writer, sent = clients[0], []
    for codec, number in CODECS.items():
        records = recent(some_records(200, codec, partitions=1))
        before = wired.list_offset(topic, -1)[2]
        acknowledged = writer.produce(topic, records, codec=codec, idempotent=True)
        assert acknowledged == [(0, before + i) for i in range(len(records))]
        expected = number if kind == "producer" else CODECS.get(kind, 0)
        assert codecs_of(wired, topic, before) == {expected}, f"written as {codec}"
        sent += records
    for reader in clients:
        check_same(sent, reader.consume(topic, len(sent)), reader)


@pytest.mark.parametrize("codec, low, high", [("gzip", 1, 9), ("lz4", 9, 17), ("zstd", 1, 19)])
def test_level(broker, wired, codec, low, high):
    dice = random.Random(1)
    words = [bytes(dice.choices(b"abcdefghij", k=6)) for _ in range(300)]
    value = b" ".join(dice.choices(words, k=40_000))
    sizes = []
    for level in (low, high):
        topic = new_topic(wired, broker, compression__type=codec, **{f"compression__{codec}__level": str(level)})
        assert wired.produce(topic, batch([record(0, b"k", value)])) == (0, 0)
        (attributes, data), = stored(wired, topic)
        assert attributes == CODECS[codec] and len(data) < len(value)
        sizes.append(len(data))
    assert sizes[1] < sizes[0] * 0.97, f"level {low}: {sizes[0]} bytes, level {high}: {sizes[1]}"


def test_a_producers_own_codec_is_not_compressed_again(broker, wired):
    """The same codec at another level stays as it came."""
    topic = new_topic(wired, broker, compression__type="gzip", compression__gzip__level="9")
    sent = batch([record(0, b"k", b"v" * 1000)], gzip=True)
    assert wired.produce(topic, sent) == (0, 0)
    (_, data), = stored(wired, topic)
    assert data[16:] == sent[16:]  # what comes before is the broker's: offset, length and epoch


def test_append_time_goes_with_it(broker, wired, clients):
    topic = new_topic(wired, broker, compression__type="lz4", message__timestamp__type="LogAppendTime")
    assert wired.produce(topic, batch([record(0, b"k", b"a"), record(1, b"k", b"b", time_delta=5)], gzip=True)) == (0, 0)
    (attributes, data), = stored(wired, topic)
    assert attributes == CODECS["lz4"] | LOG_APPEND_TIME
    appended, = struct.unpack_from(">q", data, 35)
    for reader in clients:
        received = reader.consume(topic, 2)
        assert [r.value for r in received] == ["a", "b"]
        assert {r.timestamp for r in received} == {appended}


def test_larger_than_allowed_when_stored(broker, wired):
    topic = new_topic(wired, broker, compression__type="uncompressed", max__message__bytes="2000")
    small = batch([record(0, b"k", b"x" * 5000)], gzip=True)
    assert len(small) < 2000
    assert wired.produce(topic, small) == (TOO_LARGE, -1)
    assert wired.produce(topic, batch([record(0, b"k", b"x" * 1500)], gzip=True)) == (0, 0)
    assert codecs_of(wired, topic) == {0}


def test_a_bomb_is_refused(broker, wired):
    if broker.is_kafka:
        pytest.skip("the original inflates whatever its heap holds")
    topic = new_topic(wired, broker, compression__type="zstd")
    bomb = batch([record(0, b"k", bytes(200 << 20))], gzip=True)
    assert len(bomb) < 1 << 20
    assert wired.produce(topic, bomb) == (TOO_LARGE, -1)
    assert wired.produce(topic, batch([record(0, b"k", b"v")], gzip=True)) == (0, 0)


def test_duplicates_are_known_although_they_were_compressed_anew(broker, wired):
    topic = new_topic(wired, broker, compression__type="zstd")
    _, pid, _ = wired.init_producer_id()
    first = batch([record(0, b"k", b"v" * 100)], pid=pid, pid_epoch=0, sequence=0, gzip=True)
    second = batch([record(0, b"k", b"w" * 100)], pid=pid, pid_epoch=0, sequence=1)
    assert [wired.produce(topic, b) for b in (first, second, first, second)] == [(0, 0), (0, 1), (0, 0), (0, 1)]
    assert codecs_of(wired, topic) == {CODECS["zstd"]}


def test_changed_while_it_runs(broker, wired):
    from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
    topic = new_topic(wired, broker)
    admin = AdminClient({"bootstrap.servers": broker.address})

    def alter(kind):
        entry = ConfigEntry("compression.type", kind, incremental_operation=AlterConfigOpType.SET)
        change, = admin.incremental_alter_configs([ConfigResource("topic", topic, incremental_configs=[entry])]).values()
        change.result(20)

    def stores(number):
        _, base = wired.produce(topic, batch([record(0, b"k", b"v" * 100)]))
        return codecs_of(wired, topic, base) == {number}
    assert stores(0)
    for kind, number in (("snappy", 2), ("uncompressed", 0), ("zstd", 4), ("producer", 0)):
        alter(kind)
        wait_until(lambda n=number: stores(n), f"stored as {kind}")
