"""What people do with a work queue, with pika as they do it: workers come, die and differ; tenants and priorities."""
import collections
import subprocess
import sys
import threading
import time

import pika
import pytest
from broker import wait_until


def dial(broker):
    host, port = broker.address.rsplit(":", 1)
    return pika.BlockingConnection(pika.ConnectionParameters(host, int(port)))


class Worker(threading.Thread):
    """Takes jobs one by one; a job's body says how many milliseconds it takes, or that it waits for `release`."""

    def __init__(self, broker, queue, done, prefetch=1, release=None):
        super().__init__(daemon=True)
        self.broker, self.queue, self.done, self.prefetch, self.release = broker, queue, done, prefetch, release
        self.stopping = threading.Event()
        self.start()

    def run(self):
        connection = dial(self.broker)
        channel = connection.channel()
        channel.basic_qos(prefetch_count=self.prefetch)
        for method, properties, body in channel.consume(self.queue, inactivity_timeout=0.05):
            if self.stopping.is_set():
                break
            if method is None:
                continue
            takes = body.split(b" ")[0]
            if takes == b"waits":
                self.release.wait(60)
            else:
                time.sleep(int(takes) / 1000)
            self.done.append((time.monotonic(), body.decode(), method.redelivered, self))
            channel.basic_ack(method.delivery_tag)
        connection.close()

    def stop(self):
        self.stopping.set()
        self.join(60)
        assert not self.is_alive()


@pytest.fixture
def publish(broker, names, connect):
    """Declares the work queue and returns what publishes to it."""
    connect().declared.add(("/", "queue", names))
    connection = dial(broker)
    channel = connection.channel()
    channel.queue_declare(names, durable=True, arguments={"x-max-priority": 10})
    channel.confirm_delivery()

    def send(*bodies, **properties):
        for body in bodies:
            channel.basic_publish("", names, body, pika.BasicProperties(delivery_mode=2, **properties), mandatory=True)
    yield send
    connection.close()


def test_killed_workers_lose_nothing(broker, names, publish):
    """Ten jobs, workers that are killed in the middle of one each: every job is done, by somebody, at once."""
    publish(*(f"10 job-{n}" for n in range(10)))
    victims = [start_victim(broker, names) for _ in range(3)]
    held = [victim.stdout.readline().decode().split()[1:3] for victim in victims]
    done = []
    worker = Worker(broker, names, done)
    wait_until(lambda: len(done) == 7, "what the victims do not hold is done")
    for victim in victims:
        victim.kill()
        victim.wait()
    # Their connections died: nobody waits for their heartbeats, a minute, or for a time-out.
    wait_until(lambda: len(done) == 10, "the victims' jobs are done")
    worker.stop()
    assert {body for _, body, _, _ in done} == {f"10 job-{n}" for n in range(10)}
    assert {body for _, body, again, _ in done if again} == {" ".join(words) for words in held}


def start_victim(broker, queue):
    host, port = broker.address.rsplit(":", 1)
    code = f"""
import pika, time
channel = pika.BlockingConnection(pika.ConnectionParameters({host!r}, {port})).channel()
channel.basic_qos(prefetch_count=1)
for method, _, body in channel.consume({queue!r}):
    print("got", body.decode(), flush=True)
    time.sleep(600)
"""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


def test_one_to_fifty_to_one_workers_without_a_pause(broker, names, publish):
    """Workers join and leave while jobs flow: none is lost or done twice, and deliveries never stop."""
    done, stop = [], threading.Event()
    sent = []

    def produce():
        channel_of_its_own = dial(broker).channel()
        channel_of_its_own.confirm_delivery()
        n = 0
        while not stop.is_set():
            channel_of_its_own.basic_publish("", names, f"0 {n}", pika.BasicProperties(delivery_mode=2))
            sent.append(n)
            n += 1
            time.sleep(0.002)
        channel_of_its_own.connection.close()
    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    workers = [Worker(broker, names, done)]
    wait_until(lambda: len(done) > 20, "the first worker works")
    def goes_on():
        before = len(done)
        wait_until(lambda: len(done) > before + 5, "work goes on")
    for _ in range(49):
        workers.append(Worker(broker, names, done))
        goes_on()
    wait_until(lambda: len({worker for _, _, _, worker in list(done)}) == 50, "all fifty work")
    for worker in workers[1:]:
        worker.stop()
        goes_on()
    stop.set()
    producer.join()
    wait_until(lambda: len(done) == len(sent), "everything is done")
    workers[0].stop()
    assert sorted(int(body.split()[1]) for _, body, _, _ in done) == sent


def test_mixed_jobs_go_to_who_is_idle(broker, names, publish):
    """A long one occupies one worker only, and no short one waits behind it: long ones end when the short ones are done."""
    done, release = [], threading.Event()
    workers = [Worker(broker, names, done, release=release) for _ in range(4)]
    publish(*[f"waits long-{n}" for n in range(3)], *[f"10 short-{n}" for n in range(60)])
    wait_until(lambda: len(done) >= 60, "the short ones are done")
    release.set()
    wait_until(lambda: len(done) == 63, "all are done")
    for worker in workers:
        worker.stop()
    assert ["long" in body for _, body, _, _ in done] == [False] * 60 + [True] * 3
    assert len({worker for _, body, _, worker in done if "long" in body}) == 3


def test_a_thousand_tenants_by_routing_key(broker, names, connect):
    """One direct exchange, a queue per tenant group, a thousand keys: each message in its own tenant's queue only."""
    watch = connect()
    connection = dial(broker)
    channel = connection.channel()
    channel.exchange_declare(names + ".x", "direct", durable=True)
    watch.declared |= {("/", "exchange", names + ".x")} | {("/", "queue", f"{names}.{group}") for group in range(10)}
    for group in range(10):
        channel.queue_declare(f"{names}.{group}", durable=True)
    for tenant in range(1000):
        channel.queue_bind(f"{names}.{tenant % 10}", names + ".x", f"tenant-{tenant}")
    channel.confirm_delivery()
    for tenant in range(1000):
        channel.basic_publish(names + ".x", f"tenant-{tenant}", str(tenant), mandatory=True)
    for group in range(10):
        got = []
        for method, _, body in channel.consume(f"{names}.{group}", auto_ack=True, inactivity_timeout=60):
            assert method is not None, f"group {group} got only {len(got)}"
            assert method.routing_key == f"tenant-{body.decode()}"
            got.append(int(body))
            if len(got) == 100:
                break
        channel.cancel()
        assert got == list(range(group, 1000, 10))
    connection.close()


def test_paid_before_free(broker, names, publish):
    """Free jobs pile up; what is paid passes them all."""
    publish(*(f"1 free-{n}" for n in range(200)), priority=1)
    publish(*(f"1 paid-{n}" for n in range(20)), priority=9)
    done = []
    worker = Worker(broker, names, done)
    wait_until(lambda: len(done) >= 60, "some are done")
    publish(*(f"1 paid-late-{n}" for n in range(5)), priority=9)
    at = len(done)
    wait_until(lambda: len(done) == 225, "all are done")
    worker.stop()
    bodies = [body.split()[1] for _, body, _, _ in done]
    assert bodies[:20] == [f"paid-{n}" for n in range(20)]
    late = [bodies.index(f"paid-late-{n}") for n in range(5)]
    assert max(late) < at + 60, "a paid job waited behind free ones"
    order = [int(b.split("-")[1]) for b in bodies if b.startswith("free")]
    assert order == sorted(order) and collections.Counter(b.split("-")[0] for b in bodies) == {"free": 200, "paid": 25}


def test_long_jobs_are_never_taken_away(broker, names, publish):
    """A worker that is silent for a while, but alive, keeps its job: nothing is redelivered."""
    publish("3000 long")
    done = []
    workers = [Worker(broker, names, done) for _ in range(2)]
    wait_until(lambda: done, "the job is done")
    time.sleep(0.5)
    for worker in workers:
        worker.stop()
    assert [(body, again) for _, body, again, _ in done] == [("3000 long", False)]
