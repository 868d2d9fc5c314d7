"""What an answer has to be, whole, in either protocol: one function makes it of (error, text) or of a result.

Both sides of a comparison are plain dictionaries, so that a difference reads well. What differs in every run (ids,
handles, times) is checked for its form and replaced by a mark.
"""
import json
import re
import time

from wire import JSON_TYPE, STRICT, UUID

SQS, CORAL = "com.amazonaws.sqs#", "com.amazon.coral.service#"
# Query code: (type in JSON, status in JSON, status in Query). One status means both.
OWN = "AWS.SimpleQueueService."
ERRORS = {
    OWN + "NonExistentQueue": (SQS + "QueueDoesNotExist", 400, 400),
    OWN + "QueueDeletedRecently": (SQS + "QueueDeletedRecently", 400, 400),
    OWN + "PurgeQueueInProgress": (SQS + "PurgeQueueInProgress", 403, 403),
    OWN + "EmptyBatchRequest": (SQS + "EmptyBatchRequest", 400, 400),
    OWN + "TooManyEntriesInBatchRequest": (SQS + "TooManyEntriesInBatchRequest", 400, 400),
    OWN + "BatchEntryIdsNotDistinct": (SQS + "BatchEntryIdsNotDistinct", 400, 400),
    OWN + "InvalidBatchEntryId": (SQS + "InvalidBatchEntryId", 400, 400),
    OWN + "BatchRequestTooLong": (SQS + "BatchRequestTooLong", 400, 400),
    OWN + "MessageNotInflight": (SQS + "MessageNotInflight", 400, 400),
    OWN + "UnsupportedOperation": (SQS + "UnsupportedOperation", 400, 400),
    "QueueAlreadyExists": (SQS + "QueueNameExists", 400, 400),
    "ReceiptHandleIsInvalid": (SQS + "ReceiptHandleIsInvalid", 404, 400),
    "InvalidParameterValue": (CORAL + "InvalidParameterValueException", 400, 400),
    "MissingParameter": (CORAL + "MissingRequiredParameterException", 400, 400),
    "InvalidAttributeName": (SQS + "InvalidAttributeName", 400, 400),
    "InvalidAttributeValue": (SQS + "InvalidAttributeValue", 400, 400),
    "InvalidMessageContents": (SQS + "InvalidMessageContents", 400, 400),
    "OverLimit": (SQS + "OverLimit", 403, 403),
    "ResourceNotFoundException": (SQS + "ResourceNotFoundException", 404, 404),
    "AccessDenied": (SQS + "AccessDeniedException", 403, 403),
}
GONE = "The specified queue does not exist"


class Error:
    """`text` None: any text, where nobody outside AWS knows the words."""

    def __init__(self, code, text):
        self.code, self.text = code, text

    def expected(self, protocol):
        kind, json_status, query_status = ERRORS[self.code]
        text = self.text
        if self.code == OWN + "NonExistentQueue":
            text = GONE + ("." if protocol == "json" else " for this wsdl version.")
        if protocol == "json":
            return {"status": json_status, "content-type": JSON_TYPE, "x-amzn-query-error": f"{self.code};Sender",
                    "__type": kind, "message": text}
        return {"status": query_status, "content-type": "text/xml",
                "tags": ["Error", "Type", "Code", "Message", "Detail", "RequestId"],
                "Type": "Sender", "Code": self.code, "Message": text}

    def actual(self, answer):
        if answer.protocol == "json":
            body = parsed(answer.body)
            return {"status": answer.status, "content-type": answer.headers.get("content-type"),
                    "x-amzn-query-error": answer.headers.get("x-amzn-query-error"), **self.without_text(body, "message")}
        if answer.ok:
            return {"status": 200, "body": answer.body}
        check_request_id(answer)
        root = answer.xml_root()
        assert root.tag == "ErrorResponse" and root.findtext("RequestId") == answer.request_id
        error = {name: root.findtext(f"Error/{name}") for name in ("Type", "Code", "Message")}
        tags = [element.tag for element in root.iter()][1:]
        return {"status": answer.status, "content-type": answer.headers["content-type"].split(";")[0], "tags": tags,
                **self.without_text(error, "Message")}

    def without_text(self, error, name):
        return {**error, name: None} if self.text is None and error.get(name) and \
            self.code != OWN + "NonExistentQueue" else error

    def entry(self, id_):
        """The same as the entry of a batch that failed."""
        return {"Id": id_, "SenderFault": True, "Code": self.code, "Message": self.text}


def parsed(body):
    try:
        return json.loads(body)
    except ValueError:
        return {"body": body}


def check_request_id(answer):
    assert not STRICT or answer.request_id and UUID.fullmatch(answer.request_id), f"x-amzn-RequestId: {answer.request_id}"


class Result:
    def __init__(self, value):
        self.value = value

    def expected(self, _protocol):
        return {"status": 200, "result": self.value}

    def actual(self, answer):
        if not answer.ok:
            return {"status": answer.status, "body": answer.body.decode(errors="replace")}
        check_request_id(answer)
        return {"status": 200, "result": masked(answer.result)}


def value_error(text):
    return Error("InvalidParameterValue", text)


def missing(name):
    return Error("MissingParameter", f"The request must contain the parameter {name}.")


def attribute_value(name, reason=""):
    return Error("InvalidAttributeValue", f"Invalid value for the parameter {name}." + (f" Reason: {reason}" if reason else ""))


def unknown_attribute(name):
    return Error("InvalidAttributeName", f"Unknown Attribute {name}.")


NO_QUEUE = Error(OWN + "NonExistentQueue", None)


# -- what differs in every run --------------------------------------------------------

def near_now(seconds_back=3600):
    return lambda text: time.time() - seconds_back < int(text) < time.time() + 60


def near_now_ms(text):
    return near_now()(int(text) // 1000)


FORMS = {
    "MessageId": lambda text: UUID.fullmatch(text),
    "ReceiptHandle": lambda text: 1 <= len(text) <= 1024,
    "SequenceNumber": lambda text: re.fullmatch(r"\d{20}", text),
    "CreatedTimestamp": near_now(), "LastModifiedTimestamp": near_now(),
    "SentTimestamp": near_now_ms, "ApproximateFirstReceiveTimestamp": near_now_ms,
    "StartedTimestamp": near_now_ms,
    "SenderId": lambda text: text, "TaskHandle": lambda text: text, "NextToken": lambda text: text,
}


def masked(value, name=None):
    if isinstance(value, dict):
        return {key: masked(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, name) for inner in value]
    if name in FORMS:
        assert FORMS[name](value), f"{name} is {value!r}"
        return f"<{name}>"
    return value
