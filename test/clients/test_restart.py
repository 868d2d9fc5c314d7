"""What was acknowledged is there after a restart: records, topics, configs, commits, producers' sequences."""
import time

import pytest

import broker_clients as make
import wire
from broker import Broker, wait_until
from records import some_records
from scenarios import PARTITIONS, check_same


@pytest.fixture
def own_broker(tmp_path):
    broker = Broker(tmp_path)
    if broker.process is None:
        pytest.skip("the broker is not ours to stop")
    yield broker
    if broker.process.poll() is None:
        broker.stop()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_restart(own_broker, tmp_path, end):
    client = make.confluent().open(own_broker.address, tmp_path)
    client.create("kept", PARTITIONS, retention_ms=86_400_001)
    wait_until(lambda: wire.ready(own_broker.address, "kept", PARTITIONS), "the topic is ready")
    before = client.describe("kept")
    sent = some_records(900, "kept", PARTITIONS)
    client.produce("kept", sent, codec="lz4", idempotent=True)
    first = client.group("kept", "readers", 300)
    with wire.Connection(own_broker.address) as c:
        assert c.create_topic("numbered") == 0
        wait_until(lambda: wire.ready(own_broker.address, "numbered", 1), "the topic is ready")
        _, pid, _ = c.init_producer_id()
        # Of now: the original forgets producers by the timestamps of their records.
        batches = [wire.simple_batch(f"{i}", pid=pid, pid_epoch=0, sequence=i, time=int(time.time() * 1000))
                   for i in range(7)]
        assert [c.produce("numbered", b) for b in batches[:6]] == [(0, i) for i in range(6)]
    client.close()

    getattr(own_broker, end)()
    own_broker.start()

    wait_until(lambda: wire.ready(own_broker.address, "kept", PARTITIONS), "the topic is back")
    client = make.confluent().open(own_broker.address, tmp_path)
    assert client.describe("kept") == before
    assert client.configs("kept")["retention.ms"] == "86400001"
    check_same(sent, client.consume("kept", 900), client)
    rest = client.group("kept", "readers", 600)
    check_same(sent, sorted(first + rest, key=lambda r: (r.partition, r.offset)), client)
    with wire.Connection(own_broker.address) as c:
        assert c.produce("numbered", batches[5]) == (0, 5)  # known, not written again
        # Of the five it knew, the original keeps only the last one through a restart.
        assert c.produce("numbered", batches[3]) == ((45, -1) if own_broker.is_kafka else (0, 3))
        assert c.produce("numbered", batches[6]) == (0, 6)
        _, another, _ = c.init_producer_id()
        assert another != pid
    client.close()
