"""AMQP 0-9-1 as bytes: methods, properties, field tables, frames. Knows no socket and no state.

Anything can be encoded, right or wrong; decoding is strict and keeps the kind of every field.
"""
import struct

PROTOCOL_HEADER = b"AMQP\0\0\x09\x01"
METHOD, HEADER, BODY, HEARTBEAT, FRAME_END = 1, 2, 3, 8, 0xCE

# name, class.method, fields. Kinds: b bit, B H I Q unsigned, s short string, S long string, F table.
METHOD_TABLE = """
connection.start            10.10 version_major:B version_minor:B server_properties:F mechanisms:S locales:S
connection.start_ok         10.11 client_properties:F mechanism:s response:S locale:s
connection.secure           10.20 challenge:S
connection.secure_ok        10.21 response:S
connection.tune             10.30 channel_max:H frame_max:I heartbeat:H
connection.tune_ok          10.31 channel_max:H frame_max:I heartbeat:H
connection.open             10.40 virtual_host:s capabilities:s insist:b
connection.open_ok          10.41 known_hosts:s
connection.close            10.50 reply_code:H reply_text:s class_id:H method_id:H
connection.close_ok         10.51
connection.blocked          10.60 reason:s
connection.unblocked        10.61
connection.update_secret    10.70 new_secret:S reason:s
connection.update_secret_ok 10.71
channel.open                20.10 out_of_band:s
channel.open_ok             20.11 channel_id:S
channel.flow                20.20 active:b
channel.flow_ok             20.21 active:b
channel.close               20.40 reply_code:H reply_text:s class_id:H method_id:H
channel.close_ok            20.41
access.request              30.10 realm:s exclusive:b passive:b active:b write:b read:b
access.request_ok           30.11 ticket:H
exchange.declare            40.10 ticket:H exchange:s type:s passive:b durable:b auto_delete:b internal:b nowait:b arguments:F
exchange.declare_ok         40.11
exchange.delete             40.20 ticket:H exchange:s if_unused:b nowait:b
exchange.delete_ok          40.21
exchange.bind               40.30 ticket:H destination:s source:s routing_key:s nowait:b arguments:F
exchange.bind_ok            40.31
exchange.unbind             40.40 ticket:H destination:s source:s routing_key:s nowait:b arguments:F
exchange.unbind_ok          40.51
queue.declare               50.10 ticket:H queue:s passive:b durable:b exclusive:b auto_delete:b nowait:b arguments:F
queue.declare_ok            50.11 queue:s message_count:I consumer_count:I
queue.bind                  50.20 ticket:H queue:s exchange:s routing_key:s nowait:b arguments:F
queue.bind_ok               50.21
queue.purge                 50.30 ticket:H queue:s nowait:b
queue.purge_ok              50.31 message_count:I
queue.delete                50.40 ticket:H queue:s if_unused:b if_empty:b nowait:b
queue.delete_ok             50.41 message_count:I
queue.unbind                50.50 ticket:H queue:s exchange:s routing_key:s arguments:F
queue.unbind_ok             50.51
basic.qos                   60.10 prefetch_size:I prefetch_count:H global_:b
basic.qos_ok                60.11
basic.consume               60.20 ticket:H queue:s consumer_tag:s no_local:b no_ack:b exclusive:b nowait:b arguments:F
basic.consume_ok            60.21 consumer_tag:s
basic.cancel                60.30 consumer_tag:s nowait:b
basic.cancel_ok             60.31 consumer_tag:s
basic.publish               60.40 ticket:H exchange:s routing_key:s mandatory:b immediate:b
basic.return                60.50 reply_code:H reply_text:s exchange:s routing_key:s
basic.deliver               60.60 consumer_tag:s delivery_tag:Q redelivered:b exchange:s routing_key:s
basic.get                   60.70 ticket:H queue:s no_ack:b
basic.get_ok                60.71 delivery_tag:Q redelivered:b exchange:s routing_key:s message_count:I
basic.get_empty             60.72 cluster_id:s
basic.ack                   60.80 delivery_tag:Q multiple:b
basic.reject                60.90 delivery_tag:Q requeue:b
basic.recover_async         60.100 requeue:b
basic.recover               60.110 requeue:b
basic.recover_ok            60.111
basic.nack                  60.120 delivery_tag:Q multiple:b requeue:b
confirm.select              85.10 nowait:b
confirm.select_ok           85.11
tx.select                   90.10
tx.select_ok                90.11
tx.commit                   90.20
tx.commit_ok                90.21
tx.rollback                 90.30
tx.rollback_ok              90.31
"""

METHODS = {}  # name -> (class, method, [(field, kind)])
for _line in METHOD_TABLE.split("\n")[1:-1]:
    _name, _ids, *_fields = _line.split()
    METHODS[_name] = (*map(int, _ids.split(".")), [tuple(f.split(":")) for f in _fields])
NAMES = {(c, m): name for name, (c, m, _) in METHODS.items()}
WITH_CONTENT = {"basic.publish", "basic.return", "basic.deliver", "basic.get_ok"}
REPLIES = {name: (name + "_ok",) for name in METHODS if name + "_ok" in METHODS} | {
    "basic.get": ("basic.get_ok", "basic.get_empty")}

# Flags of a content header, from the most significant bit.
PROPERTIES = [("content_type", "s"), ("content_encoding", "s"), ("headers", "F"), ("delivery_mode", "B"), ("priority", "B"),
              ("correlation_id", "s"), ("reply_to", "s"), ("expiration", "s"), ("message_id", "s"), ("timestamp", "Q"),
              ("type", "s"), ("user_id", "s"), ("app_id", "s"), ("cluster_id", "s")]


# -- field values -----------------------------------------------------------------

class Typed:
    """A field of exactly this kind, whatever Python thinks of its value."""

    def __init__(self, kind, value):
        self.kind, self.value = kind, value

    def __eq__(self, other):
        return isinstance(other, Typed) and (self.kind, self.value) == (other.kind, other.value)

    def __repr__(self):
        return f"{self.kind}:{self.value!r}"


class Number(int):
    """An integer that was read; equal to any int, but it knows its kind."""
    kind = "?"


def number(kind, value):
    found = Number(value)
    found.kind = kind
    return found


NUMBERS = {"b": ">b", "B": ">B", "s": ">h", "u": ">H", "I": ">i", "i": ">I", "l": ">q", "L": ">q", "T": ">Q"}


def kind_of(value):
    if isinstance(value, bool):
        return "t"
    if isinstance(value, int):
        return "I" if -2**31 <= value < 2**31 else "l"
    return {str: "S", bytes: "x", float: "d", dict: "F", list: "A", type(None): "V"}[type(value)]


def field_value(value):
    if isinstance(value, Typed):
        kind, value = value.kind, value.value
    else:
        kind = kind_of(value)
    return kind.encode() + field_body(kind, value)


def field_body(kind, value):
    if kind in NUMBERS:
        return struct.pack(NUMBERS[kind], value)
    if kind == "t":
        return bytes([value])
    if kind in ("f", "d"):
        return struct.pack(">" + kind, value)
    if kind == "D":
        return struct.pack(">BI", *value)  # (scale, value)
    if kind in ("S", "x"):
        return long_string(value)
    if kind == "F":
        return table(value)
    if kind == "A":
        return long_string(b"".join(map(field_value, value)))
    if kind == "V":
        return b""
    return value  # an unknown kind: its bytes


def table(fields):
    """A dict, or a list of pairs where names repeat."""
    pairs = fields.items() if isinstance(fields, dict) else fields
    return long_string(b"".join(short_string(name) + field_value(value) for name, value in pairs))


def to_bytes(text):
    return text.encode() if isinstance(text, str) else text


def short_string(text):
    data = to_bytes(text)
    return bytes([len(data)]) + data


def long_string(text):
    data = to_bytes(text)
    return struct.pack(">I", len(data)) + data


# -- reading ----------------------------------------------------------------------

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        assert self.at + count <= len(self.data), f"{self.data.hex()} ends too early"
        piece = self.data[self.at:self.at + count]
        self.at += count
        return piece

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, count):
        data = self.take(count)
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data

    def short_string(self):
        return self.text(self.number(">B"))

    def long_string(self):
        return self.text(self.number(">I"))

    def table(self):
        inner = Reader(self.take(self.number(">I")))
        fields = {}
        while inner.at < len(inner.data):
            name = inner.short_string()
            fields[name] = inner.field_value()
        return fields

    def field_value(self):
        kind = chr(self.take(1)[0])
        if kind in NUMBERS:
            return number(kind, self.number(NUMBERS[kind]))
        if kind == "t":
            return bool(self.number(">B"))
        if kind == "f":
            return Typed("f", self.number(">f"))
        if kind == "d":
            return self.number(">d")
        if kind == "D":
            return Typed("D", struct.unpack(">BI", self.take(5)))
        if kind == "S":
            return self.long_string()
        if kind == "x":
            return self.take(self.number(">I"))
        if kind == "F":
            return self.table()
        if kind == "A":
            inner, values = Reader(self.take(self.number(">I"))), []
            while inner.at < len(inner.data):
                values.append(inner.field_value())
            return values
        assert kind == "V", f"the broker sent a field of kind {kind!r}"
        return None

    def of(self, kind):
        return {"s": self.short_string, "S": self.long_string, "F": self.table}.get(
            kind, lambda: self.number(">" + kind))()

    def finish(self):
        assert self.at == len(self.data), f"{len(self.data) - self.at} bytes too many: {self.data.hex()}"


def show(value):
    """A field value with its kinds: {count: l1, reason: 'expired', time: T…}"""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {show(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, Number):
        return value.kind + int.__repr__(value)
    return repr(value)


# -- methods, headers, frames -----------------------------------------------------

def method(name, **given):
    """The payload of a method frame; fields that are not given are zero, false or empty."""
    class_id, method_id, fields = METHODS[name]
    out, bits, width = struct.pack(">HH", class_id, method_id), 0, 0
    for field, kind in fields:
        value = given.pop(field, {"s": "", "S": "", "F": {}}.get(kind, 0))
        if kind == "b":  # a run of bits shares octets, first bit lowest
            bits |= bool(value) << width
            width += 1
            continue
        if width:
            out, bits, width = out + bytes([bits]), 0, 0
        out += {"s": short_string, "S": long_string, "F": table}.get(kind, lambda v, k=kind: struct.pack(">" + k, v))(value)
    assert not given, f"{name} has no field {list(given)}"
    return out + bytes([bits]) if width else out


def read_method(payload):
    """(name, fields)"""
    reader = Reader(payload)
    name = NAMES[reader.number(">H"), reader.number(">H")]
    fields, bits, width = {}, 0, 0
    for field, kind in METHODS[name][2]:
        if kind == "b":
            bits = bits >> 1 if width else reader.number(">B")
            fields[field], width = bool(bits & 1), width + 1
        else:
            width, fields[field] = 0, reader.of(kind)
    reader.finish()
    return name, fields


def header(size, properties, class_id=60, weight=0, flags=None):
    """The payload of a content header frame."""
    found, out = 0, b""
    for index, (name, kind) in enumerate(PROPERTIES):
        if name in properties:
            found |= 0x8000 >> index
            value = properties[name]
            out += {"s": short_string, "F": table}.get(kind, lambda v, k=kind: struct.pack(">" + k, v))(value)
    unknown = set(properties) - {name for name, _ in PROPERTIES}
    assert not unknown, unknown
    return struct.pack(">HHQH", class_id, weight, size, found if flags is None else flags) + out


def read_header(payload):
    """(body size, properties)"""
    reader = Reader(payload)
    class_id, weight, size, flags = (reader.number(f) for f in (">H", ">H", ">Q", ">H"))
    assert (class_id, weight, flags & 3) == (60, 0, 0)
    properties = {name: reader.of(kind) for index, (name, kind) in enumerate(PROPERTIES) if flags & 0x8000 >> index}
    reader.finish()
    return size, properties


def frame(kind, channel, payload, end=FRAME_END, size=None):
    return struct.pack(">BHI", kind, channel, len(payload) if size is None else size) + payload + bytes([end])


def content(channel, body, properties, frame_max=131072):
    """The frames behind a basic.publish."""
    body = to_bytes(body)
    out, most = frame(HEADER, channel, header(len(body), properties)), frame_max - 8
    return out + b"".join(frame(BODY, channel, body[at:at + most]) for at in range(0, len(body), most))
