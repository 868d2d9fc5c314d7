"""A FIFO queue with a long backlog in many groups and many consumers of which some are killed: each group's order is exact, nothing
comes twice within its window, and a receive takes as long behind a million messages as behind a few.

Small by default. The whole story: NARU_FIFO_MESSAGES=1000000 NARU_FIFO_GROUPS=10000 NARU_FIFO_CONSUMERS=100.
"""
import os
import random
import threading
import time

import pytest
from broker import PEER
from queues import Sqs
from wire import Client

MESSAGES = int(os.environ.get("NARU_FIFO_MESSAGES", "20000"))
GROUPS = int(os.environ.get("NARU_FIFO_GROUPS", "400"))
CONSUMERS = int(os.environ.get("NARU_FIFO_CONSUMERS", "20"))
FIRST_SECONDS = 60 + MESSAGES / 500

pytestmark = pytest.mark.skipif(PEER != "naru", reason="ElasticMQ takes hours for it")


class Filler(threading.Thread):
    """Sends the messages of some groups: each group's in order, the groups mixed."""

    def __init__(self, address, queue, groups, per_group):
        super().__init__(daemon=True)
        self.client, self.queue, self.groups, self.per_group, self.failure = Client(address), queue, groups, per_group, None
        self.start()

    def run(self):
        try:
            waiting = [(group, number) for number in range(self.per_group) for group in self.groups]
            for at in range(0, len(waiting), 10):
                entries = [{"Id": str(n), "MessageBody": f"{group} {number}", "MessageGroupId": f"g{group}", "MessageDeduplicationId": f"{group}.{number}"}
                           for n, (group, number) in enumerate(waiting[at:at + 10])]
                answer = self.client.do("SendMessageBatch", QueueUrl=self.queue, Entries=entries)
                assert not answer.get("Failed"), answer
        except BaseException as error:  # noqa: BLE001  (the test reports it)
            self.failure = error


class Consumer(threading.Thread):
    """Takes, checks the order, deletes; now and then it dies with messages in its hands, and another takes its place."""

    def __init__(self, address, queue, state, seed):
        super().__init__(daemon=True)
        self.address, self.queue, self.state, self.random, self.failure = address, queue, state, random.Random(seed), None
        self.start()

    def run(self):
        try:
            while not self.state.is_done():
                with Client(self.address) as client:
                    self.live(client)
        except BaseException as error:  # noqa: BLE001  (the test reports it)
            self.failure = error

    def live(self, client):
        while not self.state.is_done():
            got = client.do("ReceiveMessage", QueueUrl=self.queue, MaxNumberOfMessages=10, VisibilityTimeout=6).get("Messages", [])
            if not got:
                time.sleep(0.05)
                continue
            self.state.handed_out(got)
            if self.random.random() < 0.01:
                return  # dies: what it has comes again after six seconds
            entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(got)]
            self.state.deleting(got)
            failed = {entry["Id"] for entry in client.do("DeleteMessageBatch", QueueUrl=self.queue, Entries=entries).get("Failed", [])}
            self.state.deleted(message for n, message in enumerate(got) if str(n) not in failed)


class State:
    """What is known of each group. `gone`: deletes that were confirmed; `going`: and those that are under way. The broker knows before
    we do, so the next message of a group is one between the two."""

    def __init__(self, total):
        self.lock, self.total = threading.Lock(), total
        self.gone, self.going = {}, {}
        self.count = 0

    def is_done(self):
        return self.count >= self.total

    def handed_out(self, messages):
        with self.lock:
            ahead = {}
            for message in messages:
                group, number = map(int, message["Body"].split())
                if group in ahead:
                    assert number == ahead[group], f"group {group}: {number} comes behind {ahead[group] - 1}"
                least, most = self.gone.get(group, 0), max(self.going.get(group, 0), self.gone.get(group, 0))
                assert group in ahead or least <= number <= most, f"group {group}: {number} comes, {least} to {most} is next"
                ahead[group] = number + 1

    def deleting(self, messages):
        with self.lock:
            for message in messages:
                group, number = map(int, message["Body"].split())
                self.going[group] = max(self.going.get(group, 0), number + 1)

    def deleted(self, messages):
        with self.lock:
            for message in messages:
                group, number = map(int, message["Body"].split())
                self.gone[group] = max(self.gone.get(group, 0), number + 1)
                self.count += 1


def best_of_receives(sqs, queue):
    """Of one client alone: what it takes comes back at once, so that every receive finds the same backlog. The best of
    many: the others tell of the machine."""
    times = []
    for _ in range(40):
        begin = time.monotonic()
        got = sqs.receive(queue, 10, VisibilityTimeout=0)
        times.append(time.monotonic() - begin)
        assert len(got) == 10
    return min(times)


def test_order_whatever_the_backlog(broker, name, record_property):
    with Client(broker.address) as client:
        sqs = Sqs(client)
        queue = sqs.create(name + ".fifo")
        fillers = [Filler(broker.address, queue, range(n, GROUPS, 4), MESSAGES // GROUPS) for n in range(4)]
        for filler in fillers:
            filler.join(FIRST_SECONDS)
            assert not filler.is_alive() and filler.failure is None, filler.failure
        total = MESSAGES // GROUPS * GROUPS
        assert sqs.counts(queue) == (total, 0, 0)
        # The same ones again are not stored.
        again = sqs.send_batch(queue, *({"MessageBody": "again", "MessageGroupId": f"g{n}", "MessageDeduplicationId": f"{n}.0"} for n in range(10)))
        assert len(again) == 10 and sqs.counts(queue)[0] == total
        long = best_of_receives(sqs, queue)
        state = State(total)
        consumers = [Consumer(broker.address, queue, state, n) for n in range(CONSUMERS)]
        for consumer in consumers:
            consumer.join(FIRST_SECONDS * 2)
            assert not consumer.is_alive(), f"{state.count} of {total} after {FIRST_SECONDS * 2} s"
        assert [consumer.failure for consumer in consumers if consumer.failure] == []
        assert state.gone == dict.fromkeys(range(GROUPS), MESSAGES // GROUPS) and state.count == total
        assert sqs.counts(queue) == (0, 0, 0)
        for group in range(10):
            sqs.send_batch(queue, *({"MessageBody": f"{group} {n}", "MessageGroupId": f"last{group}", "MessageDeduplicationId": f"last.{group}.{n}"}
                                    for n in range(10)))
        short = best_of_receives(sqs, queue)
        record_property("receive_ms_long_backlog", round(long * 1000, 2))
        record_property("receive_ms_short_backlog", round(short * 1000, 2))
        assert long < 5 * short + 0.02, f"a receive takes {long * 1000:.2f} ms behind {total} messages and {short * 1000:.2f} ms behind 100"
        sqs.clean_up()
