import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "clients", HERE.parent / "common"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

pytest.register_assert_rewrite("naru", "load", "wire")

from broker import PEER  # noqa: E402
from naru import Naru  # noqa: E402


def pytest_collection_modifyitems(items):
    if PEER == "naru":
        return
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="the process under test is naru's, not Kafka's"))


@pytest.fixture
def make_naru(tmp_path):
    """make_naru(*flags): processes that do not outlive their test."""
    made = []

    def make(*flags, **options):
        made.append(Naru(options.pop("folder", tmp_path), *flags, **options))
        return made[-1]
    yield make
    for naru in made:
        if naru.is_running():
            naru.kill()


@pytest.fixture
def naru(make_naru):
    return make_naru().start()
