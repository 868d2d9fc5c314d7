"""The AWS CLI (`CLI` names the program), as scripts use it. The scenarios are in scenarios.md."""
import json
import os
import subprocess
import sys

URL, SCENARIO, PREFIX = sys.argv[1:4]
CLI = os.environ["CLI"].split()


def aws(*words, fails=None):
    done = subprocess.run([*CLI, "--endpoint-url", URL, "--output", "json", "sqs", *words], capture_output=True, text=True, timeout=120,
                          check=False)
    if fails:
        assert done.returncode != 0 and fails in done.stderr, f"{words}: {done.stdout}{done.stderr}"
        return None
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout) if done.stdout.strip() else {}


def create(end="", *more):
    return aws("create-queue", "--queue-name", PREFIX + end, *more)["QueueUrl"]


def queues():
    url = create("", "--attributes", "DelaySeconds=2,VisibilityTimeout=45", "--tags", "team=a,cost=7")
    assert aws("get-queue-url", "--queue-name", PREFIX)["QueueUrl"] == url
    assert aws("list-queues", "--queue-name-prefix", PREFIX)["QueueUrls"] == [url]
    aws("set-queue-attributes", "--queue-url", url, "--attributes", "DelaySeconds=0")
    found = aws("get-queue-attributes", "--queue-url", url, "--attribute-names", "All")["Attributes"]
    assert found["DelaySeconds"] == "0" and found["VisibilityTimeout"] == "45", found
    aws("untag-queue", "--queue-url", url, "--tag-keys", "cost")
    assert aws("list-queue-tags", "--queue-url", url)["Tags"] == {"team": "a"}
    aws("delete-queue", "--queue-url", url)
    aws("get-queue-url", "--queue-name", PREFIX, fails="AWS.SimpleQueueService.NonExistentQueue")


def messages():
    url = create()
    attributes = {"text": {"DataType": "String", "StringValue": "ä"}, "number": {"DataType": "Number", "StringValue": "42"}}
    sent = aws("send-message", "--queue-url", url, "--message-body", "ä \"b\" & <c>", "--message-attributes", json.dumps(attributes))
    got, = aws("receive-message", "--queue-url", url, "--message-attribute-names", "All", "--wait-time-seconds", "20")["Messages"]
    assert got["Body"] == "ä \"b\" & <c>" and got["MessageId"] == sent["MessageId"] and got["MessageAttributes"] == attributes
    aws("change-message-visibility", "--queue-url", url, "--receipt-handle", got["ReceiptHandle"], "--visibility-timeout", "0")
    got, = aws("receive-message", "--queue-url", url, "--attribute-names", "All", "--wait-time-seconds", "20")["Messages"]
    assert got["Attributes"]["ApproximateReceiveCount"] == "2"
    aws("delete-message", "--queue-url", url, "--receipt-handle", got["ReceiptHandle"])
    assert aws("receive-message", "--queue-url", url) == {}
    aws("delete-queue", "--queue-url", url)


def batch():
    url = create()
    entries = [{"Id": f"m{n}", "MessageBody": f"body {n}"} for n in range(10)]
    assert len(aws("send-message-batch", "--queue-url", url, "--entries", json.dumps(entries))["Successful"]) == 10
    got = aws("receive-message", "--queue-url", url, "--max-number-of-messages", "10")["Messages"]
    entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(got)]
    assert len(aws("delete-message-batch", "--queue-url", url, "--entries", json.dumps(entries))["Successful"]) == len(got) >= 1
    aws("purge-queue", "--queue-url", url)
    aws("delete-queue", "--queue-url", url)


globals()[SCENARIO]()
print("ok")
