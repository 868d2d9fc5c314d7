"""What is finite or broken outside of naru: the disk, descriptors, the data folder, the port, the journal's end."""
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest

import wire
from broker import wait_until
from naru import MIB, check

UNKNOWN_TOPIC, STORAGE_ERROR = 3, 56


def some(text, size=0):
    return wire.simple_batch(text.ljust(size, "."), time=int(time.time() * 1000))


class Small:
    """A file system of its own of a few megabytes, which only the processes in it see."""

    def __init__(self, folder, size):
        self.folder = folder
        folder.mkdir()
        user = [] if os.geteuid() == 0 else ["-r"]
        self.holder = subprocess.Popen(
            ["unshare", *user, "-m", "sh", "-c", f"mount -t tmpfs -o size={size} none {folder} && echo there && exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.holder.stdout.readline() != b"there\n":
            reason = self.holder.communicate()[1].decode().strip()
            pytest.skip(f"a private mount is not permitted here: {reason}")
        self.enter = ["nsenter", "-t", str(self.holder.pid), "-m"]
        if user:
            self.enter += ["-U", "--preserve-credentials"]
        self.seen = Path(f"/proc/{self.holder.pid}/root{folder}")  # the same folder, from outside

    def fill(self):
        """Takes all the space there is."""
        with open(self.seen / "ballast", "ab", buffering=0) as file:
            block = b"x" * 65536
            while block:
                try:
                    file.write(block)
                except OSError:
                    block = block[:len(block) // 2]

    def free(self):
        (self.seen / "ballast").unlink()

    def remount(self, option):
        subprocess.run([*self.enter, "mount", "-o", f"remount,{option}", self.folder], check=True)

    def close(self):
        self.holder.stdin.close()
        self.holder.wait(60)


@pytest.fixture
def small(tmp_path):
    made = Small(tmp_path / "small", "192m")
    yield made
    made.close()


# -- disk -----------------------------------------------------------------------

class TestFullDisk:
    @pytest.fixture
    def full(self, small, make_naru):
        """A broker with a topic, some records, and no space left."""
        naru = make_naru(under=small.enter, data=small.folder / "data").start()
        with wire.Connection(naru.address) as c:
            assert c.create_topic("kept") == 0
            for i in range(20):
                assert c.produce("kept", some(f"{i}")) == (0, i)
            small.fill()
            self.acked = self.until_refused(c)
        yield naru
        if naru.is_running():
            naru.kill()

    def until_refused(self, c):
        """Writes what still fits into files that are there already; returns how many records were confirmed."""
        acked, deadline = 20, time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline, "writes on a full disk are confirmed for ever"
            error, base = c.produce("kept", some(f"{acked}", 100_000))
            if error:
                assert error == STORAGE_ERROR, f"error {error}"
                return acked
            assert base == acked
            acked += 1

    def read(self, naru, count):
        """The first `count` records are there, in order."""
        offset = 0
        with wire.Connection(naru.address) as c:
            while offset < count:
                error, _, data = c.fetch("kept", offset)
                assert error == 0
                found = wire.batches(data)
                assert found and found[0][0] == offset
                offset = found[-1][1] + 1
            return offset

    def heals(self, naru):
        def written():
            with wire.Connection(naru.address) as c:
                error, base = c.produce("kept", some("healed"))
                assert error in (0, STORAGE_ERROR), f"error {error}"
                return (base,) if error == 0 else None
        base, = wait_until(written, "writes go on once there is space")
        assert base >= self.acked
        wait_until(lambda: naru.get("/health")[0] == 200, "/health is 200 again")
        assert self.read(naru, base + 1) == base + 1

    def test_refuses_writes_serves_reads_and_heals(self, full, small):
        status, body = full.get("/health")
        assert status == 503 and "full" in body
        self.read(full, self.acked)
        with wire.Connection(full.address) as c:
            assert c.produce("kept", some("more"))[0] == STORAGE_ERROR
            assert c.list_offset("kept", -2) == (0, -1, 0)
            assert c.create_topic("another") != 0
        small.free()
        self.heals(full)
        full.stop()

    def test_idempotent_client_waits_it_out(self, full, small):
        from confluent_kafka import Producer
        reports = []
        producer = Producer({"bootstrap.servers": full.address, "enable.idempotence": True, "retry.backoff.ms": 50,
                             "retry.backoff.max.ms": 200, "log_level": 0})
        for i in range(50):
            producer.produce("kept", f"patient {i}".encode(), partition=0,
                             on_delivery=lambda error, m: reports.append((error, m.offset())))
        producer.poll(1)
        assert reports == []
        small.free()
        assert producer.flush(60) == 0
        assert [error for error, _ in reports] == [None] * 50
        offsets = [offset for _, offset in reports]
        assert offsets == list(range(offsets[0], offsets[0] + 50)) and offsets[0] >= self.acked
        self.heals(full)
        full.stop()

    def test_killed_while_full(self, full, small, make_naru):
        full.kill()
        again = make_naru(folder=full.folder, under=small.enter, data=full.data).spawn()
        up = wait_until(lambda: again.process.poll() is not None or again.is_up(), "it starts or says why not")
        if again.process.poll() is None:
            self.read(again, self.acked)
            small.free()
            self.heals(again)
            again.stop()
        else:  # it may need space to start; then it says so and loses nothing
            assert up and again.ends() == 1
            assert "space" in again.says() or "full" in again.says(), again.says()
            small.free()
            again.start()
            self.read(again, self.acked)
            again.stop()
        assert check(small.seen / "data") is None

    def test_stops_while_full(self, full, small, make_naru):
        """SIGTERM finds no space for its checkpoint: it ends all the same, and the journal still has everything."""
        full.stop()
        assert "no space for a checkpoint" in full.says() and full.says().rstrip().endswith("stopped"), full.says()
        small.free()
        again = make_naru(folder=full.folder, under=small.enter, data=full.data).start()
        self.read(again, self.acked)
        again.stop()


def test_disk_that_fills_up_unnoticed_before_the_end(small, make_naru):
    """Nothing was refused yet: only the checkpoint of the end finds no space."""
    naru = make_naru(under=small.enter, data=small.folder / "data").start()
    with wire.Connection(naru.address) as c:
        assert c.create_topic("kept") == 0
        for i in range(20):
            assert c.produce("kept", some(f"{i}")) == (0, i)
    small.fill()
    assert naru.get("/health")[0] == 200  # it does not know
    naru.stop()
    assert "no space for a checkpoint" in naru.says() and str(naru.data) in naru.says(), naru.says()
    small.free()
    naru.start()
    assert "unclean" in naru.says()
    assert ends_at(naru) == 20
    naru.stop()
    assert check(small.seen / "data") is None


def test_read_only_data_folder(small, make_naru):
    small.remount("ro")
    naru = make_naru(under=small.enter, data=small.folder / "data").spawn()
    assert naru.ends() == 1
    assert str(naru.data) in naru.says() and "Read-only file system" in naru.says()


def test_data_folder_that_is_a_file(make_naru, tmp_path):
    (tmp_path / "taken").write_text("not a folder")
    naru = make_naru(data=tmp_path / "taken").spawn()
    assert naru.ends() == 1
    assert str(tmp_path / "taken") in naru.says() and "Not a directory" in naru.says()
    assert (tmp_path / "taken").read_text() == "not a folder"


def test_second_broker_on_one_folder(naru, make_naru, tmp_path):
    (tmp_path / "second").mkdir()
    second = make_naru(folder=tmp_path / "second", data=naru.data).spawn()
    assert second.ends() == 1
    assert str(naru.data) in second.says() and "another" in second.says(), second.says()
    with wire.Connection(naru.address) as c:
        assert c.create_topic("undisturbed") == 0
    naru.kill()
    make_naru(folder=tmp_path / "second", data=naru.data).start().stop()  # a lock does not outlive its process


@pytest.mark.parametrize("door", ["kafka", "admin"])
def test_port_taken(make_naru, door):
    naru = make_naru()
    with socket.socket() as other:
        other.bind(("127.0.0.1", naru.port if door == "kafka" else naru.admin))
        other.listen()
        assert naru.spawn().ends() == 1
        assert f"127.0.0.1:{other.getsockname()[1]}" in naru.says() and f"--{door}" in naru.says()
    naru.start().stop()  # nothing is wrong with the folder


# -- descriptors ------------------------------------------------------------------

def test_out_of_descriptors(make_naru):
    """Accepting pauses, those who are connected are served, and it goes on when others leave."""
    naru = make_naru(under=["prlimit", "--nofile=64:64"]).start()
    with wire.Connection(naru.address) as first:
        assert first.create_topic("open") == 0
        assert first.produce("open", some("a")) == (0, 0)
        crowd = [wire.Connection(naru.address) for _ in range(100)]
        for c in crowd:
            c.send(wire.API_VERSIONS, 0)
        served = []

        def answered():
            for c in crowd:
                if c not in served:
                    c.socket.settimeout(0.01)
                    try:
                        if c.socket.recv(1, socket.MSG_PEEK):
                            served.append(c)
                    except TimeoutError:
                        pass
            return len(served)
        wait_until(lambda: answered() >= 20, "some of them are served")
        wait_until(lambda: "new connections have to wait" in naru.says(), "the others wait")
        assert naru.says().count("have to wait") == 1
        assert naru.get("/health")[0] == 200
        began = naru.cpu_seconds()
        time.sleep(1)
        assert naru.cpu_seconds() - began < 0.1, "waiting for descriptors takes CPU"
        for i in range(1, 20):
            assert first.produce("open", some("b")) == (0, i)
            assert first.fetch("open", i)[0] == 0
        assert len(served) < 64 and naru.is_running()
        for c in served[:]:
            c.close()
            crowd.remove(c)
        wait_until(lambda: answered() >= 20 or len(served) == len(crowd), "the next ones are served")
        for c in crowd:
            c.close()
    wait_until(lambda: naru.metric("naru_kafka_connections") == 0, "all have left")
    with wire.Connection(naru.address) as c:
        assert c.create_topic("later", 4) == 0
        assert all(c.produce("later", some("c"), p) == (0, 0) for p in range(4))
    naru.stop()


def test_no_descriptor_for_a_log(make_naru):
    """However many connect, writes find the files that they need."""
    naru = make_naru(under=["prlimit", "--nofile=48:48"]).start()
    with wire.Connection(naru.address) as first:
        assert first.create_topic("many", 60) == 0
        crowd = [wire.Connection(naru.address) for _ in range(60)]
        errors = set()
        for p in range(60):
            error, base = first.produce("many", some("a"), p)
            assert (error, base) == (0, 0) or error != 0
            errors.add(error)
        assert errors == {0} and naru.is_running()  # connections leave descriptors to files
        for c in crowd:
            c.close()

        def works():
            with wire.Connection(naru.address) as c:
                return all(c.produce("many", some("b"), p)[0] == 0 for p in range(60))
        wait_until(works, "all partitions take records")
    naru.stop()


def test_many_partitions_few_descriptors(make_naru):
    """More written partitions than descriptors: idle ones hold no file."""
    naru = make_naru(under=["prlimit", "--nofile=128:128"]).start()
    with wire.Connection(naru.address) as c:
        assert c.create_topic("many", 300) == 0
        for turn in range(2):
            for p in range(300):
                assert c.produce("many", some("a"), p) == (0, turn), f"partition {p}"
        for p in range(300):
            error, end, data = c.fetch("many", 0, p)
            assert (error, end) == (0, 2) and len(wire.batches(data)) == 2
    naru.stop()


# -- frames -------------------------------------------------------------------------

@pytest.mark.parametrize("size", [100 * MIB + 1, 2**31 - 1, -1, -2**31, 0, 7])
def test_frame_that_cannot_be(naru, size):
    before, = naru.status("VmHWM")
    with wire.Connection(naru.address) as c:
        c.raw(struct.pack(">i", size) + b"\0" * 64)
        assert c.is_closed()
    after, = naru.status("VmHWM")
    assert after - before < MIB, "memory was taken for a size that nobody checked"
    with wire.Connection(naru.address) as c:
        assert c.find_coordinator("still here") == 0


def test_largest_frame(naru):
    """A request just under Kafka's limit is taken piece by piece, and refused for its record's size, not by a close."""
    with wire.Connection(naru.address, timeout=60) as c:
        assert c.create_topic("large") == 0
        assert c.produce("large", some("x", 90 * MIB // 8))[0] == 10  # MESSAGE_TOO_LARGE
        assert c.produce("large", some("small")) == (0, 0)


# -- the journal's end ----------------------------------------------------------------

def newest_journal(naru):
    return max(p for p in (naru.data / "journal").iterdir() if p.suffix == "")


def used_bytes(path):
    """Journal files are zeros behind the last write."""
    return len(path.read_bytes().rstrip(b"\0"))


@pytest.fixture
def killed(naru):
    with wire.Connection(naru.address) as c:
        assert c.create_topic("kept") == 0
        for i in range(30):
            assert c.produce("kept", some(f"{i}")) == (0, i)
    naru.kill()
    return naru


def ends_at(naru):
    with wire.Connection(naru.address) as c:
        error, end, data = c.fetch("kept", 0)
        assert error == 0
        assert [first for first, *_ in wire.batches(data)] == list(range(end))
        assert c.produce("kept", some("next")) == (0, end)
        return end


def test_torn_write_behind_the_last_group(killed):
    """The power went while a next group was being written: what had been confirmed is whole."""
    journal = newest_journal(killed)
    end = -(-used_bytes(journal) // 4096) * 4096
    with open(journal, "r+b") as file:
        file.seek(end)
        file.write(os.urandom(6000))
    killed.start()
    assert "unclean" in killed.says()
    assert ends_at(killed) == 30
    killed.stop()
    assert check(killed.data) is None


def test_journal_cut_off_behind_the_last_group(killed):
    journal = newest_journal(killed)
    os.truncate(journal, -(-used_bytes(journal) // 4096) * 4096)
    killed.start()
    assert ends_at(killed) == 30
    killed.stop()


def test_last_group_is_torn(killed):
    """As if the disk had lied about its last sync: everything before is there, offsets have no gap, it goes on."""
    journal = newest_journal(killed)
    at = used_bytes(journal) - 20
    with open(journal, "r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 8)
    killed.start()
    assert ends_at(killed) in (29, 30)  # the batch may be whole in its segment
    killed.stop()
    assert check(killed.data) is None


def test_damage_in_the_middle_is_not_a_torn_end(killed):
    """A later group is whole, so what is broken had been confirmed: naru does not start as if nothing were lost."""
    journal = newest_journal(killed)
    before = journal.read_bytes()
    with open(journal, "r+b") as file:
        file.seek(used_bytes(journal) // 8192 * 4096 + 30)
        file.write(b"\xff" * 8)
    assert killed.spawn().ends() == 1
    assert journal.name in killed.says() and "naru check" in killed.says(), killed.says()
    with open(journal, "r+b") as file:
        file.write(before)  # a refusal changes nothing: with the bytes back, all is back
    killed.start()
    assert ends_at(killed) == 30
    killed.stop()
