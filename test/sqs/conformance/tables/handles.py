"""DeleteMessage and ChangeMessageVisibility: good handles, bad handles, limits."""
from answers import Error, value_error
from rows import Row

FORGED = ("nonsense", "a", "0", "-", "AQEB", "=" * 8, "A" * 1024, "ä", "a b", "\n", "$handle" + "x", "x" + "$handle", "../..", "%00", "<x>", '"', "'")


def invalid(handle):
    return Error("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.')


def handle(value, **more):
    return {"QueueUrl": "$std", "ReceiptHandle": value, **more}


def rows():
    for action, more in (("DeleteMessage", {}), ("ChangeMessageVisibility", {"VisibilityTimeout": 60})):
        for value in FORGED:
            yield Row(action, handle(value, **more), invalid(value))
        yield Row(action, handle("$other", **more), invalid("$other"), note="of_another_queue")
        yield Row(action, handle("$fifohandle", **more), invalid("$fifohandle"), note="of_a_fifo_queue")
        yield Row(action, handle("$handle", **more), {}, note="good")
        yield Row(action, {"QueueUrl": "$cbd", "ReceiptHandle": "$fifohandle", **more}, {}, note="good_fifo")
        yield Row(action, {"QueueUrl": "$gone", "ReceiptHandle": "$handle", **more}, Error("AWS.SimpleQueueService.NonExistentQueue", None),
                  note="queue_gone")
    yield Row("DeleteMessage", handle("$handle"), {}, after=[("DeleteMessage", handle("$handle"))], note="twice")
    for value in (0, 1, 43199):
        yield Row("ChangeMessageVisibility", handle("$handle", VisibilityTimeout=value), {}, note=f"good_{value}")
    for value in (-1, 43201, 100000):
        text = f"Value {value} for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200."
        yield Row("ChangeMessageVisibility", handle("$handle", VisibilityTimeout=value), value_error(text), note=f"bad_{value}")
    # Of a message that is not there any more.
    gone = "Value $handle for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change."
    yield Row("ChangeMessageVisibility", handle("$handle", VisibilityTimeout=5), value_error(gone), note="deleted",
              after=[("DeleteMessage", handle("$handle"))])


ROWS = list(rows())
