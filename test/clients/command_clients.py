"""Clients that are commands already: kcat, and the console producer and consumer of Kafka itself."""
import re
import signal
import subprocess

import wire
from broker import REPO
from driver import Client, Member
from records import NULL, Record


class Command(Client):
    """Runs one command per step; its stderr must be empty but for the ordinary."""

    def run(self, *words, stdin=""):
        done = subprocess.run([str(word) for word in words], input=stdin.encode(), capture_output=True,
                              timeout=120, check=False)
        errors = [line for line in done.stderr.decode().splitlines()
                  if not any(re.search(pattern, line) for pattern in self.ordinary)]
        assert done.returncode == 0 and not errors, f"{words}: exit code {done.returncode}, " + "\n".join(errors)
        return done.stdout.decode().splitlines()

    def create(self, topic, partitions):
        """Neither has an API for it; the test needs the topic all the same."""
        with wire.Connection(self.address) as c:
            assert c.create_topic(topic, partitions) == 0


class KcatMember(Member):
    """kcat tells its assignments on stderr and stops at a signal."""

    def __init__(self, command, log):  # pylint: disable=super-init-not-called
        shell = 'exec "$@" 2>&1'  # one stream keeps assignments and records in order
        super(Member, self).__init__(["sh", "-c", shell, "sh", *command], log)
        self.assignments, self.records = [], []

    def take(self, line):
        if line is not None and (found := re.match(r"% Group \S+ rebalanced .*: assigned: (.*)", line)):
            line = "assigned\t" + ",".join(re.findall(r"\[(\d+)\]", found[1]))
        elif line is not None and line.startswith("% "):
            assert re.search(r"revoked|Waiting for group rebalance|Reached end of topic", line), line
            return
        elif line is not None:
            line = "record\t" + line
        super().take(line)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        super().close()


class Kcat(Command):
    timestamps = False
    headers = False
    lacks = frozenset({"null", "configs", "grow", "delete"})
    form = r"%p\t%o\t%T\t%k\t%h\t%s\n"
    # The library logs at once what concerns nobody but itself.
    ordinary = (r"^% (Reached end|Waiting for group rebalance|Group \S+ rebalanced|Reached stop offset)",)

    def kcat(self, *words, stdin=""):
        return self.run("kcat", "-b", self.address, "-X", "allow.auto.create.topics=false", *words, stdin=stdin)

    @staticmethod
    def record(line):
        partition, offset, timestamp, key, headers, value = line.split("\t")
        return Record(int(partition), int(offset), int(timestamp), key,
                      tuple(tuple(h.split("=", 1)) for h in headers.split(",") if h), value)

    def produce(self, topic, records, codec="none", acks="all", idempotent=False):
        headers = [word for name, value in records[0].headers for word in ("-H", f"{name}={value}")]
        for partition in sorted({r.partition for r in records}):
            lines = "".join(f"{r.key}\t{r.value}\n" for r in records if r.partition == partition)
            self.run("kcat", "-b", self.address, "-P", "-t", topic, "-p", partition, "-K", r"\t", *headers,
                     "-X", f"compression.codec={codec}", "-X", f"acks={acks}",
                     "-X", f"enable.idempotence={str(idempotent).lower()}", stdin=lines)

    def consume(self, topic, count):
        return [self.record(line) for line in self.kcat(
            "-C", "-t", topic, "-o", "beginning", "-c", count, "-f", self.form)]

    def group(self, topic, group, count):
        return [self.record(line) for line in self.kcat(
            "-c", count, "-f", self.form, "-X", "auto.offset.reset=earliest", "-G", group, topic)]

    def offsets(self, topic, timestamp):
        answer = {}
        for partition in range(self.partition_count(topic)):
            lines = [self.kcat("-Q", "-t", f"{topic}:{partition}:{time}")[0] for time in (-2, -1, timestamp)]
            answer[partition] = tuple(int(line.rsplit(" ", 1)[1]) for line in lines)
        return answer

    def partition_count(self, topic):
        return sum(bool(re.match(r"\s+partition \d+, leader", line)) for line in self.kcat("-L", "-t", topic))

    def cluster(self):
        found = (re.match(r"\s+broker (\d+) at (.*):(\d+)", line) for line in self.kcat("-L"))
        return [f.groups() for f in found if f]

    def member(self, topic, group, instance=None):
        words = ["kcat", "-b", self.address, "-u", "-f", self.form.replace(r"%h", ""), "-X", "auto.offset.reset=earliest",
                 "-X", "heartbeat.interval.ms=300", "-X", "fetch.wait.max.ms=100"]
        if instance:
            words += ["-X", f"group.instance.id={instance}"]
        return KcatMember([*words, "-G", group, topic], self.log("member"))


class JavaConsole(Command):
    timestamps = False
    chooses_partition = False
    idempotent = True
    codecs = ("none", "snappy")  # a JVM per step: the library's other codecs are tested without the console
    lacks = frozenset({"configs", "grow", "delete", "member", "static", "offsets", "cluster"})
    ordinary = (r"^Processed a total of \d+ messages", r"consumer rebalance protocol \(KIP-848\)",
                r"-auto-\w+=(UNKNOWN_TOPIC_OR_PARTITION|LEADER_NOT_AVAILABLE)")

    def tool(self, *words, stdin=""):
        return self.run(REPO / "tools/kafka_peer", "tool", *words, stdin=stdin)

    def produce(self, topic, records, codec="none", acks="all", idempotent=False):
        def text(part):
            return NULL if part is None else part
        lines = "".join(",".join(f"{n}:{v}" for n, v in r.headers) + f"\t{text(r.key)}\t{text(r.value)}\n"
                        for r in records)
        words = [word for setting in ("parse.key=true", "parse.headers=true", f"null.marker={NULL}")
                 for word in ("--reader-property", setting)]
        self.tool("console-producer", "--bootstrap-server", self.address, "--topic", topic, *words,
                  "--compression-codec", codec, "--command-property", f"acks={acks}",
                  "--command-property", f"enable.idempotence={str(idempotent).lower()}", stdin=lines)

    def read(self, topic, count, *more):
        wanted = ("print.partition", "print.offset", "print.timestamp", "print.key", "print.headers")
        words = [word for name in wanted for word in ("--formatter-property", f"{name}=true")]
        lines = self.tool("console-consumer", "--bootstrap-server", self.address, "--topic", topic,
                          "--from-beginning", "--max-messages", count, *words,
                          "--formatter-property", f"null.literal={NULL}", *more)
        return [self.record(line) for line in lines]

    @staticmethod
    def record(line):
        # CreateTime:1700000000000  Partition:0  Offset:3  n:3,läbel:x  key  value
        timestamp, partition, offset, headers, key, value = line.split("\t")
        pairs = () if headers == "NO_HEADERS" else tuple(tuple(h.split(":", 1)) for h in headers.split(","))
        return Record(int(partition.split(":")[1]), int(offset.split(":")[1]), int(timestamp.split(":")[1]),
                      None if key == NULL else key, pairs, None if value == NULL else value)

    def consume(self, topic, count):
        return self.read(topic, count)

    def group(self, topic, group, count):
        return self.read(topic, count, "--group", group)
