"""Just enough of the Kafka protocol, by hand, to say what no client library would say.

Old, non-flexible versions where they show the behaviour as well: they are easier to read in hex.
"""
import socket
import struct
import zlib

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR = 0, 1, 2, 3, 8, 9, 10
JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP, DESCRIBE_GROUPS, API_VERSIONS = 11, 12, 13, 14, 15, 18
CREATE_TOPICS, DELETE_TOPICS, INIT_PRODUCER_ID, OFFSET_FOR_LEADER_EPOCH = 19, 20, 22, 23
DESCRIBE_CONFIGS, CREATE_PARTITIONS = 32, 37


class Closed(Exception):
    """The broker closed the connection."""


# -- writing ------------------------------------------------------------------

def i8(n): return struct.pack(">b", n)
def i16(n): return struct.pack(">h", n)
def i32(n): return struct.pack(">i", n)
def i64(n): return struct.pack(">q", n)


def string(text):
    if text is None:
        return i16(-1)
    data = text.encode() if isinstance(text, str) else text
    return i16(len(data)) + data


def blob(data):
    return i32(-1) if data is None else i32(len(data)) + data


def array(items):
    return i32(-1) if items is None else i32(len(items)) + b"".join(items)


def uvarint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def varint(n):
    return uvarint(n << 1 if n >= 0 else ((-n) << 1) - 1)


def crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC32C = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC32C[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def record(delta, key, value, headers=(), time_delta=0):
    def part(data):
        return varint(-1) if data is None else varint(len(data)) + data
    body = i8(0) + varint(time_delta) + varint(delta) + part(key) + part(value) + varint(len(headers))
    body += b"".join(part(k) + part(v) for k, v in headers)
    return varint(len(body)) + body


def batch(records, *, base=0, epoch=-1, magic=2, attributes=0, last_delta=None, count=None, time=1_700_000_000_000,
          max_time=None, pid=-1, pid_epoch=-1, sequence=-1, crc=None, length=None, gzip=False):
    """One record batch, v2. Every field can be made to lie."""
    payload = b"".join(records)
    if gzip:
        compress = zlib.compressobj(wbits=31)
        payload = compress.compress(payload) + compress.flush()
        attributes |= 1
    checked = struct.pack(">hiqqqhii", attributes, len(records) - 1 if last_delta is None else last_delta, time,
                          time if max_time is None else max_time, pid, pid_epoch, sequence,
                          len(records) if count is None else count) + payload
    rest = struct.pack(">ibI", epoch, magic, crc32c(checked) if crc is None else crc) + checked
    return i64(base) + i32(len(rest) if length is None else length) + rest


def simple_batch(*values, **fields):
    return batch([record(i, b"k", v if isinstance(v, bytes) else v.encode()) for i, v in enumerate(values)], **fields)


# -- reading ------------------------------------------------------------------

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        assert self.at + count <= len(self.data), "the answer is too short"
        piece = self.data[self.at:self.at + count]
        self.at += count
        return piece

    def number(self, form): return struct.unpack(">" + form, self.take(struct.calcsize(form)))[0]
    def i8(self): return self.number("b")
    def i16(self): return self.number("h")
    def i32(self): return self.number("i")
    def i64(self): return self.number("q")

    def string(self):
        length = self.i16()
        return None if length < 0 else self.take(length).decode()

    def blob(self):
        length = self.i32()
        return None if length < 0 else self.take(length)

    def array(self, item):
        count = self.i32()
        return None if count < 0 else [item() for _ in range(count)]

    def finish(self):
        assert self.at == len(self.data), f"{len(self.data) - self.at} bytes too many in the answer"


def batches(data):
    """(base offset, last offset, leader epoch, producer id) of each whole batch."""
    found, at = [], 0
    while at + 61 <= len(data):
        base, length, epoch = struct.unpack_from(">qii", data, at)
        if at + 12 + length > len(data):
            break
        last_delta, = struct.unpack_from(">i", data, at + 23)
        pid, = struct.unpack_from(">q", data, at + 43)
        found.append((base, base + last_delta, epoch, pid))
        at += 12 + length
    return found


# -- a connection -------------------------------------------------------------

class Connection:
    def __init__(self, address, timeout=60):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.correlation = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass  # the broker may close before it read everything; is_closed tells

    def frame(self, key, version, body, client="wire"):
        self.correlation += 1
        data = struct.pack(">hhi", key, version, self.correlation) + string(client) + body
        return i32(len(data)) + data

    def send(self, key, version, body=b""):
        self.raw(self.frame(key, version, body))
        return self.correlation

    def exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionResetError:
                raise Closed from None
            if not piece:
                raise Closed
            data += piece
        return data

    def receive(self, correlation=None):
        size, = struct.unpack(">i", self.exactly(4))
        reader = Reader(self.exactly(size))
        answered = reader.i32()
        assert answered == (self.correlation if correlation is None else correlation)
        return reader

    def call(self, key, version, body=b""):
        self.send(key, version, body)
        return self.receive()

    def is_closed(self):
        """The broker says nothing more and closes."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    # -- requests, each in the one version that the tests need ------------------

    def produce(self, topic, data, partition=0, acks=-1, version=3):
        """v3..v8: (error, base offset)."""
        self.send_produce(topic, data, partition, acks, version)
        return self.produce_answer(topic, version)[:2]

    def send_produce(self, topic, data, partition=0, acks=-1, version=3):
        return self.send(PRODUCE, version, string(None) + i16(acks) + i32(10000) + array([
            string(topic) + array([i32(partition) + blob(data)])]))

    def produce_answer(self, topic, version=3, correlation=None):
        r = self.receive(correlation)
        assert r.i32() == 1 and r.string() == topic and r.i32() == 1
        r.i32()
        error, base = r.i16(), r.i64()
        r.i64()
        if version >= 5:
            r.i64()
        record_errors = message = None
        if version >= 8:
            record_errors = r.array(lambda: (r.i32(), r.string()))
            message = r.string()
        r.i32()
        r.finish()
        return error, base, record_errors, message

    def fetch(self, topic, offset, partition=0, max_wait=0, min_bytes=1, max_bytes=1 << 20, partition_max=1 << 20,
              leader_epoch=-1):
        """v11: (error, high watermark, records)."""
        r = self.call(FETCH, 11, i32(-1) + i32(max_wait) + i32(min_bytes) + i32(max_bytes) + i8(0) + i32(0) + i32(-1)
                      + array([string(topic) + array([i32(partition) + i32(leader_epoch) + i64(offset) + i64(-1)
                                                      + i32(partition_max)])])
                      + array([]) + string(""))
        r.i32()
        assert r.i16() == 0
        r.i32()
        assert r.i32() == 1 and r.string() == topic and r.i32() == 1
        r.i32()
        error, watermark = r.i16(), r.i64()
        r.i64()
        r.i64()
        r.array(lambda: (r.i64(), r.i64()))
        r.i32()
        data = r.blob()
        r.finish()
        return error, watermark, data

    def list_offset(self, topic, timestamp, partition=0, version=5, leader_epoch=-1):
        """v1..v5: (error, timestamp, offset)."""
        body = i32(-1) + (i8(0) if version >= 2 else b"")
        one = i32(partition) + (i32(leader_epoch) if version >= 4 else b"") + i64(timestamp)
        r = self.call(LIST_OFFSETS, version, body + array([string(topic) + array([one])]))
        if version >= 2:
            r.i32()
        assert r.i32() == 1 and r.string() == topic and r.i32() == 1
        r.i32()
        answer = r.i16(), r.i64(), r.i64()
        if version >= 4:
            r.i32()
        r.finish()
        return answer

    def create_topic(self, name, partitions=1, replication=1, configs=(), assignment=(), validate_only=False, copies=1):
        """v4: the error."""
        topic = (string(name) + i32(partitions) + i16(replication)
                 + array([i32(p) + array([i32(b) for b in brokers]) for p, brokers in assignment])
                 + array([string(k) + string(v) for k, v in configs]))
        r = self.call(CREATE_TOPICS, 4, array([topic] * copies) + i32(10000) + i8(validate_only))
        r.i32()
        errors = r.array(lambda: (r.string(), r.i16(), r.string()))
        r.finish()
        assert {n for n, _, _ in errors} == {name}
        return errors[0][1]

    def create_partitions(self, *topics, validate_only=False):
        """v1, (name, count, assignment or None) each: name -> error."""
        r = self.call(CREATE_PARTITIONS, 1, array([
            string(name) + i32(count) + array(None if brokers is None else [array([i32(b) for b in one]) for one in brokers])
            for name, count, brokers in topics]) + i32(10000) + i8(validate_only))
        r.i32()
        answer = r.array(lambda: (r.string(), r.i16(), r.string()))
        r.finish()
        return {name: error for name, error, _ in answer}

    def delete_topic(self, name):
        r = self.call(DELETE_TOPICS, 3, array([string(name)]) + i32(10000))
        r.i32()
        (answered, error), = r.array(lambda: (r.string(), r.i16()))
        r.finish()
        assert answered == name
        return error

    def init_producer_id(self, transactional_id=None, timeout=60000):
        r = self.call(INIT_PRODUCER_ID, 1, string(transactional_id) + i32(timeout))
        r.i32()
        answer = r.i16(), r.i64(), r.i16()
        r.finish()
        return answer

    def find_coordinator(self, key, kind=0):
        r = self.call(FIND_COORDINATOR, 2, string(key) + i8(kind))
        r.i32()
        error = r.i16()
        r.string(), r.i32(), r.string(), r.i32()
        r.finish()
        return error


def ready(address, topic, partitions):
    """Each partition has a leader that answers: the original creates a topic in the background."""
    with Connection(address) as c:
        return all(c.list_offset(topic, -1, partition=p)[0] == 0 for p in range(partitions))


def coordinators_ready(address):
    with Connection(address) as c:
        return c.find_coordinator("any") == 0 and c.init_producer_id()[0] == 0


# -- groups ---------------------------------------------------------------------

class Group:
    """The classic group protocol on one connection per member, as clients have it."""

    def __init__(self, address, name, member="", instance=None, protocols=(("range", b"meta"),), kind="consumer",
                 session=30000, rebalance=30000):
        self.connection = Connection(address)
        self.name, self.member, self.instance, self.generation = name, member, instance, -1
        self.protocols, self.kind, self.session, self.rebalance = protocols, kind, session, rebalance

    def close(self):
        self.connection.close()

    def send_join(self, version=5):
        body = string(self.name) + i32(self.session) + i32(self.rebalance) + string(self.member)
        body += string(self.instance) if version >= 5 else b""
        self.connection.send(JOIN_GROUP, version, body + string(self.kind) + array(
            [string(name) + blob(data) for name, data in self.protocols]))

    def joined(self, version=5):
        """The error; on success keeps generation, protocol, leader, member id and members."""
        r = self.connection.receive()
        r.i32()
        error, generation, protocol, leader, member = r.i16(), r.i32(), r.string(), r.string(), r.string()
        members = r.array(lambda: (r.string(), r.string() if version >= 5 else None, r.blob()))
        r.finish()
        if member:
            self.member = member
        if error == 0:
            self.generation, self.protocol, self.leader = generation, protocol, leader
            self.members = {m: data for m, _, data in members}
        return error

    def join(self, version=5):
        self.send_join(version)
        return self.joined(version)

    def join_twice(self):
        """A new dynamic member first gets its id (79), then joins with it."""
        error = self.join()
        return self.join() if error == 79 else error

    def send_sync(self, assignments=()):
        self.connection.send(SYNC_GROUP, 3, string(self.name) + i32(self.generation) + string(self.member)
                             + string(self.instance) + array([string(m) + blob(d) for m, d in assignments]))

    def synced(self):
        r = self.connection.receive()
        r.i32()
        answer = r.i16(), r.blob()
        r.finish()
        return answer

    def sync(self, assignments=()):
        self.send_sync(assignments)
        return self.synced()

    def heartbeat(self):
        r = self.connection.call(HEARTBEAT, 3, string(self.name) + i32(self.generation) + string(self.member)
                                 + string(self.instance))
        r.i32()
        return r.i16()

    def leave(self):
        r = self.connection.call(LEAVE_GROUP, 1, string(self.name) + string(self.member))
        r.i32()
        return r.i16()

    def leave_by(self, *members):
        """v3, (member id, instance id) each: the group's error and each member's."""
        r = self.connection.call(LEAVE_GROUP, 3, string(self.name) + array([string(m) + string(i) for m, i in members]))
        r.i32()
        answer = r.i16(), [error for _, _, error in r.array(lambda: (r.string(), r.string(), r.i16()))]
        r.finish()
        return answer

    def commit(self, topic, offset, metadata="", partition=0):
        r = self.connection.call(OFFSET_COMMIT, 7, string(self.name) + i32(self.generation) + string(self.member)
                                 + string(self.instance) + array([string(topic) + array([
                                     i32(partition) + i64(offset) + i32(-1) + string(metadata)])]))
        r.i32()
        (_, errors), = r.array(lambda: (r.string(), r.array(lambda: (r.i32(), r.i16()))))
        r.finish()
        return errors[0][1]

    def committed(self, topics):
        """{topic: partitions} or None for all: the error and {(topic, partition): (offset, metadata, error)}."""
        body = None if topics is None else [string(t) + array([i32(p) for p in ps]) for t, ps in topics.items()]
        r = self.connection.call(OFFSET_FETCH, 5, string(self.name) + array(body))
        r.i32()
        found = {}

        def partition(topic):
            index, offset = r.i32(), r.i64()
            r.i32()
            found[topic, index] = offset, r.string(), r.i16()

        def one():
            topic = r.string()
            r.array(lambda: partition(topic))
        r.array(one)
        error = r.i16()
        r.finish()
        return error, found

    def describe(self):
        """(error, state, protocol type, protocol, member ids)"""
        r = self.connection.call(DESCRIBE_GROUPS, 4, array([string(self.name)]) + i8(0))
        r.i32()
        assert r.i32() == 1
        error, name, state, kind, protocol = r.i16(), r.string(), r.string(), r.string(), r.string()
        assert name == self.name
        members = r.array(lambda: (r.string(), r.string(), r.string(), r.string(), r.blob(), r.blob()))
        r.i32()
        r.finish()
        return error, state, kind, protocol, [m[0] for m in members]
