"""What any client writes, in any codec, every other client reads."""
import uuid
from collections import Counter

import pytest

import broker_clients as make
import wire
from broker import wait_until
from records import some_records
from scenarios import PARTITIONS, by_partition

CLIENTS = (make.kcat, make.confluent, make.kafka_python, make.debian_kafka_python, make.java_4, make.java_3,
           make.java_console, make.kafkajs, make.franz)
NAMES = [client.__name__ for client in CLIENTS]


class Matrix:
    def __init__(self, address, folder):
        self.clients = {c.__name__: c().open(address, folder) for c in CLIENTS}
        self.topic = f"matrix-{uuid.uuid4().hex[:8]}"
        with wire.Connection(address) as c:
            assert c.create_topic(self.topic, PARTITIONS) == 0
        wait_until(lambda: wire.ready(address, self.topic, PARTITIONS), "the topic is ready")
        self.sent = {name: self.write(name, client) for name, client in self.clients.items()}
        self.total = sum(map(len, self.sent.values()))
        self.received = {}

    def write(self, name, client):
        sent = []
        for codec in client.codecs:
            records = some_records(60, f"{name}.{codec}", PARTITIONS)
            if not client.headers:
                records = [r._replace(headers=(("läbel", codec),)) for r in records]
            client.produce(self.topic, records, codec=codec)
            sent += records
        return sent

    def read(self, name):
        if name not in self.received:
            self.received[name] = self.clients[name].consume(self.topic, self.total)
        return self.received[name]


@pytest.fixture(scope="module")
def matrix(broker, tmp_path_factory):
    matrix = Matrix(broker.address, tmp_path_factory.mktemp("matrix"))
    yield matrix
    for client in matrix.clients.values():
        client.close()


@pytest.mark.parametrize("reader", NAMES)
def test_reads_every_offset_once(matrix, reader):
    for records in by_partition(matrix.read(reader)).values():
        assert [r.offset for r in records] == list(range(len(records)))


@pytest.mark.parametrize("reader", NAMES)
@pytest.mark.parametrize("writer", NAMES)
def test_reads_what_the_other_wrote(matrix, writer, reader):
    client = matrix.clients[writer]
    got = [r for r in matrix.read(reader) if r.value.startswith(writer + ".")]
    sent = matrix.sent[writer]
    assert Counter(r.content() for r in got) == Counter(r.content() for r in sent)
    if client.chooses_partition:
        expected = by_partition(sent)
        for partition, records in by_partition(got).items():
            assert [r.value for r in records] == [r.value for r in expected[partition]]
            if client.timestamps:
                assert [r.timestamp for r in records] == [r.timestamp for r in expected[partition]]
