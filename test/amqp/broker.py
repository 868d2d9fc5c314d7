"""Starts the broker under test: naru, or with NARU_TEST_PEER=rabbitmq the original."""
import os
import shlex
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import wire
from waiting import free_ports, wait_until  # noqa: F401  (wait_until: for the tests)

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
PEER = os.environ.get("NARU_TEST_PEER", "naru")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "naru" / "amqp-clients"
DEFINITIONS = HERE / "definitions.json"  # the same users, vhosts, permissions and policies for both
ANY_COMMAND = [str(REPO / "tools/rabbitmq_peer")]
COUNTERS = ("messages_received", "messages_confirmed", "messages_routed", "messages_unroutable_dropped",
            "messages_unroutable_returned", "messages_delivered", "messages_redelivered", "messages_acknowledged",
            "messages_get_empty", "messages_dead_lettered")


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            s.sendall(wire.PROTOCOL_HEADER)
            return s.recv(1) == b"\1"
    except OSError:
        return False


class Broker:
    """One broker for many tests. RabbitMQ uses ports from `port` on (tools/rabbitmq_peer), naru three."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.is_rabbitmq = PEER == "rabbitmq"
        self.process = None
        if running := os.environ.get("NARU_TEST_ADDRESS"):  # one that already runs, for development
            self.address, self.port = running, int(running.rsplit(":", 1)[1])
            return
        self.port = free_ports(26)
        self.address = f"127.0.0.1:{self.port}"
        self.log = self.folder / "broker.log"
        self.start()

    @property
    def kafka_address(self):
        return f"127.0.0.1:{self.port + 1}"

    @property
    def management_port(self):
        return self.port + (4 if self.is_rabbitmq else 2)

    def command(self):
        if self.is_rabbitmq:
            return [*ANY_COMMAND, "run", "--port", str(self.port), "--dir", str(self.folder / "rabbitmq")]
        binary = os.environ.get("NARU_BIN", str(REPO / "build/naru"))
        return [binary, "serve", "--data-dir", str(self.folder / "data"), "--amqp", self.address, "--sqs", "off",
                "--kafka", self.kafka_address, "--admin", f"127.0.0.1:{self.port + 2}",
                *shlex.split(os.environ.get("NARU_ARGS", ""))]

    def start(self):
        environment = os.environ | {
            "RABBITMQ_DEFINITIONS": str(DEFINITIONS),
            "RABBITMQ_PLUGINS": "rabbitmq_prometheus,rabbitmq_consistent_hash_exchange,rabbitmq_random_exchange,"
                                "rabbitmq_sharding,rabbitmq_management" + os.environ.get("NARU_TEST_MORE_PLUGINS", "")}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=environment)
        wait_until(self.up, f"{self.address} speaks AMQP (log: {self.log})", 90)
        if not self.is_rabbitmq:
            self.import_definitions()

    def import_definitions(self):
        """The same users, vhosts, permissions and policies; what fails is in the log, and the tests that need them fail."""
        binary = os.environ.get("NARU_BIN", str(REPO / "build/naru"))
        with open(self.log, "ab") as log:
            subprocess.run([binary, "import-definitions", str(DEFINITIONS), "--admin", f"127.0.0.1:{self.port + 2}"],
                           stdout=log, stderr=log, stdin=subprocess.DEVNULL, timeout=60, check=False)

    def up(self):
        status = self.process.poll()
        assert status is None, f"the broker ended with {status}:\n{self.log.read_text()}"
        return answers(self.port)

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert status == 0, f"exit code {status}:\n{self.log.read_text()[-4000:]}"
        self.process = None

    def kill(self):
        """As a crash of the process; what the kernel has, it keeps. Only naru: RabbitMQ is many processes."""
        self.process.kill()
        self.process.wait()

    def counters(self):
        """The broker's own count of what happened to messages: from /metrics, by the names that RabbitMQ gives them."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port + 2}/metrics", timeout=60) as answer:
            text = answer.read().decode()
        counts = dict.fromkeys(COUNTERS, 0)
        for line in text.splitlines():
            for name in COUNTERS:
                if line.startswith(f"rabbitmq_global_{name}_") and "queue_type" in line or \
                        line.startswith(f"rabbitmq_global_{name}_total"):
                    if name != "messages_delivered" or "delivered_total" in line:
                        counts[name] += int(float(line.rsplit(" ", 1)[1]))
        return counts

    def ctl_command(self, *words):
        if self.is_rabbitmq:
            folder = os.environ.get("NARU_TEST_PEER_DIR", str(self.folder / "rabbitmq"))
            return [*ANY_COMMAND, "ctl", "--port", str(self.port), "--dir", folder, "--", *words]
        binary = os.environ.get("NARU_BIN", str(REPO / "build/naru"))
        return [binary, "ctl", "--admin", f"127.0.0.1:{self.port + 2}", *words]

    def ctl(self, *words):
        """rabbitmqctl, for what no protocol tells; naru takes the same words."""
        command = self.ctl_command(*words)
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout.decode()}{done.stderr.decode()}"
        return done.stdout.decode()
