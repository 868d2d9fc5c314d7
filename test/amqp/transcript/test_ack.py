"""ack, nack, reject, recover: which tags may be said, what returns and where."""
import pytest


@pytest.fixture
def six(channel, q, fill):
    """Six unacked messages, tags 1 to 6."""
    channel.declare(q)
    fill(q, *"abcdef")
    for _ in range(6):
        channel.get(q, no_ack=False)
    return channel


def ready(connection, q):
    """What a new consumer would get: (body, redelivered) each."""
    channel, found = connection.channel(), []
    while message := channel.get(q):
        found.append(message.text + ("'" if message.redelivered else ""))
    return " ".join(found)


def test_ack_one(six, q):
    six.ack(3)
    six.close()
    assert ready(six.connection, q) == "a' b' d' e' f'"


def test_ack_multiple(six, q):
    six.ack(4, multiple=True)
    six.close()
    assert ready(six.connection, q) == "e' f'"


def test_ack_all(six, q):
    six.ack(0, multiple=True)
    six.close()
    assert ready(six.connection, q) == ""


def test_ack_all_when_there_is_nothing(channel):
    channel.ack(0, multiple=True)
    channel.nack(0, multiple=True)
    channel.call("basic.qos")


def test_nack_one_requeues(six, q):
    six.nack(2)
    assert ready(six.connection, q) == "b'"


def test_nack_multiple_requeues_in_order(six, q):
    six.nack(4, multiple=True)
    assert ready(six.connection, q) == "a' b' c' d'"


def test_nack_all(six, q):
    six.nack(0, multiple=True)
    assert ready(six.connection, q) == "a' b' c' d' e' f'"


def test_nack_without_requeue_drops(six, q):
    six.nack(3, multiple=True, requeue=False)
    six.close()
    assert ready(six.connection, q) == "d' e' f'"


def test_reject_requeue(six, q):
    six.reject(5)
    assert ready(six.connection, q) == "e'"


def test_reject_drop(six, q):
    six.reject(5, requeue=False)
    six.close()
    assert ready(six.connection, q) == "a' b' c' d' f'"


def test_requeued_ones_take_their_old_place(channel, q, fill):
    channel.declare(q)
    fill(q, *"012345")
    for _ in range(4):
        channel.get(q, no_ack=False)
    channel.nack(3)
    channel.nack(1)
    assert ready(channel.connection, q) == "0' 2' 4 5"


def test_requeued_in_any_order_takes_the_old_place(channel, q, fill):
    channel.declare(q)
    fill(q, *"0123456789")
    for _ in range(10):
        channel.get(q, no_ack=False)
    for tag in (7, 2, 9, 4, 1):
        channel.reject(tag)
    assert ready(channel.connection, q) == "0' 1' 3' 6' 8'"


def test_channel_end_requeues_in_place(six, q, fill):
    fill(q, "g")
    six.ack(2)
    six.close()
    assert ready(six.connection, q) == "a' c' d' e' f' g"


def test_two_channels_requeue_into_one_order(connection, q, fill):
    first, second = connection.channel(), connection.channel()
    first.declare(q)
    fill(q, *"abcdef")
    for _ in range(3):
        first.get(q, no_ack=False)
        second.get(q, no_ack=False)
    second.close()
    first.close()
    assert ready(connection, q) == "a' b' c' d' e' f'"


@pytest.mark.parametrize("name, fields", [
    ("basic.ack", {"delivery_tag": 99}), ("basic.ack", {"delivery_tag": 99, "multiple": True}), ("basic.ack", {"delivery_tag": 0}),
    ("basic.nack", {"delivery_tag": 99, "requeue": True}), ("basic.nack", {"delivery_tag": 99, "multiple": True}),
    ("basic.nack", {"delivery_tag": 0}), ("basic.reject", {"delivery_tag": 99}), ("basic.reject", {"delivery_tag": 0, "requeue": True}),
    ("basic.ack", {"delivery_tag": 2**64 - 1})])
def test_unknown_tag(six, name, fields):
    six.refused(406, f"unknown delivery tag {fields['delivery_tag']}", name, **fields)


def test_unknown_tag_on_a_fresh_channel(channel):
    channel.refused(406, "unknown delivery tag 1", "basic.ack", delivery_tag=1)


def test_double_ack(six):
    six.ack(3)
    six.call("basic.qos")
    six.refused(406, "unknown delivery tag 3", "basic.ack", delivery_tag=3)


def test_ack_after_nack(six):
    six.nack(3)
    six.refused(406, "unknown delivery tag 3", "basic.ack", delivery_tag=3)


def test_multiple_needs_its_tag_to_be_outstanding(six):
    six.ack(3)
    six.refused(406, "unknown delivery tag 3", "basic.ack", delivery_tag=3, multiple=True)


def test_multiple_after_gaps(six, q):
    six.ack(2)
    six.ack(4)
    six.ack(5, multiple=True)
    six.close()
    assert ready(six.connection, q) == "f'"


def test_an_unknown_tag_requeues_the_rest(six, q):
    six.ack(1)
    six.refused(406, "unknown delivery tag 77", "basic.ack", delivery_tag=77)
    assert ready(six.connection, q) == "b' c' d' e' f'"


def test_tags_of_another_channel_are_unknown(six, q):
    six.connection.channel().refused(406, "unknown delivery tag 1", "basic.ack", delivery_tag=1)


def test_redelivered_comes_back_to_a_consumer(channel, q, fill):
    channel.declare(q)
    channel.consume(q)
    fill(q, "a")
    first = channel.deliver()
    channel.nack(first.delivery_tag)
    second = channel.deliver()
    assert (first.redelivered, second.redelivered, second.delivery_tag, second.text) == (False, True, 2, "a")


def test_recover_requeues_all(six, q):
    six.call("basic.recover", requeue=True)
    assert ready(six.connection, q) == "a' b' c' d' e' f'"
    six.refused(406, "unknown delivery tag 1", "basic.ack", delivery_tag=1)


def test_recover_redelivers_to_the_consumer(channel, q, fill):
    channel.declare(q)
    channel.consume(q)
    fill(q, "a", "b")
    channel.bodies(2)
    channel.call("basic.recover", requeue=True)
    assert [(m.text, m.redelivered) for m in (channel.deliver(), channel.deliver())] == [("a", True), ("b", True)]


def test_recover_async(six, q):
    six.send("basic.recover_async", requeue=True)
    six.call("basic.qos")
    assert ready(six.connection, q) == "a' b' c' d' e' f'"


def test_recover_without_requeue(channel):
    channel.refused_hard(540, "requeue=false", "basic.recover", requeue=False)


def test_recover_async_without_requeue(channel):
    channel.refused_hard(540, "requeue=false", "basic.recover_async", requeue=False)


def test_acks_of_several_queues_at_once(channel, q, fill, count):
    for n in "123":
        channel.declare(q + n)
        fill(q + n, "a")
        channel.get(q + n, no_ack=False)
    channel.ack(2, multiple=True)
    channel.close()
    second = channel.connection.channel()
    assert [len(second.drain(q + n)) for n in "123"] == [0, 0, 1]
