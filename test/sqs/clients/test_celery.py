"""Celery with the SQS transport: tasks, retries, a countdown, a worker that is killed."""
import os
import subprocess
import sys
from pathlib import Path

import pytest
from broker import aws_environment, wait_until

HERE = Path(__file__).resolve().parent


def environment(broker, prefix, results, visibility="60"):
    return {**aws_environment(broker.address), "CELERY_PREFIX": prefix, "CELERY_RESULTS": str(results), "PYTHONPATH": str(HERE),
            "CELERY_VISIBILITY": visibility}


class Worker:
    def __init__(self, settings, log, queues="tasks,slow"):
        self.file = open(log, "wb")
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "-c", "2", "-Q", queues, "--without-mingle", "--without-gossip",
             "-l", "info"], stdout=self.file, stderr=self.file, stdin=subprocess.DEVNULL, env=os.environ | settings, start_new_session=True)

    def says(self, text):
        assert self.process.poll() is None, self.log.read_text()
        return text in self.log.read_text()

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        self.file.close()


@pytest.fixture(scope="module")
def settings(broker, tmp_path_factory):
    return environment(broker, "celery", tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def tasks(settings):
    os.environ.update(settings)
    sys.path.insert(0, str(HERE))
    import celery_app
    yield celery_app
    celery_app.app.close()


@pytest.fixture(scope="module")
def worker(settings, tasks, tmp_path_factory):
    running = Worker(settings, tmp_path_factory.mktemp("celery") / "worker.log")
    wait_until(lambda: running.says(" ready."), f"the worker is ready ({running.log})", 120)
    yield running
    running.kill()


def test_a_task_and_its_result(worker, tasks):
    assert tasks.add.delay(2, 3).get(timeout=60) == 5


def test_many_tasks(worker, tasks):
    results = [tasks.add.delay(n, n) for n in range(50)]
    assert [result.get(timeout=60) for result in results] == [2 * n for n in range(50)]


def test_retries(worker, tasks):
    assert tasks.flaky.delay(2).get(timeout=60) == 2


def test_a_failure_comes_back(worker, tasks):
    with pytest.raises(ValueError, match="as expected"):
        tasks.fails.delay().get(timeout=60)


def test_countdown(worker, tasks):
    assert tasks.add.apply_async((1, 1), countdown=1).get(timeout=60) == 2


def test_routing(worker, tasks):
    assert tasks.slow.delay(0.1).get(timeout=60) == "done"


def test_a_killed_worker_loses_no_task(broker, tmp_path):
    """acks_late: after the visibility timeout the task that ran goes to another worker."""
    lone = environment(broker, "celery-killed", tmp_path, visibility="8")
    code = "import celery_app; print(celery_app.slow.delay(6).id)"
    subprocess.run([sys.executable, "-c", code], env=os.environ | lone, check=True, capture_output=True, timeout=90)
    first = Worker(lone, tmp_path / "first.log", "slow")
    wait_until(lambda: first.says("received"), "the first worker has it", 120)
    first.kill()
    second = Worker(lone, tmp_path / "second.log", "slow")
    try:
        wait_until(lambda: second.says("succeeded"), f"the second worker does it ({second.log})", 120)
    finally:
        second.kill()
