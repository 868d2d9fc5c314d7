"""Queues by name: what a name may be, making one twice, finding, listing, purging, deleting."""
from answers import OWN, Error, value_error
from rows import Row

STANDARD = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
FIFO = ("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix "
        "and be 1 to 80 in length.")
IS_FIFO = {"FifoQueue": "true"}


def made(name, expected, **parameters):
    return Row("CreateQueue", {"QueueName": name, **parameters}, expected)


def url(name):
    return {"QueueUrl": "http://$address/$account/" + name}


def names():
    for name in ("a" * 81, "a b", "a.b", "a/b", "a:b", "ä", "a!", "$name.fifo", ".fifo", "a\tb", "*"):
        yield made(name, value_error(STANDARD))
    for name in ("$name", "a" * 81, "$name.FIFO", "a" * 76 + ".fifo", "a b.fifo", "a.b.fifo"):
        yield made(name, value_error(FIFO), Attributes=IS_FIFO)
    for name in ("z", "a" * 80, "A-Z_0-9", "-", "_", "0"):
        yield made(name, url(name))
    for name in ("$name.fifo", "a" * 75 + ".fifo"):
        yield made(name, url(name), Attributes=IS_FIFO)


def twice():
    """The same name again is fine as long as nothing that is given differs."""
    def after(**attributes):
        return [("CreateQueue", {"QueueName": "$name", "Attributes": attributes} if attributes else {"QueueName": "$name"})]
    for first, second in (({}, {}), ({"DelaySeconds": "5"}, {}), ({"DelaySeconds": "5"}, {"DelaySeconds": "5"}),
                          ({"DelaySeconds": "5", "VisibilityTimeout": "7"}, {"VisibilityTimeout": "7"}),
                          ({}, {"DelaySeconds": "0"}), ({}, {"VisibilityTimeout": "30"})):
        yield Row("CreateQueue", {"QueueName": "$name", "Attributes": second}, url("$name"), after=after(**first),
                  note=f"again_{len(first)}_{'_'.join(second)}")
    for first, second, which in (({}, {"DelaySeconds": "5"}, "DelaySeconds"),
                                 ({"DelaySeconds": "5"}, {"DelaySeconds": "6"}, "DelaySeconds"),
                                 ({"DelaySeconds": "5"}, {"VisibilityTimeout": "6", "DelaySeconds": "5"}, "VisibilityTimeout"),
                                 ({}, {"MessageRetentionPeriod": "60"}, "MessageRetentionPeriod")):
        text = f"A queue already exists with the same name and a different value for attribute {which}"
        yield Row("CreateQueue", {"QueueName": "$name", "Attributes": second}, Error("QueueAlreadyExists", text),
                  after=after(**first), note=f"differs_{len(first)}_{which}_{second[which]}")
    differs = "A queue already exists with the same name and a different value for attribute ContentBasedDeduplication"
    yield Row("CreateQueue", {"QueueName": "$newfifo_name", "Attributes": {**IS_FIFO, "ContentBasedDeduplication": "true"}},
              Error("QueueAlreadyExists", differs))
    yield made("$used", url("$used"))
    yield made("$name", url("$name"), tags={"a": "b", "c": ""})


def finding():
    yield Row("GetQueueUrl", {"QueueName": "$std_name"}, {"QueueUrl": "$std"})
    yield Row("GetQueueUrl", {"QueueName": "$fifo_name"}, {"QueueUrl": "$fifo"})
    yield Row("GetQueueUrl", {"QueueName": "$std_name", "QueueOwnerAWSAccountId": "$account"}, {"QueueUrl": "$std"})
    for number, again in enumerate(("$std", "$std_name", "$std_path", "http://elsewhere.example:99/$account/$std_name",
                                    "https://sqs.us-east-1.amazonaws.com/$account/$std_name",
                                    "http://us-east-1.queue.amazonaws.com/$account/$std_name",
                                    "http://$address/queue/us-east-1/$account/$std_name", "http://$address/$std_name",
                                    "http://localhost/$account/$std_name/"[:-1])):
        yield Row("GetQueueAttributes", {"QueueUrl": again, "AttributeNames": ["DelaySeconds"]}, {"Attributes": {"DelaySeconds": "0"}},
                  note=f"url_form_{number}")


def listing():
    prefix = [("CreateQueue", {"QueueName": "$name" + end}) for end in ("-a", "-b", "-c")]
    all_three = {"QueueUrls": [url("$name" + end)["QueueUrl"] for end in ("-a", "-b", "-c")]}
    yield Row("ListQueues", {"QueueNamePrefix": "$name"}, all_three, after=prefix, note="prefix")
    yield Row("ListQueues", {"QueueNamePrefix": "$name-"}, all_three, after=prefix, note="longer_prefix")
    yield Row("ListQueues", {"QueueNamePrefix": "$name", "MaxResults": 1000}, all_three, after=prefix, note="MaxResults_1000")
    yield Row("ListQueues", {"QueueNamePrefix": "$name", "MaxResults": 3}, all_three, after=prefix, note="MaxResults_3")
    yield Row("ListQueues", {"QueueNamePrefix": "$name", "MaxResults": 2}, {"QueueUrls": all_three["QueueUrls"][:2], "NextToken": "<NextToken>"},
              after=prefix, note="MaxResults_2")
    yield Row("ListQueues", {"QueueNamePrefix": "no-such-prefix"}, {})
    yield Row("ListQueues", {"QueueNamePrefix": "no-such-prefix", "MaxResults": 10}, {})
    bounds = value_error("Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.")
    for value in (0, -1, 1001):
        yield Row("ListQueues", {"MaxResults": value}, bounds)
        yield Row("ListDeadLetterSourceQueues", {"QueueUrl": "$dlq", "MaxResults": value}, bounds)
    token = value_error("Invalid or expired next token.")
    yield Row("ListQueues", {"MaxResults": 1, "NextToken": "no token"}, token)
    yield Row("ListDeadLetterSourceQueues", {"QueueUrl": "$dlq", "MaxResults": 1, "NextToken": "no token"}, token)
    sources = [("GetQueueUrl", {"QueueName": "$loner_name"})]
    yield Row("ListDeadLetterSourceQueues", {"QueueUrl": "$lone"}, {"queueUrls": ["$loner"]}, after=sources)
    yield Row("ListDeadLetterSourceQueues", {"QueueUrl": "$lone", "MaxResults": 1}, {"queueUrls": ["$loner"]}, after=sources)
    yield Row("ListDeadLetterSourceQueues", {"QueueUrl": "$new"}, {"queueUrls": []}, only="json")


def ending():
    yield Row("DeleteQueue", {"QueueUrl": "$new"}, {})
    yield Row("PurgeQueue", {"QueueUrl": "$new"}, {})
    yield Row("PurgeQueue", {"QueueUrl": "$newfifo"}, {})
    text = "Only one PurgeQueue operation on $new_name is allowed every 60 seconds."
    yield Row("PurgeQueue", {"QueueUrl": "$new"}, Error(OWN + "PurgeQueueInProgress", text), after=[("PurgeQueue", {"QueueUrl": "$new"})])
    for action, more in (("SendMessage", {"MessageBody": "b"}), ("ReceiveMessage", {}), ("PurgeQueue", {}), ("DeleteQueue", {})):
        yield Row(action, {"QueueUrl": "$new", **more}, Error(OWN + "NonExistentQueue", None), note="after_DeleteQueue",
                  after=[("DeleteQueue", {"QueueUrl": "$new"})])


ROWS = [*names(), *twice(), *finding(), *listing(), *ending()]
