"""A million real records from one library to another, through a group whose members come and go."""
import subprocess
import uuid
from array import array
from collections import defaultdict
from pathlib import Path
from zlib import crc32

import pytest

import wire
from broker import CACHE, wait_until
from dataset import ROW, SENT

COUNT = 1_000_000
PARTITIONS = 6
PROGRAM = [CACHE / "venv/bin/python", Path(__file__).parent / "dataset.py"]


class Group:
    """Members, each with a file of the records it was given."""

    def __init__(self, address, topic, folder):
        self.words, self.folder, self.members = [address, topic, f"{topic}-group"], folder, []

    def start(self):
        out = self.folder / f"member-{len(self.members)}"
        out.touch()
        log = open(out.with_suffix(".log"), "wb")
        process = subprocess.Popen([*PROGRAM, "consume", *self.words, out], stdin=subprocess.PIPE, stderr=log)
        self.members.append((process, out))
        return process

    def given(self):
        return sum(out.stat().st_size for _, out in self.members) // ROW.size

    def leave(self, *processes):
        for process in processes:
            process.stdin.close()
        for process in processes:
            assert process.wait(120) == 0

    def kill_all(self):
        for process, _ in self.members:
            if process.poll() is None:
                process.kill()


@pytest.fixture
def topic(broker):
    name = f"dataset-{uuid.uuid4().hex[:8]}"
    with wire.Connection(broker.address) as c:
        assert c.create_topic(name, PARTITIONS) == 0
    wait_until(lambda: wire.ready(broker.address, name, PARTITIONS), "the topic is ready")
    return name


@pytest.fixture
def group(broker, topic, tmp_path):
    group = Group(broker.address, topic, tmp_path)
    yield group
    group.kill_all()


def ends(address, topic):
    with wire.Connection(address) as c:
        return [c.list_offset(topic, -1, partition=p)[2] for p in range(PARTITIONS)]


def merge(group, sizes):
    """Per partition, what lies at each offset. A record given twice must be the same both times."""
    numbers = [array("q", [-1]) * n for n in sizes]
    keys, values = ([array("I", [0]) * n for n in sizes] for _ in range(2))
    for _, out in group.members:
        data = out.read_bytes()
        for partition, offset, number, key, value in ROW.iter_unpack(data[:len(data) // ROW.size * ROW.size]):
            if numbers[partition][offset] >= 0:
                assert (numbers[partition][offset], keys[partition][offset], values[partition][offset]) == (
                    number, key, value)
            numbers[partition][offset], keys[partition][offset], values[partition][offset] = number, key, value
    return numbers, keys, values


def checksums(pairs):
    """Per key, a checksum over the checksums of its values in order."""
    sums = defaultdict(int)
    for key, value in pairs:
        sums[key] = crc32(value.to_bytes(4, "little"), sums[key])
    return sums


def test_million_records_through_a_restless_group(broker, topic, group, tmp_path):
    sent_file = tmp_path / "sent"
    made = subprocess.run([*PROGRAM, "produce", broker.address, topic, str(COUNT), sent_file],
                          stderr=subprocess.PIPE, timeout=600, check=False)
    assert made.returncode == 0 and not made.stderr, made.stderr.decode()
    sizes = ends(broker.address, topic)
    assert sum(sizes) == COUNT

    first, second, _ = group.start(), group.start(), group.start()
    wait_until(lambda: group.given() > COUNT * 0.1, "a tenth is read", 180)
    group.leave(first)
    wait_until(lambda: group.given() > COUNT * 0.3, "a third is read", 180)
    group.start()
    wait_until(lambda: group.given() > COUNT * 0.5, "half is read", 180)
    second.kill()  # without a word: its partitions go on from its last commit when its session ends
    group.start()
    wait_until(lambda: group.given() >= COUNT and finished(broker.address, group, topic, sizes), "all is read", 240)
    group.leave(*[process for process, _ in group.members if process.poll() is None])
    for _, out in group.members:
        assert out.with_suffix(".log").read_text() == ""

    numbers, keys, values = merge(group, sizes)
    for partition in range(PARTITIONS):
        order = numbers[partition]
        assert all(a < b for a, b in zip(order, order[1:])) and order[0] >= 0, f"partition {partition} is out of order"
    sent = checksums(SENT.iter_unpack(sent_file.read_bytes()))
    got = checksums(pair for p in range(PARTITIONS) for pair in zip(keys[p], values[p]))
    assert len(sent) > 1000 and got == sent


def finished(address, group, topic, sizes):
    """Every partition is committed to its end: whatever comes later is a repetition."""
    asking = wire.Group(address, group.words[2])
    try:
        _, committed = asking.committed({topic: list(range(PARTITIONS))})
    finally:
        asking.close()
    return [committed[topic, p][0] for p in range(PARTITIONS)] == sizes
