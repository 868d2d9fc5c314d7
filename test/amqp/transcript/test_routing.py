"""Which queue gets which message: each exchange type, CC and BCC, alternate exchanges."""
import pytest
from test_binding import arrives
from wire import Typed

TOPIC = [
    # binding key, routing keys that match, routing keys that do not
    ("a.b.c", ["a.b.c"], ["a.b", "a.b.c.d", "A.b.c", ""]),
    ("a.*.c", ["a.b.c", "a..c", "a.*.c"], ["a.c", "a.b.b.c", "a.b"]),
    ("*", ["a", "*"], ["a.b", ".", "a.", ""]),  # the empty key has no words at all
    ("*.*", ["a.b", "."], ["a", "a.b.c", ""]),
    ("#", ["", "a", "a.b", "a.b.c", "...."], []),
    ("a.#", ["a", "a.b", "a.b.c", "a."], ["", "b.a", "aa"]),
    ("#.a", ["a", "b.a", "c.b.a", ".a"], ["", "a.b"]),
    ("#.a.#", ["a", "x.a", "a.x", "x.a.y", "x.y.a.z.a"], ["", "x", "aa"]),
    ("*.#", ["a", "a.b", "a.b.c", "."], [""]),
    ("#.*", ["a", "a.b", "a.b.c", "."], [""]),
    ("a.#.b", ["a.b", "a.x.b", "a.x.y.b", "a.b.b"], ["a", "b", "a.x", "a.b.c"]),
    ("#.#", ["", "a", "a.b"], []),
    ("*.#.*", ["a.b", "a.b.c"], ["a"]),
    ("a.*.#.b", ["a.x.b", "a.x.y.b"], ["a.b"]),
    ("", [""], ["a", "."]),
    ("a.**", ["a.**"], ["a.b", "a.b.c"]),
    ("a#", ["a#"], ["a", "a.b"]),
    ("ключ.*", ["ключ.а"], ["ключ"]),
]


@pytest.mark.parametrize("key, matches, others", TOPIC, ids=[t[0] or "empty" for t in TOPIC])
def test_topic(channel, q, x, key, matches, others):
    channel.exchange(x, "topic")
    channel.declare(q)
    channel.bind(q, x, key)
    for routing_key in matches:
        assert arrives(channel, q, x, routing_key), routing_key
    for routing_key in others:
        assert not arrives(channel, q, x, routing_key), routing_key


def test_topic_many_bindings_one_copy(channel, q, x):
    channel.exchange(x, "topic")
    channel.declare(q)
    for key in ("#", "a.#", "*.b", "a.b", "#.b"):
        channel.bind(q, x, key)
    channel.publish(x, "a.b", "one")
    assert channel.drain(q) == ["one"]


def test_topic_unbind_leaves_the_others(channel, q, x):
    channel.exchange(x, "topic")
    channel.declare(q)
    for key in ("a.*.c", "a.#", "a.b.*"):
        channel.bind(q, x, key)
    for key in ("a.#", "a.b.*"):
        channel.call("queue.unbind", queue=q, exchange=x, routing_key=key)
    assert arrives(channel, q, x, "a.b.c") and not arrives(channel, q, x, "a.b.d") and not arrives(channel, q, x, "a")


def test_fanout_ignores_the_key(channel, q, x):
    channel.exchange(x, "fanout")
    for n in "123":
        channel.declare(q + n)
        channel.bind(q + n, x, "key" + n)
    channel.publish(x, "whatever", "all")
    assert [channel.drain(q + n) for n in "123"] == [["all"]] * 3


def test_direct_several_queues_one_key(channel, q, x):
    channel.exchange(x)
    for n in "12":
        channel.declare(q + n)
        channel.bind(q + n, x, "k")
    channel.bind(q + "2", x, "other")
    channel.publish(x, "k", "both")
    channel.publish(x, "other", "one")
    assert (channel.drain(q + "1"), channel.drain(q + "2")) == (["both"], ["both", "one"])


def test_direct_is_exact(channel, q, x):
    channel.exchange(x)
    channel.declare(q)
    channel.bind(q, x, "a.*")
    assert arrives(channel, q, x, "a.*") and not arrives(channel, q, x, "a.b") and not arrives(channel, q, x, "A.*")


HEADERS = [
    # binding arguments, headers that match, headers that do not
    ({"x-match": "all", "a": 1, "b": "x"}, [{"a": 1, "b": "x"}, {"a": 1, "b": "x", "c": 2}], [{"a": 1}, {"a": 2, "b": "x"}, {}]),
    ({"x-match": "any", "a": 1, "b": "x"}, [{"a": 1}, {"b": "x"}, {"a": 2, "b": "x"}], [{}, {"a": 2}, {"c": 1}]),
    ({"a": 1}, [{"a": 1}], [{"a": 2}, {}]),                          # all is the default
    ({}, [{}, {"a": 1}], []),
    ({"x-match": "any"}, [], [{}, {"a": 1}]),
    ({"x-match": "all", "a": None}, [{"a": 1}, {"a": "x"}, {"a": None}], [{}, {"b": 1}]),  # void: is there
    ({"x-match": "all", "x-a": 1, "b": 2}, [{"b": 2}, {"b": 2, "x-a": 7}], [{"x-a": 1}]),   # x- does not count
    ({"x-match": "any", "x-a": 1}, [], [{"x-a": 1}]),
    ({"x-match": "all-with-x", "x-a": 1, "b": 2}, [{"b": 2, "x-a": 1}], [{"b": 2}, {"x-a": 1}]),
    ({"x-match": "any-with-x", "x-a": 1, "b": 2}, [{"b": 2}, {"x-a": 1}], [{"c": 1}]),
    ({"x-match": "all", "a": "1"}, [{"a": "1"}], [{"a": 1}]),
    ({"x-match": "all", "a": True}, [{"a": True}], [{"a": False}, {"a": "true"}]),
    ({"x-match": "all", "a": 1.5}, [{"a": 1.5}], [{"a": 1}]),
    ({"x-match": "all", "a": {"b": [1, 2]}}, [{"a": {"b": [1, 2]}}], [{"a": {"b": [2, 1]}}]),
    ({"x-match": "all", "a": Typed("T", 5)}, [{"a": Typed("T", 5)}], []),
]


@pytest.mark.parametrize("arguments, matches, others", HEADERS, ids=[str(n) for n in range(len(HEADERS))])
def test_headers(channel, q, x, arguments, matches, others):
    channel.exchange(x, "headers")
    channel.declare(q)
    channel.bind(q, x, "ignored", arguments=arguments)
    for headers in matches:
        assert arrives(channel, q, x, "", headers=headers), headers
    for headers in others:
        assert not arrives(channel, q, x, "", headers=headers), headers


def test_headers_without_headers(channel, q, x):
    channel.exchange(x, "headers")
    channel.declare(q)
    channel.bind(q, x, arguments={"x-match": "any", "a": 1})
    assert not arrives(channel, q, x, "")


@pytest.mark.parametrize("kind, value", [("b", 1), ("B", 1), ("s", 1), ("u", 1), ("i", 1), ("l", 1), ("f", 1.0), ("d", 1.0), ("D", (0, 1)),
                                         ("T", 1)])
def test_headers_compare_an_int_with(channel, q, x, kind, value):
    """Whether a header of that kind equals a binding's long int 1."""
    channel.exchange(x, "headers")
    channel.declare(q)
    channel.bind(q, x, arguments={"x-match": "all", "a": 1})
    matches = {"b": True, "B": True, "s": True, "u": True, "i": True, "l": True, "f": True, "d": True, "D": False, "T": True}
    assert arrives(channel, q, x, "", headers={"a": Typed(kind, value)}) == matches[kind]


def test_cc_adds_keys(channel, q, x):
    channel.exchange(x)
    for n in "123":
        channel.declare(q + n)
        channel.bind(q + n, x, "k" + n)
    channel.publish(x, "k1", "m", headers={"CC": ["k2", "k3", "k1"]})
    got = [channel.get(q + n) for n in "123"]
    assert [m.text for m in got] == ["m"] * 3
    assert [m.routing_key for m in got] == ["k1"] * 3
    assert got[1].headers == {"CC": ["k2", "k3", "k1"]}
    assert [channel.get(q + n) for n in "123"] == [None] * 3


def test_bcc_adds_keys_and_vanishes(channel, q, x):
    channel.exchange(x)
    for n in "12":
        channel.declare(q + n)
        channel.bind(q + n, x, "k" + n)
    channel.publish(x, "k1", "m", headers={"BCC": ["k2"], "a": "kept"})
    for n in "12":
        assert channel.get(q + n).headers == {"a": "kept"}


def test_bcc_is_not_in_what_is_returned(channel):
    channel.publish("amq.direct", "none", "m", mandatory=True, headers={"CC": ["x"], "BCC": ["y"], "a": 1})
    assert channel.next("basic.return").headers == {"CC": ["x"], "a": 1}


def test_bcc_alone_leaves_empty_headers(channel, q):
    channel.declare(q)
    channel.publish("", "nowhere", "m", headers={"BCC": [q]})
    assert channel.get(q).properties == {"headers": {}}


def test_cc_on_the_default_exchange(channel, q):
    channel.declare(q + "1")
    channel.declare(q + "2")
    channel.publish("", q + "1", "m", headers={"CC": [q + "2"]})
    assert (channel.drain(q + "1"), channel.drain(q + "2")) == (["m"], ["m"])


@pytest.mark.parametrize("name", ["CC", "BCC"])
@pytest.mark.parametrize("value, kind", [("k", "longstr"), (1, "signedint"), ({}, "table"), (None, "void"), (True, "bool")])
def test_cc_must_be_an_array(channel, q, name, value, kind):
    channel.declare(q)
    channel.publish("", q, "m", headers={name: value})
    channel.expect_error(406, f'invalid message: {{unacceptable_type_in_header,"{name}",{kind}}}', "basic.publish")


def test_cc_of_numbers_adds_nothing(channel, q):
    channel.declare(q)
    channel.publish("", q, "m", headers={"CC": [1, 2]})
    assert channel.get(q).headers == {"CC": [1, 2]}


def test_alternate_exchange(channel, q, x):
    channel.exchange(x + "a", "fanout")
    channel.exchange(x, arguments={"alternate-exchange": x + "a"})
    for n, key in (("1", "k"), ("2", "")):
        channel.declare(q + n)
    channel.bind(q + "1", x, "k")
    channel.bind(q + "2", x + "a")
    channel.publish(x, "k", "routed", mandatory=True)
    channel.publish(x, "other", "fell", mandatory=True)
    assert channel.drain(q + "1") == ["routed"]
    got = channel.get(q + "2")
    assert (got.text, got.exchange, got.routing_key) == ("fell", x, "other")
    assert not channel.inbox


def test_alternate_exchange_that_routes_nowhere_returns(channel, q, x):
    channel.exchange(x + "a", "fanout")
    channel.exchange(x, arguments={"alternate-exchange": x + "a"})
    channel.publish(x, "k", "lost", mandatory=True)
    assert channel.next("basic.return").exchange == x


def test_the_default_exchange_is_no_alternate(channel, q, x):
    channel.declare(q)
    channel.exchange(x, arguments={"alternate-exchange": ""})
    channel.publish(x, q, "m", mandatory=True)
    channel.next("basic.return")
    assert channel.drain(q) == []


def test_alternate_exchange_that_is_not_there(channel, q, x):
    channel.exchange(x, arguments={"alternate-exchange": x + "missing"})
    channel.publish(x, "k", "lost", mandatory=True)
    assert channel.next("basic.return").text == "lost"


def test_alternate_exchanges_in_a_row_and_in_a_circle(channel, q, x):
    channel.exchange(x + "1", arguments={"alternate-exchange": x + "2"})
    channel.exchange(x + "2", arguments={"alternate-exchange": x + "3"})
    channel.exchange(x + "3", arguments={"alternate-exchange": x + "1"})
    channel.declare(q)
    channel.bind(q, x + "3", "k")
    channel.publish(x + "1", "k", "at last")
    assert channel.drain(q) == ["at last"]
    channel.publish(x + "1", "none", "round", mandatory=True)
    assert channel.next("basic.return").text == "round"


def test_exchange_to_exchange_counts_as_routed_only_if_a_queue_gets_it(channel, x):
    channel.exchange(x + "1", "fanout")
    channel.exchange(x + "2", "fanout")
    channel.call("exchange.bind", destination=x + "2", source=x + "1")
    channel.publish(x + "1", "", "lost", mandatory=True)
    assert channel.next("basic.return").reply_text == "NO_ROUTE"


def test_consistent_hash_keeps_a_key_together(channel, q, x):
    channel.exchange(x, "x-consistent-hash")
    for n in "1234":
        channel.declare(q + n)
        channel.bind(q + n, x, "10")
    for n in range(200):
        channel.publish(x, f"key-{n % 20}", f"key-{n % 20}")
    found = [channel.drain(q + n) for n in "1234"]
    assert sum(map(len, found)) == 200
    keys = [set(bodies) for bodies in found]
    assert sum(map(len, keys)) == 20 and len(set.union(*keys)) == 20


def test_consistent_hash_weights_are_numbers(channel, q, x):
    channel.exchange(x, "x-consistent-hash")
    channel.declare(q)
    channel.refused(406, "The binding key must be an integer: <<\"heavy\">>", "queue.bind", queue=q, exchange=x, routing_key="heavy")


def test_modulus_hash_keeps_a_key_together(channel, q, x):
    channel.exchange(x, "x-modulus-hash")
    for n in "123":
        channel.declare(q + n)
        channel.bind(q + n, x, "any")
    for n in range(150):
        channel.publish(x, f"key-{n % 15}", f"key-{n % 15}")
    found = [channel.drain(q + n) for n in "123"]
    assert sum(map(len, found)) == 150
    keys = [set(bodies) for bodies in found]
    assert sum(map(len, keys)) == 15 and len(set.union(*keys)) == 15


def test_random_takes_one(channel, q, x):
    channel.exchange(x, "x-random")
    for n in "12":
        channel.declare(q + n)
        channel.bind(q + n, x, "whatever" + n)
    for n in range(100):
        channel.publish(x, "k", str(n))
    found = [len(channel.drain(q + n)) for n in "12"]
    assert sum(found) == 100 and min(found) > 10
