"""What survives a restart of the broker. A broker of its own: nobody else should notice."""
import pytest
from broker import PEER, Broker, wait_until
from client import Connection
from events import Closed


@pytest.fixture(scope="module", params=["stop"] if PEER == "rabbitmq" else ["stop", "kill"])
def restarted(request, tmp_path_factory):
    """A broker that was filled, stopped in good order or killed, and started again."""
    broker = Broker(tmp_path_factory.mktemp("restart"))
    if broker.process is None:
        pytest.skip("the broker is not ours to restart")
    prepare(broker)
    broker.stop() if request.param == "stop" else broker.kill()
    broker.start()
    yield broker
    broker.stop()


def prepare(broker):
    connection = Connection(broker.address)
    channel = connection.channel().confirms()
    channel.declare("durable", durable=True, arguments={"x-max-length": 100})
    channel.declare("transient")
    channel.declare("priorities", durable=True, arguments={"x-max-priority": 5})
    channel.declare("quorum", durable=True, arguments={"x-queue-type": "quorum"})
    channel.declare("stream", durable=True, arguments={"x-queue-type": "stream"})
    channel.declare("delayed-death", durable=True, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "grave"})
    channel.declare("grave", durable=True)
    channel.exchange("lasting", "topic", durable=True)
    channel.exchange("passing", "topic")
    channel.bind("durable", "lasting", "a.#")
    channel.bind("transient", "lasting", "a.#")
    channel.bind("durable", "passing", "b.#")
    for n in range(10):
        channel.publish("", "durable", f"kept {n}", delivery_mode=2, headers={"n": n})
        channel.publish("", "durable", f"lost {n}", delivery_mode=1)
        channel.publish("", "priorities", str(n % 3), priority=n % 3, delivery_mode=2)
        channel.publish("", "quorum", str(n))  # durable whatever the message says
        channel.publish("", "stream", str(n))
    channel.publish("", "delayed-death", "later", delivery_mode=2, expiration="1000")
    assert set(channel.confirmed().values()) == {"ack"}
    assert [channel.get("durable", no_ack=False).text for _ in range(4)] == ["kept 0", "lost 0", "kept 1", "lost 1"]
    channel.ack(1)
    channel.call("basic.qos")
    connection.close()


@pytest.fixture
def channel(restarted):
    with Connection(restarted.address) as connection:
        yield connection.channel()


def test_persistent_messages(channel):
    assert channel.declare("durable", passive=True).message_count == 9
    got = [channel.get("durable") for _ in range(9)]
    assert [m.text for m in got] == [f"kept {n}" for n in range(1, 10)]
    assert [m.headers["n"] for m in got] == list(range(1, 10))
    assert got[0].redelivered is True  # it was with a consumer when the broker went


def test_queues_and_exchanges(channel):
    channel.declare("durable", durable=True, arguments={"x-max-length": 100})
    channel.exchange("lasting", "topic", durable=True)
    for name, what in (("queue.declare", "queue"), ("exchange.declare", "exchange")):
        gone = "transient" if what == "queue" else "passing"
        channel.connection.channel().refused(404, f"no {what} '{gone}' in vhost '/'", name, passive=True, **{what: gone})


def test_bindings(channel):
    channel.call("queue.purge", queue="durable")
    channel.publish("lasting", "a.b", "still bound")
    assert channel.get("durable").text == "still bound"


def test_priorities(channel):
    assert channel.drain("priorities") == ["2"] * 3 + ["1"] * 3 + ["0"] * 4


def test_quorum(channel):
    assert channel.drain("quorum") == list(map(str, range(10)))


def test_stream(channel):
    """The original needs a moment until its streams are back: 404 "home node ... is down or inaccessible"."""
    def reader():
        again = channel.connection.channel()
        again.qos(20)
        try:
            again.consume("stream", arguments={"x-stream-offset": "first"})
            return again
        except Closed as end:
            assert PEER == "rabbitmq" and end.code == 404, end
    assert wait_until(reader, "the stream is back").bodies(10) == list(map(str, range(10)))


def test_time_to_live_goes_on(channel):
    channel.consume("grave", no_ack=True)
    got = channel.deliver()
    assert (got.text, got.headers["x-first-death-reason"]) == ("later", "expired")
