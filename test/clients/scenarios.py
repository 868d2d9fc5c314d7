"""What every client must be able to do with the broker. One test file per client inherits these."""
import time
import uuid
from collections import defaultdict

import pytest

import wire
from broker import wait_until
from driver import ClientError
from records import BASE_TIME, some_records

PARTITIONS = 3


def by_partition(records):
    partitions = defaultdict(list)
    for record in records:
        partitions[record.partition].append(record)
    return partitions


def check_same(sent, received, client):
    """Everything that was sent arrived once, in its partition's order, with offsets 0, 1, 2, ..."""
    assert len(received) == len(sent)
    got, expected = by_partition(received), by_partition(sent)
    for records in got.values():
        assert [r.offset for r in records] == list(range(len(records)))
    if not client.chooses_partition:  # then a key has one partition, and its records have their order
        home = {r.key: r.partition for r in received}
        expected = by_partition(r._replace(partition=home[r.key]) for r in sent)
    for partition, records in got.items():
        if client.timestamps:
            assert [r.timestamp for r in records] == [r.timestamp for r in expected[partition]]
        assert [r.content() for r in records] == [r.content() for r in expected[partition]]
    assert set(got) == set(expected)


class Scenarios:
    """Subclasses set `make`, a function that gives the client under test."""

    @pytest.fixture(scope="class")
    def client(self, broker, tmp_path_factory):
        client = type(self).make().open(broker.address, tmp_path_factory.mktemp("client"))
        yield client
        client.close()  # also asserts exit code 0 and that the library logged nothing

    @pytest.fixture
    def topic(self, client):
        name = f"{client.name}-{uuid.uuid4().hex[:8]}"
        client.create(name, PARTITIONS)
        self.wait_visible(client, name)
        return name

    def wait_visible(self, client, topic):
        """The original answers a creation before its own brokers have heard of it."""
        wait_until(lambda: wire.ready(client.address, topic, PARTITIONS), f"{topic} is visible")

    @pytest.fixture
    def members(self):
        """Those still running at the end of a failed test must not outlive it."""
        running = []
        yield running
        for member in running:
            if member.process.poll() is None:
                member.kill()

    def records(self, client, count, label):
        records = some_records(count, label, PARTITIONS)
        return records if client.headers else [r._replace(headers=(("läbel", label),)) for r in records]

    @pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
    def test_reads_what_it_wrote(self, client, topic, codec):
        if codec not in client.codecs:
            pytest.skip(f"{client.name} has no {codec}")
        sent = self.records(client, 2000, codec)
        acknowledged = client.produce(topic, sent, codec=codec, idempotent=client.idempotent)
        received = client.consume(topic, len(sent))
        check_same(sent, received, client)
        if acknowledged:  # each acknowledged offset is where that very record is
            where = {(r.partition, r.offset): r.value for r in received}
            assert [where[place] for place in acknowledged] == [r.value for r in sent]

    @pytest.mark.parametrize("acks", ["1", "0"])
    def test_acks(self, client, topic, acks):
        sent = self.records(client, 500, f"acks-{acks}")
        client.produce(topic, sent, acks=acks)
        check_same(sent, client.consume(topic, len(sent)), client)

    def test_null_key_and_null_value(self, client, topic):
        client.needs("null")
        sent = [r._replace(partition=0) for r in self.records(client, 3, "null")]
        sent[0] = sent[0]._replace(key=None)
        sent[1] = sent[1]._replace(value=None)
        sent[2] = sent[2]._replace(key="", value="")
        client.produce(topic, sent)
        check_same(sent, client.consume(topic, 3), client)

    def test_auto_creates_the_topic_it_writes_to(self, client):
        client.needs("autocreate")
        name = f"{client.name}-auto-{uuid.uuid4().hex[:8]}"
        sent = [r._replace(partition=0) for r in self.records(client, 10, "auto")]
        client.produce(name, sent)
        check_same(sent, client.consume(name, len(sent)), client)

    def test_group_resumes_where_it_committed(self, client, topic):
        client.needs("group")
        sent = self.records(client, 900, "group")
        client.produce(topic, sent)
        first = client.group(topic, f"{topic}-group", 300)
        second = client.group(topic, f"{topic}-group", 600)
        assert (len(first), len(second)) == (300, 600)
        together = sorted(first + second, key=lambda r: (r.partition, r.offset))
        check_same(sent, together, client)

    def test_offsets(self, client, topic):
        client.needs("offsets")
        sent = self.records(client, 300, "offsets")
        client.produce(topic, sent)
        middle = BASE_TIME + 1505  # between records: the next one counts
        if not client.timestamps:  # all are younger than that
            middle = BASE_TIME
        expected = {p: (0, len(records), sum(r.timestamp < middle for r in records))
                    for p, records in by_partition(sent).items()}
        assert client.offsets(topic, middle) == expected
        past_the_end = client.offsets(topic, BASE_TIME + 10**12)
        assert {p: o[2] for p, o in past_the_end.items()} in (
            {p: -1 for p in expected}, {p: o[1] for p, o in expected.items()})  # librdkafka says "end"

    def test_configs_of_a_topic(self, client, broker):
        client.needs("configs")
        name = f"{client.name}-configs-{uuid.uuid4().hex[:8]}"
        client.create(name, 1, retention_ms=12345678)
        configs = client.configs(name)
        assert configs["retention.ms"] == "12345678"
        assert configs["cleanup.policy"] == "delete"
        assert configs["max.message.bytes"] == "1048588"

    def test_cluster(self, client, broker):
        client.needs("cluster")
        (_, host, port), = client.cluster()
        assert f"{host}:{port}" == broker.address

    def test_grows_partitions(self, client, topic):
        client.needs("grow")
        client.grow(topic, 5)
        wait_until(lambda: wire.ready(client.address, topic, 5), "five partitions")
        wait_until(lambda: client.partition_count(topic) == 5, "the client sees five partitions")
        sent = [r._replace(partition=4) for r in self.records(client, 10, "grown")]
        client.produce(topic, sent)
        check_same(sent, client.consume(topic, len(sent)), client)

    def test_deleted_topic_is_unknown(self, client, topic):
        client.needs("delete")
        client.delete(topic)

        def gone():
            try:
                client.describe(topic)
            except ClientError as error:
                return error
            return None
        assert wait_until(gone, "the topic is gone").is_unknown_topic()

    def test_created_again_has_a_new_id_and_no_records(self, client, topic):
        client.needs("delete")
        before = client.describe(topic) if client.topic_ids else {"id": None}
        client.produce(topic, self.records(client, 30, "old"))
        client.delete(topic)

        def created():
            try:
                client.create(topic, PARTITIONS)
                return True
            except ClientError:  # the original deletes in the background
                return False
        wait_until(created, "created again")
        self.wait_visible(client, topic)
        if client.topic_ids:
            assert client.describe(topic)["id"] != before["id"]
        sent = self.records(client, 60, "new")
        client.produce(topic, sent)
        check_same(sent, client.consume(topic, len(sent)), client)

    def shared_out(self, members):
        """True when the members own all partitions between them, none of them twice, each at least one."""
        owned = [m.partitions for m in members]
        return all(owned) and sorted(p for o in owned for p in o) == list(range(PARTITIONS))

    def test_group_of_members_that_come_and_go(self, client, topic, members):
        client.needs("member")
        start = lambda: members.append(client.member(topic, f"{topic}-group")) or members[-1]  # noqa: E731
        first = start()
        wait_until(lambda: self.shared_out([first]), "one member has all")
        sent = self.records(client, 90, "one")
        client.produce(topic, sent)
        second, third = start(), start()
        wait_until(lambda: self.shared_out([first, second, third]), "three members share")
        more = self.records(client, 90, "three")
        client.produce(topic, more)
        seen = lambda: {(r.partition, r.offset) for m in members for r in m.records}  # noqa: E731
        wait_until(lambda: [m.poll() for m in members] and len(seen()) == 180, "all records were read")
        second.close()
        wait_until(lambda: self.shared_out([first, third]), "two members share")
        third.close()
        wait_until(lambda: self.shared_out([first]), "one member has all again")
        first.close()
        values = {r.value for m in members for r in m.records}
        assert values == {r.value for r in sent + more}

    def test_static_member_keeps_its_partitions(self, client, topic, members):
        client.needs("static")
        start = lambda name: members.append(  # noqa: E731
            client.member(topic, f"{topic}-group", name)) or members[-1]
        stays, leaves = start("stays"), start("leaves")
        wait_until(lambda: self.shared_out([stays, leaves]), "two members share")
        # A rebalance in two steps tells of the second one even if it changes nothing.
        counts = lambda: [len(m.assignments) for m in (stays, leaves)]  # noqa: E731
        wait_until(lambda: (counts(), time.sleep(4))[0] == counts(), "nobody is told anything new")
        before, rounds = leaves.partitions, len(stays.assignments)
        leaves.close()
        back = start("leaves")
        wait_until(lambda: back.partitions == before, "it gets its partitions back")
        assert stays.partitions is not None and len(stays.assignments) == rounds, "the other one saw a rebalance"
        back.close()
        stays.close()
