"""The broker's own counters agree with what a client saw: no test passes because nothing happened on either side."""
import time

from broker import COUNTERS


def test_what_happened_is_counted(broker, connect, q):
    before = broker.counters()
    channel = connect().channel()
    channel.declare(q + ".dead")
    channel.declare(q, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": q + ".dead"})
    channel.confirms()
    for n in range(10):
        channel.publish("", q, str(n))
    for _ in range(3):
        channel.publish("", "nowhere", "dropped")
    for _ in range(2):
        channel.publish("", "nowhere", "returned", mandatory=True)
    assert list(channel.confirmed().values()) == ["ack"] * 15
    assert channel.get(q + ".dead") is None
    for _ in range(4):
        channel.get(q, no_ack=False)
    channel.ack(2, multiple=True)
    channel.nack(3)
    channel.reject(4, requeue=False)
    channel.consume(q, "t", no_ack=True)
    assert [channel.answer("basic.deliver").text for _ in range(7)] == ["2", "4", "5", "6", "7", "8", "9"]
    assert channel.get(q + ".dead").text == "3"
    wanted = dict(zip(COUNTERS, (15, 15, 11, 3, 2, 12, 1, 2, 1, 1)))
    wanted["messages_routed"] = 10
    deadline = time.monotonic() + 60
    while (grown := {name: count - before[name] for name, count in broker.counters().items()}) != wanted:
        assert time.monotonic() < deadline, grown
        time.sleep(0.2)
