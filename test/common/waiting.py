"""What every test of a broker over sockets needs."""
import random
import socket
import time


def wait_until(condition, what, seconds=60):
    """Polls a condition; returns its first true value. Sleeping is never the assertion, and the limit is only there to end
    a test that fails: a machine may stand still for seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def free_ports(count):
    """The first of so many ports in a row that are free. Below those that the kernel gives to outgoing connections, of
    which other tests make many, and anywhere there, as they look for ports at the same time."""
    while True:
        first = random.randrange(20_000, 32_000)
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
