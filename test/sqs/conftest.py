"""Fixtures: one broker for the run, names of its own for each test, both protocols, and the list of what naru lacks."""
import fnmatch
import re
import sys
import zlib
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
pytest.register_assert_rewrite("answers", "wire", "queues")

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

def not_yet():
    """(pattern, reason) of each line of not_yet.txt."""
    lines = (line.strip() for line in (HERE / "not_yet.txt").read_text().splitlines())
    return [tuple(line.split(None, 1)) for line in lines if line and not line.startswith("#")]


def pytest_collection_modifyitems(items):
    if PEER != "naru":
        return
    listed = not_yet()
    for item in items:
        node = short(item.nodeid)
        for pattern, reason in listed:
            if fnmatch.fnmatchcase(node, pattern.replace("[", "[[]")):
                item.add_marker(pytest.mark.xfail(reason=f"not yet: {reason}", strict=False))
                break


def pytest_terminal_summary(terminalreporter):
    passed = terminalreporter.stats.get("xpassed", [])
    if passed:
        terminalreporter.section("listed in not_yet.txt, but passes: take it off the list")
        for report in passed[:300]:
            terminalreporter.write_line(report.nodeid)
