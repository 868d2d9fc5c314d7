"""Debian's rabbitmqadmin, unchanged, for all that it can do."""
import json


def listed(admin, what, *columns, **options):
    """Rows of a list, as tuples."""
    rows = json.loads(admin("-f", "raw_json", "list", what, *columns, **options))
    return [tuple(row.get(column) for column in columns) for row in rows]


def test_queues_exchanges_bindings_and_messages(admin, vhost):
    here = {"vhost": vhost}
    admin("declare", "exchange", "name=news", "type=topic", **here)
    admin("declare", "queue", "name=inbox", "durable=true", 'arguments={"x-max-length": 10}', **here)
    admin("declare", "binding", "source=news", "destination=inbox", "routing_key=sport.#", **here)
    assert ("news", "topic") in listed(admin, "exchanges", "name", "type", **here)
    assert listed(admin, "queues", "name", "durable", "arguments", **here) == [("inbox", True, {"x-max-length": 10})]
    assert ("news", "inbox", "sport.#") in listed(admin, "bindings", "source", "destination", "routing_key", **here)

    admin("publish", "exchange=news", "routing_key=sport.chess", "payload=e4", **here)
    admin("publish", "exchange=news", "routing_key=weather", "payload=rain", **here)
    admin("publish", "routing_key=inbox", stdin="from stdin", **here)
    got = json.loads(admin("-f", "raw_json", "get", "queue=inbox", "count=5", **here))
    assert [(m["payload"], m["routing_key"], m["exchange"], m["message_count"], m["redelivered"]) for m in got] == \
        [("e4", "sport.chess", "news", 1, False), ("from stdin", "inbox", "", 0, False)]
    again = json.loads(admin("-f", "raw_json", "get", "queue=inbox", "ackmode=ack_requeue_false", **here))
    assert [(m["payload"], m["redelivered"]) for m in again] == [("e4", True)]
    admin("purge", "queue", "name=inbox", **here)
    assert json.loads(admin("-f", "raw_json", "get", "queue=inbox", **here)) == []

    admin("delete", "binding", "source=news", "destination_type=queue", "destination=inbox", "properties_key=sport.%23", **here)
    assert ("news", "inbox", "sport.#") not in listed(admin, "bindings", "source", "destination", "routing_key", **here)
    admin("delete", "queue", "name=inbox", **here)
    admin("delete", "exchange", "name=news", **here)
    assert listed(admin, "queues", "name", **here) == []


def test_users_permissions_policies_and_limits(admin, api, vhost, names):
    here = {"vhost": vhost}
    try:
        admin("declare", "user", f"name={names}", "password=secret", "tags=monitoring")
        admin("declare", "permission", f"vhost={vhost}", f"user={names}", "configure=^a", "write=", "read=.*")
        assert (names, ["monitoring"]) in listed(admin, "users", "name", "tags")
        assert (names, vhost, "^a", "", ".*") in listed(admin, "permissions", "user", "vhost", "configure", "write", "read")
        admin("declare", "policy", "name=short", "pattern=^q", 'definition={"max-length": 1}', "priority=3", "apply-to=queues", **here)
        assert (vhost, "short", "^q", {"max-length": 1}, 3) in listed(
            admin, "policies", "vhost", "name", "pattern", "definition", "priority")
        admin("declare", "operator_policy", "name=op", "pattern=^q", 'definition={"max-length": 5}', **here)
        assert (vhost, "op") in listed(admin, "operator_policies", "vhost", "name")
        admin("declare", "vhost_limit", f"vhost={vhost}", "name=max-queues", "value=1")
        assert (vhost, {"max-queues": 1}) in listed(admin, "vhost_limits", "vhost", "value")
        admin("declare", "queue", "name=q", **here)
        eventually(lambda: listed(admin, "queues", "name", "policy", **here) == [("q", "short")])
        refused = admin("declare", "queue", "name=q2", check=False, **here)
        assert refused.returncode != 0 and "queue limit in vhost" in refused.stdout + refused.stderr
        admin("delete", "vhost_limit", f"vhost={vhost}", "name=max-queues")
        admin("delete", "policy", "name=short", **here)
        admin("delete", "operator_policy", "name=op", **here)
        admin("delete", "permission", f"vhost={vhost}", f"user={names}")
        assert not any(row[0] == names for row in listed(admin, "permissions", "user"))
    finally:
        admin("delete", "user", f"name={names}")


def test_a_virtual_host(admin, names):
    admin("declare", "vhost", f"name={names}")
    assert (names,) in listed(admin, "vhosts", "name")
    admin("delete", "vhost", f"name={names}")
    assert (names,) not in listed(admin, "vhosts", "name")


def test_export_and_import(admin, vhost, tmp_path):
    here = {"vhost": vhost}
    admin("declare", "queue", "name=kept", 'arguments={"x-message-ttl": 60000}', **here)
    admin("declare", "exchange", "name=kept", "type=headers", **here)
    admin("declare", "binding", "source=kept", "destination=kept", 'arguments={"x-match": "all", "colour": "red"}', **here)
    admin("export", "all.json", **here)
    admin("delete", "queue", "name=kept", **here)
    admin("delete", "exchange", "name=kept", **here)
    admin("import", "all.json", **here)
    assert listed(admin, "queues", "name", "durable", "arguments", **here) == [("kept", True, {"x-message-ttl": 60000})]
    assert ("kept", "kept", {"x-match": "all", "colour": "red"}) in listed(admin, "bindings", "source", "destination", "arguments", **here)
    exported = json.loads((tmp_path / "all.json").read_text())
    assert [queue["name"] for queue in exported["queues"]] == ["kept"]


def test_connections_are_shown_and_closed(admin, connect, vhost):
    connection = connect(vhost=vhost, properties={"connection_name": "shown"})
    channel = connection.channel()
    channel.declare("q", exclusive=True)
    channel.consume("q", "tag")
    connection.declared.clear()  # goes with its virtual host
    rows = eventually(lambda: [row for row in listed(admin, "connections", "name", "user", "vhost", "channels")
                               if row[1:] == ("guest", vhost, 1)])
    assert len(rows) == 1
    assert (vhost, True) in listed(admin, "queues", "vhost", "exclusive", vhost=vhost)
    eventually(lambda: "tag" in admin("list", "consumers", vhost=vhost))
    admin("close", "connection", f"name={rows[0][0]}")
    connection.expect_error(320, "Closed via management plugin", "")


def eventually(rows):
    from broker import wait_until
    return wait_until(rows, "it is listed")  # RabbitMQ gathers statistics every five seconds


def test_overview_and_nodes(admin):
    assert "rabbitmq_version" in admin("show", "overview")
    assert len(listed(admin, "nodes", "name")) == 1


def test_what_is_not_there_is_said(admin, vhost):
    done = admin("delete", "queue", "name=nope", vhost=vhost, check=False)
    assert done.returncode != 0 and "Not found" in done.stdout + done.stderr
