"""Every attribute of a queue: its range at both ends, its kinds of nonsense, what it refuses, in CreateQueue and SetQueueAttributes."""
import json

from answers import Error, attribute_value, unknown_attribute, value_error
from rows import Row

RANGES = {"DelaySeconds": (0, 900, 0), "MaximumMessageSize": (1024, 1048576, 1048576),
          "MessageRetentionPeriod": (60, 1209600, 345600), "ReceiveMessageWaitTimeSeconds": (0, 20, 0),
          "VisibilityTimeout": (0, 43200, 30), "KmsDataKeyReusePeriodSeconds": (60, 86400, None)}
NONSENSE = ("", " ", "x", "1.5", " 60", "60 ", "+60", "-1", "0x40", "1e3", "99999999999999999999")
READ_ONLY = ("QueueArn", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
             "ApproximateNumberOfMessagesDelayed", "CreatedTimestamp", "LastModifiedTimestamp")
SSE = "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."
URL = {"QueueUrl": "http://$address/$account/$name"}


def create(name, value, expected, queue="$name", **more):
    return Row("CreateQueue", {"QueueName": queue, "Attributes": {**more, name: value}}, expected)


def change(name, value, expected, queue="$std"):
    return Row("SetQueueAttributes", {"QueueUrl": queue, "Attributes": {name: value}}, expected)


def refused(name, value, expected):
    """The same by both actions."""
    return [create(name, value, expected), change(name, value, expected)]


def read(queue, expected, *names, after=()):
    return Row("GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": list(names)}, {"Attributes": expected}, after=after)


def ranges():
    for name, (least, most, default) in RANGES.items():
        for value in (least - 1, most + 1, *NONSENSE):
            yield from refused(name, str(value), attribute_value(name))
        for value in (least, least + 1, most - 1, most):
            set_it = ("SetQueueAttributes", {"QueueUrl": "$new", "Attributes": {name: str(value)}})
            yield read("$new", {name: str(value)}, name, after=[set_it])
            made_so = ("CreateQueue", {"QueueName": "$name", "Attributes": {name: str(value)}})
            yield read("$name", {name: str(value)}, name, after=[made_so])
        if default is not None:
            yield read("$new", {name: str(default)}, name)


def names():
    for name in ("Nonsense", "delaySeconds", "All", *READ_ONLY):
        yield from refused(name, "1", unknown_attribute(name))
    for name in ("Nonsense", "delaySeconds"):
        yield Row("GetQueueAttributes", {"QueueUrl": "$std", "AttributeNames": [name]}, unknown_attribute(name))
        yield Row("GetQueueAttributes", {"QueueUrl": "$std", "AttributeNames": ["DelaySeconds", name]}, unknown_attribute(name))
    # An attribute that a queue does not have is left out.
    yield Row("GetQueueAttributes", {"QueueUrl": "$new", "AttributeNames": ["Policy"]}, {})
    yield Row("GetQueueAttributes", {"QueueUrl": "$new", "AttributeNames": ["RedrivePolicy", "FifoQueue", "KmsMasterKeyId"]}, {})
    yield Row("GetQueueAttributes", {"QueueUrl": "$new"}, {})
    yield read("$new", {"DelaySeconds": "0", "VisibilityTimeout": "30"}, "DelaySeconds", "VisibilityTimeout")


def whole():
    common = {"QueueArn": "$new_arn", "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0",
              "ApproximateNumberOfMessagesDelayed": "0", "CreatedTimestamp": "<CreatedTimestamp>",
              "LastModifiedTimestamp": "<LastModifiedTimestamp>", "VisibilityTimeout": "30", "MaximumMessageSize": "1048576",
              "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0",
              "SqsManagedSseEnabled": "true"}
    yield read("$new", common, "All")
    yield read("$newfifo", common | {"QueueArn": "$newfifo_arn", "FifoQueue": "true", "ContentBasedDeduplication": "false",
                                     "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}, "All")


def fifo():
    for name in ("FifoQueue", "ContentBasedDeduplication"):
        yield from refused(name, "true" if name != "FifoQueue" else "false", unknown_attribute(name))
    yield change("FifoQueue", "true", unknown_attribute("FifoQueue"))
    yield change("FifoQueue", "false", attribute_value("FifoQueue", "Modifying queue type is not supported."), "$newfifo")
    for name, value in (("DeduplicationScope", "queue"), ("FifoThroughputLimit", "perQueue")):
        yield from refused(name, value, Error("InvalidAttributeName", f"You can specify the {name} only when FifoQueue is set to true."))
    for name, values in {"ContentBasedDeduplication": ("true", "false"), "DeduplicationScope": ("queue", "messageGroup"),
                         "FifoThroughputLimit": ("perQueue",)}.items():
        for value in values:
            yield read("$newfifo", {name: value}, name,
                       after=[("SetQueueAttributes", {"QueueUrl": "$newfifo", "Attributes": {name: value}})])
        for value in ("", "yes", "TRUE", "1"):
            yield change(name, value, attribute_value(name), "$newfifo")
    both = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    yield read("$newfifo", both, *both, after=[("SetQueueAttributes", {"QueueUrl": "$newfifo", "Attributes": both})])


def encryption():
    for value in ("", "yes", "1"):
        yield from refused("SqsManagedSseEnabled", value, attribute_value("SqsManagedSseEnabled"))
    for value in ("true", "false"):
        yield read("$new", {"SqsManagedSseEnabled": value}, "SqsManagedSseEnabled",
                   after=[("SetQueueAttributes", {"QueueUrl": "$new", "Attributes": {"SqsManagedSseEnabled": value}})])
    kms = {"KmsMasterKeyId": "alias/aws/sqs"}
    yield read("$new", kms | {"KmsDataKeyReusePeriodSeconds": "300", "SqsManagedSseEnabled": "false"}, "KmsMasterKeyId",
               "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled",
               after=[("SetQueueAttributes", {"QueueUrl": "$new", "Attributes": kms})])
    for value in ({**kms, "SqsManagedSseEnabled": "true"},):
        yield Row("CreateQueue", {"QueueName": "$name", "Attributes": value}, Error("InvalidAttributeName", SSE))
        yield Row("SetQueueAttributes", {"QueueUrl": "$new", "Attributes": value}, Error("InvalidAttributeName", SSE))


def redrive():
    def policy(expected, **fields):
        text = json.dumps(fields, separators=(",", ":"))
        expected = value_error(f"Value {text} for parameter RedrivePolicy is invalid. Reason: {expected}") if isinstance(expected, str) else expected
        return refused("RedrivePolicy", text, expected)
    for text in (" ", "x", "4", "[]", '"x"', "{"):
        yield from refused("RedrivePolicy", text, attribute_value("RedrivePolicy", "Redrive policy is not a valid JSON map."))
    lacks = "Redrive policy does not contain mandatory attribute: {}."
    yield from policy(lacks.format("maxReceiveCount"))
    yield from policy(lacks.format("maxReceiveCount"), deadLetterTargetArn="$dlq_arn")
    yield from policy(lacks.format("deadLetterTargetArn"), maxReceiveCount=5)
    for count in (0, -1, 1001, "0", "1001"):
        yield from policy(f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive.",
                          deadLetterTargetArn="$dlq_arn", maxReceiveCount=count)
    yield from policy("Invalid value for deadLetterTargetArn.", deadLetterTargetArn="dummy", maxReceiveCount=42)
    yield from policy("Only SQS queues are valid resources for deadLetterTargetArn.",
                      deadLetterTargetArn="arn:aws:sns:us-east-1:000000000000:topic", maxReceiveCount=42)
    yield from policy("Dead letter target does not exist.", deadLetterTargetArn="$gonearn", maxReceiveCount=42)
    yield from policy("Dead-letter queue must be same type of queue as the source..", deadLetterTargetArn="$fifo_arn", maxReceiveCount=42)
    yield from policy("Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].",
                      deadLetterTargetArn="$dlq_arn", maxReceiveCount=42, more="x")
    for count in (1, 1000, "1", "1000"):  # the text comes back as it was given
        text = json.dumps({"maxReceiveCount": count, "deadLetterTargetArn": "$dlq_arn"})
        yield read("$new", {"RedrivePolicy": text}, "RedrivePolicy",
                   after=[("SetQueueAttributes", {"QueueUrl": "$new", "Attributes": {"RedrivePolicy": text}})])
    text = json.dumps({"maxReceiveCount": 7, "deadLetterTargetArn": "$dlq_arn"})
    yield Row("GetQueueAttributes", {"QueueUrl": "$new", "AttributeNames": ["RedrivePolicy"]}, {}, note="RedrivePolicy_removed",
              after=[("SetQueueAttributes", {"QueueUrl": "$new", "Attributes": {"RedrivePolicy": value}}) for value in (text, "")])


def redrive_allow():
    words = "Amazon SQS can't create the redrive allow policy"
    arns = [f"arn:aws:sqs:us-east-1:000000000000:x{n}" for n in range(11)]

    def policy(reason, **fields):
        text = json.dumps(fields, separators=(",", ":"))
        return refused("RedriveAllowPolicy", text,
                       value_error(f"Value {text} for parameter RedriveAllowPolicy is invalid. Reason: {words}. {reason}"))
    for text in ("x", "444", "false", "[]", "{}", '{"redrivePermission":"dummy"}', '{"redrivePermission":"allowAll","dummy":"x"}',
                 '{"redrivePermission":"byQueue","sourceQueueArns":"arn:aws:sqs"}',
                 '{"redrivePermission":"byQueue","sourceQueueArns":[{"a":"b"}]}'):
        yield from refused("RedriveAllowPolicy", text, attribute_value("RedriveAllowPolicy", f"{words}, as it’s in an unsupported format."))
    need = "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values."
    yield from policy(need, redrivePermission="byQueue")
    yield from policy(need, redrivePermission="byQueue", sourceQueueArns=[])
    yield from policy("The maximum number of source queue ARNs you can specify is 10.", redrivePermission="byQueue", sourceQueueArns=arns)
    for permission in ("allowAll", "denyAll"):
        yield from policy("To specify one or more source queue ARNs, you must set redrivePermission to byQueue.",
                          redrivePermission=permission, sourceQueueArns=arns[:1])
    for text in ('{"redrivePermission":"allowAll"}', '{"redrivePermission":"denyAll"}',
                 json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": arns[:10]})):
        yield read("$new", {"RedriveAllowPolicy": text}, "RedriveAllowPolicy",
                   after=[("SetQueueAttributes", {"QueueUrl": "$new", "Attributes": {"RedriveAllowPolicy": text}})])
    forbids = json.dumps({"deadLetterTargetArn": "$closed_arn", "maxReceiveCount": 1})
    yield from refused("RedrivePolicy", forbids, value_error(None))


def policy():
    for text in ("x", "[]", "4"):
        yield from refused("Policy", text, attribute_value("Policy"))
    text = ('{"Version":"2012-10-17","Id":"i","Statement":[{"Sid":"s","Effect":"Allow","Principal":"*","Action":"SQS:SendMessage",'
            '"Resource":"arn:aws:sqs:us-east-1:000000000000:q"}]}')
    set_it = ("SetQueueAttributes", {"QueueUrl": "$new", "Attributes": {"Policy": text}})
    yield read("$new", {"Policy": text}, "Policy", after=[set_it])
    yield Row("GetQueueAttributes", {"QueueUrl": "$new", "AttributeNames": ["Policy"]}, {}, note="Policy_removed",
              after=[set_it, ("SetQueueAttributes", {"QueueUrl": "$new", "Attributes": {"Policy": ""}})])


ROWS = [*ranges(), *names(), *whole(), *fifo(), *encryption(), *redrive(), *redrive_allow(), *policy()]
