"""The actions as a test says them: `sqs.send(queue, "body")`. Every call here must succeed."""
import threading
import time

from wire import STRICT


class Sqs:
    def __init__(self, client):
        self.client = client
        self.made = []

    def do(self, action, **parameters):
        return self.client.do(action, parameters)

    def refuses(self, action, **parameters):
        """(code, text) of a call that must fail."""
        return self.client.call(action, parameters).error

    # -- queues

    def create(self, name, tags=None, **attributes):
        attributes = {key: str(value) for key, value in attributes.items()}
        if name.endswith(".fifo"):
            attributes.setdefault("FifoQueue", "true")
        more = {"tags": tags} if tags else {}
        if attributes:
            more["Attributes"] = attributes
        url = self.do("CreateQueue", QueueName=name, **more)["QueueUrl"]
        self.made.append(url)
        return url

    def attributes(self, queue, *names):
        return self.do("GetQueueAttributes", QueueUrl=queue, AttributeNames=list(names or ["All"])).get("Attributes", {})

    def attribute(self, queue, name):
        return self.attributes(queue, name)[name]

    def arn(self, queue):
        return self.attribute(queue, "QueueArn")

    def set(self, queue, **attributes):
        self.do("SetQueueAttributes", QueueUrl=queue, Attributes={key: str(value) for key, value in attributes.items()})

    def counts(self, queue):
        """(visible, in flight, delayed)"""
        names = [f"ApproximateNumberOfMessages{end}" for end in ("", "NotVisible", "Delayed")]
        found = self.attributes(queue, *names)
        return tuple(int(found[name]) for name in names)

    def delete_queue(self, queue):
        self.do("DeleteQueue", QueueUrl=queue)
        self.made.remove(queue)

    def clean_up(self):
        for queue in self.made:
            self.client.call("DeleteQueue", QueueUrl=queue)

    # -- messages

    def send(self, queue, body, **parameters):
        return self.do("SendMessage", QueueUrl=queue, MessageBody=body, **parameters)

    def send_batch(self, queue, *entries):
        """Bodies or whole entries; none may fail."""
        made = [{"Id": str(number), **(entry if isinstance(entry, dict) else {"MessageBody": entry})}
                for number, entry in enumerate(entries)]
        answer = self.do("SendMessageBatch", QueueUrl=queue, Entries=made)
        assert not answer.get("Failed"), answer
        return answer["Successful"]

    def receive(self, queue, count=10, **parameters):
        found = self.do("ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=count, **parameters)
        assert not STRICT or found.get("Messages") != [], "an empty list instead of none"
        return found.get("Messages", [])

    def bodies(self, queue, count=10, **parameters):
        return [message["Body"] for message in self.receive(queue, count, **parameters)]

    def one(self, queue, seconds=20, **parameters):
        """The next message, waiting if need be."""
        got = self.receive(queue, 1, WaitTimeSeconds=seconds, **parameters)
        assert len(got) == 1, "no message came"
        return got[0]

    def delete(self, queue, message):
        handle = message if isinstance(message, str) else message["ReceiptHandle"]
        self.do("DeleteMessage", QueueUrl=queue, ReceiptHandle=handle)

    def show_after(self, queue, message, seconds):
        self.do("ChangeMessageVisibility", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds)

    def drain(self, queue, seconds=0):
        """All bodies, in the order they come; each is deleted."""
        bodies = []
        while got := self.receive(queue, WaitTimeSeconds=seconds):
            bodies += [message["Body"] for message in got]
            for message in got:
                self.delete(queue, message)
        return bodies


def redrive(arn, count):
    return '{"deadLetterTargetArn":"%s","maxReceiveCount":"%d"}' % (arn, count)


PROMPT = 15  # seconds: whoever is woken does not wait for the end of its twenty


class Poll(threading.Thread):
    """A ReceiveMessage that waits, on a connection of its own."""

    def __init__(self, client, queue, seconds=20, count=10, **parameters):
        super().__init__(daemon=True)
        self.client = type(client)(client.address, client.protocol, seconds + 60, client.account)
        self.parameters = {"QueueUrl": queue, "WaitTimeSeconds": seconds, "MaxNumberOfMessages": count, **parameters}
        self.answer = self.failure = self.ended = None
        self.begun = time.monotonic()
        self.start()

    def run(self):
        try:
            self.answer = self.client.call("ReceiveMessage", self.parameters)
        except OSError as error:
            self.failure = error
        self.ended = time.monotonic()
        self.client.close()

    def messages(self, seconds=80):
        """What came, once it came."""
        self.join(seconds)
        assert not self.is_alive(), f"no answer in {seconds} s"
        assert self.failure is None, self.failure
        return self.answer.result.get("Messages", [])

    @property
    def took(self):
        return self.ended - self.begun
