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
                                        ("x-dead-letter-strategy", "at-least-once"), ("x-initial-cluster-size", 1)])
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


@pytest.mark.parametrize("arguments", [{"x-priority": 5}, {"x-priority": -5}, {"x-priority": 2**40}, {"unknown": [1, 2]}])
def test_consume_accepted(channel, q, arguments):
    channel.declare(q)
    channel.consume(q, arguments=arguments)
