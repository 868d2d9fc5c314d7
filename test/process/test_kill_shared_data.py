"""kill -9 between the protocols: what was confirmed to one side is there for the other, at the offset that was told."""
import random
import signal

from naru import PATIENCE, wait_until
from test_one_set_of_data import STREAM, both, consume  # noqa: F401

ROUNDS = 8


def test_rounds_of_kills(both):
    random.seed(5)
    streamed, produced, offsets = [], [], {}  # what was confirmed, and where it was said to be
    seen, worked = set(), set()               # what consumers acknowledged
    number = 0
    for round_number in range(ROUNDS):
        channel = both.amqp()
        channel.queue_declare("log", durable=True, arguments=STREAM)
        channel.queue_declare("over", durable=True, arguments={"x-naru-topic": "log", "x-naru-order-key": "header:k"})
        channel.queue_declare("work", durable=True)
        for _ in range(60):
            channel.basic_publish("", "log", str(number).encode())
            streamed.append(number)
            number += 1
        producer = both.producer(enable_idempotence=True)
        for _ in range(60):
            def delivered(error, record, n=number):
                assert error is None, error
                produced.append(n)
                offsets[n] = record.offset()
            producer.produce("work", str(number).encode(), partition=0, on_delivery=delivered)
            number += 1
        assert producer.flush(PATIENCE) == 0
        for queue, done, count in (("over", seen, random.randrange(1, 80)), ("work", worked, random.randrange(1, 80))):
            wait_until(lambda q=queue: channel.queue_declare(q, passive=True).method.message_count, "messages are there")
            for _ in range(count):
                method, _, body = channel.basic_get(queue)
                if method is None:
                    break
                done.add(int(body))
                channel.basic_ack(method.delivery_tag)
        both.naru.process.send_signal(signal.SIGKILL if round_number % 3 else signal.SIGTERM)
        both.naru.process.wait(PATIENCE)
        both.naru.start()
    # The stream: everything, once, in its order, at dense offsets.
    got = consume(both.amqp(), "log", len(streamed), **{"x-stream-offset": "first"})
    assert [int(body) for _, _, body in got] == streamed
    assert [properties.headers["x-stream-offset"] for _, properties, _ in got] == list(range(len(streamed)))
    # The queues: everything at least once, and what is left is where Kafka's producer was told that it is.
    channel = both.amqp()
    for queue, done, sent in (("over", seen, streamed), ("work", worked, produced)):
        wait_until(lambda q=queue, d=done, s=sent: channel.queue_declare(q, passive=True).method.message_count >= len(s) - len(d),
                   "what was not acknowledged is there")
        left = [int(body) for _, _, body in iter(lambda q=queue: channel.basic_get(q, auto_ack=True), (None, None, None))]
        assert len(left) == len(set(left))
        assert done | set(left) == set(sent)
    assert sorted(offsets.values()) == list(range(len(produced)))
