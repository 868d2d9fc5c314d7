"""Messages that are published and looked at over HTTP."""
import pytest
from broker import PEER

from conftest import get, naru_only, publish


def test_messages_come_back_as_they_were(api, vhost):
    api.put(f"/queues/{vhost}/q")
    properties = {"content_type": "text/plain", "delivery_mode": 2, "priority": 3, "correlation_id": "c", "reply_to": "r",
                  "expiration": "60000", "message_id": "m", "timestamp": 1700000000, "type": "t", "app_id": "a", "user_id": "guest",
                  "headers": {"text": "x", "number": 5, "flag": True, "list": [1, "two"], "table": {"deep": 1.5}}}
    assert publish(api, vhost, "q", "grün", **properties) == {"routed": True}
    assert publish(api, vhost, "nowhere", "x") == {"routed": False}
    (message,) = get(api, vhost, "q", ackmode="ack_requeue_false")
    assert message == {"payload_bytes": 5, "redelivered": False, "exchange": "", "routing_key": "q", "message_count": 0,
                       "properties": properties, "payload": "grün", "payload_encoding": "string"}


def test_bytes_come_as_base64(api, vhost):
    api.put(f"/queues/{vhost}/q")
    api.post(f"/exchanges/{vhost}/amq.default/publish",
             {"routing_key": "q", "payload": "/wAB", "payload_encoding": "base64", "properties": {}})
    (message,) = get(api, vhost, "q")
    assert (message["payload"], message["payload_encoding"], message["payload_bytes"]) == ("/wAB", "base64", 3)


def test_looking_keeps_the_order(api, vhost):
    api.put(f"/queues/{vhost}/q")
    for n in range(5):
        publish(api, vhost, "q", str(n))
    assert [m["payload"] for m in get(api, vhost, "q", 3)] == ["0", "1", "2"]
    assert [m["payload"] for m in get(api, vhost, "q", 10)] == ["0", "1", "2", "3", "4"]
    assert [m["payload"] for m in get(api, vhost, "q", 2, "reject_requeue_false", truncate=50000)] == ["0", "1"]
    assert [m["payload"] for m in get(api, vhost, "q", 10, "ack_requeue_false")] == ["2", "3", "4"]
    api.delete(f"/queues/{vhost}/q/contents")


@pytest.mark.skipif(PEER == "rabbitmq", reason="3.10 counts each return")
def test_to_look_at_a_message_is_no_failed_delivery(api, vhost):
    api.put(f"/queues/{vhost}/poisoned", {"durable": True, "arguments": {"x-queue-type": "quorum", "x-delivery-limit": 2}})
    api.post(f"/exchanges/{vhost}/amq.default/publish", {"routing_key": "poisoned", "payload": "a", "payload_encoding": "string",
                                                         "properties": {}})
    look = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    for _ in range(5):
        assert [message["payload"] for message in api.post(f"/queues/{vhost}/poisoned/get", look)] == ["a"]


def test_carbon_copies(api, vhost):
    for queue in ("q", "cc", "bcc"):
        api.put(f"/queues/{vhost}/{queue}")
    assert publish(api, vhost, "q", "m", headers={"CC": ["cc"], "BCC": ["bcc"], "n": 1}) == {"routed": True}
    for queue in ("q", "cc", "bcc"):
        (message,) = get(api, vhost, queue, ackmode="ack_requeue_false")
        assert message["properties"]["headers"] == {"CC": ["cc"], "n": 1}, queue
    status, _ = api("POST", f"/exchanges/{vhost}/amq.default/publish", {
        "routing_key": "q", "payload": "m", "payload_encoding": "string", "properties": {"headers": {"CC": "cc"}}})
    assert status == 400 and api.get(f"/queues/{vhost}/q").get("messages", 0) == 0


@naru_only
@pytest.mark.parametrize("properties", [
    {"delivery_mode": 3}, {"delivery_mode": 257}, {"delivery_mode": "x"}, {"priority": 256}, {"priority": -1}, {"timestamp": -1},
    {"type": "x" * 256}, {"expiration": "315360000001"}, {"expiration": "soon"}])
def test_properties_that_amqp_does_not_have(api, vhost, properties):
    api.put(f"/queues/{vhost}/q")
    message = {"routing_key": "q", "payload": "m", "payload_encoding": "string", "properties": properties}
    assert api("POST", f"/exchanges/{vhost}/amq.default/publish", message)[0] == 400
    message = {"routing_key": "q" * 256, "payload": "m", "payload_encoding": "string", "properties": {}}
    assert api("POST", f"/exchanges/{vhost}/amq.default/publish", message)[0] == 400
