"""Policies and operator policies: what they change and what they cannot say."""
import pytest
from broker import wait_until

from conftest import get, naru_only, publish


def test_policies_change_queues(api, vhost):
    api.put(f"/queues/{vhost}/q")
    for n in range(5):
        publish(api, vhost, "q", str(n))
    api.put(f"/policies/{vhost}/cut", {"pattern": "^q$", "definition": {"max-length": 2}, "priority": 1, "apply-to": "queues"})
    assert api.get(f"/policies/{vhost}/cut") == {"vhost": vhost, "name": "cut", "pattern": "^q$", "apply-to": "queues",
                                                 "definition": {"max-length": 2}, "priority": 1}
    wait_until(lambda: len(get(api, vhost, "q", 10)) == 2, "the queue is cut")
    queue = wait_until(lambda: (q := api.get(f"/queues/{vhost}/q")).get("policy") and q, "it names its policy")
    assert (queue["policy"], queue["effective_policy_definition"]) == ("cut", {"max-length": 2})
    status, answer = api("PUT", f"/policies/{vhost}/bad", {"pattern": "^q", "definition": {"max-length": "x"}})
    assert (status, answer["error"]) == (400, "bad_request")
    status, answer = api("PUT", f"/policies/{vhost}/bad", {"pattern": "(", "definition": {"max-length": 1}})
    assert status == 400
    api.delete(f"/policies/{vhost}/cut")


@pytest.mark.parametrize("definition, reason", [
    ({"max-length": -1}, "-1 is not a valid maximum length"), ({"max-length-bytes": 1.5}, "1.5 is not a valid maximum length in bytes"),
    ({"message-ttl": -1}, "-1 is not a valid message TTL"), ({"expires": 0}, "0 is not a valid queue expiry"),
    ({"expires": 0, "max-length": -1}, "0 is not a valid queue expiry"), ({"delivery-limit": "5"}, '<<"5">> is not a valid delivery limit'),
    ({"max-length": "5"}, '<<"5">> is not a valid maximum length'),
    ({"message-ttl": -1, "max-length": -1, "nope": 1}, "-1 is not a valid maximum length"),
    ({"max-length": 5, "nope": 1, "nada": "x"}, '[{<<"nada">>,<<"x">>},{<<"nope">>,1}] are not recognised policy settings')])
@pytest.mark.parametrize("kind", ["policies", "operator-policies"])
def test_limits_that_a_policy_cannot_set(api, vhost, kind, definition, reason):
    import html
    status, answer = api("PUT", f"/{kind}/{vhost}/p", {"pattern": "x", "definition": definition})
    assert (status, html.unescape(answer["reason"])) == (400, f"Validation failed\n\n{reason}\n")


@pytest.mark.parametrize("definition, reason", [
    ({"overflow": "nope"}, '<<"nope">> is not a valid overflow value'), ({"dead-letter-exchange": 5}, "5 is not a valid dead letter exchange name"),
    ({"queue-version": 3}, "3 is not a valid queue-version value"), ({"max-age": "1X"}, '<<"1X">> is not a valid max age'),
    ({"stream-max-segment-size-bytes": 10**12}, "1000000000000 is not a valid segment size"),
    ({"queue-leader-locator": "nope"}, '<<"nope">> is not a valid queue leader locator value'),
    ({"queue-master-locator": "nope"}, '<<"nope">> invalid queue-master-locator value'),
    ({"initial-cluster-size": -1}, "-1 is not a valid cluster size"), ({"alternate-exchange": 5}, "5 is not a valid alternate exchange name"),
    ({"dead-letter-routing-key": 5}, "5 is not a valid dead letter routing key"), ({"queue-mode": "nope"}, '<<"nope">> is not a valid queue-mode value')])
def test_what_else_a_policy_cannot_say(api, vhost, definition, reason):
    import html
    status, answer = api("PUT", f"/policies/{vhost}/p", {"pattern": "x", "definition": definition})
    assert (status, html.unescape(answer["reason"])) == (400, f"Validation failed\n\n{reason}\n")


@naru_only
def test_policies_whose_values_mean_nothing(api, vhost):
    for definition in ({"max-age": "7 days"}, {"naru-retain": "soon"}, {"message-ttl": 315_360_000_001}, {"expires": 2**53},
                       {"consumer-timeout": 2**53}, {"delayed-retry-min": 2**53}, {"delayed-retry-max": 2**53}):
        status, answer = api("PUT", f"/policies/{vhost}/p", {"pattern": "x", "definition": definition | {"max-length-bytes": 1}})
        assert status == 400 and "not a valid" in answer["reason"], (definition, answer)
        assert api("POST", f"/definitions/{vhost}", {"policies": [{"name": "p", "pattern": "x", "definition": definition}]})[0] == 400
    assert api.put(f"/policies/{vhost}/p", {"pattern": "x", "definition": {"max-age": "1D", "message-ttl": 315_360_000_000}}) == 201


def test_no_policy_gives_the_default_exchange_an_alternate(api, vhost):
    api.put(f"/exchanges/{vhost}/rest", {"type": "fanout", "durable": True})
    api.put(f"/queues/{vhost}/rest", {"durable": True})
    api.post(f"/bindings/{vhost}/e/rest/q/rest", {})
    api.put(f"/policies/{vhost}/alternate", {"pattern": ".*", "apply-to": "exchanges", "definition": {"alternate-exchange": "rest"}})
    message = {"routing_key": "nobody", "payload": "a", "payload_encoding": "string", "properties": {}}
    assert api.post(f"/exchanges/{vhost}/amq.direct/publish", message) == {"routed": True}
    assert api.post(f"/exchanges/{vhost}/amq.default/publish", message) == {"routed": False}
