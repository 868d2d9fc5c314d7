"""Transactions of one channel."""
import pytest


@pytest.fixture
def tx(channel, q):
    channel.declare(q)
    channel.call("tx.select")
    return channel


def test_nothing_before_commit(tx, q, count):
    tx.publish("", q, "a")
    tx.publish("", q, "b")
    tx.call("basic.qos")
    assert count(q) == (0, 0)
    tx.call("tx.commit")
    assert count(q) == (2, 0)


def test_rollback(tx, q, count):
    tx.publish("", q, "a")
    tx.call("tx.rollback")
    tx.call("tx.commit")
    assert count(q) == (0, 0)


def test_order_over_commits(tx, q):
    for pair in ("ab", "cd"):
        for body in pair:
            tx.publish("", q, body)
        tx.call("tx.commit")
    assert tx.drain(q) == list("abcd")


def test_ack_waits_for_commit(tx, other, q, fill, count):
    fill(q, "a")
    tx.get(q, no_ack=False)
    tx.ack(1)
    tx.call("tx.commit")
    tx.close()
    assert other.get(q) is None


def test_ack_without_commit_is_nothing(tx, other, q, fill):
    fill(q, "a")
    tx.get(q, no_ack=False)
    tx.ack(1)
    tx.call("basic.qos")
    tx.close()
    assert other.get(q).redelivered is True


def test_rollback_of_an_ack_leaves_it_unacked(tx, other, q, fill, count):
    fill(q, "a")
    tx.get(q, no_ack=False)
    tx.ack(1)
    tx.call("tx.rollback")
    assert count(q) == (0, 0)  # still with this channel
    tx.ack(1)
    tx.call("tx.commit")
    tx.close()
    assert other.get(q) is None


def test_reject_waits_for_commit(tx, q, fill, count):
    fill(q, "a")
    tx.get(q, no_ack=False)
    tx.reject(1)
    tx.call("basic.qos")
    assert count(q) == (0, 0)
    tx.call("tx.commit")
    assert count(q) == (1, 0)


def test_nack_multiple_at_commit(tx, q, fill, count):
    fill(q, *"abc")
    for _ in range(3):
        tx.get(q, no_ack=False)
    tx.nack(2, multiple=True)
    tx.call("tx.commit")
    assert count(q) == (2, 0)


def test_returns_come_at_commit_and_before_its_ok(tx):
    tx.publish("", "nowhere", "a", mandatory=True)
    tx.call("basic.qos")
    tx.quiet(0.1)
    tx.send("tx.commit")
    assert tx.next().name == "basic.return"
    assert tx.next().name == "tx.commit_ok"


def test_select_twice(tx):
    tx.call("tx.select")


def test_missing_exchange_fails_at_once(tx, x):
    tx.publish(x, "k", "a")
    tx.expect_error(404, f"no exchange '{x}' in vhost '/'", "basic.publish")


def test_unknown_tag_fails(tx):
    tx.ack(5)
    tx.expect_error(406, "unknown delivery tag 5", "basic.ack")


def test_the_channel_dies_with_what_was_not_committed(tx, other, q):
    tx.publish("", q, "a")
    tx.close()
    assert other.get(q) is None


@pytest.mark.parametrize("name", ["tx.commit", "tx.rollback"])
def test_without_select(channel, name):
    channel.refused(406, "channel is not transactional", name)


def test_tx_then_confirm(channel):
    channel.call("tx.select")
    channel.refused(406, "cannot switch from tx to confirm mode", "confirm.select")


def test_confirm_then_tx(channel):
    channel.confirms()
    channel.refused(406, "cannot switch from confirm to tx mode", "tx.select")


def test_deliveries_go_on_inside(tx, q, fill):
    tx.consume(q)
    fill(q, "a", "b")
    assert tx.bodies(2) == ["a", "b"]
    tx.ack(2, multiple=True)
    tx.call("tx.commit")


def test_commit_of_many(tx, q, count):
    for n in range(500):
        tx.publish("", q, str(n))
    tx.call("tx.commit")
    assert count(q) == (500, 0)


def test_publish_to_a_queue_that_went_before_commit(tx, other, q):
    tx.publish("", q, "a")
    other.call("queue.delete", queue=q)
    tx.call("tx.commit")
