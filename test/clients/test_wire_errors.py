"""Bad input and odd input on a bare socket: the answer that Apache Kafka gives, and nothing else breaks."""
import struct
import time
import uuid

import pytest

import wire
from broker import wait_until
from wire import Closed, Connection, array, batch, i8, i16, i32, i64, record, simple_batch, string

NONE, OUT_OF_RANGE, CORRUPT, UNKNOWN_TOPIC = 0, 1, 2, 3
TOO_LARGE, METADATA_TOO_LARGE, INVALID_TOPIC, INVALID_ACKS = 10, 12, 17, 21
UNSUPPORTED_VERSION, TOPIC_EXISTS, BAD_PARTITIONS, BAD_REPLICATION = 35, 36, 37, 38
BAD_ASSIGNMENT, BAD_CONFIG, INVALID_REQUEST = 39, 40, 42
OUT_OF_ORDER, FENCED_EPOCH, UNKNOWN_EPOCH, INVALID_RECORD = 45, 74, 75, 87


@pytest.fixture
def wired(broker):
    with Connection(broker.address) as connection:
        yield connection


@pytest.fixture
def topic(broker, wired):
    return new_topic(broker, wired)


def new_topic(broker, wired, *configs, partitions=1):
    name = f"wire-{uuid.uuid4().hex[:8]}"
    assert wired.create_topic(name, partitions, configs=configs) == NONE
    wait_until(lambda: wire.ready(broker.address, name, partitions), "the topic is ready")
    return name


def still_serves(broker):
    with Connection(broker.address) as other:
        return other.find_coordinator("any") == NONE


# -- framing: that connection only ------------------------------------------------

@pytest.mark.parametrize("start", [
    i32(100 * 1024 * 1024 + 1), i32(0x7FFFFFFF), i32(-1), i32(-0x80000000),
    i32(0),                                                   # no room for a header
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",             # the length is "GET "
    bytes(range(128, 256)),
    i32(10) + struct.pack(">hhih", 9999, 0, 1, -1),           # unknown API
    i32(10) + struct.pack(">hhih", -1, 0, 1, -1),
    i32(10) + struct.pack(">hhih", wire.METADATA, 999, 1, -1),  # unknown version
    i32(10) + struct.pack(">hhih", wire.METADATA, -1, 1, -1),
    i32(10) + struct.pack(">hhih", wire.PRODUCE, 2, 1, -1),   # listed for the sake of librdkafka, not served
    i32(8) + struct.pack(">hhi", wire.METADATA, 1, 1),        # ends before the client id
    i32(10) + struct.pack(">hhih", wire.METADATA, 1, 1, 30000),  # a client id longer than the frame
    i32(14) + struct.pack(">hhihi", wire.METADATA, 1, 1, -1, 0x7FFFFFFF),  # two billion topics, says it
    i32(15) + struct.pack(">hhihi", wire.METADATA, 1, 1, -1, 1) + b"\x7f",  # half a topic name
], ids=["over-100-MiB", "max-length", "minus-one", "min-length", "empty", "http", "garbage", "unknown-api", "negative-api",
        "new-version", "negative-version", "produce-2", "no-client-id", "long-client-id", "huge-array", "half-string"])
def test_closes_on_bad_frame(broker, start):
    with Connection(broker.address) as c:
        c.raw(start)
        assert c.is_closed()
    assert still_serves(broker)


def test_truncated_frame_then_close(broker):
    with Connection(broker.address) as c:
        c.raw(c.frame(wire.METADATA, 1, array([string("x")]))[:-3])
    assert still_serves(broker)


def test_one_that_never_finishes_its_frame_disturbs_nobody(broker, wired):
    whole = wired.frame(wire.API_VERSIONS, 0, b"")
    wired.raw(whole[:7])
    assert still_serves(broker)
    wired.raw(whole[7:])
    assert wired.receive().i16() == NONE


def test_one_that_never_reads_disturbs_nobody(broker, wired, topic):
    """It asks for 100 MB and takes none of it; the kernel's buffers hold only a part."""
    for _ in range(5):
        assert wired.produce(topic, simple_batch(b"x" * 900_000))[0] == NONE
    with Connection(broker.address) as deaf:
        for _ in range(20):
            deaf.send(wire.FETCH, 4, i32(-1) + i32(0) + i32(1) + i32(1 << 26) + i8(0) + array([
                string(topic) + array([i32(0) + i64(0) + i32(1 << 26)])]))
        assert still_serves(broker)
        assert wired.produce(topic, simple_batch("y")) == (NONE, 5)
        assert len(wired.fetch(topic, 0, max_bytes=1 << 26, partition_max=1 << 26)[2]) > 4_500_000


def test_one_byte_at_a_time(wired):
    for byte in wired.frame(wire.API_VERSIONS, 0, b""):
        wired.raw(bytes([byte]))
        time.sleep(0.002)  # so that the kernel does not put them together again
    assert wired.receive().i16() == NONE


def test_many_requests_in_one_segment(wired):
    wired.raw(b"".join(wired.frame(wire.API_VERSIONS, 0, b"") for _ in range(50)))
    for correlation in range(1, 51):
        assert wired.receive(correlation).i16() == NONE


def test_api_versions_too_new(wired):
    # The header of an unknown version is read as the newest (no tags: "\0"), its body not at all.
    r = wired.call(wire.API_VERSIONS, 99, b"\0 garbage in a version that nobody knows")
    assert r.i16() == UNSUPPORTED_VERSION
    ranges = {key: (low, high) for key, low, high in r.array(lambda: (r.i16(), r.i16(), r.i16()))}
    r.finish()  # version 0: no throttle time, no tags
    assert ranges[wire.API_VERSIONS][0] == 0 and ranges[wire.API_VERSIONS][1] >= 3
    assert wired.call(wire.API_VERSIONS, 0).i16() == NONE  # and the client may go on


@pytest.mark.parametrize("name, error", [(b"librdkafka", NONE), (b"-bad", INVALID_REQUEST), (b"", INVALID_REQUEST),
                                         (b"a b", INVALID_REQUEST)])
def test_api_versions_client_name(wired, name, error):
    body = b"\0" + wire.uvarint(len(name) + 1) + name + wire.uvarint(2) + b"1" + b"\0"
    assert wired.call(wire.API_VERSIONS, 3, body).i16() == error


# -- produce --------------------------------------------------------------------

def test_corrupt_crc(wired, topic):
    assert wired.produce(topic, simple_batch("x", crc=12345)) == (CORRUPT, -1)
    assert wired.produce(topic, simple_batch("x")) == (NONE, 0)


@pytest.mark.parametrize("bad, error", [
    (dict(count=2), INVALID_RECORD), (dict(count=0, last_delta=-1), INVALID_RECORD), (dict(last_delta=5), INVALID_RECORD),
    (dict(count=-1), INVALID_RECORD), (dict(count=7, last_delta=6), INVALID_RECORD),
    (dict(attributes=32), INVALID_RECORD),                    # a control batch
    (dict(pid=5, pid_epoch=0, sequence=-1), INVALID_RECORD),
    (dict(magic=0), INVALID_RECORD), (dict(magic=1), INVALID_RECORD), (dict(magic=3), CORRUPT), (dict(magic=-1), CORRUPT),
    (dict(base=77), INVALID_RECORD),                          # offsets are the broker's to give
    (dict(attributes=16, pid=1, pid_epoch=0, sequence=0), 53),  # transactional, without a transaction
], ids=lambda v: "-".join(f"{k}={w}" for k, w in v.items()) if isinstance(v, dict) else "")
def test_inconsistent_batch(wired, topic, bad, error):
    assert wired.produce(topic, simple_batch("x", "y", "z", **bad))[0] == error
    assert wired.produce(topic, simple_batch("x")) == (NONE, 0)


@pytest.mark.parametrize("data, error", [
    (simple_batch("x")[:30], INVALID_RECORD), (simple_batch("x")[:-1], INVALID_RECORD),  # no whole batch
    (simple_batch("x", length=20), CORRUPT), (simple_batch("x", length=-1), CORRUPT),
    (b"", INVALID_RECORD),
    (simple_batch("x") + simple_batch("y"), INVALID_RECORD),  # one batch per partition since version 3
], ids=["short-header", "short-body", "small-length", "negative-length", "empty", "two-batches"])
def test_batch_that_is_not_one(wired, topic, data, error):
    assert wired.produce(topic, data)[0] == error
    assert wired.produce(topic, simple_batch("x")) == (NONE, 0)


def test_null_records(broker, topic):
    if broker.is_kafka:
        pytest.skip("the original trips over it (NullPointerException) and never answers")
    with Connection(broker.address) as c:
        try:
            assert c.produce(topic, None)[0] == INVALID_RECORD
        except Closed:
            pass
    assert still_serves(broker)


@pytest.mark.parametrize("attributes", [1, 2, 3, 5, 7])
def test_compressed_batch_that_is_not(wired, topic, attributes):
    """Says a codec, holds plain records: the original says UNKNOWN_SERVER_ERROR, an honest word is as good."""
    error = wired.produce(topic, simple_batch("x", attributes=attributes))[0]
    assert error in (-1, CORRUPT, INVALID_RECORD)
    assert wired.produce(topic, simple_batch("x")) == (NONE, 0)


def test_zstd_before_its_version(wired, topic):
    assert wired.produce(topic, simple_batch("x", attributes=4), version=3)[0] == 76


def test_timestamp_type_is_the_topics(wired, topic):
    """A producer that says LogAppendTime to a CreateTime topic: taken, but the bit is not."""
    assert wired.produce(topic, simple_batch("x", attributes=8))[0] == NONE
    _, _, data = wired.fetch(topic, 0)
    assert struct.unpack_from(">h", data, 21) == (0,)
    assert struct.unpack_from(">I", data, 17) == (wire.crc32c(data[21:]),)


def test_log_append_time(broker, wired):
    name = new_topic(broker, wired, ("message.timestamp.type", "LogAppendTime"))
    before = int(time.time() * 1000)
    assert wired.produce(name, simple_batch("x", "y")) == (NONE, 0)
    _, _, data = wired.fetch(name, 0)
    assert struct.unpack_from(">h", data, 21) == (8,)
    assert before <= struct.unpack_from(">q", data, 35)[0] <= int(time.time() * 1000)
    assert struct.unpack_from(">I", data, 17) == (wire.crc32c(data[21:]),)


def test_record_that_lies_about_its_length(wired, topic):
    body = record(0, b"k", b"value")
    lying = wire.varint(1000) + body[1:]
    assert wired.produce(topic, batch([lying]))[0] == INVALID_RECORD
    assert wired.produce(topic, simple_batch("x")) == (NONE, 0)


@pytest.mark.parametrize("acks", [2, -2, 100])
def test_invalid_acks(wired, topic, acks):
    assert wired.produce(topic, simple_batch("x"), acks=acks) == (INVALID_ACKS, -1)


def test_acks_0_has_no_answer_and_errors_close(broker, wired, topic):
    wired.send_produce(topic, simple_batch("x"), acks=0)
    assert wired.find_coordinator("any") == NONE  # the next answer is to the next request
    wired.send_produce(topic, simple_batch("x", crc=1), acks=0)
    assert wired.is_closed()
    assert still_serves(broker)


def test_record_too_large(broker, wired):
    name = new_topic(broker, wired, ("max.message.bytes", "1000"))
    assert wired.produce(name, simple_batch("x" * 1000)) == (TOO_LARGE, -1)
    assert wired.produce(name, simple_batch("x" * 800)) == (NONE, 0)


def test_unknown_partition_and_topic(wired, topic):
    assert wired.produce(topic, simple_batch("x"), partition=1) == (UNKNOWN_TOPIC, -1)
    assert wired.produce(topic, simple_batch("x"), partition=-1) == (UNKNOWN_TOPIC, -1)
    assert wired.produce("no-such-topic", simple_batch("x")) == (UNKNOWN_TOPIC, -1)
    assert wired.produce("bad name!", simple_batch("x")) == (UNKNOWN_TOPIC, -1)


def test_keyless_record_to_compacted_topic(broker, wired):
    name = new_topic(broker, wired, ("cleanup.policy", "compact"))
    wired.send_produce(name, batch([record(0, b"k", b"v"), record(1, None, b"v")]), version=8)
    error, _, record_errors, message = wired.produce_answer(name, version=8)
    assert error == INVALID_RECORD
    assert [index for index, _ in record_errors] == [1] and message
    assert wired.produce(name, simple_batch("v")) == (NONE, 0)


def test_timestamp_too_far_ahead(wired, topic):
    in_two_hours = int(time.time() * 1000) + 2 * 3600 * 1000
    assert wired.produce(topic, simple_batch("x", time=in_two_hours))[0] == 32


def test_pipelined_produces_keep_their_order(wired, topic):
    for i in range(30):
        wired.send_produce(topic, simple_batch(f"{i}"))
    assert [wired.produce_answer(topic, correlation=wired.correlation - 29 + i)[:2] for i in range(30)] == [
        (NONE, i) for i in range(30)]


# -- idempotent producers ---------------------------------------------------------

@pytest.fixture
def pid(wired):
    error, pid, epoch = wired.init_producer_id()
    assert (error, epoch) == (NONE, 0)
    return pid


def test_duplicate_gets_its_original_offset(wired, topic, pid):
    first = simple_batch("a", "b", pid=pid, pid_epoch=0, sequence=0)
    assert wired.produce(topic, first) == (NONE, 0)
    assert wired.produce(topic, simple_batch("c", pid=pid, pid_epoch=0, sequence=2)) == (NONE, 2)
    assert wired.produce(topic, first) == (NONE, 0)
    assert wired.list_offset(topic, -1)[2] == 3


def test_sequences(wired, topic, pid):
    def produce(sequence, epoch=0):
        return wired.produce(topic, simple_batch("x", pid=pid, pid_epoch=epoch, sequence=sequence))
    assert produce(0) == (NONE, 0)
    assert produce(2)[0] == OUT_OF_ORDER
    for i in range(1, 8):
        assert produce(i) == (NONE, i)
    assert produce(3) == (NONE, 3)      # the last five batches are known
    assert produce(2)[0] in (OUT_OF_ORDER, 46)  # older ones are not
    assert produce(8, epoch=1)[0] == OUT_OF_ORDER  # a new epoch starts at 0
    assert produce(0, epoch=1) == (NONE, 8)
    assert produce(1, epoch=0)[0] == 47


def test_unknown_producer_may_start_anywhere(wired, topic, pid):
    assert wired.produce(topic, simple_batch("x", pid=pid, pid_epoch=0, sequence=100)) == (NONE, 0)


def test_sequence_wraps(wired, topic, pid):
    last = 0x7FFFFFFF
    assert wired.produce(topic, simple_batch("x", pid=pid, pid_epoch=0, sequence=last)) == (NONE, 0)
    assert wired.produce(topic, simple_batch("y", pid=pid, pid_epoch=0, sequence=0)) == (NONE, 1)


def test_empty_transactional_id(wired):
    assert wired.init_producer_id("")[0] == INVALID_REQUEST


# -- fetch ------------------------------------------------------------------------

def test_fetch_out_of_range(wired, topic):
    wired.produce(topic, simple_batch("a", "b"))
    assert wired.fetch(topic, 2)[:2] == (NONE, 2)
    assert wired.fetch(topic, 3)[:2] == (OUT_OF_RANGE, -1)
    assert wired.fetch(topic, -1)[:2] == (OUT_OF_RANGE, -1)
    assert wired.fetch(topic, 0, partition=9)[0] == UNKNOWN_TOPIC
    assert wired.fetch("no-such-topic", 0)[0] == UNKNOWN_TOPIC


def test_fetch_from_the_middle_returns_the_whole_batch(wired, topic):
    wired.produce(topic, simple_batch("a", "b", "c"))
    wired.produce(topic, batch([record(i, b"k", b"v") for i in range(4)], gzip=True))
    wired.produce(topic, simple_batch("z"))
    for offset, first in ((0, 0), (1, 0), (2, 0), (3, 3), (5, 3), (6, 3), (7, 7)):
        _, _, data = wired.fetch(topic, offset)
        found = wire.batches(data)
        assert found[0][0] == first and found[-1][1] == 7, f"from {offset}"


def test_first_batch_is_whole_however_small_the_limit(wired, topic):
    wired.produce(topic, simple_batch("x" * 5000))
    wired.produce(topic, simple_batch("y" * 5000))
    error, _, data = wired.fetch(topic, 0, max_bytes=1, partition_max=1)
    assert error == NONE and [b[:2] for b in wire.batches(data)] == [(0, 0)]


def test_fetch_waits_for_records(broker, wired, topic):
    with Connection(broker.address) as other:
        other.send(wire.FETCH, 4, i32(-1) + i32(50000) + i32(1) + i32(1 << 20) + i8(0) + array([
            string(topic) + array([i32(0) + i64(0) + i32(1 << 20)])]))
        assert wired.produce(topic, simple_batch("x")) == (NONE, 0)
        started = time.monotonic()
        answer = other.receive()
        assert time.monotonic() - started < 30 and b"x" in answer.data


def test_fetch_gives_up_waiting(wired, topic):
    started = time.monotonic()
    assert wired.fetch(topic, 0, max_wait=300)[0] == NONE
    assert time.monotonic() - started >= 0.29


def test_fetch_of_nothing_answers_at_once(wired):
    r = wired.call(wire.FETCH, 4, i32(-1) + i32(60000) + i32(1) + i32(1 << 20) + i8(0) + array([]))
    assert (r.i32(), r.i32()) == (0, 0)
    r.finish()


def test_leader_epoch_is_checked(wired, topic):
    wired.produce(topic, simple_batch("x"))
    epoch = wire.batches(wired.fetch(topic, 0)[2])[0][2]
    assert wired.fetch(topic, 0, leader_epoch=epoch)[0] == NONE
    assert wired.fetch(topic, 0, leader_epoch=epoch + 1)[0] == UNKNOWN_EPOCH
    assert wired.list_offset(topic, -1, leader_epoch=epoch + 1)[0] == UNKNOWN_EPOCH


def test_offset_for_leader_epoch(wired, topic):
    wired.produce(topic, simple_batch("x", "y"))
    epoch = wire.batches(wired.fetch(topic, 0)[2])[0][2]

    def ask(wanted, current=-1):
        r = wired.call(wire.OFFSET_FOR_LEADER_EPOCH, 2, array([
            string(topic) + array([i32(0) + i32(current) + i32(wanted)])]))
        r.i32()
        assert r.i32() == 1 and r.string() == topic and r.i32() == 1
        error, _, answered, end = r.i16(), r.i32(), r.i32(), r.i64()
        r.finish()
        return error, answered, end
    assert ask(epoch) == (NONE, epoch, 2)
    assert ask(epoch + 5) == (NONE, -1, -1)
    assert ask(epoch, current=epoch + 1)[0] == UNKNOWN_EPOCH


# -- list offsets -----------------------------------------------------------------

def test_special_timestamps(wired, topic):
    base = 1_700_000_000_000
    assert wired.list_offset(topic, -1) == (NONE, -1, 0)
    assert wired.list_offset(topic, -2) == (NONE, -1, 0)
    assert wired.list_offset(topic, base) == (NONE, -1, -1)
    for at in (5, 2, 9, 7):  # time does not always rise
        wired.produce(topic, simple_batch(f"{at}", time=base + at))
    assert wired.list_offset(topic, -1) == (NONE, -1, 4)
    assert wired.list_offset(topic, -2) == (NONE, -1, 0)
    assert wired.list_offset(topic, base + 3) == (NONE, base + 5, 0)
    assert wired.list_offset(topic, base + 6) == (NONE, base + 9, 2)
    assert wired.list_offset(topic, base + 10) == (NONE, -1, -1)
    assert wired.list_offset(topic, 0) == (NONE, base + 5, 0)


def test_timestamp_inside_a_batch(wired, topic):
    base = 1_700_000_000_000
    records = [record(i, b"k", b"v", time_delta=i * 10) for i in range(10)]
    wired.produce(topic, batch(records, time=base, max_time=base + 90))
    assert wired.list_offset(topic, base + 41) == (NONE, base + 50, 5)
    wired.produce(topic, batch(records, time=base + 1000, max_time=base + 1090, gzip=True))
    assert wired.list_offset(topic, base + 1041) == (NONE, base + 1050, 15)


def list_offset_v7(wired, topic, timestamp):
    """Flexible, for the specials that came later: (error, timestamp, offset)."""
    name = topic.encode()
    body = (i32(-1) + i8(0) + b"\x02" + wire.uvarint(len(name) + 1) + name + b"\x02"
            + i32(0) + i32(-1) + i64(timestamp) + b"\0\0\0")
    r = wired.call(wire.LIST_OFFSETS, 7, b"\0" + body)
    assert r.take(1) == b"\0"
    r.i32()
    assert r.take(1) == b"\x02" and r.take(1 + len(name))[1:] == name and r.take(1) == b"\x02"
    r.i32()
    answer = r.i16(), r.i64(), r.i64()
    r.i32()
    assert r.take(3) == b"\0\0\0"
    r.finish()
    return answer


def test_record_with_the_highest_timestamp(wired, topic):
    base = 1_700_000_000_000
    assert list_offset_v7(wired, topic, -3) == (NONE, -1, -1)
    for at in (5, 9, 7):
        wired.produce(topic, simple_batch(f"{at}", time=base + at))
    assert list_offset_v7(wired, topic, -3) == (NONE, base + 9, 1)


@pytest.mark.parametrize("version, timestamp", [(5, -3), (5, -4), (7, -4), (7, -5), (7, -99)])
def test_special_timestamp_of_a_later_version(wired, topic, version, timestamp):
    answer = list_offset_v7(wired, topic, timestamp) if version == 7 else wired.list_offset(topic, timestamp)
    assert answer == (UNSUPPORTED_VERSION, -1, -1)


def test_list_offsets_of_the_unknown(wired, topic):
    assert wired.list_offset("no-such-topic", -1)[0] == UNKNOWN_TOPIC
    assert wired.list_offset(topic, -1, partition=7)[0] == UNKNOWN_TOPIC


# -- topics -----------------------------------------------------------------------

@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "ä", "x" * 250, "a\0b"])
def test_illegal_topic_name(wired, name):
    assert wired.create_topic(name) == INVALID_TOPIC


def test_longest_topic_name(wired):
    assert wired.create_topic(uuid.uuid4().hex.ljust(249, "x")) == NONE


def test_topic_names_that_collide(wired):
    name = f"collide.{uuid.uuid4().hex[:8]}"
    assert wired.create_topic(name) == NONE
    assert wired.create_topic(name.replace(".", "_")) == INVALID_TOPIC


@pytest.mark.parametrize("error, bad", [
    (BAD_PARTITIONS, dict(partitions=0)), (BAD_PARTITIONS, dict(partitions=-2)),
    (BAD_REPLICATION, dict(replication=0)),
    (BAD_CONFIG, dict(configs=[("no.such.config", "1")])), (BAD_CONFIG, dict(configs=[("retention.ms", "soon")])),
    (BAD_CONFIG, dict(configs=[("cleanup.policy", "shred")])), (BAD_CONFIG, dict(configs=[("retention.ms", None)])),
    (INVALID_REQUEST, dict(copies=2)),
    (INVALID_REQUEST, dict(partitions=2, replication=1, assignment=[(0, [1])])),
    (BAD_ASSIGNMENT, dict(partitions=-1, replication=-1, assignment=[(0, [])])),
    (BAD_ASSIGNMENT, dict(partitions=-1, replication=-1, assignment=[(0, [999])])),
    (BAD_ASSIGNMENT, dict(partitions=-1, replication=-1, assignment=[(1, [1])])),
], ids=str)
def test_create_topics_errors(wired, error, bad):
    name = f"wire-{uuid.uuid4().hex[:8]}"
    assert wired.create_topic(name, **bad) == error
    assert wired.create_topic(name) == NONE  # nothing of it was made


def test_replication_that_one_broker_cannot_give(broker, wired):
    error = wired.create_topic(f"wire-{uuid.uuid4().hex[:8]}", replication=3)
    # naru may accept it with a notice, as applications ask for 3 by habit.
    assert error == BAD_REPLICATION or (error == NONE and not broker.is_kafka)


def test_create_topics_twice_and_dry(wired, topic):
    assert wired.create_topic(topic) == TOPIC_EXISTS
    assert wired.create_topic(topic, validate_only=True) == TOPIC_EXISTS
    dry = f"wire-{uuid.uuid4().hex[:8]}"
    assert wired.create_topic(dry, validate_only=True) == NONE
    assert wired.produce(dry, simple_batch("x")) == (UNKNOWN_TOPIC, -1)


def test_default_partitions_and_replication(wired):
    assert wired.create_topic(f"wire-{uuid.uuid4().hex[:8]}", partitions=-1, replication=-1) == NONE


def test_create_partitions(wired, topic):
    assert wired.create_partitions() == {}
    assert wired.create_partitions((topic, 1, None)) == {topic: BAD_PARTITIONS}
    assert wired.create_partitions((topic, 0, None)) == {topic: BAD_PARTITIONS}
    assert wired.create_partitions((topic, -1, None)) == {topic: BAD_PARTITIONS}
    assert wired.create_partitions(("no-such-topic", 3, None)) == {"no-such-topic": UNKNOWN_TOPIC}
    assert wired.create_partitions((topic, 3, [[1]])) == {topic: BAD_ASSIGNMENT}
    assert wired.create_partitions((topic, 3, [[999], [999]])) == {topic: BAD_ASSIGNMENT}
    assert wired.create_partitions((topic, 3, None), (topic, 4, None)) == {topic: INVALID_REQUEST}
    assert wired.create_partitions((topic, 3, None), validate_only=True) == {topic: NONE}
    assert wired.create_partitions((topic, 2, None), ("no-such-topic", 3, None)) == {
        topic: NONE, "no-such-topic": UNKNOWN_TOPIC}


def test_delete_the_unknown(wired):
    assert wired.delete_topic("no-such-topic") == UNKNOWN_TOPIC
    assert wired.delete_topic("bad name!") == UNKNOWN_TOPIC


def metadata(wired, topics, auto_create, version=4):
    """name -> error"""
    r = wired.call(wire.METADATA, version, array(None if topics is None else [string(t) for t in topics]) + i8(auto_create))
    r.i32()
    assert r.array(lambda: (r.i32(), r.string(), r.i32(), r.string()))
    assert r.string()
    r.i32()

    def one():
        error, name = r.i16(), r.string()
        r.i8()
        r.array(lambda: (r.i16(), r.i32(), r.i32(), r.array(r.i32), r.array(r.i32)))
        return name, error
    found = dict(r.array(one))
    r.finish()
    return found


def test_metadata(wired, topic):
    assert metadata(wired, [], False) == {}                       # none
    assert metadata(wired, None, False)[topic] == NONE            # all
    assert metadata(wired, ["no-such-topic"], False) == {"no-such-topic": UNKNOWN_TOPIC}
    assert metadata(wired, ["bad name!"], True) == {"bad name!": INVALID_TOPIC}
    assert metadata(wired, ["bad name!"], False) == {"bad name!": INVALID_TOPIC}
    name = f"wire-auto-{uuid.uuid4().hex[:8]}"
    assert metadata(wired, [name], True)[name] in (NONE, UNKNOWN_TOPIC, 5)
    wait_until(lambda: metadata(wired, [name], True)[name] == NONE, "created by being asked for")
