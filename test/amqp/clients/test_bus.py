"""The topology that service buses (MassTransit and its like) lay over RabbitMQ: an exchange per type of message, an exchange and a
queue per endpoint, bindings between exchanges, error queues, answers to an address of the caller's. With pika."""
import json
import threading
import time
import uuid

import pika
import pytest
from broker import PEER, wait_until


class Bus:
    """One process of a service: what it declares it declares again at each start, as buses do."""

    def __init__(self, broker, watch):
        host, port = broker.address.rsplit(":", 1)
        self.connection = pika.BlockingConnection(pika.ConnectionParameters(host, int(port)))
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        self.channel.basic_qos(prefetch_count=16)
        self.watch = watch

    def exchange(self, name, kind="fanout", **options):
        self.watch.declared.add(("/", "exchange", name))
        self.channel.exchange_declare(name, kind, **{"durable": True, **options})
        return name

    def queue(self, name, **options):
        self.watch.declared.add(("/", "queue", name))
        self.channel.queue_declare(name, **{"durable": True, **options})
        return name

    def message_type(self, name, *bases):
        """What is sent as this type is also of each type that it is derived from."""
        self.exchange(name)
        for base in bases:
            self.exchange(base)
            self.channel.exchange_bind(base, name)
        return name

    def endpoint(self, name, *types, arguments=None):
        for place in (name, name + "_error"):
            self.exchange(place)
            self.channel.queue_bind(self.queue(place, arguments=arguments if place == name else None), place)
        for one in types:
            self.channel.exchange_bind(name, self.message_type(one))
        return name

    def address(self, name):
        """Where answers come, as long as somebody is there."""
        self.exchange(name, durable=False, auto_delete=True)
        self.queue(name, durable=False, auto_delete=True, arguments={"x-expires": 60000})
        self.channel.queue_bind(name, name)
        return name

    def send(self, exchange, message, mandatory=True, **properties):
        self.channel.basic_publish(exchange, "", json.dumps(message), pika.BasicProperties(
            delivery_mode=2, content_type="application/vnd.masstransit+json", message_id=str(uuid.uuid4()), **properties),
            mandatory=mandatory)


class Service(threading.Thread):
    """Consumes from its endpoint; what fails goes to the error queue with what was wrong."""

    def __init__(self, broker, watch, name, handle, *types, arguments=None):
        super().__init__(daemon=True)
        self.bus = Bus(broker, watch)
        self.endpoint, self.handle, self.stopping = name, handle, threading.Event()
        self.bus.endpoint(name, *types, arguments=arguments)
        self.start()

    def run(self):
        for method, properties, body in self.bus.channel.consume(self.endpoint, inactivity_timeout=0.05):
            if self.stopping.is_set():
                break
            if method is None:
                continue
            try:
                self.handle(self.bus, json.loads(body), properties)
            except ValueError as error:
                self.bus.send(self.endpoint + "_error", json.loads(body), headers={"MT-Fault-Message": str(error), "MT-Reason": "fault"})
            self.bus.channel.basic_ack(method.delivery_tag)
        self.bus.connection.close()

    def stop(self):
        self.stopping.set()
        self.join(60)
        assert not self.is_alive()


@pytest.fixture
def services(broker, connect):
    running = []
    watch = connect()

    def start(name, handle, *types, **options):
        running.append(Service(broker, watch, name, handle, *types, **options))
        return running[-1]
    yield start, watch
    for service in running:
        service.stop()


@pytest.mark.parametrize("arguments", [None, {"x-queue-type": "quorum"}], ids=["classic", "quorum"])
def test_events_commands_and_faults(broker, names, services, arguments):
    """An event reaches each endpoint that wants it once, by its type and by what that is derived from; who fails has an error queue."""
    start, watch = services
    submitted, event = f"{names}.Contracts:OrderSubmitted", f"{names}.Contracts:OrderEvent"
    billed, audited = [], []

    def bill(bus, message, properties):
        if message["total"] < 0:
            raise ValueError("a negative total")
        billed.append(message["id"])
    for _ in range(2):  # two processes of one service share its work
        start(names + ".billing", bill, submitted, arguments=arguments)
    start(names + ".audit", lambda bus, message, properties: audited.append(message["id"]), event, arguments=arguments)
    shop = Bus(broker, watch)
    shop.message_type(submitted, event)
    for number in range(100):
        shop.send(submitted, {"id": number, "total": number - 10})
    shop.send(names + ".billing", {"id": 1000, "total": 1})  # a command goes to an endpoint and to no other
    wait_until(lambda: len(billed) == 91 and len(audited) == 100, "all is handled")
    assert sorted(billed) == [*range(10, 100), 1000] and sorted(audited) == list(range(100))
    failed = []
    for method, properties, body in shop.channel.consume(names + ".billing_error", auto_ack=True, inactivity_timeout=60):
        assert method is not None, failed
        assert properties.headers["MT-Fault-Message"] == "a negative total"
        failed.append(json.loads(body)["id"])
        if len(failed) == 10:
            break
    assert sorted(failed) == list(range(10))
    shop.connection.close()


def test_requests_and_answers(broker, names, services):
    """The answer comes to an address that goes with the caller; an answer to where nobody is comes back."""
    start, watch = services
    unanswered = []

    def answer(bus, message, properties):
        try:
            bus.send(properties.reply_to, {"doubled": message["n"] * 2}, correlation_id=properties.correlation_id)
        except pika.exceptions.UnroutableError:
            unanswered.append(message["n"])
    start(names + ".calculator", answer)
    caller = Bus(broker, watch)
    address = caller.address(names + ".bus-caller")
    answers = {}
    caller.channel.basic_consume(address, lambda channel, method, properties, body: answers.update(
        {properties.correlation_id: json.loads(body)["doubled"]}), auto_ack=True)
    for n in range(50):
        caller.send(names + ".calculator", {"n": n}, reply_to=address, correlation_id=str(n))
    wait_until(lambda: caller.connection.process_data_events(0.05) or len(answers) == 50, "all are answered")
    assert answers == {str(n): n * 2 for n in range(50)}
    other = Bus(broker, watch)
    other.exchange(names + ".nobody")
    other.send(names + ".calculator", {"n": 7}, reply_to=names + ".nobody", correlation_id="x")
    wait_until(lambda: unanswered == [7], "the answer came back")
    caller.connection.close()  # its address goes with it: the queue with its consumer, the exchange with its binding
    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="404"):
        other.connection.channel().queue_declare(address, passive=True)
    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="404"):
        other.connection.channel().exchange_declare(address, passive=True)
    other.connection.close()


@pytest.mark.skipif(PEER == "rabbitmq", reason="Debian's RabbitMQ lacks the plugin for delayed messages")
def test_messages_for_later(broker, names, services):
    """A bus schedules with an exchange that delays, and binds it to the endpoint's: all come, and none before its time."""
    start, watch = services
    got = {}
    service = start(names + ".reminders", lambda bus, message, properties: got.update({message["n"]: time.time()}))
    bus = Bus(broker, watch)
    later = bus.exchange(names + ".reminders_delay", "x-delayed-message", arguments={"x-delayed-type": "fanout"})
    bus.channel.exchange_bind(service.endpoint, later)
    due = {}
    for n, delay in enumerate((900, 600, 300)):
        due[n] = time.time() + delay / 1000
        bus.send(later, {"n": n}, mandatory=False, headers={"x-delay": delay})
    wait_until(lambda: len(got) == 3, "all have come")
    assert all(got[n] > due[n] - 0.002 for n in due), (got, due)  # brokers count in milliseconds
    bus.connection.close()
