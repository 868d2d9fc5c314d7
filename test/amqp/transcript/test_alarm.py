"""Memory and disk alarms: publishers wait, consumers go on. Raised through rabbitmqctl, or naru's command of the same words."""
import pytest
from client import CAPABILITIES


@pytest.fixture
def alarm(broker):
    """Raises the memory alarm; at the end it is off again."""
    def raise_it():
        broker.ctl("set_vm_memory_high_watermark", "0.00001")
    yield raise_it
    broker.ctl("set_vm_memory_high_watermark", "0.4")


def test_publisher_is_blocked_and_told(broker, alarm, connect, q):
    publisher = connect()
    consumer = connect().channel()
    channel = publisher.channel()
    channel.declare(q)
    channel.confirms().publish("", q, "before")
    assert channel.confirmed() == {1: "ack"}
    assert consumer.get(q).text == "before"
    alarm()
    channel.publish("", q, "blocked")
    assert publisher.next("connection.blocked").reason == "low on memory"
    channel.send("queue.purge", queue=q)  # its socket is not read any more
    channel.quiet()
    assert consumer.connection.is_open()  # who only consumes goes on
    broker.ctl("set_vm_memory_high_watermark", "0.4")
    publisher.next("connection.unblocked")
    assert channel.answer("queue.purge_ok").message_count == 1
    assert channel.confirmed() == {2: "ack"}


def test_consumers_go_on(broker, alarm, connect, q, fill):
    channel = connect().channel()
    channel.declare(q)
    fill(q, *"abc")
    alarm()
    channel.consume(q)
    assert channel.bodies(3) == list("abc")
    channel.ack(3, multiple=True)
    channel.call("queue.delete", queue=q)


def test_who_cannot_hear_is_not_told(broker, alarm, connect, q):
    publisher = connect(capabilities=CAPABILITIES | {"connection.blocked": False})
    channel = publisher.channel()
    channel.declare(q)
    alarm()
    channel.publish("", q, "blocked")
    channel.quiet()
    assert not publisher.inbox
