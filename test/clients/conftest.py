import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "common")]

pytest.register_assert_rewrite("scenarios", "driver", "command_clients", "wire")

from broker import Broker  # noqa: E402


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    """One broker for the whole run: tests share it as applications would, by names of their own."""
    running = Broker(tmp_path_factory.mktemp("broker"))
    yield running
    running.stop()
