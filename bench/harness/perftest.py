"""RabbitMQ's own load generator, PerfTest: for who trusts theirs more than ours. It is a JVM beside the broker."""

import glob
import os
import re
import subprocess

from . import process
from .brokers import REPOSITORY
from .load import LoadFailed

_POM = os.path.join(REPOSITORY, "test", "amqp", "clients", "perftest", "pom.xml")
_LIBRARIES = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "naru", "perftest")


def prepare():
    if not glob.glob(os.path.join(_LIBRARIES, "perf-test-*.jar")):
        subprocess.run(["mvn", "-B", "-q", "-f", _POM, "dependency:copy-dependencies", "-DincludeScope=runtime",
                        f"-DoutputDirectory={_LIBRARIES}"], check=True)


def run(broker, seconds, size, publishers, consumers, confirm=1000, prefetch=300):
    """Persistent messages, confirmed and acknowledged, at full speed through one durable queue."""
    command = ["java", "-cp", os.path.join(_LIBRARIES, "*"), "com.rabbitmq.perf.PerfTest",
               "--uri", f"amqp://guest:guest@127.0.0.1:{broker.port}/%2f", "-u", "perftest", "-ad", "false", "-f", "persistent",
               "-s", str(size), "-x", str(publishers), "-y", str(consumers), "-c", str(confirm), "-q", str(prefetch),
               "--time", str(round(seconds))]
    before = sum(process.cpu_seconds(broker.pid))
    done = subprocess.run(command, capture_output=True, text=True)
    cpu = sum(process.cpu_seconds(broker.pid)) - before
    rates = {name: int(value) for name, value in re.findall(r"(sending|receiving) rate avg: (\d+) ", done.stdout)}
    if done.returncode != 0 or set(rates) != {"sending", "receiving"}:
        raise LoadFailed(f"{broker.label}: {' '.join(command)}\n{done.stderr}{done.stdout}")
    return {"published_per_s": rates["sending"], "consumed_per_s": rates["receiving"],
            "cpu_s_per_million": cpu / (rates["receiving"] * round(seconds)) * 1e6}
