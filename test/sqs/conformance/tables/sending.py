"""SendMessage: what a message may be, and the digests of the answer."""
import hashlib
import struct

from answers import Error, missing, value_error
from rows import Row, attribute
from world import SMALL

CHARACTERS = ("Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | "
              "#x10000 to #x10FFFF")
TOO_LONG = value_error(f"One or more parameters are invalid. Reason: Message must be shorter than {SMALL} bytes.")
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def digest(attributes):
    """As the developer guide describes it: name, type and value, each with its length, in the order of names."""
    made = hashlib.md5()
    for name, value in sorted(attributes.items()):
        is_binary = value["DataType"].startswith("Binary")
        content = value["BinaryValue"] if is_binary else value["StringValue"].encode()
        for piece in (name.encode(), value["DataType"].encode()):
            made.update(struct.pack(">I", len(piece)) + piece)
        made.update((b"\2" if is_binary else b"\1") + struct.pack(">I", len(content)) + content)
    return made.hexdigest()


def sent(text, attributes=None, system=None, fifo=False):
    result = {"MessageId": "<MessageId>", "MD5OfMessageBody": md5(text)}
    if attributes:
        result["MD5OfMessageAttributes"] = digest(attributes)
    if system:
        result["MD5OfMessageSystemAttributes"] = digest(system)
    if fifo:
        result["SequenceNumber"] = "<SequenceNumber>"
    return result


def send(text, expected=None, queue="$std", **more):
    return Row("SendMessage", {"QueueUrl": queue, "MessageBody": text, **more}, expected or sent(text))


def bodies():
    for text in ("b", " ", "\t", "\n", "\r", "a\r\nb", "ä", "日本", "😀", "\ue000", "\ufffd", "a & b + c % d = e", '"<quoted>"', "'", "\\",
                 "{\"a\": 1}", "%2B", "&amp;", "\u007f", "\u0085", "x" * 65536):
        yield send(text)
    for text in ("\0", "\1", "\x08", "\x0b", "\x0c", "\x0e", "\x1f", "a\0b", "\ufffe", "\uffff", "ok\ufffe"):
        yield send(text, Error("InvalidMessageContents", CHARACTERS))
    yield send("", missing("MessageBody"))
    yield send("x" * SMALL, queue="$small")
    yield send("x" * (SMALL + 1), TOO_LONG, queue="$small")
    yield send("ä" * (SMALL // 2), queue="$small")
    yield send("ä" * (SMALL // 2) + "x", TOO_LONG, queue="$small")
    # Names, types and values of attributes count; system attributes do not.
    for size, expected in ((SMALL - 8, None), (SMALL - 7, TOO_LONG)):
        more = {"n": attribute("v")}
        yield send("x" * size, expected or sent("x" * size, more), queue="$small", MessageAttributes=more)
    system = {"AWSTraceHeader": attribute(TRACE)}
    yield send("x" * SMALL, sent("x" * SMALL, system=system), queue="$small", MessageSystemAttributes=system)


def delays():
    for value in (0, 1, 900):
        yield send("b", DelaySeconds=value)
    for value in (-1, 901, 100000):
        yield send("b", value_error(f"Value {value} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."),
                   DelaySeconds=value)
    fifo = {"MessageGroupId": "g", "queue": "$cbd"}
    yield send("delay 0", sent("delay 0", fifo=True), DelaySeconds=0, **fifo)
    text = "Value {} for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."
    for value in (1, 900):
        yield send("b", value_error(text.format(value)), DelaySeconds=value, **fifo)


def attributes():
    for made in ({"Foo": attribute("Bar")}, {"timestamp": attribute("1493147359900", "Number")},
                 {"b": attribute(b"\0\1\xff", "Binary", "BinaryValue")}, {"b": attribute(b"x", "Binary.png", "BinaryValue")},
                 {"custom": attribute("x", "String.custom")}, {"id": attribute("12", "Number.int")},
                 {"n": attribute("-1.5e10", "Number")}, {"n": attribute("0", "Number")}, {"n": attribute("123456789012345678901234567890", "Number")},
                 {"a.b-c_d": attribute("x")}, {"a" * 255: attribute("x")}, {"unicode": attribute("ä 日本 😀")},
                 {"lines": attribute("a\r\nb\tc")}, {"b": attribute("2"), "a": attribute("1"), "B": attribute("3")},
                 {f"a{n}": attribute(str(n)) for n in range(10)}):
        yield send("b", sent("b", made), MessageAttributes=made)
    user = "message (user) attribute"
    kinds = f"The type of {user} 'a' is invalid. You must use only the following supported type prefixes: Binary, Number, String."
    reserved = "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved for internal use."
    for made, text in (
            ({f"a{n}": attribute(str(n)) for n in range(11)}, "Number of message attributes [11] exceeds the allowed maximum [10]."),
            ({"a": attribute("")}, "Message (user) attribute 'a' must contain a non-empty value of type 'String'."),
            ({"a": attribute("", "Number")}, "Message (user) attribute 'a' must contain a non-empty value of type 'Number'."),
            ({"a": attribute("x", "Nonsense")}, kinds), ({"a": attribute("x", "string")}, kinds),
            ({"a": attribute("x", "Strings")}, kinds),
            ({"a": {"StringValue": "x"}}, f"The {user} 'a' must contain a non-empty message attribute type."),
            ({"a": attribute("x", "")}, f"The {user} 'a' must contain a non-empty message attribute type."),
            ({"a": {"DataType": "String"}}, f"The {user} 'a' must contain a non-empty message attribute value."),
            ({"a": attribute("x", "Number")}, f"Can't cast the value of {user} 'a' to a number."),
            ({"a": attribute("1 2", "Number")}, f"Can't cast the value of {user} 'a' to a number."),
            ({"": attribute("x")}, f"The request must contain non-empty {user} names."),
            ({"a" * 257: attribute("x")}, "Message (user) attribute name must be shorter than 256 bytes."),
            ({"a": attribute("x", "String." + "t" * 250)}, "Message (user) attribute type must be shorter than 256 bytes."),
            ({"AWS.a": attribute("x")}, reserved), ({"aws.a": attribute("x")}, reserved), ({"Amazon.a": attribute("x")}, reserved),
            ({"amazon.a": attribute("x")}, reserved),
            ({".a": attribute("x")}, None), ({"a.": attribute("x")}, None), ({"a..b": attribute("x")}, None),
            ({"a b": attribute("x")}, None), ({"a/b": attribute("x")}, None), ({"a*": attribute("x")}, None)):
        yield send("b", value_error(text), MessageAttributes=made)


def system_attributes():
    trace = {"AWSTraceHeader": attribute(TRACE)}
    yield send("b", sent("b", system=trace), MessageSystemAttributes=trace)
    both = {"Foo": attribute("Bar")}
    yield send("b", sent("b", both, trace), MessageAttributes=both, MessageSystemAttributes=trace)
    for name in ("Hello", "SenderId", "SentTimestamp", "awsTraceHeader"):
        yield send("b", value_error(f"Message system attribute name '{name}' is invalid."), MessageSystemAttributes={name: attribute("x")})
    for value in (attribute("1", "Number"), attribute(b"x", "Binary", "BinaryValue"), attribute("")):
        yield send("b", value_error(None), MessageSystemAttributes={"AWSTraceHeader": value})


PUNCTUATION = "!\"#%&'()*+,-./:;<=>?@[\\]^_`{|}~$"


def groups():
    only = "Value {0} for parameter {1} is invalid. Reason: {1} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    dedup = "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    yield send("b", missing("MessageGroupId"), queue="$fifo", MessageDeduplicationId="d")
    yield send("b", missing("MessageGroupId"), queue="$cbd")
    yield send("b", value_error(dedup), queue="$fifo", MessageGroupId="g")
    for number, name in enumerate(("g", "G" * 128, PUNCTUATION, "0")):
        yield send(f"group {number}", sent(f"group {number}", fifo=True), queue="$cbd", MessageGroupId=name)
        yield send(f"dedup {number}", sent(f"dedup {number}", fifo=True), queue="$fifo", MessageGroupId="g", MessageDeduplicationId=name)
        yield send("b", queue="$std", MessageGroupId=name)  # fair queues
    for value in ("a b", "ä", "g" * 129, "a\tb", "日"):
        yield send("b", value_error(only.format(value, "MessageGroupId")), queue="$cbd", MessageGroupId=value)
        yield send("b", value_error(only.format(value, "MessageGroupId")), queue="$std", MessageGroupId=value)
        yield send("b", value_error(only.format(value, "MessageDeduplicationId")), queue="$fifo", MessageGroupId="g", MessageDeduplicationId=value)
    yield send("b", value_error("The request include parameter MessageDeduplicationId which is not valid for this queue type"),
               queue="$std", MessageDeduplicationId="d")
    yield send("explicit", sent("explicit", fifo=True), queue="$cbd", MessageGroupId="g", MessageDeduplicationId="explicit")
    made = {"Foo": attribute("Bar")}
    yield send("with", sent("with", made, fifo=True), queue="$cbd", MessageGroupId="g", MessageAttributes=made)


ROWS = [*bodies(), *delays(), *attributes(), *system_attributes(), *groups()]
