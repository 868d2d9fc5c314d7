"""FIFO queues (reference A8): order, groups that block, deduplication."""
import time

import pytest
from broker import wait_until
from queues import PROMPT, Poll


@pytest.fixture
def queue(sqs, name):
    return sqs.create(name + ".fifo", ContentBasedDeduplication="true", VisibilityTimeout=600)


def fill(sqs, queue, words):
    """`a1` is message a1 of group a."""
    return [sqs.send(queue, word, MessageGroupId=word[0]) for word in words.split()]


def test_order_within_a_group(sqs, queue):
    words = [f"a{n}" for n in range(25)]
    sent = fill(sqs, queue, " ".join(words))
    numbers = [answer["SequenceNumber"] for answer in sent]
    assert numbers == sorted(numbers) and len(set(numbers)) == 25
    assert sqs.drain(queue) == words


def test_a_receive_drains_a_group_then_the_next(sqs, queue):
    fill(sqs, queue, "a1 b1 a2 b2 a3")
    assert sqs.bodies(queue, 4) == ["a1", "a2", "a3", "b1"]


def test_a_group_in_flight_is_blocked(sqs, queue):
    fill(sqs, queue, "a1 a2 b1")
    assert sqs.bodies(queue, 1) == ["a1"]
    assert sqs.bodies(queue) == ["b1"]
    assert sqs.receive(queue) == []


def test_deleting_all_that_are_in_flight_unblocks(sqs, queue):
    fill(sqs, queue, "a1 a2 a3")
    first, second = sqs.receive(queue, 2)
    sqs.delete(queue, first)
    assert sqs.receive(queue) == []
    sqs.delete(queue, second)
    assert sqs.bodies(queue) == ["a3"]


def test_deleting_wakes_a_poll(sqs, queue):
    fill(sqs, queue, "a1 a2")
    got = sqs.receive(queue, 1)
    poll = Poll(sqs.client, queue)
    time.sleep(0.3)
    sqs.delete(queue, got[0])
    assert [m["Body"] for m in poll.messages()] == ["a2"] and poll.took < PROMPT


def test_showing_the_first_again(sqs, queue):
    """It comes again while the later one stays hidden."""
    fill(sqs, queue, "a1 a2 a3")
    first, _ = sqs.receive(queue, 2)
    sqs.show_after(queue, first, 0)
    assert sqs.bodies(queue)[:1] == ["a1"]


def test_a_timeout_keeps_the_order(sqs, queue):
    fill(sqs, queue, "a1 a2 a3")
    assert sqs.bodies(queue, 2, VisibilityTimeout=1) == ["a1", "a2"]
    got = sqs.receive(queue, 10, WaitTimeSeconds=20)
    assert [m["Body"] for m in got] in (["a1", "a2", "a3"], ["a1", "a2"], ["a1"])


def test_an_expired_handle_is_refused(sqs, queue):
    fill(sqs, queue, "a1")
    got = sqs.receive(queue, 1, VisibilityTimeout=1)[0]
    wait_until(lambda: sqs.counts(queue)[0] == 1, "it is visible again")
    handle = got["ReceiptHandle"]
    assert sqs.refuses("DeleteMessage", QueueUrl=queue, ReceiptHandle=handle) == (
        "InvalidParameterValue", f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.")
    assert len(sqs.receive(queue)) == 1


def test_the_same_id_is_stored_once(sqs, name):
    queue = sqs.create(name + ".fifo")
    first = sqs.send(queue, "one", MessageGroupId="a", MessageDeduplicationId="x")
    again = sqs.send(queue, "another", MessageGroupId="b", MessageDeduplicationId="x")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert again["MD5OfMessageBody"] != first["MD5OfMessageBody"]
    assert sqs.drain(queue) == ["one"]


def test_it_holds_after_a_delete(sqs, name):
    queue = sqs.create(name + ".fifo")
    sqs.send(queue, "one", MessageGroupId="a", MessageDeduplicationId="x")
    assert sqs.drain(queue) == ["one"]
    sqs.send(queue, "two", MessageGroupId="a", MessageDeduplicationId="x")
    assert sqs.drain(queue) == []


def test_a_purge_forgets_it(sqs, name):
    queue = sqs.create(name + ".fifo")
    sqs.send(queue, "one", MessageGroupId="a", MessageDeduplicationId="x")
    sqs.do("PurgeQueue", QueueUrl=queue)
    sqs.send(queue, "two", MessageGroupId="a", MessageDeduplicationId="x")
    assert sqs.drain(queue) == ["two"]


def test_content_is_the_body_only(sqs, queue):
    for number in "12":
        sqs.send(queue, "same", MessageGroupId="a", MessageAttributes={"n": {"DataType": "Number", "StringValue": number}})
    assert sqs.drain(queue) == ["same"]


def test_an_explicit_id_beats_the_content(sqs, queue):
    for number in "12":
        sqs.send(queue, "same", MessageGroupId="a", MessageDeduplicationId=number)
    assert sqs.drain(queue) == ["same", "same"]


def test_ids_by_group(sqs, name):
    queue = sqs.create(name + ".fifo", DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    for group, body in ("a1", "b1", "a2"):
        sqs.send(queue, group + body, MessageGroupId=group, MessageDeduplicationId="x")
    assert sorted(sqs.drain(queue)) == ["a1", "b1"]


def test_duplicates_within_a_batch(sqs, queue):
    answers = sqs.send_batch(queue, *({"MessageBody": body, "MessageGroupId": "g"} for body in ("x", "y", "x")))
    assert answers[0]["MessageId"] == answers[2]["MessageId"] != answers[1]["MessageId"]
    assert sqs.drain(queue) == ["x", "y"]


def test_delay_of_the_queue(sqs, name):
    queue = sqs.create(name + ".fifo", ContentBasedDeduplication="true", DelaySeconds=4)
    fill(sqs, queue, "a1 a2")
    assert sqs.receive(queue) == []
    assert sqs.one(queue)["Body"] == "a1"


def test_many_groups(sqs, queue):
    """Each group's order is exact, and no group waits for another."""
    for number in range(5):
        for first in range(0, 40, 10):
            sqs.send_batch(queue, *({"MessageBody": f"{group} {number}", "MessageGroupId": f"g{group}"} for group in range(first, first + 10)))
    seen = {}
    for body in sqs.drain(queue):
        group, number = body.split()
        seen.setdefault(group, []).append(int(number))
    assert seen == {str(group): list(range(5)) for group in range(40)}


def test_the_same_attempt_gets_the_same_messages(sqs, queue):
    """A receive whose answer was lost is repeated with its attempt id."""
    fill(sqs, queue, "a1 a2")
    first = sqs.receive(queue, 10, ReceiveRequestAttemptId="once")
    again = sqs.receive(queue, 10, ReceiveRequestAttemptId="once")
    assert [m["MessageId"] for m in again] == [m["MessageId"] for m in first]
