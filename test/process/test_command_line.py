"""What one types, what naru says, and how it ends."""
import json
import re
import signal
import socket
import time

import pytest

import wire
from broker import free_port, wait_until
from naru import BINARY, MIB, run
from test_idle import fetch_and_wait

FLAGS = ["--config", "--data-dir", "--kafka", "--amqp", "--admin", "--advertise", "--shards", "--memory-limit", "--durability",
         "--log-format"]


# -- words ------------------------------------------------------------------------

@pytest.mark.parametrize("words", [["--help"], ["-h"]])
def test_help(words):
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    for word in ("serve", "check", "version", "kcat"):
        assert word in out


def test_help_of_serve_explains_every_flag_and_its_default():
    code, out, err = run("serve", "--help")
    assert (code, err) == (0, "")
    for flag in FLAGS:
        assert flag in out, flag
    for default in ("./naru-data", "127.0.0.1:9092", "127.0.0.1:15672", "sync", "text"):
        assert default in out, default


def test_help_of_check():
    code, out, _ = run("check", "--help")
    assert code == 0 and "DIR" in out


def test_version():
    code, out, err = run("version")
    assert (code, err) == (0, "") and re.fullmatch(r"naru \d+\.\d+\.\d+\n", out)


@pytest.mark.parametrize("words, said", [
    ([], "subcommand"),
    (["server"], "server"),
    (["serve", "--datadir", "x"], "--datadir"),
    (["serve", "extra"], "extra"),
    (["serve", "--kafka"], "--kafka"),
    (["serve", "--kafka", "9092"], "HOST:PORT"),
    (["serve", "--kafka", "localhost:99999"], "65535"),
    (["serve", "--admin", "localhost:http"], "65535"),
    (["serve", "--shards", "many"], "--shards"),
    (["serve", "--shards", "-1"], "--shards"),
    (["serve", "--memory-limit", "1MiB"], "16MiB"),
    (["serve", "--memory-limit", "64MX"], "64MiB"),
    (["serve", "--memory-limit", "99999999999999999999G"], "--memory-limit"),
    (["serve", "--durability", "none"], "sync or os"),
    (["serve", "--log-format", "xml"], "text or json"),
    (["serve", "--config", "/no/such/file"], "/no/such/file"),
    (["check"], "DIR"),
])
def test_mistakes_are_named(words, said, tmp_path):
    code, out, err = run(*words, cwd=tmp_path)
    assert code == 2 and out == "" and said in err, (code, out, err)
    assert list(tmp_path.iterdir()) == []


# -- the configuration file ---------------------------------------------------------

def test_every_key_of_the_file(make_naru, tmp_path):
    kafka, admin, queues = free_port(), free_port(), free_port()
    (tmp_path / "queues.conf").write_text("queues { orders { delay = 5 seconds } }")
    config = tmp_path / "naru.toml"
    config.write_text(f"""
# every setting there is
data-dir = "{tmp_path}/elsewhere"
kafka = "127.0.0.1:{kafka}"
admin = "127.0.0.1:{admin}"
sqs = "127.0.0.1:{queues}"
sqs-region = "eu-central-1"
sqs-account = "123456789012"
sqs-url = "https://queues.example.org/"
sqs-auth = "off"
sqs-queues = "{tmp_path}/queues.conf"
advertise = "broker.example"
shards = 2
memory-limit = "32MiB"
durability = "os"
log-format = "json"
group-initial-rebalance-delay-ms = 4000
log-retention-check-interval-ms = 1000
log-cleaner-backoff-ms = 1000

[topic-defaults]
compression.type = "zstd"
"retention.ms" = 86400000
cleanup.policy = ["compact", "delete"]
min.cleanable.dirty.ratio = 0.25
preallocate = true
""")
    naru = make_naru()
    naru.port, naru.admin, naru.address = kafka, admin, f"127.0.0.1:{kafka}"
    naru.command = lambda: [BINARY, "serve", "--config", str(config)]
    naru.start()
    assert (tmp_path / "elsewhere" / "MANIFEST").exists()
    lines = [json.loads(line) for line in naru.says().splitlines()]
    ready, = [line for line in lines if line["event"] == "naru is ready"]
    assert ready["cores"] == 2 and ready["data"] == f"{tmp_path}/elsewhere"
    assert naru.get("/health")[0] == 200
    assert naru.metric("naru_memory_budget_bytes") < 32 * MIB
    with wire.Connection(naru.address) as c:
        r = c.call(wire.METADATA, 1, wire.array([]))
        assert r.array(lambda: (r.i32(), r.string(), r.i32(), r.string()))[0][1:3] == ("broker.example", kafka)
        assert c.create_topic("fast") == 0
    began = time.monotonic()
    group = wire.Group(naru.address, "delayed")
    assert group.join_twice() == 0
    group.close()
    assert time.monotonic() - began > 3.9  # the default is 3 s
    shown, _ = described(naru, 2, "fast")
    assert (shown["compression.type"], shown["retention.ms"]) == (("zstd", 4), ("86400000", 4))
    assert shown["cleanup.policy"] == ("compact,delete", 4) and shown["min.cleanable.dirty.ratio"] == ("0.25", 4)
    assert shown["segment.ms"] == ("604800000", 5)
    shown, _ = described(naru, 4, "1")
    assert (shown["compression.type"], shown["log.retention.ms"]) == (("zstd", 4), ("86400000", 4))
    assert (shown["log.cleaner.backoff.ms"], shown["log.retention.check.interval.ms"]) == (("1000", 4), ("1000", 4))
    assert (shown["compression.gzip.level"], shown["log.roll.ms"]) == (("-1", 5), (None, 5))
    with wire.Connection(naru.address) as c:
        assert c.produce("fast", wire.simple_batch("x" * 1000, time=int(time.time() * 1000))) == (0, 0)
        data = c.fetch("fast", 0)[2]
        assert data[22] & 7 == 4 and len(data) < 1000  # stored as zstd
    naru.stop()


def described(naru, kind, name):
    """DescribeConfigs v1: {key: (value, source)} and the error."""
    with wire.Connection(naru.address) as c:
        r = c.call(wire.DESCRIBE_CONFIGS, 1, wire.array([wire.i8(kind) + wire.string(name) + wire.array(None)]) + wire.i8(0))
    r.i32()
    assert r.i32() == 1
    error = r.i16()
    r.string(), r.i8(), r.string()

    def entry():
        key, value, _, source, _ = r.string(), r.string(), r.i8(), r.i8(), r.i8()
        r.array(lambda: (r.string(), r.string(), r.i8()))
        return key, (value, source)
    found = dict(r.array(entry))
    r.finish()
    return found, error


def test_flags_win_over_the_file(make_naru, tmp_path):
    config = tmp_path / "naru.toml"
    config.write_text(f'data-dir = "{tmp_path}/from-file"\nshards = 2\nkafka = "127.0.0.1:1"\n')
    naru = make_naru("--config", str(config), "--shards", "1").start()
    assert "cores=1" in naru.says() and not (tmp_path / "from-file").exists()
    naru.stop()


@pytest.mark.parametrize("text, said", [
    ("colour = 1", ["colour", "no such setting"]),
    ("data_dir = 'x'", ["data_dir", "no such setting"]),
    ("[kafka]\nport = 1", ["kafka"]),
    ("shards = 'two'", ["shards"]),
    ("shards = -1", ["shards"]),
    ("shards = 0.5", ["shards"]),
    ("durability = 'never'", ["durability"]),
    ("memory-limit = '1MiB'", ["memory-limit", "16MiB"]),
    ("memory-limit = -5", ["memory-limit"]),
    ("kafka = '9092'", ["kafka", "HOST:PORT"]),
    ("group-initial-rebalance-delay-ms = -1", ["group-initial-rebalance-delay-ms"]),
    ("log-cleaner-backoff-ms = 0", ["log-cleaner-backoff-ms"]),
    ("topic-defaults = 1", ["topic-defaults"]),
    ("[topic-defaults]\nretention.days = 3", ["topic-defaults", "retention.days"]),
    ("[topic-defaults]\nretention.ms = 'long'", ["topic-defaults", "retention.ms", "long"]),
    ("[topic-defaults]\ncompression.type = 'rar'", ["compression.type", "lz4"]),
    ("[topic-defaults]\nnaru.durability = 'os'", ["naru.durability", "durability"]),
    ("[topic-defaults]\nretention.ms = 1979-05-27", ["retention.ms"]),
    ("data-dir = ", ["line 1"]),
    ("shards = 1\nshards = 2", ["line 2"]),
])
def test_mistakes_in_the_file_name_file_and_key(tmp_path, text, said):
    config = tmp_path / "broken.toml"
    config.write_text(text)
    code, out, err = run("serve", "--config", config, cwd=tmp_path)
    assert code == 2 and out == "", (code, out, err)
    for word in [str(config), *said]:
        assert word in err, err


# -- what it says ---------------------------------------------------------------------

def test_ready_line_and_loopback_notice(naru):
    said = naru.says()
    assert (f"naru is ready kafka={naru.address} amqp=off amqps=off sqs=off admin=127.0.0.1:{naru.admin} "
            f"data={naru.data}") in said
    assert "listening on loopback only" in said and "--kafka 0.0.0.0:9092 --advertise" in said


def test_no_loopback_notice_on_all_addresses(make_naru):
    naru = make_naru(listen="0.0.0.0").start()
    assert "listening on" not in naru.says()
    naru.stop()


def test_log_lines_are_json(make_naru, tmp_path):
    """Quotes, line ends and letters of other scripts in what they name included."""
    naru = make_naru("--log-format", "json", data=tmp_path / 'a "quoted"\n\\ földer').start()
    naru.kill()
    naru.start()
    naru.stop()
    lines = [json.loads(line) for line in naru.log.read_text().splitlines()]
    assert all({"time", "level", "event"} <= line.keys() for line in lines)
    assert {line["level"] for line in lines} == {"info"}
    assert [line["data"] for line in lines if line["event"] == "naru is ready"] == [str(naru.data)] * 2
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", line["time"]) for line in lines)


def test_health_and_unknown_paths(naru):
    assert naru.get("/health") == (200, "ok\n")
    assert naru.get("/health?verbose=1")[0] == 200
    status, body = naru.get("/nothing")
    assert status == 404 and "/metrics" in body


def test_admin_requests_may_come_in_pieces(naru):
    request = b"GET /health HTTP/1.1\r\nHost: x\r\nLong: " + b"y" * 6000 + b"\r\n\r\n"
    with socket.create_connection(("127.0.0.1", naru.admin), 30) as c:
        for piece in (request[:10], request[10:5000], request[5000:] + request[:1], request[1:]):
            c.sendall(piece)
            time.sleep(0.02)  # so that each arrives alone
        c.sendall(b"HEAD /health HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        got = b""
        while piece := c.recv(4096):
            got += piece
    answers = [answer.split(b"\r\n")[0] for answer in got.split(b"HTTP/1.1 ")[1:]]
    assert answers == [b"200 OK", b"200 OK", b"200 OK", b"404 Not Found"]
    assert got.count(b"ok\n") == 2 and got.count(b"Content-Length: 3\r") == 3  # HEAD has no body


def test_metrics_are_prometheus_text(naru):
    parser = pytest.importorskip("prometheus_client.parser")
    with wire.Connection(naru.address) as c:
        assert c.create_topic("measured", 2) == 0
        for i in range(5):
            assert c.produce("measured", wire.simple_batch("a", "b", time=int(time.time() * 1000))) == (0, 2 * i)
        families = {f.name: f for f in parser.text_string_to_metric_families(naru.get("/metrics")[1])}
        value = lambda name: families[name].samples[0].value  # noqa: E731
        assert value("naru_kafka_connections") == 1
        assert value("naru_kafka_produced_records") == 10
        assert value("naru_log_appended_batches") == 5
        assert value("naru_catalog_topics") == 1
        assert value("naru_kafka_requests") >= 6
    for family in families.values():
        assert family.documentation and family.type in ("gauge", "counter")
        assert family.samples, family.name
        assert family.name.startswith(("naru_", "rabbitmq_"))  # the latter as RabbitMQ names what AMQP counts
    assert families["naru_log_size_bytes"].unit in ("", "bytes")


# -- the end ------------------------------------------------------------------------------

def test_sigterm_ends_idle_broker(naru):
    naru.stop()
    assert "stopping" in naru.says() and "stopped" in naru.says()


def test_sigint_is_the_same(naru):
    naru.process.send_signal(signal.SIGINT)
    assert naru.ends() == 0


@pytest.mark.parametrize("cores", ["1", "2"])
def test_sigterm_with_everything_under_way(make_naru, cores):
    """Parked fetches and joins, clients that never read, half a frame, a producer in full flight."""
    naru = make_naru("--shards", cores).start()
    data = wire.batch([wire.record(0, None, bytes(500_000))], time=int(time.time() * 1000))
    open_ones = []
    with wire.Connection(naru.address) as c:
        assert c.create_topic("quiet") == 0 and c.create_topic("loud") == 0
        for _ in range(8):
            assert c.produce("loud", data)[0] == 0
    for _ in range(20):
        parked = wire.Connection(naru.address)
        fetch_and_wait(parked, "quiet")
        open_ones.append(parked)
    for i in range(5):
        group = wire.Group(naru.address, f"parked-{i}", session=60_000, rebalance=60_000)
        group.join()
        group.send_join()  # waits for the initial delay
        open_ones.append(group.connection)
    for _ in range(5):
        deaf = wire.Connection(naru.address)
        deaf.socket.setsockopt(wire.socket.SOL_SOCKET, wire.socket.SO_RCVBUF, 4096)
        for _ in range(20):
            deaf.send(wire.FETCH, 11, wire.i32(-1) + wire.i32(0) + wire.i32(1) + wire.i32(50 * MIB) + wire.i8(0)
                      + wire.i32(0) + wire.i32(-1) + wire.array([wire.string("loud") + wire.array(
                          [wire.i32(0) + wire.i32(-1) + wire.i64(0) + wire.i64(-1) + wire.i32(8 * MIB)])])
                      + wire.array([]) + wire.string(""))
        open_ones.append(deaf)
    half = wire.Connection(naru.address)
    half.raw(half.frame(wire.PRODUCE, 3, bytes(100_000))[:50_000])
    open_ones.append(half)
    wait_until(lambda: naru.metric("naru_kafka_connections") == len(open_ones), "all are connected")
    busy = wire.Connection(naru.address)
    for _ in range(50):
        busy.send_produce("quiet" if cores == "2" else "loud", data)
    began = time.monotonic()
    naru.stop(seconds=30)  # what waits would do so for a minute
    print(f"ended in {time.monotonic() - began:.2f} s")
    acked = 0
    topic = "quiet" if cores == "2" else "loud"
    try:
        while True:
            acked += 1
            error, *_ = busy.produce_answer(topic, correlation=acked)
            assert error == 0 or acked > 1
    except (wire.Closed, OSError):
        pass
    for c in [*open_ones, busy]:
        c.close()
    naru.start()
    assert "unclean" not in naru.says()
    with wire.Connection(naru.address) as c:
        assert c.list_offset(topic, -1)[2] >= acked - 1
    naru.stop()


def test_clean_end_replays_nothing_and_a_crash_does(naru):
    with wire.Connection(naru.address) as c:
        assert c.create_topic("kept") == 0
        assert c.produce("kept", wire.simple_batch("a", time=int(time.time() * 1000))) == (0, 0)
    naru.stop()
    naru.start()
    assert "recovered" not in naru.says()
    with wire.Connection(naru.address) as c:
        assert c.produce("kept", wire.simple_batch("b", time=int(time.time() * 1000))) == (0, 1)
    naru.kill()
    naru.start()
    assert "recovered after an unclean end" in naru.says()
    naru.stop()
    naru.start()
    assert "recovered" not in naru.says()
    naru.stop()


def test_second_sigterm_changes_nothing(naru):
    naru.process.send_signal(signal.SIGTERM)
    try:
        naru.process.send_signal(signal.SIGTERM)
    except ProcessLookupError:
        pass
    assert naru.ends() == 0


def test_sigterm_before_it_is_ready(make_naru):
    """At any moment of the start: it ends by the signal or cleanly, and the folder is fine."""
    naru = make_naru()
    for i in range(10):
        naru.spawn()
        time.sleep(i * 0.004)  # not an assertion: it spreads the moments
        naru.process.send_signal(signal.SIGTERM)
        assert naru.ends() in (0, -signal.SIGTERM), naru.says()
    naru.start().stop()
