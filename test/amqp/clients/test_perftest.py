"""RabbitMQ's own load generator runs and counts what it sent and received."""
import re
import subprocess

import pytest
from programs import java


@pytest.mark.parametrize("options", [
    ["--pmessages", "2000", "--cmessages", "2000", "--confirm", "100", "--qos", "50", "--flag", "persistent", "--queue-args", "x-max-length=100000"],
    ["-x", "2", "-y", "2", "--autoack", "--size", "1000", "--time", "3", "--rate", "1000"],
    ["--pmessages", "2000", "--cmessages", "2000", "--type", "topic", "-k", "a.b", "--multi-ack-every", "10", "--qos", "100"]], ids=["confirms", "auto-ack", "topic"])
def test_perf_test(broker, names, connect, options):
    connect().declared |= {("/", "queue", names), ("/", "exchange", names + ".x")}
    done = subprocess.run([*java("perftest", "com.rabbitmq.perf.PerfTest"), "--uri", f"amqp://guest:guest@{broker.address}/%2f", "-u", names,
                           "-e", names + ".x", *options], capture_output=True, timeout=240, check=False)
    out = done.stdout.decode()
    assert done.returncode == 0, out + done.stderr.decode()
    assert re.search(r"id: \S+, sending rate avg: \d+ msg/s", out) and re.search(r"receiving rate avg: \d+ msg/s", out), out
