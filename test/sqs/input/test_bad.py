"""What no client should send, and what a broker has to bear: it answers or hangs up, goes on serving others, and stores nothing."""
import json
import socket as sockets_
import threading
import time

import pytest
from sockets import Socket
from wire import FORM_TYPE, JSON_TYPE, Client, encode, request_bytes

MIB = 1 << 20
QUICK = 15  # seconds, on any machine: who waits for the others waits a minute


@pytest.fixture
def queue(sqs, name):
    return sqs.create(name)


@pytest.fixture(autouse=True)
def still_serves(request):
    """After each test here the broker answers as if nothing had happened, and quickly."""
    yield
    broker = request.getfixturevalue("broker")
    begin = time.monotonic()
    with Client(broker.address) as client:
        assert client.call("ListQueues").ok
    assert time.monotonic() - begin < QUICK


def post(broker, body, kind=JSON_TYPE, action="SendMessage", protocol="json"):
    with Client(broker.address, protocol) as client:
        headers = {"Content-Type": kind}
        if protocol == "json":
            headers["X-Amz-Target"] = f"AmazonSQS.{action}"
        return client.raw("POST", "/", headers, body, action, protocol)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"5", b'"x"', b"{}x", b'{"QueueUrl":}', b'{"QueueUrl":"a",}', b"{'a':1}", b"\xff\xfe",
                                  b'{"a":' * 100000, b"[" * 100000, b'{"QueueUrl":"\xff"}', b'{"QueueUrl":"\\ud800"}', b'{"a":1e999999}',
                                  b"\0" * 1000], ids=range(17))
def test_bodies_that_are_no_json(broker, body):
    answer = post(broker, body)
    assert 400 <= answer.status < 500
    assert json.loads(answer.body)["__type"]


@pytest.mark.parametrize("body, kind, protocol", [
    (b'{"QueueUrl":"a","x":[' + b"0," * 200_000 + b"0]}", JSON_TYPE, "json"),
    (b'{"Entries":[' + b"{}," * 200_000 + b"{}]}", JSON_TYPE, "json"),
    (b"Action=SendMessage&" + b"a=1&" * 200_000, FORM_TYPE, "query")], ids=["ignored", "entries", "parameters"])
def test_more_values_than_any_request_has(broker, body, kind, protocol):
    assert post(broker, body, kind, protocol=protocol).status == 400


@pytest.mark.parametrize("wrong", [{"QueueUrl": {}}, {"QueueUrl": []}, {"MessageBody": {}}, {"MessageBody": ["b"]}, {"DelaySeconds": "x"},
                                   {"DelaySeconds": {}}, {"DelaySeconds": []}, {"DelaySeconds": 2**70}, {"MessageAttributes": "x"},
                                   {"MessageAttributes": []}, {"MessageAttributes": {"a": "x"}}, {"MessageAttributes": {"a": {"DataType": []}}},
                                   {"MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": "no base64!"}}}], ids=str)
def test_values_of_another_type(broker, sqs, queue, wrong):
    if sqs.client.protocol == "query":
        pytest.skip("the Query protocol has one type")
    answer = sqs.client.call("SendMessage", {"QueueUrl": queue, "MessageBody": "b", **wrong})
    assert answer.status == 400 and json.loads(answer.body)["__type"]
    assert sqs.counts(queue) == (0, 0, 0)


@pytest.mark.parametrize("text", ["DelaySeconds=x", "DelaySeconds=1.5", "DelaySeconds=99999999999999999999", "MessageAttribute.1.Name=a",
                                  "MessageAttribute.0.Name=a&MessageAttribute.0.Value.DataType=String&MessageAttribute.0.Value.StringValue=x",
                                  "MessageAttribute.x.Name=a", "MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=Binary&"
                                  "MessageAttribute.1.Value.BinaryValue=!", "MessageAttribute.99999999999.Name=a"])
def test_forms_that_make_no_sense(broker, sqs, queue, text):
    """Refused or let pass, but never anything else."""
    body = f"Action=SendMessage&QueueUrl={queue}&MessageBody=b&{text}".encode()
    answer = post(broker, body, FORM_TYPE, protocol="query")
    assert answer.ok or 400 <= answer.status < 500 and answer.error[0]


@pytest.mark.parametrize("body", [b"", b"Action", b"Action=", b"=", b"&&&", b"Action=%", b"Action=%zz", b"\xff\xff=\xff", b"a" * 100000,
                                  b"Action=ListQueues&QueueNamePrefix=%ff%fe", b"&".join(b"a%d=1" % n for n in range(20000))], ids=range(11))
def test_bodies_that_are_no_form(broker, body):
    answer = post(broker, body, FORM_TYPE, protocol="query")
    assert answer.ok or 400 <= answer.status < 500


@pytest.mark.parametrize("text", ["MessageBody=%FF", "MessageBody=a%C3", "MessageBody=%ED%A0%80", "MessageBody=%00", "MessageBody=%EF%BF%BF"])
def test_invalid_text_in_a_form(broker, sqs, queue, text):
    answer = post(broker, f"Action=SendMessage&QueueUrl={queue}&{text}".encode(), FORM_TYPE, protocol="query")
    assert answer.status == 400 and answer.error[0] in ("InvalidMessageContents", "MalformedQueryString", "InvalidParameterValue")
    assert sqs.counts(queue) == (0, 0, 0)


@pytest.mark.parametrize("raw", [b'"\xff"', b'"a\xc3"', b'"\xed\xa0\x80"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\\uffff"'])
def test_invalid_text_in_json(broker, sqs, queue, raw):
    answer = post(broker, b'{"QueueUrl":"%s","MessageBody":%s}' % (queue.encode(), raw))
    assert answer.status == 400
    assert sqs.counts(queue) == (0, 0, 0)


def test_a_batch_with_one_bad_text_harms_only_that(sqs, queue):
    answer = sqs.do("SendMessageBatch", QueueUrl=queue, Entries=[{"Id": "a", "MessageBody": "a"}, {"Id": "b", "MessageBody": "\1"}])
    assert [e["Id"] for e in answer["Successful"]] == ["a"] and [(e["Id"], e["Code"]) for e in answer["Failed"]] == [("b", "InvalidMessageContents")]
    assert sqs.counts(queue) == (1, 0, 0)


# -- the HTTP around it

@pytest.mark.parametrize("head", [
    b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"nonsense\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", b"POST / HTTP/1.1\r\nno colon\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: nonsense\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"AMQP\0\0\x09\x01" + b"\r\n\r\n",
    b"\0" * 100 + b"\r\n\r\n"], ids=range(16))
def test_no_http(broker, head):
    """A refusal, or the end of the connection."""
    with Socket(broker.address) as socket:
        socket.send(head)
        socket.socket.shutdown(sockets_.SHUT_WR)
        status, _, _ = socket.answer()
        assert status is None or 400 <= status < 506


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"])
def test_other_methods(broker, method):
    with Socket(broker.address) as socket:
        socket.send(f"{method} / HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        status, _, _ = socket.answer()
        assert status is None or 400 <= status < 506


def pour(broker, head, piece, most):
    """Sends the head and then the piece again and again; what is answered until so many bytes are sent: a refusal, or the end."""
    sent = 0
    with Socket(broker.address) as socket:
        socket.send(head)
        while sent < most and socket.send(piece):
            sent += len(piece)
        status, _, _ = socket.answer()
        assert status is None or 400 <= status < 500
        assert socket.is_closed(), "it takes any number of bytes"


def test_a_head_without_end(broker):
    """It is refused long before it fills the memory."""
    pour(broker, b"POST / HTTP/1.1\r\n", b"X-Filler: " + b"a" * 4000 + b"\r\n", 4 * MIB)


def test_a_line_without_end(broker):
    pour(broker, b"", b"a" * 65536, 4 * MIB)


@pytest.mark.parametrize("size", [64 * MIB, 1 << 40])
def test_a_body_that_is_announced_as_too_long(broker, size):
    with Socket(broker.address) as socket:
        socket.send(f"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.SendMessage\r\nContent-Type: {JSON_TYPE}\r\nContent-Length: {size}\r\n\r\n".encode())
        status, _, _ = socket.answer()
        assert status is None or 400 <= status < 500


def test_chunks_without_end(broker):
    head = f"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.SendMessage\r\nContent-Type: {JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n"
    pour(broker, head.encode(), b"10000\r\n" + b"a" * 65536 + b"\r\n", 64 * MIB)


def test_a_message_of_one_mebibyte_and_one_more(sqs, queue):
    assert sqs.client.call("SendMessage", QueueUrl=queue, MessageBody="x" * MIB).ok
    answer = sqs.client.call("SendMessage", QueueUrl=queue, MessageBody="x" * (MIB + 1))
    assert answer.error == ("InvalidParameterValue", f"One or more parameters are invalid. Reason: Message must be shorter than {MIB} bytes.")
    assert sqs.counts(queue) == (1, 0, 0)


def test_half_sent_requests_leave_nothing(broker, sqs, queue):
    request = request_bytes(broker.address, sqs.client.protocol, "SendMessage", {"QueueUrl": queue, "MessageBody": "half"})
    for cut in range(1, len(request), 37):
        with Socket(broker.address) as socket:
            socket.send(request[:cut])
    assert sqs.counts(queue) == (0, 0, 0)


def test_many_slow_clients_hold_up_nobody(broker, sqs, queue):
    """Five hundred connections that never end their request."""
    request = request_bytes(broker.address, sqs.client.protocol, "SendMessage", {"QueueUrl": queue, "MessageBody": "slow"})
    slow = [Socket(broker.address) for _ in range(500)]
    try:
        for number, socket in enumerate(slow):
            socket.send(request[:1 + number % (len(request) - 1)])
        begin = time.monotonic()
        for n in range(50):
            sqs.send(queue, str(n))
        assert time.monotonic() - begin < QUICK
        assert sqs.counts(queue) == (50, 0, 0)
    finally:
        for socket in slow:
            socket.socket.close()


def test_a_client_that_does_not_read(broker, sqs, queue):
    """It asks for ten mebibytes again and again and never takes them; others are served."""
    sqs.send_batch(queue, *["x" * (100 << 10)] * 10)
    ask = request_bytes(broker.address, sqs.client.protocol, "ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0})
    with Socket(broker.address, 2) as socket:
        try:
            for _ in range(2000):
                socket.socket.sendall(ask)
        except (TimeoutError, ConnectionError):
            pass
        begin = time.monotonic()
        for _ in range(20):
            sqs.attributes(queue, "DelaySeconds")
        assert time.monotonic() - begin < QUICK


def test_connections_that_come_and_go(broker, sqs, queue):
    def hammer():
        for _ in range(100):
            with Socket(broker.address):
                pass
    workers = [threading.Thread(target=hammer) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    sqs.send(queue, "b")


# -- handles

def test_forged_handles(sqs, queue, name):
    """Every change of one character of a real handle, and every cut, is refused and harms nothing."""
    other = sqs.create(name + "-other")
    for target in (queue, other):
        sqs.send(target, "b")
    handle = sqs.one(queue, VisibilityTimeout=600)["ReceiptHandle"]
    step = max(1, len(handle) // 40)
    forged = [handle[:at] + ("A" if handle[at] != "A" else "B") + handle[at + 1:] for at in range(0, len(handle) - 2, step)]
    forged += [handle[:at] for at in range(1, len(handle) - 2, step)] + [handle + handle, handle[::-1]]
    for one in forged:
        answer = sqs.client.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=one)
        assert not answer.ok and answer.error[0] == "ReceiptHandleIsInvalid", (one, answer)
    assert sqs.refuses("DeleteMessage", QueueUrl=other, ReceiptHandle=handle)[0] == "ReceiptHandleIsInvalid"
    assert sqs.counts(queue) == (0, 1, 0) and sqs.counts(other) == (1, 0, 0)
    sqs.delete(queue, handle)
    assert sqs.counts(queue) == (0, 0, 0)


def test_a_body_that_has_the_form_of_a_request(sqs, queue):
    """Nothing of a message is ever taken as anything else."""
    inner = encode("query", "DeleteQueue", {"QueueUrl": queue})[1].decode()
    for body in (inner, "</Body><Body>x", '","QueueUrl":"x', "\r\n\r\nGET / HTTP/1.1", "0\r\n\r\n"):
        sqs.send(queue, body)
        got = sqs.one(queue)
        assert got["Body"] == body
        sqs.delete(queue, got)
