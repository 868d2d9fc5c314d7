"""Starts what the tests talk to: naru, or with NARU_TEST_PEER=elasticmq or moto a look-alike to compare with."""
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
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "naru" / "sqs-clients"
# moto signs nothing and asks for an account of twelve digits; all look-alikes take these.
ACCOUNT = "123456789012" if PEER == "moto" else "000000000000"
ACCESS_KEY, SECRET, REGION = "test", "test", "us-east-1" if PEER == "moto" else os.environ.get("NARU_TEST_REGION", "us-east-1")


def aws_environment(address):
    """What every SDK and the CLI read; nothing of the user's own settings gets in."""
    return {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": f"http://{address}", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}


class Broker:
    """One broker for many tests. naru takes four ports from `port` on: SQS, Kafka, AMQP, administration."""

    def __init__(self, folder, *flags):
        self.folder, self.flags = Path(folder), list(flags)
        self.process = None
        self.log = self.folder / "broker.log"
        if running := os.environ.get("NARU_TEST_ADDRESS"):  # one that already runs, for development
            self.address, self.port = running, int(running.rsplit(":", 1)[1])
            return
        self.port = free_ports(4)
        self.address = f"127.0.0.1:{self.port}"
        self.start()

    @property
    def is_ours(self):
        return self.process is not None

    def command(self):
        if PEER == "elasticmq":
            return [str(REPO / "tools/elasticmq_peer"), "run", "--port", str(self.port), "--dir", str(self.folder / "elasticmq")]
        if PEER == "moto":
            return [str(CACHE / "look-alikes/bin/python"), "-m", "moto.server", "-p", str(self.port)]
        binary = os.environ.get("NARU_BIN", str(REPO / "build/naru"))
        return [binary, "serve", "--data-dir", str(self.folder / "data"), "--sqs", self.address,
                "--kafka", f"127.0.0.1:{self.port + 1}", "--amqp", f"127.0.0.1:{self.port + 2}",
                "--admin", f"127.0.0.1:{self.port + 3}", *self.flags, *shlex.split(os.environ.get("NARU_ARGS", ""))]

    @property
    def kafka_address(self):
        return f"127.0.0.1:{self.port + 1}"

    @property
    def amqp_port(self):
        return self.port + 2

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(self.up, f"{self.address} lists queues (log: {self.log})", 60)

    def up(self):
        status = self.process.poll()
        assert status is None, f"the broker ended with {status}:\n{self.log.read_text()[-4000:]}"
        try:
            with wire.Client(self.address, seconds=5) as client:
                return client.call("ListQueues").status in (200, 403)  # 403: it wants a signature
        except OSError:
            return False

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
        assert status in {"naru": (0,), "elasticmq": (0, 143), "moto": (0, -15)}[PEER], \
            f"exit code {status}:\n{self.log.read_text()[-4000:]}"

    def kill(self):
        """As a crash of the process; what the kernel has, it keeps."""
        self.process.kill()
        self.process.wait()

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port + 3}/metrics", timeout=60) as answer:
            return answer.read().decode()

    def ctl(self, *words):
        """naru ctl: users and their keys."""
        binary = os.environ.get("NARU_BIN", str(REPO / "build/naru"))
        command = [binary, "ctl", "--admin", f"127.0.0.1:{self.port + 3}", *words]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout.decode()}{done.stderr.decode()}"
        return done.stdout.decode()
