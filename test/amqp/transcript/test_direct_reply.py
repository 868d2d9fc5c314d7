"""Direct reply-to: answers without a queue for them."""
import re

import pytest

NAME = "amq.rabbitmq.reply-to"


@pytest.fixture
def server(connect, q):
    """A channel that consumes requests."""
    channel = connect().channel()
    channel.declare(q)
    channel.consume(q, no_ack=True)
    return channel


def test_request_and_answer(channel, server, q):
    tag = channel.consume(NAME, no_ack=True)
    channel.publish("", q, "question", reply_to=NAME, correlation_id="1")
    request = server.deliver()
    token = request.properties["reply_to"]
    assert re.fullmatch(r"amq\.rabbitmq\.reply-to\..+", token) and request.properties["correlation_id"] == "1"
    server.publish("", token, "answer", correlation_id="1")
    got = channel.deliver()
    assert (got.consumer_tag, got.text, got.exchange, got.routing_key, got.redelivered) == (tag, "answer", "", token, False)
    assert got.properties == {"correlation_id": "1"}


def test_many_answers_to_one_request(channel, server, q):
    channel.consume(NAME, no_ack=True)
    channel.publish("", q, "question", reply_to=NAME)
    token = server.deliver().properties["reply_to"]
    for n in range(10):
        server.publish("", token, str(n))
    assert channel.bodies(10) == [str(n) for n in range(10)]


def test_with_acks(channel):
    channel.refused(406, "reply consumer cannot acknowledge", "basic.consume", queue=NAME)


def test_twice(channel):
    channel.consume(NAME, no_ack=True)
    channel.refused(406, "reply consumer already set", "basic.consume", queue=NAME, no_ack=True)


def test_without_a_consumer(channel, q):
    channel.declare(q)
    channel.publish("", q, "question", reply_to=NAME)
    channel.expect_error(406, "fast reply consumer does not exist", "basic.publish")


def test_consumer_on_another_channel_does_not_help(connection, q):
    first, second = connection.channel(), connection.channel()
    first.declare(q)
    first.consume(NAME, no_ack=True)
    second.publish("", q, "question", reply_to=NAME)
    second.expect_error(406, "fast reply consumer does not exist", "basic.publish")


def test_after_cancel(channel, q):
    channel.declare(q)
    tag = channel.consume(NAME, no_ack=True)
    channel.cancel(tag)
    channel.publish("", q, "question", reply_to=NAME)
    channel.expect_error(406, "fast reply consumer does not exist", "basic.publish")


def test_consume_again_after_cancel(channel, server, q):
    channel.cancel(channel.consume(NAME, "a", no_ack=True))
    channel.consume(NAME, "b", no_ack=True)
    channel.publish("", q, "question", reply_to=NAME)
    server.publish("", server.deliver().properties["reply_to"], "answer")
    assert channel.deliver().consumer_tag == "b"


def test_is_the_asker_still_there(connection, server, q):
    channel = connection.channel()
    channel.consume(NAME, no_ack=True)
    channel.publish("", q, "question", reply_to=NAME)
    token = server.deliver().properties["reply_to"]
    answer = server.declare(token, passive=True)
    assert (answer.message_count, answer.consumer_count) == (0, 1)
    channel.close()
    server.refused(404, f"no queue '{token}' in vhost '/'", "queue.declare", queue=token, passive=True)


def test_an_answer_to_one_who_left_is_dropped(connection, server, q):
    channel = connection.channel()
    channel.consume(NAME, no_ack=True)
    channel.publish("", q, "question", reply_to=NAME)
    token = server.deliver().properties["reply_to"]
    channel.close()
    server.publish("", token, "too late", mandatory=True)
    assert server.answer("basic.return").reply_code == 312


def test_confirm_of_an_answer(channel, server, q):
    channel.consume(NAME, no_ack=True)
    channel.publish("", q, "question", reply_to=NAME)
    token = server.deliver().properties["reply_to"]
    server.confirms().publish("", token, "answer", mandatory=True)
    assert server.confirmed() == {1: "ack"}
    assert channel.deliver().text == "answer"


def test_passive_declare_of_the_name(channel):
    answer = channel.declare(NAME, passive=True)
    assert (answer.queue, answer.message_count, answer.consumer_count) == (NAME, 0, 1)


def test_declare_of_the_name(channel):
    channel.declare(NAME)


@pytest.mark.parametrize("name, fields", [("basic.get", {}), ("queue.purge", {}), ("queue.bind", {"exchange": "amq.direct"})])
def test_it_is_no_queue(channel, name, fields):
    channel.refused(404, f"no queue '{NAME}' in vhost '/'", name, queue=NAME, **fields)


def test_other_reply_to_values_are_left_alone(channel, q):
    channel.declare(q)
    channel.publish("", q, "m", reply_to="my.queue")
    assert channel.get(q).properties == {"reply_to": "my.queue"}
