"""Tasks that move dead letters back: what refuses one, and the lists."""
from answers import Error, value_error
from rows import Row

ARN_FORM = "You must use this format to specify the {}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"


def not_there(name):
    return Error("ResourceNotFoundException", f"The resource that you specified for the {name} parameter doesn't exist.")


def rows():
    ready = [("GetQueueUrl", {"QueueName": "$src_name"})]
    for action in ("StartMessageMoveTask", "ListMessageMoveTasks"):
        yield Row(action, {"SourceArn": "$gonearn"}, not_there("SourceArn"))
        for arn in ("nonsense", "arn:aws:sqs"):
            yield Row(action, {"SourceArn": arn}, value_error(ARN_FORM.format("SourceArn")))
    yield Row("StartMessageMoveTask", {"SourceArn": "$new_arn"}, value_error("Source queue must be configured as a Dead Letter Queue."))
    yield Row("StartMessageMoveTask", {"SourceArn": "$dlq_arn", "DestinationArn": "$gonearn"}, not_there("DestinationArn"), after=ready)
    for value in (0, -1, 501):
        yield Row("StartMessageMoveTask", {"SourceArn": "$dlq_arn", "MaxNumberOfMessagesPerSecond": value}, after=ready,
                  expected=value_error(f"Value {value} for parameter MaxNumberOfMessagesPerSecond is invalid. "
                                       "Reason: Must be between 1 and 500, if provided."))
    yield Row("StartMessageMoveTask", {"SourceArn": "$dlq_arn"}, {"TaskHandle": "<TaskHandle>"}, after=ready)
    yield Row("ListMessageMoveTasks", {"SourceArn": "$new_arn"}, {"Results": []}, only="json")
    for value in (0, -1, 11):
        text = "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 10."
        yield Row("ListMessageMoveTasks", {"SourceArn": "$dlq_arn", "MaxResults": value}, value_error(text))
    for handle in ("nonsense", "e30=", "eyJ0YXNrSWQiOiJ4In0="):
        yield Row("CancelMessageMoveTask", {"TaskHandle": handle}, value_error("Value for parameter TaskHandle is invalid."))


ROWS = list(rows())
