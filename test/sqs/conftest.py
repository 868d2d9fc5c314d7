"""Fixtures: one broker for the run, names of its own for each test, both protocols, and the list of what naru lacks."""
import re
import sys
import zlib
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "common")]
pytest.register_assert_rewrite("answers", "wire", "queues")

import not_yet  # noqa: E402
from broker import ACCOUNT, PEER, Broker  # noqa: E402
from queues import Sqs  # noqa: E402
from wire import Client  # noqa: E402


def short(node):
    """A test's id without what the current folder adds."""
    return node.split("sqs/", 1)[-1]


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    running = Broker(tmp_path_factory.mktemp("broker"))
    yield running
    running.stop()


@pytest.fixture
def own_broker(tmp_path):
    """A broker that the test may stop, kill and start again."""
    running = Broker(tmp_path)
    if not running.is_ours:
        pytest.skip("the broker is not ours to kill")
    yield running
    if running.process.poll() is None:
        running.kill()


@pytest.fixture
def name(request):
    """A name for a queue that no other test has, the same in every run."""
    node = short(request.node.nodeid)
    kept = re.sub(r"\W", "_", request.node.originalname or request.node.name).removeprefix("test_")[:40]
    return f"{kept}_{zlib.crc32(node.encode()):08x}"


@pytest.fixture(params=["json", "query"])
def protocol(request):
    return request.param


@pytest.fixture
def client(broker, protocol):
    with Client(broker.address, protocol, account=ACCOUNT) as made:
        yield made


@pytest.fixture
def sqs(broker, protocol):
    """The actions as short calls; queues that it made are gone at the end."""
    with Client(broker.address, protocol, account=ACCOUNT) as made:
        using = Sqs(made)
        yield using
        using.clean_up()


# -- what naru does not do yet --------------------------------------------------------

def pytest_collection_modifyitems(items):
    if PEER == "naru":
        not_yet.mark(items, HERE / "not_yet.txt", short)
