"""Limits that take a while to reach. NARU_LONG=yes runs the one with 120,000 messages in flight, about a minute."""
import os
import time

import pytest
from broker import PEER, wait_until
from queues import Sqs
from wire import Client

pytestmark = pytest.mark.skipif(PEER != "naru", reason="no look-alike has these limits")


@pytest.fixture
def sqs(broker):
    with Client(broker.address) as client:
        using = Sqs(client)
        yield using
        using.clean_up()


def test_retention(sqs, name):
    """After the shortest retention of a minute messages are gone, visible or in flight, and counted no more."""
    queue = sqs.create(name, MessageRetentionPeriod=60, VisibilityTimeout=600)
    kept = sqs.create(name + "-kept", MessageRetentionPeriod=600)
    for target in (queue, kept):
        sqs.send_batch(target, *"0123456789")
    held = sqs.one(queue)
    time.sleep(50)
    assert sum(sqs.counts(queue)) == 10, "too early"
    wait_until(lambda: sqs.counts(queue)[0] == 0, "they are gone")
    assert sqs.receive(queue) == []
    sqs.delete(queue, held)
    assert sqs.counts(queue) == (0, 0, 0) and sqs.counts(kept) == (10, 0, 0)


@pytest.mark.skipif(not os.environ.get("NARU_LONG"), reason="NARU_LONG=yes runs it")
@pytest.mark.parametrize("ending", ["", ".fifo"], ids=["standard", "fifo"])
def test_messages_in_flight(sqs, name, ending):
    """The 120,001st: a standard queue refuses a short poll, a FIFO queue gives nothing; a delete makes room."""
    more = {"ContentBasedDeduplication": "true"} if ending else {}
    queue = sqs.create(name + ending, VisibilityTimeout=43200, **more)
    for first in range(0, 120_010, 10):
        sqs.send_batch(queue, *({"MessageBody": str(first + n), **({"MessageGroupId": str(first + n)} if ending else {})} for n in range(10)))
    flying = 0
    while flying < 120_000:
        got = sqs.receive(queue)
        assert got, f"only {flying}"
        flying += len(got)
        last = got[-1]
    if ending:
        assert sqs.receive(queue) == []
    else:
        answer = sqs.client.call("ReceiveMessage", QueueUrl=queue)
        assert answer.status == 403 and answer.error[0] == "OverLimit"
    assert sqs.counts(queue) == (10, 120_000, 0)
    sqs.delete(queue, last)
    assert len(sqs.receive(queue)) == 1
