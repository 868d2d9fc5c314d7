"""kafka-python under test, both 3.x and Debian's 2.0.2; ../driver.py describes the commands."""
import logging
import sys
import time

from command_loop import encode, say, serve, stdin_closed
import kafka
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import for_code

address = sys.argv[1]
old = kafka.__version__.startswith("2.")
# kafka-python 3.0.12 hangs now and then when a poll ends while it joins a group, so polls are not short.
poll_ms = 5000
admin = KafkaAdminClient(bootstrap_servers=address)


def create(topic, partitions, *configs):
    admin.create_topics([NewTopic(name=topic, num_partitions=int(partitions), replication_factor=1,
                                  topic_configs=dict(c.split("=", 1) for c in configs))])
    return []


def produce(topic, codec, acks, idempotent, records):
    extra = {} if old else {"enable_idempotence": idempotent == "1"}
    producer = KafkaProducer(bootstrap_servers=address, acks=acks if acks == "all" else int(acks), linger_ms=5,
                             compression_type=None if codec == "none" else codec, **extra)
    futures = [producer.send(topic, value=value, key=key, headers=headers, partition=partition,
                             timestamp_ms=timestamp)
               for partition, timestamp, key, headers, value in records]
    producer.flush(60)
    results = [future.get(60) for future in futures]
    if acks != "0":  # with 0 nothing tells when the bytes have left, and closing may drop them
        close(producer)
    return [f"{r.partition}\t{-1 if acks == '0' else r.offset}" for r in results]


def close(client):
    """Closing races with the library's own reader thread, which then logs an error about its closed socket."""
    logging.disable(logging.ERROR)
    client.close()
    logging.disable(logging.NOTSET)


def line_of(record):
    return encode(record.partition, record.offset, record.timestamp, record.key, record.headers, record.value)


def new_consumer(group=None, **extra):
    return KafkaConsumer(bootstrap_servers=address, group_id=group, auto_offset_reset="earliest",
                         enable_auto_commit=False, fetch_max_wait_ms=100, **extra)


def partitions_of(consumer, topic):
    deadline = time.monotonic() + 60
    while not (found := consumer.partitions_for_topic(topic)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no metadata for {topic}")
    return [TopicPartition(topic, p) for p in sorted(found)]


def read(consumer, count):
    while count > 0:
        for records in consumer.poll(timeout_ms=poll_ms, max_records=count).values():
            count -= len(records)
            yield from records


def consume(topic, count):
    consumer = new_consumer()
    partitions = partitions_of(consumer, topic)
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    yield from [line_of(record) for record in read(consumer, int(count))]
    close(consumer)


def group(topic, name, count):
    consumer = new_consumer(name)
    consumer.subscribe([topic])
    yield from [line_of(record) for record in read(consumer, int(count))]
    consumer.commit()
    close(consumer)


def offsets(topic, timestamp):
    consumer = new_consumer()
    partitions = partitions_of(consumer, topic)
    first, last = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    times = consumer.offsets_for_times({p: int(timestamp) for p in partitions})
    for p in partitions:
        yield f"{p.partition}\t{first[p]}\t{last[p]}\t{times[p].offset if times[p] else -1}"
    close(consumer)


def describe(topic):
    described, = admin.describe_topics([topic])
    if described.get("error_code"):
        raise for_code(described["error_code"])()
    if "topic_id" in described:
        yield f"id\t{described['topic_id']}"
    yield f"partitions\t{len(described['partitions'])}"


def configs(topic):
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    if old:
        response, = admin.describe_configs([resource])
        return [f"{entry[0]}\t{entry[1]}" for entry in response.resources[0][4]]
    described = admin.describe_configs([resource], config_filter="all")["topic"][topic]
    return [f"{name}\t{entry['value']}" for name, entry in described.items()]


def cluster():
    return [f"broker\t{b.get('node_id', b.get('broker_id'))}\t{b['host']}\t{b['port']}"
            for b in admin.describe_cluster()["brokers"]]


def grow(topic, partitions):
    admin.create_partitions({topic: NewPartitions(total_count=int(partitions))})
    return []


def delete(topic):
    admin.delete_topics([topic])
    return []


class Listener(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        pass

    def on_partitions_assigned(self, assigned):
        say("assigned\t" + ",".join(str(p.partition) for p in assigned))


def member(topic, name, instance):
    extra = {} if instance == "-" else {"group_instance_id": instance}
    consumer = new_consumer(name, heartbeat_interval_ms=300, **extra)
    consumer.subscribe([topic], listener=Listener())
    while not stdin_closed():
        for records in consumer.poll(timeout_ms=1000).values():
            say(*("record\t" + line_of(record) for record in records))
            consumer.commit()
    close(consumer)
    sys.exit(0)


def error_name(error):
    return type(error).__name__.removesuffix("Error")


serve({f.__name__: f for f in (create, produce, consume, group, offsets, describe, configs, cluster,
                               grow, delete, member)}, error_name)
