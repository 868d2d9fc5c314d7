"""Runs naru-load against a broker and weighs what it cost."""

import json
import os
import subprocess
import time

from . import process
from .brokers import REPOSITORY

SETTLE_SECONDS = 0.5  # work that a broker put off until after its answer belongs to the figure too


class LoadFailed(RuntimeError):
    pass


class Load:
    name = "naru-load"

    def __init__(self, program=None, cores=None):
        self.program = program or os.path.join(REPOSITORY, "build", self.name)
        self.cores = cores

    def command(self, port, mode, **flags):
        command = ["taskset", "-c", self.cores] if self.cores is not None else []
        command += [self.program, mode, "--broker", f"127.0.0.1:{port}"]
        for name, value in flags.items():
            command += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
        return command

    def run(self, broker, mode, **flags):
        """The line that naru-load prints, with the CPU seconds that the broker and everybody else used."""
        command = self.command(broker.port, mode, **flags)
        user_before, kernel_before = process.cpu_seconds(broker.pid)
        machine_before, children_before = process.machine_cpu_seconds(), _children_cpu()
        begin = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        time.sleep(SETTLE_SECONDS)
        if done.returncode != 0:
            raise LoadFailed(f"{broker.label}: {' '.join(command)}\n{done.stderr}{done.stdout}")
        if mode in ("create", "delete"):
            return {}
        line = json.loads(done.stdout)
        user, kernel = process.cpu_seconds(broker.pid)
        line["broker_cpu_s"] = user - user_before + kernel - kernel_before
        machine, children = process.machine_cpu_seconds() - machine_before, _children_cpu() - children_before
        others = machine - children - line["broker_cpu_s"]
        line["others_cpu"] = max(0.0, others / (time.monotonic() - begin))  # in cores
        if "bytes" in line:
            line["cpu_s_per_gb"] = line["broker_cpu_s"] / (line["bytes"] / 1e9)
            line["kernel_cpu_s_per_gb"] = (kernel - kernel_before) / (line["bytes"] / 1e9)
        return line


class AmqpLoad(Load):
    name = "naru-amqp-load"


class SqsLoad(Load):
    name = "naru-sqs-load"


def _children_cpu():
    times = os.times()
    return times.children_user + times.children_system
