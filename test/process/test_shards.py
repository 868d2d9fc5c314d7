"""More than one event loop: clients see the same broker, and a folder opens with any number of them."""
import time

import pytest

import broker_clients as make
import wire
from broker import Broker, wait_until
from records import some_records
from scenarios import Scenarios, check_same
from wire import array, i8, i32, i64, string


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NARU_ARGS", "--shards 4")
        running = Broker(tmp_path_factory.mktemp("four"))
    if running.process is None:
        pytest.skip("the broker is not ours to start")
    yield running
    running.stop()


class TestConfluent(Scenarios):
    make = staticmethod(make.confluent)


class TestFranz(Scenarios):
    make = staticmethod(make.franz)


def write(address, turn):
    """Some of everything that is on disk, spread over all shards; returns what must be found."""
    with wire.Connection(address) as c:
        for i in range(20):
            batch = wire.simple_batch(f"{turn} {i}", time=int(time.time() * 1000))
            assert c.produce(f"topic-{i}", batch, i % 3) == (0, turn), f"topic-{i}"
    for i in range(20):
        group = wire.Group(address, f"group-{i}")
        assert group.commit(f"topic-{i}", turn * 100 + i, f"in turn {turn}", partition=i % 3) == 0
        group.close()


def verify(address, turns):
    with wire.Connection(address) as c:
        for i in range(20):
            error, end, data = c.fetch(f"topic-{i}", 0, i % 3)
            assert (error, end) == (0, turns) and [b[0] for b in wire.batches(data)] == list(range(turns)), f"topic-{i}"
            for turn in range(turns):
                assert f"{turn} {i}".encode() in data
    for i in range(20):
        group = wire.Group(address, f"group-{i}")
        error, found = group.committed({f"topic-{i}": [i % 3]})
        assert error == 0 and found[f"topic-{i}", i % 3][:2] == ((turns - 1) * 100 + i, f"in turn {turns - 1}")
        group.close()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_number_changes_from_start_to_start(make_naru, tmp_path, end):
    counts = ["4", "1", "2", "64", "3"]
    (tmp_path / "naru.toml").write_text("group-initial-rebalance-delay-ms = 0\n")
    config = ["--config", str(tmp_path / "naru.toml")]
    naru = make_naru("--shards", counts[0], *config).start()
    with wire.Connection(naru.address) as c:
        for i in range(20):
            assert c.create_topic(f"topic-{i}", 3) == 0
        _, pid, _ = c.init_producer_id()
        assert c.create_topic("numbered") == 0
    client = make.confluent().open(naru.address, tmp_path)
    client.create("clients", 3)
    sent = some_records(900, "shards", 3)
    client.produce("clients", sent, codec="zstd", idempotent=True)
    first = client.group("clients", "readers", 300)
    client.close()
    for turn, count in enumerate(counts):
        if turn > 0:
            getattr(naru, end)()
            naru.flags = ["--shards", count, *config]
            naru.start()
            assert f"cores={count}" in naru.says()
            verify(naru.address, turn)
        write(naru.address, turn)
        with wire.Connection(naru.address) as c:
            batches = [wire.simple_batch(str(i), pid=pid, pid_epoch=0, sequence=i, time=int(time.time() * 1000))
                       for i in range(turn + 1)]
            if turn > 0:
                assert c.produce("numbered", batches[turn - 1]) == (0, turn - 1), "a known batch was written again"
            assert c.produce("numbered", batches[turn]) == (0, turn)
    client = make.confluent().open(naru.address, tmp_path)
    check_same(sent, client.consume("clients", 900), client)
    rest = client.group("clients", "readers", 600)
    check_same(sent, sorted(first + rest, key=lambda r: (r.partition, r.offset)), client)
    client.close()
    wait_until(lambda: naru.get("/health")[0] == 200, "it is well")
    naru.stop()


def test_the_partition_that_is_named_first_has_the_bytes(make_naru):
    """Whichever loop it is on: clients name another one first each time, so that none of them starves."""
    naru = make_naru("--shards", "4").start()
    partitions, batch = 8, wire.simple_batch("x" * 1000)
    with wire.Connection(naru.address) as c:
        assert c.create_topic("backlog", partitions) == 0
        for p in range(partitions):
            assert c.produce("backlog", batch, p) == (0, 0)
        for first in range(partitions):
            order = [(first + i) % partitions for i in range(partitions)]
            r = c.call(wire.FETCH, 11, i32(-1) + i32(0) + i32(1) + i32(len(batch)) + i8(0) + i32(0) + i32(-1)
                       + array([string("backlog") + array([i32(p) + i32(-1) + i64(0) + i64(-1) + i32(1 << 20)
                                                           for p in order])]) + array([]) + string(""))
            r.i32(), r.i16(), r.i32()
            assert r.i32() == 1 and r.string() == "backlog"

            def partition():
                number = r.i32()
                assert r.i16() == 0
                r.i64(), r.i64(), r.i64()
                r.array(lambda: (r.i64(), r.i64()))
                r.i32()
                return number, len(r.blob() or b"")
            assert [p for p, size in r.array(partition) if size > 0] == [first]
    naru.stop()
