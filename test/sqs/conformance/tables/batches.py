"""The three batches: what refuses the whole request, and what harms one entry only."""
from answers import OWN, Error, missing, value_error
from rows import Row, attribute, entries
from tables.sending import CHARACTERS, sent
from world import SMALL

MAXIMUM = 1048576
GOOD = {"SendMessageBatch": {"MessageBody": "b"}, "DeleteMessageBatch": {"ReceiptHandle": "$handle"},
        "ChangeMessageVisibilityBatch": {"ReceiptHandle": "$handle", "VisibilityTimeout": 60}}
BAD_ID = Error(OWN + "InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
               "It can be at most 80 letters long.")


def answer(successful=(), failed=()):
    return {**({"Successful": list(successful)} if successful else {}), **({"Failed": list(failed)} if failed else {})}


def whole():
    for action, good in GOOD.items():
        def row(expected, *ids, note, action=action, good=good, **parameters):
            made = entries(*({"Id": one, **good} for one in ids))
            return Row(action, {**made, **parameters}, expected, note=note)
        empty = Error(OWN + "EmptyBatchRequest", f"There should be at least one {action}RequestEntry in the request.")
        yield row(empty, note="empty")
        yield Row(action, {"QueueUrl": "$std"}, missing("Entries"), only="json")
        for count in (11, 12, 20):
            text = f"Maximum number of entries per request are 10. You have sent {count}."
            yield row(Error(OWN + "TooManyEntriesInBatchRequest", text), *(str(n) for n in range(count)), note=f"{count}_entries")
        yield row(Error(OWN + "BatchEntryIdsNotDistinct", "Id a repeated."), "a", "a", note="same_ids")
        yield row(Error(OWN + "BatchEntryIdsNotDistinct", "Id b repeated."), "a", "b", "c", "b", note="same_ids_later")
        for one in ("", "a" * 81, "a b", "a:b", "a.b", "ä", "a/b", "testLongId" * 10):
            yield row(BAD_ID, "good", one, note=f"bad_id_{len(one)}_{one[:4]}")
        yield Row(action, entries({"Id": "a", **good}, good), missing(f"{action}RequestEntry.2.Id"), note="no_id")
        yield row(Error(OWN + "NonExistentQueue", None), "a", note="no_queue", QueueUrl="$gone")


def sending():
    def one(number, **entry):
        return {"Id": f"m{number}", "MessageBody": f"body {number}", **entry}

    def good(number, **more):
        return {"Id": f"m{number}", **sent(f"body {number}", **more)}
    for count in (1, 2, 10):
        yield Row("SendMessageBatch", entries(*(one(n) for n in range(count))), answer([good(n) for n in range(count)]), note=f"{count}_good")
        yield Row("SendMessageBatch", entries(*(one(n, MessageGroupId="g") for n in range(count)), queue="$newfifo"),
                  answer([good(n, fifo=True) for n in range(count)]), note=f"{count}_good_fifo",
                  after=[("SetQueueAttributes", {"QueueUrl": "$newfifo", "Attributes": {"ContentBasedDeduplication": "true"}})])
    for made in ("a" * 80, "-", "_", "A-Z_0-9"):
        yield Row("SendMessageBatch", entries({"Id": made, "MessageBody": "b"}), answer([{"Id": made, **sent("b")}]), note=f"id_{made[:8]}")
    more = {"n": attribute("v")}
    yield Row("SendMessageBatch", entries(one(0, MessageAttributes=more)), answer([good(0, attributes=more)]))
    trace = {"AWSTraceHeader": attribute("Root=1")}
    yield Row("SendMessageBatch", entries(one(0, MessageSystemAttributes=trace)), answer([good(0, system=trace)]))
    shorter = f"One or more parameters cannot be validated. Reason: Message must be shorter than {SMALL} bytes."
    for spoiled, error in (
            ({"MessageBody": ""}, missing("SendMessageBatchRequestEntry.2.MessageBody")),
            ({"MessageBody": "\0"}, Error("InvalidMessageContents", CHARACTERS)),
            ({"DelaySeconds": 901}, value_error("Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.")),
            ({"DelaySeconds": -1}, value_error("Value -1 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.")),
            ({"MessageDeduplicationId": "d"}, value_error("The request include parameter that is not valid for this queue type")),
            ({"MessageAttributes": {"a": attribute("")}}, value_error("Message (user) attribute 'a' must contain a non-empty value of type 'String'.")),
            ({"MessageAttributes": {"a": attribute("x", "Number")}}, value_error("Can't cast the value of message (user) attribute 'a' to a number.")),
            ({"MessageAttributes": {"AWS.a": attribute("x")}}, value_error("You can't use message attribute names beginning with 'AWS.' or 'Amazon'. "
                                                                          "These strings are reserved for internal use.")),
            ({"MessageSystemAttributes": {"Hello": attribute("x")}}, value_error("Message system attribute name 'Hello' is invalid.")),
            ({"MessageBody": "x" * (SMALL + 1)}, value_error(shorter))):
        yield Row("SendMessageBatch", entries(one(0), one(1, **spoiled), one(2), queue="$small"),
                  answer([good(0), good(2)], [error.entry("m1")]), note="one_bad_" + "_".join(f"{k}_{str(v)[:12]}" for k, v in spoiled.items()))
    yield Row("SendMessageBatch", entries(one(0, DelaySeconds=901), queue="$small"), answer(failed=[
        value_error("Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.").entry("m0")]), note="all_bad")
    # A FIFO queue's batch without a group or a deduplication id is refused as a whole.
    yield Row("SendMessageBatch", entries(one(0), queue="$cbd"), value_error("The request must contain the parameter MessageGroupId."))
    yield Row("SendMessageBatch", entries(one(0, MessageGroupId="g"), queue="$fifo"), value_error(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"))
    half = MAXIMUM // 2
    for extra, queue in ((1, "$std"), (100, "$std"), (1, "$small")):
        text = f"Batch requests cannot be longer than {MAXIMUM} bytes. You have sent {MAXIMUM + extra} bytes."
        yield Row("SendMessageBatch", entries(one(0, MessageBody="x" * half), one(1, MessageBody="y" * (half + extra)), queue=queue),
                  Error(OWN + "BatchRequestTooLong", text), note=f"too_long_{extra}_{queue[1:]}")
    fits = [{"Id": f"m{n}", **sent(text)} for n, text in enumerate(("x" * half, "y" * half))]
    yield Row("SendMessageBatch", entries(one(0, MessageBody="x" * half), one(1, MessageBody="y" * half)), answer(fits), note="just_fits")


def handles():
    invalid = Error("ReceiptHandleIsInvalid", 'The input receipt handle "nonsense" is not a valid receipt handle.')
    for action, good in list(GOOD.items())[1:]:
        yield Row(action, entries({"Id": "a", **good}), answer([{"Id": "a"}]), note="one_good")
        yield Row(action, entries({"Id": "a", **good}, {"Id": "b", **good, "ReceiptHandle": "nonsense"}),
                  answer([{"Id": "a"}], [invalid.entry("b")]), note="one_bad")
        yield Row(action, entries({"Id": "b", **good, "ReceiptHandle": "nonsense"}), answer(failed=[invalid.entry("b")]), note="all_bad")
        yield Row(action, entries({"Id": "b", **good, "ReceiptHandle": ""}),
                  answer(failed=[missing(f"{action}RequestEntry.1.ReceiptHandle").entry("b")]), note="no_handle")
    for value in (-1, 43201):
        error = value_error(f"Value {value} for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200.")
        yield Row("ChangeMessageVisibilityBatch", entries({"Id": "a", "ReceiptHandle": "$handle", "VisibilityTimeout": value}),
                  answer(failed=[error.entry("a")]))


ROWS = [*whole(), *sending(), *handles()]

