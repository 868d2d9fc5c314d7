"""Every client library under test, and what it has no API for."""
from pathlib import Path

from broker import CACHE
from client_programs import NODE
from command_clients import JavaConsole, Kcat
from driver import Driver

HERE = Path(__file__).parent
VENV = CACHE / "venv/bin/python"


def confluent():
    return Driver("confluent", [VENV, HERE / "python/confluent_program.py"], topic_ids=True)


# kafka-python warns of ordinary moments: a group leader that assigns before it knows the topic, a close
# while a request is under way, a topic before its creation, a busy machine, a rebalance.
PYTHON_ORDINARY = (r"No partition metadata for topic", r"Cancelled", r"Topic \S+ not found in cluster metadata",
                   r"kafka.net.selector:Task .* ran for", r"Heartbeat failed for group \S+ because it is rebalancing")


def kafka_python():
    return Driver("kafka-python", [VENV, HERE / "python/kafka_python_program.py"], topic_ids=True,
                  ordinary=PYTHON_ORDINARY)


def debian_kafka_python():
    return Driver("debian-kafka-python", ["/usr/bin/python3", HERE / "python/kafka_python_program.py"],
                  idempotent=False, lacks={"static"}, ordinary=PYTHON_ORDINARY)


# The original answers a produce to an unknown topic before the topic is there.
JAVA_ORDINARY = (r"-auto-\w+=(UNKNOWN_TOPIC_OR_PARTITION|LEADER_NOT_AVAILABLE)",)


def java(version):
    return Driver(f"java-{version[0]}", ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                                      "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                                      "-cp", f"{CACHE}/java-{version}/classes:{CACHE}/java-{version}/libs/*", "Client"],
                  topic_ids=True, ordinary=JAVA_ORDINARY)


def java_4():
    return java("4.4.0")


def java_3():
    return java("3.9.2")


# It warns of each rebalance, and of asking for a topic that is deleted or not there yet.
KAFKAJS_ORDINARY = (r"The group is rebalancing", r"This server does not host this topic-partition")


def kafkajs():
    return Driver("kafkajs", ["env", f"NARU_NODE_MODULES={CACHE}/node", "KAFKAJS_NO_PARTITIONER_WARNING=1", *NODE,
                              HERE / "kafkajs/client.js"],
                  codecs=("none", "gzip", "snappy"), lacks={"static"}, ordinary=KAFKAJS_ORDINARY)


def franz():
    return Driver("franz-go", [CACHE / "franz"], topic_ids=True)


def kcat():
    return Kcat("kcat")


def java_console():
    return JavaConsole("java-console")
