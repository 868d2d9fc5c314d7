#!/usr/bin/env python3
"""A real data set: the text that a Debian machine has, as keyed JSON records. Downloads nothing.

  dataset.py generate COUNT                       key <tab> JSON lines, for kcat -P -K '\\t'
  dataset.py produce ADDRESS TOPIC COUNT OUT      writes them with confluent-kafka; OUT gets a SENT per record
  dataset.py consume ADDRESS TOPIC GROUP OUT      a group member with kafka-python, until stdin closes;
                                                  OUT gets a ROW per record
"""
import gzip
import itertools
import json
import os
import select
import struct
import sys
from pathlib import Path
from zlib import crc32

ROW = struct.Struct("<hqqII")  # partition, offset, number, checksum of key, checksum of value
SENT = struct.Struct("<II")    # checksum of key, checksum of value; in the order of the numbers
TEXT_MAX = 60 << 20            # what is read once; then it repeats, with the round in the record
PLACES = (("/var/lib/dpkg", "status"), ("/usr/share/dict", "*"), ("/var/lib/apt/lists", "*_Packages"),
          ("/usr/share/doc", "*/changelog*.gz"), ("/usr/share/doc", "*/copyright"), ("/usr/share/perl", "**/*.p[ml]"),
          ("/usr/lib/python3", "**/*.py"), ("/usr/share/common-licenses", "*"))


def read(path):
    try:
        data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    except OSError:
        return ""
    return data.decode("utf-8", "replace")


def files():
    for folder, pattern in PLACES:
        yield from sorted(p for p in Path(folder).glob(pattern) if p.is_file() and not p.is_symlink())


def passages():
    """(file, place in it, some lines of it)"""
    size = 0
    for path in files():
        lines = [line.strip() for line in read(path).splitlines()]
        for at in range(0, len(lines), 3):
            text = " ".join(line for line in lines[at:at + 3] if line)
            if text:
                size += len(text)
                yield str(path), at, text
        if size > TEXT_MAX:
            return


def generate(count):
    """(key, value): a key is a hundred lines of a file, so that keys are many and each has an order."""
    kept = list(passages())
    rounds = ((n, *passage) for n in itertools.count() for passage in kept)
    for number, (turn, path, at, text) in enumerate(itertools.islice(rounds, count)):
        value = {"n": number, "file": path, "line": at, "round": turn, "text": text[:4000]}
        yield f"{path}:{at // 100}", json.dumps(value, ensure_ascii=False)


def produce(address, topic, records, out):
    from confluent_kafka import Producer
    failed = []
    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "acks": "all", "linger.ms": 20,
                         "compression.type": "lz4", "queue.buffering.max.messages": 200_000,
                         "delivery.report.only.error": True,
                         "on_delivery": lambda error, _: failed.append(error) if error else None})
    with open(out, "wb") as file:
        for key, value in records:
            key, value = key.encode(), value.encode()
            file.write(SENT.pack(crc32(key), crc32(value)))
            while True:
                try:
                    producer.produce(topic, key=key, value=value)
                    break
                except BufferError:
                    producer.poll(0.1)
    producer.flush()
    assert not failed, failed[:3]


def consume(address, topic, group, out):
    import logging
    from kafka import KafkaConsumer
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
    consumer = KafkaConsumer(topic, bootstrap_servers=address, group_id=group, auto_offset_reset="earliest",
                             auto_commit_interval_ms=300, heartbeat_interval_ms=500, session_timeout_ms=6000,
                             max_poll_records=2000, check_crcs=True)
    with open(out, "wb") as file:
        while not select.select([sys.stdin], [], [], 0)[0]:
            # A poll's time bounds its joining and the commit before that, which a disk that stalls makes late: a short one
            # logs an error.
            for records in consumer.poll(timeout_ms=10_000).values():
                file.write(b"".join(ROW.pack(r.partition, r.offset, int(r.value[6:r.value.index(b",")]), crc32(r.key),
                                             crc32(r.value)) for r in records))
            file.flush()  # before the next poll commits
    logging.disable(logging.ERROR)  # closing races with the library's own reader, which then logs its closed socket
    consumer.close()


def main():
    verb, *words = sys.argv[1:] or ["help"]
    if verb == "generate":
        for key, value in generate(int(words[0])):
            sys.stdout.write(f"{key}\t{value}\n")
    elif verb == "produce":
        produce(words[0], words[1], generate(int(words[2])), words[3])
    elif verb == "consume":
        consume(*words)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # generate | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
