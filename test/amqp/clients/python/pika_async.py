"""pika's SelectConnection, callbacks only: publish with confirms, consume with acks, answer requests; see scenarios.md."""
import sys

import pika

HOST, PORT, SCENARIO, PREFIX = sys.argv[1:5]
COUNT = 500


class Client:
    def __init__(self, scenario):
        self.scenario = scenario
        self.connection = pika.SelectConnection(
            pika.ConnectionParameters(HOST, int(PORT)), on_open_callback=lambda c: c.channel(on_open_callback=self.opened),
            on_open_error_callback=lambda _c, error: sys.exit(f"cannot connect: {error}"), on_close_callback=self.closed)
        self.confirmed, self.got, self.failure = 0, [], "it never ended"

    def opened(self, channel):
        self.channel = channel
        channel.add_on_close_callback(self.channel_closed)
        channel.queue_declare(PREFIX, durable=True, callback=lambda _: getattr(self, self.scenario)())

    def channel_closed(self, _channel, reason):
        if not self.connection.is_closing:
            self.failure = str(reason)
            self.connection.close()

    def finish(self):
        self.failure = None
        self.connection.close()

    def closed(self, connection, _reason):
        connection.ioloop.stop()

    def confirms(self):
        self.channel.confirm_delivery(self.on_confirm, callback=lambda _: self.publish_all())

    def on_confirm(self, frame):
        assert isinstance(frame.method, pika.spec.Basic.Ack)
        self.confirmed = max(self.confirmed, frame.method.delivery_tag) if frame.method.multiple else self.confirmed + 1
        if self.confirmed >= COUNT:
            self.finish()

    def publish_all(self):
        for n in range(COUNT):
            self.channel.basic_publish("", PREFIX, str(n), pika.BasicProperties(delivery_mode=2))

    def consume(self):
        self.channel.basic_qos(prefetch_count=20, callback=lambda _: self.channel.basic_consume(PREFIX, self.on_message))
        self.publish_all()

    def on_message(self, channel, method, _properties, body):
        self.got.append(int(body))
        channel.basic_ack(method.delivery_tag)
        if len(self.got) == COUNT:
            assert self.got == list(range(COUNT))
            channel.basic_cancel(method.consumer_tag, callback=lambda _: self.finish())

    def rpc(self):
        self.channel.basic_consume(PREFIX, lambda c, m, p, body: c.basic_publish(
            "", p.reply_to, body[::-1], pika.BasicProperties(correlation_id=p.correlation_id)), auto_ack=True)
        self.channel.basic_consume("amq.rabbitmq.reply-to", self.on_answer, auto_ack=True, callback=lambda _: self.ask(0))

    def ask(self, n):
        self.channel.basic_publish("", PREFIX, f"question {n}", pika.BasicProperties(
            reply_to="amq.rabbitmq.reply-to", correlation_id=str(n)))

    def on_answer(self, _channel, _method, properties, body):
        n = int(properties.correlation_id)
        assert body == f"question {n}".encode()[::-1]
        self.finish() if n == 49 else self.ask(n + 1)


client = Client(SCENARIO)
client.connection.ioloop.start()
if client.failure:
    sys.exit(client.failure)
print("ok")
