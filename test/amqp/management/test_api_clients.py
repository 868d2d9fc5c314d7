"""Connections, channels, consumers and rates, as they are shown."""
import time

import pytest
from broker import PEER, wait_until

from conftest import publish, quote


def test_connections_channels_consumers(api, connect, vhost):
    connection = connect(vhost=vhost, properties={"connection_name": "mine", "product": "test"})
    channel = connection.channel(3)
    channel.declare("q")
    channel.call("basic.qos", prefetch_count=7)
    channel.consume("q", "tag")
    connection.declared.clear()
    (shown,) = wait_until(lambda: [c for c in api.get("/connections") if c.get("vhost") == vhost and c.get("channels") == 1], "listed")
    assert (shown["user"], shown["user_provided_name"], shown["client_properties"]["product"], shown["frame_max"]) == \
        ("guest", "mine", "test", 131072)
    assert shown["protocol"] == "AMQP 0-9-1" and shown["auth_mechanism"] == "PLAIN"
    (of_channel,) = wait_until(lambda: [c for c in api.get(f"/connections/{quote(shown['name'])}/channels")
                                        if c.get("consumer_count") == 1], "its channel")
    assert (of_channel["number"], of_channel["vhost"], of_channel["user"]) == (3, vhost, "guest")
    (consumer,) = wait_until(lambda: api.get(f"/consumers/{vhost}"), "its consumer")
    assert (consumer["consumer_tag"], consumer["queue"], consumer["ack_required"], consumer["prefetch_count"], consumer["exclusive"]) \
        == ("tag", {"name": "q", "vhost": vhost}, True, 7, False)
    api("DELETE", f"/connections/{quote(shown['name'])}", headers={"X-Reason": "enough"})
    connection.expect_error(320, "enough", "")


def test_who_has_a_queue(api, connect, vhost):
    connection = connect(vhost=vhost)
    channel = connection.channel()
    for name, options in (("active", {"arguments": {"x-single-active-consumer": True}}), ("mine", {"exclusive": True}), ("only", {}),
                          ("replicated", {"durable": True, "arguments": {"x-queue-type": "quorum"}})):
        channel.declare(name, **options)
    arguments = {"x-priority": 2, "list": [1, "a"], "table": {"deep": True}}
    channel.consume("active", "first", arguments=arguments)
    channel.consume("active", "second")
    channel.consume("only", "alone", exclusive=True)
    connection.declared.clear()
    listed = wait_until(lambda: len(got := api.get(f"/consumers/{vhost}")) == 3 and got, "the consumers are listed")
    shown = {one["consumer_tag"]: one for one in listed}
    assert {tag: (one["active"], one["activity_status"]) for tag, one in shown.items()} == \
        {"first": (True, "single_active"), "second": (False, "waiting"), "alone": (True, "up")}
    assert shown["first"]["arguments"] == arguments and shown["alone"]["arguments"] == {}

    def queue(name):
        return api.get(f"/queues/{vhost}/{name}")
    wait_until(lambda: queue("active").get("single_active_consumer_tag") == "first", "the active one is named")
    wait_until(lambda: queue("only").get("exclusive_consumer_tag") == "alone", "the exclusive one is named")
    owner = wait_until(lambda: queue("mine").get("owner_pid_details"), "the owner is named")
    node = api.get("/overview")["node"]
    assert (queue("replicated")["leader"], queue("replicated")["members"], queue("replicated")["online"]) == (node, [node], [node])
    found = wait_until(lambda: [one for one in api.get("/connections") if one["name"] == owner["name"]], "the connection is listed")[0]
    assert found["user_who_performed_action"] == "guest" and found["peer_port"] == owner["peer_port"]
    of_channel = api.get(f"/channels/{quote(owner['name'] + ' (1)')}")
    assert {one["consumer_tag"] for one in of_channel["consumer_details"]} == {"first", "second", "alone"}


@pytest.mark.skipif(PEER == "rabbitmq", reason="RabbitMQ samples every five seconds, naru at each look")
def test_rates(api, vhost):
    api.put(f"/queues/{vhost}/q")
    assert api.get(f"/queues/{vhost}/q")["message_stats"]["publish_details"] == {"rate": 0.0}
    time.sleep(1.1)
    for n in range(5):
        publish(api, vhost, "q", str(n))
    queue = api.get(f"/queues/{vhost}/q")
    assert queue["message_stats"]["publish"] == queue["messages"] == 5
    assert 0 < queue["message_stats"]["publish_details"]["rate"] < 5
    assert 0 < queue["messages_details"]["rate"] < 5
    assert api.get("/overview")["message_stats"]["publish"] >= 5
