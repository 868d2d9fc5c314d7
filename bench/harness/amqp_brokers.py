"""Contenders that speak AMQP 0-9-1: each starts in a folder of its own."""

import os
import signal
import socket
import subprocess
import time

from . import brokers


class AmqpBroker(brokers.Broker):
    """`queue_type` is what the load declares; CPU and memory are those of `pid`."""

    queue_type = "classic"

    @staticmethod
    def environment():
        return dict(os.environ)

    def start(self, seconds_max=120):
        """Starts the broker; returns the milliseconds until it greeted a client."""
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, "output"), "ab") as output:
            begin = time.monotonic()
            self.process = subprocess.Popen(self.command(), stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                                            env=self.environment())
        while time.monotonic() - begin < seconds_max:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.label} ended at start, see {self.directory}/output")
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as client:
                    client.sendall(b"AMQP\0\0\x09\x01")
                    if client.recv(1) == b"\1":
                        return (time.monotonic() - begin) * 1000
            except OSError:
                pass
            time.sleep(0.001)
        raise RuntimeError(f"{self.label} did not greet within {seconds_max} s")


class Naru(AmqpBroker):
    label = "naru"
    synced = "fdatasync before each confirm"

    def command(self):
        return [os.path.join(brokers.REPOSITORY, "build", "naru"), "serve",
                "--data-dir", os.path.join(self.directory, "data"), "--amqp", f"127.0.0.1:{self.port}", "--sqs", "off",
                "--kafka", f"127.0.0.1:{self.port + 1}", "--admin", f"127.0.0.1:{self.port + 2}"]


PEER = os.path.join(brokers.REPOSITORY, "tools", "rabbitmq_peer")


class RabbitMQ(AmqpBroker):
    label = "rabbitmq"
    synced = "classic queues: fsync before each confirm, many messages to one"

    def command(self):
        return [PEER, "run", "--port", str(self.port), "--dir", self.directory]

    @staticmethod
    def environment():
        return {name: value for name, value in os.environ.items() if name != "RABBITMQ_ROOT"}

    @property
    def pid(self):
        """The Erlang machine below the script that was started."""
        for entry in os.listdir("/proc"):
            if entry.isdigit() and _name(entry) == "beam.smp" and self.process.pid in _ancestors(entry):
                return int(entry)
        raise RuntimeError("no Erlang machine")

    def _end(self, how):
        if self.process is not None and self.process.poll() is None and how == signal.SIGKILL:
            os.kill(self.pid, how)  # the script notices, and takes its epmd along
            how = signal.SIGTERM
        super()._end(how)

    @classmethod
    def prepare(cls):
        subprocess.run([PEER, "fetch"], check=True, env=cls.environment())

    @classmethod
    def version(cls):
        return subprocess.run([PEER, "version"], check=True, capture_output=True, text=True,
                              env=cls.environment()).stdout.strip()


class RabbitMQQuorum(RabbitMQ):
    label = "rabbitmq quorum"
    synced = "quorum queues: fsync of the write-ahead log before each confirm, many messages to one"
    queue_type = "quorum"


class RabbitMQNew(RabbitMQ):
    """The one below RABBITMQ_ROOT; tools/rabbitmq_peer says how to get it."""

    label = "rabbitmq (new)"

    @staticmethod
    def environment():
        if "RABBITMQ_ROOT" not in os.environ:
            raise RuntimeError("rabbitmq-new needs RABBITMQ_ROOT, see tools/rabbitmq_peer")
        return dict(os.environ)


def _stat(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read()
    except OSError:
        return "0 () ? 0"


def _name(pid):
    return _stat(pid).partition("(")[2].rpartition(")")[0]


def _ancestors(pid):
    found = set()
    while int(pid) > 1:
        pid = _stat(pid).rpartition(")")[2].split()[1]
        found.add(int(pid))
    return found
