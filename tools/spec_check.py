#!/usr/bin/env python3
"""Kafka's own message definitions (JSON files) against naru's descriptions.

  spec_check.py compare SPEC_DIR LAYOUT   the layout that spec_test prints, against the definitions
  spec_check.py vectors SPEC_DIR NAME...  random messages in every version, encoded from the definitions alone

The vectors live in test/golden/kafka/vectors.txt, so that a second reading of the definitions, in another language,
checks naru's codec also where the definitions are not at hand.
"""
import difflib
import json
import random
import re
import struct
import sys
from pathlib import Path

INTEGERS = {"int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q"}
NEVER = 32767


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def versions(text, last=NEVER):
    """'3', '3-7', '3+', 'none' -> a range."""
    if text is None or text == "none":
        return range(0)
    if text.endswith("+"):
        return range(int(text[:-1]), last + 1)
    first, _, end = text.partition("-")
    return range(int(first), int(end or first) + 1)


class Message:
    def __init__(self, path):
        lines = path.read_text().splitlines()
        self.json = json.loads("\n".join(line for line in lines if not line.lstrip().startswith("//")))
        self.name = self.json["name"]
        self.versions = versions(self.json["validVersions"])
        self.flexible = versions(self.json["flexibleVersions"])
        self.structs = {s["name"]: s["fields"] for s in self.json.get("commonStructs", [])}
        self.fields = [Field(f, self) for f in self.json["fields"]]


class Field:
    def __init__(self, f, message):
        self.name = snake(f["name"])
        self.array = f["type"].startswith("[]")
        self.type = f["type"].removeprefix("[]")
        self.versions = versions(f["versions"])
        self.nullable = versions(f.get("nullableVersions"))
        self.tagged = versions(f.get("taggedVersions"))
        self.tag = f.get("tag")
        self.default = f.get("default")
        inner = f.get("fields") or message.structs.get(self.type) or []
        self.fields = [Field(g, message) for g in inner]
        self.is_struct = self.type[0].isupper()
        # What a broker answers when all went well is no message, although the definitions' default would be "".
        if self.name == "error_message" and message.name.endswith("Response"):
            self.default = "null"
        if self.type == "records":
            self.type = "bytes"  # the same on the wire
            if message.name.endswith("Response"):
                self.nullable = range(0)  # naru never sends null, which old clients cannot take
            elif self.default is None:
                self.default = "null"

    def default_text(self):
        if self.default == "null":
            return "null"
        if self.array:
            return "[]"
        if self.is_struct:
            return "{}"
        if self.type in ("string", "bytes"):
            return '"%s"' % (self.default or "")
        if self.type == "bool":
            return str(self.default or "false").lower()
        if self.type == "uuid":
            return "0"
        if self.type == "float64":
            return str(float(self.default or 0))
        return str(int(str(self.default or "0"), 0))


def split(fields, version, flexible):
    """The fields that a version has: the plain ones in order, the tagged ones by tag."""
    present = [f for f in fields if version in f.versions]
    tagged = [f for f in present if flexible and version in f.tagged]
    return [f for f in present if f not in tagged], sorted(tagged, key=lambda f: f.tag)


def layout_fields(fields, version, flexible, depth):
    plain, tagged = split(fields, version, flexible)
    for f in plain + tagged:
        line = "  " * depth
        if f in tagged:
            line += "tag %d " % f.tag
        line += f.name + " " + ("[]" if f.array else "") + ("struct" if f.is_struct else f.type)
        line += "?" if version in f.nullable and version in f.versions else ""
        yield line + " = " + f.default_text()
        yield from layout_fields(f.fields, version, flexible, depth + 1)


def layout(message):
    key = message.json.get("apiKey", "none")
    since = message.flexible[0] if len(message.flexible) else "never"
    yield f"{message.name} key {key} flexible {since}"
    for version in message.versions:
        yield f"{message.name} version {version}"
        yield from layout_fields(message.fields, version, version in message.flexible, 1)


def compare(spec, printed):
    text = Path(printed).read_text().splitlines()
    names = list(dict.fromkeys(line.split()[0] for line in text if line and not line.startswith(" ")))
    wanted = [line for name in names for line in layout(Message(spec / f"{name}.json"))]
    difference = list(difflib.unified_diff(wanted, text, "Kafka's definitions", "naru's descriptions", lineterm="", n=4))
    print("\n".join(difference) or f"{len(names)} messages as Kafka defines them, {len(text)} lines")
    return 1 if difference else 0


class Encoder:
    """One random message; small, with every kind of value likely."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    @staticmethod
    def uvarint(value):
        out = b""
        while value >= 128:
            out += bytes([value & 127 | 128])
            value >>= 7
        return out + bytes([value])

    def length(self, count, flexible, code):
        return self.uvarint(count + 1) if flexible else struct.pack(code, count)

    def value(self, f, version, flexible, nullable, array=None):
        null = nullable and self.random.random() < 0.3
        if f.array if array is None else array:
            if null:
                return self.length(-1, flexible, ">i")
            count = self.random.choice([0, 1, 1, 2])
            items = b"".join(self.value(f, version, flexible, False, array=False) for _ in range(count))
            return self.length(count, flexible, ">i") + items
        if f.is_struct:
            if nullable:
                return b"\xff" if null else b"\x01" + self.struct(f.fields, version, flexible)
            return self.struct(f.fields, version, flexible)
        if f.type in ("string", "bytes"):
            code = ">h" if f.type == "string" else ">i"
            if null:
                return self.length(-1, flexible, code)
            data = bytes(self.random.choice(b"abcdefgh") for _ in range(self.random.choice([0, 1, 3])))
            return self.length(len(data), flexible, code) + data
        if f.type == "bool":
            return bytes([self.random.randrange(2)])
        if f.type == "uuid":
            return self.random.randbytes(16)
        if f.type == "float64":
            return struct.pack(">d", self.random.random())
        code = INTEGERS[f.type]
        bits = 8 * struct.calcsize(code)
        low = 0 if code[1].isupper() else -(1 << (bits - 1))
        return struct.pack(code, self.random.choice([0, 1, low, low + (1 << bits) - 1]))

    def struct(self, fields, version, flexible):
        plain, tagged = split(fields, version, flexible)
        out = b"".join(self.value(f, version, flexible, version in f.nullable) for f in plain)
        if not flexible:
            return out
        tags = []
        for f in tagged:
            if self.random.random() < 0.5:
                value = self.value(f, version, flexible, version in f.nullable)
                if not self.is_default(f, value, version):
                    tags.append(self.uvarint(f.tag) + self.uvarint(len(value)) + value)
        return out + self.uvarint(len(tags)) + b"".join(tags)

    def default(self, f, version):
        if f.is_struct and not f.array:
            plain, _ = split(f.fields, version, True)
            return b"".join(self.default(g, version) for g in plain) + b"\0"
        if f.array or f.type in ("string", "bytes"):
            return b"\0" if f.default == "null" else b"\1"
        if f.type == "uuid":
            return bytes(16)
        if f.type == "bool":
            return b"\0"
        return struct.pack(INTEGERS[f.type], int(f.default_text()))

    def is_default(self, f, value, version):
        return value == self.default(f, version)


def vectors(spec, names):
    print("# Message, version, bytes; made by tools/spec_check.py vectors from Kafka's message definitions.")
    for name in names:
        message = Message(spec / f"{name}.json")
        for version in message.versions:
            body = Encoder(f"{name} {version}").struct(message.fields, version, version in message.flexible)
            print(name, version, body.hex())
    return 0


def main():
    command, spec = sys.argv[1], Path(sys.argv[2])
    return compare(spec, sys.argv[3]) if command == "compare" else vectors(spec, sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
