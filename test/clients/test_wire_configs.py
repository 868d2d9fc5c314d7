"""AlterConfigs, IncrementalAlterConfigs and DescribeConfigs on a bare socket: the answers that Apache Kafka gives."""
import uuid

import pytest

import wire
from broker import wait_until
from wire import Connection, array, i8, string

ALTER, DESCRIBE, INCREMENTAL = 33, 32, 44
TOPIC, BROKER = 2, 4
NONE, UNKNOWN_TOPIC, INVALID_TOPIC, BAD_CONFIG, INVALID_REQUEST = 0, 3, 17, 40, 42
SET, DELETE, APPEND, SUBTRACT = range(4)


@pytest.fixture
def wired(broker):
    with Connection(broker.address) as connection:
        yield connection


@pytest.fixture
def topic(broker, wired):
    name = f"configs-{uuid.uuid4().hex[:8]}"
    assert wired.create_topic(name, configs=[("retention.ms", "5000000")]) == NONE
    wait_until(lambda: wire.ready(broker.address, name, 1), "the topic is ready")
    return name


def answered(r):
    """Errors in order."""
    r.i32()
    errors = r.array(lambda: (r.i16(), r.string(), r.i8(), r.string())[0])
    r.finish()
    return errors


def alter(wired, *resources, validate_only=False):
    """v1, (name, {key: value}) or (type, name, [(key, value)]) each."""
    body = array([i8(kind) + string(name) + array([string(k) + string(v) for k, v in configs])
                  for kind, name, configs in map(of_topic, resources)])
    return answered(wired.call(ALTER, 1, body + i8(validate_only)))


def incremental(wired, *resources, validate_only=False):
    """v0, (name, [(key, operation, value)]) each."""
    body = array([i8(kind) + string(name) + array([string(k) + i8(o) + string(v) for k, o, v in configs])
                  for kind, name, configs in map(of_topic, resources)])
    return answered(wired.call(INCREMENTAL, 0, body + i8(validate_only)))


def of_topic(resource):
    return resource if len(resource) == 3 else (TOPIC, *resource)


def set_on(wired, topic):
    """{key: value} of what the topic itself says."""
    r = wired.call(DESCRIBE, 1, array([i8(TOPIC) + string(topic) + array(None)]) + i8(0))
    r.i32()
    assert r.i32() == 1 and r.i16() == NONE
    r.string(), r.i8(), r.string()

    def entry():
        key, value, _, source, _ = r.string(), r.string(), r.i8(), r.i8(), r.i8()
        r.array(lambda: (r.string(), r.string(), r.i8()))
        return key, value, source
    found = {key: value for key, value, source in r.array(entry) if source == 1}
    r.finish()
    return found


def becomes(wired, topic, expected):
    wait_until(lambda: set_on(wired, topic) == expected, f"{topic} has {expected}")


def test_alter_replaces_everything(wired, topic):
    becomes(wired, topic, {"retention.ms": "5000000"})
    assert alter(wired, (topic, [("cleanup.policy", "compact"), ("max.message.bytes", "5000")])) == [NONE]
    becomes(wired, topic, {"cleanup.policy": "compact", "max.message.bytes": "5000"})
    assert alter(wired, (topic, [])) == [NONE]
    becomes(wired, topic, {})


def test_incremental_changes_what_it_names(wired, topic):
    assert incremental(wired, (topic, [("cleanup.policy", APPEND, "compact"), ("max.message.bytes", SET, "5000")])) == [NONE]
    becomes(wired, topic, {"retention.ms": "5000000", "cleanup.policy": "delete,compact", "max.message.bytes": "5000"})
    assert incremental(wired, (topic, [("cleanup.policy", SUBTRACT, "delete"), ("retention.ms", DELETE, None)])) == [NONE]
    becomes(wired, topic, {"cleanup.policy": "compact", "max.message.bytes": "5000"})


def test_dry_runs_change_nothing(wired, topic):
    assert alter(wired, (topic, [("max.message.bytes", "1")]), validate_only=True) == [NONE]
    assert incremental(wired, (topic, [("max.message.bytes", SET, "1")]), validate_only=True) == [NONE]
    assert incremental(wired, (topic, [("max.message.bytes", SET, "x")]), validate_only=True) == [BAD_CONFIG]
    assert set_on(wired, topic) == {"retention.ms": "5000000"}


@pytest.mark.parametrize("error, configs", [
    (BAD_CONFIG, [("no.such.key", SET, "1")]),
    (BAD_CONFIG, [("retention.ms", SET, "soon")]),
    (BAD_CONFIG, [("retention.ms", APPEND, "5")]),
    (INVALID_REQUEST, [("retention.ms", SET, None)]),
    (INVALID_REQUEST, [("retention.ms", SET, "1"), ("retention.ms", SET, "2")]),
    (BAD_CONFIG, [("max.message.bytes", SET, "7"), ("compression.type", SET, "rar")]),
    (BAD_CONFIG, [("min.compaction.lag.ms", SET, "10"), ("max.compaction.lag.ms", SET, "5")]),
], ids=str)
def test_mistakes_change_nothing(wired, topic, error, configs):
    assert incremental(wired, (topic, configs)) == [error]
    if all(operation == SET for _, operation, _ in configs):
        assert alter(wired, (topic, [(key, value) for key, _, value in configs])) == [error]
    assert set_on(wired, topic) == {"retention.ms": "5000000"}


def test_unknown_and_illegal_topics(wired, topic):
    for name, error in (("no-such-topic", UNKNOWN_TOPIC), ("bad name!", INVALID_TOPIC), ("", INVALID_REQUEST)):
        assert alter(wired, (name, [("retention.ms", "1")])) == [error]
        assert incremental(wired, (name, [("retention.ms", SET, "1")])) == [error]


def test_one_bad_resource_does_not_stop_the_others(wired, topic):
    assert sorted(incremental(wired, ("no-such-topic", []), (topic, [("retention.ms", SET, "6000000")]))) == [
        NONE, UNKNOWN_TOPIC]
    becomes(wired, topic, {"retention.ms": "6000000"})


def test_settings_that_only_a_start_changes(wired):
    assert incremental(wired, (BROKER, "1", [("log.dirs", SET, "/elsewhere")])) == [INVALID_REQUEST]
