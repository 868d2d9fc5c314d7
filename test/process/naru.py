"""One naru process whose flags, limits and end the tests choose, and what the system says about it."""
import os
import re
import signal
import subprocess

import urllib.error
import urllib.request
from pathlib import Path

from broker import REPO, answers, free_port, wait_until  # noqa: F401  (for the tests)

BINARY = os.environ.get("NARU_BIN", str(REPO / "build/naru"))
MIB = 1 << 20
# A minute under a loaded machine is slow, not wrong; the sizes and orders are what tests assert.
PATIENCE = 60


class Naru:
    """`under` is a command that runs naru's: unshare, prlimit, nsenter ...; it must exec."""

    def __init__(self, folder, *flags, under=(), data=None, listen="127.0.0.1"):
        self.folder = Path(folder)
        self.data = Path(data or self.folder / "data")
        self.flags, self.under, self.listen = list(flags), list(under), listen
        self.port, self.admin = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.log = self.folder / "naru.log"
        self.log_begin = 0
        self.process = None

    def command(self):
        amqp = [] if "--amqp" in self.flags else ["--amqp", "off"]
        sqs = [] if "--sqs" in self.flags else ["--sqs", "off"]
        admin = [] if "--admin" in self.flags else ["--admin", f"127.0.0.1:{self.admin}"]
        return [*self.under, BINARY, "serve", "--data-dir", str(self.data), "--kafka", f"{self.listen}:{self.port}",
                *amqp, *sqs, *admin, *self.flags]

    def spawn(self):
        """Starts it and does not wait until it listens."""
        self.log_begin = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return self

    def start(self):
        self.spawn()
        wait_until(self.is_up, f"naru answers on {self.address}", PATIENCE)
        return self

    def is_up(self):
        status = self.process.poll()
        assert status is None, f"naru ended with {status}:\n{self.says()}"
        return answers(self.port)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def ends(self, seconds=PATIENCE):
        """Its exit code; asserts that it ends."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"naru does not end in {seconds} s:\n{self.says()}") from None

    def stop(self, seconds=PATIENCE):
        self.process.send_signal(signal.SIGTERM)
        status = self.ends(seconds)
        assert status == 0, f"SIGTERM: exit code {status}\n{self.says()}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def says(self):
        """Its log since the last start."""
        return self.log.read_bytes()[self.log_begin:].decode(errors="replace")

    # -- what the system knows ------------------------------------------------

    def status(self, *names):
        """Bytes, from /proc/PID/status: VmHWM, VmRSS, RssAnon ..."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return [int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) * 1024 for name in names]

    def cpu_seconds(self):
        """Of all its threads so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def switches(self):
        """Context switches of all its threads, {thread id: (name, voluntary, involuntary)}."""
        found = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            text = (task / "status").read_text()
            found[int(task.name)] = (re.search(r"^Name:\s+(.*)", text, re.M)[1],
                                     *(int(re.search(rf"^{kind}_ctxt_switches:\s+(\d+)", text, re.M)[1])
                                       for kind in ("voluntary", "nonvoluntary")))
        return found

    def is_asleep(self):
        """Whether no thread of it runs or would if it could."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        return all(re.search(r"^State:\s+S", (task / "status").read_text(), re.M) for task in tasks.iterdir())

    # -- the admin port -------------------------------------------------------

    def get(self, path, seconds=PATIENCE):
        """(status, body)"""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=seconds) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name):
        return float(re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics")[1], re.M)[1])


def run(*words, seconds=PATIENCE, **options):
    """A naru command that ends by itself: (exit code, stdout, stderr)."""
    done = subprocess.run([BINARY, *map(str, words)], capture_output=True, timeout=seconds, check=False,
                          text=True, stdin=subprocess.DEVNULL, **options)
    return done.returncode, done.stdout, done.stderr


def check(folder):
    """`naru check`: what it says is wrong; nothing for a whole folder."""
    code, out, err = run("check", folder, seconds=120)
    if "not yet" in out + err:
        return None  # this binary cannot
    return None if code == 0 else f"naru check: exit code {code}\n{out}{err}"
