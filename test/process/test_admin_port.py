"""The admin port with clients that mean no good, or do not know better: what they cost the others."""
import base64
import http.server
import json
import re
import signal
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
import wire
from prometheus_client.parser import text_string_to_metric_families

from naru import MIB, free_port, run, wait_until
from test_limits import some

GUEST = "Basic " + base64.b64encode(b"guest:guest").decode()


def api(naru, method, path, body=None, host="127.0.0.1"):
    """(status, JSON or None)"""
    request = urllib.request.Request(f"http://{host}:{naru.admin}/api{path}", method=method,
                                     data=None if body is None else json.dumps(body).encode(), headers={"Authorization": GUEST})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def connect(naru):
    return socket.create_connection(("127.0.0.1", naru.admin), 30)


def head(method, path, *headers):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: naru", *headers, "", ""]).encode()


def until_closed(connection):
    text = b""
    while part := connection.recv(65536):
        text += part
    return text


# -- what it costs ------------------------------------------------------------------

def test_who_does_not_read_its_answers_stops_nobody(make_naru):
    naru = make_naru("--shards", "1").start()
    with wire.Connection(naru.address) as c:
        assert c.create_topic("t") == 0
        before, = naru.status("VmHWM")
        with connect(naru) as flood:
            flood.settimeout(0.1)
            requests, stop = head("GET", "/metrics") * 200, threading.Event()

            def send():
                while not stop.is_set():
                    try:
                        flood.send(requests)  # a part of one now and then: then it is no HTTP, and that is answered too
                    except TimeoutError:
                        pass
                    except OSError:
                        return
            sending = threading.Thread(target=send)
            sending.start()
            try:
                deadline, slowest, count = time.monotonic() + 3, 0, 0
                while time.monotonic() < deadline:
                    began = time.monotonic()
                    assert c.produce("t", some("m")) == (0, count)
                    count += 1
                    slowest = max(slowest, time.monotonic() - began)
                    assert slowest < 15, "a client of the admin port keeps everybody waiting"
            finally:
                stop.set()
                sending.join()
        after, = naru.status("VmHWM")
        assert after - before < 30 * MIB, f"{(after - before) >> 20} MiB for answers that nobody reads"
    naru.stop()


def test_idle_connections_lock_nobody_out(naru):
    idle = [connect(naru) for _ in range(100)]
    for half in idle[::2]:
        half.sendall(b"GET /health HT")
    assert naru.get("/health", seconds=10) == (200, "ok\n")
    assert api(naru, "GET", "/whoami")[0] == 200
    assert "have to wait" not in naru.says()
    for connection in idle:
        connection.close()


def test_half_a_request_does_not_stay(naru):
    with connect(naru) as half:
        began = time.monotonic()
        half.sendall(b"GET /health HT")
        assert until_closed(half) == b""
        assert time.monotonic() - began < 25


def test_fetching_keeps_to_the_memory_there_is(make_naru):
    """A hundred messages of a megabyte: the answer has some of them, and the queue all."""
    naru = make_naru("--amqp", f"127.0.0.1:{free_port()}", "--memory-limit", "64MiB").start()
    assert api(naru, "PUT", "/queues/%2F/q", {})[0] == 201
    message = {"routing_key": "q", "payload": "x" * MIB, "payload_encoding": "string", "properties": {}}
    for _ in range(100):
        assert api(naru, "POST", "/exchanges/%2F/amq.default/publish", message) == (200, {"routed": True})
    before, = naru.status("VmHWM")
    status, messages = api(naru, "POST", "/queues/%2F/q/get", {"count": 10_000, "ackmode": "ack_requeue_true", "encoding": "auto"})
    after, = naru.status("VmHWM")
    assert status == 200 and 1 <= len(messages) < 50
    assert after - before < 64 * MIB, f"{(after - before) >> 20} MiB for one answer"
    assert api(naru, "GET", "/queues/%2F/q")[1]["messages"] == 100
    naru.stop()


# -- large bodies --------------------------------------------------------------------

def test_a_large_body_is_taken_from_who_is_known(naru):
    large = f"Content-Length: {10 * MIB}"
    for target, headers, status in [("/api/definitions", [large], b"401"), ("/metrics", [large], b"405"),
                                    ("/api/definitions", ["Transfer-Encoding: chunked"], b"401"),
                                    ("/api/definitions", [f"Content-Length: {17 * MIB}", f"Authorization: {GUEST}"], b"413")]:
        with connect(naru) as connection:
            connection.sendall(head("POST", target, *headers) + b"5\r\n")
            assert connection.recv(65536).split()[1] == status, (target, headers)


def test_a_client_that_waits_for_a_word_before_its_body(naru):
    body = json.dumps({"users": [], "x": "y" * MIB}).encode()
    with connect(naru) as connection:
        connection.sendall(head("POST", "/api/definitions", f"Authorization: {GUEST}", f"Content-Length: {len(body)}",
                                "Expect: 100-continue", "Connection: close"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert until_closed(connection).startswith(b"HTTP/1.1 204 ")


def test_too_large_is_said_and_not_only_cut_off(naru, tmp_path):
    file = tmp_path / "large.json"
    file.write_text(json.dumps({"users": [], "x": "y" * (17 * MIB)}))
    code, out, err = run("import-definitions", file, "--admin", f"127.0.0.1:{naru.admin}")
    assert code == 69 and "413" in out + err, out + err


def test_a_body_has_a_million_values_at_most(naru):
    assert api(naru, "PUT", "/queues/%2F/q", {"arguments": {"x": [0] * 1_100_000}})[0] == 400


# -- a start after a change -------------------------------------------------------------

def test_no_user_keeps_the_broker_from_starting(make_naru):
    naru = make_naru("--amqp", f"127.0.0.1:{free_port()}").start()
    many = [f"t{n}" for n in range(65_537)]
    for body in ({"tags": many}, {"tags": ",".join(many)}, {"tags": "", "limits": dict.fromkeys(many, 1)}, {"tags": ["x" * 256]},
                 {"tags": "", "limits": {"x" * 256: 1}}, {"tags": ["a\0b"]}):
        began = time.monotonic()
        assert api(naru, "PUT", "/users/ann", {"password": "ann"} | body)[0] == 400, str(body)[:80]
        assert api(naru, "POST", "/definitions", {"users": [{"name": "ann", "password": "ann"} | body]})[0] == 400, str(body)[:80]
        assert time.monotonic() - began < 20
    assert api(naru, "PUT", "/users/ann", {"password": "ann", "tags": many[:64]})[0] == 201
    naru.stop()
    naru.start()
    assert len(api(naru, "GET", "/users/ann")[1]["tags"]) == 64
    naru.stop()


def test_names_are_the_same_after_a_start(make_naru):
    naru = make_naru("--amqp", f"127.0.0.1:{free_port()}").start()
    policy = {"pattern": "", "definition": {"max-length": 1}}
    for method, path, body in [("PUT", "/vhosts/a%00b", {}), ("PUT", f"/vhosts/{'v' * 256}", {}), ("PUT", "/users/a%00b", {"tags": ""}),
                               ("PUT", "/policies/%2F/a%00b", policy), ("PUT", f"/queues/%2F/{'q' * 256}", {}),
                               ("PUT", "/parameters/a%00b/%2F/c", {"value": 1}), ("PUT", "/global-parameters/a%00b", {"value": 1}),
                               ("PUT", "/exchanges/%2F/a%00b", {"type": "fanout"}),
                               ("POST", "/definitions", {"vhosts": [{"name": "a\0b"}]}),
                               ("POST", "/definitions", {"queues": [{"name": "q" * 256, "vhost": "/"}]}),
                               ("POST", "/definitions", {"parameters": [{"name": "n", "vhost": "/", "component": "a\0b", "value": 1}]})]:
        assert api(naru, method, path, body)[0] == 400, path
    naru.stop()
    naru.start()
    assert [vhost["name"] for vhost in api(naru, "GET", "/vhosts")[1]] == ["/"]
    naru.stop()


# -- signals and addresses -----------------------------------------------------------------

def test_a_terminal_that_is_closed_ends_nothing(naru):
    naru.process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert naru.is_running() and naru.get("/health")[0] == 200
    naru.stop()


def test_this_machine_is_this_machine_in_both_families(make_naru):
    port = free_port()
    naru = make_naru("--admin", f"[::]:{port}")
    naru.admin = port
    naru.start()
    wait_until(lambda: naru.get("/health")[0] == 200, "the admin port answers")
    assert api(naru, "GET", "/whoami")[0] == 200
    assert api(naru, "GET", "/whoami", host="[::1]")[0] == 200


# -- what programs read -----------------------------------------------------------------------

def test_rabbitmqs_dashboards_find_what_they_join_with(make_naru):
    naru = make_naru("--amqp", f"127.0.0.1:{free_port()}").start()
    name = 'a "cluster" of \\ one\nline'
    assert api(naru, "PUT", "/cluster-name", {"name": name})[0] == 204
    families = {family.name: family for family in text_string_to_metric_families(naru.get("/metrics")[1])}
    identity, = families["rabbitmq_identity_info"].samples
    assert identity.value == 1 and identity.labels["rabbitmq_cluster"] == name
    assert identity.labels["rabbitmq_node"] == "naru@localhost"
    assert re.fullmatch(r"[0-9a-f-]{36}", identity.labels["rabbitmq_cluster_permanent_id"])
    build, = families["rabbitmq_build_info"].samples
    assert build.labels["product_name"] == "naru" and build.labels["rabbitmq_version"]
    value = {family: families[family].samples[0].value for family in families if len(families[family].samples) == 1}
    assert value["rabbitmq_alarms_memory_used_watermark"] == value["rabbitmq_alarms_free_disk_space_watermark"] == 0
    assert value["rabbitmq_process_resident_memory_bytes"] > MIB
    assert value["rabbitmq_resident_memory_limit_bytes"] > value["rabbitmq_process_resident_memory_bytes"] / 4
    assert value["rabbitmq_disk_space_available_bytes"] > 0
    assert 0 < value["rabbitmq_process_open_fds"] < value["rabbitmq_process_max_fds"]
    naru.stop()


class Somebody(http.server.BaseHTTPRequestHandler):
    """Answers everything with 200 and a text."""
    text = b""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(self.text)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("text", [b"hello", b"{}", b"5", b""], ids=["text", "object", "number", "nothing"])
def test_ctl_says_that_it_is_no_naru(text):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Other", (Somebody,), {"text": text}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        commands = ["list_queues", "list_bindings", "list_users", "list_policies", "list_vhosts", "list_vhost_limits", "status",
                    "list_parameters", "list_user_limits"] + (["export_definitions"] if text != b"{}" else [])
        for command in commands:
            code, out, err = run("ctl", "--admin", f"127.0.0.1:{server.server_port}", command)
            assert (code, "is no naru" in err) == (69, True), (command, out, err)
        code, _, err = run("ctl", "--admin", f"127.0.0.1:{server.server_port}", "close_all_connections", "why")
        assert (code, "is no naru" in err) == (69, True), err
    finally:
        server.shutdown()
