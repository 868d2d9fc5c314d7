"""Talks with a client program: a process that obeys commands on stdin.

Each program under test (one per client library) reads lines of tab-separated words
and answers with lines, then "." or "!<tab>ERROR<tab>message". Everything that the
library logs at WARN or above goes to stderr, and stderr must stay empty.

  create TOPIC PARTITIONS [NAME=VALUE...]
  produce TOPIC CODEC ACKS IDEMPOTENT COUNT   + COUNT lines partition timestamp key headers value
                                              -> partition offset, in the order of the records
  consume TOPIC COUNT                         -> COUNT lines partition offset timestamp key headers value
  group TOPIC GROUP COUNT                     -> the same, as group member; commits what it read, leaves
  offsets TOPIC TIMESTAMP                     -> partition earliest latest by-timestamp
  describe TOPIC                              -> "partitions N" and, if the library knows it, "id ID"
  configs TOPIC                               -> name value
  cluster                                     -> "broker ID HOST PORT"
  grow TOPIC PARTITIONS / delete TOPIC
  member TOPIC GROUP INSTANCE|-               -> "assigned P,P" and records until stdin closes
"""
import os
import queue
import re
import signal
import subprocess
import threading

import pytest

from records import from_line, to_line


class ClientError(Exception):
    def __init__(self, name, message=""):
        super().__init__(f"{name}: {message}")
        self.name = name

    def is_unknown_topic(self):
        # UNKNOWN_TOPIC_OR_PART, UnknownTopicOrPartitionException, ...
        return self.name.replace("_", "").lower().startswith("unknowntopicorpart")


class Process:
    def __init__(self, command, log, ordinary=()):
        self.log = log
        self.ordinary = ordinary
        self.name = os.path.basename(str(log))
        self.stderr = open(log, "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.stderr)
        self.lines = queue.Queue()
        threading.Thread(target=self.pump, daemon=True).start()

    def pump(self):
        for line in self.process.stdout:
            self.lines.put(line.decode().rstrip("\n"))
        self.lines.put(None)

    def send(self, *lines):
        self.process.stdin.write("".join(line + "\n" for line in lines).encode())
        self.process.stdin.flush()

    def next_line(self, seconds=120):
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"{self.name}: no answer in {seconds} s; stderr:\n{self.errors()}") from None
        if line is None:
            raise AssertionError(f"{self.name}: ended with {self.process.wait()}; stderr:\n{self.errors()}")
        return line

    def errors(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def close(self):
        """Closing stdin asks the program to leave in good order."""
        self.process.stdin.close()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name}: does not end; stderr:\n{self.errors()}") from None
        finally:
            self.stderr.close()
        assert status == 0, f"{self.name}: exit code {status}; stderr:\n{self.errors()}"
        complaints = [line for line in self.errors().splitlines()
                      if not any(re.search(pattern, line) for pattern in self.ordinary)]
        assert not complaints, f"{self.name} logged:\n" + "\n".join(complaints)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Member(Process):
    """A running group member; keeps what it was assigned and what it read."""

    def __init__(self, command, topic, group, instance, log, ordinary=()):
        super().__init__(command, log, ordinary)
        self.assignments, self.records = [], []
        self.send("\t".join(("member", topic, group, instance or "-")))

    def take(self, line):
        if line is None:
            raise AssertionError(f"{self.name}: ended early; stderr:\n{self.errors()}")
        word, _, rest = line.partition("\t")
        if word == "assigned":
            self.assignments.append(tuple(sorted(int(p) for p in rest.split(",") if p)))
        elif word == "record":
            self.records.append(from_line(rest))
        else:
            raise AssertionError(f"{self.name} says {line!r}; stderr:\n{self.errors()}")

    def poll(self):
        while not self.lines.empty():
            self.take(self.lines.get())

    @property
    def partitions(self):
        self.poll()
        return self.assignments[-1] if self.assignments else None

    def close(self):
        super().close()
        while (line := self.lines.get()) is not None:  # what it said while leaving
            self.take(line)


class Client:
    """What the scenarios call; a kind of client overrides what it does in its own way."""
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    lacks = frozenset()     # scenarios that the client has no API for
    idempotent = True
    timestamps = True       # the producer's caller may set them
    headers = True          # a header for each record, not for the whole run
    chooses_partition = True
    topic_ids = False
    ordinary = ()           # what the library warns about when nothing is wrong

    def __init__(self, name):
        self.name = name

    def open(self, address, folder):
        self.address, self.folder = address, folder
        self.count = 0
        return self

    def close(self):
        pass

    def needs(self, feature):
        if feature in self.lacks:
            pytest.skip(f"{self.name} has no API for {feature}")

    def log(self, what):
        self.count += 1
        return self.folder / f"{self.name}-{what}-{self.count}"


class Driver(Client):
    def __init__(self, name, command, **features):
        super().__init__(name)
        self.program = [str(word) for word in command]
        for feature, value in features.items():
            assert hasattr(self, feature), feature
            setattr(self, feature, value)

    def open(self, address, folder):
        super().open(address, folder)
        self.process = None
        return self

    def close(self):
        if self.process:
            self.process.close()

    def call(self, *words, lines=(), seconds=120):
        if self.process is None:
            self.process = Process([*self.program, self.address], self.log("driver"), self.ordinary)
        try:
            return self.ask("\t".join(str(word) for word in words), lines, seconds)
        except AssertionError:  # it hangs or has died: the next test gets a new one
            self.process.kill()
            self.process = None
            raise

    def ask(self, command, lines, seconds):
        self.process.send(command, *lines)
        answer = []
        while (line := self.process.next_line(seconds)) != ".":
            if line.startswith("!\t"):
                raise ClientError(*line.split("\t")[1:3])
            answer.append(line)
        return answer

    def create(self, topic, partitions, **configs):
        self.call("create", topic, partitions, *(f"{k.replace('_', '.')}={v}" for k, v in configs.items()))

    def produce(self, topic, records, codec="none", acks="all", idempotent=False):
        answer = self.call("produce", topic, codec, acks, int(idempotent), len(records),
                           lines=map(to_line, records))
        return [tuple(map(int, line.split("\t"))) for line in answer]

    def consume(self, topic, count):
        return [from_line(line) for line in self.call("consume", topic, count)]

    def group(self, topic, group, count):
        return [from_line(line) for line in self.call("group", topic, group, count)]

    def offsets(self, topic, timestamp):
        answer = self.call("offsets", topic, timestamp)
        return {int(p): tuple(map(int, rest)) for p, *rest in (line.split("\t") for line in answer)}

    def describe(self, topic):
        return dict(line.split("\t") for line in self.call("describe", topic))

    def partition_count(self, topic):
        return int(self.describe(topic)["partitions"])

    def configs(self, topic):
        return dict(line.split("\t") for line in self.call("configs", topic))

    def cluster(self):
        return [line.split("\t")[1:] for line in self.call("cluster") if line.startswith("broker")]

    def grow(self, topic, partitions):
        self.call("grow", topic, partitions)

    def delete(self, topic):
        self.call("delete", topic)

    def member(self, topic, group, instance=None):
        return Member([*self.program, self.address], topic, group, instance, self.log("member"),
                      self.ordinary)
