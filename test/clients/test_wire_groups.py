"""The classic group protocol on bare sockets: error codes, static members, commits."""
import uuid

import pytest

import wire
from broker import wait_until
from wire import Connection, Group

NONE, UNKNOWN_TOPIC, METADATA_TOO_LARGE = 0, 3, 12
ILLEGAL_GENERATION, INCONSISTENT_PROTOCOL, INVALID_GROUP, UNKNOWN_MEMBER = 22, 23, 24, 25
INVALID_SESSION, REBALANCING, MEMBER_ID_REQUIRED, FENCED_INSTANCE = 26, 27, 79, 82


@pytest.fixture
def member(broker):
    """Makes members of one new group."""
    name, made = f"group-{uuid.uuid4().hex[:8]}", []

    def make(**fields):
        made.append(Group(broker.address, fields.pop("name", name), **fields))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def topic(broker):
    name = f"wire-{uuid.uuid4().hex[:8]}"
    with Connection(broker.address) as c:
        assert c.create_topic(name, 1) == NONE
    wait_until(lambda: wire.ready(broker.address, name, 1), "the topic is ready")
    return name


@pytest.fixture
def stable(member):
    """A group of one, which leads and has its assignment."""
    one = member()
    assert one.join_twice() == NONE
    assert one.sync([(one.member, b"work")]) == (NONE, b"work")
    return one


def test_one_member(member):
    one = member(protocols=(("roundrobin", b"a"), ("range", b"b")))
    assert one.join() == MEMBER_ID_REQUIRED and one.member
    assert one.join() == NONE
    assert (one.generation, one.protocol, one.leader) == (1, "roundrobin", one.member)
    assert one.members == {one.member: b"a"}
    assert one.sync([(one.member, b"work")]) == (NONE, b"work")
    assert one.heartbeat() == NONE
    assert one.describe() == (NONE, "Stable", "consumer", "roundrobin", [one.member])
    assert one.leave() == NONE
    assert one.heartbeat() == UNKNOWN_MEMBER
    assert one.describe()[1:] == ("Empty", "consumer", "", [])


def test_old_join_gets_in_at_once(member):
    one = member()
    assert one.join(version=3) == NONE and one.member


def test_join_errors(member, stable):
    assert member(name="").join() == INVALID_GROUP
    assert member(member="nobody").join() == UNKNOWN_MEMBER
    assert member(session=1).join() == INVALID_SESSION
    assert member(session=1_800_001).join() == INVALID_SESSION
    assert member(protocols=()).join() == INCONSISTENT_PROTOCOL
    assert member(kind="").join() == INCONSISTENT_PROTOCOL
    assert member(kind="connect").join_twice() == INCONSISTENT_PROTOCOL
    assert member(protocols=(("unheard-of", b""),)).join_twice() == INCONSISTENT_PROTOCOL
    assert stable.heartbeat() == NONE  # none of them disturbed the group


def test_wrong_generation_and_member(stable, topic):
    stable.generation += 1
    assert stable.heartbeat() == ILLEGAL_GENERATION
    assert stable.sync()[0] == ILLEGAL_GENERATION
    assert stable.commit(topic, 1) == ILLEGAL_GENERATION
    stable.generation -= 1
    known, stable.member = stable.member, "nobody"
    assert stable.heartbeat() == UNKNOWN_MEMBER
    assert stable.sync()[0] == UNKNOWN_MEMBER
    assert stable.commit(topic, 1) == UNKNOWN_MEMBER
    assert stable.leave() == UNKNOWN_MEMBER
    assert stable.leave_by(("nobody", None), (known, None)) == (NONE, [UNKNOWN_MEMBER, NONE])


def test_unknown_group(member):
    one = member(member="somebody")
    one.generation = 1
    assert one.heartbeat() == UNKNOWN_MEMBER
    assert one.sync()[0] == UNKNOWN_MEMBER
    assert one.leave() == UNKNOWN_MEMBER
    assert one.describe()[1:] == ("Dead", "", "", [])


def test_empty_group_id(member, topic):
    one = member(name="", member="x")
    one.generation = 1
    assert one.heartbeat() == INVALID_GROUP
    assert one.sync()[0] == INVALID_GROUP
    assert one.leave() == INVALID_GROUP


def test_second_member_makes_the_first_rejoin(member, stable):
    second = member()
    assert second.join() == MEMBER_ID_REQUIRED
    assert stable.heartbeat() == NONE  # an id alone changes nothing
    second.send_join()
    wait_until(lambda: stable.heartbeat() == REBALANCING, "the first one learns of it")
    assert stable.sync()[0] == REBALANCING
    assert stable.join() == NONE and second.joined() == NONE
    assert stable.generation == second.generation == 2
    assert stable.leader == second.leader == stable.member
    assert set(stable.members) == {stable.member, second.member} and second.members == {}
    second.send_sync()  # waits for the leader's word
    assert stable.heartbeat() == NONE
    assert stable.sync([(stable.member, b"one"), (second.member, b"two")]) == (NONE, b"one")
    assert second.synced() == (NONE, b"two")
    assert second.sync() == (NONE, b"two")  # asked again, told again
    second.leave()
    wait_until(lambda: stable.heartbeat() == REBALANCING, "the first one learns that it left")


def test_member_left_out_of_the_assignment_gets_nothing(member):
    one = member()
    assert one.join_twice() == NONE
    assert one.sync([]) == (NONE, b"")


def test_follower_that_rejoins_unchanged_gets_the_same_generation(member, stable):
    second = member()
    second.join()
    second.send_join()
    wait_until(lambda: stable.heartbeat() == REBALANCING, "rebalance")
    assert stable.join() == NONE and second.joined() == NONE
    second.send_sync()
    stable.sync([(stable.member, b"1"), (second.member, b"2")])
    second.synced()
    assert second.join() == NONE and second.generation == 2
    assert stable.heartbeat() == NONE


def test_dead_member_is_dropped(member, stable):
    second = member(session=6000, rebalance=6000)
    second.join()
    second.send_join()
    wait_until(lambda: stable.heartbeat() == REBALANCING, "rebalance")
    assert stable.join() == NONE and second.joined() == NONE
    second.send_sync()
    stable.sync([(stable.member, b"1"), (second.member, b"2")])
    second.synced()
    second.close()  # and never a heartbeat again
    wait_until(lambda: stable.heartbeat() == REBALANCING, "its session ends")
    assert stable.join() == NONE and set(stable.members) == {stable.member}


def test_static_member_comes_back_without_rebalance(member):
    one = member(instance="i-1")
    assert one.join() == NONE and one.generation == 1  # no id is asked of a static member
    one.sync([(one.member, b"work")])
    again = member(instance="i-1")
    assert again.join() == NONE
    assert again.member != one.member and again.generation == 1
    assert again.sync() == (NONE, b"work")
    assert one.heartbeat() == FENCED_INSTANCE
    assert one.join() == FENCED_INSTANCE
    assert one.sync()[0] == FENCED_INSTANCE
    assert again.heartbeat() == NONE
    assert again.leave_by(("", "i-1")) == (NONE, [NONE])
    assert again.heartbeat() == UNKNOWN_MEMBER


def test_commits(member, stable, topic):
    assert stable.commit(topic, 5, "some words") == NONE
    assert stable.committed({topic: [0, 1]}) == (NONE, {(topic, 0): (5, "some words", NONE), (topic, 1): (-1, "", NONE)})
    assert stable.committed(None) == (NONE, {(topic, 0): (5, "some words", NONE)})
    assert stable.commit(topic, 6, "x" * 4096) == NONE
    assert stable.commit(topic, 7, "x" * 4097) == METADATA_TOO_LARGE
    assert stable.commit(topic, 3, None) == NONE  # back, if it wishes
    assert stable.committed({topic: [0]}) == (NONE, {(topic, 0): (3, "", NONE)})
    assert stable.commit("no-such-topic", 1) == UNKNOWN_TOPIC
    assert stable.commit(topic, 1, partition=9) == UNKNOWN_TOPIC
    outsider = member()
    assert outsider.commit(topic, 9) == UNKNOWN_MEMBER  # no generation: only when nobody is in the group


def test_commits_without_a_member(member, topic):
    alone = member()
    assert alone.commit(topic, 4) == NONE
    assert alone.committed({topic: [0]}) == (NONE, {(topic, 0): (4, "", NONE)})
    assert alone.describe()[1:] == ("Empty", "", "", [])
    alone.generation, alone.member = 3, "somebody"
    assert alone.commit(topic, 4) == UNKNOWN_MEMBER


def test_commits_outlive_the_members(stable, topic):
    stable.commit(topic, 8)
    stable.leave()
    assert stable.committed({topic: [0]}) == (NONE, {(topic, 0): (8, "", NONE)})


def test_offsets_of_an_unknown_group(member, topic):
    one = member()
    assert one.committed({topic: [0]}) == (NONE, {(topic, 0): (-1, "", NONE)})
    assert one.committed({"no-such-topic": [0]}) == (NONE, {("no-such-topic", 0): (-1, "", NONE)})
    assert one.committed(None) == (NONE, {})


def test_offsets_go_with_their_topic(broker, member, topic):
    one = member()
    assert one.commit(topic, 4) == NONE
    with Connection(broker.address) as c:
        assert c.delete_topic(topic) == NONE
    wait_until(lambda: one.committed(None) == (NONE, {}), "they are gone")
