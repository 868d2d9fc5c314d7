"""Queues, exchanges and bindings that come and go over HTTP."""
import urllib.parse

import pytest
from broker import PEER

from conftest import naru_only, publish


def test_what_is_not_there(api, vhost):
    missing = {"error": "Object Not Found", "reason": "Not Found"}
    for path in (f"/queues/{vhost}/nope", f"/exchanges/{vhost}/nope", "/queues/nope", "/users/nope", "/vhosts/nope",
                 f"/policies/{vhost}/nope", "/connections/nope", f"/permissions/{vhost}/limited"):
        assert api("GET", path) == (404, missing), path
    assert api("GET", "/no-such-thing")[0] == 404
    assert api("POST", "/whoami", {})[0] == 405


def test_declared_twice_and_differently(api, vhost):
    assert api("PUT", f"/queues/{vhost}/q", {"durable": True})[0] == 201
    assert api("PUT", f"/queues/{vhost}/q", {"durable": True})[0] == 204
    status, answer = api("PUT", f"/queues/{vhost}/q", {"durable": False})
    assert (status, answer["error"]) == (400, "bad_request") and "inequivalent arg 'durable'" in answer["reason"]
    assert api("PUT", f"/exchanges/{vhost}/x", {"type": "topic"})[0] == 201
    assert api("PUT", f"/exchanges/{vhost}/x", {"type": "topic"})[0] == 204
    status, answer = api("PUT", f"/exchanges/{vhost}/x", {"type": "fanout"})
    assert status == 400 and "inequivalent arg 'type'" in answer["reason"]


def test_what_a_declaration_does_not_say(api, vhost):
    api.put(f"/queues/{vhost}/q", {})
    api.put(f"/exchanges/{vhost}/x", {})
    queue, exchange = api.get(f"/queues/{vhost}/q"), api.get(f"/exchanges/{vhost}/x")
    assert (queue["durable"], queue["auto_delete"], queue["type"]) == (False, False, "classic")
    assert (exchange["type"], exchange["durable"], exchange["auto_delete"], exchange["internal"]) == ("direct", False, False, False)
    assert api("PUT", f"/exchanges/{vhost}/x", {"type": "direct", "durable": False})[0] == 204
    for kind in ("stream", "quorum"):
        status, answer = api("PUT", f"/queues/{vhost}/{kind}", {"arguments": {"x-queue-type": kind}})
        assert status == 400 and "invalid property 'non-durable'" in answer["reason"], answer
    for flag in ({"durable": "maybe"}, {"auto_delete": 1}, {"durable": None}):
        for path in (f"/queues/{vhost}/odd", f"/exchanges/{vhost}/odd"):
            status, answer = api("PUT", path, flag)
            assert status == 400 and "not_boolean" in answer["reason"], (path, answer)


def test_a_binding_says_where_it_is(api, vhost):
    api.put(f"/queues/{vhost}/q")
    api.put(f"/exchanges/{vhost}/x")
    for destination, body in (("q/q", {"routing_key": "a.b"}), ("q/q", {}), ("q/q", {"routing_key": "k", "arguments": {"a": 1}}),
                              ("q/q", {"routing_key": "a b/c~%"}), ("e/amq.topic", {"routing_key": "a.#"})):
        path = f"/bindings/{vhost}/e/x/{destination}"
        status, location = api.made(path, body)
        assert status == 201
        binding = api.get(urllib.parse.urljoin(path, location))
        assert (binding["routing_key"], binding["arguments"]) == (body.get("routing_key", ""), body.get("arguments", {}))
        # Programs take the properties key out of it, and ask for the binding by that.
        assert urllib.parse.unquote(location.rsplit("/", 1)[1]) == binding["properties_key"]


def test_queue_arguments_have_amqps_errors(api, vhost):
    status, answer = api("PUT", f"/queues/{vhost}/q", {"arguments": {"x-message-ttl": -1}})
    assert status == 400 and "invalid arg 'x-message-ttl'" in answer["reason"]


def test_a_queue_in_json(api, vhost):
    api.put(f"/queues/{vhost}/q", {"durable": True, "arguments": {"x-max-length": 5, "x-overflow": "reject-publish"}})
    queue = api.get(f"/queues/{vhost}/q")
    wanted = {"name": "q", "vhost": vhost, "durable": True, "auto_delete": False, "exclusive": False, "type": "classic",
              "arguments": {"x-max-length": 5, "x-overflow": "reject-publish"}, "consumer_details": []}
    assert {name: queue[name] for name in wanted} == wanted


def test_deleting_with_conditions(api, vhost):
    api.put(f"/queues/{vhost}/q")
    publish(api, vhost, "q", "m")
    status, answer = api("DELETE", f"/queues/{vhost}/q?if-empty=true")
    assert status == 400 and "not empty" in answer["reason"]
    api.delete(f"/queues/{vhost}/q")
    api.put(f"/exchanges/{vhost}/x", {"type": "fanout"})
    api.put(f"/queues/{vhost}/q")
    api.post(f"/bindings/{vhost}/e/x/q/q", {})
    status, answer = api("DELETE", f"/exchanges/{vhost}/x?if-unused=true")
    assert status == 400 and "in use" in answer["reason"]
    api.delete(f"/exchanges/{vhost}/x")


def test_conditions_that_are_false_are_none(api, vhost):
    api.put(f"/queues/{vhost}/q")
    publish(api, vhost, "q", "m")
    api.delete(f"/queues/{vhost}/q?if-empty=false&if-unused=false")
    api.put(f"/exchanges/{vhost}/x", {"type": "fanout"})
    api.put(f"/queues/{vhost}/q")
    api.post(f"/bindings/{vhost}/e/x/q/q", {})
    api.delete(f"/exchanges/{vhost}/x?if-unused=false")


def test_bindings_by_name(api, vhost):
    api.put(f"/queues/{vhost}/q")
    for exchange in ("x", "y"):
        api.put(f"/exchanges/{vhost}/{exchange}", {"type": "topic"})
    api.post(f"/bindings/{vhost}/e/x/q/q", {"routing_key": "a.b"})
    api.post(f"/bindings/{vhost}/e/x/q/q", {"routing_key": ""})
    api.post(f"/bindings/{vhost}/e/x/e/y", {"routing_key": "to.y"})
    found = api.get(f"/bindings/{vhost}/e/x/q/q")
    assert sorted((one["routing_key"], one["properties_key"]) for one in found) == [("", "~"), ("a.b", "a.b")]
    assert api.get(f"/bindings/{vhost}/e/x/q/q/a.b")["destination_type"] == "queue"
    assert [one["destination"] for one in api.get(f"/bindings/{vhost}/e/x/e/y")] == ["y"]
    assert {one["source"] for one in api.get(f"/queues/{vhost}/q/bindings")} == {"", "x"}
    assert len(api.get(f"/exchanges/{vhost}/x/bindings/source")) == 3
    assert [one["source"] for one in api.get(f"/exchanges/{vhost}/y/bindings/destination")] == ["x"]
    api.delete(f"/bindings/{vhost}/e/x/q/q/a.b")
    api.delete(f"/bindings/{vhost}/e/x/q/q/~")
    assert api("DELETE", f"/bindings/{vhost}/e/x/q/q/a.b")[0] == 404
    assert len(api.get(f"/exchanges/{vhost}/x/bindings/source")) == 1


@pytest.mark.skipif(PEER == "rabbitmq", reason="RabbitMQ 3.10 has no default types; later ones do")
def test_the_default_type_of_a_virtual_host(api, vhost, connect):
    api.put(f"/vhosts/{vhost}", {"default_queue_type": "quorum"})
    channel = connect(vhost=vhost).channel()
    channel.declare("q", durable=True)
    channel.declare("q", durable=True)
    channel.declare("passing")
    channel.connection.declared.clear()
    types = {queue["name"]: (queue["type"], queue["arguments"]) for queue in api.get(f"/queues/{vhost}")}
    assert types == {"q": ("quorum", {"x-queue-type": "quorum"}), "passing": ("classic", {})}
    assert api("PUT", f"/vhosts/{vhost}", {"default_queue_type": "square"})[0] == 400


def test_an_alternate_exchange_has_a_name(api, vhost):
    status, answer = api("PUT", f"/exchanges/{vhost}/odd", {"type": "direct", "durable": True, "arguments": {"alternate-exchange": 1}})
    assert status == 400, answer


def test_an_exchange_declared_with_another_alternate(api, vhost):
    api.put(f"/exchanges/{vhost}/x", {"type": "direct", "arguments": {"alternate-exchange": "a"}})
    assert api("PUT", f"/exchanges/{vhost}/x", {"type": "direct", "arguments": {"alternate-exchange": "a"}})[0] == 204
    for arguments in ({"alternate-exchange": "b"}, {}):
        status, answer = api("PUT", f"/exchanges/{vhost}/x", {"type": "direct", "arguments": arguments})
        assert status == 400 and "inequivalent arg 'alternate-exchange'" in answer["reason"], answer


@naru_only
def test_nothing_is_bound_to_a_queue_over_a_topic(api, vhost):
    api.put(f"/queues/{vhost}/stream", {"durable": True, "arguments": {"x-queue-type": "stream"}})
    api.put(f"/queues/{vhost}/over", {"durable": True, "arguments": {"x-naru-topic": f"{vhost}.stream"}})
    status, answer = api("POST", f"/bindings/{vhost}/e/amq.fanout/q/over", {})
    assert status == 400 and "gets its messages from the topic" in answer["reason"], answer
    status, answer = api("POST", f"/definitions/{vhost}", {"bindings": [
        {"source": "amq.fanout", "destination": "over", "destination_type": "queue", "routing_key": "", "arguments": {}}]})
    assert status == 400 and "gets its messages from the topic" in answer["reason"], answer


@naru_only
def test_a_delayed_exchange_takes_the_bindings_of_its_type(api, vhost):
    api.put(f"/exchanges/{vhost}/later", {"type": "x-delayed-message", "arguments": {"x-delayed-type": "x-consistent-hash"}})
    api.put(f"/queues/{vhost}/q")
    binding = {"source": "later", "destination": "q", "destination_type": "queue", "routing_key": "no number", "arguments": {}}
    assert api("POST", f"/bindings/{vhost}/e/later/q/q", binding)[0] == 400
    assert api("POST", f"/definitions/{vhost}", {"bindings": [binding]})[0] == 400
    assert api("POST", f"/bindings/{vhost}/e/later/q/q", binding | {"routing_key": "2"})[0] == 201
