"""A network of our own, so that a figure does not depend on how the host's TCP is tuned."""

import fcntl
import os
import signal
import socket
import struct
import sys

_INSIDE = "NARU_BENCH_NAMESPACE"


def enter():
    """Runs the calling script again in a new network namespace: loopback up, congestion control reno.

    bbr, the default of some hosts, slows large loopback streams up to nine-fold and by a different factor
    for every server. reno is the one algorithm that every kernel allows inside a namespace.
    """
    if os.environ.get(_INSIDE) != "yes":
        os.environ[_INSIDE] = "yes"
        flags = ["-n"] if os.geteuid() == 0 else ["-r", "-n"]
        os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that brokers are stopped too
    _raise_loopback()
    with open("/proc/sys/net/ipv4/tcp_congestion_control", "w") as control:
        control.write("reno")


def _raise_loopback():  # ip link set lo up, without needing ip
    get_flags, set_flags, is_up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, get_flags, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", request)[1]
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", flags | is_up))
