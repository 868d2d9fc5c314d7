"""The management API as clients see it: one broker, an administrator, names that no other test has."""
import base64
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
from broker import ANY_COMMAND, PEER

naru_only = pytest.mark.skipif(PEER == "rabbitmq", reason="naru's own")

MESSAGE = {"routing_key": "q", "payload": "m", "payload_encoding": "string", "properties": {}}
LOOK = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}


def quote(name):
    return urllib.parse.quote(name, safe="")


class Api:
    def __init__(self, broker, user="guest", password="guest"):
        self.port, self.user, self.password = broker.management_port, user, password

    def __call__(self, method, path, body=None, headers=None):
        """(status, JSON or None)"""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if self.user:
            request.add_header("Authorization", "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode())
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, text.decode()

    def made(self, path, body, content_type="application/json"):
        """(status, the header Location) of a POST"""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api{path}", content, {
            "Content-Type": content_type,
            "Authorization": "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers.get("Location")

    def get(self, path):
        status, body = self("GET", path)
        assert status == 200, (path, status, body)
        return body

    def put(self, path, body=None):
        status, answer = self("PUT", path, body or {})
        assert status in (201, 204), (path, status, answer)
        return status

    def post(self, path, body):
        status, answer = self("POST", path, body)
        assert status in (200, 201, 204), (path, status, answer)
        return answer

    def delete(self, path):
        status, answer = self("DELETE", path)
        assert status == 204, (path, status, answer)


def publish(api, vhost, key, payload, exchange="amq.default", **properties):
    return api.post(f"/exchanges/{vhost}/{exchange}/publish",
                    {"routing_key": key, "payload": payload, "payload_encoding": "string", "properties": properties})


def get(api, vhost, queue, count=1, ackmode="ack_requeue_true", **more):
    return api.post(f"/queues/{vhost}/{queue}/get", {"count": count, "ackmode": ackmode, "encoding": "auto", **more})


@pytest.fixture
def api(broker):
    return Api(broker)


@pytest.fixture
def as_user(broker):
    return lambda user, password=None: Api(broker, user, password or user)


@pytest.fixture
def vhost(api, names):
    """A virtual host of the test's own."""
    api.put(f"/vhosts/{quote(names)}")
    yield names
    api("DELETE", f"/vhosts/{quote(names)}")


@pytest.fixture
def user(api, names):
    """Makes users that go with the test."""
    made = []

    def make(tags, permissions=None):
        name = f"{names}_{len(made)}"
        api.put(f"/users/{name}", {"password": name, "tags": tags})
        made.append(name)
        for where, patterns in (permissions or {}).items():
            api.put(f"/permissions/{quote(where)}/{name}", dict(zip(("configure", "write", "read"), patterns)))
        return name
    yield make
    for name in made:
        api("DELETE", f"/users/{name}")


@pytest.fixture
def admin(broker, tmp_path):
    """rabbitmqadmin, as Debian ships it."""
    def run(*words, vhost="/", check=True, stdin=""):
        command = [*ANY_COMMAND, "admin", "-H", "127.0.0.1", "-P", str(broker.management_port), "-V", vhost,
                   "-u", "guest", "-p", "guest", *words]
        done = subprocess.run(command, capture_output=True, timeout=120, check=False, text=True, input=stdin, cwd=tmp_path)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout if check else done
    return run
