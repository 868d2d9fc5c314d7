"""Who may ask what: logins, tags, users and permissions; the same on RabbitMQ."""
import pytest
from broker import PEER

from conftest import Api, get, naru_only, publish


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


def test_topic_permissions_that_nobody_gave(api, user, vhost):
    name = user("management", {vhost: (".*", ".*", ".*")})
    assert api("GET", f"/topic-permissions/{vhost}/{name}")[0] == 404
    api.put(f"/topic-permissions/{vhost}/{name}", {"exchange": "amq.topic", "write": ".*", "read": ".*"})
    assert len(api.get(f"/topic-permissions/{vhost}/{name}")) == 1


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
