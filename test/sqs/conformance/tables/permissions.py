"""AddPermission and RemovePermission, and the Policy document that they make."""
import json

from answers import Error, value_error
from rows import Row

ACCOUNT = "111122223333"


def add(label="l", accounts=(ACCOUNT,), actions=("SendMessage",), queue="$new"):
    return {"QueueUrl": queue, "Label": label, "AWSAccountIds": list(accounts), "Actions": list(actions)}


def one_or_list(made):
    return made[0] if len(made) == 1 else made


def statement(label, accounts, actions):
    return {"Sid": label, "Effect": "Allow", "Principal": {"AWS": one_or_list([f"arn:aws:iam::{one}:root" for one in accounts])},
            "Action": one_or_list([f"SQS:{one}" for one in actions]), "Resource": "$new_arn"}


class Policy:
    """A policy is JSON in a text: compared by what it says."""

    def __init__(self, *statements):
        self.statements = statements

    def expected(self, _protocol):
        return {"Version": "2008-10-17", "Id": "$new_arn/SQSDefaultPolicy", "Statement": list(self.statements)}

    @staticmethod
    def actual(answer):
        return json.loads(answer.result["Attributes"]["Policy"])


def policy(note, *after, statements):
    return Row("GetQueueAttributes", {"QueueUrl": "$new", "AttributeNames": ["Policy"]}, Policy(*statements), after=after, note=note)


def rows():
    two = ("111122223333", "444455556666")
    yield Row("AddPermission", add(), {})
    yield Row("AddPermission", add(actions=["*"]), {})
    yield Row("AddPermission", add(label="A-Z_09" + "a" * 74), {})
    yield policy("one", ("AddPermission", add()), statements=[statement("l", [ACCOUNT], ["SendMessage"])])
    yield policy("several", ("AddPermission", add(accounts=two, actions=["SendMessage", "ReceiveMessage"])),
                 statements=[statement("l", two, ["SendMessage", "ReceiveMessage"])])
    yield policy("two_labels", ("AddPermission", add()), ("AddPermission", add("m", two[1:], ["DeleteMessage"])),
                 statements=[statement("l", [ACCOUNT], ["SendMessage"]), statement("m", two[1:], ["DeleteMessage"])])
    yield policy("one_removed", ("AddPermission", add()), ("AddPermission", add("m")), ("RemovePermission", {"QueueUrl": "$new", "Label": "l"}),
                 statements=[statement("m", [ACCOUNT], ["SendMessage"])])
    yield Row("GetQueueAttributes", {"QueueUrl": "$new", "AttributeNames": ["Policy"]}, {}, note="all_removed",
              after=[("AddPermission", add()), ("RemovePermission", {"QueueUrl": "$new", "Label": "l"})])
    yield Row("RemovePermission", {"QueueUrl": "$new", "Label": "l"}, {}, after=[("AddPermission", add())])
    label = "Value {} for parameter Label is invalid. Reason: {}"
    yield Row("AddPermission", add("there", queue="$allowed"), value_error(label.format("there", "Already exists.")))
    for name in ("nothing", "There"):
        yield Row("RemovePermission", {"QueueUrl": "$allowed", "Label": name}, value_error(label.format(name, "can't find label.")))
    wsdl = "Please refer to the appropriate WSDL for a list of valid actions. "
    for name in ("Nonsense", "sendMessage", "SQS:SendMessage"):
        yield Row("AddPermission", add(actions=[name]), value_error(f"Value SQS:{name} for parameter ActionName is invalid. Reason: {wsdl}"))
    eight = ["SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl", "PurgeQueue",
             "ListDeadLetterSourceQueues"]
    yield Row("AddPermission", add(actions=eight[:7]), {})
    yield Row("AddPermission", add(actions=eight), Error("OverLimit", "8 Actions were found, maximum allowed is 7."))


ROWS = list(rows())
