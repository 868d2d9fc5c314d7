"""One channel: every method, and the answers that tests expect."""
import collections
import time

import wire
from events import SILENCE, TIMEOUT, Closed, Missing, check_closed, setup, step, take


class Channel:
    def __init__(self, connection, number):
        self.connection, self.number = connection, number
        self.inbox = collections.deque()
        connection.channels[number] = self
        self.confirming = False
        self.forget_confirms()

    def forget_confirms(self):
        self.published = 0        # since confirm.select
        self.known = 0            # of these, confirmed() has waited for
        self.outstanding = set()  # of those, tags without an answer,
        self.lowest = 1           # and below it, all have one

    def send(self, name, **fields):
        self.connection.send_method(self.number, name, **fields)

    def next(self, *names, timeout=TIMEOUT):
        try:
            return take(self.connection, self.inbox, names, timeout)
        except Closed as end:
            if end.scope == "channel":
                self.send("channel.close_ok")
            raise

    def call(self, name, **fields):
        """Sends and waits for the answer; what comes before it stays in the inbox."""
        self.send(name, **fields)
        return self.answer(*wire.REPLIES[name])

    def answer(self, *names, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        while True:
            for event in list(self.inbox):
                if event.name in (*names, "channel.close"):
                    self.inbox.remove(event)
                    self.inbox.appendleft(event)
                    return self.next(*names)
            try:
                self.connection.pump(deadline - time.monotonic())
            except Missing:
                raise Missing(f"no {' or '.join(names)} in {timeout} s; there is {list(self.inbox)}") from None

    # -- what users do --------------------------------------------------------------

    def declare(self, queue, **flags):
        """Flags of queue.declare; what starts with x- or has an underscore for it goes to the arguments."""
        return self.call("queue.declare", queue=queue, **flags)

    def exchange(self, exchange, kind="direct", **flags):
        return self.call("exchange.declare", exchange=exchange, type=kind, **flags)

    def bind(self, queue, exchange, routing_key="", **arguments):
        return self.call("queue.bind", queue=queue, exchange=exchange, routing_key=routing_key, **arguments)

    def publish(self, exchange, routing_key, body="", *, mandatory=False, immediate=False, **properties):
        self.published += 1
        connection = self.connection
        fields = {"exchange": exchange, "routing_key": routing_key, "mandatory": mandatory, "immediate": immediate}
        connection.log.sent(self.number, "basic.publish", fields, properties, wire.to_bytes(body))
        connection.raw(wire.frame(wire.METHOD, self.number, wire.method("basic.publish", **fields))
                       + wire.content(self.number, body, properties, connection.frame_max))
        return self.published

    def get(self, queue="", no_ack=True):
        """The message, or None."""
        event = self.call("basic.get", queue=queue, no_ack=no_ack)
        return event if event.name == "basic.get_ok" else None

    def drain(self, queue):
        """The bodies of all messages there are, taken."""
        bodies = []
        with setup():
            while event := self.get(queue):
                bodies.append(event.text)
        step()
        return bodies

    def consume(self, queue="", tag="", **flags):
        return self.call("basic.consume", queue=queue, consumer_tag=tag, **flags).consumer_tag

    def cancel(self, tag):
        return self.call("basic.cancel", consumer_tag=tag)

    def deliver(self, timeout=TIMEOUT):
        """The next delivery, to any consumer of this channel."""
        return self.next("basic.deliver", timeout=timeout)

    def bodies(self, count, timeout=TIMEOUT):
        """The next so many deliveries, as one step."""
        with setup():
            found = [self.deliver(timeout).text for _ in range(count)]
        step()
        return found

    def ack(self, tag, multiple=False):
        self.send("basic.ack", delivery_tag=tag, multiple=multiple)

    def nack(self, tag, multiple=False, requeue=True):
        self.send("basic.nack", delivery_tag=tag, multiple=multiple, requeue=requeue)

    def reject(self, tag, requeue=True):
        self.send("basic.reject", delivery_tag=tag, requeue=requeue)

    def qos(self, count, global_=False):
        self.call("basic.qos", prefetch_count=count, global_=global_)

    def confirms(self):
        self.call("confirm.select")
        if not self.confirming:  # once more changes nothing: the tags go on
            self.forget_confirms()
        self.confirming = True
        return self

    def confirmed(self, upto=None):
        """Waits until every publish up to this one is answered; {tag: "ack" or "nack"} of all that were answered now."""
        answers, outstanding, last = {}, self.outstanding, upto or self.published
        outstanding |= set(range(self.known + 1, self.published + 1))
        self.known = self.published
        missing = sum(tag <= last for tag in outstanding)
        while missing > 0:
            with setup():
                event = self.answer("basic.ack", "basic.nack")
            tags = {event.delivery_tag}
            if event.multiple:
                tags = {tag for tag in range(self.lowest, event.delivery_tag + 1) if tag in outstanding}
                self.lowest = event.delivery_tag + 1
            assert tags and tags <= outstanding, f"{event} confirms what is not outstanding: {outstanding}"
            outstanding -= tags
            missing -= sum(tag <= last for tag in tags)
            answers |= dict.fromkeys(tags, event.name.split(".")[1])
        step()
        return answers

    def close(self):
        self.call("channel.close", reply_code=200, reply_text="bye")
        del self.connection.channels[self.number]

    # -- what tests expect ----------------------------------------------------------

    def quiet(self, seconds=SILENCE):
        """Nothing comes."""
        deadline = time.monotonic() + seconds
        while not self.inbox:
            try:
                self.connection.pump(max(deadline - time.monotonic(), 0.001))
            except Missing:
                step()
                return
        raise AssertionError(f"unexpected: {list(self.inbox)}")

    def expect_error(self, code, text=None, method=None, timeout=TIMEOUT):
        """The broker closes this channel, and only this: code, text after the name, the method that failed."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                self.next(timeout=deadline - time.monotonic())
        except Closed as end:
            check_closed(end, "channel", code, text, method)
        assert self.connection.is_open()
        del self.connection.channels[self.number]

    def refused(self, code, text, name, **fields):
        """This method is answered with that channel error."""
        self.send(name, **fields)
        self.expect_error(code, text, name)

    def refused_hard(self, code, text, name, **fields):
        """This method is answered with that connection error."""
        self.send(name, **fields)
        self.connection.expect_error(code, text, name)
