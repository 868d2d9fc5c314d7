"""Leases (reference A13): a visibility timeout of a few seconds is right for jobs that take much longer.

Jobs take 1 to 60 s in the story; here a twentieth of that by default, with a timeout of 2 s. NARU_LEASE_SCALE=1 runs it in full.
"""
import os
import random
import time

import pytest
from broker import PEER, wait_until
from queues import Sqs
from wire import Client
from workers import Worker, with_token

SCALE = float(os.environ.get("NARU_LEASE_SCALE", "0.12"))
JOBS = int(os.environ.get("NARU_LEASE_JOBS", "40"))
VISIBILITY = 2
SLACK = 30  # of a loaded machine; a job that nobody gives back takes longer

pytestmark = pytest.mark.skipif(PEER != "naru", reason="no look-alike has leases")


class Story:
    def __init__(self, broker, folder, name, tags):
        self.broker, self.folder, self.started = broker, folder, []
        self.client = Client(broker.address)
        self.sqs = Sqs(self.client)
        self.queue = self.sqs.create(name, tags=tags, VisibilityTimeout=VISIBILITY)
        self.random = random.Random(name)

    def fill(self, jobs=JOBS, least=1.0, most=60.0):
        self.jobs = {f"job{n}": self.random.uniform(least, most) * SCALE for n in range(jobs)}
        for job, seconds in self.jobs.items():
            self.sqs.send(self.queue, f"{job} {seconds:.3f}")

    def add(self, count):
        for _ in range(count):
            self.started.append(Worker(self.broker.address, self.queue, self.folder, len(self.started)))

    def alive(self):
        return [worker for worker in self.started if worker.is_alive]

    def done(self):
        return {job for worker in self.started for what, job, _, _ in worker.steps() if what == "end"}

    def runs(self):
        """{job: [(begin, end or the worker's death or None, worker)]} in order."""
        found = {}
        for worker in self.started:
            begun = {}
            for what, job, _, when in worker.steps():
                if what == "begin":
                    begun[job] = when
                else:
                    found.setdefault(job, []).append((begun.pop(job), when, worker))
            for job, when in begun.items():
                found.setdefault(job, []).append((when, worker.died, worker))
        return {job: sorted(runs, key=lambda run: run[0]) for job, runs in found.items()}

    def end(self):
        for worker in self.alive():
            worker.thaw()
            worker.kill()
        self.sqs.clean_up()
        self.client.close()


@pytest.fixture
def story(broker, tmp_path, name, request):
    made = Story(broker, tmp_path, name, getattr(request, "param", {"naru:lease": "connection"}))
    yield made
    made.end()


def test_workers_that_die_at_random(story):
    """Nothing is worked on twice while its worker lives; what a dead one had comes again in time; nothing is lost."""
    story.fill()
    story.add(8)
    last = time.monotonic()
    while sum(story.sqs.counts(story.queue)):
        time.sleep(0.05)
        assert time.monotonic() - last < 60, \
            f"{len(story.done())} of {JOBS} done and nothing happens: {story.sqs.counts(story.queue)} in the queue"
        busy = [worker for worker in story.alive() if worker.works_on()]
        # A slow machine throws fewer dice.
        late = len(story.alive()) + 3 > len(story.started) and len(story.done()) > JOBS // 2
        if busy and (late or story.random.random() < 0.05) and len(story.started) < 24:
            story.random.choice(busy).kill()
            story.add(1)
        last = time.monotonic() if busy else last
    wait_until(lambda: not any(worker.works_on() for worker in story.alive()), "the living have written down what they did")
    # Who died between a delete and its line in the log has done it.
    undone = set(story.jobs) - story.done()
    assert len(undone) <= 2 and undone <= {job for worker in story.started if worker.died for job in worker.works_on()}
    killed = 0
    for job, runs in story.runs().items():
        for (begin, end, worker), (again, _, _) in zip(runs, runs[1:]):
            assert worker.died is not None and end == worker.died, f"{job} was worked on twice by the living: {runs}"
            assert again >= end, f"{job} came again before its worker died"
            killed += 1
    assert killed > 0, "no worker died at work: it proves nothing"


def test_the_time_until_a_dead_workers_job_comes_again(story):
    story.fill(1, 600, 600)
    story.add(1)
    wait_until(lambda: story.started[0].works_on(), "it works")
    time.sleep(VISIBILITY * 2)  # the timeout alone would have been over
    story.add(1)
    time.sleep(VISIBILITY)
    assert not story.started[1].works_on(), "it was handed out while its worker lives"
    story.started[0].kill()
    wait_until(lambda: story.started[1].works_on(), "another works on it", VISIBILITY + SLACK)


@pytest.mark.parametrize("story", [{"naru:lease": "strict"}], indirect=True)
def test_strict_is_at_once(story):
    story.fill(1, 600, 600)
    story.add(1)
    wait_until(lambda: story.started[0].works_on(), "it works")
    story.sqs.set(story.queue, VisibilityTimeout=600)  # for whoever takes it next
    story.add(1)
    time.sleep(VISIBILITY * 2)
    assert not story.started[1].works_on(), "it was handed out while its worker lives"
    story.started[0].kill()
    wait_until(lambda: story.started[1].works_on(), "another works on it")
    story.add(1)
    story.started[1].kill()
    wait_until(lambda: story.started[2].works_on(), "and another, long before the timeout is over")


@pytest.mark.parametrize("story", [{}], indirect=True)
def test_without_a_lease_it_is_plain_sqs(story):
    story.fill(1, 600, 600)
    story.add(2)
    wait_until(lambda: all(worker.works_on() for worker in story.started), "both work on the one job", VISIBILITY + SLACK)


def test_a_frozen_worker_keeps_its_job(story):
    """Its connection is open: it is there, as far as anybody can tell."""
    story.fill(1, 600, 600)
    story.add(1)
    wait_until(lambda: story.started[0].works_on(), "it works")
    story.started[0].freeze()
    story.add(1)
    time.sleep(VISIBILITY * 2.5)
    assert not story.started[1].works_on()
    story.started[0].kill()
    wait_until(lambda: story.started[1].works_on(), "another works on it", VISIBILITY + SLACK)


def test_a_disconnected_workers_job_comes_again(story):
    story.fill(1, 600, 600)
    story.add(1)
    wait_until(lambda: story.started[0].works_on(), "it works")
    story.add(1)
    story.started[0].relay.disconnect()
    wait_until(lambda: story.started[1].works_on(), "another works on it", VISIBILITY + SLACK)


def test_a_lease_has_a_limit(broker, tmp_path, name):
    story = Story(broker, tmp_path, name, {"naru:lease": "connection", "naru:lease-max": "8"})
    try:
        story.fill(1, 600, 600)
        story.add(2)
        wait_until(lambda: all(worker.works_on() for worker in story.started), "both have had it", 8 + VISIBILITY + SLACK)
        first, second = sorted(next(iter(worker.works_on().values())) for worker in story.started)
        assert second - first > VISIBILITY * 2
    finally:
        story.end()


def test_an_explicit_change_wins(story):
    story.sqs.send(story.queue, "b")
    got = story.sqs.one(story.queue)
    story.sqs.show_after(story.queue, got, 0)
    assert story.sqs.bodies(story.queue, WaitTimeSeconds=20) == ["b"]


def test_a_delete_on_another_connection(story, broker):
    story.sqs.send(story.queue, "b")
    got = story.sqs.one(story.queue)
    time.sleep(VISIBILITY * 1.5)
    with Client(broker.address) as other:
        other.do("DeleteMessage", QueueUrl=story.queue, ReceiptHandle=got["ReceiptHandle"])
    assert story.sqs.counts(story.queue) == (0, 0, 0)


def test_a_proxys_connection_says_nothing(story, broker):
    """Behind a proxy only requests are a sign of life."""
    story.sqs.send(story.queue, "b")
    with Client(broker.address) as proxy:
        first = proxy.call("ReceiveMessage", headers={"X-Forwarded-For": "10.0.0.1"}, QueueUrl=with_token(story.queue, "a")).result["Messages"]
        assert len(first) == 1
        again = wait_until(lambda: story.sqs.receive(with_token(story.queue, "b"), WaitTimeSeconds=1), "it comes again", VISIBILITY + SLACK)
        assert [m["MessageId"] for m in again] == [m["MessageId"] for m in first]


def test_an_open_connection_alone_holds_it(story, broker):
    """No request for longer than the timeout, on a connection that is only open."""
    story.sqs.send(story.queue, "b")
    with Client(broker.address) as quiet:
        assert len(quiet.do("ReceiveMessage", QueueUrl=with_token(story.queue, "a"))["Messages"]) == 1
        time.sleep(VISIBILITY * 1.5)
        assert story.sqs.receive(with_token(story.queue, "b")) == []
    found = wait_until(lambda: story.sqs.receive(with_token(story.queue, "b"), WaitTimeSeconds=1), "it comes again", VISIBILITY + SLACK)
    assert found[0]["Body"] == "b"


def test_requests_of_the_same_holder_hold_it(story, broker):
    """Its connection is gone, but it asks for more on another one."""
    visibility = 5  # it has to ask before that is over
    story.sqs.set(story.queue, VisibilityTimeout=visibility)
    story.sqs.send(story.queue, "b")
    with Client(broker.address) as gone:
        assert len(gone.do("ReceiveMessage", QueueUrl=with_token(story.queue, "a"))["Messages"]) == 1
    until = time.monotonic() + visibility * 1.5
    while time.monotonic() < until:
        assert story.sqs.receive(with_token(story.queue, "a")) == []
        time.sleep(0.2)
    wait_until(lambda: story.sqs.receive(with_token(story.queue, "b"), WaitTimeSeconds=1), "it comes again", visibility + SLACK)


def test_after_a_restart_the_timeout_is_plain(own_broker, tmp_path, name):
    story = Story(own_broker, tmp_path, name, {"naru:lease": "connection"})
    try:
        story.sqs.send(story.queue, "b")
        assert len(story.sqs.receive(story.queue)) == 1
        own_broker.kill()
        own_broker.start()
        story.client.close()
        again = wait_until(lambda: story.sqs.receive(story.queue, WaitTimeSeconds=1), "it comes again", VISIBILITY + SLACK)
        assert again[0]["Body"] == "b"
    finally:
        story.end()
