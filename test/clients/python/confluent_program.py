"""confluent-kafka (librdkafka) under test; ../driver.py describes the commands."""
import logging
import sys

from command_loop import encode, say, serve, stdin_closed
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

address = sys.argv[1]
log = logging.getLogger("librdkafka")
base = {"bootstrap.servers": address, "log_level": 4,
        "error_cb": lambda error: log.error("%s", error)}
admin = AdminClient(dict(base), logger=log)


def finish(futures):
    for future in futures.values():
        future.result(30)
    return []


def create(topic, partitions, *configs):
    new = NewTopic(topic, int(partitions), 1, config=dict(c.split("=", 1) for c in configs))
    return finish(admin.create_topics([new]))


def produce(topic, codec, acks, idempotent, records):
    producer = Producer({**base, "compression.type": codec, "acks": acks, "linger.ms": 5,
                         "enable.idempotence": idempotent == "1"}, logger=log)
    results = [None] * len(records)

    def delivered(index):
        def callback(error, message):
            results[index] = error or f"{message.partition()}\t{-1 if message.offset() is None else message.offset()}"
        return callback

    for index, (partition, timestamp, key, headers, value) in enumerate(records):
        producer.produce(topic, value=value, key=key, partition=partition, timestamp=timestamp,
                         headers=headers, on_delivery=delivered(index))
        producer.poll(0)
    producer.flush(60)
    for result in results:
        if not isinstance(result, str):
            raise KafkaException(result)
    return results


def line_of(message):
    return encode(message.partition(), message.offset(), message.timestamp()[1],
                  message.key(), message.headers(), message.value())


def new_consumer(group, **extra):
    return Consumer({**base, "group.id": group, "auto.offset.reset": "earliest",
                     "enable.auto.commit": False, "fetch.wait.max.ms": 100, **extra}, logger=log)


def read(consumer, count):
    while count > 0:
        for message in consumer.consume(min(count, 500), 0.2):
            if message.error():
                raise KafkaException(message.error())
            count -= 1
            yield message


def consume(topic, count):
    consumer = new_consumer("unused")
    metadata = consumer.list_topics(topic, 10).topics[topic]
    if metadata.error:
        raise KafkaException(metadata.error)
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in metadata.partitions])
    yield from [line_of(message) for message in read(consumer, int(count))]
    consumer.close()


def group(topic, name, count):
    consumer = new_consumer(name)
    consumer.subscribe([topic])
    yield from [line_of(message) for message in read(consumer, int(count))]
    consumer.commit(asynchronous=False)
    consumer.close()


def offsets(topic, timestamp):
    consumer = new_consumer("unused")
    for p in sorted(consumer.list_topics(topic, 10).topics[topic].partitions):
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, p), 10)
        found, = consumer.offsets_for_times([TopicPartition(topic, p, int(timestamp))], 10)
        yield f"{p}\t{low}\t{high}\t{found.offset}"
    consumer.close()


def describe(topic):
    described = admin.describe_topics(TopicCollection([topic]))[topic].result(30)
    return [f"id\t{described.topic_id}", f"partitions\t{len(described.partitions)}"]


def configs(topic):
    future, = admin.describe_configs([ConfigResource("topic", topic)]).values()
    return [f"{name}\t{entry.value}" for name, entry in future.result(30).items()]


def cluster():
    return [f"broker\t{node.id}\t{node.host}\t{node.port}" for node in admin.describe_cluster().result(30).nodes]


def grow(topic, partitions):
    return finish(admin.create_partitions([NewPartitions(topic, int(partitions))]))


def delete(topic):
    return finish(admin.delete_topics([topic]))


def member(topic, name, instance):
    extra = {} if instance == "-" else {"group.instance.id": instance}
    consumer = new_consumer(name, **extra, **{"enable.auto.commit": True, "heartbeat.interval.ms": 300})
    consumer.subscribe([topic], on_assign=lambda _, partitions: say(
        "assigned\t" + ",".join(str(p.partition) for p in partitions)))
    while not stdin_closed():
        message = consumer.poll(0.1)
        if message is not None:
            if message.error():
                raise KafkaException(message.error())
            say("record\t" + line_of(message))
    consumer.close()
    sys.exit(0)


serve({f.__name__: f for f in (create, produce, consume, group, offsets, describe, configs, cluster,
                               grow, delete, member)},
      lambda error: error.args[0].name() if isinstance(error, KafkaException) else type(error).__name__)
