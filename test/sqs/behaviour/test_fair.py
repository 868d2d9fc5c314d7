"""Fair queues (reference A9): one tenant's backlog does not hold up the others."""
import pytest
from broker import PEER

pytestmark = pytest.mark.skipif(PEER != "naru", reason="no look-alike does it")


def tenants(messages):
    return [m["Body"].split()[0] for m in messages]


def fill(sqs, queue, tenant, count):
    for first in range(0, count, 10):
        sqs.send_batch(queue, *({"MessageBody": f"{tenant} {n}", "MessageGroupId": tenant} for n in range(first, min(first + 10, count))))


def test_a_quiet_tenant_goes_before_a_noisy_ones_backlog(sqs, name):
    queue = sqs.create(name, VisibilityTimeout=600)
    fill(sqs, queue, "noisy", 200)
    for _ in range(5):
        assert len(sqs.receive(queue)) == 10  # 50 in flight, all of one tenant
    for tenant in ("a", "b", "c"):
        fill(sqs, queue, tenant, 2)
    assert sorted(tenants(sqs.receive(queue, 6))) == ["a", "a", "b", "b", "c", "c"]
    assert set(tenants(sqs.receive(queue))) == {"noisy"}  # nobody is throttled


def test_without_noise_the_order_is_that_of_the_queue(sqs, name):
    queue = sqs.create(name)
    for n in range(3):
        for tenant in "ab":
            sqs.send(queue, f"{tenant} {n}", MessageGroupId=tenant)
    assert tenants(sqs.receive(queue)) == ["a", "b"] * 3


def test_groups_do_not_block(sqs, name):
    queue = sqs.create(name)
    fill(sqs, queue, "a", 3)
    assert [len(sqs.receive(queue, 1)) for _ in range(3)] == [1, 1, 1]


def test_nothing_is_lost_among_many_tenants(sqs, name):
    queue = sqs.create(name)
    fill(sqs, queue, "noisy", 100)
    for n in range(20):
        fill(sqs, queue, f"t{n}", 3)
    sqs.send(queue, "none of them")
    assert len(sqs.drain(queue)) == 161
