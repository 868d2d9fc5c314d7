"""What can come from a broker: methods with content, the end of a channel or of the connection, or nothing in time."""
import collections
import contextlib
import re
import time

import wire

TIMEOUT = 60           # an answer that takes longer is missing; a slow machine is no error
SILENCE = 0.25         # how long nothing has to come for "nothing comes"
STEPS = collections.Counter()
NAMES = {311: "CONTENT_TOO_LARGE", 312: "NO_ROUTE", 313: "NO_CONSUMERS", 320: "CONNECTION_FORCED", 402: "INVALID_PATH",
         403: "ACCESS_REFUSED", 404: "NOT_FOUND", 405: "RESOURCE_LOCKED", 406: "PRECONDITION_FAILED", 501: "FRAME_ERROR",
         502: "SYNTAX_ERROR", 503: "COMMAND_INVALID", 504: "CHANNEL_ERROR", 505: "UNEXPECTED_FRAME", 506: "RESOURCE_ERROR",
         530: "NOT_ALLOWED", 540: "NOT_IMPLEMENTED", 541: "INTERNAL_ERROR"}


def step():
    STEPS["checked"] += 1


@contextlib.contextmanager
def setup():
    """What happens inside is checked but is no step of a test: handshakes, channels, cleaning."""
    before = STEPS["checked"]
    yield
    STEPS["checked"] = before


class Closed(Exception):
    """The broker closed a channel or the connection; code None: the socket without a word."""

    def __init__(self, scope, code=None, text="", method=(0, 0)):
        super().__init__(f"{scope} closed: {code} {text} {method}")
        self.scope, self.code, self.text, self.method = scope, code, text, method


class Missing(AssertionError):
    """What was expected did not come in time."""


class Event:
    """A method that was received, with its content if it has one."""

    def __init__(self, name, fields):
        self.name, self.fields = name, fields
        self.size, self.properties, self.body = None, None, b""
        self.pieces, self.received = [], 0

    def __getattr__(self, field):
        try:
            return self.fields[field]
        except KeyError:
            raise AttributeError(f"{self.name} has no {field}") from None

    @property
    def headers(self):
        return self.properties.get("headers", {})

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.name} {self.fields}{'' if self.size is None else f' {self.properties} {self.body[:40]!r}'}>"


def check_closed(end, scope, code, text, method):
    assert (end.scope, end.code) == (scope, code), f"expected {scope} error {code} {text}, got {end}"
    if text is not None:
        wanted = f"{NAMES[code]} - {text}" if code in NAMES else text
        if len(wanted) > 255:
            wanted = wanted[:252] + "..."
        text = re.sub(r"\n *", "", end.text)  # Erlang breaks long terms into lines
        assert text == wanted, f"\nexpected {wanted}\nreceived {text}"
    if method is not None:
        assert end.method == (wire.METHODS[method][:2] if method else (0, 0)), f"{end}, not {method}"
    step()


def take(connection, inbox, names, timeout=TIMEOUT):
    """The first event, which must be one of these; no names: whatever it is."""
    deadline = time.monotonic() + timeout
    while not inbox:
        try:
            connection.pump(deadline - time.monotonic())
        except Missing:
            raise Missing(f"no {' or '.join(names) or 'event'} in {timeout} s") from None
    event = inbox.popleft()
    if event.name == "channel.close":
        raise Closed("channel", event.reply_code, event.reply_text, (event.class_id, event.method_id))
    assert not names or event.name in names, f"expected {names}, got {event}"
    step()
    return event
