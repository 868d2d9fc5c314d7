#!/usr/bin/env python3
"""The definition of AMQP 0-9-1 with RabbitMQ's extensions (JSON files) against naru's descriptions.

  amqp_spec_check.py compare SPEC_DIR LAYOUT   the layout that amqp's spec_test prints, against the definition
  amqp_spec_check.py vectors SPEC_DIR          random methods and properties, encoded from the definition alone

The vectors live in test/golden/amqp/vectors.txt, so that a second reading of the definition, in another language, checks
naru's codec also where the definition is not at hand.
"""
import difflib
import json
import random
import struct
import sys
from pathlib import Path

CODES = {"octet": ">B", "short": ">H", "long": ">I", "longlong": ">Q"}


def snake(name):
    return name.replace("-", "_")


class Definition:
    def __init__(self, folder):
        core = json.loads((folder / "amqp-rabbitmq-0.9.1.json").read_text())
        credit = json.loads((folder / "credit_extension.json").read_text())
        self.domains = dict(core["domains"])
        self.replies = [c for c in core["constants"] if 200 <= c["value"] < 600 and c["name"] != "FRAME-END"]
        self.properties = next(c for c in core["classes"] if c["name"] == "basic")["properties"]
        self.methods = [(c, m) for source in (core, credit) for c in source["classes"] for m in c["methods"]]
        self.methods.sort(key=lambda cm: (cm[0]["id"], cm[1]["id"]))

    def type_of(self, field):
        kind = field.get("type") or self.domains[field["domain"]]
        return "longlong" if kind == "timestamp" else kind  # the same on the wire


def default_text(kind, field):
    value = field.get("default-value")
    if kind == "bit":
        return "true" if value else "false"
    if kind == "table":
        return "{}"
    if kind in CODES:
        return str(value or 0)
    return '"%s"' % (value or "")


def layout(definition):
    for c, m in definition.methods:
        yield f"{c['name']}.{m['name']} {c['id']} {m['id']}{' content' if m.get('content') else ''}"
        for field in m["arguments"]:
            kind = definition.type_of(field)
            yield f"  {snake(field['name'])} {kind} = {default_text(kind, field)}"
    yield "properties"
    for field in definition.properties:
        yield f"  {snake(field['name'])} {definition.type_of(field)}"
    for reply in sorted(definition.replies, key=lambda r: r["value"]):
        yield f"reply {snake(reply['name'])} {reply['value']} {reply.get('class', 'soft-error').split('-')[0]}"


def compare(folder, printed):
    text = Path(printed).read_text().splitlines()
    wanted = list(layout(Definition(folder)))
    difference = list(difflib.unified_diff(wanted, text, "the definition", "naru's descriptions", lineterm="", n=4))
    print("\n".join(difference) or f"all as defined, {len(text)} lines")
    return 1 if difference else 0


class Maker:
    """Random values: as bytes, and as naru prints them in logs."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self, longest):
        size = longest if self.random.random() < 0.05 else self.random.choice([0, 1, 3, 3, 12])
        return "".join(self.random.choice("abcdefgh") for _ in range(size))

    def field(self, depth):
        letter = self.random.choice("tbBsuIilLTSxV" + ("FA" if depth else ""))
        name = self.text(2)
        return bytes([len(name)]) + name.encode(), '"%s": ' % name, *self.value(letter, depth)

    def value(self, letter, depth):
        codes = {"b": ">b", "B": ">B", "s": ">h", "u": ">H", "I": ">i", "i": ">I", "l": ">q", "L": ">q", "T": ">Q"}
        if letter in codes:
            bits = 8 * struct.calcsize(codes[letter])
            low = 0 if codes[letter][1].isupper() else -(1 << (bits - 1))
            number = self.random.choice([0, 1, low, low + (1 << bits) - 1])
            return letter.encode() + struct.pack(codes[letter], number), str(number)
        if letter == "t":
            flag = self.random.randrange(2)
            return b"t" + bytes([flag]), str(bool(flag)).lower()
        if letter == "V":
            return b"V", "null"
        if letter == "F":
            data, shown = self.table(depth - 1)
        elif letter == "A":
            items = [self.value(self.random.choice("IStV"), 0) for _ in range(self.random.randrange(3))]
            data, shown = b"".join(i[0] for i in items), "[" + ", ".join(i[1] for i in items) + "]"
        else:
            shown = self.text(20)
            data, shown = shown.encode(), '"%s"' % shown
        return letter.encode() + struct.pack(">I", len(data)) + data, shown

    def table(self, depth=2):
        fields = [self.field(depth) for _ in range(self.random.randrange(4))]
        return b"".join(f[0] + f[2] for f in fields), "{" + ", ".join(f[1] + f[3] for f in fields) + "}"

    def argument(self, kind):
        if kind in CODES:
            top = (1 << 8 * struct.calcsize(CODES[kind])) - 1
            number = self.random.choice([0, 1, top >> 1, top])
            return struct.pack(CODES[kind], number), str(number)
        if kind == "table":
            data, shown = self.table()
            return struct.pack(">I", len(data)) + data, shown
        text = self.text(255 if kind == "shortstr" else 250)
        return struct.pack(">B" if kind == "shortstr" else ">I", len(text)) + text.encode(), '"%s"' % text


def method_vector(definition, c, m, seed):
    maker = Maker(seed)
    out, shown, bits = struct.pack(">HH", c["id"], m["id"]), [], 0
    octet = None  # where the last bits went
    for field in m["arguments"]:
        kind = definition.type_of(field)
        if kind == "bit":
            if bits % 8 == 0:
                out, octet = out + b"\0", len(out)
            flag = maker.random.randrange(2)
            out = out[:octet] + bytes([out[octet] | flag << bits % 8]) + out[octet + 1:]
            bits += 1
            value = str(bool(flag)).lower()
        else:
            data, value = maker.argument(kind)
            out, bits = out + data, 0
        shown.append(f"{snake(field['name'])}: {value}")
    return f"{c['name']}.{m['name']} {out.hex()} {c['name']}.{m['name']} {{{', '.join(shown)}}}"


def properties_vector(definition, seed):
    maker = Maker(seed)
    flags, out, shown = 0, b"", []
    for place, field in enumerate(definition.properties):
        if maker.random.random() < 0.5:
            data, value = maker.argument(definition.type_of(field))
            flags |= 0x8000 >> place
            out += data
            shown.append(f"{snake(field['name'])}: {value}")
    return f"properties {(struct.pack('>H', flags) + out).hex()} {{{', '.join(shown)}}}"


def vectors(folder):
    definition = Definition(folder)
    print("# Method or properties, bytes, what they mean; made by tools/amqp_spec_check.py vectors from the definition.")
    for c, m in definition.methods:
        for turn in range(3 if m["arguments"] else 1):
            print(method_vector(definition, c, m, f"{c['name']} {m['name']} {turn}"))
    for turn in range(40):
        print(properties_vector(definition, f"properties {turn}"))
    return 0


def main():
    command, folder = sys.argv[1], Path(sys.argv[2])
    return compare(folder, sys.argv[3]) if command == "compare" else vectors(folder)


if __name__ == "__main__":
    sys.exit(main())
