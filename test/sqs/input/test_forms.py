"""The forms that a right request can have: paths, methods, headers, chunks, encodings (reference A1)."""
import json
import urllib.parse

import pytest
from broker import ACCOUNT
from sockets import Socket
from wire import FORM_TYPE, JSON_TYPE, NAMESPACE, Client, encode, request_bytes


@pytest.fixture
def queue(sqs, name):
    return sqs.create(name)


def path_of(queue):
    return "/" + queue.split("/", 3)[3]


@pytest.mark.parametrize("path", ["/", "", "/000000000000/some-name", "/queue/us-east-1/000000000000/x", "/x", "/?", "/a/b/c/d"])
def test_every_path_takes_a_post(sqs, queue, path):
    assert sqs.client.call("SendMessage", path=path or "/", QueueUrl=queue, MessageBody="b").ok


def test_the_path_is_the_queue_if_nothing_else_says_it(broker, queue):
    with Client(broker.address, "query") as client:
        answer = client.call("SendMessage", path=path_of(queue), MessageBody="b")
        assert answer.result["MD5OfMessageBody"] == "92eb5ffee6ae2fec3ad71c777531578f"
    with Client(broker.address, "query") as client:
        assert client.call("ReceiveMessage", path=path_of(queue)).result["Messages"][0]["Body"] == "b"


def test_the_parameter_beats_the_path(sqs, queue, name):
    other = sqs.create(name + "-other")
    sqs.client.do("SendMessage", path=path_of(other), QueueUrl=queue, MessageBody="b")
    assert sqs.counts(queue) == (1, 0, 0) and sqs.counts(other) == (0, 0, 0)


def get(broker, target, headers=None):
    with Client(broker.address, "query") as client:
        return client.raw("GET", target, headers or {}, None, "GetQueueAttributes", "query")


def test_get_on_a_queue_url(broker, queue):
    answer = get(broker, path_of(queue) + "?Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout&Version=2012-11-05")
    assert answer.result == {"Attributes": {"VisibilityTimeout": "30"}}


def test_get_with_blanks_and_plus(broker, sqs, queue):
    target = path_of(queue) + "?Action=SendMessage&MessageBody=a+b%20c%2Bd"
    with Client(broker.address, "query") as client:
        assert client.raw("GET", target, {}, None, "SendMessage", "query").ok
    assert sqs.bodies(queue) == ["a b c+d"]


@pytest.mark.parametrize("target", ["/", "/{queue}"])
def test_get_without_an_action(broker, queue, target):
    answer = get(broker, target.replace("/{queue}", path_of(queue)))
    assert answer.status == 404 and b"<UnknownOperationException" in answer.body


def test_json_for_a_get_that_accepts_it(broker, queue):
    target = path_of(queue) + "?Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout"
    answer = get(broker, target, {"Accept": "application/json"})
    assert answer.headers["content-type"].startswith("application/json")
    body = json.loads(answer.body)["GetQueueAttributesResponse"]
    found = body["GetQueueAttributesResult"]
    assert found in ({"Attributes": {"VisibilityTimeout": "30"}}, {"Attributes": [{"Name": "VisibilityTimeout", "Value": "30"}]})
    assert body["ResponseMetadata"]["RequestId"] == answer.request_id


def test_unknown_actions(client):
    answer = client.call("Nonsense", QueueUrl="x")
    assert answer.status == 400
    if client.protocol == "json":
        assert answer.error[1:] and json.loads(answer.body)["__type"] == "com.amazon.coral.service#UnknownOperationException"
    else:
        assert answer.error == ("InvalidAction", "The action Nonsense is not valid for this endpoint.")


@pytest.mark.parametrize("version", ["2012-11-05", "2011-10-01", "2009-02-01", None])
def test_versions_of_the_query_protocol(broker, queue, version):
    fields = {"Action": "GetQueueAttributes", "AttributeName.1": "VisibilityTimeout", "QueueUrl": queue, **({"Version": version} if version else {})}
    with Client(broker.address, "query") as client:
        answer = client.raw("POST", "/", {"Content-Type": FORM_TYPE}, urllib.parse.urlencode(fields).encode(), "GetQueueAttributes", "query")
    assert answer.ok and NAMESPACE.encode() in answer.body


@pytest.mark.parametrize("kind", [FORM_TYPE + "; charset=utf-8", FORM_TYPE.upper(), FORM_TYPE + ";charset=UTF-8"])
def test_content_types_of_forms(broker, queue, kind):
    with Client(broker.address, "query") as client:
        assert client.call("ListQueues", headers={"Content-Type": kind}).ok


def test_json_without_the_query_mode_header(broker, queue):
    headers, body = encode("json", "GetQueueUrl", {"QueueName": queue.rsplit("/", 1)[1]})
    del headers["x-amzn-query-mode"]
    with Client(broker.address) as client:
        assert client.raw("POST", "/", headers, body, "GetQueueUrl", "json").result == {"QueueUrl": queue}


@pytest.mark.parametrize("host", ["example.com:1234", "localhost", "sqs.eu-west-1.example.com", "10.0.0.1:80", "[::1]:9324"])
def test_urls_have_the_hosts_name(broker, sqs, queue, host):
    """Clients go where the URL says: it has to lead them back the way they came."""
    with Client(broker.address, sqs.client.protocol, account=ACCOUNT) as client:
        answer = client.call("GetQueueUrl", headers={"Host": host}, QueueName=queue.rsplit("/", 1)[1])
    assert answer.result == {"QueueUrl": f"http://{host}/{ACCOUNT}/{queue.rsplit('/', 1)[1]}"}


def test_a_continue_is_sent_when_it_is_asked_for(broker, sqs, queue):
    """As Java and Go ask, before a body."""
    request = request_bytes(broker.address, sqs.client.protocol, "SendMessage", {"QueueUrl": queue, "MessageBody": "b"},
                            headers={"Expect": "100-continue"})
    head, _, body = request.partition(b"\r\n\r\n")
    with Socket(broker.address) as socket:
        socket.send(head + b"\r\n\r\n")
        assert socket.answer()[0] == 100
        socket.send(body)
        assert socket.answer()[0] == 200


def chunked(protocol, address, queue, *sizes):
    headers, body = encode(protocol, "SendMessage", {"QueueUrl": queue, "MessageBody": "in chunks " * 20})
    lines = ["POST / HTTP/1.1", f"Host: {address}", "Transfer-Encoding: chunked", *(f"{k}: {v}" for k, v in headers.items())]
    pieces, at = [], 0
    for size in sizes:
        pieces.append(body[at:at + size])
        at += size
    pieces.append(body[at:])
    encoded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + encoded + b"0\r\n\r\n"


@pytest.mark.parametrize("sizes", [(), (1,), (1, 2, 3), (64, 64)])
def test_chunked_bodies(broker, sqs, queue, sizes):
    with Socket(broker.address) as socket:
        socket.send(chunked(sqs.client.protocol, broker.address, queue, *sizes))
        assert socket.answer()[0] == 200
    assert sqs.bodies(queue) == ["in chunks " * 20]


def test_requests_byte_by_byte_and_several_at_once(broker, sqs, queue):
    """Answers do not depend on how bytes arrive, and come in order."""
    one = request_bytes(broker.address, sqs.client.protocol, "SendMessage", {"QueueUrl": queue, "MessageBody": "b"})
    with Socket(broker.address) as socket:
        for byte in one:
            socket.send(bytes([byte]))
        assert socket.answer()[0] == 200
        bodies = [f"pipelined {n}" for n in range(10)]
        socket.send(b"".join(request_bytes(broker.address, sqs.client.protocol, "SendMessage", {"QueueUrl": queue, "MessageBody": body}) for body in bodies))
        answers = [socket.answer() for _ in bodies]
    assert [status for status, _, _ in answers] == [200] * 10
    from hashlib import md5
    for (_, _, answer), body in zip(answers, bodies):
        assert md5(body.encode()).hexdigest().encode() in answer
    assert sqs.counts(queue)[0] == 11


def test_a_connection_is_kept(broker, sqs, queue):
    with Socket(broker.address) as socket:
        for _ in range(100):
            socket.send(request_bytes(broker.address, sqs.client.protocol, "GetQueueUrl", {"QueueName": queue.rsplit("/", 1)[1]}))
            assert socket.answer()[0] == 200


def test_a_connection_is_closed_when_it_is_asked_for(broker, sqs, queue):
    with Socket(broker.address) as socket:
        socket.send(request_bytes(broker.address, sqs.client.protocol, "ListQueues", {}, headers={"Connection": "close"}))
        assert socket.answer()[0] == 200
        assert socket.is_closed(5)


def test_http_1_0(broker, sqs, queue):
    request = request_bytes(broker.address, sqs.client.protocol, "ListQueues", {}).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    with Socket(broker.address) as socket:
        socket.send(request)
        assert socket.answer()[0] == 200
        assert socket.is_closed(5)


@pytest.mark.parametrize("value, text", [(5, "5"), (True, "true"), (0.5, "0.5")])
def test_json_scalars_where_text_is_wanted(broker, name, value, text):
    with Client(broker.address) as client:
        queue = client.do("CreateQueue", QueueName=name)["QueueUrl"]
        client.do("SendMessage", QueueUrl=queue, MessageBody=value)
        assert client.do("ReceiveMessage", QueueUrl=queue)["Messages"][0]["Body"] == text
        client.do("DeleteQueue", QueueUrl=queue)


def test_json_nulls_are_absent(broker, name):
    with Client(broker.address) as client:
        queue = client.do("CreateQueue", QueueName=name, Attributes=None, tags=None)["QueueUrl"]
        client.do("SendMessage", QueueUrl=queue, MessageBody="b", DelaySeconds=None, MessageAttributes=None)
        assert len(client.do("ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=None)["Messages"]) == 1
        client.do("DeleteQueue", QueueUrl=queue)


def test_unknown_json_members_are_let_pass(broker, name):
    with Client(broker.address) as client:
        queue = client.do("CreateQueue", QueueName=name, Nonsense={"a": [1, {"b": None}]})["QueueUrl"]
        client.do("DeleteQueue", QueueUrl=queue)


@pytest.mark.parametrize("text", ["a\r\nb", "a\rb", "\"'<>&", "\t", " x ", "]]>", "ä😀"])
def test_xml_escapes(broker, name, text):
    """A raw CR would be normalised away by the client's parser, and its digest would not fit."""
    with Client(broker.address, "query") as client:
        queue = client.do("CreateQueue", QueueName=name)["QueueUrl"]
        client.do("SendMessage", QueueUrl=queue, MessageBody=text)
        answer = client.call("ReceiveMessage", QueueUrl=queue)
        assert answer.result["Messages"][0]["Body"] == text
        if "\r" in text:
            assert b"&#xD;" in answer.body or b"&#13;" in answer.body
        if '"' in text:
            assert b"&quot;" in answer.body
        client.do("DeleteQueue", QueueUrl=queue)


def test_an_empty_receive_has_its_result_element(broker, name):
    with Client(broker.address, "query") as client:
        queue = client.do("CreateQueue", QueueName=name)["QueueUrl"]
        assert b"<ReceiveMessageResult" in client.call("ReceiveMessage", QueueUrl=queue).body
        client.do("DeleteQueue", QueueUrl=queue)


def test_the_type_of_json_answers(broker):
    with Client(broker.address) as client:
        assert client.call("ListQueues").headers["content-type"] == JSON_TYPE
