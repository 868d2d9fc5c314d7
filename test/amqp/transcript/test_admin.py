"""What an administrator does to connections that are open, through rabbitmqctl or naru's command of the same words."""
import pytest


@pytest.fixture
def vhost(broker):
    broker.ctl("add_vhost", "short-lived")
    broker.ctl("set_permissions", "-p", "short-lived", "guest", ".*", ".*", ".*")
    yield "short-lived"
    broker.ctl("delete_vhost", "short-lived")


def test_closing_connections_tells_them_why(broker, connect, vhost):
    here, there = connect(vhost=vhost), connect()
    broker.ctl("close_all_connections", "--vhost", vhost, "go home")
    here.expect_error(320, "go home", "")
    assert there.is_open()


def test_a_deleted_vhost_closes_its_connections(broker, connect):
    broker.ctl("add_vhost", "doomed")
    broker.ctl("set_permissions", "-p", "doomed", "guest", ".*", ".*", ".*")
    here = connect(vhost="doomed")
    here.channel().declare("q")
    here.declared.clear()
    broker.ctl("delete_vhost", "doomed")
    here.expect_error(320, "vhost 'doomed' is deleted", "")


def test_permissions_change_under_an_open_connection(broker, connect, vhost, q):
    """What was taken away is refused from then on, at least to channels that are opened then."""
    here = connect(vhost=vhost)
    here.channel().declare("mine")
    broker.ctl("set_permissions", "-p", vhost, "guest", "^nothing$", ".*", ".*")
    here.channel().refused(403, "access to queue 'other' in vhost 'short-lived' refused for user 'guest'", "queue.declare", queue="other")
    here.declared.clear()  # they go with the vhost


def test_a_user_that_is_added_can_connect(broker, connect):
    broker.ctl("add_user", "newcomer", "secret")
    try:
        broker.ctl("set_permissions", "-p", "/", "newcomer", ".*", ".*", ".*")
        assert connect("newcomer", "secret").is_open()
        broker.ctl("change_password", "newcomer", "other")
        assert connect("newcomer", "other").is_open()
    finally:
        broker.ctl("delete_user", "newcomer")


def test_queues_are_listed_as_they_are(broker, connect, q, fill):
    channel = connect().channel()
    channel.declare(q, durable=True)
    fill(q, "a", "b", "c")
    channel.get(q, no_ack=False)
    lines = broker.ctl("-q", "list_queues", "name", "messages", "messages_ready", "messages_unacknowledged", "durable").splitlines()
    assert f"{q}\t3\t2\t1\ttrue" in lines
