"""Redrive policies and the tasks that move messages back (reference A7)."""
import pytest
from broker import wait_until
from queues import PROMPT, Poll, redrive


@pytest.fixture(params=["", ".fifo"], ids=["standard", "fifo"])
def pair(request, sqs, name):
    """(source, its dead letter queue, parameters of a send)"""
    more = {"ContentBasedDeduplication": "true"} if request.param else {}
    dead = sqs.create(f"{name}-dead{request.param}", **more)
    source = sqs.create(name + request.param, RedrivePolicy=redrive(sqs.arn(dead), 2), **more)
    return source, dead, {"MessageGroupId": "g"} if request.param else {}


def fail(sqs, queue, times=2):
    for _ in range(times):
        sqs.one(queue, VisibilityTimeout=0)


def tasks(sqs, queue, count=10):
    return sqs.do("ListMessageMoveTasks", SourceArn=sqs.arn(queue), MaxResults=count).get("Results", [])


def finished(sqs, queue):
    return wait_until(lambda: [task for task in tasks(sqs, queue, 1) if task["Status"] not in ("RUNNING", "CANCELLING")], "the task ends")[0]


def test_the_receive_above_the_limit_moves_it(sqs, pair):
    source, dead, more = pair
    sent = sqs.send(source, "poison", **more)
    first = sqs.one(source, VisibilityTimeout=0, AttributeNames=["All"])
    sqs.one(source, VisibilityTimeout=0)
    assert sqs.counts(source)[0] + sqs.counts(dead)[0] == 1
    assert sqs.receive(source) == []
    got = sqs.one(dead, AttributeNames=["All"])
    assert (got["Body"], got["MessageId"]) == ("poison", sent["MessageId"])
    assert got["Attributes"]["ApproximateReceiveCount"] == "3"
    assert got["Attributes"]["DeadLetterQueueSourceArn"] == sqs.arn(source)
    if not more:
        assert got["Attributes"]["SentTimestamp"] == first["Attributes"]["SentTimestamp"]
    assert sqs.counts(source) == (0, 0, 0) and sqs.counts(dead) == (0, 1, 0)


def test_attributes_go_along(sqs, pair):
    source, dead, more = pair
    attributes = {"a": {"DataType": "String.x", "StringValue": "v"}}
    sqs.send(source, "poison", MessageAttributes=attributes, **more)
    fail(sqs, source)
    assert sqs.receive(source) == []
    assert sqs.one(dead, MessageAttributeNames=["All"])["MessageAttributes"] == attributes


def test_one_that_waits_behind_it_comes(sqs, pair):
    source, dead, more = pair
    sqs.send(source, "poison", **more)
    sqs.send(source, "good", **more)
    seen = []
    for _ in range(8):
        seen += [m["Body"] for m in sqs.receive(source, 1, VisibilityTimeout=0) if m["Body"] == "poison"]
        if sqs.counts(dead)[0] == 1:
            break
    assert seen.count("poison") <= 2
    assert sqs.one(dead)["Body"] == "poison" and sqs.receive(dead) == []


def test_a_poll_on_the_dead_letter_queue_wakes(sqs, pair):
    source, dead, more = pair
    sqs.send(source, "poison", **more)
    fail(sqs, source)
    poll = Poll(sqs.client, dead)
    assert sqs.receive(source) == []
    assert [m["Body"] for m in poll.messages()] == ["poison"] and poll.took < PROMPT


def test_a_chain(sqs, name):
    last = sqs.create(name + "-last")
    middle = sqs.create(name + "-middle", RedrivePolicy=redrive(sqs.arn(last), 1))
    first = sqs.create(name, RedrivePolicy=redrive(sqs.arn(middle), 1))
    sqs.send(first, "poison")
    for queue in (first, middle):
        wait_until(lambda q=queue: sqs.receive(q, 1, VisibilityTimeout=0), f"it is in {queue}")
        sqs.receive(queue)
    got = sqs.one(last, AttributeNames=["All"])
    assert got["Body"] == "poison" and int(got["Attributes"]["ApproximateReceiveCount"]) >= 3


def test_without_a_policy_it_comes_for_ever(sqs, pair):
    source, dead, more = pair
    sqs.set(source, RedrivePolicy="")
    sqs.send(source, "poison", **more)
    fail(sqs, source, 5)
    assert sqs.counts(dead) == (0, 0, 0)


def test_sources_are_listed(sqs, pair):
    source, dead, _ = pair
    assert sqs.do("ListDeadLetterSourceQueues", QueueUrl=dead) == {"queueUrls": [source]}
    sqs.set(source, RedrivePolicy="")
    assert not sqs.do("ListDeadLetterSourceQueues", QueueUrl=dead).get("queueUrls")


@pytest.fixture
def dead_ten(sqs, name):
    """Ten dead letters: (source, dead)."""
    dead = sqs.create(name + "-dead")
    source = sqs.create(name, RedrivePolicy=redrive(sqs.arn(dead), 1))
    sqs.send_batch(source, *"0123456789")
    wait_until(lambda: sqs.receive(source, 10, VisibilityTimeout=0) == [] and sqs.counts(dead)[0] == 10, "all ten are dead")
    return source, dead


def test_a_task_moves_them_to_their_source(sqs, dead_ten):
    source, dead = dead_ten
    handle = sqs.do("StartMessageMoveTask", SourceArn=sqs.arn(dead))["TaskHandle"]
    assert handle
    task = finished(sqs, dead)
    assert task["Status"] == "COMPLETED" and task["ApproximateNumberOfMessagesMoved"] == 10
    assert task["ApproximateNumberOfMessagesToMove"] == 10 and task["SourceArn"] == sqs.arn(dead)
    assert "TaskHandle" not in task and "DestinationArn" not in task and task["StartedTimestamp"] > 1_600_000_000_000
    assert sqs.counts(dead) == (0, 0, 0) and sqs.counts(source) == (10, 0, 0)
    assert sorted(sqs.bodies(source)) == list("0123456789")


def test_a_task_moves_them_elsewhere(sqs, dead_ten, name):
    _, dead = dead_ten
    other = sqs.create(name + "-other")
    sqs.do("StartMessageMoveTask", SourceArn=sqs.arn(dead), DestinationArn=sqs.arn(other))
    assert finished(sqs, dead)["DestinationArn"] == sqs.arn(other)
    assert sorted(sqs.drain(other)) == list("0123456789")


def test_a_task_goes_to_another_queue_of_the_same_type(sqs, dead_ten, name):
    _, dead = dead_ten
    fifo = sqs.create(name + "-other.fifo", FifoQueue="true")
    for destination in (dead, fifo):
        code, _ = sqs.refuses("StartMessageMoveTask", SourceArn=sqs.arn(dead), DestinationArn=sqs.arn(destination))
        assert code == "InvalidParameterValue"
    assert sqs.counts(dead)[0] == 10


def test_a_task_with_a_rate_can_be_cancelled(sqs, dead_ten):
    _, dead = dead_ten
    handle = sqs.do("StartMessageMoveTask", SourceArn=sqs.arn(dead), MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    running, = tasks(sqs, dead)
    assert (running["Status"], running["TaskHandle"], running["MaxNumberOfMessagesPerSecond"]) == ("RUNNING", handle, 1)
    assert sqs.refuses("StartMessageMoveTask", SourceArn=sqs.arn(dead)) == (
        "InvalidParameterValue", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
    moved = sqs.do("CancelMessageMoveTask", TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    ended = finished(sqs, dead)
    assert ended["Status"] == "CANCELLED" and moved <= ended["ApproximateNumberOfMessagesMoved"] < 10
    assert sqs.counts(dead)[0] == 10 - ended["ApproximateNumberOfMessagesMoved"]


def test_a_second_task_after_the_first(sqs, dead_ten):
    source, dead = dead_ten
    sqs.do("StartMessageMoveTask", SourceArn=sqs.arn(dead))
    first = finished(sqs, dead)
    wait_until(lambda: sqs.receive(source, 10, VisibilityTimeout=0) == [] and sqs.counts(dead)[0] == 10, "all ten are dead again")
    sqs.do("StartMessageMoveTask", SourceArn=sqs.arn(dead))
    wait_until(lambda: len(tasks(sqs, dead)) == 2 and tasks(sqs, dead)[0]["Status"] == "COMPLETED", "the second ends")
    assert tasks(sqs, dead)[1] == first and len(tasks(sqs, dead, 1)) == 1
