"""Every client library does its users' everyday work (scenarios.md)."""
import pytest
from broker import ACCOUNT
from programs import WORKERS, Worker, run, scenarios
from queues import Sqs
from wire import Client


@pytest.mark.parametrize("client, scenario", scenarios())
def test_everyday(broker, name, client, scenario):
    run(client, broker.address, scenario, name)


@pytest.mark.parametrize("client", WORKERS)
def test_a_killed_worker_leaves_its_job_to_another(broker, name, client):
    """After the visibility timeout, and the count says so."""
    with Client(broker.address, account=ACCOUNT) as connection:
        sqs = Sqs(connection)
        queue = sqs.create(name, VisibilityTimeout=6)
        sqs.send(queue, "job")
        dying = Worker(client, broker.address, name)
        try:
            assert dying.job() == ("job", 1)
        finally:
            dying.kill()
        other = Worker(client, broker.address, name)
        try:
            assert other.job() == ("job", 2)
        finally:
            other.kill()
        sqs.clean_up()
