"""kill -9, again and again, under boto3 clients: a 200 to SendMessage is never lost, a deleted message never returns.

NARU_CRASH_ROUNDS=100 for a long run.
"""
import json
import os
import random
import threading
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from broker import PEER, wait_until
from queues import Sqs, redrive
from wire import Client

ROUNDS = int(os.environ.get("NARU_CRASH_ROUNDS", "5"))

pytestmark = pytest.mark.skipif(PEER != "naru", reason="no look-alike promises this")


def connect(broker):
    return boto3.client("sqs", endpoint_url=f"http://{broker.address}", region_name="us-east-1", aws_access_key_id="test",
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": 0}, read_timeout=60, connect_timeout=60))


class Worker(threading.Thread):
    def __init__(self, broker, queue):
        super().__init__(daemon=True)
        self.sqs, self.queue, self.failure = connect(broker), queue, None
        self.start()

    def run(self):
        try:
            self.work()
        except (BotoCoreError, OSError):
            pass  # the broker was killed
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                self.failure = error

    def finish(self):
        self.join(120)
        assert not self.is_alive() and self.failure is None, self.failure


class Sender(Worker):
    """Numbered messages, one by one and in batches; knows which were taken."""

    def __init__(self, broker, queue, first, seed):
        self.next, self.taken, self.random = first, [], random.Random(seed)
        super().__init__(broker, queue)

    def work(self):
        more = {"MessageGroupId": "g"} if self.queue.endswith(".fifo") else {}
        while True:
            numbers = [self.next + n for n in range(self.random.choice((1, 1, 10)))]
            self.next = numbers[-1] + 1
            if len(numbers) == 1:
                self.sqs.send_message(QueueUrl=self.queue, MessageBody=str(numbers[0]), **more)
            else:
                answer = self.sqs.send_message_batch(QueueUrl=self.queue, Entries=[{"Id": str(n), "MessageBody": str(n), **more} for n in numbers])
                assert len(answer["Successful"]) == 10
            self.taken += numbers


class Receiver(Worker):
    """Takes messages and deletes most; knows what it got, when it asked for that, and which deletes were confirmed."""

    def __init__(self, broker, queue, seed, chance=0.8):
        self.got, self.deleted, self.random, self.chance = [], [], random.Random(seed), chance
        super().__init__(broker, queue)

    def work(self):
        while True:
            asked = time.monotonic()
            answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=2)
            for message in answer.get("Messages", []):
                number = int(message["Body"])
                self.got.append((number, asked))
                if self.random.random() < self.chance:
                    self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                    self.deleted.append((number, time.monotonic()))


@pytest.mark.parametrize("ending", ["", ".fifo"], ids=["standard", "fifo"])
def test_rounds_of_kill_9(own_broker, name, ending):
    broker, chance = own_broker, random.Random(7)
    with Client(broker.address) as client:
        queue = Sqs(client).create(name + ending, **({"ContentBasedDeduplication": "true"} if ending else {}))
    taken, got, deleted = set(), set(), {}
    for turn in range(ROUNDS):
        senders = [Sender(broker, queue, (turn * 10 + n) * 1_000_000, turn * 10 + n) for n in range(2)]
        receivers = [Receiver(broker, queue, turn * 10 + n) for n in range(2)]
        wait_until(lambda: all(sender.taken for sender in senders), "something is taken in this round")
        time.sleep(chance.uniform(0.1, 1.0))
        broker.kill()
        for one in (*senders, *receivers):
            one.finish()
        for sender in senders:
            taken |= set(sender.taken)
        check_returns(receivers, deleted)
        got |= {number for one in receivers for number, _ in one.got}
        broker.start()
    with Client(broker.address) as client:
        sqs = Sqs(client)
        left = []
        deadline = time.monotonic() + 120
        while sum(sqs.counts(queue)) and time.monotonic() < deadline:
            left += [int(body) for body in sqs.drain(queue, 1)]
        assert sqs.counts(queue) == (0, 0, 0)
    assert not deleted.keys() & set(left), f"deleted, and came again: {sorted(deleted.keys() & set(left))[:20]}"
    assert taken <= got | set(left), f"lost: {sorted(taken - got - set(left))[:20]}"
    assert len(left) == len(set(left))
    if ending:
        for first in {number // 1_000_000 for number in left}:
            mine = [number for number in left if number // 1_000_000 == first]
            assert mine == sorted(mine), "the order of a group changed"
    broker.stop()


def check_returns(receivers, deleted):
    for one in receivers:
        for number, when in one.got:
            assert number not in deleted or when <= deleted[number], f"{number} was deleted, and came again"
    for one in receivers:
        deleted |= dict(one.deleted)


def test_counts_and_dead_letters_survive(own_broker, name):
    """A poison message reaches the dead letter queue, however often the broker dies."""
    broker = own_broker
    with Client(broker.address) as client:
        sqs = Sqs(client)
        dead = sqs.create(name + "-dead")
        queue = sqs.create(name, VisibilityTimeout=0, RedrivePolicy=redrive(sqs.arn(dead), 3))
        sqs.send(queue, "poison")
        other = sqs.create(name + "-other")
    for count in "123":
        with Client(broker.address) as client:
            sqs = Sqs(client)
            assert sqs.one(queue, AttributeNames=["All"])["Attributes"]["ApproximateReceiveCount"] == count
            # A receive does not wait for the disk: its count is there soon after, as is what is sent then.
            for _ in range(2):
                time.sleep(0.2)
                sqs.send(other, "confirmed")
        broker.kill()
        broker.start()
    with Client(broker.address) as client:
        sqs = Sqs(client)
        assert sqs.receive(queue) == []
        assert sqs.one(dead)["Body"] == "poison"


def test_deduplication_survives(own_broker, name):
    broker = own_broker
    with Client(broker.address) as client:
        sqs = Sqs(client)
        queue = sqs.create(name + ".fifo", ContentBasedDeduplication="true")
        first = sqs.send(queue, "kept", MessageGroupId="g")
        gone = sqs.send(queue, "gone", MessageGroupId="h")
        for message in sqs.receive(queue):
            if message["Body"] == "gone":
                sqs.delete(queue, message)
            else:
                sqs.show_after(queue, message, 0)
    for _ in range(2):
        broker.kill()
        broker.start()
        with Client(broker.address) as client:
            sqs = Sqs(client)
            for body, sent, group in (("kept", first, "g"), ("gone", gone, "h")):
                again = sqs.send(queue, body, MessageGroupId=group)
                assert (again["MessageId"], again["SequenceNumber"]) == (sent["MessageId"], sent["SequenceNumber"])
            assert sqs.send(queue, f"new {_}", MessageGroupId="i")["SequenceNumber"] > gone["SequenceNumber"]
    with Client(broker.address) as client:
        assert sorted(Sqs(client).drain(queue)) == ["kept", "new 0", "new 1"]


def test_what_is_declared_survives(own_broker, name):
    """Queues, attributes, tags, permissions, delays, handles; and deleted queues stay deleted."""
    broker = own_broker
    with Client(broker.address) as client:
        sqs = Sqs(client)
        queue = sqs.create(name, tags={"a": "b", "c": ""}, VisibilityTimeout=600, DelaySeconds=0)
        gone = sqs.create(name + "-gone")
        sqs.do("AddPermission", QueueUrl=queue, Label="l", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
        sqs.set(queue, MessageRetentionPeriod=3600)
        late = time.monotonic() + 12
        sqs.send(queue, "late", DelaySeconds=12)
        sqs.send(queue, "held", MessageAttributes={"n": {"DataType": "Number.x", "StringValue": "7"}})
        held = sqs.one(queue)
        sqs.delete_queue(gone)
        attributes, tags = sqs.attributes(queue), sqs.do("ListQueueTags", QueueUrl=queue)
    broker.kill()
    broker.start()
    with Client(broker.address) as client:
        sqs = Sqs(client)
        after = sqs.attributes(queue)
        counts = [key for key in after if key.startswith("ApproximateNumber")]
        assert {k: v for k, v in after.items() if k not in counts} == {k: v for k, v in attributes.items() if k not in counts}
        assert sqs.do("ListQueueTags", QueueUrl=queue) == tags
        assert sqs.do("ListQueues", QueueNamePrefix=name)["QueueUrls"] == [queue]
        assert after["ApproximateNumberOfMessagesDelayed"] == "1", "a delayed message is still delayed"
        sqs.delete(queue, held)
        got = wait_until(lambda: sqs.receive(queue, 10, WaitTimeSeconds=5), "the late one comes")
        assert [m["Body"] for m in got] == ["late"] and time.monotonic() >= late - 1


def test_a_move_task_survives(own_broker, name):
    broker = own_broker
    with Client(broker.address) as client:
        sqs = Sqs(client)
        dead = sqs.create(name + "-dead")
        queue = sqs.create(name, RedrivePolicy=redrive(sqs.arn(dead), 1))
        sqs.send_batch(queue, *"0123456789")
        wait_until(lambda: sqs.receive(queue, 10, VisibilityTimeout=0) == [] and sqs.counts(dead)[0] == 10, "all ten are dead")
        arn = sqs.arn(dead)
        sqs.do("StartMessageMoveTask", SourceArn=arn, MaxNumberOfMessagesPerSecond=3)
    broker.kill()
    broker.start()
    with Client(broker.address) as client:
        sqs = Sqs(client)
        wait_until(lambda: sqs.counts(queue)[0] == 10, "all ten are back")
        assert sqs.counts(dead) == (0, 0, 0)
        assert sorted(sqs.drain(queue)) == list("0123456789")
        assert json.loads(sqs.attribute(queue, "RedrivePolicy"))["deadLetterTargetArn"] == arn
