"""Worker processes that a test kills, freezes and disconnects, and what their logs say together."""
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from broker import aws_environment

HERE = Path(__file__).resolve().parent


def with_token(queue, token):
    """The queue's URL with a token that tells its holder from others behind the same address and key."""
    head, _, name = queue.rpartition("/")
    return f"{head}/lease-{token}/{name}"


class Relay(threading.Thread):
    """What stands between a worker and the broker, so that their connection can be cut while both live."""

    def __init__(self, address):
        super().__init__(daemon=True)
        host, port = address.rsplit(":", 1)
        self.target = host, int(port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.pairs = []
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
            except OSError:
                return
            self.pairs.append((client, server))
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    def pump(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def disconnect(self):
        """Both sides are told."""
        for pair in self.pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Worker:
    def __init__(self, address, queue, folder, number, most=1):
        self.relay = Relay(address)
        self.log = Path(folder) / f"worker-{number}.log"
        self.died = None
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), f"http://{self.relay.address}", with_token(queue, number), str(self.log), str(most)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.log.with_suffix(".err"), "wb"),
            env={**os.environ, **aws_environment(self.relay.address)})

    @property
    def is_alive(self):
        return self.died is None

    def kill(self):
        self.died = time.monotonic()
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def steps(self):
        """[(what, name, count or None, time)]"""
        if not self.log.exists():
            return []
        found = []
        for line in self.log.read_text().splitlines():
            what, *rest = line.split()
            if what != "error":
                found.append((what, rest[0], int(rest[1]) if what == "begin" else None, float(rest[-1])))
        return found

    def works_on(self):
        """The jobs that it has begun and not ended."""
        open_jobs = {}
        for what, job, _, when in self.steps():
            if what == "begin":
                open_jobs[job] = when
            else:
                open_jobs.pop(job, None)
        return open_jobs
