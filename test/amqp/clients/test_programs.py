"""Every client library does its users' everyday work (scenarios.md)."""
import pytest
from programs import COMMANDS, LACKS, Worker, run, scenarios


@pytest.mark.parametrize("client, scenario", scenarios())
def test_everyday(broker, names, connect, client, scenario):
    connection = connect()
    # What the programs leave behind; the fixture deletes it.
    connection.declared |= {("/", "queue", names + end) for end in ("", ".wait", ".work", ".dlq", ".rpc")}
    connection.declared |= {("/", "exchange", names + end) for end in (".events", ".dlx")}
    run(client, broker, scenario, names)


@pytest.mark.parametrize("client", [c for c in COMMANDS if "work" not in LACKS.get(c, ())])
def test_a_killed_worker_leaves_its_job_to_another(broker, names, channel, fill, client):
    channel.declare(names, durable=True)
    fill(names, "first", "second", delivery_mode=2)
    dying = Worker(client, broker, names)
    try:
        assert dying.job() == ("first", False)
    finally:
        dying.kill()
    other = Worker(client, broker, names)
    try:
        assert other.job() == ("first", True)
    finally:
        other.kill()
