"""Length limits and the three ways to overflow."""
import pytest


@pytest.mark.parametrize("arguments", [{"x-max-length": 3}, {"x-max-length": 3, "x-overflow": "drop-head"}])
def test_drop_head_keeps_the_newest(channel, q, fill, arguments):
    channel.declare(q, arguments=arguments)
    fill(q, *"abcde")
    assert channel.drain(q) == ["c", "d", "e"]


def test_bytes(channel, q, fill):
    channel.declare(q, arguments={"x-max-length-bytes": 10})
    fill(q, "aaaa", "bbbb", "cccc")
    assert channel.drain(q) == ["bbbb", "cccc"]


def test_bytes_count_bodies_only(channel, q, fill):
    channel.declare(q, arguments={"x-max-length-bytes": 10})
    fill(q, "aaaaa", "bbbbb", headers={"long": "x" * 1000})
    assert channel.drain(q) == ["aaaaa", "bbbbb"]


def test_a_message_larger_than_the_limit_does_not_stay(channel, q, fill):
    channel.declare(q, arguments={"x-max-length-bytes": 10})
    fill(q, "x" * 11)
    assert channel.drain(q) == []


def test_both_limits(channel, q, fill):
    channel.declare(q, arguments={"x-max-length": 2, "x-max-length-bytes": 5})
    fill(q, "a", "b", "c")
    assert channel.drain(q) == ["b", "c"]
    fill(q, "aaaa", "bbbb")
    assert channel.drain(q) == ["bbbb"]


def test_zero_keeps_nothing(channel, q, fill):
    channel.declare(q, arguments={"x-max-length": 0})
    fill(q, "a")
    assert channel.drain(q) == []


def test_zero_still_delivers_to_who_waits(channel, q, fill):
    channel.declare(q, arguments={"x-max-length": 0})
    channel.consume(q, no_ack=True)
    fill(q, "a")
    assert channel.deliver().text == "a"


def test_unacked_do_not_count(channel, q, fill):
    channel.declare(q, arguments={"x-max-length": 2})
    fill(q, "a", "b")
    channel.get(q, no_ack=False)
    channel.get(q, no_ack=False)
    fill(q, "c", "d")
    assert channel.drain(q) == ["c", "d"]


def test_requeue_over_the_limit_drops_the_oldest(channel, q, fill):
    channel.declare(q, arguments={"x-max-length": 2})
    fill(q, "a", "b")
    channel.get(q, no_ack=False)
    fill(q, "c")
    channel.nack(1)
    assert channel.drain(q) == ["b", "c"]


def test_reject_publish_nacks(channel, q):
    channel.declare(q, arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    channel.confirms()
    for n in range(5):
        channel.publish("", q, str(n))
        channel.confirmed()
    assert channel.drain(q) == ["0", "1"]


def test_reject_publish_answers(channel, q):
    channel.declare(q, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    channel.confirms()
    answers = {}
    for n in range(4):
        channel.publish("", q, str(n))
        answers |= channel.confirmed()
    assert answers == {1: "ack", 2: "nack", 3: "nack", 4: "nack"}
    assert channel.get(q).text == "0"
    channel.publish("", q, "room again")
    assert channel.confirmed() == {5: "ack"}


def test_reject_publish_without_confirms_is_silent(channel, q):
    channel.declare(q, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    for n in range(3):
        channel.publish("", q, str(n))
    channel.quiet(0.1)
    assert channel.drain(q) == ["0"]


def test_one_full_queue_of_two_nacks(channel, q, x):
    channel.exchange(x, "fanout")
    channel.declare(q + "1", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    channel.declare(q + "2")
    for n in "12":
        channel.bind(q + n, x)
    channel.confirms()
    channel.publish(x, "", "a")
    assert channel.confirmed() == {1: "ack"}
    channel.publish(x, "", "b")
    assert channel.confirmed() == {2: "nack"}
    assert (channel.drain(q + "1"), channel.drain(q + "2")) == (["a"], ["a", "b"])


def test_drop_head_dead_letters(channel, q, fill):
    channel.declare(q + ".dead")
    channel.declare(q, arguments={"x-max-length": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": q + ".dead"})
    fill(q, "a", "b", "c")
    assert channel.drain(q) == ["c"]
    got = [channel.get(q + ".dead") for _ in range(2)]
    assert [(m.text, m.headers["x-death"][0]["reason"]) for m in got] == [("a", "maxlen"), ("b", "maxlen")]


def test_reject_publish_dlx(channel, q):
    channel.declare(q + ".dead")
    channel.declare(q, arguments={"x-max-length": 1, "x-overflow": "reject-publish-dlx", "x-dead-letter-exchange": "",
                                  "x-dead-letter-routing-key": q + ".dead"})
    channel.confirms()
    answers = {}
    for body in "ab":
        channel.publish("", q, body)
        answers |= channel.confirmed()
    assert answers == {1: "ack", 2: "nack"}
    assert channel.drain(q) == ["a"]
    got = channel.get(q + ".dead")
    assert (got.text, got.headers["x-death"][0]["reason"]) == ("b", "maxlen")


def test_reject_publish_does_not_dead_letter(channel, q):
    channel.declare(q + ".dead")
    channel.declare(q, arguments={"x-max-length": 1, "x-overflow": "reject-publish", "x-dead-letter-exchange": "",
                                  "x-dead-letter-routing-key": q + ".dead"})
    channel.confirms()
    for body in "ab":
        channel.publish("", q, body)
    channel.confirmed()
    assert channel.drain(q + ".dead") == []


def test_reject_publish_dlx_without_a_place_for_dead_letters(channel, q):
    channel.declare(q, arguments={"x-max-length": 1, "x-overflow": "reject-publish-dlx"})
    channel.confirms()
    channel.publish("", q, "a")
    channel.confirmed()
    channel.publish("", q, "b")
    assert channel.confirmed() == {2: "nack"}
    assert channel.drain(q) == ["a"]


def test_refusing_by_bytes_counts_the_message_at_hand(channel, q):
    channel.confirms().declare(q, arguments={"x-max-length-bytes": 10, "x-overflow": "reject-publish"})
    for body in "aaaa", "bbbb", "cccc", "dd", "e":
        channel.publish("", q, body)
    assert channel.confirmed() == {1: "ack", 2: "ack", 3: "nack", 4: "ack", 5: "nack"}
    assert channel.drain(q) == ["aaaa", "bbbb", "dd"]
    for body in "x" * 11, "x" * 10:
        channel.publish("", q, body)
    assert channel.confirmed() == {6: "nack", 7: "ack"}
