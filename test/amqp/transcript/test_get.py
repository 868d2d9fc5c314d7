"""basic.get."""


def test_empty(channel, q):
    channel.declare(q)
    assert channel.call("basic.get", queue=q).name == "basic.get_empty"


def test_missing(channel, q):
    channel.refused(404, f"no queue '{q}' in vhost '/'", "basic.get", queue=q)


def test_counts_what_is_left(channel, q, fill):
    channel.declare(q)
    fill(q, "a", "b", "c")
    got = [channel.get(q) for _ in range(3)]
    assert [(m.text, m.message_count, m.delivery_tag, m.redelivered, m.exchange, m.routing_key) for m in got] == [
        ("a", 2, 1, False, "", q), ("b", 1, 2, False, "", q), ("c", 0, 3, False, "", q)]


def test_unacked_is_not_ready(channel, q, fill, count):
    channel.declare(q)
    fill(q, "a", "b")
    got = channel.get(q, no_ack=False)
    assert (got.delivery_tag, got.message_count) == (1, 1)
    assert count(q) == (1, 0)
    channel.ack(1)
    assert channel.get(q).text == "b"
    assert channel.get(q) is None


def test_no_ack_takes_it_for_good(connection, q, fill):
    channel = connection.channel()
    channel.declare(q)
    fill(q, "a")
    channel.get(q)
    channel.close()
    assert connection.channel().get(q) is None


def test_ack_of_a_no_ack_get(channel, q, fill):
    channel.declare(q)
    fill(q, "a")
    tag = channel.get(q).delivery_tag
    channel.ack(tag)
    channel.expect_error(406, f"unknown delivery tag {tag}", "basic.ack")


def test_tags_go_on_over_queues_and_kinds(channel, q, fill):
    for n in "12":
        channel.declare(q + n)
        fill(q + n, "a", "b")
    tags = [channel.get(q + "1", no_ack=False).delivery_tag, channel.get(q + "2").delivery_tag]
    channel.consume(q + "1")
    tags.append(channel.deliver().delivery_tag)
    tags.append(channel.get(q + "2", no_ack=False).delivery_tag)
    assert tags == [1, 2, 3, 4]


def test_prefetch_does_not_limit_get(channel, q, fill):
    channel.declare(q)
    fill(q, *"abcd")
    channel.qos(1)
    assert [channel.get(q, no_ack=False).text for _ in range(4)] == list("abcd")


def test_from_a_queue_with_a_consumer(channel, other, q, fill):
    channel.declare(q)
    channel.qos(1)
    channel.consume(q)
    fill(q, "a", "b", "c")
    assert channel.deliver().text == "a"
    assert other.get(q).text == "b"
    channel.ack(1)
    assert channel.deliver().text == "c"


def test_after_a_purge(channel, q, fill):
    channel.declare(q)
    fill(q, "a")
    channel.call("queue.purge", queue=q)
    assert channel.get(q) is None
    fill(q, "b")
    assert channel.get(q).message_count == 0


def test_pipelined(channel, q, fill):
    channel.declare(q)
    fill(q, "a", "b")
    for _ in range(3):
        channel.send("basic.get", queue=q, no_ack=True)
    assert [channel.answer("basic.get_ok", "basic.get_empty").name for _ in range(3)] == ["basic.get_ok"] * 2 + ["basic.get_empty"]
