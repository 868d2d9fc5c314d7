"""--memory-limit is honest: a large backlog, a thousand connections of the worst kinds, and the others are served.

Measured is VmHWM, the highest VmRSS that the kernel ever saw, so nothing between two looks is missed. It counts
everything in the process's page tables: heap, stacks, the binary itself. naru maps no data files, so no page cache is in
it; buffers of sockets belong to the kernel and are limited by its own rules. NARU_SCALE=full takes 10 GB instead of 2.
"""
import os
import random
import socket
import struct
import threading
import time

import pytest

import wire
from naru import MIB
from wire import array, blob, i16, i32, i64, i8, string

LIMIT = 64 * MIB
FULL = os.environ.get("NARU_SCALE") == "full"
BACKLOG = (10_000 if FULL else 2_000) * 10**6


def big_batch(size):
    """One record of random bytes; its checksum is computed once."""
    return wire.batch([wire.record(0, None, random.Random(7).randbytes(size))], time=int(time.time() * 1000))


class Memory(threading.Thread):
    """Watches one process: when which part of it was how large."""

    def __init__(self, naru):
        super().__init__(daemon=True)
        self.naru, self.stopping = naru, threading.Event()
        self.rss = self.anon = 0

    def run(self):
        while not self.stopping.wait(0.05) and self.naru.is_running():
            rss, anon = self.naru.status("VmRSS", "RssAnon")
            self.rss, self.anon = max(self.rss, rss), max(self.anon, anon)

    def check(self, when):
        high, = self.naru.status("VmHWM")
        print(f"{when}: VmHWM {high / MIB:.1f} MiB; seen VmRSS {self.rss / MIB:.1f}, RssAnon {self.anon / MIB:.1f}")
        assert high < LIMIT, f"{when}: {high / MIB:.1f} MiB were in use, the limit is {LIMIT / MIB:.0f} MiB"


class Ordinary(threading.Thread):
    """A client like any other: writes a record, reads it back. Keeps how long that took at worst."""

    def __init__(self, address, topic, size):
        super().__init__(daemon=True)
        self.address, self.topic, self.batch = address, topic, big_batch(size)
        self.stopping = threading.Event()
        self.rounds, self.worst, self.failure = 0, 0.0, None

    def run(self):
        try:
            with wire.Connection(self.address, timeout=120) as c:
                while not self.stopping.is_set():
                    began = time.monotonic()
                    error, base = c.produce(self.topic, self.batch)
                    assert error == 0, f"produce: error {error}"
                    error, _, data = c.fetch(self.topic, base, partition_max=4 * MIB)
                    assert error == 0 and wire.batches(data)[0][0] == base
                    self.worst = max(self.worst, time.monotonic() - began)
                    self.rounds += 1
        except BaseException as error:  # noqa: BLE001  (the test reports it)
            self.failure = error

    def check(self, within):
        if self.failure:
            raise AssertionError(f"{self.topic}: {self.failure!r}") from self.failure
        assert self.worst < within, f"{self.topic}: one round took {self.worst:.1f} s"


def fill(address, topic, partitions, total):
    """Requests of about 1 MB, some under way on each of the partitions; acks=all."""
    batch = big_batch(1_000_000)
    with wire.Connection(address, timeout=120) as c:
        sent = confirmed = 0
        while confirmed * len(batch) < total:
            while sent - confirmed < 8 and sent * len(batch) < total:
                c.send_produce(topic, batch, sent % partitions)
                sent += 1
            error, *_ = c.produce_answer(topic, correlation=c.correlation - (sent - confirmed) + 1)
            assert error == 0, f"produce: error {error}"
            confirmed += 1
    return confirmed


def fetch_request(topic, partitions):
    """Everything from the beginning, 50 MB at once."""
    return (i32(-1) + i32(500) + i32(1) + i32(50 * MIB) + i8(0) + i32(0) + i32(-1)
            + array([string(topic) + array([i32(p) + i32(-1) + i64(0) + i64(-1) + i32(10 * MIB)
                                            for p in range(partitions)])]) + array([]) + string(""))


def connect(address):
    c = wire.Connection(address, timeout=60)
    c.socket.setblocking(False)
    return c


def push(connection, data):
    """As much as the kernel takes; the rest is never sent."""
    try:
        while data:
            data = data[connection.socket.send(data):]
    except (BlockingIOError, ConnectionError):
        pass


def never_reads_data(address):
    c = connect(address)
    push(c, b"".join(c.frame(wire.FETCH, 11, fetch_request("backlog", 4)) for _ in range(20)))
    return c


def never_reads_answers(address):
    """Answers that the broker builds in memory, not from a file."""
    c = connect(address)
    push(c, b"".join(c.frame(wire.METADATA, 1, array(None)) for _ in range(2000)))
    return c


def half_sent(address):
    c = connect(address)
    body = string(None) + i16(-1) + i32(10000) + array([string("backlog") + array([i32(0) + blob(b"x" * 1_000_000)])])
    frame = c.frame(wire.PRODUCE, 3, body)
    push(c, frame[:random.Random(c.socket.fileno()).randrange(1, len(frame))])
    return c


def byte_a_minute(address):
    c = connect(address)
    push(c, b"\0")
    return c


def trickle(connections):
    """The next byte of a frame of 16 bytes, which is small: to wait for it is cheap."""
    for c in connections:
        push(c, b"\0")


@pytest.fixture
def crowd():
    made = []
    yield made
    for c in made:
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()


def test_limit_holds(make_naru, crowd):
    naru = make_naru("--memory-limit", "64MiB").start()
    memory = Memory(naru)
    memory.start()
    memory.check("started")
    with wire.Connection(naru.address) as c:
        assert c.create_topic("backlog", 4, configs=[("retention.ms", "-1")]) == 0
        for i in range(200):  # so that a Metadata answer is large
            assert c.create_topic(f"a-topic-with-a-long-name-{i:04}", 4) == 0
    began = time.monotonic()
    count = fill(naru.address, "backlog", 4, BACKLOG)
    print(f"{count} MB of backlog in {time.monotonic() - began:.1f} s")
    memory.check("backlog written")

    clients = [Ordinary(naru.address, "small", 100), Ordinary(naru.address, "large", 500_000)]
    with wire.Connection(naru.address) as c:
        for client in clients:
            assert c.create_topic(client.topic) == 0
    for client in clients:
        client.start()
    # A thousand, mixed as they would come.
    kinds = [never_reads_data, never_reads_answers, half_sent, byte_a_minute]
    order = [kind for kind in kinds for _ in range(250)]
    random.Random(1).shuffle(order)
    slow = []
    for kind in order:
        crowd.append(kind(naru.address))
        if kind is byte_a_minute:
            slow.append(crowd[-1])
    memory.check("a thousand bad clients")
    wait_for_rounds(clients, 3, naru)
    trickle(slow)
    read_all(naru.address, "backlog", 4, min(BACKLOG, 500 * 10**6))
    memory.check("read from the beginning meanwhile")
    trickle(slow)
    wait_for_rounds(clients, 3, naru)
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(240)
        print(f"{client.topic}: {client.rounds} rounds, the longest {client.worst:.2f} s")
    small, large = clients
    small.check(within=30)
    large.check(within=90)  # waits in line for memory that half-sent frames hold for 10 s at most
    memory.check("at the end")
    naru.stop()


def wait_for_rounds(clients, more, naru):
    """Each of the ordinary clients gets something done."""
    goals = [client.rounds + more for client in clients]
    deadline = time.monotonic() + 240
    while any(client.rounds < goal and client.failure is None for client, goal in zip(clients, goals)):
        assert time.monotonic() < deadline, (
            f"rounds {[c.rounds for c in clients]} of {goals} within 240 s\n{naru.says()}\n{naru.get('/metrics')[1]}")
        time.sleep(0.02)


def read_all(address, topic, partitions, total):
    """One reader through `total` bytes of the backlog, as a consumer that catches up."""
    got, offset = 0, [0] * partitions
    with wire.Connection(address, timeout=60) as c:
        while got < total:
            for p in range(partitions):
                error, _, data = c.fetch(topic, offset[p], partition=p, max_bytes=8 * MIB, partition_max=8 * MIB)
                assert error == 0
                found = wire.batches(data)
                assert found and found[0][0] == offset[p]
                offset[p] = found[-1][1] + 1
                got += len(data)
