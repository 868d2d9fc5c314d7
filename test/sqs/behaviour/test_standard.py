"""Standard queues: what becomes of messages that are received, shown again, delayed, deleted, purged (reference A5)."""
import socket
import threading
import time

from broker import wait_until
from queues import PROMPT, Poll
from wire import request_bytes


def test_in_flight_messages_are_hidden(sqs, name):
    queue = sqs.create(name)
    sqs.send(queue, "b")
    got = sqs.one(queue)
    assert sqs.receive(queue) == [] and sqs.counts(queue) == (0, 1, 0)
    sqs.delete(queue, got)
    assert sqs.counts(queue) == (0, 0, 0)


def test_they_come_again_when_the_time_is_over(sqs, name):
    queue = sqs.create(name, VisibilityTimeout=1)
    sqs.send(queue, "b")
    begin = time.monotonic()
    first = sqs.one(queue)
    second = sqs.one(queue, AttributeNames=["All"])
    assert time.monotonic() - begin > 0.7
    assert second["MessageId"] == first["MessageId"] and second["ReceiptHandle"] != first["ReceiptHandle"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"


def test_the_time_of_a_receive_beats_the_queues(sqs, name):
    queue = sqs.create(name, VisibilityTimeout=600)
    sqs.send(queue, "b")
    sqs.one(queue, VisibilityTimeout=1)
    assert sqs.one(queue)["Body"] == "b"


def test_a_time_of_zero_leaves_it_visible_but_counts(sqs, name):
    queue = sqs.create(name)
    sqs.send(queue, "b")
    for count in ("1", "2", "3"):
        got = sqs.one(queue, VisibilityTimeout=0, AttributeNames=["ApproximateReceiveCount"])
        assert got["Attributes"] == {"ApproximateReceiveCount": count}
    assert sqs.counts(queue) == (1, 0, 0)


def test_a_change_to_zero_shows_it_at_once(sqs, name):
    queue = sqs.create(name, VisibilityTimeout=600)
    sqs.send(queue, "b")
    sqs.show_after(queue, sqs.one(queue), 0)
    assert len(sqs.receive(queue)) == 1


def test_a_change_counts_from_now(sqs, name):
    queue = sqs.create(name, VisibilityTimeout=600)
    sqs.send(queue, "b")
    got = sqs.one(queue)
    time.sleep(0.5)
    begin = time.monotonic()
    sqs.show_after(queue, got, 1)
    sqs.one(queue)
    assert time.monotonic() - begin > 0.7


def test_an_extension_outlives_the_first_time(sqs, name):
    queue = sqs.create(name, VisibilityTimeout=4)
    sqs.send(queue, "b")
    sqs.show_after(queue, sqs.one(queue), 600)
    assert sqs.receive(queue, WaitTimeSeconds=5) == []


def test_a_change_after_the_time_is_accepted(sqs, name):
    queue = sqs.create(name, VisibilityTimeout=1)
    sqs.send(queue, "b")
    got = sqs.one(queue)
    wait_until(lambda: sqs.counts(queue)[0] == 1, "it is visible again")
    sqs.show_after(queue, got, 30)  # 200, whatever it does


def test_an_old_handle_deletes(sqs, name):
    queue = sqs.create(name)
    sqs.send(queue, "b")
    old = sqs.one(queue, VisibilityTimeout=0)
    sqs.one(queue, VisibilityTimeout=600)
    sqs.delete(queue, old)
    sqs.delete(queue, old)
    assert sqs.counts(queue) == (0, 0, 0)


def test_an_expired_handle_deletes(sqs, name):
    queue = sqs.create(name, VisibilityTimeout=1)
    sqs.send(queue, "b")
    got = sqs.one(queue)
    wait_until(lambda: sqs.counts(queue)[0] == 1, "it is visible again")
    sqs.delete(queue, got)
    assert sqs.receive(queue) == [] and sqs.counts(queue) == (0, 0, 0)


def test_delays_of_messages(sqs, name):
    queue = sqs.create(name)
    sqs.send(queue, "late", DelaySeconds=4)
    sqs.send(queue, "now")
    assert sqs.counts(queue) == (1, 0, 1)
    assert sqs.bodies(queue) == ["now"]
    assert sqs.one(queue)["Body"] == "late"


def test_the_delay_of_a_queue(sqs, name):
    queue = sqs.create(name, DelaySeconds=4)
    sqs.send(queue, "late")
    sqs.send(queue, "now", DelaySeconds=0)
    assert sqs.bodies(queue) == ["now"]
    assert sqs.one(queue)["Body"] == "late"


def test_a_new_delay_leaves_messages_alone(sqs, name):
    queue = sqs.create(name, DelaySeconds=900)
    sqs.send(queue, "late")
    sqs.set(queue, DelaySeconds=0)
    sqs.send(queue, "now")
    assert sqs.bodies(queue) == ["now"] and sqs.counts(queue)[2] == 1


def test_a_delay_in_a_batch(sqs, name):
    queue = sqs.create(name)
    sqs.send_batch(queue, "now", {"MessageBody": "late", "DelaySeconds": 900})
    assert sqs.bodies(queue) == ["now"] and sqs.counts(queue) == (0, 1, 1)


def test_ten_at_a_time(sqs, name):
    queue = sqs.create(name)
    for _ in range(3):
        sqs.send_batch(queue, *"0123456789")
    assert sqs.counts(queue) == (30, 0, 0)
    assert len(sqs.receive(queue, 10)) == 10 and len(sqs.receive(queue, 3)) == 3 and len(sqs.receive(queue, 1)) == 1
    assert sqs.counts(queue) == (16, 14, 0)


def test_a_purge_takes_all(sqs, name):
    queue = sqs.create(name)
    sqs.send_batch(queue, *"0123456", {"MessageBody": "late", "DelaySeconds": 1})
    flying = sqs.one(queue)
    sqs.do("PurgeQueue", QueueUrl=queue)
    assert sqs.counts(queue) == (0, 0, 0)
    sqs.delete(queue, flying)
    sqs.send(queue, "after")
    assert sqs.bodies(queue, WaitTimeSeconds=2) == ["after"] and sqs.receive(queue, WaitTimeSeconds=1) == []


def test_a_deleted_queues_handle_is_dead(sqs, name):
    queue = sqs.create(name)
    sqs.send(queue, "b")
    got = sqs.one(queue)
    sqs.delete_queue(queue)
    sqs.create(name)
    assert sqs.receive(queue) == [] and sqs.counts(queue) == (0, 0, 0)
    sqs.send(queue, "of the new one")
    answer = sqs.client.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=got["ReceiptHandle"])
    assert answer.ok or answer.error[0] == "ReceiptHandleIsInvalid"
    assert sqs.bodies(queue) == ["of the new one"]


def test_what_a_change_of_attributes_changes(sqs, name):
    queue = sqs.create(name)
    before = sqs.attributes(queue)
    time.sleep(1.1)
    sqs.set(queue, VisibilityTimeout=7)
    after = sqs.attributes(queue)
    assert int(after["LastModifiedTimestamp"]) > int(before["LastModifiedTimestamp"])
    assert {**before, "VisibilityTimeout": "7", "LastModifiedTimestamp": after["LastModifiedTimestamp"]} == after


# -- polls that wait

def test_a_poll_waits_and_comes_back_empty(sqs, name):
    queue = sqs.create(name)
    begin = time.monotonic()
    assert sqs.receive(queue, WaitTimeSeconds=1) == []
    assert 0.9 < time.monotonic() - begin < PROMPT


def test_the_queues_wait_and_zero_beats_it(sqs, name):
    queue = sqs.create(name, ReceiveMessageWaitTimeSeconds=1)
    begin = time.monotonic()
    assert sqs.receive(queue) == [] and time.monotonic() - begin > 0.9
    sqs.set(queue, ReceiveMessageWaitTimeSeconds=20)
    begin = time.monotonic()
    assert sqs.receive(queue, WaitTimeSeconds=0) == [] and time.monotonic() - begin < PROMPT


def test_a_poll_wakes_when_a_message_comes(sqs, name):
    queue = sqs.create(name)
    poll = Poll(sqs.client, queue)
    time.sleep(0.3)
    sqs.send(queue, "b")
    assert [m["Body"] for m in poll.messages()] == ["b"]
    assert 0.2 < poll.took < PROMPT


def test_a_poll_does_not_wait_for_more(sqs, name):
    queue = sqs.create(name)
    sqs.send(queue, "b")
    begin = time.monotonic()
    assert sqs.bodies(queue, 10, WaitTimeSeconds=20) == ["b"]
    assert time.monotonic() - begin < PROMPT


def test_a_poll_wakes_when_a_delay_ends(sqs, name):
    queue = sqs.create(name)
    sqs.send(queue, "late", DelaySeconds=1)
    poll = Poll(sqs.client, queue)
    assert [m["Body"] for m in poll.messages()] == ["late"] and poll.took < PROMPT


def test_a_poll_wakes_when_a_visibility_timeout_ends(sqs, name):
    queue = sqs.create(name, VisibilityTimeout=1)
    sqs.send(queue, "b")
    sqs.one(queue)
    poll = Poll(sqs.client, queue)
    assert [m["Body"] for m in poll.messages()] == ["b"] and poll.took < PROMPT


def test_a_poll_wakes_when_a_message_is_given_back(sqs, name):
    queue = sqs.create(name, VisibilityTimeout=600)
    sqs.send(queue, "b")
    got = sqs.one(queue)
    poll = Poll(sqs.client, queue)
    time.sleep(0.3)
    sqs.show_after(queue, got, 0)
    assert [m["Body"] for m in poll.messages()] == ["b"] and poll.took < PROMPT


def test_one_message_wakes_one_poll(sqs, name):
    queue = sqs.create(name)
    polls = [Poll(sqs.client, queue, seconds=5) for _ in range(10)]
    time.sleep(0.3)
    sqs.send(queue, "b")
    assert sorted(len(poll.messages()) for poll in polls) == [0] * 9 + [1]


def test_polls_get_their_share_of_a_batch(sqs, name):
    queue = sqs.create(name)
    polls = [Poll(sqs.client, queue, count=1) for _ in range(10)]
    time.sleep(0.3)
    sqs.send_batch(queue, *"0123456789")
    assert sorted(m["Body"] for poll in polls for m in poll.messages()) == list("0123456789")


def test_a_poll_hears_that_its_queue_is_deleted(sqs, name):
    queue = sqs.create(name)
    poll = Poll(sqs.client, queue)
    time.sleep(0.3)
    sqs.delete_queue(queue)
    poll.join(60)
    assert poll.answer is not None and poll.took < PROMPT
    assert poll.answer.error[0] == "AWS.SimpleQueueService.NonExistentQueue"


def test_nothing_is_handed_to_a_poller_that_hung_up(sqs, name):
    """The message is there for the next one, with a count of 1 and without its time running."""
    queue = sqs.create(name, VisibilityTimeout=600)
    host, port = sqs.client.address.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as gone:
        gone.sendall(request_bytes(sqs.client.address, sqs.client.protocol, "ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 20}))
        time.sleep(0.3)
    for _ in range(5):  # whoever answers these has heard of what came before
        time.sleep(0.1)
        sqs.counts(queue)
    sqs.send(queue, "b")
    got = sqs.one(queue, AttributeNames=["ApproximateReceiveCount"])
    assert got["Body"] == "b" and got["Attributes"] == {"ApproximateReceiveCount": "1"}


def test_a_poll_outside_does_not_hold_up_others(sqs, name):
    queue = sqs.create(name)
    polls = [Poll(sqs.client, queue, count=1) for _ in range(50)]
    time.sleep(0.3)
    for _ in range(50):
        sqs.attributes(queue, "DelaySeconds")
    assert all(poll.is_alive() for poll in polls), "the others were served when the polls had ended"
    for _ in range(5):
        sqs.send_batch(queue, *"0123456789")
    assert [len(poll.messages()) for poll in polls] == [1] * 50


def test_twenty_workers_make_the_same_queue_at_once(sqs, name):
    answers = []

    def make():
        with type(sqs.client)(sqs.client.address, sqs.client.protocol, 30, sqs.client.account) as client:
            answers.append(client.call("CreateQueue", QueueName=name, Attributes={"DelaySeconds": "3"}))
    workers = [threading.Thread(target=make) for _ in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert len(answers) == 20 and len({answer.result["QueueUrl"] for answer in answers}) == 1
    sqs.made.append(answers[0].result["QueueUrl"])
