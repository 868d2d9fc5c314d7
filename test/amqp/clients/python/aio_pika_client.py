"""aio-pika doing its users' everyday work; see scenarios.md."""
import asyncio
import hashlib
import os
import sys

import aio_pika
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.exceptions import ChannelPreconditionFailed, DeliveryError

HOST, PORT, SCENARIO, PREFIX = sys.argv[1:5]


async def connect():
    return await aio_pika.connect_robust(f"amqp://guest:guest@{HOST}:{PORT}/", client_properties={"connection_name": "aio-pika"})


async def fill(channel, queue, bodies, **properties):
    for body in bodies:
        await channel.default_exchange.publish(Message(body, delivery_mode=DeliveryMode.PERSISTENT, **properties), queue)


async def topology(connection, channel):
    events = await channel.declare_exchange(PREFIX + ".events", ExchangeType.TOPIC, durable=True)
    queue = await channel.declare_queue(PREFIX, durable=True, arguments={"x-max-length": 1000})
    await queue.bind(events, "order.*.created")
    await events.publish(Message(b"one", content_type="text/plain"), "order.eu.created")
    got = await queue.get(no_ack=True)
    assert (got.body, got.routing_key, got.content_type) == (b"one", "order.eu.created", "text/plain")
    other = await connection.channel()
    try:
        await other.declare_queue(PREFIX, durable=False)
        raise AssertionError("another declaration was accepted")
    except ChannelPreconditionFailed as error:
        assert "inequivalent arg 'durable'" in str(error), error
    await queue.unbind(events, "order.*.created")
    await queue.delete()
    await events.delete()


async def confirms(connection, channel):
    queue = await channel.declare_queue(PREFIX, durable=True)
    await asyncio.gather(*(fill(channel, PREFIX, [str(n).encode()]) for n in range(1000)))
    assert (await queue.declare()).message_count == 1000
    strict = await connection.channel(on_return_raises=True)
    try:
        await strict.default_exchange.publish(Message(b"x"), PREFIX + ".nowhere", mandatory=True)
        raise AssertionError("unroutable, and nobody said so")
    except DeliveryError:
        pass
    await queue.delete(if_empty=False)


async def consume(_, channel):
    queue = await channel.declare_queue(PREFIX)
    await fill(channel, PREFIX, [str(n).encode() for n in range(200)])
    await channel.set_qos(prefetch_count=10)
    got = []
    async with queue.iterator() as messages:
        async for message in messages:
            async with message.process():
                got.append(int(message.body))
            if len(got) == 200:
                break
    assert got == list(range(200))


async def redelivery(connection, channel):
    queue = await channel.declare_queue(PREFIX, durable=True)
    await fill(channel, PREFIX, [b"a", b"b", b"c"])
    assert [(await queue.get()).body for _ in range(2)] == [b"a", b"b"]
    await connection.close()
    again = await connect()
    queue = await (await again.channel()).declare_queue(PREFIX, durable=True)
    got = [await queue.get(no_ack=True) for _ in range(3)]
    assert [(m.body, m.redelivered) for m in got] == [(b"a", True), (b"b", True), (b"c", False)]
    await again.close()


async def requeue(_, channel):
    queue = await channel.declare_queue(PREFIX)
    await fill(channel, PREFIX, [b"a", b"b", b"c", b"d"])
    got = [await queue.get() for _ in range(3)]
    await got[2].nack(requeue=True)
    await got[0].reject(requeue=True)
    await got[1].nack(requeue=False)
    assert [(await queue.get(no_ack=True)).body for _ in range(3)] == [b"a", b"c", b"d"]


async def rpc(connection, channel):
    server = await connection.channel()
    queue = await server.declare_queue(PREFIX)

    async def serve(message):
        await server.default_exchange.publish(Message(message.body[::-1], correlation_id=message.correlation_id), message.reply_to)
    await queue.consume(serve, no_ack=True)
    answers, done = {}, asyncio.Event()

    async def answered(message):
        answers[message.correlation_id] = message.body
        if len(answers) == 50:
            done.set()
    reply = await channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
    await reply.consume(answered, no_ack=True)
    for n in range(50):
        await channel.default_exchange.publish(
            Message(f"question {n}".encode(), reply_to="amq.rabbitmq.reply-to", correlation_id=str(n)), PREFIX)
    await asyncio.wait_for(done.wait(), 20)
    assert answers["49"] == b"question 49"[::-1]


async def retry(_, channel):
    queue = await channel.declare_queue(PREFIX, durable=True, arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": PREFIX + ".wait"})
    await channel.declare_queue(PREFIX + ".wait", durable=True, arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": PREFIX, "x-message-ttl": 50})
    await fill(channel, PREFIX, [b"job"])
    attempt = 0
    async with queue.iterator(timeout=60) as messages:
        async for message in messages:
            deaths = message.headers.get("x-death", [])
            assert [d["count"] for d in deaths] == [attempt] * len(deaths) and len(deaths) == (2 if attempt else 0), deaths
            if attempt == 3:
                await message.ack()
                break
            await message.reject(requeue=False)
            attempt += 1


async def priority(_, channel):
    queue = await channel.declare_queue(PREFIX, arguments={"x-max-priority": 10})
    for n in (1, 9, 5):
        await fill(channel, PREFIX, [str(n).encode()], priority=n)
    assert [(await queue.get(no_ack=True)).body for _ in range(3)] == [b"9", b"5", b"1"]


async def large(_, channel):
    queue = await channel.declare_queue(PREFIX)
    for body in (b"", os.urandom(5_000_000)):
        await fill(channel, PREFIX, [body])
        got = await queue.get(no_ack=True)
        assert hashlib.sha256(got.body).digest() == hashlib.sha256(body).digest()


async def headers(_, channel):
    sent = {"int": 42, "long": 2**40, "text": "héllo", "true": True, "none": None, "list": [1, "two", [3]], "table": {"a": {"b": 1}}, "float": 1.5}
    queue = await channel.declare_queue(PREFIX)
    await fill(channel, PREFIX, [b"x"], headers=sent, content_type="application/json", correlation_id="corr", message_id="id", type="type",
               app_id="app", user_id="guest", expiration=60, priority=7, content_encoding="gzip", reply_to="reply")
    got = await queue.get(no_ack=True)
    assert got.headers == sent, got.headers
    assert (got.content_type, got.correlation_id, got.message_id, got.type, got.app_id, got.user_id, got.expiration, got.priority,
            got.content_encoding, got.reply_to, got.delivery_mode) == (
                "application/json", "corr", "id", "type", "app", "guest", 60, 7, "gzip", "reply", DeliveryMode.PERSISTENT)


async def work(_, channel):
    queue = await channel.declare_queue(PREFIX, durable=True)
    await channel.set_qos(prefetch_count=1)
    async with queue.iterator() as messages:
        async for message in messages:
            print(f"working {message.body.decode()} {int(message.redelivered)}", flush=True)
            await asyncio.sleep(600)


async def main():
    connection = await connect()
    await globals()[SCENARIO](connection, await connection.channel())
    await connection.close()
    print("ok")


asyncio.run(main())
