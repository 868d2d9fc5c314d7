"""The contenders: each starts in a folder of its own and is asked for nothing but answers."""

import os
import shutil
import signal
import subprocess
import time

from . import wire

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Broker:
    """A broker process. `label` names it in results, `synced` says what an acknowledgement meant."""

    label = synced = None
    start_note = ""  # what a first start does that is not starting

    def __init__(self, directory, port, cores=None):
        self.directory, self.port, self.cores = directory, port, cores
        self.process = None

    def command(self):
        raise NotImplementedError

    def start(self, is_ready=lambda client: True, seconds_max=120):
        """Starts the broker; returns the milliseconds until `is_ready(client)` first held."""
        os.makedirs(self.directory, exist_ok=True)
        command = self.command()
        if self.cores is not None:
            command = ["taskset", "-c", self.cores, *command]
        with open(os.path.join(self.directory, "output"), "ab") as output:
            begin = time.monotonic()
            self.process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.label} ended at start, see {self.directory}/output")
            try:
                with wire.Client(self.port) as client:
                    client.call(18, 0, b"")
                    while not is_ready(client):
                        if time.monotonic() - begin > seconds_max:
                            raise RuntimeError(f"{self.label} answers, but is not ready after {seconds_max} s")
                        time.sleep(0.001)
                    return (time.monotonic() - begin) * 1000
            except (ConnectionError, TimeoutError):
                pass
            if time.monotonic() - begin > seconds_max:
                raise RuntimeError(f"{self.label} did not answer within {seconds_max} s")
            time.sleep(0.001)

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, how):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def remove(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class Naru(Broker):
    label = "naru"
    synced = "fdatasync before each acknowledgement"
    durability = None

    def command(self):
        command = [os.path.join(REPOSITORY, "build", "naru"), "serve",
                   "--data-dir", os.path.join(self.directory, "data"),
                   "--kafka", f"127.0.0.1:{self.port}", "--amqp", "off", "--sqs", "off", "--admin", f"127.0.0.1:{self.port + 2}"]
        return command + (["--durability", self.durability] if self.durability else [])


class NaruOs(Naru):
    label = "naru os"
    synced = "nothing: acknowledged from the page cache"
    durability = "os"


class Kafka(Broker):
    label = "kafka"
    synced = "nothing: acknowledged from the page cache, Kafka's default"
    start_note = "formats its folder first, with two JVMs of its own"

    def command(self):  # execs the JVM, so the process that we start is the broker
        return [os.path.join(REPOSITORY, "tools", "kafka_peer"), "run",
                "--port", str(self.port), "--dir", self.directory]

    @staticmethod
    def prepare():
        """Downloads it, which must happen before the network is left."""
        subprocess.run([os.path.join(REPOSITORY, "tools", "kafka_peer"), "fetch"], check=True)

    @staticmethod
    def version():
        return subprocess.run([os.path.join(REPOSITORY, "tools", "kafka_peer"), "version"],
                              check=True, capture_output=True, text=True).stdout.strip()


class Limit(Broker):
    """bench/limits: writes, syncs and answers, and nothing else. Only produce works."""

    label = "limit"
    synced = "fdatasync before each acknowledgement"
    is_synced = True
    partitions = 12

    def command(self):
        command = [self.program(), "--port", str(self.port), "--file", os.path.join(self.directory, "ring"),
                   "--partitions", str(self.partitions)]
        return command + ([] if self.is_synced else ["--no-sync"])

    @staticmethod
    def program():
        return os.path.join(REPOSITORY, "build", "produce_limit")

    @classmethod
    def prepare(cls):
        source = os.path.join(REPOSITORY, "bench", "limits", "produce_limit.cc")
        subprocess.run(["clang++-19", "-O2", "-std=c++23", source, "-lisal", "-o", cls.program()], check=True)


class LimitOs(Limit):
    label = "limit os"
    synced = "nothing: acknowledged from the page cache"
    is_synced = False
