"""Health checks, alarms and what a node says of itself."""
from broker import wait_until

from conftest import naru_only


def test_health(api):
    for check in ("alarms", "local-alarms", "virtual-hosts", "protocol-listener/amqp091"):
        assert api.get(f"/health/checks/{check}")["status"] == "ok", check
    status, answer = api("GET", "/health/checks/port-listener/1")
    assert (status, answer["reason"], answer["missing"]) == (503, "No active listener", 1) and api.port in answer["ports"]
    status, answer = api("GET", "/health/checks/protocol-listener/nonsense")
    assert (status, answer["missing"]) == (503, "nonsense") and "amqp" in answer["protocols"]
    assert api("GET", "/health/checks/port-listener/nonsense")[0] == 400
    assert api.get(f"/health/checks/port-listener/{api.port}") == {"status": "ok", "port": api.port}
    assert api.get("/aliveness-test/%2F") == {"status": "ok"}
    api.delete("/queues/%2F/aliveness-test")


@naru_only
def test_alarms_have_limits_that_are_numbers(api):
    before = api.get("/alarms")
    for name in ("vm_memory_high_watermark", "disk_free_limit"):
        for value in ("nan", "inf", "1e30", "absolute nan", "absolute inf", "absolute 1e19", "mem_relative inf", "-1"):
            assert api("PUT", "/alarms", {name: value})[0] == 400, (name, value)
    assert api.get("/alarms") == before


def test_the_health_check_names_the_alarms(api, broker):
    broker.ctl("set_vm_memory_high_watermark", "absolute", "1000")
    try:
        status, answer = wait_until(lambda: (got := api("GET", "/health/checks/alarms"))[0] == 503 and got, "the alarm is raised")
        node = api.get("/overview")["node"]
        assert answer == {"status": "failed", "reason": "There are alarms in effect in the cluster",
                          "alarms": [{"node": node, "resource": "memory"}]}
        assert api("GET", "/health/checks/local-alarms")[1]["reason"] == "There are alarms in effect on the node"
    finally:
        broker.ctl("set_vm_memory_high_watermark", "1.0")
    wait_until(lambda: api("GET", "/health/checks/alarms")[0] == 200, "the alarm is over")


@naru_only
def test_who_has_not_published_yet_is_blocking(api, broker, connect):
    name = "waits_for_no_alarm"
    connect(properties={"connection_name": name})

    def state():
        return [one["state"] for one in api.get("/connections") if one["user_provided_name"] == name]
    wait_until(lambda: state() == ["running"], "it is listed")
    broker.ctl("set_vm_memory_high_watermark", "absolute", "1000")
    try:
        wait_until(lambda: state() == ["blocking"], "there is an alarm")
    finally:
        broker.ctl("set_vm_memory_high_watermark", "1.0")
    wait_until(lambda: state() == ["running"], "the alarm is over")


@naru_only
def test_a_watermark_is_a_share_of_the_memory_that_naru_was_given(api):
    (node,) = api.get("/nodes")
    try:
        assert api("PUT", "/alarms", {"vm_memory_high_watermark": "0.5"})[0] == 204
        assert api.get("/alarms")["vm_memory_high_watermark"] == node["mem_limit"] // 2
        assert api("PUT", "/alarms", {"vm_memory_high_watermark": "1.5"})[0] == 400
    finally:
        api("PUT", "/alarms", {"vm_memory_high_watermark": "1.0"})
    assert api.get("/nodes")[0]["mem_limit"] == node["mem_limit"]


@naru_only
def test_what_later_clients_ask_of_a_node(api):
    (node,) = api.get("/nodes")
    kinds = {"os_pid": str, "fd_total": int, "fd_used": int, "proc_total": int, "run_queue": int, "being_drained": bool, "disk_free": int}
    assert {name: type(node.get(name)) for name in kinds} == kinds
    assert 0 < node["fd_used"] < node["fd_total"] and int(node["os_pid"]) > 1 and node["disk_free"] > 0
    for check in ("ready-to-serve-clients", "is-in-service", "certificate-expiration/1/months"):
        assert api.get(f"/health/checks/{check}") == {"status": "ok"}, check
    assert api("GET", "/health/checks/certificate-expiration/1/moons")[0] == 400
    assert api.get("/feature-flags") == []
