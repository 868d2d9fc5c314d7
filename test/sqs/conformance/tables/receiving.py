"""ReceiveMessage: its parameters and what of a message it shows."""
import base64
import hashlib

from answers import unknown_attribute, value_error
from rows import Row, attribute
from tables.sending import digest, md5

FOUR = {"Foo": attribute("1"), "Foo.a": attribute("2"), "Food": attribute("3", "Number"), "Bar": attribute(b"\0", "Binary", "BinaryValue")}
SYSTEM = {"SenderId": "<SenderId>", "SentTimestamp": "<SentTimestamp>", "ApproximateReceiveCount": "1",
          "ApproximateFirstReceiveTimestamp": "<ApproximateFirstReceiveTimestamp>"}


def receive(expected, queue="$new", after=(), note="", **parameters):
    return Row("ReceiveMessage", {"QueueUrl": queue, **parameters}, expected, after=after, note=note)


def message(text, **more):
    return {"MessageId": "<MessageId>", "ReceiptHandle": "<ReceiptHandle>", "MD5OfBody": md5(text), "Body": text, **more}


def sent(text="b", queue="$new", **more):
    return ("SendMessage", {"QueueUrl": queue, "MessageBody": text, **more})


def parameters():
    yield receive({})
    for value in (0, -1, 11, 100):
        yield receive(value_error(f"Value {value} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."),
                      MaxNumberOfMessages=value)
    for value in (1, 2, 10):
        yield receive({}, MaxNumberOfMessages=value)
    for value in (-1, 21, 100):
        yield receive(value_error(f"Value {value} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."),
                      WaitTimeSeconds=value)
    for value in (-1, 43201):
        yield receive(value_error(f"Value {value} for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided."),
                      VisibilityTimeout=value)
    for value in (0, 1, 43200):
        yield receive({}, VisibilityTimeout=value)
        yield receive({"Messages": [message("b")]}, VisibilityTimeout=value, after=[sent()], note=f"one_VisibilityTimeout_{value}")
    for name in ("Nonsense", "all", "senderId"):
        yield receive(unknown_attribute(name), AttributeNames=[name])
        yield receive(unknown_attribute(name), MessageSystemAttributeNames=["SenderId", name])


def bodies():
    for text in ("b", "\r", "\n", "a\r\nb", '"<&>"', "'", "ä 日本 😀", " x ", "\t", "]]>", "\ue000\ufffd", "x" * 10000):
        yield receive({"Messages": [message(text)]}, after=[sent(text)])
    for value in (attribute("a\r\nb"), attribute('"<&>"'), attribute("ä", "String.url"), attribute(b"\0\1\xfe\xff", "Binary.x", "BinaryValue")):
        shown = dict(value)
        if "BinaryValue" in shown:
            shown["BinaryValue"] = base64.b64encode(shown["BinaryValue"]).decode()
        yield receive({"Messages": [message("b", MD5OfMessageAttributes=digest({"n": value}), MessageAttributes={"n": shown})]},
                      after=[sent(MessageAttributes={"n": value})], MessageAttributeNames=["All"])


def names_of_attributes():
    """The digest is over what is shown, not over what was sent."""
    every = ["Bar", "Foo", "Foo.a", "Food"]
    for asked, shown in ((["All"], every), ([".*"], every), (["Foo"], ["Foo"]), (["Foo", "Bar"], ["Bar", "Foo"]),
                         (["Foo.*"], ["Foo", "Foo.a", "Food"]), (["F.*"], ["Foo", "Foo.a", "Food"]), (["Nothing"], []), (["Foo", "Nothing"], ["Foo"]),
                         (["foo"], []), (["Bar.*", "Foo"], ["Bar", "Foo"]), ([], [])):
        more = {}
        if shown:
            picked = {name: FOUR[name] for name in shown}
            more = {"MD5OfMessageAttributes": digest(picked),
                    "MessageAttributes": {name: value if name != "Bar" else {"DataType": "Binary", "BinaryValue": "AA=="} for name, value in picked.items()}}
        yield receive({"Messages": [message("b", **more)]}, after=[sent(MessageAttributes=FOUR)], MessageAttributeNames=asked,
                      note="names_" + "_".join(asked).replace("*", "star"))


def system_attributes():
    for how in ("AttributeNames", "MessageSystemAttributeNames"):
        yield receive({"Messages": [message("b", Attributes=SYSTEM)]}, after=[sent()], **{how: ["All"]})
        for name, value in SYSTEM.items():
            yield receive({"Messages": [message("b", Attributes={name: value})]}, after=[sent()], **{how: [name]})
        yield receive({"Messages": [message("b", Attributes={"ApproximateReceiveCount": "1", "SenderId": "<SenderId>"})]}, after=[sent()],
                      **{how: ["SenderId", "ApproximateReceiveCount"]})
        for name in ("SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn"):
            yield receive({"Messages": [message("b")]}, after=[sent()], **{how: [name]})
    both = {"AttributeNames": ["SenderId"], "MessageSystemAttributeNames": ["ApproximateReceiveCount"]}
    yield receive({"Messages": [message("b", Attributes={"ApproximateReceiveCount": "1", "SenderId": "<SenderId>"})]}, after=[sent()],
                  note="union", **both).for_json()
    trace = {"AWSTraceHeader": attribute("Root=1")}
    yield receive({"Messages": [message("b", Attributes=SYSTEM | {"AWSTraceHeader": "Root=1"})]}, after=[sent(MessageSystemAttributes=trace)],
                  AttributeNames=["All"])
    yield receive({"Messages": [message("b", Attributes=SYSTEM | {"MessageGroupId": "g"})]}, after=[sent(MessageGroupId="g")],
                  AttributeNames=["All"], note="group_on_a_standard_queue")
    fifo = SYSTEM | {"SequenceNumber": "<SequenceNumber>", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    yield receive({"Messages": [message("b", Attributes=fifo)]}, queue="$newfifo", AttributeNames=["All"],
                  after=[sent(queue="$newfifo", MessageGroupId="g", MessageDeduplicationId="d")])
    content = ("SetQueueAttributes", {"QueueUrl": "$newfifo", "Attributes": {"ContentBasedDeduplication": "true"}})
    yield receive({"Messages": [message("b", Attributes=fifo | {"MessageDeduplicationId": hashlib.sha256(b"b").hexdigest()})]},
                  queue="$newfifo", AttributeNames=["All"], after=[content, sent(queue="$newfifo", MessageGroupId="g")], note="content_based")
    ask = {"MaxNumberOfMessages": 10}
    yield receive({"Messages": [message("1"), message("2"), message("3")]}, queue="$newfifo", note="three_of_a_group",
                  after=[content, *(sent(text, "$newfifo", MessageGroupId="g") for text in "123")], **ask)
    yield receive({"Messages": [message("b")]}, queue="$newfifo", ReceiveRequestAttemptId="attempt-1",
                  after=[sent(queue="$newfifo", MessageGroupId="g", MessageDeduplicationId="d")])


ROWS = [*parameters(), *bodies(), *names_of_attributes(), *system_attributes()]
