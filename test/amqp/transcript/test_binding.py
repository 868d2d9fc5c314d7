"""Bindings between exchanges and queues, and between exchanges."""
import pytest

DEFAULT = "operation not permitted on the default exchange"


@pytest.fixture
def bound(channel, q, x):
    channel.exchange(x, "direct")
    channel.declare(q)
    channel.bind(q, x, "k")
    return channel


def arrives(channel, q, x, key, **properties):
    channel.publish(x, key, "probe", mandatory=True, **properties)
    channel.call("basic.qos")  # a return would be here by now
    returned = [channel.inbox.popleft() for event in list(channel.inbox) if event.name == "basic.return"]
    got = channel.drain(q)
    assert bool(returned) != bool(got)
    return bool(got)


def test_bind_and_unbind(bound, q, x):
    assert arrives(bound, q, x, "k")
    bound.call("queue.unbind", queue=q, exchange=x, routing_key="k")
    assert not arrives(bound, q, x, "k")


def test_binding_twice_is_one_binding(bound, q, x):
    bound.bind(q, x, "k")
    bound.publish(x, "k", "once")
    assert bound.drain(q) == ["once"]
    bound.call("queue.unbind", queue=q, exchange=x, routing_key="k")
    assert not arrives(bound, q, x, "k")


def test_several_keys(bound, q, x):
    bound.bind(q, x, "l")
    assert arrives(bound, q, x, "k") and arrives(bound, q, x, "l") and not arrives(bound, q, x, "m")


def test_arguments_are_part_of_a_bindings_identity(bound, q, x):
    bound.bind(q, x, "k", arguments={"a": 1})
    bound.call("queue.unbind", queue=q, exchange=x, routing_key="k")
    assert arrives(bound, q, x, "k")
    bound.call("queue.unbind", queue=q, exchange=x, routing_key="k", arguments={"a": 1})
    assert not arrives(bound, q, x, "k")


@pytest.mark.parametrize("fields", [{"routing_key": "not bound"}, {"exchange": "nope"}, {"queue": "nope"},
                                    {"routing_key": "k", "arguments": {"a": 1}}])
def test_unbinding_what_is_not_there_is_fine(bound, q, x, fields):
    bound.call("queue.unbind", **({"queue": q, "exchange": x} | fields))
    assert arrives(bound, q, x, "k")


def test_bind_missing_queue(channel, q):
    channel.refused(404, f"no queue '{q}' in vhost '/'", "queue.bind", queue=q, exchange="amq.direct", routing_key="k")


def test_bind_missing_exchange(channel, q, x):
    channel.declare(q)
    channel.refused(404, f"no exchange '{x}' in vhost '/'", "queue.bind", queue=q, exchange=x, routing_key="k")


@pytest.mark.parametrize("name", ["queue.bind", "queue.unbind"])
def test_default_exchange(channel, q, name):
    channel.declare(q)
    channel.refused(403, DEFAULT, name, queue=q, exchange="", routing_key=q)


@pytest.mark.parametrize("name", ["exchange.bind", "exchange.unbind"])
@pytest.mark.parametrize("ends", [{"destination": "", "source": "amq.direct"}, {"destination": "amq.direct", "source": ""}])
def test_default_exchange_to_exchange(channel, name, ends):
    channel.refused(403, DEFAULT, name, routing_key="k", **ends)


def test_default_exchange_routes_by_name(channel, q):
    channel.declare(q)
    channel.publish("", q, "by name")
    assert channel.drain(q) == ["by name"]


def test_exchange_to_exchange(channel, q, x):
    channel.exchange(x + "1", "direct")
    channel.exchange(x + "2", "topic")
    channel.declare(q)
    channel.bind(q, x + "2", "*.b")
    channel.call("exchange.bind", destination=x + "2", source=x + "1", routing_key="a.b")
    assert arrives(channel, q, x + "1", "a.b")
    assert not arrives(channel, q, x + "1", "c.b")
    channel.call("exchange.unbind", destination=x + "2", source=x + "1", routing_key="a.b")
    assert not arrives(channel, q, x + "1", "a.b")


def test_exchange_to_exchange_missing(channel, x):
    channel.exchange(x)
    channel.refused(404, "no exchange 'nope' in vhost '/'", "exchange.bind", destination="nope", source=x)


def test_exchange_to_exchange_missing_source(connection, x):
    channel = connection.channel()
    channel.exchange(x)
    channel.refused(404, "no exchange 'nope' in vhost '/'", "exchange.bind", destination=x, source="nope")


def test_exchange_unbind_of_what_is_not_there(channel, x):
    channel.call("exchange.unbind", destination="nope", source="nope too")
    channel.exchange(x)
    channel.call("exchange.unbind", destination=x, source="amq.direct", routing_key="k")


def test_cycles_end_and_deliver_once(channel, q, x):
    for n in "123":
        channel.exchange(x + n, "fanout")
    for source, destination in ("12", "23", "31", "11"):
        channel.call("exchange.bind", destination=x + destination, source=x + source)
    channel.declare(q)
    channel.bind(q, x + "3")
    channel.bind(q, x + "1")
    channel.publish(x + "1", "", "around")
    assert channel.drain(q) == ["around"]


def test_diamond_delivers_once(channel, q, x):
    for n in "abc":
        channel.exchange(x + n, "fanout")
    channel.call("exchange.bind", destination=x + "b", source=x + "a")
    channel.call("exchange.bind", destination=x + "c", source=x + "a")
    channel.declare(q)
    channel.bind(q, x + "b")
    channel.bind(q, x + "c")
    channel.publish(x + "a", "", "once")
    assert channel.drain(q) == ["once"]


def test_nowait(channel, q, x):
    channel.exchange(x, "fanout")
    channel.declare(q)
    channel.send("exchange.bind", destination=x, source="amq.direct", routing_key=x, nowait=True)
    channel.send("queue.bind", queue=q, exchange=x, nowait=True)
    channel.publish("amq.direct", x, "there")
    channel.send("exchange.unbind", destination=x, source="amq.direct", routing_key=x, nowait=True)
    channel.publish("amq.direct", x, "gone")
    assert channel.drain(q) == ["there"]


def test_bindings_go_with_their_queue(channel, q, x):
    channel.exchange(x)
    channel.declare(q)
    channel.bind(q, x, "k")
    channel.call("queue.delete", queue=q)
    channel.declare(q)
    assert not arrives(channel, q, x, "k")


@pytest.mark.parametrize("arguments, text", [
    ({"x-match": "xx"}, "Invalid x-match field value <<\"xx\">>; expected all, any, all-with-x, or any-with-x"),
    ({"x-match": 1}, "Invalid x-match field type signedint (value 1); expected longstr")])
def test_headers_binding_needs_a_known_match(channel, q, arguments, text):
    channel.declare(q)
    channel.refused(406, text, "queue.bind", queue=q, exchange="amq.headers", arguments=arguments)


def test_binding_key_of_255_bytes(bound, q, x):
    bound.bind(q, x, "y" * 255)
    assert arrives(bound, q, x, "y" * 255)
