"""The client programs: how each is started, and which scenarios its library has."""
import os
import subprocess
from pathlib import Path

from broker import CACHE, aws_environment
from client_programs import NODE, RunningWorker, finish

HERE = Path(__file__).resolve().parent
PYTHON, DEBIAN_PYTHON = CACHE / "venv/bin/python", "/usr/bin/python3"
SCENARIOS = ("queues", "messages", "batch", "longpoll", "visibility", "dlq", "fifo", "purge", "large", "errors")
# Quick to start, small: the tests run dozens of them.
JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]


def java(name, main):
    return [*JAVA, "-cp", f"{CACHE / name / 'classes'}:{CACHE / name / 'libs'}/*", main]


COMMANDS = {
    "boto3": [PYTHON, HERE / "python/boto.py"],             # JSON
    "boto3-debian": [DEBIAN_PYTHON, HERE / "python/boto.py"],  # Query
    "cli": [PYTHON, HERE / "python/cli.py"],                # JSON
    "cli-debian": [PYTHON, HERE / "python/cli.py"],         # Query
    "node3": [*NODE, HERE / "node3/client.mjs"],
    "node2": [*NODE, HERE / "node2/client.js"],
    "java": java("java", "Client"),
    "go": [CACHE / "go-client"],
    "spring": java("spring", "Listener"),
}
OWN = {"cli": ("queues", "messages", "batch"), "cli-debian": ("queues", "messages", "batch"), "spring": ("listener",),
       "node3": (*SCENARIOS, "consumer")}
WORKERS = ("boto3", "boto3-debian", "node3", "node2", "java", "go")


def scenarios():
    for client in COMMANDS:
        for scenario in OWN.get(client, SCENARIOS):
            yield client, scenario


def environment(client, address):
    cli = {"cli": f"{PYTHON} -m awscli", "cli-debian": f"{DEBIAN_PYTHON} /usr/bin/aws"}.get(client, "")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    made = {**kept, **aws_environment(address), "CLI": cli, "NODE_CLIENTS": str(CACHE / client), "LC_ALL": "C.UTF-8"}
    if client == "cli-debian":
        made.pop("AWS_ENDPOINT_URL")
    return made


def start(client, address, scenario, prefix, **options):
    command = [str(word) for word in COMMANDS[client]] + [f"http://{address}", scenario, prefix]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                            env=environment(client, address), **options)


def run(client, address, scenario, prefix, seconds=180):
    """Runs a scenario to its end, which must be good."""
    finish(start(client, address, scenario, prefix), f"{client} {scenario}", seconds)


class Worker(RunningWorker):
    """Says of each message how often it was received."""

    def __init__(self, client, address, prefix):
        super().__init__(start(client, address, "work", prefix))
