"""Little memory: ordinary messages pass, what does not fit is said, and the settings that clients see are true."""
import struct

import pytest

import wire
from naru import MIB
from wire import array, i8, i32, string

DESCRIBE, BROKER = 32, 4


def message(size):
    return wire.batch([wire.record(0, None, b"x" * size)])


def broker_setting(c, name):
    r = c.call(DESCRIBE, 1, array([i8(BROKER) + string("1") + array([string(name)])]) + i8(0))
    r.i32()
    assert r.i32() == 1 and r.i16() == 0
    r.string(), r.i8(), r.string()

    def entry():
        key, value = r.string(), r.string()
        r.i8(), r.i8(), r.i8()
        r.array(lambda: (r.string(), r.string(), r.i8()))
        return key, value
    return dict(r.array(entry))[name]


@pytest.mark.parametrize("flags", [(), ("--shards", "4")])
def test_messages_of_a_megabyte(make_naru, flags):
    naru = make_naru("--memory-limit", "16MiB", *flags).start()
    with wire.Connection(naru.address) as c:
        assert c.create_topic("large", 8) == 0
        for partition in range(8):
            assert c.produce("large", message(1_048_000), partition) == (0, 0)
    naru.stop()


def test_few_loops_share_little_memory(make_naru):
    naru = make_naru("--memory-limit", "16MiB").start()
    assert "cores=1" in naru.says()
    naru.stop()


def test_what_is_too_large_is_said(make_naru):
    naru = make_naru("--memory-limit", "16MiB", "--shards", "1").start()
    with wire.Connection(naru.address) as c:
        most = int(broker_setting(c, "socket.request.max.bytes"))
        assert 4 * MIB - 100 < most < 4 * MIB
    for size in (most + 1, most + 1):
        with wire.Connection(naru.address) as c:
            c.raw(struct.pack(">i", size) + b"\0" * 64)
            assert c.is_closed()
    assert naru.says().count(f"most={most}") == 1, "once in ten seconds"
    naru.stop()
