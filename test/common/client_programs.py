"""Programs over client libraries of other languages. Each runs one scenario and ends with the line "ok", or is a worker
that says "working BODY COUNT" for each message that it begins with."""
import queue
import subprocess
import threading

# Without V8's background threads: with them a node that has done everything and exits sometimes waits for one of them
# for ever (github.com/nodejs/node/issues/54918).
NODE = ("node", "--single-threaded")


def finish(process, what, seconds=180):
    """Waits for a scenario's end, which must be good."""
    try:
        out, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, errors = process.communicate()
        raise AssertionError(f"{what}: not within {seconds} s\n{out.decode()}{errors.decode()}") from None
    assert process.returncode == 0 and out.decode().splitlines()[-1:] == ["ok"], \
        f"{what}: exit code {process.returncode}\n{out.decode()}{errors.decode()[-4000:]}"


class RunningWorker:
    def __init__(self, process):
        self.process = process
        self.lines = queue.Queue()
        threading.Thread(target=self.pump, daemon=True).start()

    def pump(self):
        for line in self.process.stdout:
            self.lines.put(line.decode().split())

    def job(self, seconds=90):
        """Body and count of the next message it got."""
        word, body, count = self.lines.get(timeout=seconds)
        assert word == "working"
        return body, int(count)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
