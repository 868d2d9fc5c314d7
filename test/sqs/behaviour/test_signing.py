"""Signatures (AWS Signature Version 4), in headers and presigned, with the SDK's own signer; who has to sign, and what is refused."""
import datetime
import hashlib

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from broker import PEER, Broker
from queues import Sqs
from wire import Client, encode

pytestmark = pytest.mark.skipif(PEER != "naru", reason="no look-alike verifies anything")
KEY, SECRET = "ann", "s3cr3t/with+chars="


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A broker with a user who has an access secret: from then on everybody signs."""
    broker = Broker(tmp_path_factory.mktemp("guarded"))
    if not broker.is_ours:
        pytest.skip("the broker is not ours")
    broker.ctl("add_user", KEY, "password")
    broker.ctl("set_permissions", "-p", "/", KEY, ".*", ".*", ".*")
    broker.ctl("set_access_secret", KEY, SECRET)
    yield broker
    broker.stop()


def signed(broker, protocol, action, parameters, key=KEY, secret=SECRET, token=None, region="eu-west-1", service="sqs", path="/", change=None, clock=None):
    """The answer to a signed request. `change` may spoil the headers after signing; `clock` signs at another time."""
    headers, body = encode(protocol, action, parameters)
    request = AWSRequest("POST", f"http://{broker.address}{path}", headers=headers, data=body)
    with_clock(clock, lambda: SigV4Auth(Credentials(key, secret, token), service, region).add_auth(request))
    headers = dict(request.headers.items())
    if change:
        headers, body = change(headers, body)
    with Client(broker.address, protocol) as client:
        return client.raw("POST", path, headers, body, action, protocol)


def with_clock(offset, work):
    """botocore takes the time from this module's datetime."""
    import botocore.auth as module
    if offset is None:
        return work()

    class Shifted(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + offset

        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.now(tz) + offset
    kept_datetime = getattr(module, "datetime")
    kept_now = getattr(module, "get_current_datetime", None)
    try:
        if kept_now:
            module.get_current_datetime = lambda remove_tzinfo=True: Shifted.utcnow() if remove_tzinfo else Shifted.now(datetime.timezone.utc)
        else:
            module.datetime = type("module", (), {"datetime": Shifted})
        return work()
    finally:
        module.datetime = kept_datetime
        if kept_now:
            module.get_current_datetime = kept_now


def presigned(broker, path, fields, expires=60, clock=None):
    query = "&".join(f"{name}={value}" for name, value in fields.items())
    request = AWSRequest("GET", f"http://{broker.address}{path}?{query}")
    with_clock(clock, lambda: SigV4QueryAuth(Credentials(KEY, SECRET), "sqs", "us-east-1", expires=expires).add_auth(request))
    target = request.url.split(broker.address, 1)[1]
    with Client(broker.address, "query") as client:
        return client.raw("GET", target, {}, None, fields["Action"], "query")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "elsewhere"])
def test_a_good_signature(guarded, protocol, region):
    assert signed(guarded, protocol, "ListQueues", {}, region=region).ok


def test_bodies_are_signed(guarded, protocol, name):
    url = signed(guarded, protocol, "CreateQueue", {"QueueName": name}).result["QueueUrl"]
    assert signed(guarded, protocol, "SendMessage", {"QueueUrl": url, "MessageBody": "ä & 日本"}).ok
    assert signed(guarded, protocol, "ReceiveMessage", {"QueueUrl": url}).result["Messages"][0]["Body"] == "ä & 日本"
    changed = signed(guarded, protocol, "SendMessage", {"QueueUrl": url, "MessageBody": "b"}, change=lambda h, b: (h, b[:-1] + b"x"))
    assert changed.status == 403


def test_a_session_token_is_a_signed_header(guarded, protocol):
    assert signed(guarded, protocol, "ListQueues", {}, token="a-token").ok
    assert signed(guarded, protocol, "ListQueues", {}, token="a", change=lambda h, b: ({**h, "X-Amz-Security-Token": "b"}, b)).status == 403


@pytest.mark.parametrize("path", ["/000000000000/q", "/a%20b/q", "/queue/us-east-1/000000000000/q"])
def test_paths_are_signed(guarded, protocol, path):
    assert signed(guarded, protocol, "ListQueues", {}, path=path).ok


def code(answer):
    assert not answer.ok, answer
    return answer.error[0]


def test_what_is_refused(guarded, protocol):
    def spoil(header, old, new):
        return lambda headers, body: ({**headers, header: headers[header].replace(old, new)}, body)
    assert code(signed(guarded, protocol, "ListQueues", {}, secret="wrong")) == "SignatureDoesNotMatch"
    assert code(signed(guarded, protocol, "ListQueues", {}, key="nobody")) == "InvalidClientTokenId"
    # A user who has no access secret cannot sign.
    assert code(signed(guarded, protocol, "ListQueues", {}, key="guest", secret="guest")) == "InvalidClientTokenId"
    with Client(guarded.address, protocol) as client:
        answer = client.call("ListQueues")
    assert answer.status == 403 and code(answer) == "MissingAuthenticationToken"
    for header, old, new in (("Authorization", "Signature=", "Signatur="), ("Authorization", "SignedHeaders=", "S="), ("Authorization", "Credential=", "C=")):
        assert code(signed(guarded, protocol, "ListQueues", {}, change=spoil(header, old, new))) == "IncompleteSignature"
    assert signed(guarded, protocol, "ListQueues", {}, service="s3").status in (400, 403)
    assert signed(guarded, protocol, "ListQueues", {}, change=lambda h, b: ({**h, "Authorization": "Basic YTpi"}, b)).status in (400, 403)
    assert signed(guarded, protocol, "ListQueues", {}, change=lambda h, b: ({k: v for k, v in h.items() if k != "X-Amz-Date"}, b)).status in (400, 403)


@pytest.mark.parametrize("minutes, good", [(-14, True), (14, True), (-16, False), (16, False), (-600, False)])
def test_clocks(guarded, protocol, minutes, good):
    answer = signed(guarded, protocol, "ListQueues", {}, clock=datetime.timedelta(minutes=minutes))
    assert answer.ok if good else answer.status == 403


def test_presigned(guarded, name):
    url = signed(guarded, "json", "CreateQueue", {"QueueName": name}).result["QueueUrl"]
    path = "/" + url.split("/", 3)[3]
    assert presigned(guarded, path, {"Action": "SendMessage", "MessageBody": "a%20b%2Bc"}).result["MD5OfMessageBody"] == hashlib.md5(b"a b+c").hexdigest()
    assert presigned(guarded, path, {"Action": "ReceiveMessage", "Version": "2012-11-05"}).result["Messages"][0]["Body"] == "a b+c"
    assert presigned(guarded, path, {"Action": "ReceiveMessage"}, expires=60, clock=datetime.timedelta(minutes=-10)).status == 403
    assert presigned(guarded, path, {"Action": "ReceiveMessage"}, expires=3600, clock=datetime.timedelta(minutes=-10)).ok


def test_a_secret_that_is_taken_away(tmp_path):
    broker = Broker(tmp_path)
    if not broker.is_ours:
        pytest.skip("the broker is not ours")
    with Client(broker.address) as client:
        assert client.call("ListQueues").ok, "nobody signs while no user has a secret"
        broker.ctl("set_access_secret", "guest", "one")
        assert client.call("ListQueues").status == 403
        assert signed(broker, "json", "ListQueues", {}, key="guest", secret="one").ok
        broker.kill()
        broker.start()
    assert signed(broker, "json", "ListQueues", {}, key="guest", secret="one").ok
    broker.ctl("set_access_secret", "guest", "two")
    assert signed(broker, "json", "ListQueues", {}, key="guest", secret="one").status == 403
    assert signed(broker, "json", "ListQueues", {}, key="guest", secret="two").ok
    broker.ctl("clear_access_secret", "guest")
    with Client(broker.address) as client:
        assert client.call("ListQueues").ok
        Sqs(client).create("q")
    broker.stop()


def test_permissions_of_users(guarded, protocol):
    """The access key is a user of all protocols, with his permissions."""
    guarded.ctl("add_user", "reader", "password") if "reader" not in guarded.ctl("-q", "list_users") else None
    guarded.ctl("set_permissions", "-p", "/", "reader", "^$", "^$", "^orders")
    guarded.ctl("set_access_secret", "reader", "r")
    for queue in ("orders", "private"):
        signed(guarded, protocol, "CreateQueue", {"QueueName": queue})

    def as_reader(action, queue, **more):
        return signed(guarded, protocol, action, {"QueueUrl": f"http://{guarded.address}/000000000000/{queue}", **more}, key="reader", secret="r")
    assert as_reader("ReceiveMessage", "orders").ok
    assert as_reader("ReceiveMessage", "private").status == 403
    assert as_reader("SendMessage", "orders", MessageBody="b").status == 403
    assert signed(guarded, protocol, "CreateQueue", {"QueueName": "orders-2"}, key="reader", secret="r").status == 403


def test_it_can_be_required_or_off(tmp_path):
    broker = Broker(tmp_path, "--sqs-auth", "required")
    if not broker.is_ours:
        pytest.skip("the broker is not ours")
    with Client(broker.address) as client:
        assert client.call("ListQueues").status == 403
    broker.kill()
    broker.flags[-1] = "off"
    broker.start()
    broker.ctl("set_access_secret", "guest", "one")
    with Client(broker.address) as client:
        assert client.call("ListQueues").ok
    broker.stop()
