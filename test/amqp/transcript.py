"""What was said on a connection, in a form that two brokers' answers can be compared in.

Names that a broker made up, times and tokens are numbered in the order of their appearance. What a broker may send in
any order is grouped: deliveries by consumer, confirms as the set of what was confirmed.
"""
import collections
import hashlib
import re

import wire

INVENTED = re.compile(r"amq\.gen-[\w-]{22}|amq\.ctag-[\w-]{22}|amq\.rabbitmq\.reply-to\.[\w.=+/-]+")


def short(body):
    return repr(body) if len(body) <= 60 else f"{len(body)} bytes {hashlib.sha256(body).hexdigest()[:16]}"


class Log:
    def __init__(self):
        self.lines = collections.defaultdict(list)      # (channel, part) -> lines
        self.confirmed = collections.defaultdict(dict)  # channel -> {tag: ack or nack}
        self.all_below = collections.defaultdict(lambda: 1)  # channel -> tags below it are in there

    def sent(self, channel, name, fields, properties=None, body=None):
        self.lines[channel, ""].append(self.line(">", name, {k: v for k, v in fields.items() if v}, properties, body))

    def received(self, channel, event):
        fields = dict(event.fields)
        if event.name in ("basic.ack", "basic.nack"):
            first = self.all_below[channel] if event.multiple else event.delivery_tag
            for tag in range(first, event.delivery_tag + 1):
                self.confirmed[channel].setdefault(tag, event.name[6:])
            if event.multiple:
                self.all_below[channel] = max(first, event.delivery_tag + 1)
            return
        part = ""
        if event.name == "basic.deliver":
            part = fields["consumer_tag"]
        if event.name in ("connection.start", "connection.tune"):
            fields = {}  # product and version are each broker's own
        self.lines[channel, part].append(self.line("<", event.name, fields, event.properties, event.body))

    @staticmethod
    def line(arrow, name, fields, properties, body):
        words = [arrow, name, *(f"{k}={wire.show(v)}" for k, v in fields.items())]
        if properties is not None:
            words += [wire.show(properties), short(body)]
        return " ".join(words)

    def text(self):
        numbers = {}
        def name(match):
            kind = match[0].split("-")[0]
            return numbers.setdefault(match[0], f"{kind}-#{len(numbers) + 1}")
        out = []
        for (channel, part), lines in sorted(self.lines.items()):
            out.append(f"channel {channel} {part}".rstrip())
            out += ["  " + line for line in without_polls(lines)]
        for channel, done in sorted(self.confirmed.items()):
            out.append(f"channel {channel} confirmed {dict(sorted(done.items()))}")
        text = INVENTED.sub(name, "\n".join(out))
        return re.sub(r"((?:time|x-stream-offset): )T:?\d+", r"\1T#", text)


def without_polls(lines):
    """A test that waits asks again and again: only its last question and answer stay."""
    kept = []
    for line in lines:
        kept.append(line)
        if len(kept) >= 3 and kept[-3] == line and re.match("< (basic.get_empty|queue.declare_ok)", kept[-2]):
            del kept[-3:-1]
    return kept
