"""Channels: opening, closing, flow, errors that end only one of them."""
import pytest
import wire
from events import Closed


def test_open_and_close(connection):
    channel = connection.channel()
    channel.call("channel.close", reply_code=200, reply_text="bye")
    again = connection.channel(channel.number + 1)
    again.call("basic.qos")


def test_numbers_may_have_gaps(connection):
    for number in (1, 1000, 65535):
        connection.channel(number).call("basic.qos")


def test_a_number_can_be_used_again(connection, q):
    for _ in range(3):
        channel = connection.channel(7)
        channel.refused(404, f"no queue '{q}' in vhost '/'", "queue.declare", queue=q, passive=True)
        connection.channels.pop(7, None)


def test_unopened_channel(connection):
    connection.send_method(3, "queue.declare", queue="x")
    connection.expect_error(504, "expected 'channel.open'", "queue.declare")


def test_publish_on_unopened_channel(connection):
    connection.send_method(3, "basic.publish", routing_key="x")
    connection.send_frame(wire.HEADER, 3, wire.header(0, {}))
    connection.expect_error(504, "expected 'channel.open'", "basic.publish")


def test_second_open(connection):
    connection.channel(1)
    connection.send_method(1, "channel.open")
    connection.expect_error(504, "second 'channel.open' seen", "channel.open")


def test_close_of_unopened_channel(connection):
    connection.send_method(4, "channel.close", reply_code=200)
    connection.expect_error(504, "expected 'channel.open'", "channel.close")


def test_close_ok_out_of_the_blue(connection):
    connection.channel(1)
    connection.send_method(1, "channel.close_ok")
    connection.expect_error(503, "unimplemented method", None)


def test_connection_methods_on_a_channel(connection):
    connection.channel(1)
    connection.send_method(1, "connection.open", virtual_host="/")
    connection.expect_error(503, "unimplemented method", None)


def test_channel_methods_on_channel_0(connection):
    connection.send_method(0, "channel.open")
    connection.expect_error(504, "unexpected method in connection state running", "channel.open")


def test_queue_methods_on_channel_0(connection):
    connection.send_method(0, "queue.declare", queue="x")
    connection.expect_error(504, "unexpected method in connection state running", "queue.declare")


def test_flow_on(channel):
    assert channel.call("channel.flow", active=True).active is True


def test_flow_off(channel):
    channel.refused_hard(540, "active=false", "channel.flow", active=False)


def test_access_request(channel):
    assert channel.call("access.request", realm="/data", active=True).ticket == 1


def test_an_error_leaves_other_channels_alone(connection, q):
    first, second = connection.channel(), connection.channel()
    second.declare(q)
    first.refused(404, "no queue 'nope' in vhost '/'", "queue.purge", queue="nope")
    second.publish("", q, "still here")
    assert second.get(q).text == "still here"


def test_after_an_error_everything_but_close_is_ignored(connection, q):
    channel = connection.channel()
    channel.send("queue.purge", queue="nope")
    channel.send("queue.declare", queue=q)
    channel.publish("", q, "to nobody")
    channel.send("queue.delete", queue="nope")
    channel.expect_error(404, "no queue 'nope' in vhost '/'", "queue.purge")
    connection.channel().refused(404, f"no queue '{q}' in vhost '/'", "queue.declare", queue=q, passive=True)


def test_client_closes_while_the_broker_closes(connection):
    """Both may send close at once; either answer ends it."""
    channel = connection.channel()
    channel.send("queue.purge", queue="nope")
    channel.send("channel.close", reply_code=200)
    try:
        channel.next("channel.close_ok")
    except Exception as end:  # noqa: BLE001
        assert end.code == 404
    assert connection.is_open()


def test_unacked_return_to_the_queue_when_their_channel_ends(connection, q, fill, count):
    channel = connection.channel()
    channel.declare(q)
    fill(q, "a", "b")
    assert channel.get(q, no_ack=False).redelivered is False
    assert count(q) == (1, 0)
    channel.close()
    second = connection.channel()
    got = second.get(q, no_ack=False)
    assert (got.text, got.redelivered) == ("a", True)


def test_unacked_return_after_a_channel_error(connection, q, fill):
    channel = connection.channel()
    channel.declare(q)
    fill(q, "a", "b")
    channel.get(q, no_ack=False)
    channel.refused(404, "no queue 'nope' in vhost '/'", "queue.purge", queue="nope")
    second = connection.channel()
    assert [(m.text, m.redelivered) for m in (second.get(q), second.get(q))] == [("a", True), ("b", False)]


def test_a_hundred_channels(connection, q):
    channels = [connection.channel() for _ in range(100)]
    channels[0].declare(q)
    for n, channel in enumerate(channels):
        channel.publish("", q, str(n))
        channel.call("basic.qos")  # orders the publishes of different channels
    assert len(channels[50].drain(q)) == 100


@pytest.mark.parametrize("name, fields", [
    ("channel.open_ok", {}), ("queue.declare_ok", {}), ("queue.bind_ok", {}), ("basic.qos_ok", {}), ("basic.consume_ok", {}),
    ("basic.get_empty", {}), ("exchange.declare_ok", {}), ("tx.select_ok", {}), ("confirm.select_ok", {}), ("channel.flow_ok", {}), ("basic.cancel_ok", {}),
    ("basic.recover_ok", {}), ("access.request_ok", {}), ("connection.close", {}), ("connection.close_ok", {})])
def test_server_methods_from_a_client(channel, name, fields):
    channel.send(name, **fields)
    channel.connection.expect_error(503, "unimplemented method", None)


def test_deliver_from_a_client(channel):
    channel.send("basic.deliver", consumer_tag="t", delivery_tag=1)
    channel.connection.send_frame(wire.HEADER, 1, wire.header(0, {}))
    channel.connection.expect_error(503, "unimplemented method", None)


@pytest.mark.parametrize("name", ["channel.close_ok", "channel.flow", "connection.close"])
def test_other_methods_on_an_unopened_channel(connection, name):
    connection.send_method(4, name)
    connection.expect_error(504, "expected 'channel.open'", name)


@pytest.mark.parametrize("kind, payload", [(wire.HEADER, wire.header(0, {})), (wire.BODY, b"abc")], ids=["header", "body"])
def test_content_on_an_unopened_channel(connection, kind, payload):
    connection.send_frame(kind, 4, payload)
    connection.expect_error(505, "expected method frame, got non method frame instead", "")


@pytest.mark.parametrize("name, fields", [("basic.qos", {}), ("channel.close", {}), ("channel.close_ok", {})])
def test_after_close_a_channel_is_as_one_that_never_was(connection, name, fields):
    channel = connection.channel(1)
    channel.close()
    connection.send_method(1, name, **fields)
    connection.expect_error(504, "expected 'channel.open'", name)


def test_the_number_is_free_when_the_brokers_close_is_answered(connection):
    """Also when both close at once: the client's close ends nothing then."""
    channel = connection.channel()
    channel.send("queue.purge", queue="nope")
    channel.send("channel.close", reply_code=200)
    channel.send("basic.qos")  # ignored
    with pytest.raises(Closed) as end:
        channel.next()  # and answers
    assert end.value.code == 404
    channel.next("channel.close_ok")
    del connection.channels[1]
    connection.channel(1).call("basic.qos")


def test_open_before_the_brokers_close_is_answered(connection):
    channel = connection.channel()
    channel.send("queue.purge", queue="nope")
    connection.send_method(1, "channel.open")
    connection.expect_error(504, "second 'channel.open' seen", "channel.open")


@pytest.mark.parametrize("number, name, text", [(7, "channel.open", "<<>>"), (1, "channel.close", "<<0,0,0,0,0,0>>")])
def test_malformed_methods_of_the_class(connection, number, name, text):
    connection.channel(1)
    connection.send_frame(wire.METHOD, number, wire.method(name)[:-1])
    connection.expect_error(501, "cannot decode " + text, name)


@pytest.mark.parametrize("name", ["connection.close_ok", "connection.start_ok", "connection.tune_ok", "connection.open", "connection.blocked",
                                  "connection.secure_ok", "connection.update_secret_ok"])
def test_connection_methods_out_of_turn(connection, name):
    connection.send_method(0, name)
    connection.expect_error(504, "unexpected method in connection state running", name)
