"""What rows speak of: `$std` in a parameter or a text is the URL of a standard queue that is there, and so on.

Queues that rows only look at are made once; names with a `!` in the list below are made anew for each row.
"""
import itertools
import re

from queues import Sqs, redrive

MADE = itertools.count()
SMALL = 1024  # MaximumMessageSize of $small


class World:
    def __init__(self, client, name):
        self.sqs, self.client, self.name = Sqs(client), client, name
        self.known = {}

    def __getitem__(self, key):
        kind, _, part = key.partition("_")
        if part:  # $std_arn, $std_name, $std_path
            url = self[kind]
            return {"arn": self.sqs.arn, "name": lambda q: q.rsplit("/", 1)[1], "path": lambda q: "/" + q.split("/", 3)[3]}[part](url)
        if key not in self.known:
            self.known[key] = getattr(self, "make_" + key)()
        return self.known[key]

    def forget(self):
        """Before each row."""
        for key in ("new", "newfifo", "name", "handle", "fifohandle", "used"):
            self.known.pop(key, None)

    def fill(self, value):
        """The value with all `$words` replaced."""
        if isinstance(value, str):
            return re.sub(r"\$([a-z]+(?:_[a-z]+)?)", lambda found: self.word(found), value)
        if isinstance(value, list):
            return [self.fill(one) for one in value]
        if isinstance(value, dict):
            return {self.fill(key): self.fill(one) for key, one in value.items()}
        return value

    def word(self, found):
        kind = found[1].partition("_")[0]
        return self[found[1]] if hasattr(self, "make_" + kind) else found[0]

    def queue(self, ending="", **attributes):
        return self.sqs.create(f"{self.name}_{next(MADE)}{ending}", **attributes)

    def make_address(self):
        return self.client.address

    def make_account(self):
        return self.client.account

    # -- queues for all rows

    def make_std(self):
        return self.queue()

    def make_fifo(self):
        return self.queue(".fifo")

    def make_cbd(self):
        """FIFO with content-based deduplication."""
        return self.queue(".fifo", ContentBasedDeduplication="true")

    def make_small(self):
        return self.queue(MaximumMessageSize=SMALL)

    def make_dlq(self):
        return self.queue()

    def make_src(self):
        """Its dead letters go to $dlq."""
        return self.queue(RedrivePolicy=redrive(self["dlq_arn"], 3))

    def make_lone(self):
        """A dead letter queue that no other row speaks of, and $loner is its one source."""
        return self.queue()

    def make_loner(self):
        return self.queue(RedrivePolicy=redrive(self["lone_arn"], 3))

    def make_closed(self):
        """A dead letter queue for nobody."""
        return self.queue(RedriveAllowPolicy='{"redrivePermission":"denyAll"}')

    def make_allowed(self):
        """With one permission, labelled `there`."""
        queue = self.queue()
        self.sqs.do("AddPermission", QueueUrl=queue, Label="there", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
        return queue

    def make_tagged(self):
        return self.sqs.create(f"{self.name}_{next(MADE)}", tags={"team": "a", "Team": "b"})

    def make_gone(self):
        return self.client.url(f"{self.name}_gone")

    def make_gonearn(self):
        return self["std_arn"].rsplit(":", 1)[0] + ":" + self.name + "_gone"

    def make_long(self):
        return "a" * 81

    # -- anew for each row

    def make_new(self):
        return self.queue()

    def make_newfifo(self):
        return self.queue(".fifo")

    def make_name(self):
        return f"{self.name}_{next(MADE)}"

    def make_used(self):
        """A name that a queue had which was deleted a moment ago."""
        queue = self.queue()
        self.sqs.delete_queue(queue)
        return queue.rsplit("/", 1)[1]

    def make_handle(self):
        """Of a message of $std that is in flight."""
        return self.handle_in(self["std"])

    def make_fifohandle(self):
        return self.handle_in(self["cbd"], MessageGroupId=f"g{next(MADE)}")

    def make_other(self):
        """A handle of another queue."""
        return self.handle_in(self.queue())

    def handle_in(self, queue, **parameters):
        self.sqs.send(queue, f"for a handle {next(MADE)}", **parameters)
        return self.sqs.one(queue, VisibilityTimeout=3600)["ReceiptHandle"]
