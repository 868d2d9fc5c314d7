"""Queues: declaring, equivalence, deleting, purging, names."""
import re

import pytest


def inequivalent(arg, q, received, current):
    return f"inequivalent arg '{arg}' for queue '{q}' in vhost '/': received {received} but current is {current}"


LOCKED = ("cannot obtain exclusive access to locked queue '{}' in vhost '/'. It could be originally declared on another "
          "connection or the exclusive property value does not match that of the original declaration.")


def test_declare(channel, q):
    answer = channel.declare(q)
    assert (answer.queue, answer.message_count, answer.consumer_count) == (q, 0, 0)


def test_declare_again_counts(channel, q, fill):
    channel.declare(q, durable=True)
    fill(q, "a", "b", "c")
    channel.consume(q)
    channel.bodies(3)
    fill(q, "d")
    assert channel.deliver().text == "d"
    answer = channel.declare(q, durable=True)
    assert (answer.message_count, answer.consumer_count) == (0, 1)  # ready ones only


def test_passive(channel, q, fill):
    channel.declare(q, durable=True, arguments={"x-max-length": 10})
    fill(q, "a", "b")
    answer = channel.declare(q, passive=True)
    assert (answer.queue, answer.message_count, answer.consumer_count) == (q, 2, 0)


def test_passive_on_missing(channel, q):
    channel.refused(404, f"no queue '{q}' in vhost '/'", "queue.declare", queue=q, passive=True)


@pytest.mark.parametrize("flags", [{"durable": True}, {"auto_delete": True}, {"exclusive": True}, {"durable": True, "exclusive": True},
                                   {"durable": True, "auto_delete": True}])
def test_flags(channel, q, flags):
    channel.declare(q, **flags)
    channel.declare(q, **flags)


def test_server_named(channel):
    names = [channel.declare("").queue for _ in range(3)]
    assert len(set(names)) == 3
    for name in names:
        assert re.fullmatch(r"amq\.gen-[A-Za-z0-9_-]{22}", name)
        channel.declare(name, passive=True)
        channel.call("queue.delete", queue=name)


def test_server_named_cannot_be_declared_again_by_name(channel):
    name = channel.declare("", exclusive=True).queue
    channel.declare(name, passive=True)
    channel.refused(403, f"queue name '{name}' contains reserved prefix 'amq.*'", "queue.declare", queue=name, exclusive=True)


@pytest.mark.parametrize("first, second, arg, received, current", [
    ({"durable": True}, {}, "durable", "'false'", "'true'"),
    ({}, {"durable": True}, "durable", "'true'", "'false'"),
    ({"auto_delete": True}, {}, "auto_delete", "'false'", "'true'"),
    ({}, {"auto_delete": True}, "auto_delete", "'true'", "'false'"),
    ({"arguments": {"x-max-length": 10}}, {}, "x-max-length", "none", "the value '10' of type 'signedint'"),
    ({}, {"arguments": {"x-max-length": 10}}, "x-max-length", "the value '10' of type 'signedint'", "none"),
    ({"arguments": {"x-max-length": 10}}, {"arguments": {"x-max-length": 11}}, "x-max-length", "'11'", "'10'"),
    ({"arguments": {"x-message-ttl": 1000}}, {"arguments": {"x-message-ttl": 2000}}, "x-message-ttl", "'2000'", "'1000'"),
    ({"arguments": {"x-expires": 100000}}, {}, "x-expires", "none", "the value '100000' of type 'signedint'"),
    ({"arguments": {"x-max-length-bytes": 10}}, {"arguments": {"x-max-length-bytes": 2**40}}, "x-max-length-bytes",
     "'1099511627776'", "'10'"),
    ({}, {"arguments": {"x-max-length-bytes": 2**40}}, "x-max-length-bytes", "the value '1099511627776' of type 'long'", "none"),
    ({"arguments": {"x-max-priority": 5}}, {"arguments": {"x-max-priority": 6}}, "x-max-priority", "'6'", "'5'"),
    ({"arguments": {"x-overflow": "drop-head"}}, {"arguments": {"x-overflow": "reject-publish"}}, "x-overflow",
     "'reject-publish'", "'drop-head'"),
    ({"arguments": {"x-overflow": "reject-publish"}}, {}, "x-overflow", "none", "the value 'reject-publish' of type 'longstr'"),
    ({"arguments": {"x-dead-letter-exchange": "a"}}, {"arguments": {"x-dead-letter-exchange": "b"}}, "x-dead-letter-exchange",
     "'b'", "'a'"),
    ({"arguments": {"x-dead-letter-exchange": "a", "x-dead-letter-routing-key": "k"}}, {"arguments": {"x-dead-letter-exchange": "a"}},
     "x-dead-letter-routing-key", "none", "the value 'k' of type 'longstr'"),
    ({"arguments": {"x-single-active-consumer": True}}, {}, "x-single-active-consumer", "none",
     "the value 'true' of type 'bool'"),
    ({"arguments": {"x-max-length": 10}}, {"arguments": {"x-max-length": "10"}}, "x-max-length", "'10'", "'10'"),
])
def test_inequivalent(channel, q, first, second, arg, received, current):
    channel.declare(q, **first)
    channel.refused(406, inequivalent(arg, q, received, current), "queue.declare", queue=q, **second)


def test_the_first_difference_is_named(channel, q):
    channel.declare(q, durable=True, auto_delete=True)
    channel.refused(406, inequivalent("durable", q, "'false'", "'true'"), "queue.declare", queue=q,
                    arguments={"x-max-length": 1})


def test_passive_compares_nothing(channel, q):
    channel.declare(q, durable=True, arguments={"x-max-length": 10})
    channel.declare(q, passive=True, auto_delete=True, arguments={"x-max-length": 11})


def test_unknown_arguments_do_not_matter(channel, q):
    channel.declare(q, arguments={"x-foo": 1, "y": {"z": [1, 2]}})
    channel.declare(q, arguments={"x-bar": "2"})
    channel.declare(q)


def test_integers_compare_by_value(channel, q):
    from wire import Typed
    channel.declare(q, arguments={"x-max-length": Typed("s", 10)})
    for kind in ("b", "B", "s", "u", "I", "i", "l"):
        channel.declare(q, arguments={"x-max-length": Typed(kind, 10)})


def test_queue_type_classic_is_the_default(channel, q):
    channel.declare(q, arguments={"x-queue-type": "classic"})
    channel.declare(q)


def test_reserved_prefix(channel):
    channel.refused(403, "queue name 'amq.mine' contains reserved prefix 'amq.*'", "queue.declare", queue="amq.mine")


def test_exclusive_on_another_connection(channel, other, q):
    channel.declare(q, exclusive=True)
    other.refused(405, LOCKED.format(q), "queue.declare", queue=q, exclusive=True)


def test_exclusive_mismatch_on_the_same_connection(channel, q):
    channel.declare(q, exclusive=True)
    channel.refused(405, LOCKED.format(q), "queue.declare", queue=q)


def test_not_exclusive_declared_exclusive(channel, q):
    channel.declare(q)
    channel.refused(405, LOCKED.format(q), "queue.declare", queue=q, exclusive=True)


@pytest.mark.parametrize("name, fields", [
    ("queue.declare", {"passive": True}), ("basic.get", {}), ("queue.purge", {}), ("queue.delete", {}), ("basic.consume", {}),
    ("queue.bind", {"exchange": "amq.direct"})])
def test_everything_on_anothers_exclusive_queue(channel, other, q, name, fields):
    channel.declare(q, exclusive=True)
    other.refused(405, LOCKED.format(q), name, queue=q, **fields)


def test_unbinding_anothers_exclusive_queue(channel, other, q):
    """A binding that is not there can be removed by anybody; one that is there cannot."""
    channel.declare(q, exclusive=True)
    channel.bind(q, "amq.direct", q)
    other.call("queue.unbind", queue=q, exchange="amq.direct", routing_key="not bound")
    other.refused(405, LOCKED.format(q), "queue.unbind", queue=q, exchange="amq.direct", routing_key=q)


def test_publishing_to_anothers_exclusive_queue_is_allowed(channel, other, q):
    channel.declare(q, exclusive=True)
    other.confirms().publish("", q, "hello")
    assert other.confirmed() == {1: "ack"}
    assert channel.get(q).text == "hello"


def test_exclusive_goes_with_its_connection(connect, q):
    first = connect()
    first.channel().declare(q, exclusive=True, durable=True)
    first.close()
    connect().channel().refused(404, f"no queue '{q}' in vhost '/'", "queue.declare", queue=q, passive=True)


def test_exclusive_survives_its_channel(connection, q):
    first = connection.channel()
    first.declare(q, exclusive=True)
    first.close()
    connection.channel().declare(q, passive=True)


def test_auto_delete_after_the_last_consumer(channel, q):
    channel.declare(q, auto_delete=True)
    channel.consume(q, "a")
    channel.consume(q, "b")
    channel.cancel("a")
    channel.declare(q, passive=True)
    channel.cancel("b")
    channel.refused(404, f"no queue '{q}' in vhost '/'", "queue.declare", queue=q, passive=True)


def test_auto_delete_when_the_consumers_channel_ends(connection, q):
    first, second = connection.channel(), connection.channel()
    first.declare(q, auto_delete=True)
    first.consume(q)
    first.close()
    second.refused(404, f"no queue '{q}' in vhost '/'", "queue.declare", queue=q, passive=True)


def test_auto_delete_waits_for_a_first_consumer(connect, q, fill):
    first = connect()
    channel = first.channel()
    channel.declare(q, auto_delete=True)
    fill(q, "a")
    assert channel.get(q).text == "a"
    first.close()
    connect().channel().declare(q, passive=True)


def test_delete_counts(channel, q, fill):
    channel.declare(q)
    fill(q, "a", "b", "c")
    channel.get(q, no_ack=False)
    assert channel.call("queue.delete", queue=q).message_count == 2  # the unacked one is not among them
    channel.refused(404, f"no queue '{q}' in vhost '/'", "queue.declare", queue=q, passive=True)


def test_delete_of_missing_is_fine(channel, q):
    assert channel.call("queue.delete", queue=q).message_count == 0
    assert channel.call("queue.delete", queue=q, if_unused=True, if_empty=True).message_count == 0


def test_delete_if_unused(channel, q):
    channel.declare(q)
    channel.consume(q)
    channel.refused(406, f"queue '{q}' in vhost '/' in use", "queue.delete", queue=q, if_unused=True)


def test_delete_if_empty(channel, q, fill):
    channel.declare(q)
    fill(q, "a")
    channel.refused(406, f"queue '{q}' in vhost '/' not empty", "queue.delete", queue=q, if_empty=True)


def test_delete_if_empty_looks_at_ready_ones(channel, q, fill):
    channel.declare(q)
    fill(q, "a")
    channel.get(q, no_ack=False)
    assert channel.call("queue.delete", queue=q, if_empty=True).message_count == 0


def test_delete_of_an_unused_empty_one(channel, q):
    channel.declare(q)
    assert channel.call("queue.delete", queue=q, if_empty=True, if_unused=True).message_count == 0


def test_purge(channel, q, fill):
    channel.declare(q)
    fill(q, "a", "b", "c")
    channel.get(q, no_ack=False)
    assert channel.call("queue.purge", queue=q).message_count == 2
    assert channel.get(q) is None
    channel.nack(1)
    assert channel.get(q).text == "a"  # unacked ones stay


def test_purge_of_missing(channel, q):
    channel.refused(404, f"no queue '{q}' in vhost '/'", "queue.purge", queue=q)


def test_nowait(channel, q):
    channel.send("queue.declare", queue=q, nowait=True)
    channel.send("queue.bind", queue=q, exchange="amq.direct", routing_key=q, nowait=True)
    channel.publish("amq.direct", q, "a")
    assert channel.declare(q).queue == q
    channel.send("queue.purge", queue=q, nowait=True)
    assert channel.get(q) is None
    channel.send("queue.delete", queue=q, nowait=True)
    channel.refused(404, f"no queue '{q}' in vhost '/'", "queue.declare", queue=q, passive=True)


def test_empty_name_means_the_last_declared(channel, q, fill):
    channel.declare(q + "1")
    channel.declare(q + "2")
    channel.call("queue.bind", queue="", exchange="amq.direct", routing_key="")  # the key becomes the name as well
    channel.publish("amq.direct", q + "2", "a")
    channel.publish("amq.direct", q + "2", "b")
    assert channel.get("").text == "a"
    assert channel.call("queue.purge", queue="").message_count == 1
    channel.call("queue.unbind", queue="", exchange="amq.direct", routing_key="")
    channel.publish("amq.direct", q + "2", "c", mandatory=True)
    assert channel.next("basic.return").text == "c"
    tag = channel.consume("")
    channel.cancel(tag)
    channel.call("queue.delete", queue="")
    channel.refused(404, f"no queue '{q}2' in vhost '/'", "queue.declare", queue=q + "2", passive=True)


@pytest.mark.parametrize("name, fields", [
    ("basic.get", {}), ("basic.consume", {}), ("queue.purge", {}), ("queue.delete", {}), ("queue.unbind", {"exchange": "amq.direct"}),
    ("queue.bind", {"exchange": "amq.direct"}), ("queue.bind", {"exchange": "amq.direct", "routing_key": "k"})])
def test_empty_name_before_any_declare(channel, name, fields):
    channel.refused(404, "no previously declared queue", name, queue="", **fields)


def test_last_declared_is_the_channels_own(connection, q):
    connection.channel().declare(q)
    connection.channel().refused(404, "no previously declared queue", "basic.get", queue="")


def test_passive_declare_sets_the_last_declared(connection, q):
    connection.channel().declare(q)
    second = connection.channel()
    second.declare(q, passive=True)
    assert second.get("") is None


def test_names_of_255_bytes_and_of_other_alphabets(channel, q):
    for name in (q + "y" * (255 - len(q)), q + "ключ", q + " with spaces ", q + "/%2f"):
        assert channel.declare(name).queue == name
        channel.publish("", name, "found")
        assert channel.get(name).text == "found"


def test_line_breaks_vanish_from_names(channel, q):
    assert channel.declare(q + "\r\nz").queue == q + "z"


def test_durable_survives_as_declared(channel, q):
    channel.declare(q, durable=True, arguments={"x-max-length": 3, "x-overflow": "drop-head"})
    channel.declare(q, durable=True, arguments={"x-max-length": 3, "x-overflow": "drop-head"})


def test_vhosts_are_worlds_of_their_own(connect, q):
    here, there = connect().channel(), connect(vhost="other").channel()
    here.declare(q)
    there.refused(404, f"no queue '{q}' in vhost 'other'", "queue.declare", queue=q, passive=True)


def test_vhost_with_room_for_two_queues(connect, q):
    channel = connect(vhost="small").channel()
    channel.declare(q + "1")
    channel.declare(q + "2")
    channel.refused(406, "cannot declare queue '" + q + "3': queue limit in vhost 'small' (2) is reached", "queue.declare", queue=q + "3")


def test_passive_needs_a_name(channel, q):
    channel.declare(q)
    channel.refused(404, "no queue '' in vhost '/'", "queue.declare", queue="", passive=True)


BREAKS = ["\n", "\r\n", "\r"]


def broken(name, line_break):
    """The name, with line breaks in it and behind it."""
    return name[:3] + line_break + name[3:] + line_break


@pytest.mark.parametrize("line_break", BREAKS, ids=["lf", "crlf", "cr"])
def test_line_breaks_vanish_where_a_queue_is_declared_bound_or_deleted(channel, other, q, x, line_break):
    channel.declare(q)
    channel.exchange(x)
    assert channel.declare(broken(q, line_break), passive=True).queue == q
    channel.call("queue.bind", queue=broken(q, line_break), exchange=broken(x, line_break), routing_key="k")
    channel.publish(x, "k", "a")
    assert channel.get(q).text == "a"
    channel.call("queue.unbind", queue=broken(q, line_break), exchange=broken(x, line_break), routing_key="k")
    channel.publish(x, "k", "b", mandatory=True)
    assert channel.next("basic.return").reply_code == 312
    channel.call("queue.delete", queue=broken(q, line_break))
    channel.refused(404, f"no queue '{q}' in vhost '/'", "queue.bind", queue=broken(q, line_break), exchange="amq.direct")
    other.declare(q)
    other.refused(404, f"no exchange '{x}?' in vhost '/'", "queue.bind", queue=q, exchange=broken(x, line_break) + "?")


@pytest.mark.parametrize("name", ["queue.purge", "basic.get", "basic.consume"])
def test_line_breaks_stay_elsewhere(channel, q, name):
    channel.declare(q)
    wanted = broken(q, "\r")
    channel.refused(404, f"no queue '{wanted}' in vhost '/'", name, queue=wanted)


def test_a_name_of_line_breaks_only(connection, q):
    """It is not the queue declared last."""
    channel = connection.channel()
    channel.declare(q)
    assert channel.call("queue.delete", queue="\n").message_count == 0
    channel.declare(q, passive=True)
    channel.refused(404, "no queue '' in vhost '/'", "queue.bind", queue="\n", exchange="amq.direct", routing_key="k")
    channel = connection.channel()
    assert channel.declare("\r\n").queue.startswith("amq.gen-")
    channel.refused(404, "no queue '' in vhost '/'", "queue.declare", queue="\n", passive=True)


def test_permissions_are_asked_for_the_name_without_line_breaks(connect, q):
    connection = connect(user="limited", password="limited")
    for name in ("queue.delete", "queue.bind"):
        fields = {"exchange": "amq.direct"} if name == "queue.bind" else {}
        connection.channel().refused(403, "access to queue 'notmine' in vhost '/' refused for user 'limited'", name,
                                     queue="not\nmine", **fields)
    connection.channel().call("queue.delete", queue="\nmi\nne")
