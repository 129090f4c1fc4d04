"""Addresses, TLS and tokens: who reaches the server, over what, and who does not."""

import json
import os
import pathlib
import re
import socket
import ssl
import stat
import struct
import subprocess
import time

import grpc
import pytest

import bridge
import raw
from bridge import CALL_TIMEOUT, CODE, Host, eventually, refused, run_host, start_host, unique
from certificates import Authority
from stubs import pb, rpc

TEST_SERVER = bridge.HOST.resolve().parent / "GRPCTestServer"
PING = "/snakepit.bridge.BridgeService/Ping"


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


@pytest.fixture(scope="module")
def client(authority):
    return authority.client()


@pytest.fixture
def socket_path():
    """A short path: those of Unix sockets have at most 107 bytes."""
    path = pathlib.Path("/tmp") / unique("bh")
    yield path
    path.unlink(missing_ok=True)


def tls_options(certificate):
    return ["--tls-certificate", certificate.certificate_file, "--tls-key", certificate.key_file]


def channel(target, authority=None, client=None):
    """A connection of its own: TLS with an authority, mutual TLS with a client."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    if authority is None:
        return grpc.insecure_channel(target, options=options)
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(
        root_certificates=authority.pem, private_key=client and client.key_pem,
        certificate_chain=client and client.pem), options=options)


def ping(target, authority=None, client=None, token=None, timeout=CALL_TIMEOUT):
    with channel(target, authority, client) as connection:
        metadata = [("authorization", f"Bearer {token}")] if token else []
        return rpc.BridgeServiceStub(connection).Ping(
            pb.PingRequest(message="m"), timeout=timeout, metadata=metadata).message


# ---------------------------------------------------------------------------------------------
# TLS


def test_tls(authority, stranger, server):
    with start_host(*tls_options(server)) as host:
        assert ping(host.target, authority) == "pong: m"
        assert ping(f"localhost:{host.port}", authority) == "pong: m"
        with refused(CODE.UNAVAILABLE):
            ping(host.target, stranger)
        with refused(CODE.UNAVAILABLE):
            ping(host.target)
        assert ping(host.target, authority) == "pong: m"


def test_large_messages_and_many_calls_over_tls(authority, server):
    with start_host(*tls_options(server)) as host:
        with channel(host.target, authority) as connection:
            stub = rpc.BridgeServiceStub(connection)
            text = "x" * 500_000
            calls = [stub.Ping.future(pb.PingRequest(message=text), timeout=CALL_TIMEOUT)
                     for _ in range(4)]
            calls += [stub.Ping.future(pb.PingRequest(message=str(n)), timeout=CALL_TIMEOUT)
                      for n in range(500)]
            answers = [call.result().message for call in calls]
            assert answers == ["pong: " + text] * 4 + [f"pong: {n}" for n in range(500)]


def test_calls_in_flight_are_finished_over_tls(authority, server):
    with start_host(*tls_options(server)) as host:
        with channel(host.target, authority) as connection:
            session = bridge.Session(rpc.BridgeServiceStub(connection))
            stream = session.stream("countdown", **{"from": 5, "interval_ms": 50})
            numbers = [json.loads(next(stream).data)]
            host.terminate()
            numbers += [json.loads(chunk.data) for chunk in stream if not chunk.is_final]
            assert numbers == [5, 4, 3, 2, 1]
            assert host.wait() == 0


def test_a_peer_that_never_answers_does_not_hold_up_the_end(authority, server):
    with start_host(*tls_options(server), "--grace", "1") as host:
        with socket.create_connection(("127.0.0.1", host.port)) as plain, \
                socket.create_connection(("127.0.0.1", host.port)):
            # One has its handshake behind it, the other never begins.
            with client_context(authority, ["h2"]).wrap_socket(
                    plain, server_hostname="localhost") as connection:
                connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5))
                assert connection.recv(65536)
                host.terminate()
                assert host.wait() == 0


def test_mutual_tls(authority, stranger, server, client):
    with start_host(*tls_options(server), "--tls-client-ca", authority.certificate_file) as host:
        assert ping(host.target, authority, client) == "pong: m"
        with refused(CODE.UNAVAILABLE):
            ping(host.target, authority)
        with refused(CODE.UNAVAILABLE):
            ping(host.target, authority, stranger.client())
        with refused(CODE.UNAVAILABLE):
            ping(host.target, authority, authority.client("expired", days=(-9, -8)))
        assert ping(host.target, authority, client) == "pong: m"
        eventually(lambda: "showed no certificate" in host.stderr_text(), "it is logged")
        eventually(lambda: "not trusted" in host.stderr_text(), "it is logged")


@pytest.fixture
def mutual_server(authority, server):
    """The test server of the gRPC layer, whose handshakes may take one second."""
    process = subprocess.Popen(
        [TEST_SERVER, server.certificate_file, server.key_file, authority.certificate_file],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield int(re.match(r"GRPC_READY:(\d+)", process.stdout.readline()).group(1))
    process.stdin.close()
    assert process.wait(20) == 0


def test_handlers_see_who_calls(mutual_server, authority, client):
    with channel(f"127.0.0.1:{mutual_server}", authority, client) as connection:
        peer = connection.unary_unary("/test.Echo/Peer")(b"", timeout=20).decode()
    assert re.fullmatch(
        r"ipv4:127\.0\.0\.1:\d+ \(CN=client, DNS:client\.test, URI:spiffe://test/client, "
        r"IP:10\.1\.2\.3\)", peer)


def closes(connection, timeout=20):
    """Whether the server ends the connection."""
    connection.settimeout(timeout)
    try:
        while connection.recv(65536):
            pass
        return True
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_a_silent_handshake_ends(mutual_server):
    with socket.create_connection(("127.0.0.1", mutual_server)) as connection:
        assert closes(connection)
    with socket.create_connection(("127.0.0.1", mutual_server)) as connection:
        # The beginning of a record that never ends.
        connection.sendall(b"\x16\x03\x01\x02")
        assert closes(connection)


@pytest.mark.parametrize("opening", [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]),
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", bytes(100), os.urandom(1000)],
    ids=["HTTP/2", "HTTP/1.1", "zeros", "noise"])
def test_what_is_not_tls_is_closed_on_a_tls_port(authority, server, opening):
    with start_host(*tls_options(server)) as host:
        with socket.create_connection(("127.0.0.1", host.port)) as connection:
            connection.sendall(opening)
            # Far sooner than the ten seconds of a silent handshake.
            assert closes(connection, 8)
        assert ping(host.target, authority) == "pong: m"


def client_context(authority, protocols=None):
    context = ssl.create_default_context(cadata=authority.pem.decode())
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


@pytest.mark.parametrize("protocols", [None, ["http/1.1"], ["h3", "http/1.1"]])
def test_without_h2_by_alpn_the_connection_is_closed(authority, server, protocols):
    with start_host(*tls_options(server)) as host:
        context = client_context(authority, protocols)
        with socket.create_connection(("127.0.0.1", host.port)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                assert connection.selected_alpn_protocol() is None
                connection.settimeout(20)
                # The end of TLS, not of the socket alone: "closed cleanly".
                assert connection.recv(65536) == b""
        eventually(lambda: "ALPN" in host.stderr_text(), "the reason is logged")
        assert ping(host.target, authority) == "pong: m"


def test_old_tls_versions_are_refused(authority, server):
    with start_host(*tls_options(server)) as host:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = client_context(authority, ["h2"])
            context.minimum_version = context.maximum_version = version
            with socket.create_connection(("127.0.0.1", host.port)) as plain:
                with context.wrap_socket(plain, server_hostname="localhost") as connection:
                    assert connection.selected_alpn_protocol() == "h2"
        # A ClientHello of TLS 1.1, by hand: current libraries do not send one.
        body = b"\x03\x02" + bytes(32) + b"\x00" + b"\x00\x04\xc0\x13\x00\x2f" + b"\x01\x00"
        hello = b"\x01" + struct.pack(">I", len(body))[1:] + body
        with socket.create_connection(("127.0.0.1", host.port)) as connection:
            connection.sendall(b"\x16\x03\x01" + struct.pack(">H", len(hello)) + hello)
            connection.settimeout(20)
            alert = connection.recv(65536)
            # Alert, fatal, protocol_version (RFC 8446 section 6).
            assert alert[0] == 21 and alert[5:7] == bytes([2, 70])


def test_tls_on_a_plaintext_port(authority):
    with start_host() as host:
        with refused(CODE.UNAVAILABLE):
            ping(host.target, authority)
        with socket.create_connection(("127.0.0.1", host.port)) as plain:
            plain.settimeout(20)
            with pytest.raises((ssl.SSLError, OSError)):
                client_context(authority, ["h2"]).wrap_socket(plain, server_hostname="localhost")
        assert ping(host.target) == "pong: m"


def served_serial(port, authority):
    with socket.create_connection(("127.0.0.1", port)) as plain:
        with client_context(authority, ["h2"]).wrap_socket(
                plain, server_hostname="localhost") as connection:
            return int(connection.getpeercert()["serialNumber"], 16)


def test_certificates_are_replaced_while_connections_are_open(authority, tmp_path):
    first, second = authority.server("first"), authority.server("second")
    certificate, key = tmp_path / "tls.pem", tmp_path / "tls.key"

    def install(pem, key_pem):
        for path, content in [(certificate, pem), (key, key_pem)]:
            new = path.with_suffix(".new")
            new.write_bytes(content)
            new.rename(path)

    install(first.pem, first.key_pem)
    with start_host("--tls-certificate", certificate, "--tls-key", key) as host:
        with channel(host.target, authority) as connection:
            session = bridge.Session(rpc.BridgeServiceStub(connection))
            session.register("v", "integer", 0)
            watch = session.watch("v", initial=True)
            watch.until_synced()
            assert served_serial(host.port, authority) == first.certificate.serial_number

            # A file that is wrong changes nothing.
            install(second.pem, first.key_pem)
            eventually(lambda: "not reloaded" in host.stderr_text(), "the mistake is logged")
            eventually(lambda: "does not belong" in host.stderr_text(), "it is logged")
            assert served_serial(host.port, authority) == first.certificate.serial_number

            install(second.pem, second.key_pem)
            eventually(
                lambda: served_serial(host.port, authority) == second.certificate.serial_number,
                "the new certificate is shown")
            # The old connection and its stream live on.
            session.set("v", 1, "integer")
            assert watch.next_change().variable.version == 2
            watch.cancel()


# ---------------------------------------------------------------------------------------------
# Tokens


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "tokens"
    path.write_text("# of the tests\none-token\n\nsecond.token==\n")
    path.chmod(0o600)
    return path


def test_tokens(token_file):
    with start_host("--token-file", token_file) as host:
        assert ping(host.target, token="one-token") == "pong: m"
        assert ping(host.target, token="second.token==") == "pong: m"
        with refused(CODE.UNAUTHENTICATED, "authorization: Bearer TOKEN"):
            ping(host.target)
        for wrong in ["two-token", "one-toke", "one-token-", "One-token", "second.token", "#"]:
            with refused(CODE.UNAUTHENTICATED, "not a bearer token that this server knows"):
                ping(host.target, token=wrong)
        stub = host.stub()
        for metadata in [
                [("authorization", "one-token")], [("authorization", "Basic one-token")],
                [("authorization", "")], [("authorization", "Bearer")],
                [("authorization-bin", b"Bearer one-token")],
                [("x-authorization", "Bearer one-token")],
                [("authorization", "Bearer one-token"), ("authorization", "Bearer wrong")]]:
            with refused(CODE.UNAUTHENTICATED):
                stub.Ping(pb.PingRequest(), timeout=CALL_TIMEOUT, metadata=metadata)
        stub.Ping(pb.PingRequest(), timeout=CALL_TIMEOUT,
                  metadata=[("x", "y"), ("authorization", "bearer one-token")])


def test_without_a_token_nothing_is_told_and_nothing_kept(token_file):
    with start_host("--token-file", token_file) as host:
        stub = host.stub()
        with refused(CODE.UNAUTHENTICATED):
            next(stub.WatchVariables(
                pb.WatchVariablesRequest(session_id="s"), timeout=CALL_TIMEOUT))
        # Which methods exist is not told either.
        with refused(CODE.UNAUTHENTICATED):
            host.channel().unary_unary("/no.Service/Method")(b"", timeout=CALL_TIMEOUT)
        # The answer comes before any message does.
        connection = raw.Connection(host.port)
        answer = connection.answer(connection.open(PING))
        assert answer.grpc_status == "16"
        assert connection.call(
            PING, b"\0\0\0\0\0", {"authorization": "Bearer one-token"}).grpc_status == "0"
        connection.close()


def test_health_checks_need_no_token(token_file):
    with start_host("--token-file", token_file) as host:
        # The status SERVING, to a request for the whole server.
        serving = b"\x08\x01"
        health = "/grpc.health.v1.Health/"
        assert host.channel().unary_unary(health + "Check")(b"", timeout=CALL_TIMEOUT) == serving
        watch = host.channel().unary_stream(health + "Watch")(b"", timeout=CALL_TIMEOUT)
        assert next(watch) == serving
        watch.cancel()
        with refused(CODE.UNAUTHENTICATED):
            host.channel().unary_unary("/grpc.health.v1.Health/Others")(b"", timeout=CALL_TIMEOUT)


def test_tokens_are_replaced(token_file):
    with start_host("--token-file", token_file) as host:
        assert ping(host.target, token="one-token") == "pong: m"

        def admits(token):
            try:
                return ping(host.target, token=token) == "pong: m"
            except grpc.RpcError as error:
                assert error.code() == CODE.UNAUTHENTICATED
                return False

        # Whatever becomes of the file, a token that is not in it is not valid.
        token_file.write_text("a new-token\nsecond.token==\n")
        eventually(lambda: not admits("one-token"), "the old token is refused")
        eventually(lambda: "not reloaded" in host.stderr_text(), "it is logged")
        assert admits("second.token==")
        token_file.write_text("new-token\n")
        eventually(lambda: admits("new-token"), "the new token is accepted")
        assert not admits("second.token==")
        for remove in [lambda: token_file.write_text(""), token_file.unlink]:
            remove()
            eventually(lambda: not admits("new-token"), "nobody is let in")
            token_file.write_text("new-token\n")
            eventually(lambda: admits("new-token"), "the token is back")
        assert "one-token" not in host.stderr_text()
        assert "new-token" not in host.stderr_text()


def test_tokens_over_tls(authority, server, token_file):
    with start_host(*tls_options(server), "--token-file", token_file) as host:
        assert ping(host.target, authority, token="one-token") == "pong: m"
        with refused(CODE.UNAUTHENTICATED):
            ping(host.target, authority)


# ---------------------------------------------------------------------------------------------
# Unix sockets and several addresses


def test_a_unix_socket(socket_path):
    with start_host("--listen", f"unix:{socket_path}") as host:
        mode = socket_path.stat().st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
        assert ping(f"unix:{socket_path}") == "pong: m"
        assert ping(host.target) == "pong: m"
        with channel(f"unix:{socket_path}") as one, channel(host.target) as other:
            session = bridge.Session(rpc.BridgeServiceStub(one))
            session.register("v", "string", "x" * 1_000_000)
            same = session.through(rpc.BridgeServiceStub(other))
            assert len(bridge.value_of(same.get("v"))) == 1_000_000
    assert not socket_path.exists()


def serve_without_tcp(*options):
    """Starts a host whose first line of standard output may be anything."""
    process = subprocess.Popen(
        [str(bridge.HOST), "serve", *map(str, options)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, process.stdout.readline()


def test_a_unix_socket_alone(socket_path):
    process, line = serve_without_tcp("--listen", f"unix://{socket_path}")
    try:
        assert line == f"GRPC_READY:unix:{socket_path}\n"
        assert ping(f"unix:{socket_path}") == "pong: m"
        sockets = subprocess.run(
            ["ls", "-l", f"/proc/{process.pid}/fd"], capture_output=True, text=True).stdout
        assert "socket:" in sockets
        inodes = set(re.findall(r"socket:\[(\d+)\]", sockets))
        for table in ("tcp", "tcp6"):
            for row in pathlib.Path(f"/proc/{process.pid}/net/{table}").read_text().splitlines()[1:]:
                assert row.split()[9] not in inodes, "a TCP socket is open"
    finally:
        process.terminate()
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert out == ""
    assert not socket_path.exists()


def test_a_socket_that_a_server_left_behind_is_replaced(socket_path):
    first = Host("--listen", f"unix:{socket_path}")
    first.kill()
    assert socket_path.exists()
    with start_host("--listen", f"unix:{socket_path}"):
        assert ping(f"unix:{socket_path}") == "pong: m"
    assert not socket_path.exists()


def test_a_socket_in_use_is_not_taken(socket_path):
    with start_host("--listen", f"unix:{socket_path}"):
        run = run_host("serve", "--listen", f"unix:{socket_path}")
        assert run.returncode == 1
        assert run.stdout == ""
        assert "running server" in run.stderr and str(socket_path) in run.stderr
        assert ping(f"unix:{socket_path}") == "pong: m"


def test_a_successors_socket_is_left_alone(socket_path):
    with start_host("--listen", f"unix:{socket_path}") as first:
        socket_path.unlink()
        second = Host("--listen", f"unix:{socket_path}")
        try:
            first.terminate()
            assert first.wait() == 0
            assert ping(f"unix:{socket_path}") == "pong: m"
        finally:
            second.stop()
    assert not socket_path.exists()


@pytest.mark.parametrize("case, part", [
    ("file", "not a socket"), ("directory missing", "No such file"), ("long", "longer than")])
def test_socket_paths_that_cannot_be(tmp_path, socket_path, case, part):
    path = socket_path
    if case == "file":
        path.write_text("precious")
    elif case == "directory missing":
        path = socket_path / "missing" / "socket"
    else:
        path = f"/tmp/{'x' * 200}"
    run = run_host("serve", "--listen", "127.0.0.1:0", "--listen", f"unix:{path}")
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1, run.stderr
    assert part in run.stderr and str(path) in run.stderr
    if case == "file":
        assert path.read_text() == "precious"


def test_a_host_without_an_address_is_one_clear_line():
    run = run_host("serve", "--insecure-remote", "--listen", "nosuch.invalid:50051")
    assert run.returncode == 1
    assert run.stderr == (
        "bridge-host: cannot listen on nosuch.invalid:50051: the name has no address\n")


def test_nothing_is_left_when_a_later_address_fails(socket_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = run_host("serve", "--listen", f"unix:{socket_path}", "--listen", f"127.0.0.1:{port}")
    assert run.returncode == 1
    assert run.stdout == ""
    assert f"127.0.0.1:{port}" in run.stderr
    assert not socket_path.exists()


def test_several_addresses_with_and_without_tls(authority, server, socket_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", 0))
        port = probe.getsockname()[1]
    with start_host(
            "--listen", f"unix:{socket_path}", "--listen", f"127.0.0.2:{port}",
            "--listen", "[::1]:0", *tls_options(server)) as host:
        # --host and --port, which the helper gives, make the first TCP address.
        assert ping(host.target, authority) == "pong: m"
        assert ping(f"unix:{socket_path}") == "pong: m"
        eventually(lambda: " serving " in host.stderr_text(), "it serves")
        log = host.stderr_text()
        v6 = re.search(r"\[::1\]:(\d+)", log).group(1)
        for address in [("127.0.0.2", port), ("::1", int(v6))]:
            with socket.create_connection(address) as plain:
                with client_context(authority, ["h2"]).wrap_socket(
                        plain, server_hostname="localhost") as connection:
                    assert connection.selected_alpn_protocol() == "h2"


def test_the_ready_line_has_the_first_tcp_port(socket_path):
    process, line = serve_without_tcp(
        "--listen", f"unix:{socket_path}", "--listen", "[::1]:0", "--listen", "127.0.0.1:0")
    try:
        port = int(re.fullmatch(r"GRPC_READY:(\d+)\n", line).group(1))
        assert ping(f"[::1]:{port}") == "pong: m"
        assert ping(f"unix:{socket_path}") == "pong: m"
    finally:
        process.terminate()
        process.communicate(timeout=20)


# ---------------------------------------------------------------------------------------------
# The command line


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "some.host:50051"])
def test_remote_addresses_need_protection(address, server, authority, token_file):
    listen = ["serve", "--listen", address]
    for options, parts in [
            ([], ["--tls-certificate", "--tls-client-ca or --token-file", "--insecure-remote"]),
            (["--token-file", token_file], ["--tls-certificate", "--insecure-remote"]),
            (tls_options(server), ["--tls-client-ca or --token-file", "--insecure-remote"])]:
        run = run_host(*listen, *options)
        assert run.returncode == 64
        assert run.stdout == ""
        for part in [address.rsplit(":", 1)[0], *parts]:
            assert part in run.stderr
    assert "--tls-certificate" not in re.search(r"it needs (.*?), or", run.stderr).group(1)


def test_remote_addresses_with_host_and_port_need_protection():
    run = run_host("serve", "--host", "0.0.0.0", "--port", "0")
    assert run.returncode == 64
    assert "--insecure-remote" in run.stderr


@pytest.mark.parametrize("protection", ["tokens", "client CA", "insistence"])
def test_protected_remote_addresses_are_served(
        protection, server, authority, client, token_file):
    options = {
        "tokens": [*tls_options(server), "--token-file", token_file],
        "client CA": [*tls_options(server), "--tls-client-ca", authority.certificate_file],
        "insistence": ["--insecure-remote"]}[protection]
    process, line = serve_without_tcp("--listen", "0.0.0.0:0", *options)
    try:
        target = "127.0.0.1:" + re.fullmatch(r"GRPC_READY:(\d+)\n", line).group(1)
        assert {
            "tokens": lambda: ping(target, authority, token="one-token"),
            "client CA": lambda: ping(target, authority, client),
            "insistence": lambda: ping(target)}[protection]() == "pong: m"
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.parametrize("arguments, part", [
    (["--listen", "50051"], "HOST:PORT"), (["--listen", "::1:50051"], "brackets"),
    (["--listen", "unix:"], "path"), (["--listen", "127.0.0.1:70000"], "HOST:PORT"),
    (["--listen", "127.0.0.1:50051", "--listen", "127.0.0.1:50051"], "twice"),
    (["--tls-certificate", "x"], "--tls-key"), (["--tls-key", "x"], "--tls-certificate"),
    (["--tls-client-ca", "x"], "--tls-certificate"),
    (["--listen", "unix:/tmp/x", "--tls-certificate", "x", "--tls-key", "y"], "TCP")])
def test_options_that_make_no_sense(arguments, part):
    run = run_host("serve", *arguments)
    assert run.returncode == 64
    assert run.stdout == ""
    assert part in run.stderr


def wrong_files(directory, server, authority, stranger):
    """(options, words of the error) for each file that cannot be used."""
    def path(name, content=None, mode=0o600):
        file = directory / name
        if content is not None:
            file.write_bytes(content)
            file.chmod(mode)
        return file

    good, key = server.certificate_file, server.key_file
    damaged = server.pem.replace(b"\nMII", b"\n!!!", 1)
    tls = lambda certificate, key, *more: [  # noqa: E731
        "--tls-certificate", certificate, "--tls-key", key, *more]
    ca = lambda file: tls(good, key, "--tls-client-ca", file)  # noqa: E731
    return {
        "certificate missing": (tls(path("no.pem"), key), ["certificate file", "No such file"]),
        "certificate is a directory": (tls(directory, key), ["certificate file", "is not a regular file"]),
        "certificate not PEM": (tls(path("a", b"\x30\x82"), key), ["no certificate in PEM"]),
        "certificate empty": (tls(path("b", b""), key), ["no certificate in PEM"]),
        "certificate damaged": (tls(path("c", damaged), key), ["damaged"]),
        "certificate is a key": (tls(key, key), ["no certificate in PEM"]),
        "key missing": (tls(good, path("no.key")), ["key file", "No such file"]),
        "key not PEM": (tls(good, path("d", b"hello")), ["no private key in PEM"]),
        "key empty": (tls(good, path("e", b"")), ["no private key in PEM"]),
        "key damaged": (
            tls(good, path("f", server.key_pem.replace(b"M", b"!", 3))), ["damaged"]),
        "key encrypted": (tls(good, path("g", server.encrypted_key())), ["encrypted", "openssl"]),
        "key of another": (tls(good, stranger.key_file), ["does not belong"]),
        "CA missing": (ca(path("no.ca")), ["client authority file", "No such file"]),
        "CA empty": (ca(path("h", b"")), ["client authority file", "no certificate"]),
        "tokens missing": (["--token-file", path("no.txt")], ["token file", "No such file"]),
        "tokens empty": (["--token-file", path("i", b"\n# none\n")], ["no token"]),
        "tokens wrong": (["--token-file", path("j", b"a\nb c\n")], ["line 2", "not a token"]),
        "tokens huge": (["--token-file", path("k", bytes(2 << 20))], ["larger than"]),
        **({} if os.geteuid() == 0 else {
            "key unreadable": (
                tls(good, path("l", server.key_pem, 0)), ["key file", "Permission denied"])}),
    }


def test_wrong_files_are_one_clear_line(tmp_path, server, authority, stranger):
    cases = wrong_files(tmp_path, server, authority, stranger)
    for name, (options, parts) in cases.items():
        run = run_host("serve", *options)
        assert run.returncode == 1, name
        assert run.stdout == "", name
        assert run.stderr.startswith("bridge-host: "), (name, run.stderr)
        assert run.stderr.count("\n") == 1, (name, run.stderr)
        for part in parts:
            assert part in run.stderr, (name, run.stderr)
    assert len(cases) >= 18


def test_an_expired_certificate_and_open_secrets_are_warned_of(authority, tmp_path, token_file):
    old = authority.server("old", days=(-9, -8))
    old.key_file.chmod(0o644)
    token_file.chmod(0o644)
    with start_host(*tls_options(old), "--token-file", token_file) as host:
        eventually(lambda: " serving " in host.stderr_text(), "it serves")
        log = host.stderr_text()
        assert "has expired" in log
        assert "every user can read the key" in log
        assert "every user can read the tokens" in log


def test_help_teaches():
    text = run_host("serve", "--help").stdout
    for part in ["--listen", "unix:/run/bridge.sock", "--tls-certificate", "--tls-key",
                 "--tls-client-ca", "--token-file", "authorization: Bearer", "--insecure-remote",
                 "--host", "--port"]:
        assert part in text


# ---------------------------------------------------------------------------------------------
# What TLS must not cost when it is off


def test_foundation_is_not_loaded(authority, server):
    with start_host(*tls_options(server)) as host:
        assert ping(host.target, authority) == "pong: m"
        maps = pathlib.Path(f"/proc/{host.process.pid}/maps").read_text()
        # FoundationEssentials, which ArgumentParser uses, is small; Foundation brings ICU.
        assert not re.search(r"libFoundation\.so|libFoundationInternationalization|ICU", maps)
        assert "libnghttp2" in maps


def threads(host):
    return sorted(
        path.read_text().strip()
        for path in pathlib.Path(f"/proc/{host.process.pid}/task").glob("*/comm"))


def test_files_are_watched_only_when_there_are_any(authority, server):
    """The threads that look at files are there with TLS, and not without."""
    def watching(host):
        return [name for name in threads(host) if name.startswith("SGLTN-TP")]

    with start_host(*tls_options(server)) as host:
        eventually(lambda: watching(host), "files are watched")
    with start_host() as host:
        time.sleep(2)
        assert ping(host.target) == "pong: m"
        assert watching(host) == []
