"""Policies that definitions.json gives the vhost `policies`, and what else it brought in."""
import pytest
from broker import wait_until


@pytest.fixture
def here(connect):
    return connect(vhost="policies").channel()


def publish(channel, queue, *bodies):
    channel.confirms()
    for body in bodies:
        channel.publish("", queue, body)
    channel.confirmed()


def test_max_length(here):
    here.declare("short-1")
    publish(here, "short-1", *"abcde")
    assert here.drain("short-1") == ["c", "d", "e"]


def test_not_for_other_names(here):
    here.declare("not-short")
    publish(here, "not-short", *"abcde")
    assert here.drain("not-short") == list("abcde")


def test_the_argument_beats_the_policy_when_smaller(here):
    here.declare("short-2", arguments={"x-max-length": 2})
    publish(here, "short-2", *"abcde")
    assert here.drain("short-2") == ["d", "e"]


def test_argument_larger_than_the_policy(here):
    """For limits the smaller one holds."""
    here.declare("short-3", arguments={"x-max-length": 4})
    publish(here, "short-3", *"abcde")
    assert here.drain("short-3") == ["c", "d", "e"]


def test_operator_policy_caps(here):
    here.declare("capped-1")
    publish(here, "capped-1", *"abcde")
    assert here.drain("capped-1") == ["d", "e"]


def test_the_higher_priority_wins(here):
    here.declare("rank-1")
    publish(here, "rank-1", *"abcde")
    assert here.drain("rank-1") == ["b", "c", "d", "e"]


def test_dead_letters_by_policy(here):
    here.declare("grave")
    here.bind("grave", "amq.fanout")
    here.declare("dying-1")
    publish(here, "dying-1", "a")
    got = wait_until(lambda: here.get("grave"), "a dead letter")
    assert (got.routing_key, got.headers["x-death"][0]["reason"]) == ("by-policy", "expired")
    here.call("queue.unbind", queue="grave", exchange="amq.fanout")


def test_alternate_exchange_by_policy(here):
    here.declare("net")
    here.bind("net", "amq.fanout")
    here.exchange("strict-1")
    here.publish("strict-1", "nowhere", "caught", mandatory=True)
    assert here.get("net").text == "caught"
    here.call("queue.unbind", queue="net", exchange="amq.fanout")


def test_policies_are_no_arguments(here):
    """Equivalence looks at what was declared."""
    here.declare("short-4")
    here.declare("short-4")


def test_imported_queue_exchange_and_binding(connect):
    channel = connect(vhost="other").channel()
    channel.call("queue.purge", queue="ready-made")
    channel.declare("ready-made", durable=True, arguments={"x-max-length": 10})
    channel.exchange("ready-made", "topic", durable=True)
    channel.publish("ready-made", "ready.steady", "go")
    assert channel.get("ready-made").text == "go"
    channel.connection.declared.clear()  # they stay


def test_a_new_policy_changes_queues_that_are_there(broker, here):
    here.declare("live-1")
    publish(here, "live-1", *"abcde")
    broker.ctl("set_policy", "-p", "policies", "live", "^live", '{"max-length":2}', "--apply-to", "queues")
    wait_until(lambda: here.declare("live-1", passive=True).message_count == 2, "the queue is cut")
    assert here.drain("live-1") == ["d", "e"]
    broker.ctl("clear_policy", "-p", "policies", "live")
    wait_until(lambda: refill(here, "live-1") == 3, "the limit is gone")


def refill(channel, queue):
    channel.call("queue.purge", queue=queue)
    publish(channel, queue, *"abc")
    return channel.declare(queue, passive=True).message_count
