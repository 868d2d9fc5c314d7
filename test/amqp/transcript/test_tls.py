"""AMQP over TLS, and EXTERNAL: who shows a certificate needs no password. Certificates are made by the test."""
import json
import socket
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest
import wire
from broker import PEER, Broker, free_ports, wait_until
from client import Connection


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)


def certificate(folder, name, subject, issuer=None):
    """A key and a certificate of 30 days, signed by the issuer or by itself."""
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
    signed_by = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"] if issuer else ["-signkey", f"{name}.key"]
    (folder / "ext").write_text("basicConstraints=CA:TRUE\n" if issuer is None else "subjectAltName=IP:127.0.0.1\n")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", "-days", "30", "-extfile", "ext", *signed_by)


@pytest.fixture(scope="module")
def secure_broker(tmp_path_factory):
    """A broker with a TLS listener that asks for certificates; (broker, address, folder of certificates)."""
    folder = tmp_path_factory.mktemp("tls")
    certificate(folder, "ca", "/CN=naru test authority")
    certificate(folder, "server", "/CN=127.0.0.1", "ca")
    certificate(folder, "guest", "/CN=guest", "ca")
    certificate(folder, "stranger", "/CN=who is that", "ca")
    port = free_ports(1)
    with pytest.MonkeyPatch.context() as patch:
        if PEER == "rabbitmq":
            patch.setenv("RABBITMQ_CONF", "\n".join((
                f"listeners.ssl.default = 127.0.0.1:{port}", f"ssl_options.cacertfile = {folder}/ca.pem",
                f"ssl_options.certfile = {folder}/server.pem", f"ssl_options.keyfile = {folder}/server.key",
                "ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = false", "ssl_cert_login_from = common_name",
                "auth_mechanisms.1 = EXTERNAL", "auth_mechanisms.2 = PLAIN", "auth_mechanisms.3 = AMQPLAIN")))
            patch.setenv("NARU_TEST_MORE_PLUGINS", ",rabbitmq_auth_mechanism_ssl")
        else:
            patch.setenv("NARU_ARGS", f"--amqps 127.0.0.1:{port} --tls-cert {folder}/server.pem --tls-key {folder}/server.key "
                         f"--tls-ca {folder}/ca.pem")
        broker = Broker(tmp_path_factory.mktemp("tls-broker"))
        if broker.process is None:
            pytest.skip("the broker is not ours to configure")
        yield broker, f"127.0.0.1:{port}", folder
        broker.stop()


@pytest.fixture
def tls(secure_broker):
    return secure_broker[1:]


def secure(tls, name=None, handshake=True, **options):
    address, folder = tls
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if name:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    connection = Connection(address, handshake=False)
    connection.socket = context.wrap_socket(connection.socket, server_hostname="127.0.0.1")
    if handshake:
        connection.start(**options)
    return connection


def test_plain_over_tls(tls):
    with secure(tls) as connection:
        channel = connection.channel()
        channel.declare("over-tls", exclusive=True)
        body = bytes(range(256)) * 4000
        channel.publish("", "over-tls", body)
        assert channel.get("over-tls").body == body


def test_the_management_api_tells_what_is_secure(secure_broker, tls):
    broker, address, _ = secure_broker

    def ask(path):
        request = urllib.request.Request(f"http://127.0.0.1:{broker.management_port}/api/{path}",
                                         headers={"Authorization": "Basic Z3Vlc3Q6Z3Vlc3Q="})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    listeners = {listener["protocol"]: listener["port"] for listener in ask("overview")["listeners"]}
    assert listeners["amqp"] == broker.port and listeners["amqp/ssl"] == int(address.rsplit(":", 1)[1])
    assert listeners["http"] == broker.management_port
    assert ask("health/checks/protocol-listener/amqp%2Fssl")["status"] == "ok"
    assert ask(f"health/checks/port-listener/{listeners['amqp/ssl']}")["status"] == "ok"
    assert ask("health/checks/certificate-expiration/1/weeks")["status"] == "ok"
    with pytest.raises(urllib.error.HTTPError) as ending:  # it is one of 30 days
        ask("health/checks/certificate-expiration/2/months")
    assert ending.value.code == 503
    with secure(tls, "guest", mechanism="EXTERNAL", response=""), Connection(broker.address):
        def both():  # the original gathers them every five seconds
            return {one["ssl"]: one for one in ask("connections") if "ssl" in one}.keys() == {True, False}
        wait_until(both, "both connections are listed")
        found = {one["ssl"]: one for one in ask("connections")}
        assert found[True]["port"] == listeners["amqp/ssl"] and found[False]["port"] == broker.port
        assert found[True]["ssl_protocol"] == "tlsv1.3" and "CN=guest" in found[True]["peer_cert_subject"]
        assert found[True]["auth_mechanism"] == "EXTERNAL"


def test_external_with_a_certificate(tls):
    with secure(tls, "guest", mechanism="EXTERNAL", response="") as connection:
        assert connection.is_open()


@pytest.mark.parametrize("name", ["stranger", None])
def test_external_refused(tls, name):
    with secure(tls, name, handshake=False) as connection:
        connection.raw(wire.PROTOCOL_HEADER)
        connection.next("connection.start")
        connection.send("connection.start_ok", client_properties={"capabilities": {"authentication_failure_close": True}},
                        mechanism="EXTERNAL", response="", locale="en_US")
        connection.expect_error(403, "Login was refused using authentication mechanism EXTERNAL. For details see the broker logfile.", "")


def test_plain_text_on_the_tls_port(tls):
    address, _ = tls
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), 60) as plain:
        plain.sendall(wire.PROTOCOL_HEADER)
        try:
            answer = plain.recv(100)
        except ConnectionResetError:
            answer = b""
        assert not answer.startswith((b"AMQP", b"\1"))  # an alert or nothing


def test_the_certificate_is_checked_by_the_client(tls):
    address, _ = tls
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), 60) as plain, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def test_handshakes_that_do_not_end_harm_nobody(tls):
    """Half of a hello on a hundred connections: others come in as before, and the halves are cut off."""
    address, _ = tls
    host, port = address.split(":")
    halves = []
    for n in range(100):
        half = socket.create_connection((host, int(port)), 60)
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[:n % 12])
        halves.append(half)
    with secure(tls) as connection:
        assert connection.is_open()
    for half in halves:
        half.settimeout(60)
        try:
            while half.recv(100):
                pass  # an alert
        except ConnectionResetError:
            pass
        half.close()


@pytest.mark.parametrize("junk", [b"\0" * 1000, b"\x16\x03\x01\xff\xff" + b"\x01" * 70000, b"GET / HTTP/1.1\r\n\r\n"])
def test_junk_instead_of_a_handshake(tls, junk):
    address, _ = tls
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), 60) as plain:
        try:
            plain.sendall(junk)
            while plain.recv(1000):
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass
    with secure(tls) as connection:
        assert connection.is_open()


def test_many_messages_both_ways(tls):
    """More than fits into any buffer on the way, in pieces of all sizes."""
    with secure(tls) as connection:
        channel = connection.channel()
        channel.declare("tls-many", exclusive=True)
        channel.confirms()
        sizes = [(n * n * 31) % 40_000 for n in range(300)]
        for n, size in enumerate(sizes):
            channel.publish("", "tls-many", bytes([n % 256]) * size)
        assert set(channel.confirmed().values()) == {"ack"}
        channel.consume("tls-many", no_ack=True)
        for n, size in enumerate(sizes):
            assert channel.deliver().body == bytes([n % 256]) * size
