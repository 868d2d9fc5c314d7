"""The client programs: how each is started, and which scenarios its library has no API for."""
import os
import queue
import subprocess
import threading
from pathlib import Path

from broker import CACHE

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
    "node": ["node", HERE / "node/client.js"],
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


def run(client, broker, scenario, prefix, seconds=90):
    """Runs a scenario to its end, which must be good."""
    process = start(client, broker, scenario, prefix)
    try:
        out, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, errors = process.communicate()
        raise AssertionError(f"{client} {scenario}: not within {seconds} s\n{out.decode()}{errors.decode()}") from None
    assert process.returncode == 0 and out.decode().splitlines()[-1:] == ["ok"], \
        f"{client} {scenario}: exit code {process.returncode}\n{out.decode()}{errors.decode()[-4000:]}"


class Worker:
    """A running consumer that says what it works on."""

    def __init__(self, client, broker, prefix):
        self.process = start(client, broker, "work", prefix)
        self.lines = queue.Queue()
        threading.Thread(target=self.pump, daemon=True).start()

    def pump(self):
        for line in self.process.stdout:
            self.lines.put(line.decode().split())

    def job(self, seconds=30):
        """(body, redelivered) of the next message it got."""
        word, body, redelivered = self.lines.get(timeout=seconds)
        assert word == "working"
        return body, redelivered == "1"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
