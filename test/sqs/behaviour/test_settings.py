"""Flags of the broker: the file of queues that ElasticMQ's users have, region and account, the public URL."""
import time

import pytest
from broker import PEER, Broker
from queues import PROMPT, Poll, Sqs
from wire import Client

pytestmark = pytest.mark.skipif(PEER != "naru", reason="naru's flags")

QUEUES = """
# as ElasticMQ has it
include classpath("application.conf")
rest-sqs { enabled = true }
queues {
  orders {
    defaultVisibilityTimeout = 10 seconds
    delay = 5 seconds
    receiveMessageWait = 3 seconds
    deadLettersQueue { name = "orders-dead", maxReceiveCount = 3 }
    tags { team = "sales", "cost centre" = 7 }
  }
  "orders-dead" { }
  audit {
    fifo = true
    contentBasedDeduplication = true
  }
}
"""


def start(tmp_path, *flags):
    broker = Broker(tmp_path, *flags)
    if not broker.is_ours:
        pytest.skip("the broker is not ours")
    return broker


def test_a_file_of_queues(tmp_path):
    file = tmp_path / "queues.conf"
    file.write_text(QUEUES)
    broker = start(tmp_path, "--sqs-queues", str(file))
    for _ in range(2):  # and again, when they are there
        with Client(broker.address) as client:
            sqs = Sqs(client)
            names = sorted(url.rsplit("/", 1)[1] for url in sqs.do("ListQueues")["QueueUrls"])
            assert names == ["audit.fifo", "orders", "orders-dead"]
            found = sqs.attributes(client.url("orders"))
            assert (found["VisibilityTimeout"], found["DelaySeconds"], found["ReceiveMessageWaitTimeSeconds"]) == ("10", "5", "3")
            assert '"orders-dead"' not in found["RedrivePolicy"] and found["RedrivePolicy"].count(":orders-dead") == 1
            assert sqs.do("ListQueueTags", QueueUrl=client.url("orders"))["Tags"] == {"team": "sales", "cost centre": "7"}
            assert sqs.attributes(client.url("audit.fifo"))["ContentBasedDeduplication"] == "true"
            sqs.send(client.url("orders-dead"), "kept")
        broker.kill()
        broker.start()
    with Client(broker.address) as client:
        assert Sqs(client).counts(client.url("orders-dead")) == (2, 0, 0)
    broker.stop()


def test_region_and_account(tmp_path):
    broker = start(tmp_path, "--sqs-region", "eu-central-1", "--sqs-account", "123456789012")
    with Client(broker.address) as client:
        sqs = Sqs(client)
        queue = sqs.create("q")
        assert queue == f"http://{broker.address}/123456789012/q"
        assert sqs.arn(queue) == "arn:aws:sqs:eu-central-1:123456789012:q"
        sqs.send(f"http://{broker.address}/000000000000/q", "any account")
    broker.stop()


def test_a_public_url(tmp_path):
    broker = start(tmp_path, "--sqs-url", "https://sqs.example.com/base")
    with Client(broker.address) as client:
        sqs = Sqs(client)
        queue = sqs.create("q")
        assert queue == "https://sqs.example.com/base/000000000000/q"
        sqs.send(queue, "b")
        assert sqs.bodies(queue) == ["b"]
    broker.stop()


def test_it_stops_while_polls_wait(tmp_path):
    """SIGTERM answers them; none is left hanging for its twenty seconds."""
    broker = start(tmp_path)
    with Client(broker.address) as client:
        queue = Sqs(client).create("q")
        polls = [Poll(client, queue) for _ in range(10)]
        time.sleep(0.3)
        begin = time.monotonic()
        broker.stop()
        assert time.monotonic() - begin < PROMPT
        for poll in polls:
            poll.join(60)
            assert not poll.is_alive()


def test_metrics(tmp_path):
    broker = start(tmp_path)
    with Client(broker.address) as client:
        sqs = Sqs(client)
        queue = sqs.create("q")
        sqs.send(queue, "b")
        text = broker.metrics()
        assert "sqs" in text
    broker.stop()
