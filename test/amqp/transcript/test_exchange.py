"""Exchanges: declaring, equivalence, deleting."""
import pytest

TYPES = ("direct", "fanout", "topic", "headers")
PREDECLARED = [("amq.direct", "direct"), ("amq.fanout", "fanout"), ("amq.topic", "topic"), ("amq.headers", "headers"),
               ("amq.match", "headers")]


def inequivalent(arg, x, received, current):
    return f"inequivalent arg '{arg}' for exchange '{x}' in vhost '/': received {received} but current is {current}"


@pytest.mark.parametrize("kind", TYPES)
def test_declare_twice_and_delete(channel, x, kind):
    channel.exchange(x, kind)
    channel.exchange(x, kind)
    channel.exchange(x, passive=True)
    channel.call("exchange.delete", exchange=x)
    channel.refused(404, f"no exchange '{x}' in vhost '/'", "exchange.declare", exchange=x, type=kind, passive=True)


@pytest.mark.parametrize("flags", [{"durable": True}, {"auto_delete": True}, {"internal": True},
                                   {"durable": True, "auto_delete": True, "internal": True}])
def test_flags(channel, x, flags):
    channel.exchange(x, **flags)
    channel.exchange(x, **flags)


@pytest.mark.parametrize("name, kind", PREDECLARED)
def test_predeclared(channel, name, kind):
    channel.exchange(name, kind, durable=True)


@pytest.mark.parametrize("name, kind", PREDECLARED)
def test_predeclared_keep_their_shape(channel, name, kind):
    channel.refused(406, inequivalent("durable", name, "'false'", "'true'"), "exchange.declare", exchange=name, type=kind)


@pytest.mark.parametrize("name", [name for name, _ in PREDECLARED] + ["amq.rabbitmq.trace"])
def test_predeclared_cannot_be_deleted(channel, name):
    channel.refused(403, f"deletion of system exchange '{name}' in vhost '/' not allowed", "exchange.delete", exchange=name)


def test_trace_exchange_is_internal(channel):
    channel.exchange("amq.rabbitmq.trace", "topic", durable=True, internal=True)
    channel.publish("amq.rabbitmq.trace", "x", "y")
    channel.expect_error(403, "cannot publish to internal exchange 'amq.rabbitmq.trace' in vhost '/'", "basic.publish")


def test_default_exchange_passive(channel):
    channel.refused(403, "operation not permitted on the default exchange", "exchange.declare", exchange="", type="direct",
                    passive=True)


def test_default_exchange_declare(channel):
    channel.refused(403, "operation not permitted on the default exchange", "exchange.declare", exchange="", type="direct",
                    durable=True)


def test_default_exchange_delete(channel):
    channel.refused(403, "operation not permitted on the default exchange", "exchange.delete", exchange="")


@pytest.mark.parametrize("first, second, arg, received, current", [
    ({"type": "topic"}, {"type": "direct"}, "type", "'direct'", "'topic'"),
    ({"durable": True}, {}, "durable", "'false'", "'true'"),
    ({}, {"durable": True}, "durable", "'true'", "'false'"),
    ({"auto_delete": True}, {}, "auto_delete", "'false'", "'true'"),
    ({}, {"auto_delete": True}, "auto_delete", "'true'", "'false'"),
    ({"internal": True}, {}, "internal", "'false'", "'true'"),
    ({}, {"internal": True}, "internal", "'true'", "'false'"),
    ({"arguments": {"alternate-exchange": "a"}}, {}, "alternate-exchange", "none",
     "the value 'a' of type 'longstr'"),
    ({}, {"arguments": {"alternate-exchange": "a"}}, "alternate-exchange",
     "the value 'a' of type 'longstr'", "none"),
    ({"arguments": {"alternate-exchange": "a"}}, {"arguments": {"alternate-exchange": "b"}}, "alternate-exchange", "'b'", "'a'")])
def test_inequivalent(channel, x, first, second, arg, received, current):
    channel.call("exchange.declare", **({"exchange": x, "type": "direct"} | first))
    channel.refused(406, inequivalent(arg, x, received, current), "exchange.declare",
                    **({"exchange": x, "type": "direct"} | second))


def test_passive_asks_for_the_name_only(channel, x):
    channel.exchange(x, "topic", durable=True)
    channel.call("exchange.declare", exchange=x, type="fanout", passive=True, auto_delete=True)


def test_unknown_arguments_do_not_matter(channel, x):
    channel.exchange(x, arguments={"x-mine": 1})
    channel.exchange(x, arguments={"x-other": "two"})


def test_alternate_exchange_must_be_a_string(channel, x):
    channel.refused(406, f"invalid type 'signedint' for arg 'alternate-exchange' in exchange '{x}' in vhost '/'",
                    "exchange.declare", exchange=x, type="direct", arguments={"alternate-exchange": 1})


def test_unknown_type(channel, x):
    channel.refused_hard(503, "unknown exchange type 'nonsense'", "exchange.declare", exchange=x, type="nonsense")


def test_empty_type(channel, x):
    channel.refused_hard(503, "invalid exchange type ''", "exchange.declare", exchange=x, type="")


def test_reserved_prefix(channel):
    channel.refused(403, "exchange name 'amq.mine' contains reserved prefix 'amq.*'", "exchange.declare", exchange="amq.mine",
                    type="direct")


def test_reserved_prefix_passive(channel):
    channel.refused(404, "no exchange 'amq.mine' in vhost '/'", "exchange.declare", exchange="amq.mine", type="direct",
                    passive=True)


def test_passive_on_missing(channel, x):
    channel.refused(404, f"no exchange '{x}' in vhost '/'", "exchange.declare", exchange=x, passive=True)


def test_delete_of_missing_is_fine(channel, x):
    channel.call("exchange.delete", exchange=x)
    channel.call("exchange.delete", exchange=x, if_unused=True)


def test_delete_if_unused(channel, q, x):
    channel.exchange(x)
    channel.declare(q)
    channel.bind(q, x)
    channel.refused(406, f"exchange '{x}' in vhost '/' in use", "exchange.delete", exchange=x, if_unused=True)


def test_delete_if_unused_counts_exchanges(channel, x):
    channel.exchange(x)
    channel.call("exchange.bind", destination="amq.fanout", source=x)
    channel.refused(406, f"exchange '{x}' in vhost '/' in use", "exchange.delete", exchange=x, if_unused=True)


def test_delete_if_unused_ignores_bindings_to_it(channel, x):
    channel.exchange(x)
    channel.call("exchange.bind", destination=x, source="amq.direct", routing_key=x)
    channel.call("exchange.delete", exchange=x, if_unused=True)


def test_delete_takes_the_bindings(channel, q, x):
    channel.exchange(x)
    channel.declare(q)
    channel.bind(q, x, "k")
    channel.call("exchange.delete", exchange=x)
    channel.exchange(x)
    channel.publish(x, "k", "lost", mandatory=True)
    assert channel.next("basic.return").reply_code == 312


def test_nowait(channel, x):
    channel.send("exchange.declare", exchange=x, type="fanout", nowait=True)
    channel.call("exchange.declare", exchange=x, type="fanout")
    channel.send("exchange.delete", exchange=x, nowait=True)
    channel.refused(404, f"no exchange '{x}' in vhost '/'", "exchange.declare", exchange=x, passive=True)


def test_an_error_comes_even_with_nowait(channel, x):
    channel.send("exchange.declare", exchange=x, passive=True, nowait=True)
    channel.expect_error(404, f"no exchange '{x}' in vhost '/'", "exchange.declare")


def test_auto_delete_after_the_last_binding(channel, q, x):
    channel.exchange(x, auto_delete=True)
    channel.declare(q)
    channel.exchange(x, passive=True)  # not before it had one
    channel.bind(q, x, "a")
    channel.bind(q, x, "b")
    channel.call("queue.unbind", queue=q, exchange=x, routing_key="a")
    channel.exchange(x, passive=True)
    channel.call("queue.unbind", queue=q, exchange=x, routing_key="b")
    channel.refused(404, f"no exchange '{x}' in vhost '/'", "exchange.declare", exchange=x, passive=True)


def test_auto_delete_when_the_queue_goes(channel, q, x):
    channel.exchange(x, auto_delete=True)
    channel.declare(q)
    channel.bind(q, x)
    channel.call("queue.delete", queue=q)
    channel.refused(404, f"no exchange '{x}' in vhost '/'", "exchange.declare", exchange=x, passive=True)


def test_auto_delete_counts_only_bindings_as_source(channel, x):
    channel.exchange(x, auto_delete=True)
    channel.call("exchange.bind", destination=x, source="amq.direct", routing_key=x)
    channel.call("exchange.unbind", destination=x, source="amq.direct", routing_key=x)
    channel.exchange(x, passive=True)


def test_auto_delete_in_a_chain(channel, q, x):
    channel.exchange(x + "1", auto_delete=True)
    channel.exchange(x + "2", auto_delete=True)
    channel.call("exchange.bind", destination=x + "2", source=x + "1")
    channel.declare(q)
    channel.bind(q, x + "2")
    channel.call("queue.unbind", queue=q, exchange=x + "2")
    channel.connection.channel().refused(404, f"no exchange '{x}2' in vhost '/'", "exchange.declare", exchange=x + "2", passive=True)
    channel.refused(404, f"no exchange '{x}1' in vhost '/'", "exchange.declare", exchange=x + "1", passive=True)


def test_publish_to_internal(channel, x):
    channel.exchange(x, internal=True)
    channel.publish(x, "k", "no")
    channel.expect_error(403, f"cannot publish to internal exchange '{x}' in vhost '/'", "basic.publish")


def test_internal_gets_messages_from_another(channel, q, x):
    channel.exchange(x, "fanout", internal=True)
    channel.declare(q)
    channel.bind(q, x)
    channel.call("exchange.bind", destination=x, source="amq.direct", routing_key=x)
    channel.publish("amq.direct", x, "through")
    assert channel.get(q).text == "through"


def test_names_of_255_bytes_and_of_other_alphabets(channel, x):
    for name in (x + "y" * (255 - len(x)), x + "ключ", x + " with spaces ", x + "/%2f"):
        channel.exchange(name)
        channel.exchange(name, passive=True)


def test_line_breaks_vanish_from_names(channel, x):
    channel.exchange(x + "\r\nz")
    channel.exchange(x + "z", passive=True)

    other = x + "-other"
    channel.exchange(other)
    for destination, source in ((other, x + "\nz"), (x + "\rz", other)):
        channel.call("exchange.bind", destination=destination, source=source, routing_key="k")
        channel.call("exchange.unbind", destination=destination, source=source, routing_key="k")
    channel.call("exchange.delete", exchange=x + "\n\nz\r", if_unused=True)
    channel.refused(404, f"no exchange '{x}z' in vhost '/'", "exchange.declare", exchange=x + "\nz", type="direct", passive=True)


@pytest.mark.parametrize("name", ["amq.nope", "amq.", "amq.direct", "am\nq.direct"])
@pytest.mark.parametrize("if_unused", [True, False])
def test_reserved_names_are_not_deleted_whether_there_is_one_or_not(channel, name, if_unused):
    channel.refused(403, f"deletion of system exchange '{name.replace(chr(10), '')}' in vhost '/' not allowed", "exchange.delete",
                    exchange=name, if_unused=if_unused)


@pytest.mark.parametrize("name", ["", "\n"])
def test_the_default_exchange_is_not_deleted(channel, name):
    channel.refused(403, "operation not permitted on the default exchange", "exchange.delete", exchange=name)


def test_line_breaks_stay_where_a_message_is_published(channel, x):
    channel.exchange(x)
    channel.publish(x + "\r", "k", "a")
    channel.expect_error(404, f"no exchange '{x}\r' in vhost '/'", "basic.publish")
