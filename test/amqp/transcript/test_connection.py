"""From the first byte to open-ok, and the ways it can go wrong."""
import socket
import time

import events
import pytest
import wire
from client import CAPABILITIES

LOGIN = "Login was refused using authentication mechanism {}. For details see the broker logfile."


@pytest.fixture
def raw(broker):
    """A socket that has said nothing."""
    host, port = broker.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 60) as connected:
        yield connected


def everything(connected):
    data = b""
    try:
        while piece := connected.recv(4096):
            data += piece
    except ConnectionResetError:
        pass  # some of what was sent was not read
    return data


def test_server_properties(connect):
    server = connect().server
    assert server["capabilities"] == {name: True for name in (
        "publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify", "connection.blocked",
        "consumer_priorities", "authentication_failure_close", "per_consumer_qos", "direct_reply_to")}
    assert [int(part) for part in server["version"].split(".")][0] >= 3  # clients take it apart
    assert {"product", "platform", "copyright", "information", "cluster_name"} <= set(server)


def test_start_names_version_mechanisms_locale(connect):
    c = connect(handshake=False)
    c.raw(wire.PROTOCOL_HEADER)
    start = c.next("connection.start")
    assert (start.version_major, start.version_minor) == (0, 9)
    assert {"PLAIN", "AMQPLAIN"} <= set(start.mechanisms.split())
    assert start.locales == "en_US"


def test_tune_proposes(connect):
    tuned = connect().tuned
    assert (tuned.channel_max, tuned.frame_max, tuned.heartbeat) == (2047, 131072, 60)


def test_open_ok_and_close_ok(connect):
    c = connect()
    c.channel()
    c.close()


@pytest.mark.parametrize("start", [b"AMQP\0\0\x09\x00", b"AMQP\1\1\0\x0a", b"AMQP\2\0\0\x09", b"GET / HT", b"\x16\x03\x01\x02\0\1\0\1",
                                   b"HELO\n\n\n\n", b"AMQP\0\0\x09\x02", b"AMQP\3\1\0\0"],
                         ids=["0-9-0", "0-10", "2-0", "http", "tls", "helo", "0-9-2", "tls-header"])
def test_other_protocols_are_told_which_one_is_spoken(raw, start):
    raw.sendall(start)
    assert everything(raw) == wire.PROTOCOL_HEADER


def test_the_header_of_0_9_is_accepted(connect):
    c = connect(handshake=False)
    c.raw(b"AMQP\x01\x01\x00\x09")
    c.next("connection.start")


def test_the_header_may_come_in_pieces(connect):
    c = connect(handshake=False)
    for byte in wire.PROTOCOL_HEADER:
        c.raw(bytes([byte]))
        time.sleep(0.01)
    c.next("connection.start")


def test_amqplain(connect):
    login = wire.table({"LOGIN": "guest", "PASSWORD": "guest"})[4:]
    c = connect(mechanism="AMQPLAIN", response=login)
    assert c.is_open()


@pytest.mark.parametrize("mechanism, response", [
    ("PLAIN", "\0guest\0wrong"), ("PLAIN", "\0nobody\0guest"), ("PLAIN", "\0\0"),
    ("AMQPLAIN", wire.table({"LOGIN": "guest", "PASSWORD": "wrong"})[4:])])
def test_refused_login_is_told_to_who_can_hear_it(connect, mechanism, response):
    c = connect(handshake=False)
    c.raw(wire.PROTOCOL_HEADER)
    c.next("connection.start")
    c.send("connection.start_ok", client_properties={"capabilities": CAPABILITIES}, mechanism=mechanism, response=response,
           locale="en_US")
    c.expect_error(403, LOGIN.format(mechanism), "")


def test_refused_login_without_the_capability_is_silence(connect):
    c = connect(handshake=False)
    c.raw(wire.PROTOCOL_HEADER)
    c.next("connection.start")
    c.send("connection.start_ok", mechanism="PLAIN", response="\0guest\0wrong", locale="en_US")
    c.expect_silent_end()


def test_unknown_mechanism(connect):
    c = connect(handshake=False)
    c.raw(wire.PROTOCOL_HEADER)
    c.next("connection.start")
    c.send("connection.start_ok", mechanism="KERBEROS_V4", response="x", locale="en_US",
           client_properties={"capabilities": CAPABILITIES})
    c.expect_error_or_silence(504, "unknown authentication mechanism 'KERBEROS_V4'", "connection.start_ok")


@pytest.mark.parametrize("response", ["guest", "\0guest", "", "guest\0guest\0guest", "other\0guest\0guest", "\0guest\0guest\0x"])
def test_malformed_plain_response(connect, response):
    """Nor may anybody ask to act for another, or for itself: there is nothing before the first NUL."""
    c = connect(handshake=False)
    c.raw(wire.PROTOCOL_HEADER)
    c.next("connection.start")
    c.send("connection.start_ok", mechanism="PLAIN", response=response, locale="en_US",
           client_properties={"capabilities": CAPABILITIES})
    c.expect_error_or_silence(403, LOGIN.format("PLAIN"), "")


def to_open(c, **tune):
    c.raw(wire.PROTOCOL_HEADER)
    c.next("connection.start")
    c.send("connection.start_ok", client_properties={"capabilities": CAPABILITIES}, mechanism="PLAIN",
           response="\0guest\0guest", locale="en_US")
    c.next("connection.tune")
    if tune:
        c.send("connection.tune_ok", **tune)


GOOD = {"channel_max": 2047, "frame_max": 131072, "heartbeat": 0}


def test_unknown_vhost(connect):
    c = connect(handshake=False)
    to_open(c, **GOOD)
    c.send("connection.open", virtual_host="nowhere")
    c.expect_error(530, "vhost nowhere not found", "connection.open")


def test_vhost_without_permission(connect):
    c = connect(handshake=False)
    c.raw(wire.PROTOCOL_HEADER)
    c.next("connection.start")
    c.send("connection.start_ok", client_properties={"capabilities": CAPABILITIES}, mechanism="PLAIN",
           response="\0stranger\0stranger", locale="en_US")
    c.next("connection.tune")
    c.send("connection.tune_ok", **GOOD)
    c.send("connection.open", virtual_host="/")
    c.expect_error(530, "access to vhost '/' refused for user 'stranger'", "connection.open")


@pytest.mark.parametrize("field, value, text", [
    ("frame_max", 131073, "negotiated frame_max = 131073 is higher than the maximum allowed value (131072)"),
    ("frame_max", 0, "negotiated frame_max = 0 (no limit) is higher than the maximum allowed value (131072)"),
    ("frame_max", 4095, "negotiated frame_max = 4095 is lower than the minimum allowed value (4096)"),
    ("channel_max", 2048, "negotiated channel_max = 2048 is higher than the maximum allowed value (2047)"),
    ("channel_max", 0, "negotiated channel_max = 0 (no limit) is higher than the maximum allowed value (2047)")])
def test_tune_ok_beyond_the_limits(connect, field, value, text):
    c = connect(handshake=False)
    to_open(c, **(GOOD | {field: value}))
    c.expect_error_or_silence(530, text, "connection.tune_ok")


def test_the_smallest_frames(connect, q):
    c = connect(frame_max=4096)
    channel = c.channel()
    channel.declare(q)
    body = bytes(range(256)) * 64  # 16 KiB in frames of 4088
    channel.publish("", q, body)
    assert channel.get(q).body == body


def test_channel_max_counts_channels_not_their_numbers(connect):
    c = connect(channel_max=2)
    c.channel(5)
    c.channel(7)
    c.send_method(9, "channel.open")
    c.expect_error(530, "number of channels opened (2) has reached the negotiated channel_max (2)", "")


def test_a_closed_channel_makes_room(connect):
    c = connect(channel_max=1)
    for _ in range(3):
        c.channel().close()


@pytest.mark.parametrize("early", ["connection.open", "connection.tune_ok", "connection.close_ok"])
def test_out_of_turn_before_start_ok(connect, early):
    c = connect(handshake=False)
    c.raw(wire.PROTOCOL_HEADER)
    c.next("connection.start")
    c.send(early)
    c.expect_error_or_silence(504, "unexpected method in connection state starting", early)


def test_open_before_tune_ok(connect):
    c = connect(handshake=False)
    to_open(c)
    c.send("connection.open", virtual_host="/")
    c.expect_error_or_silence(504, "unexpected method in connection state tuning", "connection.open")


def test_close_while_tuning(connect):
    c = connect(handshake=False)
    to_open(c)
    c.send("connection.close", reply_code=200, reply_text="changed my mind")
    c.expect_error_or_silence(504, "unexpected method in connection state tuning", "connection.close")


def test_server_methods_from_a_client(connect):
    for name in ("connection.start", "connection.tune", "connection.open_ok"):
        c = connect()
        c.send(name)
        c.expect_error(504, "unexpected method in connection state running", name)


def test_what_comes_after_close_is_ignored(connect):
    c = connect()
    c.send("connection.close", reply_code=200, reply_text="bye")
    c.send_method(1, "channel.open")
    c.send("connection.open", virtual_host="/")
    c.next("connection.close_ok")


def test_close_with_a_code_of_ones_own(connect):
    c = connect()
    c.send("connection.close", reply_code=320, reply_text="I am shot down", class_id=1, method_id=2)
    c.next("connection.close_ok")


def test_channels_go_with_their_connection(connect, q, count):
    c = connect()
    channel = c.channel()
    channel.declare(q)
    channel.consume(q, "one")
    assert count(q) == (0, 1)
    c.close()
    assert count(q) == (0, 0)


def test_client_properties_of_every_kind(connect):
    c = connect(properties={"product": "mine", "nested": {"a": [1, 2.5, None, True, {"b": "c"}]}, "connection_name": "me",
                            "big": 2**40, "bytes": b"\0\xff", "timestamp": wire.Typed("T", 1)})
    assert c.is_open()


def test_heartbeats_come_every_half_interval(connect):
    """Every five seconds: two come before two of a whole interval could."""
    c = connect(heartbeat=10)
    start = time.monotonic()
    before = events.STEPS["heartbeats"]
    while events.STEPS["heartbeats"] < before + 2:
        c.pump(events.TIMEOUT)
        c.send_frame(wire.HEARTBEAT, 0)
    assert time.monotonic() - start < 18


def test_silence_of_two_heartbeats_ends_the_connection(connect):
    start = time.monotonic()
    c = connect(heartbeat=3)
    c.expect_silent_end()
    assert time.monotonic() - start > 4.5


def test_no_heartbeats_when_zero_was_agreed(connect):
    c = connect(heartbeat=0)
    channel = c.channel()
    channel.quiet(2.5)
    assert c.is_open()


def test_any_traffic_is_a_sign_of_life(connect):
    """Silence would end it after six seconds."""
    c = connect(heartbeat=3)
    channel = c.channel()
    for _ in range(20):
        channel.call("basic.qos", prefetch_count=1)
        time.sleep(0.5)


def test_whoever_beats_may_read_as_late_as_it_likes(connect, q):
    other = connect().channel()
    other.confirms().declare(q)
    for _ in range(40):
        other.publish("", q, "x" * 1_000_000)
    other.confirmed()
    c = connect(heartbeat=3)
    channel = c.channel()
    for _ in range(40):
        channel.send("basic.get", queue=q, no_ack=True)
    for _ in range(20):  # nothing is read meanwhile
        c.send_frame(wire.HEARTBEAT, 0)
        time.sleep(0.5)
    for _ in range(40):
        c.send_frame(wire.HEARTBEAT, 0)
        assert len(channel.next("basic.get_ok").body) == 1_000_000
    other.call("queue.delete", queue=q)


def test_update_secret(connect):
    c = connect()
    c.call("connection.update_secret", new_secret="guest", reason="renewed")
    assert c.is_open()


def test_user_with_one_connection(connect):
    connect("single", "single")
    c = connect(handshake=False)
    c.raw(wire.PROTOCOL_HEADER)
    c.next("connection.start")
    c.send("connection.start_ok", client_properties={"capabilities": CAPABILITIES}, mechanism="PLAIN",
           response="\0single\0single", locale="en_US")
    c.next("connection.tune")
    c.send("connection.tune_ok", **GOOD)
    c.send("connection.open", virtual_host="/")
    c.expect_error(530, "connection refused for user 'single': user connection limit (1) is reached", "connection.open")


def test_vhost_without_connections(connect):
    c = connect(handshake=False)
    to_open(c, **GOOD)
    c.send("connection.open", virtual_host="full")
    c.expect_error(530, "access to vhost 'full' refused for user 'guest': connection limit (0) is reached", "connection.open")


def test_user_with_one_channel(connect):
    c = connect("narrow", "narrow")
    c.channel()
    c.send_method(2, "channel.open")
    c.expect_error(530, "number of channels opened for user 'narrow' has reached the maximum allowed user limit of (1)", "")
