"""Contenders that speak SQS: each starts in a folder of its own. And the bare server that shows what the library costs."""

import http.client
import os
import subprocess
import time

from . import brokers


class SqsBroker(brokers.Broker):
    def start(self, seconds_max=120):
        """Starts the server; returns the milliseconds until it answered a request."""
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, "output"), "ab") as output:
            begin = time.monotonic()
            self.process = subprocess.Popen(self.command(), stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        while time.monotonic() - begin < seconds_max:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.label} ended at start, see {self.directory}/output")
            try:
                client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                client.request("POST", "/", b"{}", {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"})
                if client.getresponse().status == 200:
                    return (time.monotonic() - begin) * 1000
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.005)
        raise RuntimeError(f"{self.label} did not answer within {seconds_max} s")


class Naru(SqsBroker):
    label = "naru"
    synced = "fdatasync before each answer, many requests to one"
    durability = None

    def command(self):
        command = [os.path.join(brokers.REPOSITORY, "build", "naru"), "serve",
                   "--data-dir", os.path.join(self.directory, "data"), "--sqs", f"127.0.0.1:{self.port}",
                   "--kafka", f"127.0.0.1:{self.port + 1}", "--amqp", f"127.0.0.1:{self.port + 2}",
                   "--admin", f"127.0.0.1:{self.port + 3}"]
        return command + (["--durability", self.durability] if self.durability else [])


class NaruOs(Naru):
    label = "naru os"
    synced = "nothing: answered from the page cache"
    durability = "os"


class ElasticMQ(SqsBroker):
    label = "elasticmq"
    synced = "nothing: messages are in memory only, its default"
    persist = ""

    def command(self):  # execs the JVM, so the process that we start is the server
        peer = os.path.join(brokers.REPOSITORY, "tools", "elasticmq_peer")
        return ["env", f"ELASTICMQ_PERSIST={self.persist}", peer, "run", "--port", str(self.port), "--dir", self.directory]

    @staticmethod
    def prepare():
        subprocess.run([os.path.join(brokers.REPOSITORY, "tools", "elasticmq_peer"), "fetch"], check=True)

    @staticmethod
    def version():
        return subprocess.run([os.path.join(brokers.REPOSITORY, "tools", "elasticmq_peer"), "version"],
                              check=True, capture_output=True, text=True).stdout.strip()


class ElasticMQDisk(ElasticMQ):
    label = "elasticmq disk"
    synced = "its H2 database, as it sees fit"
    persist = "yes"


class Limit(SqsBroker):
    """bench/limits/http_limit.cc: Boost.Beast reads, a constant is the answer. Taking makes no sense there."""

    label = "limit"
    synced = "nothing is stored"

    def command(self):
        return [self.program(), "--port", str(self.port)]

    @staticmethod
    def program():
        return os.path.join(brokers.REPOSITORY, "build", "http_limit")

    @classmethod
    def prepare(cls):
        source = os.path.join(brokers.REPOSITORY, "bench", "limits", "http_limit.cc")
        if not os.path.exists(cls.program()) or os.path.getmtime(cls.program()) < os.path.getmtime(source):
            subprocess.run(["clang++-19", "-O2", "-std=c++23", source, "-lpthread", "-o", cls.program()], check=True)
