"""A client that says exactly what a test tells it to, and checks every answer.

One thread, no background reading: frames are read when a test waits for something. What a channel received and nobody
asked for yet stays in its inbox, in order. Every answer that is checked counts as a step.
"""
import collections
import socket
import struct
import time

import wire
from channel import Channel
from events import STEPS, TIMEOUT, Closed, Event, Missing, check_closed, setup, step, take
from transcript import Log

CAPABILITIES = {name: True for name in (
    "publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify", "connection.blocked",
    "authentication_failure_close")}


class Connection:
    def __init__(self, address, user="guest", password="guest", vhost="/", *, handshake=True, log=None, **options):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.channels = {}
        self.unfinished = {}               # channel -> the event whose content is still to come
        self.inbox = collections.deque()   # channel 0
        self.declared = set()              # (vhost, class, name): what a test may leave behind
        self.vhost = vhost
        self.log = log or Log()
        self.frame_max = 131072
        self.ended = None                  # the Closed that ended this connection
        self.answer_close = True
        if handshake:
            self.start(user, password, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.abort()

    # -- the way in -----------------------------------------------------------------

    def start(self, user="guest", password="guest", *, mechanism="PLAIN", response=None, channel_max=2047,
              frame_max=131072, heartbeat=0, capabilities=None, properties=None, insist=False):
        """From the protocol header to open-ok."""
        with setup():
            self.raw(wire.PROTOCOL_HEADER)
            self.server = self.next("connection.start").server_properties
            client = {"product": "wire", "capabilities": CAPABILITIES if capabilities is None else capabilities}
            self.send("connection.start_ok", client_properties=client | (properties or {}), mechanism=mechanism,
                      response=f"\0{user}\0{password}" if response is None else response, locale="en_US")
            self.tuned = self.next("connection.tune")
            self.send("connection.tune_ok", channel_max=channel_max, frame_max=frame_max, heartbeat=heartbeat)
            self.frame_max = frame_max
            self.call("connection.open", virtual_host=self.vhost, insist=insist)

    def channel(self, number=None):
        """Opens the next free channel."""
        number = number or next(n for n in range(1, 65536) if n not in self.channels)
        channel = Channel(self, number)
        with setup():
            channel.call("channel.open")
        return channel

    # -- sending --------------------------------------------------------------------

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass  # the broker may close before it read everything; reading tells

    def send_method(self, channel, name, **fields):
        self.log.sent(channel, name, fields)
        self.remember(name, fields)
        self.raw(wire.frame(wire.METHOD, channel, wire.method(name, **fields)))

    def send_frame(self, kind, channel, payload=b"", **lies):
        self.log.sent(channel, f"frame {kind} {payload[:40].hex()} {lies or ''}", {})
        self.raw(wire.frame(kind, channel, payload, **lies))

    def send(self, name, **fields):
        self.send_method(0, name, **fields)

    def remember(self, name, fields):
        if name in ("queue.declare", "exchange.declare") and not fields.get("passive"):
            name = name.split(".")[0]
            if fields.get(name):
                self.declared.add((self.vhost, name, fields[name]))

    # -- receiving ------------------------------------------------------------------

    def at_least(self, count, deadline):
        """Until so many bytes are in the buffer."""
        while len(self.buffer) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Missing("nothing came in time")
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(1 << 18)
            except TimeoutError:
                raise Missing("nothing came in time") from None
            except ConnectionResetError:
                piece = b""
            if not piece:
                self.ended = self.ended or Closed("socket")
                raise self.ended
            self.buffer += piece

    def read_frame(self, timeout=TIMEOUT):
        """(kind, channel, payload); raises Missing, or Closed at the end of the stream."""
        deadline = time.monotonic() + timeout
        self.at_least(7, deadline)
        kind, channel, size = struct.unpack_from(">BHI", self.buffer)
        if kind == ord("A"):
            raise AssertionError(f"a protocol header: {self.buffer!r}")
        self.at_least(7 + size + 1, deadline)  # what is there stays if the rest is late
        payload, end = bytes(self.buffer[7:7 + size]), self.buffer[7 + size]
        del self.buffer[:7 + size + 1]
        assert end == wire.FRAME_END, f"frame ends with {end:#x}"
        return kind, channel, payload

    def pump(self, timeout):
        """Reads one frame and puts what it completes into an inbox. Heartbeats count as nothing."""
        kind, number, payload = self.read_frame(timeout)
        if kind == wire.HEARTBEAT:
            assert (number, payload) == (0, b"")
            STEPS["heartbeats"] += 1
            return
        if kind == wire.METHOD:
            event = self.unfinished[number] = Event(*wire.read_method(payload))
        else:
            event = self.unfinished.get(number)
            assert event and event.name in wire.WITH_CONTENT, f"content after {event}"
            if kind == wire.HEADER:
                event.size, event.properties = wire.read_header(payload)
            else:
                assert len(payload) <= self.frame_max - 8, "a frame over the limit"
                event.pieces.append(payload)
                event.received += len(payload)
        if event.name in wire.WITH_CONTENT and event.size != event.received:
            return
        event.body = b"".join(event.pieces)
        del self.unfinished[number]
        (self.channels[number].inbox if number else self.inbox).append(event)
        self.log.received(number, event)
        if event.name == "connection.close":
            self.ended = Closed("connection", event.reply_code, event.reply_text, (event.class_id, event.method_id))
            if self.answer_close:
                self.send("connection.close_ok")
            raise self.ended

    def next(self, *names, timeout=TIMEOUT):
        """The next event of channel 0, which must be one of these."""
        return take(self, self.inbox, names, timeout)

    def call(self, name, **fields):
        self.send(name, **fields)
        return self.next(*wire.REPLIES[name])

    # -- ends -----------------------------------------------------------------------

    def close(self):
        """In good order."""
        self.send("connection.close", reply_code=200, reply_text="bye")
        while True:
            try:
                self.pump(TIMEOUT)
            except Closed as end:
                raise AssertionError("no close-ok") from end
            if self.inbox and self.inbox[-1].name == "connection.close_ok":
                break
        self.socket.close()  # the original leaves that to who asked, for 30 s

    def abort(self):
        """As a crash of the client."""
        self.socket.close()

    def expect_error(self, code, text=None, method=None, timeout=TIMEOUT):
        """The broker closes the connection with this code, text (after the name) and culprit (a name), then the socket."""
        end = self.wait_closed(timeout)
        check_closed(end, "connection", code, text, method)
        self.expect_eof()

    def wait_closed(self, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        while self.ended is None:
            try:
                self.pump(deadline - time.monotonic())
            except Closed:
                break
        return self.ended

    def expect_eof(self, timeout=TIMEOUT):
        """The broker closes the socket and says no more."""
        deadline = time.monotonic() + timeout
        self.socket.settimeout(timeout)
        while time.monotonic() < deadline:
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                piece = b""
            if not piece:
                step()
                return
        raise Missing("the socket stays open")

    def expect_silent_end(self, timeout=TIMEOUT):
        """The socket ends without connection.close."""
        end = self.wait_closed(timeout)
        assert end.scope == "socket", end
        step()

    def expect_error_or_silence(self, code, text=None, method=None, timeout=TIMEOUT):
        """Where the original drops the socket without a word, naru may say why; then it is this."""
        end = self.wait_closed(timeout)
        if end.scope == "socket":
            step()
        else:
            check_closed(end, "connection", code, text, method)
            self.expect_eof()

    def is_open(self):
        """Answers on a channel of its own."""
        with setup():
            self.channel().close()
        step()
        return True
