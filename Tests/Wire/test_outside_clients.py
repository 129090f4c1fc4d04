"""Every client that is not ours against every transport, and ours beside them.

What a client cannot do is in CANNOT with the reason, and that reason is checked: when a new version
of the client can, the test fails, and the entry has to go.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import grpc
import pytest

import bridge
from bridge import CALL_TIMEOUT, start_host, unique
from certificates import Authority
from stubs import PROTOS, REPOSITORY, pb, rpc

SERVICE = "snakepit.bridge.BridgeService"
PING = f"/{SERVICE}/Ping"
TRANSPORTS = ["plaintext", "TLS", "mutual TLS", "Unix socket"]


class Place:
    """A host that is reached over one transport, and what a client needs to reach it."""

    def __init__(self, transport, authority, directory):
        self.transport = transport
        self.tls = "TLS" in transport
        self.authority = authority
        # None shows no certificate.
        self.identity = authority.client() if transport == "mutual TLS" else None
        # Short: paths of Unix sockets have at most 107 bytes.
        self.socket = pathlib.Path("/tmp") / unique("bh") if "Unix" in transport else None
        self.request = directory / "request"
        # A PingRequest of "x" behind its prefix.
        self.request.write_bytes(bytes([0, 0, 0, 0, 3, 0x0A, 1]) + b"x")
        self.port = None

    def options(self):
        options = []
        if self.tls:
            server = self.authority.server()
            options += ["--tls-certificate", server.certificate_file, "--tls-key", server.key_file]
        if self.identity:
            options += ["--tls-client-ca", self.authority.certificate_file]
        if self.socket:
            options += ["--listen", f"unix:{self.socket}"]
        return options

    @property
    def tcp(self):
        return f"127.0.0.1:{self.port}"

    @property
    def target(self):
        return f"unix:{self.socket}" if self.socket else self.tcp

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{'localhost' if self.socket else self.tcp}"

    def files(self, ca, certificate, key):
        """The options, so named, for the authority and the client's certificate."""
        options = [ca, self.authority.certificate_file] if self.tls and ca else []
        if self.identity:
            options += [certificate, self.identity.certificate_file, key, self.identity.key_file]
        return options

    def but(self, **other):
        """The same place for a client that has something else in hand."""
        place = object.__new__(Place)
        place.__dict__.update({**self.__dict__, **other})
        return place


@pytest.fixture(scope="module", params=TRANSPORTS)
def place(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("place")
    place = Place(request.param, Authority(directory, "authority"), directory)
    with start_host(*place.options()) as host:
        place.port = host.port
        yield place


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


# ---------------------------------------------------------------------------------------------
# The clients: each says whether its Ping was answered


def program(name):
    beside = pathlib.Path(sys.executable).parent / name
    path = str(beside) if beside.exists() else shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is missing: install requirements.txt, and Debian's nghttp2-client")
    return path


def run(*command, **environment):
    return subprocess.run(
        list(map(str, command)), cwd=REPOSITORY, env={**os.environ, **environment}, timeout=60,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")


def grpcio(place):
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    if place.tls:
        channel = grpc.secure_channel(place.target, grpc.ssl_channel_credentials(
            place.authority.pem, place.identity and place.identity.key_pem,
            place.identity and place.identity.pem), options=options)
    else:
        channel = grpc.insecure_channel(place.target, options=options)
    with channel:
        try:
            answer = rpc.BridgeServiceStub(channel).Ping(
                pb.PingRequest(message="x"), timeout=CALL_TIMEOUT)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE
            return False
    return answer.message == "pong: x"


def is_pong(done):
    return done.returncode == 0 and json.loads(done.stdout)["message"] == "pong: x"


def buf(place):
    return is_pong(run(
        program("buf"), "curl", "--schema", PROTOS, "--protocol", "grpc",
        *([] if place.tls else ["--http2-prior-knowledge"]),
        *(["--unix-socket", place.socket] if place.socket else []),
        *place.files("--cacert", "--cert", "--key"), "-d", '{"message": "x"}', place.url + PING,
        BUF_CACHE_DIR=str(place.request.parent)))


def grpcurl(place, authority="localhost"):
    """By itself this version of it calls a socket by its path, see below."""
    return is_pong(run(
        program("grpcurl"), *([] if place.tls else ["-plaintext"]),
        *(["-unix", "-authority", authority] if place.socket else []),
        *place.files("-cacert", "-cert", "-key"),
        "-d", '{"message": "x"}', place.socket or place.tcp, f"{SERVICE}/Ping"))


HEADERS = ["-H", "content-type: application/grpc", "-H", "te: trailers"]


def h2load(place):
    """It asks for nobody's certificate, and looks at no trailers."""
    done = run(
        program("h2load"), "-n", "200", "-c", "4", "-m", "10", "-d", place.request, *HEADERS,
        *(["-B", f"unix:{place.socket}"] if place.socket else []), place.url + PING)
    if done.returncode != 0 or "200 succeeded, 0 failed, 0 errored" not in done.stdout:
        return False
    assert "status codes: 200 2xx" in done.stdout
    # Each answer has a prefix of five bytes and a message of at least "pong: x" and two.
    return int(re.search(r"\((\d+)\) data", done.stdout).group(1)) >= 200 * 14


def nghttp(place):
    """It shows a certificate where h2load cannot; it asks for none either."""
    done = run(
        program("nghttp"), "-v", "-d", place.request, *HEADERS,
        *place.files(None, "--cert", "--key"), place.url + PING)
    return "grpc-status: 0" in done.stdout


def bridge_host(place):
    done = run(
        bridge.HOST, "ping", "x", "--address", place.target,
        *place.files("--tls-ca", "--tls-certificate", "--tls-key"))
    assert done.returncode in (0, 1), done
    if done.returncode == 1:
        assert done.stderr.startswith("bridge-host: UNAVAILABLE: cannot connect to "), done.stderr
        assert done.stderr.count("\n") == 1
    return done.returncode == 0 and done.stdout.startswith("pong: x ")


CLIENTS = [grpcio, buf, grpcurl, h2load, nghttp, bridge_host]

# Why a client cannot use a transport: the option it lacks, in its --help.
CANNOT = {
    (h2load, "mutual TLS"): "--cert",  # no option for a client's certificate
    (nghttp, "Unix socket"): "unix:",  # no way to name a socket
}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_clients_reach_the_host(place, client):
    lacking = CANNOT.get((client, place.transport))
    if lacking is None:
        assert client(place)
    else:
        assert lacking not in run(program(client.__name__), "--help").stdout
        assert not client(place)


def test_each_transport_has_its_clients(place):
    able = [client for client in CLIENTS if (client, place.transport) not in CANNOT]
    assert len(able) >= len(CLIENTS) - 1


# h2load and nghttp take any server.
CAREFUL = [grpcio, buf, grpcurl, bridge_host]


@pytest.mark.parametrize("client", CAREFUL, ids=lambda client: client.__name__)
def test_clients_refuse_a_server_they_do_not_trust(place, client, stranger):
    if place.tls:
        assert not client(place.but(authority=stranger))
        assert client(place)
    else:
        # Without TLS, nobody can know.
        assert client(place.but(authority=stranger))


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_only_mutual_tls_asks_for_a_certificate(place, client, stranger):
    nobody = place.but(identity=None)
    if place.transport == "mutual TLS":
        assert not client(nobody)
        assert not client(place.but(identity=stranger.client()))
    elif (client, place.transport) not in CANNOT:
        assert client(nobody)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_plaintext_and_tls_do_not_meet(place, client):
    # On a Unix socket there is no TLS: a client that speaks it has nobody to speak to either.
    if place.socket is None or client in (grpcio, buf, grpcurl):
        assert not client(place.but(tls=not place.tls, identity=None))


def test_a_path_is_no_authority(place):
    """Versions of gRPC for Go and Java put a socket's path into `:authority`, which has no room for
    a slash (RFC 3986 section 3.2): nghttp2 refuses the request, as other servers do. Their callers
    name an authority of their own."""
    if place.socket:
        assert not grpcurl(place, authority=place.socket)
        assert grpcurl(place, authority="any.name:80")


def test_tokens_with_buf(tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("one-token\n")
    tokens.chmod(0o600)
    with start_host("--token-file", tokens) as host:
        command = [program("buf"), "curl", "--schema", PROTOS, "--protocol", "grpc",
                   "--http2-prior-knowledge", "-d", '{"message": "x"}',
                   f"http://{host.target}{PING}"]
        cache = {"BUF_CACHE_DIR": str(tmp_path)}
        assert is_pong(run(*command, "-H", "authorization: Bearer one-token", **cache))
        done = run(*command, **cache)
        assert json.loads(done.stderr[done.stderr.index("{"):])["code"] == "unauthenticated"
