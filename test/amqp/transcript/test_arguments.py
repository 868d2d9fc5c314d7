"""Arguments of queue.declare: what is accepted, what is refused and how."""
import pytest
from wire import Typed

CLASSIC = [
    ("x-message-ttl", -1, "{value_negative,-1}"),
    ("x-message-ttl", "60", '"expected integer, got longstr"'),
    ("x-message-ttl", 1.5, '"expected integer, got double"'),
    ("x-message-ttl", True, '"expected integer, got bool"'),
    ("x-message-ttl", None, '"expected integer, got void"'),
    ("x-message-ttl", 315360000001, "{value_too_large,315360000001}"),
    ("x-expires", 0, "{value_zero,0}"),
    ("x-expires", -5, "{value_negative,-5}"),
    ("x-expires", "1h", '"expected integer, got longstr"'),
    ("x-expires", 315360000001, "{value_too_large,315360000001}"),
    ("x-max-length", -1, "{value_negative,-1}"),
    ("x-max-length", "ten", '"expected integer, got longstr"'),
    ("x-max-length-bytes", -1, "{value_negative,-1}"),
    ("x-max-length-bytes", {}, '"expected integer, got table"'),
    ("x-max-priority", -1, "{value_negative,-1}"),
    ("x-max-priority", 256, "{max_value_exceeded,256}"),
    ("x-max-priority", "high", '"expected integer, got longstr"'),
    ("x-overflow", "explode", "invalid_overflow"),
    ("x-overflow", 1, "{unacceptable_type,signedint}"),
    ("x-dead-letter-routing-key", "k", "routing_key_but_no_dlx_defined"),
    ("x-queue-mode", "sleepy", "\"unsupported queue mode 'sleepy'\""),
    ("x-queue-mode", 1, "{unacceptable_type,signedint}"),
    ("x-single-active-consumer", "yes", "{unacceptable_type,longstr}"),
    ("x-single-active-consumer", 1, "{unacceptable_type,signedint}"),
    ("x-queue-type", "nope", '"unsupported queue type \'nope\'"'),
    ("x-queue-type", 5, "{unacceptable_type,signedint}"),
    ("x-queue-version", 7, "\"unsupported queue version '7'\""),
]


@pytest.mark.parametrize("arg, value, reason", CLASSIC)
def test_refused(channel, q, arg, value, reason):
    channel.refused(406, f"invalid arg '{arg}' for queue '{q}' in vhost '/': {reason}", "queue.declare", queue=q,
                    arguments={arg: value})


@pytest.mark.parametrize("value, kind", [(1, "signedint"), ([], "array"), (None, "void")])
def test_dead_letter_exchange_must_be_a_string(channel, q, value, kind):
    channel.refused(406, f"invalid type '{kind}' for arg 'x-dead-letter-exchange' in queue '{q}' in vhost '/'",
                    "queue.declare", queue=q, arguments={"x-dead-letter-exchange": value})


def test_dead_letter_routing_key_must_be_a_string(channel, q):
    channel.refused(406, f"invalid arg 'x-dead-letter-routing-key' for queue '{q}' in vhost '/': {{unacceptable_type,signedint}}",
                    "queue.declare", queue=q, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": 1})


@pytest.mark.parametrize("arguments", [
    {"x-message-ttl": 0}, {"x-message-ttl": 315360000000}, {"x-expires": 1}, {"x-expires": 315360000000}, {"x-max-length": 0},
    {"x-max-length": 2**40}, {"x-max-length-bytes": 0}, {"x-max-priority": 0}, {"x-max-priority": 255},
    {"x-overflow": "drop-head"}, {"x-overflow": "reject-publish"}, {"x-overflow": "reject-publish-dlx"},
    {"x-dead-letter-exchange": ""}, {"x-dead-letter-exchange": "not there yet"},
    {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": ""}, {"x-single-active-consumer": False},
    {"x-queue-mode": "lazy"}, {"x-queue-mode": "default"}, {"x-queue-version": 1}, {"x-queue-version": 2},
    {"x-queue-type": "classic"}, {"x-message-ttl": Typed("b", 5)}, {"x-message-ttl": Typed("s", 5)}, {"x-message-ttl": Typed("l", 5)},
    {"x-message-ttl": Typed("B", 5)}, {"x-message-ttl": Typed("u", 5)}, {"x-message-ttl": Typed("i", 5)},
    {"anything": {"goes": [1, None, b"\xff"]}}])
def test_accepted(channel, q, arguments):
    channel.declare(q, arguments=arguments)


@pytest.mark.parametrize("arg, value", [("x-delivery-limit", 5), ("x-quorum-initial-group-size", 3), ("x-max-age", "1D"),
                                        ("x-stream-max-segment-size-bytes", 1000), ("x-max-in-memory-length", 5),
                                        ("x-dead-letter-strategy", "at-least-once"), ("x-initial-cluster-size", 1),
                                        ("x-queue-leader-locator", "client-local"), ("x-queue-leader-locator", "nowhere")])
def test_not_for_classic_queues(channel, q, arg, value):
    channel.refused(406, f"invalid arg '{arg}' for queue '{q}' in vhost '/' of queue type rabbit_classic_queue", "queue.declare",
                    queue=q, arguments={arg: value})


@pytest.mark.parametrize("arg, value", [("x-max-priority", 5), ("x-queue-mode", "lazy"), ("x-queue-version", 1), ("x-max-age", "1D"),
                                        ("x-message-ttl", 5000)])
def test_not_for_quorum_queues(channel, q, arg, value):
    if arg == "x-message-ttl":  # they can since 3.10
        channel.declare(q, durable=True, arguments={"x-queue-type": "quorum", arg: value})
        return
    channel.refused(406, f"invalid arg '{arg}' for queue '{q}' in vhost '/' of queue type rabbit_quorum_queue", "queue.declare",
                    queue=q, durable=True, arguments={"x-queue-type": "quorum", arg: value})


@pytest.mark.parametrize("arg, value", [("x-max-priority", 5), ("x-message-ttl", 5000), ("x-dead-letter-exchange", ""),
                                        ("x-max-length", 5), ("x-overflow", "drop-head"), ("x-expires", 5000),
                                        ("x-single-active-consumer", True), ("x-delivery-limit", 3)])
def test_not_for_streams(channel, q, arg, value):
    channel.refused(406, f"invalid arg '{arg}' for queue '{q}' in vhost '/' of queue type rabbit_stream_queue", "queue.declare",
                    queue=q, durable=True, arguments={"x-queue-type": "stream", arg: value})


@pytest.mark.parametrize("kind", ["quorum", "stream"])
@pytest.mark.parametrize("flags, what", [({}, "non-durable"), ({"durable": True, "exclusive": True}, "exclusive-owner"),
                                         ({"durable": True, "auto_delete": True}, "auto-delete")])
def test_durable_types_refuse_what_does_not_last(channel, q, kind, flags, what):
    channel.refused(406, f"invalid property '{what}' for queue '{q}' in vhost '/'", "queue.declare", queue=q,
                    arguments={"x-queue-type": kind}, **flags)


@pytest.mark.parametrize("kind", ["quorum", "stream"])
def test_durable_types_need_a_name(channel, kind):
    channel.refused(406, f"Cannot declare a server-named queue for type rabbit_{kind}_queue", "queue.declare", queue="",
                    durable=True, arguments={"x-queue-type": kind})


TYPES = {"classic": {}, "quorum": {"x-queue-type": "quorum"}, "stream": {"x-queue-type": "stream"}}
# Of each argument two values, and the types of queue for which they mean something.
COMPARED = [
    ("x-expires", 100000, 200000, "classic quorum"), ("x-message-ttl", 1000, 2000, "classic quorum"),
    ("x-dead-letter-exchange", "a", "b", "classic quorum"), ("x-dead-letter-strategy", "at-most-once", "at-least-once", "quorum"),
    ("x-max-length", 5, 6, "classic quorum"), ("x-max-length-bytes", 5, 6, "classic quorum stream"),
    ("x-overflow", "drop-head", "reject-publish", "classic quorum"), ("x-max-priority", 2, 3, "classic"),
    ("x-single-active-consumer", True, False, "classic quorum"), ("x-delivery-limit", 3, 4, "quorum"),
    ("x-queue-mode", "default", "lazy", "classic"), ("x-queue-version", 1, 2, "classic"),
    ("x-queue-leader-locator", "client-local", "balanced", "quorum stream"),
    ("x-queue-master-locator", "client-local", "min-masters", "classic"),
    ("x-quorum-initial-group-size", 1, 2, "quorum"), ("x-max-in-memory-length", 1, 2, "quorum"),
    ("x-max-in-memory-bytes", 1, 2, "quorum"), ("x-max-age", "1D", "2D", "stream"),
    ("x-stream-max-segment-size-bytes", 1000000, 2000000, "stream"), ("x-initial-cluster-size", 1, 2, "stream"),
    ("x-unknown", 1, 2, ""),
]


def shown(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("arg, value, another, kinds", COMPARED, ids=[row[0] for row in COMPARED])
def test_equivalence_looks_at_what_means_something_to_the_type(connection, q, kind, arg, value, another, kinds):
    base = TYPES[kind]
    inequivalent = f"inequivalent arg '{arg}' for queue '{q}' in vhost '/': received "
    type_name = "bool" if isinstance(value, bool) else "signedint" if isinstance(value, int) else "longstr"
    channel = connection.channel()
    channel.declare(q, durable=True, arguments=base)
    if kind not in kinds:
        channel.declare(q, durable=True, arguments=base | {arg: value})
        return
    channel.refused(406, inequivalent + f"the value '{shown(value)}' of type '{type_name}' but current is none", "queue.declare",
                    queue=q, durable=True, arguments=base | {arg: value})
    channel = connection.channel()
    channel.call("queue.delete", queue=q)
    channel.declare(q, durable=True, arguments=base | {arg: value})
    channel.declare(q, durable=True, arguments=base | {arg: value})
    channel.refused(406, inequivalent + f"'{shown(another)}' but current is '{shown(value)}'", "queue.declare", queue=q,
                    durable=True, arguments=base | {arg: another})
    connection.channel().refused(406, inequivalent + f"none but current is the value '{shown(value)}' of type '{type_name}'",
                                 "queue.declare", queue=q, durable=True, arguments=base)


@pytest.mark.parametrize("now, text", [
    ({"x-max-length": "5"}, "'x-max-length' for {q}: received '5' but current is '5'"),
    ({"x-max-length": 5.0}, "'x-max-length' for {q}: received '5.0' but current is '5'"),
    ({"x-max-length": -5}, "'x-max-length' for {q}: received '-5' but current is '5'"),
    ({"x-max-length": 6, "x-max-priority": 5, "x-expires": 5}, "'x-expires' for {q}: received the value '5' of type 'signedint' but "
     "current is none"),
    ({"x-queue-type": "quorum", "x-max-length": 6}, "'x-max-length' for {q}: received '6' but current is '5'")],
    ids=["text", "real", "invalid", "several", "type-and-length"])
def test_what_of_a_difference_is_told(channel, q, now, text):
    channel.declare(q, durable=True, arguments={"x-max-length": 5})
    channel.refused(406, "inequivalent arg " + text.format(q=f"queue '{q}' in vhost '/'"), "queue.declare", queue=q, durable=True,
                    arguments=now)


@pytest.mark.parametrize("now", [{"x-max-length": Typed("l", 5)}, {"x-max-length": 5, "x-max-age": "1D"}])
def test_what_is_no_difference(channel, q, now):
    channel.declare(q, arguments={"x-max-length": 5})
    channel.declare(q, arguments=now)


LOCATOR = "invalid_queue_locator_arg"
CLUSTER = [
    ("quorum", "x-queue-leader-locator", "nowhere", LOCATOR), ("stream", "x-queue-leader-locator", "nowhere", LOCATOR),
    ("quorum", "x-queue-leader-locator", "min-masters", LOCATOR), ("stream", "x-queue-leader-locator", "", LOCATOR),
    ("quorum", "x-queue-leader-locator", 1, "{unacceptable_type,signedint}"),
    ("quorum", "x-quorum-initial-group-size", 0, "{value_zero,0}"),
    ("quorum", "x-quorum-initial-group-size", -1, "{value_negative,-1}"),
    ("quorum", "x-quorum-initial-group-size", "1", '"expected integer, got longstr"'),
    ("stream", "x-initial-cluster-size", 0, "{value_zero,0}"), ("stream", "x-initial-cluster-size", 1.5, '"expected integer, got double"'),
    ("quorum", "x-max-in-memory-length", -1, "{value_negative,-1}"), ("quorum", "x-max-in-memory-bytes", "1", '"expected integer, got longstr"'),
    ("quorum", "x-dead-letter-strategy", 1, "{unacceptable_type,signedint}"),
    ("quorum", "x-dead-letter-strategy", "nope", "invalid_dlx_strategy"),
]


@pytest.mark.parametrize("kind, arg, value, reason", CLUSTER)
def test_what_only_a_cluster_acts_on_is_checked_all_the_same(channel, q, kind, arg, value, reason):
    channel.refused(406, f"invalid arg '{arg}' for queue '{q}' in vhost '/': {reason}", "queue.declare", queue=q, durable=True,
                    arguments={"x-queue-type": kind, arg: value})


@pytest.mark.parametrize("value", ["client-local", "balanced", "random", "least-leaders"])
@pytest.mark.parametrize("kind", ["quorum", "stream"])
def test_leader_locators(channel, q, kind, value):
    channel.declare(q, durable=True, arguments={"x-queue-type": kind, "x-queue-leader-locator": value})


@pytest.mark.parametrize("value", ["nowhere", 1])
def test_unknown_master_locator(channel, q, value, broker):
    """The original's channel process dies of it."""
    channel.send("queue.declare", queue=q, arguments={"x-queue-master-locator": value})
    if broker.is_rabbitmq:
        channel.connection.expect_error(541, None)
    else:
        channel.expect_error(406, None, "queue.declare")


def test_segments_have_a_greatest_size(channel, q):
    arguments = {"x-queue-type": "stream", "x-stream-max-segment-size-bytes": 3_000_000_000}
    channel.declare(q, durable=True, arguments=arguments)
    channel.call("queue.delete", queue=q)
    arguments["x-stream-max-segment-size-bytes"] += 1
    channel.refused(406, "Exceeded max value for x-stream-max-segment-size-bytes", "queue.declare", queue=q, durable=True,
                    arguments=arguments)


def test_values_are_looked_at_before_types(channel, q):
    channel.refused(406, f"invalid arg 'x-max-length' for queue '{q}' in vhost '/': {{value_negative,-1}}", "queue.declare", queue=q,
                    arguments={"x-max-age": "1D", "x-max-length": -1})


def test_type_is_part_of_equivalence(channel, q):
    channel.declare(q, durable=True)
    channel.refused(406, f"inequivalent arg 'x-queue-type' for queue '{q}' in vhost '/': received the value 'quorum' of type "
                    "'longstr' but current is none", "queue.declare", queue=q, durable=True,
                    arguments={"x-queue-type": "quorum"})


CONSUME = [
    ({"x-priority": "high"}, "invalid arg 'x-priority' for {q}: \"expected integer, got longstr\""),
    ({"x-priority": 1.5}, "invalid arg 'x-priority' for {q}: \"expected integer, got double\""),
    ({"x-stream-offset": "first"}, "invalid arg 'x-stream-offset' for {q} of queue type rabbit_classic_queue"),
    ({"x-cancel-on-ha-failover": 1}, "invalid arg 'x-cancel-on-ha-failover' for {q}: {{unacceptable_type,signedint}}"),
]


@pytest.mark.parametrize("arguments, text", CONSUME)
def test_consume_refused(channel, q, arguments, text):
    channel.declare(q)
    channel.refused(406, text.format(q=f"queue '{q}' in vhost '/'"), "basic.consume", queue=q, arguments=arguments)


@pytest.mark.parametrize("kind, arguments", [
    ("stream", {"x-priority": 5}), ("stream", {"x-priority": "high"}), ("stream", {"x-cancel-on-ha-failover": True}),
    ("quorum", {"x-cancel-on-ha-failover": True}), ("quorum", {"x-cancel-on-ha-failover": 1}), ("quorum", {"x-stream-offset": "first"})])
def test_consume_refuses_what_is_not_for_the_type(channel, q, kind, arguments):
    channel.declare(q, durable=True, arguments={"x-queue-type": kind})
    channel.qos(10)
    arg, = arguments
    channel.refused(406, f"invalid arg '{arg}' for queue '{q}' in vhost '/' of queue type rabbit_{kind}_queue", "basic.consume",
                    queue=q, arguments=arguments)


@pytest.mark.parametrize("arguments", [{"x-priority": 5}, {"x-priority": -5}, {"x-priority": 2**40}, {"unknown": [1, 2]}])
def test_consume_accepted(channel, q, arguments):
    channel.declare(q)
    channel.consume(q, arguments=arguments)
