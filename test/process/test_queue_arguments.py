"""Arguments of queues that are naru's own (docs/queue-arguments.md), with an unmodified pika."""
import base64
import collections
import http.client as http_client
import json
import random
import time

import pika
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions, NewTopic

from naru import PATIENCE, wait_until
from test_one_set_of_data import STREAM, both, consume, produce  # noqa: F401


def declare(channel, name, **arguments):
    channel.queue_declare(name, durable=True, arguments={"x-naru-" + key.replace("_", "-"): value for key, value in arguments.items()})


def bodies(messages):
    return [body.decode() for _, _, body in messages]


def publish(channel, queue, *texts, exchange="", **properties):
    for text in texts:
        channel.basic_publish(exchange, queue, text.encode(), pika.BasicProperties(**properties))


def refused(channel, code, call, *args, **options):
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        call(*args, **options)
    assert closed.value.reply_code == code
    return closed.value.reply_text


# -- x-naru-retain ----------------------------------------------------------------------

def test_what_was_acknowledged_can_be_read_again(both):
    channel = both.amqp()
    declare(channel, "q", retain="1h")
    publish(channel, "q", *map(str, range(10)))
    assert bodies(consume(channel, "q", 8)) == list(map(str, range(8)))
    again = consume(channel, "q", 10, **{"x-naru-offset": "first"})
    assert bodies(again) == list(map(str, range(10)))
    assert [properties.headers["x-stream-offset"] for _, properties, _ in again] == list(range(10))
    assert bodies(consume(both.amqp(), "q", 3, **{"x-naru-offset": 7})) == ["7", "8", "9"]
    assert bodies(consume(both.amqp(), "q", 10, **{"x-naru-offset": "1h"})) == list(map(str, range(10)))
    assert channel.queue_declare("q", passive=True).method.message_count == 2  # readers took nothing
    assert bodies(consume(channel, "q", 2)) == ["8", "9"]


def test_replay_goes_on_with_what_is_new_and_after_a_restart(both):
    channel = both.amqp()
    declare(channel, "q", retain="1h")
    publish(channel, "q", "a", "b")
    assert bodies(consume(channel, "q", 2)) == ["a", "b"]
    channel.connection.close()
    both.naru.stop()
    both.naru.start()
    reader, writer = both.amqp(), both.amqp()
    reader.basic_qos(prefetch_count=10)
    messages = reader.consume("q", auto_ack=True, arguments={"x-naru-offset": "first"}, inactivity_timeout=PATIENCE)
    assert [next(messages)[2], next(messages)[2]] == [b"a", b"b"]
    publish(writer, "q", "c")
    assert next(messages)[2] == b"c"
    assert bodies(consume(writer, "q", 1)) == ["c"]


def replay(both, queue, start, status=200):
    answer = http(both, "POST", f"/api/queues/%2F/{queue}/replay", {"from": start})
    assert answer[0] == status, answer
    return answer[1]


def http(both, method, path, body):
    connection = http_client.HTTPConnection("127.0.0.1", both.naru.admin, timeout=PATIENCE)
    login = base64.b64encode(b"guest:guest").decode()
    connection.request(method, path, json.dumps(body), {"Authorization": "Basic " + login, "Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read() or b"null")


def test_acknowledged_messages_come_back_for_all_consumers(both):
    channel = both.amqp()
    declare(channel, "q", retain="1h")
    publish(channel, "q", *map(str, range(10)))
    assert bodies(consume(channel, "q", 8)) == list(map(str, range(8)))
    held, _, body = channel.basic_get("q")
    assert body == b"8"
    assert replay(both, "q", 5) == {"messages": 3}
    assert bodies(consume(channel, "q", 4)) == ["5", "6", "7", "9"]  # what is out stays out
    channel.basic_ack(held.delivery_tag)
    assert replay(both, "q", "first") == {"messages": 10}
    both.naru.kill()  # at once: the answer said that it is durable
    both.naru.start()
    channel = both.amqp()
    again = consume(channel, "q", 10)
    assert bodies(again) == list(map(str, range(10))) and all(method.redelivered for method, _, _ in again)
    assert replay(both, "q", 10) == {"messages": 0}
    assert replay(both, "q", "1h") == {"messages": 10}
    assert replay(both, "q", "2001-02-03T04:05:06Z") == {"messages": 0}  # they are back already
    assert bodies(consume(channel, "q", 10)) == list(map(str, range(10)))


def test_replay_keeps_what_waits_and_what_was_acknowledged_before(both):
    channel = both.amqp()
    declare(channel, "q", retain="1h")
    publish(channel, "q", *map(str, range(6)))
    tags = {body.decode(): method.delivery_tag for method, _, body in (channel.basic_get("q") for _ in range(6))}
    for name in "1", "3", "4":
        channel.basic_ack(tags[name])
    channel.basic_nack(tags["0"], requeue=True)
    assert replay(both, "q", 3) == {"messages": 2}
    for name in "2", "5":
        channel.basic_nack(tags[name], requeue=True)
    assert bodies(consume(channel, "q", 5)) == ["0", "2", "3", "4", "5"]


def test_replay_with_keys_and_shares(both):
    channel = both.amqp()
    for name, argument in ("ordered", {"order-key": "header:key"}), ("shared", {"fair-key": "header:key"}):
        channel.queue_declare(name, durable=True, arguments={"x-naru-retain": "1h"} | {"x-naru-" + k: v for k, v in argument.items()})
        for n in range(20):
            publish(channel, name, str(n), headers={"key": str(n % 3)})
        assert sorted(map(int, bodies(consume(channel, name, 20)))) == list(range(20))
        assert replay(both, name, "first") == {"messages": 20}
        assert sorted(map(int, bodies(consume(channel, name, 20)))) == list(range(20))
        assert channel.queue_declare(name, passive=True).method.message_count == 0


def test_what_cannot_be_replayed(both):
    channel = both.amqp()
    channel.queue_declare("plain", durable=True)
    channel.queue_declare("stream", durable=True, arguments=STREAM)
    declare(channel, "kept", retain="1h")
    assert "x-naru-retain" in replay(both, "plain", "first", status=400)["reason"]
    assert "stream" in replay(both, "stream", "first", status=400)["reason"]
    assert "an age" in replay(both, "kept", "yesterday", status=400)["reason"]
    replay(both, "nowhere", "first", status=404)


def test_what_is_too_much_goes(both):
    channel = both.amqp()
    declare(channel, "q", retain_bytes=3_000_000)
    for n in range(80):
        channel.basic_publish("", "q", f"{n:04}".encode() + b"x" * 100_000)
    assert bodies(consume(both.amqp(), "q", 1, **{"x-naru-offset": "first"}))[0][:4] == "0000"  # nobody has had it
    assert len(consume(channel, "q", 80)) == 80
    publish(channel, "q", "more")

    def first():
        return int(bodies(consume(both.amqp(), "q", 1, **{"x-naru-offset": "first"}))[0][:4])
    wait_until(lambda: (publish(channel, "q", "y" * 100_000), first() >= 30)[1], "the oldest go")
    assert first() < 80 + 200


def test_replay_needs_one_log(both):
    channel = both.amqp()
    channel.queue_declare("p", durable=True, arguments={"x-max-priority": 3})
    refused(channel, 406, consume, channel, "p", 1, **{"x-naru-offset": "first"})
    channel = both.amqp()
    declare(channel, "q")
    assert "x-naru-offset" in refused(channel, 406, consume, channel, "q", 1, **{"x-naru-offset": "yesterday"})


@pytest.mark.parametrize("arguments", [{"x-naru-retain": "soon"}, {"x-naru-retain": 5}, {"x-naru-retain-bytes": -1},
                                       {"x-naru-order-key": "header:"}, {"x-naru-order-key": "colour"}, {"x-naru-topic": "a b"},
                                       {"x-naru-retain": "1h", "x-queue-type": "stream"}])
def test_bad_arguments(both, arguments):
    channel = both.amqp()
    name = next(iter(arguments))
    assert name in refused(channel, 406, channel.queue_declare, "q", durable=True, arguments=arguments)


# -- x-naru-order-key -------------------------------------------------------------------

def test_one_message_per_key_is_out(both):
    channel = both.amqp()
    channel.exchange_declare("x", "topic")
    declare(channel, "q", order_key="routing-key")
    channel.queue_bind("q", "x", "#")
    for key, text in (("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3"), ("b", "b2"), ("c", "c1")):
        publish(channel, key, text, exchange="x")
    channel.basic_qos(prefetch_count=10)
    got = {}

    def on_message(_, method, properties, body):
        got[body.decode()] = method
    channel.basic_consume("q", on_message)
    settle = channel.connection.process_data_events
    wait_until(lambda: (settle(0.05), len(got) == 3)[1], "one of each key")
    settle(0.2)
    assert sorted(got) == ["a1", "b1", "c1"]
    channel.basic_nack(got["a1"].delivery_tag, requeue=True)  # comes again, before the others of its key
    del got["a1"]
    wait_until(lambda: (settle(0.05), "a1" in got)[1], "it comes again")
    assert got["a1"].redelivered
    channel.basic_ack(got["a1"].delivery_tag)
    wait_until(lambda: (settle(0.05), "a2" in got)[1], "the next of the key")
    settle(0.1)
    assert "a3" not in got and "b2" not in got
    channel.basic_ack(got["b1"].delivery_tag)
    wait_until(lambda: (settle(0.05), "b2" in got)[1], "the next of the other key")


def test_order_per_key_with_many_consumers(both):
    """Twelve consumers, thirty keys, some messages given back: each key's messages are processed in their order."""
    random.seed(11)
    keys, each = 30, 40
    channel = both.amqp()
    declare(channel, "q", order_key="header:customer")
    sent = [(key, n) for n in range(each) for key in range(keys)]
    for key, n in sent:
        channel.basic_publish("", "q", f"{key}:{n}".encode(), pika.BasicProperties(headers={"customer": f"c{key}"}))
    done, out = collections.defaultdict(list), collections.Counter()
    consumers = []
    for index in range(12):
        one = both.amqp()
        one.basic_qos(prefetch_count=1 + index % 5)

        def on_message(ch, method, properties, body):
            key, n = map(int, body.split(b":"))
            out[key] += 1
            assert out[key] == 1, "two of one key are out"
            waiting.append((ch, method.delivery_tag, key, n))
        one.basic_consume("q", on_message)
        consumers.append(one)
    waiting = []
    deadline = time.monotonic() + 4 * PATIENCE
    while sum(map(len, done.values())) < keys * each:
        assert time.monotonic() < deadline
        for one in consumers:
            one.connection.process_data_events(0)
        random.shuffle(waiting)
        for _ in range(len(waiting) // 2 + 1 if waiting else 0):
            ch, tag, key, n = waiting.pop()
            out[key] -= 1
            if random.random() < 0.1:
                ch.basic_nack(tag, requeue=True)
            else:
                done[key].append(n)
                ch.basic_ack(tag)
    assert all(order == list(range(each)) for order in done.values())


def test_order_of_a_backlog_on_disk(both):
    """More than is kept in memory, found after a restart: keys are learnt from the disk ahead of the consumers."""
    channel = both.amqp()
    declare(channel, "q", order_key="header:k")
    producer = both.producer()
    for n in range(20_000):
        producer.produce("q", f"{n % 50}:{n // 50}".encode(), headers=[("k", str(n % 50).encode())], partition=0)
        producer.poll(0)
    assert producer.flush(PATIENCE) == 0
    channel.connection.close()
    both.naru.kill()
    both.naru.start()
    done = collections.defaultdict(list)
    for _, _, body in consume(both.amqp(), "q", 20_000, prefetch=40):
        key, n = map(int, body.split(b":"))
        done[key].append(n)
    assert len(done) == 50 and all(order == list(range(400)) for order in done.values())


# -- x-naru-fair-key --------------------------------------------------------------------

def get(channel, queue, count):
    """One by one, so that none is under way to a consumer."""
    found = [channel.basic_get(queue) for _ in range(count)]
    for method, _, _ in found:
        channel.basic_ack(method.delivery_tag)
    return found


def job(channel, tenant, n):
    channel.basic_publish("", "jobs", f"{tenant}{n}".encode(), pika.BasicProperties(headers={"tenant": tenant}))


def test_each_tenant_in_turn(both):
    channel = both.amqp()
    channel.queue_declare("jobs", durable=True, arguments={"x-naru-fair-key": "header:tenant", "x-naru-fair-weights": {"c": 2}})
    for n in range(50):
        job(channel, "a", n)
    for n in range(4):
        job(channel, "b", n)
    for n in range(4):
        job(channel, "c", n)
    assert channel.queue_declare("jobs", passive=True).method.message_count == 58
    got = bodies(get(channel, "jobs", 12))
    assert got == ["a0", "b0", "c0", "c1", "a1", "b1", "c2", "c3", "a2", "b2", "a3", "b3"]
    wait_until(lambda: channel.queue_declare("jobs", passive=True).method.message_count == 46, "the others wait")
    job(channel, "d", 0)  # somebody new waits for one round at most
    assert "d0" in bodies(get(channel, "jobs", 3))
    assert not any(method.redelivered for method, _, _ in consume(channel, "jobs", 40, prefetch=7))


def test_no_tenant_has_all_consumers(both):
    channel = both.amqp()
    channel.queue_declare("jobs", durable=True, arguments={"x-naru-fair-key": "header:tenant", "x-naru-fair-limit": 2})
    for n in range(10):
        job(channel, "a", n)
    job(channel, "b", 0)
    got = []
    channel.basic_qos(prefetch_count=8)
    channel.basic_consume("jobs", lambda ch, method, properties, body: got.append((body.decode(), method.delivery_tag)))
    turn = channel.connection.process_data_events
    wait_until(lambda: (turn(0.05), len(got) >= 3)[1], "two of one, one of the other")
    turn(0.2)
    assert sorted(text for text, _ in got) == ["a0", "a1", "b0"]
    channel.basic_nack(dict(got)["a0"], requeue=True)
    wait_until(lambda: (turn(0.05), len(got) >= 4)[1], "it comes again")
    turn(0.2)
    assert [text for text, _ in got[3:]] == ["a0"]


def test_fairness_with_a_backlog_on_disk(both):
    """The second tenant's messages stand behind 5,000 of the first one's, after a kill."""
    channel = both.amqp()
    channel.queue_declare("jobs", durable=True, arguments={"x-naru-fair-key": "header:tenant"})
    producer = both.producer()
    for tenant, count in (("a", 5000), ("b", 50)):
        for n in range(count):
            producer.produce("jobs", f"{tenant}{n}".encode(), headers=[("tenant", tenant.encode())], partition=0)
            producer.poll(0)
    assert producer.flush(PATIENCE) == 0
    channel.connection.close()
    both.naru.kill()
    both.naru.start()
    got = bodies(consume(both.amqp(), "jobs", 5050, prefetch=10))
    assert sorted(got) == sorted([f"a{n}" for n in range(5000)] + [f"b{n}" for n in range(50)])
    assert [text for text in got if text[0] == "a"] == [f"a{n}" for n in range(5000)]
    assert max(i for i, text in enumerate(got) if text[0] == "b") < 120


def test_fair_purge_and_restart(both):
    channel = both.amqp()
    channel.queue_declare("jobs", durable=True, arguments={"x-naru-fair-key": "header:tenant"})
    for n in range(20):
        job(channel, "ab"[n % 2], n)
    assert bodies(get(channel, "jobs", 2)) == ["a0", "b1"]
    channel.connection.close()
    both.naru.stop()
    both.naru.start()
    channel = both.amqp()
    first, = get(channel, "jobs", 1)
    assert first[2] == b"a2" and not first[0].redelivered
    assert channel.queue_purge("jobs").method.message_count == 17
    assert channel.basic_get("jobs") == (None, None, None)
    for arguments in ({"x-max-length": 5}, {"x-naru-order-key": "routing-key"}, {"x-max-priority": 2}):
        refused(channel, 406, channel.queue_declare, "no", durable=True, arguments={"x-naru-fair-key": "routing-key"} | arguments)
        channel = both.amqp()


# -- x-naru-topic -----------------------------------------------------------------------

def make_topic(both, name, partitions):
    admin = both.admin()
    admin.create_topics([NewTopic(name, partitions)])[name].result(PATIENCE)


def fill(both, topic, partitions, count, first=0):
    failed = []
    producer = both.producer()
    for n in range(first, first + count):
        producer.produce(topic, str(n).encode(), key=f"k{n % 7}".encode(), partition=n % partitions, headers=[("n", str(n).encode())],
                         on_delivery=lambda error, _: failed.append(error) if error else None)
    assert producer.flush(PATIENCE) == 0 and failed == []


def test_competing_consumers_on_a_topic(both):
    make_topic(both, "orders", 4)
    fill(both, "orders", 4, 40)
    channel = both.amqp()
    declare(channel, "billing", topic="orders")
    wait_until(lambda: channel.queue_declare("billing", passive=True).method.message_count == 40, "all records are there")
    counts = collections.Counter()
    consumers = []
    for index in range(9):  # more than there are partitions
        one = both.amqp()
        one.basic_qos(prefetch_count=1)

        def on_message(ch, method, properties, body, index=index):
            counts[index] += 1
            assert properties.headers["n"] == body.decode() and abs(properties.timestamp - time.time()) < 600
            assert method.routing_key == f"k{int(body) % 7}"
            seen.append(int(body))
            ch.basic_ack(method.delivery_tag)
        one.basic_consume("billing", on_message)
        consumers.append(one)
    seen = []

    def all_of(count):
        for one in consumers:
            one.connection.process_data_events(0.01)
        return len(seen) >= count
    wait_until(lambda: all_of(40), "all are processed", PATIENCE)
    assert sorted(seen) == list(range(40)) and len(counts) > 4
    fill(both, "orders", 4, 20, first=40)
    wait_until(lambda: all_of(60), "what comes later", PATIENCE)
    assert sorted(seen) == list(range(60))


def test_many_queues_on_one_topic_each_with_its_own_place(both):
    make_topic(both, "t", 3)
    fill(both, "t", 3, 30)
    channel = both.amqp()
    for n in range(20):
        declare(channel, f"q{n}", topic="t")
    for n in (0, 7, 19):
        assert sorted(map(int, bodies(consume(channel, f"q{n}", 30)))) == list(range(30))
    wait_until(lambda: channel.queue_declare("q7", passive=True).method.message_count == 0, "it is empty")
    assert channel.queue_declare("q8", passive=True).method.message_count == 30
    assert len(both.read("t", 10)) == 10  # and the topic has it all


def test_a_topic_is_processed_again(both):
    make_topic(both, "t", 3)
    fill(both, "t", 3, 30)
    channel = both.amqp()
    declare(channel, "q", topic="t")
    assert sorted(map(int, bodies(consume(channel, "q", 30)))) == list(range(30))
    wait_until(lambda: channel.queue_declare("q", passive=True).method.message_count == 0, "it is empty")
    assert replay(both, "q", "first") == {"messages": 30}
    both.naru.kill()  # at once: the answer said that it is durable, on whatever core
    both.naru.start()
    channel = both.amqp()
    assert sorted(map(int, bodies(consume(channel, "q", 30)))) == list(range(30))
    wait_until(lambda: channel.queue_declare("q", passive=True).method.message_count == 0, "it is empty")
    assert replay(both, "q", "1h") == {"messages": 30}
    assert "several logs" in replay(both, "q", 3, status=400)["reason"]


def test_what_retention_took_is_not_counted(both):
    make_topic(both, "t", 2)
    fill(both, "t", 2, 10)
    channel = both.amqp()
    declare(channel, "q", topic="t")
    wait_until(lambda: channel.queue_declare("q", passive=True).method.message_count == 10, "all records are there")
    admin = both.admin()
    trimmed = admin.delete_records([TopicPartition("t", 0, 3), TopicPartition("t", 1, 4)])
    [one.result(PATIENCE) for one in trimmed.values()]
    wait_until(lambda: channel.queue_declare("q", passive=True).method.message_count == 3, "three are left")
    assert sorted(map(int, bodies(consume(channel, "q", 3)))) == [6, 8, 9]


def test_topics_of_others(both):
    make_topic(both, "plain", 1)
    make_topic(both, "sales.orders", 1)
    fill(both, "sales.orders", 1, 3)
    assert http(both, "PUT", "/api/vhosts/sales", {})[0] == 201
    assert http(both, "PUT", "/api/users/ann", {"password": "a", "tags": ""})[0] == 201
    assert http(both, "PUT", "/api/permissions/sales/ann", {"configure": "^mine", "write": "^mine", "read": "^(mine|orders$)"})[0] == 201
    assert http(both, "PUT", "/api/permissions/%2F/ann", {"configure": "^mine", "write": "^mine", "read": "^mine"})[0] == 201

    def ann(vhost):
        login = pika.PlainCredentials("ann", "a")
        return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", both.amqp_port, vhost, login)).channel()
    for vhost, topic in ("/", "plain"), ("/", "sales.orders"), ("sales", "plain"), ("sales", "later"), ("sales", "sales.other"):
        channel = ann(vhost)
        assert "refused" in refused(channel, 403, declare, channel, "mine", topic=topic)
    channel = ann("sales")
    declare(channel, "mine", topic="sales.orders")
    assert bodies(consume(channel, "mine", 3)) == ["0", "1", "2"]


def test_header_names_of_the_broker_are_nobodys(both):
    channel = both.amqp()
    channel.queue_declare("q", durable=True)
    publish(channel, "q", "a", headers={"naru.expires": "5"})
    publish(channel, "q", "b", headers={"naru.expires": "5", "other": "x"}, expiration="600000")
    assert [properties.headers for _, properties, _ in consume(channel, "q", 2)] == [
        {"naru.expires": "5"}, {"naru.expires": "5", "other": "x"}]
    channel.queue_declare("limited", durable=True, arguments={"x-message-ttl": 600_000})
    make_topic(both, "t", 1)
    wait_until(lambda: "limited" in both.topics(), "the queue is a topic")
    producer = both.producer()
    for topic in "limited", "t":
        producer.produce(topic, b"c", headers=[("naru.expires", b"5")])
    assert producer.flush(PATIENCE) == 0
    declare(channel, "over", topic="t")
    for queue in "limited", "over":
        (_, properties, body), = consume(channel, queue, 1)
        assert (body, properties.headers) == (b"c", {"naru.expires": "5"})


def test_order_needs_one_log(both):
    channel = both.amqp()
    reason = refused(channel, 406, channel.queue_declare, "q", durable=True,
                     arguments={"x-naru-order-key": "header:c", "x-max-priority": 5})
    assert "x-naru-order-key" in reason


def test_given_back_rejected_and_restarted(both):
    make_topic(both, "t", 2)
    fill(both, "t", 2, 10)
    channel = both.amqp()
    channel.queue_declare("grave", durable=True)
    channel.queue_declare("q", durable=True, arguments={"x-naru-topic": "t", "x-dead-letter-exchange": "",
                                                        "x-dead-letter-routing-key": "grave"})
    first = []
    wait_until(lambda: first.append(channel.basic_get("q")) or first[-1][0], "a record")
    method, properties, body = first[-1]
    channel.basic_nack(method.delivery_tag, requeue=True)
    assert any(message[2] == body and message[0].redelivered for message in [channel.basic_get("q") for _ in range(10)])
    channel.connection.close()
    channel = both.amqp()
    taken = [channel.basic_get("q") for _ in range(10)]
    for method, _, _ in taken[:4]:
        channel.basic_ack(method.delivery_tag)
    channel.basic_reject(taken[4][0].delivery_tag, requeue=False)
    (_, dead, text), = consume(both.amqp(), "grave", 1)
    assert text == taken[4][2] and dead.headers["x-first-death-queue"] == "q"
    left = sorted(int(body) for _, _, body in taken[5:])
    wait_until(lambda: channel.queue_declare("q", passive=True).method.message_count == 0, "all are out")
    for _ in range(2):
        publish(channel, "grave", "a confirm, so that what was settled is on its way")
        time.sleep(0.3)
    both.naru.kill()
    both.naru.start()
    channel = both.amqp()
    wait_until(lambda: channel.queue_declare("q", passive=True).method.message_count == 5, "the others are there again")
    again = consume(channel, "q", 5)
    assert sorted(map(int, bodies(again))) == left
    assert all(method.redelivered for method, _, _ in again)
    both.naru.stop()
    both.naru.start()
    assert both.amqp().queue_declare("q", passive=True).method.message_count == 0


def test_over_a_stream_with_order(both):
    channel = both.amqp()
    channel.queue_declare("log", durable=True, arguments=STREAM)
    declare(channel, "q", topic="log", order_key="header:k")
    for n in range(60):
        publish(channel, "log", f"{n % 3}:{n // 3}", headers={"k": str(n % 3)})
    done = collections.defaultdict(list)
    for text in bodies(consume(channel, "q", 60, prefetch=5)):
        key, n = text.split(":")
        done[key].append(int(n))
    assert all(order == list(range(20)) for order in done.values())


def test_topics_come_and_go_and_grow(both):
    make_topic(both, "t", 1)
    fill(both, "t", 1, 3)
    channel = both.amqp()
    declare(channel, "q", topic="t")
    assert len(consume(channel, "q", 3)) == 3
    admin = both.admin()
    admin.create_partitions([NewPartitions("t", 3)])["t"].result(PATIENCE)
    fill(both, "t", 3, 9, first=3)
    assert sorted(map(int, bodies(consume(channel, "q", 9)))) == list(range(3, 12))
    admin.delete_topics(["t"])["t"].result(PATIENCE)
    assert channel.queue_declare("q", passive=True).method.message_count == 0
    make_topic(both, "t", 2)
    fill(both, "t", 2, 4, first=100)
    assert sorted(map(int, bodies(consume(channel, "q", 4)))) == list(range(100, 104))
    channel.queue_delete("q")
    declare(channel, "q", topic="t")  # another one: from the beginning
    assert len(consume(channel, "q", 4)) == 4


def test_what_such_a_queue_refuses(both):
    make_topic(both, "t", 1)
    channel = both.amqp()
    channel.queue_declare("plain", durable=True)
    for code, arguments in ((404, {"x-naru-topic": "none"}), (406, {"x-naru-topic": "plain"}),
                            (406, {"x-naru-topic": "t", "x-max-length": 3}), (406, {"x-naru-topic": "t", "x-message-ttl": 3})):
        channel = both.amqp()
        refused(channel, code, channel.queue_declare, "q", durable=True, arguments=arguments)
    channel = both.amqp()
    declare(channel, "q", topic="t")
    with pytest.raises(pika.exceptions.UnroutableError):
        channel.basic_publish("", "q", b"x", mandatory=True)
    refused(channel, 406, channel.queue_bind, "q", "amq.topic", "#")
    channel = both.amqp()
    refused(channel, 406, consume, channel, "q", 1, **{"x-naru-offset": "first"})
