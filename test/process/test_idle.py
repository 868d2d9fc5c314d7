"""No work, no CPU: a broker that nobody talks to causes no context switch at all, and parked consumers cost none."""
import time

import wire
from broker import wait_until
from naru import MIB
from wire import array, i32, i64, i8, string

SECONDS = 5
PARKED = 100


def fetch_and_wait(connection, topic):
    connection.send(wire.FETCH, 11, i32(-1) + i32(60_000) + i32(1) + i32(MIB) + i8(0) + i32(0) + i32(-1)
                    + array([string(topic) + array([i32(0) + i32(-1) + i64(0) + i64(-1) + i32(MIB)])])
                    + array([]) + string(""))


def settled(naru):
    """Two looks a second apart without a switch, and no thread that waits for a core or the disk: what starting or
    parking caused is over."""
    before = naru.switches()
    time.sleep(1)
    return naru.switches() == before and naru.is_asleep()


def switches_while_idle(naru):
    wait_until(lambda: settled(naru), "nothing runs any more")
    before = naru.switches()
    time.sleep(SECONDS)
    after = naru.switches()
    assert set(after) == set(before), "threads came or went"
    return {name: (voluntary - before[id][1], forced - before[id][2])
            for id, (name, voluntary, forced) in after.items() if before[id] != (name, voluntary, forced)}


def test_no_context_switch_without_clients(naru):
    # The descriptors that a test needs are read from /proc: nothing below makes the broker run.
    switches = switches_while_idle(naru)
    rss, anon = naru.status("VmRSS", "RssAnon")
    print(f"idle: VmRSS {rss / MIB:.1f} MiB, of it anonymous {anon / MIB:.1f}; switches in {SECONDS} s: {switches}")
    assert switches == {}


def test_no_context_switch_with_parked_consumers(naru):
    with wire.Connection(naru.address) as c:
        assert c.create_topic("quiet") == 0
    parked = [wire.Connection(naru.address) for _ in range(PARKED)]
    for connection in parked:
        fetch_and_wait(connection, "quiet")
    wait_until(lambda: naru.metric("naru_kafka_connections") == PARKED, "all are connected")
    switches = switches_while_idle(naru)
    rss, anon = naru.status("VmRSS", "RssAnon")
    print(f"{PARKED} parked: VmRSS {rss / MIB:.1f} MiB, anonymous {anon / MIB:.1f}; switches in {SECONDS} s: {switches}")
    assert switches == {}
    with wire.Connection(naru.address) as c:  # and they are awake when there is something
        assert c.produce("quiet", wire.simple_batch("come", time=int(time.time() * 1000))) == (0, 0)
    for connection in parked:
        connection.receive().i32()
        connection.close()


def test_returns_to_idle_after_work(naru):
    with wire.Connection(naru.address) as c:
        assert c.create_topic("busy", 4) == 0
        for i in range(200):
            assert c.produce("busy", wire.simple_batch(str(i), time=int(time.time() * 1000)), i % 4)[0] == 0
    wait_until(lambda: naru.metric("naru_kafka_connections") == 0, "nobody is connected")
    switches = switches_while_idle(naru)
    # Retention looks at written logs every 10 s; a look is one switch to the loop and one back.
    assert sum(v + f for v, f in switches.values()) <= 2, switches
