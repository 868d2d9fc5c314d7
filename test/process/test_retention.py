"""Old data goes: by size whenever there is more, by age when its time comes; and nothing ticks in between."""
import time

import pytest

import wire
from broker import wait_until
from naru import MIB


@pytest.fixture
def naru(make_naru, tmp_path):
    config = tmp_path / "naru.toml"
    config.write_text("log-retention-check-interval-ms = 200\n")
    return make_naru("--config", str(config)).start()


def produce(c, topic, count, at=None):
    at = at or int(time.time() * 1000)
    for _ in range(count):
        assert c.produce(topic, wire.simple_batch("x" * 500_000, time=at))[0] == 0


def begin(c, topic):
    return c.list_offset(topic, -2)[2]


def test_by_size_again_and_again(naru):
    with wire.Connection(naru.address) as c:
        assert c.create_topic("sized", configs=[("retention.bytes", str(3 * MIB)), ("segment.bytes", str(MIB))]) == 0
        for turn in range(3):  # the second look must not wait until something gets old
            before = begin(c, "sized")
            produce(c, "sized", 12)
            wait_until(lambda low=before: begin(c, "sized") >= low + 4, "the oldest segments go")
            end = c.list_offset("sized", -1)[2]
            assert end - begin(c, "sized") >= 6, "more than 3 MiB went"
        segments = sum(p.stat().st_blocks * 512 for p in (naru.data / "segments").iterdir())
        assert segments < 6 * MIB
    naru.stop()


def test_by_age(naru):
    with wire.Connection(naru.address) as c:
        assert c.create_topic("aged", configs=[("retention.ms", "8000"), ("segment.ms", "1000")]) == 0
        now = int(time.time() * 1000)
        produce(c, "aged", 1, now - 20_000)
        produce(c, "aged", 1, now)
        wait_until(lambda: begin(c, "aged") == 1, "what is older than retention.ms goes")
        assert c.list_offset("aged", -1)[2] == 2
        wait_until(lambda: begin(c, "aged") == 2, "and the rest when its time comes")
        assert time.time() * 1000 >= now + 8000
    naru.stop()
