"""Publishing: mandatory, returns, confirms, properties, bodies."""
import pytest
from wire import Typed, show

ALL = {"content_type": "text/plain", "content_encoding": "gzip", "headers": {"h": "v"}, "delivery_mode": 2, "priority": 4,
       "correlation_id": "c", "reply_to": "r", "expiration": "100000", "message_id": "m", "timestamp": 1700000000, "type": "t",
       "user_id": "guest", "app_id": "a", "cluster_id": "old"}


def test_every_property(channel, q):
    channel.declare(q)
    channel.publish("", q, "x", **ALL)
    assert channel.get(q).properties == ALL


@pytest.mark.parametrize("name", ALL)
def test_one_property(channel, q, name):
    channel.declare(q)
    channel.publish("", q, "x", **{name: ALL[name]})
    assert channel.get(q).properties == {name: ALL[name]}


def test_no_property(channel, q):
    channel.declare(q)
    channel.publish("", q, "x")
    assert channel.get(q).properties == {}


@pytest.mark.parametrize("mode", [0, 3, 255])
def test_unknown_delivery_mode(channel, q, mode):
    channel.declare(q)
    channel.publish("", q, "x", delivery_mode=mode)
    channel.expect_error(406, f"invalid message: {{delivery_mode_unknown,{mode}}}", "basic.publish")


@pytest.mark.parametrize("mode", [1, 2])
def test_delivery_mode_comes_back_as_it_was(channel, q, mode):
    channel.declare(q)
    channel.publish("", q, "x", delivery_mode=mode)
    assert channel.get(q).properties == {"delivery_mode": mode}


EVERY_KIND = {
    "t": True, "t0": False, "b": Typed("b", -5), "B": Typed("B", 250), "s": Typed("s", -30000), "u": Typed("u", 60000),
    "I": -2**31, "i": Typed("i", 2**32 - 1), "l": -2**63, "l2": 2**63 - 1, "f": Typed("f", 0.5), "d": 1e300, "D": Typed("D", (2, 314)),
    "S": "text", "S0": "", "utf": "héllo ключ 日本", "x": b"\0\xff\x80", "T": Typed("T", 1700000000), "V": None, "A": [1, "two", [3], {"f": 4}, None],
    "A0": [], "F": {"a": {"b": {"c": [1, {"d": True}]}}}, "F0": {}}


def test_headers_of_every_kind(channel, q):
    channel.declare(q)
    channel.publish("", q, "x", headers=EVERY_KIND)
    got = channel.get(q).headers
    assert list(got) == list(EVERY_KIND)  # the order of the fields survives
    for name, value in EVERY_KIND.items():
        plain = value.value if isinstance(value, Typed) and value.kind not in "fD" else value
        assert got[name] == plain, name
        if isinstance(value, Typed) and value.kind not in "fD":
            assert got[name].kind == value.kind, name


def test_a_64_bit_L_comes_back_as_it_was(channel, q):
    channel.declare(q)
    channel.publish("", q, "x", headers={"big": Typed("L", 2**40)})
    assert show(channel.get(q).headers) == "{big: L1099511627776}"


def test_binary_in_a_long_string(channel, q):
    channel.declare(q)
    channel.publish("", q, "x", headers={"raw": Typed("S", b"\xff\0\xfe")})
    assert channel.get(q).headers == {"raw": b"\xff\0\xfe"}


def test_header_names_twice(channel, q):
    channel.declare(q)
    channel.publish("", q, "x", headers=[("a", 1), ("a", 2)])
    assert channel.get(q).headers["a"] in (1, 2)


def test_deep_headers(channel, q):
    deep = {}
    for _ in range(100):
        deep = {"d": deep}
    channel.declare(q)
    channel.publish("", q, "x", headers=deep)
    assert channel.get(q).headers == deep


@pytest.mark.parametrize("size", [0, 1, 4087, 4088, 4089, 131063, 131064, 131065, 262128, 262129, 3_000_000])
def test_body_sizes(channel, q, size):
    channel.declare(q)
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    channel.publish("", q, body)
    assert channel.get(q).body == body


def test_a_large_body_to_a_small_frame_consumer(connect, q, fill):
    c = connect(frame_max=4096)
    channel = c.channel()
    channel.declare(q)
    body = bytes(range(256)) * 1000
    fill(q, body)
    channel.consume(q, no_ack=True)
    assert channel.deliver().body == body  # the client checks every frame against its limit


def test_to_a_missing_exchange(channel, x):
    channel.publish(x, "k", "m")
    channel.expect_error(404, f"no exchange '{x}' in vhost '/'", "basic.publish")


def test_unroutable_is_dropped(channel, q):
    channel.publish("", "nowhere-" + q, "m")
    channel.call("basic.qos")
    channel.quiet()


def test_mandatory_unroutable_returns_everything(channel, q):
    channel.publish("", "nowhere-" + q, "the body", mandatory=True, **ALL)
    back = channel.next("basic.return")
    assert (back.reply_code, back.reply_text, back.exchange, back.routing_key) == (312, "NO_ROUTE", "", "nowhere-" + q)
    assert (back.text, back.properties) == ("the body", ALL)


def test_mandatory_routable_is_quiet(channel, q):
    channel.declare(q)
    channel.publish("", q, "m", mandatory=True)
    assert channel.get(q).text == "m"
    channel.quiet(0.05)


def test_returned_empty_body(channel):
    channel.publish("amq.direct", "nowhere", "", mandatory=True)
    assert channel.next("basic.return").body == b""


def test_immediate(channel, q):
    channel.publish("", q, "m", immediate=True)
    channel.connection.expect_error(540, "immediate=true", "basic.publish")


def test_returns_come_in_order(channel):
    for n in range(20):
        channel.publish("amq.direct", "nowhere", str(n), mandatory=True)
    assert [channel.next("basic.return").text for _ in range(20)] == [str(n) for n in range(20)]


# -- confirms ----------------------------------------------------------------------

def test_confirms(channel, q):
    channel.declare(q)
    channel.confirms()
    for n in range(100):
        channel.publish("", q, str(n))
    assert channel.confirmed() == dict.fromkeys(range(1, 101), "ack")
    assert channel.drain(q) == [str(n) for n in range(100)]


def test_confirms_one_by_one(channel, q):
    channel.declare(q, durable=True)
    channel.confirms()
    for n in range(1, 6):
        channel.publish("", q, str(n), delivery_mode=2)
        assert channel.confirmed() == {n: "ack"}


def test_select_twice_does_not_start_again(channel, q):
    channel.declare(q)
    channel.confirms()
    channel.publish("", q, "1")
    assert channel.confirmed() == {1: "ack"}
    channel.call("confirm.select")
    channel.publish("", q, "2")
    assert channel.confirmed() == {2: "ack"}


def test_select_counts_from_there(channel, q):
    channel.declare(q)
    channel.publish("", q, "before")
    channel.confirms()
    channel.publish("", q, "after")
    assert channel.confirmed() == {1: "ack"}


def test_select_nowait(channel, q):
    channel.declare(q)
    channel.send("confirm.select", nowait=True)
    channel.publish("", q, "m")
    assert channel.confirmed() == {1: "ack"}


def test_unroutable_is_confirmed(channel, q):
    channel.confirms().publish("", "nowhere", "m")
    assert channel.confirmed() == {1: "ack"}


def test_return_comes_before_its_confirm(channel, q):
    channel.declare(q)
    channel.confirms()
    channel.publish("", q, "1", mandatory=True)
    channel.confirmed()
    channel.publish("", "nowhere", "2", mandatory=True)
    assert channel.next("basic.return").text == "2"
    confirm = channel.next("basic.ack")
    assert confirm.delivery_tag == 2


def test_tags_are_the_channels_own(connection, q):
    first, second = connection.channel().confirms(), connection.channel().confirms()
    first.declare(q)
    first.publish("", q, "a")
    first.publish("", q, "b")
    second.publish("", q, "c")
    assert (first.confirmed(), second.confirmed()) == ({1: "ack", 2: "ack"}, {1: "ack"})


def test_many_queues_one_confirm(channel, q, x):
    channel.exchange(x, "fanout")
    for n in range(5):
        channel.declare(f"{q}{n}", durable=True)
        channel.bind(f"{q}{n}", x)
    channel.confirms().publish(x, "", "m", delivery_mode=2)
    assert channel.confirmed() == {1: "ack"}
    channel.quiet(0.1)
    assert [channel.drain(f"{q}{n}") for n in range(5)] == [["m"]] * 5


def test_a_failed_publish_is_not_confirmed(channel, x):
    channel.confirms().publish(x, "k", "m")
    channel.expect_error(404, f"no exchange '{x}' in vhost '/'", "basic.publish")


def test_no_confirms_without_select(channel, q):
    channel.declare(q)
    channel.publish("", q, "m")
    channel.quiet(0.1)


# -- what is refused -----------------------------------------------------------------

def test_someone_elses_user_id(channel, q):
    channel.declare(q)
    channel.publish("", q, "m", user_id="bob")
    channel.expect_error(406, "user_id property set to 'bob' but authenticated user was 'guest'", "basic.publish")


def test_impersonator_may(connect, q):
    channel = connect("impersonator", "impersonator").channel()
    channel.declare(q)
    channel.publish("", q, "m", user_id="bob")
    assert channel.get(q).properties["user_id"] == "bob"


@pytest.mark.parametrize("value, reason", [
    ("abc", "no_integer"), ("10s", '{leftover_string,"s"}'), ("-1", "{value_negative,-1}"), ("", "no_integer"), ("1.5", '{leftover_string,".5"}'),
    (" 5", "no_integer"), ("5 ", '{leftover_string," "}'), ("315360000001", "{value_too_large,315360000001}"), ("+600000", None), ("0x10", '{leftover_string,"x10"}'),
    ("99999999999999999999999", "{value_too_large,99999999999999999999999}")])
def test_expiration(channel, q, value, reason):
    channel.declare(q)
    channel.publish("", q, "m", expiration=value)
    if reason is None:
        assert channel.get(q).properties == {"expiration": value}
    else:
        channel.expect_error(406, f"invalid expiration '{value}': {reason}", "basic.publish")


@pytest.mark.parametrize("value", ["0", "100000", "315360000000", "00100000"])
def test_expiration_that_is_fine(channel, q, value):
    channel.declare(q)
    channel.publish("", q, "m", expiration=value)
    got = channel.get(q)
    assert value == "0" or got.properties == {"expiration": value}


def test_a_priority_above_255_cannot_be_written_but_any_octet_can(channel, q):
    channel.declare(q, arguments={"x-max-priority": 5})
    channel.publish("", q, "m", priority=255)
    assert channel.get(q).properties == {"priority": 255}


def test_a_body_of_100_million_bytes(channel, q):
    channel.declare(q)
    body = bytes(range(250)) * 400_000
    channel.publish("", q, body)
    assert channel.get(q).body == body


def test_a_message_over_the_limit(channel, q):
    channel.declare(q)
    channel.publish("", q, b"x" * (134217728 + 1))
    channel.expect_error(406, "message size 134217729 is larger than configured max size 134217728", "basic.publish")
