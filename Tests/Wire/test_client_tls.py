"""The client commands over TLS, with certificates and tokens, and what they say when it goes wrong."""

import datetime
import ipaddress
import os
import re
import socket
import ssl
import threading

import grpc
import pytest
from cryptography import x509

import bridge
import raw
from bridge import eventually, start_host
from certificates import Authority, Certificate, self_signed
from commands import TIMEOUT, failure, output, run
from peers import Peer, each_call, grpcio_server
from stubs import pb, rpc


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def server(authority):
    return authority.server()


def serving(certificate, *more):
    return start_host("--tls-certificate", certificate.certificate_file,
                      "--tls-key", certificate.key_file, *more)


def trusting(authority):
    return "--tls-ca", str(authority.certificate_file)


def showing(client):
    return "--tls-certificate", str(client.certificate_file), "--tls-key", str(client.key_file)


@pytest.fixture(scope="module")
def tls_host(server):
    with serving(server) as host:
        yield host


# ---------------------------------------------------------------------------------------------
# What works


def test_every_command_over_mutual_tls_with_a_token(authority, server, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("# two\nfirst-token\nsecond-token\n")
    tokens.chmod(0o600)
    with serving(server, "--tls-client-ca", authority.certificate_file,
                 "--token-file", tokens) as host:
        access = (*trusting(authority), *showing(authority.client()), "--token-file", str(tokens))

        def told(command, *arguments):
            return output(host.target, command, *access, *arguments)

        assert told("ping", "hey").startswith("pong: hey (")
        assert told("set", "-s", "s", "t", "1", "--type", "integer") == "version 1\n"
        assert told("get", "-s", "s", "t") == "1\n"
        assert told("list", "-s", "s") == "t = 1  (integer, version 1)\n"
        assert told("execute", "-s", "s", "arithmetic", "a=1.5", "b=2") == "3.5\n"
        assert told("execute", "-s", "s", "countdown", "from=2", "--stream").startswith("2\n1\n")
        assert told("watch", "-s", "s", "--initial", "--count", "1").startswith("t = 1")
        assert '"t"' in told("export-session", "-s", "s")
        assert "s " in told("sessions")
        assert "variables: 1" in told("session", "-s", "s")
        assert told("delete", "-s", "s", "t") == ""
        assert told("end-session", "-s", "s")
        # Each alone is not enough.
        identity = (*trusting(authority), *showing(authority.client()))
        assert failure(host.target, "ping", *identity).startswith("UNAUTHENTICATED: ")
        assert failure(host.target, "ping", *trusting(authority), "--token-file",
                       str(tokens)).startswith("UNAVAILABLE: cannot connect to ")


def test_hosts_are_known_by_name_and_by_address(tls_host, authority):
    for address, *more in [
            (f"127.0.0.1:{tls_host.port}",), (f"localhost:{tls_host.port}",),
            (f"127.0.0.1:{tls_host.port}", "--tls-server-name", "localhost"),
            (f"localhost:{tls_host.port}", "--tls-server-name", "127.0.0.1")]:
        assert output(address, "ping", *trusting(authority), *more).startswith("pong: ")


def test_an_ipv6_address_is_a_name(authority, tmp_path):
    certificate = Certificate(tmp_path, "v6", authority, names=[
        x509.IPAddress(ipaddress.ip_address("::1"))])
    with serving(certificate, "--listen", "[::1]:0") as host:
        eventually(lambda: "serving" in host.stderr_text(), "the addresses are logged")
        address = "[::1]:" + re.search(r"\[::1\]:(\d+)", host.stderr_text()).group(1)
        assert output(address, "ping", *trusting(authority)).startswith("pong: ")
        assert "is for IP:0:0:0:0:0:0:0:1, not for IP:127.0.0.1" in failure(
            host.target, "ping", *trusting(authority))


def test_the_request_names_its_host_and_scheme(authority, server):
    """As a server sees it that is not ours."""
    seen = {}

    def body(calls, stream):
        seen.update(calls.headers_of(stream))
        calls.answer(stream, pb.PingResponse(message="there").SerializeToString())

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate_file, server.key_file)
    context.set_alpn_protocols(["h2"])
    names = []
    context.sni_callback = lambda connection, name, context: names.append(name)

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            assert secure.selected_alpn_protocol() == "h2"
            assert secure.version() == "TLSv1.3"
            each_call(body)(secure)

    with Peer(serve) as peer:
        assert output(peer.address, "ping", *trusting(authority)).startswith("there")
        assert (seen[":scheme"], seen[":authority"]) == ("https", peer.address)
        assert output(peer.address, "ping", *trusting(authority),
                      "--tls-server-name", "localhost").startswith("there")
        assert seen[":authority"] == "localhost"
    # An address is not indicated.
    assert names == [None, "localhost"]


@pytest.mark.parametrize("asks", [False, True], ids=["TLS", "mutual TLS"])
def test_grpcio_over_tls(authority, server, asks):
    credentials = grpc.ssl_server_credentials(
        [(server.key_pem, server.pem)], authority.pem if asks else None, asks)
    with grpcio_server(credentials=credentials) as service:
        access = (*trusting(authority), *(showing(authority.client()) if asks else ()))
        assert output(service.address, "ping", "hey", *access).startswith("pong: hey")
        assert output(service.address, "get", "v", *access) == "x" * 20_000_000 + "\n"
        assert len(output(service.address, "watch", *access).splitlines()) == 10_000
        if asks:
            assert "certificate" in failure(service.address, "ping", *trusting(authority))


# ---------------------------------------------------------------------------------------------
# What does not


def refusal(address, *options):
    """What stands after "cannot connect to ADDRESS: "."""
    line = failure(address, "ping", *options)
    start = f"UNAVAILABLE: cannot connect to {address}: "
    assert line.startswith(start), line
    return line.removeprefix(start)


def test_servers_that_are_not_trusted(tls_host, authority, stranger):
    untrusted = "the TLS handshake failed: the peer's certificate is not trusted: "
    assert refusal(tls_host.target, *trusting(stranger)) == (
        untrusted + "it does not come from an authority that is trusted here")
    # The authorities of the system.
    assert refusal(tls_host.target, "--tls").startswith(untrusted)
    for name in ["example.org", "local", "127.0.0.2", "client.test"]:
        assert refusal(tls_host.target, *trusting(authority), "--tls-server-name", name) == (
            "the TLS handshake failed: the peer's certificate is for DNS:localhost, IP:127.0.0.1, "
            f"not for {'IP:' if name[0] == '1' else ''}{name}")


@pytest.mark.parametrize("days, reason", [
    ((-9, -8), "it has expired"), ((8, 9), "it is not valid yet")], ids=["old", "new"])
def test_certificates_of_another_time(authority, days, reason):
    with serving(authority.server("other", days=days)) as host:
        assert refusal(host.target, *trusting(authority)).endswith(
            f"certificate is not trusted: {reason}")


@pytest.mark.parametrize("is_authority", [False, True])
@pytest.mark.parametrize("usage", [None, ["digital_signature"],
                                   ["digital_signature", "key_encipherment"], ["key_cert_sign",
                                   "digital_signature"]], ids=lambda usage: "-".join(usage or ["any"]))
def test_certificates_that_are_their_own_anchor(tmp_path, usage, is_authority):
    """Whatever such a certificate says of itself, it is the one that was named."""
    own = self_signed(tmp_path, "own", usage=usage, is_authority=is_authority)
    other = self_signed(tmp_path, "other", usage=usage, is_authority=is_authority)
    with serving(own, "--tls-client-ca", own.certificate_file) as host:
        assert output(host.target, "ping", *trusting(own), *showing(own))
        # grpcio's client sees it the same way.
        credentials = grpc.ssl_channel_credentials(own.pem, own.key_pem, own.pem)
        with grpc.secure_channel(f"localhost:{host.port}", credentials) as channel:
            rpc.BridgeServiceStub(channel).Ping(pb.PingRequest(), timeout=30)
        assert "not accept" in (text := refusal(host.target, *trusting(own), *showing(other))) or (
            "may refuse" in text)
        assert "not trusted" in refusal(host.target, *trusting(other), *showing(own))


def test_a_certificate_below_its_anchor_needs_no_root(tmp_path):
    """An authority in the middle is an anchor if it is named as one."""
    root = Authority(tmp_path, "root")
    middle = Authority(tmp_path, "middle", issuer=root)
    server = middle.server("below")
    with serving(server, "--tls-client-ca", middle.certificate_file) as host:
        assert output(
            host.target, "ping", *trusting(middle), *showing(middle.client("below-client")))
        # Who knows the root alone lacks what is between.
        assert "not trusted" in refusal(host.target, *trusting(root))


@pytest.mark.parametrize("which", ["certificate", "authority"])
def test_connections_end_with_what_vouches_for_them(authority, server, tmp_path, which):
    """Neither an open connection nor a TLS session lives longer than the client's certificate, or
    than what signed it."""
    end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=9)).replace(
        microsecond=0)
    if which == "certificate":
        vouching = authority
        client = authority.client("ending", until=end)
    else:
        vouching = Authority(tmp_path, "ending", until=end)
        client = vouching.client("of-ending")
    contexts = {}
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = contexts[version] = ssl.create_default_context(cafile=authority.certificate_file)
        context.load_cert_chain(client.certificate_file, client.key_file)
        context.set_alpn_protocols(["h2"])
        context.minimum_version = context.maximum_version = version

    def connect(context, session=None):
        """A connection that has heard the host's SETTINGS, or None."""
        plain = socket.create_connection(("127.0.0.1", host.port), 30)
        try:
            connection = context.wrap_socket(
                plain, server_hostname="localhost", session=session)
            connection.sendall(raw.PREFACE + raw.http2_frame(raw.SETTINGS))
            return connection if connection.recv(9) else None
        except OSError:
            plain.close()
            return None

    with serving(server, "--tls-client-ca", vouching.certificate_file) as host:
        connections = [connect(context) for context in contexts.values()]
        assert all(connections)
        sessions = [connection.session for connection in connections]
        assert all(connect(context, session) for context, session in zip(
            contexts.values(), sessions)), "a session is not resumed while it may be"
        # The connections are open until the end, and are closed soon after.
        for connection in connections:
            connection.settimeout(60)
            while connection.recv(4096):
                pass
            assert datetime.datetime.now(datetime.timezone.utc) > end
        for context, session in zip(contexts.values(), sessions):
            assert connect(context, session) is None
            assert connect(context) is None
        eventually(
            lambda: "the client's certificate has expired" in host.stderr_text(), "it is logged")


def test_clients_that_are_not_trusted(authority, server, stranger):
    """What the host says arrives after the handshake, unless the connection is gone first."""
    gone = "it may refuse the client's certificate, or the lack of one"
    with serving(server, "--tls-client-ca", authority.certificate_file) as host:
        for options, reason in [
                ((), "the peer asks for a certificate"),
                (showing(stranger.client()), "the peer does not accept the certificate"),
                (showing(authority.client("old", days=(-9, -8))),
                 "the peer does not accept the certificate")]:
            text = refusal(host.target, *trusting(authority), *options)
            assert reason in text or gone in text
        assert output(host.target, "ping", *trusting(authority), *showing(authority.client()))
        log = host.stderr_text()
        assert "not trusted: it has expired" in log
        assert "not trusted: it does not come from an authority" in log


def test_plaintext_and_tls_do_not_meet(tls_host, host, authority):
    assert refusal(host.target, *trusting(authority)).startswith(
        "the TLS handshake failed: the peer does not speak TLS")
    text = refusal(tls_host.target)
    assert "it speaks TLS, and was called without" in text or "before it spoke HTTP/2" in text


def test_a_plaintext_client_is_told_what_it_met():
    """What a TLS server says to plaintext, and nothing lost on the way."""
    alert = b"\x15\x03\x01\x00\x02\x02\x46"
    told = threading.Event()

    def serve(connection):
        connection.recv(65536)
        connection.sendall(alert)
        told.wait(TIMEOUT)

    with Peer(serve) as peer:
        try:
            text = refusal(peer.address, "--timeout", "20")
        finally:
            told.set()
    assert text.endswith("it speaks TLS, and was called without")


@pytest.mark.parametrize("protocols", [None, ["http/1.1"]], ids=["none", "http/1.1"])
def test_a_server_without_http2(authority, server, protocols):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate_file, server.key_file)
    if protocols:
        context.set_alpn_protocols(protocols)

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(1)

    with Peer(serve) as peer:
        assert "the peer does not offer h2 by ALPN" in refusal(peer.address, *trusting(authority))


@pytest.mark.parametrize("greeting", [
    b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", bytes(100), b"",
    b"\x15\x03\x01\x00\x02\x02\x28", os.urandom(1000)],
    ids=["HTTP", "SSH", "zeros", "nothing", "alert", "noise"])
def test_servers_of_something_else(authority, greeting):
    def serve(connection):
        connection.recv(65536)
        connection.sendall(greeting)
        connection.shutdown(socket.SHUT_WR)

    with Peer(serve) as peer:
        assert refusal(peer.address, *trusting(authority)).startswith("the TLS handshake failed: ")


def test_a_server_that_never_answers_the_handshake(authority):
    hang = threading.Event()
    with Peer(lambda connection: hang.wait(TIMEOUT)) as peer:
        try:
            # Its own time is ten seconds.
            assert refusal(peer.address, *trusting(authority)) == (
                "the TLS handshake failed: the handshake took too long")
            line = failure(peer.address, "ping", *trusting(authority), "--timeout", "0.5")
        finally:
            hang.set()
    assert line.startswith("DEADLINE_EXCEEDED: ") and peer.address in line


def test_wrong_files_are_one_clear_line(authority, server, stranger, tmp_path):
    """Before anything is sent: the address is one where nobody listens."""
    client = authority.client()
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    damaged = tmp_path / "damaged"
    damaged.write_bytes(client.pem.replace(b"\nMII", b"\n!!!", 1))
    encrypted = tmp_path / "encrypted"
    encrypted.write_bytes(client.encrypted_key())
    missing = tmp_path / "missing"
    pair = lambda certificate, key: ["--tls-certificate", certificate, "--tls-key", key]  # noqa: E731
    for options, words in [
            (["--tls-ca", missing], f"the authority file {missing} cannot be read: No such file"),
            (["--tls-ca", tmp_path], f"the authority file is not used: {tmp_path} is not a regular file"),
            (["--tls-ca", empty], "contains no certificate"),
            (["--tls-ca", client.key_file], "contains no certificate"),
            (["--tls-ca", damaged], "damaged"),
            (pair(missing, client.key_file), f"the certificate file {missing} cannot be read"),
            (pair(client.certificate_file, missing), f"the key file {missing} cannot be read"),
            (pair(client.certificate_file, tmp_path), "is not a regular file"),
            (pair(client.certificate_file, empty), "contains no private key"),
            (pair(client.certificate_file, encrypted), "is encrypted"),
            (pair(client.certificate_file, stranger.key_file), "does not belong to"),
            (["--tls-server-name", "two words"], "neither a host name nor an IP address"),
            (["--token-file", missing], f"the token file {missing} cannot be read"),
            (["--token-file", empty], "contains no token"),
            (["--token-file", client.key_file], "is not a token")]:
        for wait in [[], ["--wait"]]:
            line = failure("127.0.0.1:1", "ping", *map(str, options), *wait)
            assert words in line, (options, line)


def test_tokens(tmp_path, host):
    tokens = tmp_path / "tokens"
    tokens.write_text("right\n")
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong\n")
    with start_host("--token-file", tokens) as guarded:
        assert output(guarded.target, "ping", "--token-file", str(tokens)).startswith("pong: ")
        assert failure(guarded.target, "ping").startswith("UNAUTHENTICATED: ")
        line = failure(guarded.target, "ping", "--token-file", str(wrong))
        assert line.startswith("UNAUTHENTICATED: ") and "wrong" not in line
    # Who does not ask does not mind.
    assert output(host.target, "ping", "--token-file", str(tokens)).startswith("pong: ")


@pytest.mark.parametrize("address, options, part", [
    ("127.0.0.1:1", ["--tls-certificate", "x"], "--tls-key"),
    ("127.0.0.1:1", ["--tls-key", "x"], "--tls-certificate"),
    ("unix:/tmp/x", ["--tls"], "Unix sockets"),
    ("unix:/tmp/x", ["--tls-ca", "x"], "Unix sockets"),
    ("192.0.2.1:1", ["--token-file", "x"], "--insecure-remote"),
    ("example.org:1", ["--token-file", "x"], "--tls"),
    ("127.0.0.1:0", [], "port 0"), ("nonsense", [], "HOST:PORT"), ("::1:1", [], "brackets"),
    ("127.0.0.1:1", ["--compress-from", "-1"], "--compress-from")])
def test_options_that_make_no_sense(address, options, part):
    done = run(address, "ping", *options)
    assert done.returncode == 64
    assert done.stdout == ""
    assert part in done.stderr


def test_help_teaches():
    for command in ["ping", "get", "set", "watch", "execute", "sessions", "export-session"]:
        text = bridge.run_host(command, "--help").stdout
        for part in ["--tls", "--tls-ca", "--tls-certificate", "--tls-key", "--tls-server-name",
                     "--token-file", "--insecure-remote", "--compress-from", "127.0.0.1:50051",
                     "mutual TLS", "authorities"]:
            assert part in text, (command, part)
