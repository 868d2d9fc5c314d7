"""Every required parameter of every action: without it, and with an empty one; and queues that are not there."""
from answers import NO_QUEUE, missing
from rows import Row

# A request that is right, by action. What is taken out of it in turn is what the action requires.
RIGHT = {
    "GetQueueUrl": {"QueueName": "$std_name"},
    "CreateQueue": {"QueueName": "$name"},
    "DeleteQueue": {"QueueUrl": "$gone"},
    "PurgeQueue": {"QueueUrl": "$gone"},
    "GetQueueAttributes": {"QueueUrl": "$gone", "AttributeNames": ["All"]},
    "SetQueueAttributes": {"QueueUrl": "$gone", "Attributes": {"DelaySeconds": "1"}},
    "SendMessage": {"QueueUrl": "$gone", "MessageBody": "b"},
    "SendMessageBatch": {"QueueUrl": "$gone", "Entries": [{"Id": "a", "MessageBody": "b"}]},
    "ReceiveMessage": {"QueueUrl": "$gone"},
    "DeleteMessage": {"QueueUrl": "$gone", "ReceiptHandle": "h"},
    "DeleteMessageBatch": {"QueueUrl": "$gone", "Entries": [{"Id": "a", "ReceiptHandle": "h"}]},
    "ChangeMessageVisibility": {"QueueUrl": "$gone", "ReceiptHandle": "h", "VisibilityTimeout": 1},
    "ChangeMessageVisibilityBatch": {"QueueUrl": "$gone", "Entries": [{"Id": "a", "ReceiptHandle": "h", "VisibilityTimeout": 1}]},
    "AddPermission": {"QueueUrl": "$gone", "Label": "l", "AWSAccountIds": ["111122223333"], "Actions": ["SendMessage"]},
    "RemovePermission": {"QueueUrl": "$gone", "Label": "l"},
    "TagQueue": {"QueueUrl": "$gone", "Tags": {"a": "b"}},
    "UntagQueue": {"QueueUrl": "$gone", "TagKeys": ["a"]},
    "ListQueueTags": {"QueueUrl": "$gone"},
    "ListDeadLetterSourceQueues": {"QueueUrl": "$gone"},
    "StartMessageMoveTask": {"SourceArn": "$dlq_arn"},
    "ListMessageMoveTasks": {"SourceArn": "$dlq_arn"},
    "CancelMessageMoveTask": {"TaskHandle": "h"},
}
OPTIONAL = {("GetQueueAttributes", "AttributeNames")}


def without():
    for action, right in RIGHT.items():
        for name in right:
            if (action, name) in OPTIONAL or name == "Entries":
                continue
            rest = {key: "$std" if value == "$gone" else value for key, value in right.items() if key != name}
            yield Row(action, rest, missing(name), note=f"no_{name}")
            if isinstance(right[name], str):
                yield Row(action, {**rest, name: ""}, missing(name), note=f"empty_{name}")


def nowhere():
    for action, right in RIGHT.items():
        if "QueueUrl" not in right:
            continue
        yield Row(action, right, NO_QUEUE, note="no_queue")
        yield Row(action, {**right, "QueueUrl": "no-such-name"}, NO_QUEUE, note="no_queue_by_name")
        yield Row(action, {**right, "QueueUrl": "http://elsewhere.example:1/000000000000/no-such-name"}, NO_QUEUE, note="no_queue_elsewhere")
    yield Row("GetQueueUrl", {"QueueName": "no-such-name"}, NO_QUEUE)


ROWS = [*without(), *nowhere()]
