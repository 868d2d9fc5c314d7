"""Starts the broker under test: naru, or with NARU_TEST_PEER=kafka the original."""
import os
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path

import wire
from waiting import free_ports, wait_until  # noqa: F401  (wait_until: for the tests)

REPO = Path(__file__).resolve().parents[2]
PEER = os.environ.get("NARU_TEST_PEER", "naru")
REBALANCE_DELAY = 0  # each new group would wait 3 s for more members; the tests have dozens of groups
CLEANER_PAUSE = 200  # ms; 15 s otherwise
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "naru" / "clients"


def free_port():
    """A port whose successor is free as well: Kafka's controller needs a second one."""
    return free_ports(2)


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            s.sendall(bytes.fromhex("0000000a 0012 0000 00000007 ffff"))  # ApiVersions v0
            return s.recv(8)[4:8] == b"\0\0\0\7"
    except OSError:
        return False


class Broker:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.is_kafka = PEER == "kafka"
        self.process = None
        if running := os.environ.get("NARU_TEST_ADDRESS"):  # one that already runs, for development
            self.address, self.port = running, int(running.rsplit(":", 1)[1])
            return
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.log = self.folder / "broker.log"
        self.start()

    def command(self):
        data = str(self.folder / "data")
        if self.is_kafka:
            return [str(REPO / "tools/kafka_peer"), "run", "--port", str(self.port), "--dir", data]
        binary = os.environ.get("NARU_BIN", str(REPO / "build/naru"))
        config = self.folder / "naru.toml"
        config.write_text(f"group-initial-rebalance-delay-ms = {REBALANCE_DELAY}\n"
                          f"log-cleaner-backoff-ms = {CLEANER_PAUSE}\n")
        return [binary, "serve", "--config", str(config), "--data-dir", data, "--kafka", self.address,
                "--amqp", "off", "--sqs", "off", "--admin", f"127.0.0.1:{free_port()}", *shlex.split(os.environ.get("NARU_ARGS", ""))]

    def start(self):
        environment = dict(os.environ)
        if self.is_kafka:
            environment.setdefault("KAFKA_PROPERTIES", f"group.initial.rebalance.delay.ms={REBALANCE_DELAY} "
                                   f"log.cleaner.backoff.ms={CLEANER_PAUSE}")
        with open(self.log, "ab") as log:
            # tools/kafka_peer execs, so this process is the broker itself.
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=environment)
        wait_until(self.up, f"{self.address} answers ApiVersions (log: {self.log})", 60)
        # The original creates the topics of its coordinators at their first use, and clients log the wait.
        wait_until(lambda: wire.coordinators_ready(self.address), "the coordinators are ready", 60)

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
        # A JVM reports the signal it was stopped by, however cleanly it ended.
        expected = 143 if self.is_kafka else 0
        assert status == expected, f"exit code {status}:\n{self.log.read_text()[-4000:]}"

    def kill(self):
        """As a crash of the process; what the kernel has, it keeps."""
        self.process.kill()
        self.process.wait()
