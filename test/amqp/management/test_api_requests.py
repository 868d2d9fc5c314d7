"""The shape of requests: pages, columns, bodies, and what is refused."""
import urllib.error
import urllib.request

import pytest

from conftest import LOOK, MESSAGE, naru_only, quote


def test_pages_and_columns(api, vhost):
    for n in range(7):
        api.put(f"/queues/{vhost}/q{n}")
    page = api.get(f"/queues/{vhost}?page=2&page_size=3&sort=name&columns=name")
    assert page["items"] == [{"name": "q3"}, {"name": "q4"}, {"name": "q5"}]
    assert (page["filtered_count"], page["item_count"], page["page"], page["page_count"], page["page_size"], page["total_count"]) \
        == (7, 3, 2, 3, 3, 7)
    names = [one["name"] for one in api.get(f"/queues/{vhost}?page=1&page_size=100&name=q[12]&use_regex=true")["items"]]
    assert sorted(names) == ["q1", "q2"]
    assert api.get(f"/queues/{vhost}?sort=name&sort_reverse=true&columns=name")[0] == {"name": "q6"}
    assert set(api.get("/overview?columns=node,queue_totals.messages")) == {"node", "queue_totals"}


def test_lists_that_have_no_pages(api, vhost):
    api.put(f"/queues/{vhost}/q")
    for path in (f"/bindings/{vhost}", "/users", f"/policies/{vhost}", f"/consumers/{vhost}", "/permissions", f"/vhosts/{vhost}/connections"):
        assert isinstance(api.get(f"{path}?page=1&page_size=1"), list), path
    for path in ("/queues", f"/exchanges/{vhost}", "/connections", "/channels", "/vhosts", "/connections/username/guest"):
        assert api.get(f"{path}?page=1&page_size=1")["page"] == 1, path


def test_pages_that_are_none(api, vhost):
    for query, error in (("page=0", "invalid_pagination_parameters"), ("page=1&page_size=501", "invalid_pagination_parameters"),
                         ("page=1&page_size=-1", "invalid_pagination_parameters"), ("page=9", "page_out_of_range"),
                         ("page=x", "bad_request"), ("page=", "bad_request"), ("page=1&name=(&use_regex=true", "bad_request")):
        status, answer = api("GET", f"/exchanges/{vhost}?{query}")
        assert (status, answer["error"]) == (400, error), (query, answer)
    for query in ("name=AMQ.D", "name=AMQ.D&use_regex=true"):
        assert [one["name"] for one in api.get(f"/exchanges/{vhost}?page=1&{query}")["items"]] == ["amq.direct"]


@naru_only
def test_a_pattern_that_takes_too_long_is_said(api, vhost):
    for n in range(20):
        api.put(f"/queues/{vhost}/{'a' * 60}{n}")
    status, answer = api("GET", f"/queues/{vhost}?page=1&use_regex=true&name={quote('^(a+)+$')}")
    assert status == 400 and "too long" in answer["reason"], answer
    assert api.get(f"/queues/{vhost}?page=1&use_regex=true&name={quote('^a+1$')}")["filtered_count"] == 1


def test_bodies_that_are_none(api, vhost):
    request = urllib.request.Request(f"http://127.0.0.1:{api.port}/api/queues/{vhost}/q", method="PUT", data=b"{no json",
                                     headers={"Authorization": "Basic Z3Vlc3Q6Z3Vlc3Q=", "Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=60)
    assert error.value.code == 400


def test_requests_that_say_too_little(api, vhost):
    api.put(f"/queues/{vhost}/q")
    for name in MESSAGE:
        status, answer = api("POST", f"/exchanges/{vhost}/amq.default/publish", {key: value for key, value in MESSAGE.items() if key != name})
        assert status == 400 and answer["reason"] == f"[{{key_missing,{name}}}]", answer
    for name in LOOK:
        status, answer = api("POST", f"/queues/{vhost}/q/get", {key: value for key, value in LOOK.items() if key != name})
        assert status == 400 and answer["reason"] == f"[{{key_missing,{name}}}]", answer
    assert api("PUT", "/cluster-name", {})[0] == 400
    assert api.get(f"/queues/{vhost}/q").get("messages", 0) == 0


def test_requests_that_say_what_nobody_knows(api, user, vhost):
    api.put(f"/queues/{vhost}/q")
    assert api("POST", f"/exchanges/{vhost}/amq.default/publish", MESSAGE | {"payload_encoding": "rot13"})[0] == 400
    assert api("POST", f"/queues/{vhost}/q/get", LOOK | {"encoding": "rot13"})[0] == 400
    assert api("POST", f"/queues/{vhost}/q/get", LOOK | {"count": "some"})[0] == 400
    assert api("POST", "/users/bulk-delete", {"users": [user("management"), "nobody"]})[0] == 400
    for component in ("shovel", "federation-upstream", "nonsense"):
        status, answer = api("PUT", f"/parameters/{component}/{vhost}/p", {"value": {}})
        assert (status, answer["reason"]) == (400, f"Validation failed\n\ncomponent {component} not found\n")
    for definition in ({"ha-mode": "some"}, {"ha-mode": "exactly"}, {"ha-mode": "nodes", "ha-params": []}, {"ha-params": 2},
                       {"ha-mode": "all", "ha-params": 2}, {"ha-mode": "all", "ha-sync-mode": "x"}, {"ha-mode": "all", "ha-sync-batch-size": "x"},
                       {"ha-sync-mode": "automatic"}, {"ha-mode": "all", "ha-promote-on-shutdown": "x"}):
        status, answer = api("PUT", f"/policies/{vhost}/p", {"pattern": "x", "definition": definition})
        assert status == 400 and "ha-" in answer["reason"], (definition, answer)
    api.put(f"/policies/{vhost}/p", {"pattern": "x", "definition": {"ha-mode": "exactly", "ha-params": 2, "ha-sync-mode": "automatic"}})


@naru_only
def test_what_naru_has_none_of_is_refused(api, vhost):
    status, answer = api("PUT", f"/vhosts/{vhost}", {"tracing": True})
    assert status == 400 and "no tracing" in answer["reason"]
    assert api("PUT", f"/vhosts/{vhost}", {"tracing": False})[0] == 204
    assert api("POST", f"/exchanges/{vhost}/amq.default/publish", MESSAGE | {"properties": []})[0] == 400
    # What came in with the definitions of a RabbitMQ that has more plugins stays, and goes out again.
    parameter = {"component": "shovel", "name": "s", "value": {"src-uri": "amqp://"}}
    api.post(f"/definitions/{vhost}", {"parameters": [parameter]})
    assert api.get(f"/definitions/{vhost}")["parameters"] == [parameter | {"vhost": vhost}]
    api.delete(f"/parameters/shovel/{vhost}/s")


def test_requests_without_anything_to_do(api, vhost):
    for _ in range(2):
        api.delete(f"/vhost-limits/{vhost}/max-queues")
    assert api("POST", "/rebalance/queues")[0] == 204
    assert api.get("/auth")["enable_uaa"] is False
