"""A socket and the answers that come on it, for requests that no library would send."""
import socket
import time


class Socket:
    def __init__(self, address, seconds=60):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), seconds)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False when the other side does not want any more."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def more(self):
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return bool(data)

    def answer(self):
        """(status, headers, body); (None, {}, b"") when the connection ends first."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                return None, {}, b""
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        if status == 100:
            return status, headers, b""
        size = int(headers.get("content-length", 0))
        while len(self.buffer) < size:
            assert self.more(), "the answer ends too early"
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        return status, headers, body

    def is_closed(self, seconds=60):
        """Whether the other side ends the connection, whatever it says before."""
        self.socket.settimeout(seconds)
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                if not self.more():
                    return True
        except TimeoutError:
            pass
        return False
