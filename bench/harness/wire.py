"""The few Kafka requests that a script needs itself; load comes from naru-load."""

import socket
import struct


def text(value):
    raw = value.encode()
    return struct.pack(">h", len(raw)) + raw


def frame(key, version, body):
    head = struct.pack(">hhi", key, version, 7) + text("bench")
    return struct.pack(">i", len(head) + len(body)) + head + body


class Reader:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, layout):
        values = struct.unpack_from(">" + layout, self.raw, self.at)
        self.at += struct.calcsize(">" + layout)
        return values[0] if len(values) == 1 else values

    def text(self):
        size = self.take("h")
        if size < 0:
            return None
        self.at += size
        return self.raw[self.at - size:self.at].decode()

    def array(self, element):
        return [element() for _ in range(self.take("i"))]


class Client:
    """One blocking connection."""

    def __init__(self, port, seconds=60):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, key, version, body):
        self.socket.sendall(frame(key, version, body))

    def call(self, key, version, body):
        self.send(key, version, body)
        answer = Reader(self._exactly(struct.unpack(">i", self._exactly(4))[0]))
        answer.take("i")  # correlation id
        return answer

    def _exactly(self, size):
        chunks = bytearray()
        while len(chunks) < size:
            chunk = self.socket.recv(size - len(chunks))
            if not chunk:
                raise ConnectionError("the broker closed the connection")
            chunks += chunk
        return bytes(chunks)

    def partitions(self):
        """Metadata of everything: how many partitions have a leader."""
        answer = self.call(3, 4, struct.pack(">ib", -1, 0))
        answer.take("i")
        answer.array(lambda: (answer.take("i"), answer.text(), answer.take("i"), answer.text()))
        answer.text()
        answer.take("i")

        def partition():
            error, _index, leader = answer.take("hii")
            answer.array(lambda: answer.take("i"))
            answer.array(lambda: answer.take("i"))
            return error == 0 and leader >= 0

        def topic():
            answer.take("h")
            answer.text()
            answer.take("b")
            return sum(answer.array(partition))

        return sum(answer.array(topic))

    def create(self, topic, partitions):
        body = struct.pack(">i", 1) + text(topic) + struct.pack(">ihii", partitions, 1, 0, 0)
        answer = self.call(19, 4, body + struct.pack(">ib", 60_000, 0))
        answer.take("i")
        errors = answer.array(lambda: (answer.text(), answer.take("h"), answer.text()))
        if errors[0][1] != 0:
            raise RuntimeError(f"CreateTopics {topic}: error {errors[0][1]} {errors[0][2] or ''}")

    def ends(self, topic, partitions):
        """ListOffsets, latest: the next offset by partition; None where there is an error."""
        body = struct.pack(">ibi", -1, 0, 1) + text(topic) + struct.pack(">i", partitions)
        body += b"".join(struct.pack(">iiq", partition, -1, -1) for partition in range(partitions))
        answer = self.call(2, 5, body)
        answer.take("i")

        def partition():
            index, error, _timestamp, offset, _epoch = answer.take("ihqqi")
            return index, None if error else offset

        def of_topic():
            answer.text()
            return dict(answer.array(partition))

        return answer.array(of_topic)[0]

    def park(self, topic, partition, offset, wait_ms):
        """A long poll that nothing will satisfy; its answer is not read."""
        body = struct.pack(">iiiibii", -1, wait_ms, 1, 1 << 20, 0, 0, -1)
        body += struct.pack(">i", 1) + text(topic) + struct.pack(">i", 1)
        body += struct.pack(">iiqqi", partition, -1, offset, -1, 1 << 20) + struct.pack(">i", 0) + text("")
        self.send(1, 11, body)
