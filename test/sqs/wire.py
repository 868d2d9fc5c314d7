"""SQS as bytes: requests of both protocols from one description, and answers of both read back into one shape.

A request is written as the JSON protocol has it (`{"QueueUrl": ..., "MessageBody": ...}`); for the Query protocol it is
flattened by the tables below. An answer's `result` is again what the JSON protocol has, whichever protocol it came in.
Reading is strict: an element, attribute or header that does not belong there is an error.
"""
import base64
import http.client
import json
import os
import re
import urllib.parse
import xml.etree.ElementTree as ElementTree

STRICT = os.environ.get("NARU_TEST_PEER", "naru") == "naru"  # look-alikes differ in what no client looks at
NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"
JSON_TYPE = "application/x-amz-json-1.0"
FORM_TYPE = "application/x-www-form-urlencoded"

LISTS = {"AttributeNames": "AttributeName", "MessageSystemAttributeNames": "AttributeName",
         "MessageAttributeNames": "MessageAttributeName", "TagKeys": "TagKey", "Actions": "ActionName",
         "AWSAccountIds": "AWSAccountId"}
MAPS = {"Attributes": ("Attribute", "Name"), "Tags": ("Tag", "Key"), "tags": ("Tag", "Key"),
        "MessageAttributes": ("MessageAttribute", "Name"), "MessageSystemAttributes": ("MessageSystemAttribute", "Name")}
# action: {element of the XML result: (name in JSON, how to read it)}
TEXT, NUMBER, TRUTH = "text", "number", "truth"
VALUE = {"DataType": ("DataType", TEXT), "StringValue": ("StringValue", TEXT), "BinaryValue": ("BinaryValue", TEXT)}
MESSAGE = {"MessageId": ("MessageId", TEXT), "ReceiptHandle": ("ReceiptHandle", TEXT), "MD5OfBody": ("MD5OfBody", TEXT),
           "Body": ("Body", TEXT), "Attribute": ("Attributes", ("map", "Name", "Value", TEXT)),
           "MD5OfMessageAttributes": ("MD5OfMessageAttributes", TEXT),
           "MessageAttribute": ("MessageAttributes", ("map", "Name", "Value", VALUE))}
SENT = {name: (name, TEXT) for name in ("MessageId", "MD5OfMessageBody", "MD5OfMessageAttributes",
                                        "MD5OfMessageSystemAttributes", "SequenceNumber")}
FAILED = ("Failed", ("list", {"Id": ("Id", TEXT), "Code": ("Code", TEXT), "Message": ("Message", TEXT),
                              "SenderFault": ("SenderFault", TRUTH)}))
ID = {"Id": ("Id", TEXT)}
TASK = {name: (name, TEXT) for name in ("TaskHandle", "Status", "SourceArn", "DestinationArn", "FailureReason")} | {
    name: (name, NUMBER) for name in ("MaxNumberOfMessagesPerSecond", "ApproximateNumberOfMessagesMoved",
                                      "ApproximateNumberOfMessagesToMove", "StartedTimestamp")}
RESULTS = {
    "CreateQueue": {"QueueUrl": ("QueueUrl", TEXT)},
    "GetQueueUrl": {"QueueUrl": ("QueueUrl", TEXT)},
    "ListQueues": {"QueueUrl": ("QueueUrls", ("list", TEXT)), "NextToken": ("NextToken", TEXT)},
    "ListDeadLetterSourceQueues": {"QueueUrl": ("queueUrls", ("list", TEXT)), "NextToken": ("NextToken", TEXT)},
    "GetQueueAttributes": {"Attribute": ("Attributes", ("map", "Name", "Value", TEXT))},
    "ListQueueTags": {"Tag": ("Tags", ("map", "Key", "Value", TEXT))},
    "SendMessage": SENT,
    "SendMessageBatch": {"SendMessageBatchResultEntry": ("Successful", ("list", SENT | ID)), "BatchResultErrorEntry": FAILED},
    "ReceiveMessage": {"Message": ("Messages", ("list", MESSAGE))},
    "DeleteMessageBatch": {"DeleteMessageBatchResultEntry": ("Successful", ("list", ID)), "BatchResultErrorEntry": FAILED},
    "ChangeMessageVisibilityBatch": {"ChangeMessageVisibilityBatchResultEntry": ("Successful", ("list", ID)),
                                     "BatchResultErrorEntry": FAILED},
    "StartMessageMoveTask": {"TaskHandle": ("TaskHandle", TEXT)},
    "ListMessageMoveTasks": {"ListMessageMoveTasksResultEntry": ("Results", ("list", TASK))},
    "CancelMessageMoveTask": {"ApproximateNumberOfMessagesMoved": ("ApproximateNumberOfMessagesMoved", NUMBER)},
}
VOID = ("DeleteQueue", "PurgeQueue", "SetQueueAttributes", "DeleteMessage", "ChangeMessageVisibility", "AddPermission",
        "RemovePermission", "TagQueue", "UntagQueue")
ACTIONS = (*RESULTS, *VOID)
assert len(ACTIONS) == 23


# -- requests -----------------------------------------------------------------------

def to_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def flatten(action, parameters, prefix=""):
    """[(name, text)] of the Query protocol."""
    fields = []
    for name, value in parameters.items():
        if isinstance(value, dict) and name in MAPS:
            element, key = MAPS[name]
            for number, (one, inner) in enumerate(value.items(), 1):
                fields.append((f"{prefix}{element}.{number}.{key}", one))
                fields += flatten_value(f"{prefix}{element}.{number}.Value", inner)
        elif isinstance(value, list) and name == "Entries":
            for number, entry in enumerate(value, 1):
                fields += flatten(action, entry, f"{prefix}{action}RequestEntry.{number}.")
        elif isinstance(value, list):
            fields += [(f"{prefix}{LISTS.get(name, name)}.{number}", to_text(one)) for number, one in enumerate(value, 1)]
        else:
            fields.append((prefix + name, to_text(value)))
    return fields


def flatten_value(prefix, value):
    if isinstance(value, dict):
        return [(f"{prefix}.{name}", to_text(inner)) for name, inner in value.items()]
    return [(prefix, to_text(value))]


def encode(protocol, action, parameters):
    """(headers, body)"""
    if protocol == "json":
        headers = {"Content-Type": JSON_TYPE, "X-Amz-Target": f"AmazonSQS.{action}", "x-amzn-query-mode": "true"}
        return headers, json.dumps(parameters, default=to_text).encode()
    fields = [("Action", action), ("Version", "2012-11-05"), *flatten(action, parameters)]
    return {"Content-Type": FORM_TYPE}, urllib.parse.urlencode(fields).encode()


def request_bytes(address, protocol, action, parameters, path="/", headers=None):
    """A whole request, to be sent by hand."""
    made, body = encode(protocol, action, parameters)
    lines = [f"POST {path} HTTP/1.1", f"Host: {address}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in {**made, **(headers or {})}.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# -- answers ------------------------------------------------------------------------

class Answer:
    def __init__(self, protocol, action, status, headers, body):
        self.protocol, self.action, self.status, self.body = protocol, action, status, body
        self.headers = {}
        for name, value in headers:
            name = name.lower()
            assert name not in self.headers or name not in ("content-type", "x-amzn-requestid", "content-length"), \
                f"{name} comes twice"
            self.headers[name] = value

    @property
    def ok(self):
        return self.status == 200

    def __repr__(self):
        return f"{self.status} {self.body[:2000]!r}"

    @property
    def result(self):
        """What a 200 says, as the JSON protocol has it."""
        assert self.ok, f"{self.action}: {self}"
        return self.json_result() if self.protocol == "json" else self.xml_result()

    def json_result(self):
        assert not STRICT or self.headers.get("content-type") == JSON_TYPE, self.headers
        if self.action in VOID:
            assert not STRICT or self.body in (b"", b"{}"), self.body
            return {}
        result = json.loads(self.body)
        assert not STRICT or set(result) <= {name for name, _ in RESULTS[self.action].values()}, f"unknown: {result}"
        return result

    def xml_root(self):
        assert not STRICT or self.headers.get("content-type", "").startswith("text/xml"), self.headers
        return strip_namespace(ElementTree.fromstring(self.body), self.body)

    def xml_result(self):
        root = self.xml_root()
        assert not STRICT or root.tag == f"{self.action}Response" and not root.attrib
        tags = [child.tag for child in root]
        void = self.action in VOID
        assert not STRICT or tags == (["ResponseMetadata"] if void else [f"{self.action}Result", "ResponseMetadata"]), tags
        assert not STRICT or [(e.tag, e.text) for e in root[-1]] == [("RequestId", self.request_id)]
        return {} if void else read_structure(root[0], RESULTS[self.action])

    @property
    def request_id(self):
        return self.headers.get("x-amzn-requestid")

    @property
    def error(self):
        """(query code, text) of a refusal, read strictly."""
        assert not self.ok, f"{self.action} succeeds: {self}"
        if self.protocol == "json":
            body = json.loads(self.body)
            assert not STRICT or set(body) == {"__type", "message"}, body
            return self.headers.get("x-amzn-query-error", ";").rsplit(";", 1)[0] or body["__type"], body.get("message", body.get("Message"))
        root = self.xml_root()
        return root.findtext("Error/Code"), root.findtext("Error/Message")


def strip_namespace(root, body):
    for element in root.iter():
        assert element.tag.startswith("{" + NAMESPACE + "}"), f"{element.tag} in {body[:500]!r}"
        element.tag = element.tag.split("}", 1)[1]
    return root


def read_structure(element, fields):
    found = {}
    assert not (element.text or "").strip() or not len(element), f"text beside elements: {element.text!r}"
    for child in element:
        if not STRICT and child.tag not in fields:
            continue
        assert child.tag in fields, f"<{child.tag}> in <{element.tag}>"
        name, how = fields[child.tag]
        if isinstance(how, tuple) and how[0] == "list":
            found.setdefault(name, []).append(read_value(child, how[1]))
        elif isinstance(how, tuple):
            _, key, value, inner = how
            assert [one.tag for one in child] == [key, value], [one.tag for one in child]
            found.setdefault(name, {})[child[0].text or ""] = read_value(child[1], inner)
        else:
            assert name not in found, f"<{child.tag}> twice"
            found[name] = read_value(child, how)
    return found


def read_value(element, how):
    if isinstance(how, dict):
        return read_structure(element, how)
    text = element.text or ""
    assert len(element) == 0, f"elements in <{element.tag}>"
    if how == NUMBER:
        return int(text)
    if how == TRUTH:
        assert text in ("true", "false")
        return text == "true"
    return text


# -- connections --------------------------------------------------------------------

class Client:
    """One kept connection. `protocol` is json or query."""

    def __init__(self, address, protocol="json", seconds=60, account="000000000000"):
        self.address, self.protocol, self.account = address, protocol, account
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=seconds)

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def raw(self, method, path, headers, body, action=None, protocol=None):
        try:
            return self.exchange(method, path, headers, body, action, protocol)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # A server may close a kept connection after any answer, before it saw this request.
            self.connection.close()
            return self.exchange(method, path, headers, body, action, protocol)

    def exchange(self, method, path, headers, body, action, protocol):
        self.connection.request(method, path, body=body, headers=headers)
        response = self.connection.getresponse()
        return Answer(protocol or self.protocol, action, response.status, response.getheaders(), response.read())

    def call(self, action, parameters=None, protocol=None, path="/", headers=None, **more):
        """One action; parameters by name or as a dictionary. The answer may be a refusal."""
        protocol = protocol or self.protocol
        made, body = encode(protocol, action, {**(parameters or {}), **more})
        return self.raw("POST", path, {**made, **(headers or {})}, body, action, protocol)

    def do(self, action, parameters=None, **more):
        """The result of an action that must succeed."""
        return self.call(action, parameters, **more).result

    def url(self, name):
        return f"http://{self.address}/{self.account}/{name}"


UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
