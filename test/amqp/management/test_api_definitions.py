"""Definitions out and in."""
import json

from conftest import naru_only


def test_definitions_go_round(api, vhost):
    api.put(f"/queues/{vhost}/q", {"durable": True, "arguments": {"x-max-length": 5}})
    api.put(f"/policies/{vhost}/p", {"pattern": "x", "definition": {"max-length": 2}})
    whole = api.get("/definitions")
    assert {"users", "vhosts", "permissions", "topic_permissions", "parameters", "global_parameters", "policies", "queues",
            "exchanges", "bindings"} <= set(whole)
    assert {"name": "q", "vhost": vhost, "durable": True, "auto_delete": False, "arguments": {"x-max-length": 5}} in whole["queues"]
    api.delete(f"/vhosts/{vhost}")
    assert not [queue for queue in api.get("/definitions")["queues"] if queue["vhost"] == vhost]
    api.post("/definitions", whole)
    again = api.get("/definitions")
    for section in ("users", "permissions", "queues", "exchanges", "bindings", "policies", "parameters"):
        key = str
        assert sorted(again[section], key=key) == sorted(whole[section], key=key), section
    api.post(f"/definitions/{vhost}", {"queues": [{"name": "late", "durable": True, "auto_delete": False, "arguments": {}}]})
    assert api.get(f"/queues/{vhost}/late")["durable"] is True


def test_definitions_of_one_virtual_host(api, vhost):
    """What clients declared does not say where it belongs, so that it can go elsewhere; what administrators set does."""
    api.put(f"/queues/{vhost}/q", {"durable": True})
    api.put(f"/exchanges/{vhost}/x", {"type": "fanout"})
    api.post(f"/bindings/{vhost}/e/x/q/q", {})
    api.put(f"/policies/{vhost}/p", {"pattern": "x", "definition": {"max-length": 2}})
    api.put(f"/operator-policies/{vhost}/o", {"pattern": "y", "definition": {"max-length": 3}})
    one = api.get(f"/definitions/{vhost}")
    assert set(one) == {"rabbit_version", "parameters", "policies", "queues", "exchanges", "bindings"}
    assert one["queues"] == [{"name": "q", "durable": True, "auto_delete": False, "arguments": {}}]
    assert ["vhost" in thing for section in ("queues", "exchanges", "bindings") for thing in one[section]] == [False] * 3
    assert one["policies"] == [{"vhost": vhost, "name": "p", "pattern": "x", "apply-to": "all", "definition": {"max-length": 2},
                                "priority": 0}]
    assert [(thing["vhost"], thing["name"]) for thing in one["parameters"]] == [(vhost, "o")]
    api.put(f"/vhosts/{vhost}-2")
    try:  # what the policies say of a virtual host does not count
        api.post(f"/definitions/{vhost}-2", one)
        again = api.get(f"/definitions/{vhost}-2")
        assert again["queues"] == one["queues"] and again["policies"] == [one["policies"][0] | {"vhost": f"{vhost}-2"}]
    finally:
        api.delete(f"/vhosts/{vhost}-2")


@naru_only
def test_definitions_without_names_make_nothing(api, vhost):
    before = api.get("/definitions")
    queue = {"name": "q", "vhost": vhost, "durable": True, "auto_delete": False, "arguments": {}}
    for wrong in ({"vhosts": [{}]}, {"vhosts": [5]}, {"users": [{"tags": ""}]}, {"queues": [queue, {"vhost": vhost}]},
                  {"users": [{"name": "somebody", "tags": ""}], "permissions": [{"vhost": vhost, "configure": ""}]},
                  {"queues": [queue], "bindings": [{"vhost": vhost, "source": "amq.fanout"}]}, {"queues": [queue], "policies": {}},
                  {"global_parameters": [{"value": 1}]}, {"parameters": [{"vhost": vhost, "name": "x", "value": 1}]}):
        assert api("POST", "/definitions", wrong)[0] == 400, wrong
    assert api.get("/definitions") == before
    assert api("DELETE", "/vhosts/")[0] == 404


def test_many_definitions_at_once(api, vhost):
    queues = [{"name": f"q{n}", "durable": True, "auto_delete": False, "arguments": {}} for n in range(300)]
    bindings = [{"source": "amq.direct", "destination": f"q{n % 300}", "destination_type": "queue", "routing_key": str(n), "arguments": {}}
                for n in range(600)]
    api.post(f"/definitions/{vhost}", {"queues": queues * 2, "bindings": bindings})
    whole = api.get(f"/definitions/{vhost}")
    assert len(whole["queues"]) == 300 and len(whole["bindings"]) == 600


def test_definitions_from_a_form(api, vhost):
    file = json.dumps({"queues": [{"name": "formed", "durable": True, "auto_delete": False, "arguments": {}}]})
    form = f'--Bound\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\nContent-Type: application/json\r\n\r\n' \
        f"{file}\r\n--Bound--\r\n"
    status, _ = api.made(f"/definitions/{vhost}", form.encode(), "multipart/form-data; boundary=Bound")
    assert status == 204 and api.get(f"/queues/{vhost}/formed")["durable"] is True
