"""Fixtures: one broker for the run, a connection and names of its own for each test, and the list of what naru lacks."""
import os
import re
import sys
import zlib
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "common")]
pytest.register_assert_rewrite("events", "client", "channel")

import events  # noqa: E402
import not_yet  # noqa: E402
from broker import PEER, Broker  # noqa: E402
from client import Connection  # noqa: E402

STEPS_PER_TEST = {}


def short(node):
    """A test's id without what the current folder adds."""
    return node.split("amqp/", 1)[-1]


# -- fixtures -----------------------------------------------------------------------

@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    running = Broker(tmp_path_factory.mktemp("broker"))
    yield running
    running.stop()


@pytest.fixture
def names(request):
    """A name for queues and exchanges that no other test has, the same in every run."""
    node = short(request.node.nodeid)
    return re.sub(r"\W", "_", request.node.originalname or request.node.name).removeprefix("test_")[:24] \
        + f"_{zlib.crc32(node.encode()):08x}"


@pytest.fixture
def q(names):
    return names + ".q"


@pytest.fixture
def x(names):
    return names + ".x"


@pytest.fixture
def connect(request, broker):
    """Opens connections; at the end all are gone, and so is what was declared on them."""
    opened = []
    events.STEPS.clear()

    def open_one(*args, **options):
        connection = Connection(broker.address, *args, **options)
        opened.append(connection)
        return connection
    yield open_one
    STEPS_PER_TEST[request.node.nodeid] = events.STEPS["checked"]
    for connection in opened:
        connection.abort()
    write_transcript(request.node.nodeid, opened)
    clean_up(broker, set().union(*(c.declared for c in opened)))


def clean_up(broker, declared):
    for vhost in {v for v, _, _ in declared}:
        with Connection(broker.address, vhost=vhost) as connection:
            for _, kind, name in sorted(d for d in declared if d[0] == vhost):
                channel = connection.channel()
                channel.send(f"{kind}.delete", **{kind: name})
                try:
                    channel.answer(f"{kind}.delete_ok")
                except events.Closed as end:
                    # The exclusive queue of a connection that just went, a predeclared exchange, a made-up bad name.
                    assert end.scope == "channel", end


def write_transcript(node, connections):
    folder = os.environ.get("NARU_TRANSCRIPTS")
    if folder:
        file = Path(folder) / (re.sub(r"[^\w.\[\]-]", "_", short(node))[:200] + ".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n\n".join(f"connection {n}\n{c.log.text()}" for n, c in enumerate(connections, 1)) + "\n")


@pytest.fixture
def connection(connect):
    return connect()


@pytest.fixture
def channel(connection):
    return connection.channel()


@pytest.fixture
def other(connect):
    """A channel of a second connection."""
    return connect().channel()


@pytest.fixture
def fill(connect):
    """Publishes to a queue from outside and waits until the broker has it all."""
    made = []

    def publish(queue, *bodies, **properties):
        with events.setup():
            if not made:
                made.append(connect().channel().confirms())
            for body in bodies:
                made[0].publish("", queue, body, mandatory=True, **properties)
            answers = made[0].confirmed()
        assert list(answers.values()) == ["ack"] * len(bodies)
        assert not made[0].inbox, f"unroutable: {made[0].inbox}"
        events.step()
    return publish


@pytest.fixture
def count(connect):
    """Asks the broker, on a connection of its own: how many messages are ready, how many consumers there are."""
    made = []

    def ask(queue):
        if not made:
            made.append(connect().channel())
        answer = made[0].declare(queue, passive=True)
        return answer.message_count, answer.consumer_count
    return ask


# -- what naru does not do yet --------------------------------------------------------

def pytest_collection_modifyitems(items):
    if PEER == "naru":
        not_yet.mark(items, HERE / "not_yet.txt", short)


def pytest_terminal_summary(terminalreporter):
    if STEPS_PER_TEST:
        terminalreporter.write_line(
            f"{sum(STEPS_PER_TEST.values())} checked steps in {len(STEPS_PER_TEST)} tests, peer: {PEER}")
