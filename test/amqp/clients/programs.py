"""The client programs: how each is started, and which scenarios its library has no API for."""
import os
import subprocess
from pathlib import Path

from broker import CACHE
from client_programs import NODE, RunningWorker, finish

HERE = Path(__file__).resolve().parent
PYTHON = CACHE / "venv/bin/python"
SCENARIOS = ("topology", "confirms", "consume", "redelivery", "requeue", "rpc", "retry", "priority", "large", "headers")
# Quick to start, small: the tests run dozens of them.
JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]


def java(name, main):
    return [*JAVA, "-cp", f"{CACHE / name / 'classes'}:{CACHE / name / 'libs'}/*", main]


COMMANDS = {
    "pika": [PYTHON, HERE / "python/pika_blocking.py"],
    "aio-pika": [PYTHON, HERE / "python/aio_pika_client.py"],
    "java": java("java", "Client"),
    "node": [*NODE, HERE / "node/client.js"],
    "go": [CACHE / "go-client"],
    "ruby": ["/usr/bin/ruby", HERE / "ruby/client.rb"],
    "c": [CACHE / "c-client"],
    "pika-async": [PYTHON, HERE / "python/pika_async.py"],
    "spring": java("spring", "Retry"),
}
LACKS = {"c": {"retry", "priority"}, "pika-async": set(SCENARIOS) - {"confirms", "consume", "rpc"} | {"work"},
         "spring": set(SCENARIOS) - {"retry", "confirms", "rpc"} | {"work"}}
MORE = {"spring": ("transaction",)}


def scenarios():
    for client in COMMANDS:
        for scenario in (*SCENARIOS, *MORE.get(client, ())):
            if scenario not in LACKS.get(client, ()):
                yield client, scenario


def start(client, broker, scenario, prefix, **options):
    host, port = broker.address.rsplit(":", 1)
    command = [str(word) for word in COMMANDS[client]] + [host, port, scenario, prefix]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                            env=os.environ | {"NODE_CLIENTS": str(CACHE / "node")}, **options)


def run(client, broker, scenario, prefix, seconds=180):
    """Runs a scenario to its end, which must be good."""
    finish(start(client, broker, scenario, prefix), f"{client} {scenario}", seconds)


class Worker(RunningWorker):
    """Says of each message whether it was redelivered."""

    def __init__(self, client, broker, prefix):
        super().__init__(start(client, broker, "work", prefix))
