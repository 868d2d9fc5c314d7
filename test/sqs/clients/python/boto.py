"""boto3, whichever generation runs it: the newest speaks JSON, Debian's speaks Query. The scenarios are in scenarios.md."""
import json
import sys
import threading
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

URL, SCENARIO, PREFIX = sys.argv[1:4]
sqs = boto3.client("sqs", endpoint_url=URL, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test",
                   config=Config(retries={"max_attempts": 0}, read_timeout=80))
made = []


def create(end="", tags=None, **attributes):
    more = {"tags": tags} if tags else {}
    url = sqs.create_queue(QueueName=PREFIX + end, Attributes=attributes, **more)["QueueUrl"]
    made.append(url)
    return url


def receive(url, count=10, **more):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, **more).get("Messages", [])


def one(url, seconds=20, **more):
    got = receive(url, 1, WaitTimeSeconds=seconds, **more)
    assert len(got) == 1, "no message came"
    return got[0]


def delete(url, message):
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def attributes(url, *names):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names or ["All"])).get("Attributes", {})


def fails(code, call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
        return error
    raise AssertionError(f"{code} expected")


def queues():
    url = create(tags={"team": "a", "cost": "7"}, DelaySeconds="2", VisibilityTimeout="45")
    assert sqs.get_queue_url(QueueName=PREFIX)["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix=PREFIX)["QueueUrls"] == [url]
    found = attributes(url)
    assert found["DelaySeconds"] == "2" and found["VisibilityTimeout"] == "45" and found["QueueArn"].endswith(":" + PREFIX), found
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"})
    assert attributes(url, "DelaySeconds") == {"DelaySeconds": "0"}
    sqs.tag_queue(QueueUrl=url, Tags={"stage": "test"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["cost"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "a", "stage": "test"}
    sqs.delete_queue(QueueUrl=url)
    made.remove(url)
    error = fails("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName=PREFIX)
    assert isinstance(error, sqs.exceptions.QueueDoesNotExist)


def messages():
    url = create()
    sent = {"text": {"DataType": "String", "StringValue": "ä 日本 \"<&>\""}, "number": {"DataType": "Number.int", "StringValue": "42"},
            "binary": {"DataType": "Binary", "BinaryValue": bytes(range(256))}}
    for body in ("plain", "ä 日本 😀", "two\r\nlines\tand \"quotes\" & <marks>", json.dumps({"a": [1, 2]})):
        answer = sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=sent)
        got = one(url, MessageAttributeNames=["All"], AttributeNames=["All"])
        assert got["Body"] == body and got["MessageId"] == answer["MessageId"] and got["MD5OfBody"] == answer["MD5OfMessageBody"]
        assert got["MessageAttributes"] == sent and got["MD5OfMessageAttributes"] == answer["MD5OfMessageAttributes"]
        assert got["Attributes"]["ApproximateReceiveCount"] == "1"
        assert abs(int(got["Attributes"]["SentTimestamp"]) / 1000 - time.time()) < 60
        delete(url, got)
    assert receive(url) == []


def batch():
    url = create()
    answer = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": f"m{n}", "MessageBody": f"body {n}"} for n in range(10)])
    assert [entry["Id"] for entry in answer["Successful"]] == [f"m{n}" for n in range(10)] and not answer.get("Failed")
    got = {}
    while len(got) < 10:
        some = receive(url, WaitTimeSeconds=20)
        assert some, f"only {len(got)} of 10 came"
        got |= {message["Body"]: message for message in some}
        changes = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": 60} for n, m in enumerate(some)]
        assert len(sqs.change_message_visibility_batch(QueueUrl=url, Entries=changes)["Successful"]) == len(some)
    entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(got.values())]
    assert len(sqs.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 10
    answer = sqs.send_message_batch(QueueUrl=url, Entries=[
        {"Id": "good", "MessageBody": "good"}, {"Id": "bad", "MessageBody": "bad", "DelaySeconds": 901}])
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]] == [("bad", "InvalidParameterValue", True)]
    assert one(url)["Body"] == "good"


def longpoll():
    url = create()
    sender = threading.Timer(0.3, lambda: sqs.send_message(QueueUrl=url, MessageBody="late"))
    begin = time.monotonic()
    sender.start()
    got = receive(url, WaitTimeSeconds=20)
    took = time.monotonic() - begin
    assert [m["Body"] for m in got] == ["late"] and 0.2 < took < 15, f"{got} after {took} s"
    begin = time.monotonic()
    assert receive(url, WaitTimeSeconds=1) == [] and 0.9 < time.monotonic() - begin < 15


def visibility():
    url = create(VisibilityTimeout="30")
    sqs.send_message(QueueUrl=url, MessageBody="b")
    first = one(url)
    assert receive(url) == []
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    second = one(url, AttributeNames=["ApproximateReceiveCount"], VisibilityTimeout=4)
    assert second["MessageId"] == first["MessageId"] and second["ReceiptHandle"] != first["ReceiptHandle"]
    assert second["Attributes"] == {"ApproximateReceiveCount": "2"}
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=60)
    assert receive(url, WaitTimeSeconds=5) == []
    delete(url, second)


def dlq():
    dead = create("-dead")
    url = create(RedrivePolicy=json.dumps({"deadLetterTargetArn": attributes(dead)["QueueArn"], "maxReceiveCount": "2"}))
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    for _ in range(2):
        one(url, VisibilityTimeout=0)
    assert receive(url) == []
    got = one(dead, AttributeNames=["All"], VisibilityTimeout=0)
    assert got["Body"] == "poison" and got["Attributes"].get("DeadLetterQueueSourceArn", attributes(url)["QueueArn"]) == attributes(url)["QueueArn"]
    if not hasattr(sqs, "start_message_move_task"):
        return  # this library is older than the action
    sqs.start_message_move_task(SourceArn=attributes(dead)["QueueArn"])
    assert one(url)["Body"] == "poison"


def fifo():
    url = create(".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    first = sqs.send_message(QueueUrl=url, MessageBody="a1", MessageGroupId="a")
    again = sqs.send_message(QueueUrl=url, MessageBody="a1", MessageGroupId="a")
    assert (first["MessageId"], first["SequenceNumber"]) == (again["MessageId"], again["SequenceNumber"])
    for body in ("a2", "b1", "b2"):
        answer = sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body[0])
        assert answer["SequenceNumber"] > first["SequenceNumber"] and len(answer["SequenceNumber"]) == 20
    a1, = receive(url, 1)
    assert a1["Body"] == "a1"
    others = receive(url)
    assert [m["Body"] for m in others] == ["b1", "b2"], others  # a is blocked
    for message in (a1, *others):
        delete(url, message)
    last, = receive(url)
    assert last["Body"] == "a2"
    delete(url, last)
    assert receive(url) == []


def purge():
    url = create()
    for n in range(2):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": f"{n} {i}"} for i in range(10)])
    assert attributes(url)["ApproximateNumberOfMessages"] == "20"
    sqs.purge_queue(QueueUrl=url)
    assert receive(url) == [] and attributes(url)["ApproximateNumberOfMessages"] == "0"


def large():
    url = create()
    body = "0123456789abcdef" * (1 << 16)
    sqs.send_message(QueueUrl=url, MessageBody=body)
    assert one(url)["Body"] == body


def errors():
    url = create()
    fails("AWS.SimpleQueueService.NonExistentQueue", sqs.send_message, QueueUrl=url + "-gone", MessageBody="b")
    fails("ReceiptHandleIsInvalid", sqs.delete_message, QueueUrl=url, ReceiptHandle="forged")
    fails("InvalidMessageContents", sqs.send_message, QueueUrl=url, MessageBody="\x01")
    fails("InvalidAttributeValue", sqs.set_queue_attributes, QueueUrl=url, Attributes={"DelaySeconds": "901"})
    fails("AWS.SimpleQueueService.EmptyBatchRequest", sqs.send_message_batch, QueueUrl=url, Entries=[])


def work():
    url = sqs.get_queue_url(QueueName=PREFIX)["QueueUrl"]
    while True:
        for message in receive(url, 1, WaitTimeSeconds=20, AttributeNames=["ApproximateReceiveCount"]):
            print("working", message["Body"], message["Attributes"]["ApproximateReceiveCount"], flush=True)


def main():
    try:
        globals()[SCENARIO]()
    finally:
        for url in made:
            sqs.delete_queue(QueueUrl=url)
    print("ok")


main()
