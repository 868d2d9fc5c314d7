"""Status codes, who may ask what, and the JSON that programs read; the same on RabbitMQ."""
import json
import time
import urllib.parse

import pytest
from broker import PEER, wait_until

from conftest import Api, quote


def test_a_login_is_needed(broker):
    assert Api(broker, user=None)("GET", "/overview")[0] == 401
    assert Api(broker, password="wrong")("GET", "/overview") == (401, {"error": "not_authorized", "reason": "Login failed"})
    assert Api(broker, "limited", "limited")("GET", "/overview")[0] == 401


def test_whoami(api, as_user, user):
    me = api.get("/whoami")
    assert (me["name"], me["tags"]) == ("guest", ["administrator"])
    name = user("management,monitoring")
    assert as_user(name).get("/whoami")["tags"] == ["management", "monitoring"]


@pytest.mark.parametrize("tags, allowed", [
    ("management", {"/overview", "/queues", "/connections", "/policies"}),
    ("policymaker", {"/overview", "/queues", "/connections", "/policies", "/parameters"}),
    ("monitoring", {"/overview", "/queues", "/connections", "/policies", "/nodes"}),
    ("administrator", {"/overview", "/queues", "/connections", "/policies", "/parameters", "/nodes", "/users", "/permissions",
                       "/definitions"}), ("", set())])
def test_tags_open_doors(as_user, user, tags, allowed):
    ask = as_user(user(tags, {"/": (".*", ".*", ".*")}))
    paths = ["/overview", "/queues", "/connections", "/policies", "/parameters", "/nodes", "/users", "/permissions", "/definitions"]
    assert {path for path in paths if ask("GET", path)[0] == 200} == allowed


def test_others_virtual_hosts_are_not_seen(api, as_user, user, vhost):
    ask = as_user(user("management", {"other": (".*", ".*", ".*")}))
    assert [one["name"] for one in ask.get("/vhosts")] == ["other"]
    assert {queue["vhost"] for queue in ask.get("/queues")} <= {"other"}
    assert ask("GET", f"/queues/{vhost}")[0] == 401
    assert ask("PUT", f"/queues/{vhost}/q", {})[0] == 401
    assert vhost in {one["name"] for one in as_user(user("monitoring")).get("/vhosts")}


def test_permissions_hold_here_too(api, as_user, user, vhost):
    ask = as_user(user("management", {vhost: ("^mine", "^mine", "^mine")}))
    api.put(f"/queues/{vhost}/theirs")
    for method, path, body in [("PUT", "queues/{}/other", {}), ("DELETE", "queues/{}/theirs", None),
                               ("DELETE", "queues/{}/theirs/contents", None), ("PUT", "exchanges/{}/other", {"type": "fanout"}),
                               ("POST", "bindings/{}/e/amq.fanout/q/theirs", {}),
                               ("POST", "queues/{}/theirs/get", {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"})]:
        status, answer = ask(method, "/" + path.format(vhost), body)
        assert status in (400, 401, 403) and "refused" in str(answer), (path, status, answer)
    assert ask("PUT", f"/queues/{vhost}/mine", {})[0] == 201


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


def publish(api, vhost, key, payload, exchange="amq.default", **properties):
    return api.post(f"/exchanges/{vhost}/{exchange}/publish",
                    {"routing_key": key, "payload": payload, "payload_encoding": "string", "properties": properties})


def get(api, vhost, queue, count=1, ackmode="ack_requeue_true", **more):
    return api.post(f"/queues/{vhost}/{queue}/get", {"count": count, "ackmode": ackmode, "encoding": "auto", **more})


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


def test_a_user_changes(api, as_user, user, broker):
    name = user("administrator")
    assert api("PUT", f"/users/{name}", {"password": "other", "tags": ["monitoring"]})[0] == 204
    assert as_user(name)("GET", "/whoami")[0] == 401
    assert as_user(name, "other").get("/whoami")["tags"] == ["monitoring"]
    shown = api.get(f"/users/{name}")
    assert (shown["name"], shown["tags"], shown["hashing_algorithm"]) == (name, ["monitoring"], "rabbit_password_hashing_sha256")
    # The hash opens the same door elsewhere.
    api.put(f"/users/{name}", {"password_hash": shown["password_hash"], "tags": ""})
    api.put(f"/permissions/%2F/{name}", {"configure": "", "write": "", "read": ""})
    assert api.get(f"/users/{name}/permissions") == [{"user": name, "vhost": "/", "configure": "", "write": "", "read": ""}]
    status, answer = api("PUT", f"/permissions/%2F/{name}", {"configure": "(", "write": "", "read": ""})
    assert status == 400
    assert api("PUT", f"/users/{name}", {"password": "x"})[0] == 400


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


def test_bodies_that_are_none(api, vhost):
    import urllib.error
    import urllib.request
    request = urllib.request.Request(f"http://127.0.0.1:{api.port}/api/queues/{vhost}/q", method="PUT", data=b"{no json",
                                     headers={"Authorization": "Basic Z3Vlc3Q6Z3Vlc3Q=", "Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=10)
    assert error.value.code == 400


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


@pytest.mark.skipif(PEER == "rabbitmq", reason="RabbitMQ's channels remember what was allowed")
def test_what_is_taken_away_is_missed_at_once(api, user, vhost, connect):
    name = user("", {vhost: (".*", ".*", ".*")})
    channel = connect(name, name, vhost=vhost).channel().confirms()
    channel.declare("q")
    channel.connection.declared.clear()
    for n in range(3):
        channel.publish("", "q", str(n))
    channel.confirmed()
    assert channel.get("q").text == "0"
    api.put(f"/permissions/{vhost}/{name}", {"configure": ".*", "write": ".*", "read": ""})
    other = channel.connection.channel()
    other.refused(403, f"access to queue 'q' in vhost '{vhost}' refused for user '{name}'", "basic.get", queue="q")
    channel.publish("", "q", "still")
    channel.confirmed()
    api.put(f"/permissions/{vhost}/{name}", {"configure": ".*", "write": "", "read": ""})
    channel.publish("", "q", "no more")
    channel.expect_error(403, f"access to exchange 'amq.default' in vhost '{vhost}' refused for user '{name}'", "basic.publish")
    assert api.get(f"/queues/{vhost}/q")["messages"] == 3


@pytest.mark.skipif(PEER == "rabbitmq", reason="3.10 counts each return")
def test_to_look_at_a_message_is_no_failed_delivery(api, vhost):
    api.put(f"/queues/{vhost}/poisoned", {"durable": True, "arguments": {"x-queue-type": "quorum", "x-delivery-limit": 2}})
    api.post(f"/exchanges/{vhost}/amq.default/publish", {"routing_key": "poisoned", "payload": "a", "payload_encoding": "string",
                                                         "properties": {}})
    look = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    for _ in range(5):
        assert [message["payload"] for message in api.post(f"/queues/{vhost}/poisoned/get", look)] == ["a"]


def test_no_policy_gives_the_default_exchange_an_alternate(api, vhost):
    api.put(f"/exchanges/{vhost}/rest", {"type": "fanout", "durable": True})
    api.put(f"/queues/{vhost}/rest", {"durable": True})
    api.post(f"/bindings/{vhost}/e/rest/q/rest", {})
    api.put(f"/policies/{vhost}/alternate", {"pattern": ".*", "apply-to": "exchanges", "definition": {"alternate-exchange": "rest"}})
    message = {"routing_key": "nobody", "payload": "a", "payload_encoding": "string", "properties": {}}
    assert api.post(f"/exchanges/{vhost}/amq.direct/publish", message) == {"routed": True}
    assert api.post(f"/exchanges/{vhost}/amq.default/publish", message) == {"routed": False}


def test_an_alternate_exchange_has_a_name(api, vhost):
    status, answer = api("PUT", f"/exchanges/{vhost}/odd", {"type": "direct", "durable": True, "arguments": {"alternate-exchange": 1}})
    assert status == 400, answer


# -- what the other door refuses is refused here too ------------------------------------

naru_only = pytest.mark.skipif(PEER == "rabbitmq", reason="naru's own")


@naru_only
def test_a_queue_over_a_stream_shows_it_to_nobody_else(api, as_user, user, vhost):
    api.put(f"/queues/{vhost}/secret", {"durable": True, "arguments": {"x-queue-type": "stream"}})
    topic, path = {"durable": True, "arguments": {"x-naru-topic": f"{vhost}.secret"}}, f"{vhost}.over"
    status, answer = api("PUT", f"/queues/%2F/{path}", topic)
    assert status == 401 and "another virtual host" in answer["reason"], answer
    status, answer = api("POST", "/definitions", {"queues": [{"name": path, "vhost": "/"} | topic]})
    assert status == 400 and "another virtual host" in answer["reason"], answer
    ask = as_user(user("management", {vhost: (".*", ".*", "^mine")}))
    status, answer = ask("PUT", f"/queues/{vhost}/mine", topic)
    assert status == 401 and "queue 'secret'" in answer["reason"], answer
    api.put(f"/queues/{vhost}/mine", topic)


@naru_only
def test_nothing_is_bound_to_a_queue_over_a_topic(api, vhost):
    api.put(f"/queues/{vhost}/stream", {"durable": True, "arguments": {"x-queue-type": "stream"}})
    api.put(f"/queues/{vhost}/over", {"durable": True, "arguments": {"x-naru-topic": f"{vhost}.stream"}})
    status, answer = api("POST", f"/bindings/{vhost}/e/amq.fanout/q/over", {})
    assert status == 400 and "gets its messages from the topic" in answer["reason"], answer
    status, answer = api("POST", f"/definitions/{vhost}", {"bindings": [
        {"source": "amq.fanout", "destination": "over", "destination_type": "queue", "routing_key": "", "arguments": {}}]})
    assert status == 400 and "gets its messages from the topic" in answer["reason"], answer


def test_bindings_look_at_topic_permissions(api, as_user, user, vhost):
    name = user("management", {vhost: (".*", ".*", ".*")})
    api.put(f"/topic-permissions/{vhost}/{name}", {"exchange": "amq.topic", "write": ".*", "read": "^open"})
    api.put(f"/queues/{vhost}/q")
    ask = as_user(name)
    status, answer = ask("POST", f"/bindings/{vhost}/e/amq.topic/q/q", {"routing_key": "secret.#"})
    assert status in (400, 401) and "refused" in answer["reason"], answer
    assert ask("POST", f"/bindings/{vhost}/e/amq.topic/q/q", {"routing_key": "open.#"})[0] == 201
    api.post(f"/bindings/{vhost}/e/amq.topic/q/q", {"routing_key": "secret"})
    assert ask("DELETE", f"/bindings/{vhost}/e/amq.topic/q/q/secret")[0] in (400, 401)


@naru_only
def test_a_delayed_exchange_takes_the_bindings_of_its_type(api, vhost):
    api.put(f"/exchanges/{vhost}/later", {"type": "x-delayed-message", "arguments": {"x-delayed-type": "x-consistent-hash"}})
    api.put(f"/queues/{vhost}/q")
    binding = {"source": "later", "destination": "q", "destination_type": "queue", "routing_key": "no number", "arguments": {}}
    assert api("POST", f"/bindings/{vhost}/e/later/q/q", binding)[0] == 400
    assert api("POST", f"/definitions/{vhost}", {"bindings": [binding]})[0] == 400
    assert api("POST", f"/bindings/{vhost}/e/later/q/q", binding | {"routing_key": "2"})[0] == 201


def test_an_exchange_declared_with_another_alternate(api, vhost):
    api.put(f"/exchanges/{vhost}/x", {"type": "direct", "arguments": {"alternate-exchange": "a"}})
    assert api("PUT", f"/exchanges/{vhost}/x", {"type": "direct", "arguments": {"alternate-exchange": "a"}})[0] == 204
    for arguments in ({"alternate-exchange": "b"}, {}):
        status, answer = api("PUT", f"/exchanges/{vhost}/x", {"type": "direct", "arguments": arguments})
        assert status == 400 and "inequivalent arg 'alternate-exchange'" in answer["reason"], answer


def test_conditions_that_are_false_are_none(api, vhost):
    api.put(f"/queues/{vhost}/q")
    publish(api, vhost, "q", "m")
    api.delete(f"/queues/{vhost}/q?if-empty=false&if-unused=false")
    api.put(f"/exchanges/{vhost}/x", {"type": "fanout"})
    api.put(f"/queues/{vhost}/q")
    api.post(f"/bindings/{vhost}/e/x/q/q", {})
    api.delete(f"/exchanges/{vhost}/x?if-unused=false")


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


# -- what would be made and could not be used, or got rid of -----------------------------

@naru_only
def test_policies_whose_values_mean_nothing(api, vhost):
    for definition in ({"max-age": "7 days"}, {"naru-retain": "soon"}, {"message-ttl": 315_360_000_001}, {"expires": 2**53},
                       {"consumer-timeout": 2**53}, {"delayed-retry-min": 2**53}, {"delayed-retry-max": 2**53}):
        status, answer = api("PUT", f"/policies/{vhost}/p", {"pattern": "x", "definition": definition | {"max-length-bytes": 1}})
        assert status == 400 and "not a valid" in answer["reason"], (definition, answer)
        assert api("POST", f"/definitions/{vhost}", {"policies": [{"name": "p", "pattern": "x", "definition": definition}]})[0] == 400
    assert api.put(f"/policies/{vhost}/p", {"pattern": "x", "definition": {"max-age": "1D", "message-ttl": 315_360_000_000}}) == 201


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


MESSAGE = {"routing_key": "q", "payload": "m", "payload_encoding": "string", "properties": {}}
LOOK = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}


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


def test_definitions_from_a_form(api, vhost):
    file = json.dumps({"queues": [{"name": "formed", "durable": True, "auto_delete": False, "arguments": {}}]})
    form = f'--Bound\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\nContent-Type: application/json\r\n\r\n' \
        f"{file}\r\n--Bound--\r\n"
    status, _ = api.made(f"/definitions/{vhost}", form.encode(), "multipart/form-data; boundary=Bound")
    assert status == 204 and api.get(f"/queues/{vhost}/formed")["durable"] is True


# -- asking ------------------------------------------------------------------------------

def test_topic_permissions_that_nobody_gave(api, user, vhost):
    name = user("management", {vhost: (".*", ".*", ".*")})
    assert api("GET", f"/topic-permissions/{vhost}/{name}")[0] == 404
    api.put(f"/topic-permissions/{vhost}/{name}", {"exchange": "amq.topic", "write": ".*", "read": ".*"})
    assert len(api.get(f"/topic-permissions/{vhost}/{name}")) == 1


@naru_only
def test_a_pattern_that_takes_too_long_is_said(api, vhost):
    for n in range(20):
        api.put(f"/queues/{vhost}/{'a' * 60}{n}")
    status, answer = api("GET", f"/queues/{vhost}?page=1&use_regex=true&name={quote('^(a+)+$')}")
    assert status == 400 and "too long" in answer["reason"], answer
    assert api.get(f"/queues/{vhost}?page=1&use_regex=true&name={quote('^a+1$')}")["filtered_count"] == 1


@naru_only
def test_aliveness_is_tested_by_who_may(api, as_user, user, vhost):
    for allowed in (("", ".*", ".*"), (".*", "", ".*"), (".*", ".*", "")):
        assert as_user(user("management", {vhost: allowed}))("GET", f"/aliveness-test/{vhost}")[0] == 401
    assert api.get(f"/queues/{vhost}") == []
    api.put(f"/vhost-limits/{vhost}/max-queues", {"value": 0})
    assert api("GET", f"/aliveness-test/{vhost}")[0] == 400
    api.delete(f"/vhost-limits/{vhost}/max-queues")
    assert api.get(f"/aliveness-test/{vhost}") == {"status": "ok"}
    for text in ("theirs", "theirs too"):
        publish(api, vhost, "aliveness-test", text)
    assert api("GET", f"/aliveness-test/{vhost}")[0] == 503
    assert [message["payload"] for message in get(api, vhost, "aliveness-test", 10)] == ["theirs too", "test_message"]


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
