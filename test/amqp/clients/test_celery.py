"""Celery with results over rpc://: what its documentation's first steps do, and what people run into."""
import os
import subprocess
import sys
from pathlib import Path

import pytest
from broker import wait_until

HERE = Path(__file__).resolve().parent


def environment(broker, prefix):
    return {"CELERY_BROKER": f"amqp://guest:guest@{broker.address}//", "CELERY_PREFIX": prefix, "PYTHONPATH": str(HERE)}


class Worker:
    def __init__(self, broker, prefix, log):
        self.log = open(log, "wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "-c", "2", "-n", f"{prefix}-{Path(log).stem}@%h", "--without-mingle", "-l", "info"],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env=os.environ | environment(broker, prefix), start_new_session=True)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(60) == 0
        self.log.close()

    def kill(self):
        os.killpg(self.process.pid, 9)
        self.process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def prefix():
    return "celery-test"


@pytest.fixture(scope="module")
def tasks(broker, prefix):
    os.environ.update(environment(broker, prefix))
    import celery_app
    yield celery_app
    celery_app.app.close()


@pytest.fixture(scope="module")
def worker(broker, prefix, tasks, tmp_path_factory):
    log = tmp_path_factory.mktemp("celery") / "worker.log"
    running = Worker(broker, prefix, log)
    wait_until(lambda: " ready." in log.read_text(), f"the worker is ready ({log})", 120)
    yield running
    running.stop()
    text = log.read_text()
    assert "Traceback" not in text.replace("Traceback (most recent call last):\n  File", "", text.count("as expected")), text


def test_a_task_and_its_result(worker, tasks):
    assert tasks.add.delay(2, 3).get(timeout=60) == 5


def test_many_tasks(worker, tasks):
    results = [tasks.add.delay(n, n) for n in range(100)]
    assert [r.get(timeout=60) for r in results] == [2 * n for n in range(100)]


def test_group_of_tasks(worker, tasks):
    from celery import group
    assert group(tasks.add.s(n, 1) for n in range(10))().get(timeout=60) == list(range(1, 11))


def test_retries(worker, tasks):
    assert tasks.flaky.delay(2).get(timeout=60) == 2


def test_a_failure_comes_back(worker, tasks):
    with pytest.raises(ValueError, match="as expected"):
        tasks.fails.delay().get(timeout=60)


def test_countdown(worker, tasks):
    assert tasks.add.apply_async((1, 1), countdown=1).get(timeout=60) == 2


def test_priority_and_routing(worker, tasks):
    assert tasks.slow.delay(0.1).get(timeout=60) == "done"
    assert tasks.add.apply_async((1, 2), priority=9).get(timeout=60) == 3


def test_inspect_and_control(worker, tasks):
    """Remote control uses fanout exchanges and reply queues that expire."""
    answers = tasks.app.control.ping(timeout=60, limit=1)
    assert list(answers[0].values()) == [{"ok": "pong"}]


def test_a_killed_worker_loses_no_task(broker, tasks, worker, prefix, tmp_path, channel):
    """acks_late: the task that ran goes to another worker at once."""
    lone = "celery-killed"
    code = "import celery_app; print(celery_app.slow.delay(10).id)"
    subprocess.run([sys.executable, "-c", code], env=os.environ | environment(broker, lone), check=True, capture_output=True, timeout=90)
    first = Worker(broker, lone, tmp_path / "first.log")
    wait_until(lambda: "received" in (tmp_path / "first.log").read_text(), "the first worker has it", 120)
    wait_until(lambda: channel.declare(lone + ".slow", passive=True, durable=True).message_count == 0, "nobody else has")
    first.kill()
    second = Worker(broker, lone, tmp_path / "second.log")
    try:
        wait_until(lambda: "succeeded" in (tmp_path / "second.log").read_text(), "the second worker does it", 120)
    finally:
        second.kill()
    for queue in (lone, lone + ".slow", prefix, prefix + ".slow"):
        channel.connection.declared.add(("/", "queue", queue))
