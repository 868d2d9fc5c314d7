"""Data that is no longer in memory: the loop's thread leaves waiting for the disk to another one."""
import errno
import os
import re
import threading
import time
import zlib
from pathlib import Path

import pytest

import wire
from naru import MIB, wait_until

BATCH, COUNT = 900_000, 30


def is_cached(file, at):
    try:
        return os.preadv(file, [bytearray(1)], at, os.RWF_NOWAIT) == 1
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        pytest.skip("this file system has nothing but memory (tmpfs), or does not tell")


def forget_segments(naru):
    """Takes the segments out of the page cache, as if other files had needed the memory."""
    for path in (naru.data / "segments").iterdir():
        file = os.open(path, os.O_RDWR)
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        if path.stat().st_size > MIB and any(is_cached(file, at) for at in (0, MIB // 2)):
            pytest.skip("this file system keeps what it is told to forget")
        os.close(file)


def bytes_read(naru):
    """{thread: bytes that it had the disk read}"""
    tasks = Path(f"/proc/{naru.process.pid}/task")
    return {int(t.name): int(re.search(r"^read_bytes: (\d+)", (t / "io").read_text(), re.M)[1]) for t in tasks.iterdir()}


@pytest.fixture
def filled(make_naru):
    naru = make_naru("--shards", "1").start()
    dice = os.urandom(BATCH)
    sums = []
    with wire.Connection(naru.address) as c:
        assert c.create_topic("cold") == 0 and c.create_topic("hot") == 0
        for i in range(COUNT):
            value = dice[i:] + dice[:i]
            batch = wire.batch([wire.record(0, b"k", value)], time=int(time.time() * 1000))
            assert c.produce("cold", batch) == (0, i)
            sums.append(zlib.crc32(value))
    naru.stop()
    return naru, sums


def read_all(address, count, max_bytes):
    """Checksums of the values, one per batch."""
    found = []
    with wire.Connection(address, timeout=60) as c:
        while len(found) < count:
            error, _, data = c.fetch("cold", len(found), max_bytes=max_bytes, partition_max=max_bytes)
            assert error == 0
            at = 0
            for base, _, _, _ in wire.batches(data):
                length = int.from_bytes(data[at + 8:at + 12], "big") + 12
                if base == len(found):
                    # One record: key "k", a value, no header.
                    found.append(zlib.crc32(data[at + length - 1 - BATCH:at + length - 1]))
                at += length
    return found


def test_the_loop_reads_nothing_from_the_disk(filled):
    naru, sums = filled
    for max_bytes in (1, MIB, 8 * MIB):
        forget_segments(naru)
        naru.start()
        read_beside_others(naru, sums, max_bytes)
        naru.stop()


def read_beside_others(naru, sums, max_bytes):
    before, stop = bytes_read(naru), threading.Event()
    served = []

    def others():
        with wire.Connection(naru.address) as c:
            while not stop.is_set():
                assert c.produce("hot", wire.simple_batch("x", time=int(time.time() * 1000)))[0] == 0
                assert c.fetch("hot", len(served))[0] == 0
                served.append(1)
    other = threading.Thread(target=others)
    other.start()
    found = read_all(naru.address, COUNT, max_bytes)
    wait_until(lambda: served, "others are served")
    stop.set()
    other.join()
    assert found == sums
    after = bytes_read(naru)
    read = {thread: after[thread] - before.get(thread, 0) for thread in after}
    loop = read.pop(naru.process.pid)
    print(f"read by the loop: {loop}, by others: {read}; {len(served)} other requests served")
    assert sum(read.values()) > 0.9 * BATCH * COUNT
    assert loop < 0.02 * BATCH * COUNT
