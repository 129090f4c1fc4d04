"""The client of bridge-host against servers that are not of this project: Python's grpcio, and
peers that break the rules."""

import gzip
import json
import signal
import struct
import subprocess
import threading
import time

import grpc
import pytest
from h2.events import DataReceived, StreamEnded
from h2.settings import SettingCodes

import bridge
from bridge import CALL_TIMEOUT, HOST, any_json
from commands import TIMEOUT, failure, output, run
from peers import Calls, Peer, each_call, grpcio_server
from stubs import pb

# ---------------------------------------------------------------------------------------------
# The commands against the host itself


@pytest.fixture
def name():
    return f"client-{time.monotonic_ns()}"


def test_values_are_written_read_and_listed(host, name):
    at = (host.target,)
    assert output(*at, "set", "-s", name, "t", "0.5", "--type", "float",
                  "--constraints", '{"max": 2}') == "version 1\n"
    assert output(*at, "set", "-s", name, "t", "1.5") == "version 2\n"
    assert output(*at, "get", "-s", name, "t") == "1.5\n"
    assert output(*at, "set", "-s", name, "--", "t", "-1") == "version 3\n"
    assert failure(*at, "set", "-s", name, "t", "9").startswith("INVALID_ARGUMENT: ")
    assert failure(*at, "set", "-s", name, "t", "x").startswith("INVALID_ARGUMENT: ")
    assert failure(*at, "set", "-s", name, "t", "1", "--expected-version", "1").startswith(
        "ABORTED: ")
    # Texts are texts, whatever they look like.
    for text in ["42", "true", '"quoted"', "ä b", "[1]", "null"]:
        output(*at, "set", "-s", name, "text", text, "--type", "string")
        assert output(*at, "get", "-s", name, "text") == text + "\n"
    output(*at, "set", "-s", name, "vector", "[1, 2, 3]", "--type", "embedding")
    lines = output(*at, "list", "-s", name).splitlines()
    assert [line.split(" = ")[0] for line in lines] == ["t", "text", "vector"]
    listed = [json.loads(line) for line in output(
        *at, "list", "-s", name, "t*", "--json").splitlines()]
    assert [(v["name"], v["type"], v["value"]) for v in listed] == [
        ("t", "float", -1), ("text", "string", "null")]
    assert listed[0]["constraints"] == {"max": 2}
    both = output(*at, "get", "-s", name, "vector", "t").splitlines()
    assert [line.split(" = ")[0] for line in both] == ["vector", "t"]
    assert failure(*at, "get", "-s", name, "t", "none") == "NOT_FOUND: there is no variable none"
    assert output(*at, "delete", "-s", name, "t") == ""
    assert failure(*at, "get", "-s", name, "t").startswith("NOT_FOUND: ")
    assert json.loads(output(*at, "session", "-s", name, "--json"))["variables"] == 2
    assert output(*at, "end-session", "-s", name).startswith("2 ")
    assert failure(*at, "session", "-s", name).startswith("NOT_FOUND: ")


def test_ping(host):
    assert output(host.target, "ping", "hey").startswith("pong: hey (")
    assert json.loads(output(host.target, "ping", "--json"))["milliseconds"] > 0


def test_tools_are_run(host, name):
    at = (host.target, "execute", "-s", name)
    assert output(*at, "arithmetic", "a=1.5", "b=2") == "3.5\n"
    assert output(*at, "arithmetic", "a=6", "b=2", "operation=divide") == "3.0\n"
    assert output(*at, "echo", "text=a=b") == '"a=b"\n'
    # The tool declares a string: nothing of it is read as JSON.
    assert output(*at, "echo", "text=42") == '"42"\n'
    assert json.loads(output(*at, "echo", 'text="42"')) == '"42"'
    told = json.loads(output(*at, "arithmetic", "a=1", "b=2", "--json"))
    assert told["success"] is True and told["result"] == 3
    assert "failed" in failure(*at, "arithmetic", "a=1", "b=0", "operation=divide")
    assert failure(*at, "no_such_tool").startswith("NOT_FOUND: ")
    # The tool says that it streams.
    for option in [[], ["--stream"]]:
        assert output(*at, "countdown", "from=3", *option).splitlines()[:3] == ["3", "2", "1"]
    assert "nobody streams" in failure(*at, "countdown", "from=3", "--no-stream")


@pytest.mark.parametrize("text", ["-5", "-0.25", "-1e3", "NaN", "-Infinity"])
def test_numbers_are_set_as_they_are_written(host, name, text):
    at = (host.target, "set", "-s", name)
    output(*at, "number", "0", "--type", "float")
    output(*at, "number", text)
    stored = output(host.target, "get", "-s", name, "number").strip().strip('"')
    assert repr(float(stored)) == repr(float(text))
    output(*at, "--type", "float", "other", text, "--json")
    assert output(host.target, "get", "-s", name, "other").strip().strip('"') == stored


@pytest.mark.parametrize("command", [
    ["ping"], ["get", "t"], ["get", "t", "--json"], ["get", "t", "u"], ["list"], ["sessions"],
    ["session"], ["set", "t", "1"], ["execute", "echo", "text=x"], ["execute", "countdown", "from=2"],
    ["export-session"], ["watch", "--initial"],
], ids=" ".join)
def test_output_that_cannot_be_written_is_an_error(host, name, command):
    output(host.target, "set", "-s", name, "t", "0", "--type", "integer")
    output(host.target, "set", "-s", name, "u", "0", "--type", "integer")
    session = [] if command[0] in ("ping", "sessions") else ["-s", name]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(HOST), *command, "--address", host.target, *session], stdin=subprocess.DEVNULL,
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert done.returncode == 1
    assert done.stderr == "bridge-host: standard output cannot be written: No space left on device\n"


# What steers a terminal, forges a line, or turns the direction of writing.
HOSTILE = "x\n\t\x1b[2J\x7f\u009b1m\u202e\u2066\u2028\u2029y"


def shown(text):
    """The lines of an output, which have nothing in them that steers a terminal."""
    for character in text.replace("\n", ""):
        number = ord(character)
        assert 0x20 <= number < 0x7F or 0xA0 <= number < 0x2028 or number > 0x2069, (text, number)
    return text.splitlines()


def test_what_others_wrote_is_shown_escaped(host, stub, name):
    stub.InitializeSession(pb.InitializeSessionRequest(
        session_id=name, metadata={"note": HOSTILE}), timeout=CALL_TIMEOUT)
    stub.RegisterVariable(pb.RegisterVariableRequest(
        session_id=name, name="t", type="string", initial_value=any_json("string", HOSTILE),
        metadata={"source": HOSTILE}), timeout=CALL_TIMEOUT)
    at = ("-s", name)
    assert len(shown(output(host.target, "list", *at))) == 1
    assert len(shown(output(host.target, "session", *at))) == 10
    assert len(shown(output(host.target, "sessions", name))) == 1
    for option in [[], ["--json"]]:
        assert len(shown(output(
            host.target, "watch", *at, "--initial", "--count", "1", *option))) == 1
    assert json.loads(output(host.target, "get", *at, "t", "--json"))["value"] == HOSTILE
    shown(output(host.target, "get", *at, "t", "--json"))
    # A value alone goes to programs as it is.
    assert output(host.target, "get", *at, "t") == HOSTILE + "\n"
    assert len(shown(failure(host.target, "get", *at, "no\x1b[2J\u202esuch") + "\n")) == 1


def test_wrong_usage_is_64(host):
    for arguments in [
        ("get",), ("set", "x"), ("set", "x", "1", "--type", "nope"), ("ping", "--timeout", "-1"),
        ("execute", "echo", "nothing"), ("execute", "echo", "a=1", "a=2"),
        ("watch", "--start-revision", "1"), ("watch", "--count", "0"),
        ("ping", "--attempts", "0"),
    ]:
        assert run(host.target, *arguments).returncode == 64, arguments
    assert run("nonsense", "ping").returncode == 64


def test_watching(host, name):
    output(host.target, "set", "-s", name, "t", "1", "--type", "integer")
    watch = subprocess.Popen(
        [str(HOST), "watch", "--address", host.target, "-s", name, "t", "--initial", "--json"],
        stdout=subprocess.PIPE, text=True)
    first = json.loads(watch.stdout.readline())
    assert first["update"] == "initial_value" and first["variable"]["value"] == 1
    assert json.loads(watch.stdout.readline())["update"] == "synced"
    for value in range(2, 7):
        output(host.target, "set", "-s", name, "t", str(value))
        update = json.loads(watch.stdout.readline())
        assert update["update"] == "value_change"
        assert update["variable"]["value"] == value
        assert update["old_value"] == value - 1
    watch.send_signal(signal.SIGINT)
    assert watch.wait(TIMEOUT) == -signal.SIGINT
    # Again from where it was, and only so many.
    again = output(
        host.target, "watch", "-s", name, "t", "--json", "--count", "2",
        "--start-revision", str(first["revision"]), "--epoch", first["epoch"]).splitlines()
    assert [json.loads(line)["variable"]["value"] for line in again] == [2, 3]


def test_a_watch_whose_reader_has_gone_ends(host, name):
    output(host.target, "set", "-s", name, "t", "0", "--type", "integer")
    watch = subprocess.Popen(
        [str(HOST), "watch", "--address", host.target, "-s", name, "--initial"],
        stdout=subprocess.PIPE, text=True)
    watch.stdout.readline()
    watch.stdout.close()
    output(host.target, "set", "-s", name, "t", "1")
    assert watch.wait(TIMEOUT) == 0


# ---------------------------------------------------------------------------------------------
# grpcio's server


def test_grpcio_is_called():
    with grpcio_server() as service:
        assert output(service.address, "ping", "hey", "--timeout", "17").startswith("pong: hey")
        _, remaining, metadata = service.pings[0]
        assert 10 < remaining < 17.1
        assert metadata["user-agent"].startswith("grpc-swift-nghttp2/")
        assert len(service.pings) == 2


def test_grpcio_over_a_unix_socket(tmp_path):
    with grpcio_server(address=f"unix:{tmp_path}/socket") as service:
        assert output(service.address, "ping", "hey").startswith("pong: hey")


def test_a_status_of_grpcio():
    with grpcio_server() as service:
        assert failure(service.address, "session") == "FAILED_PRECONDITION: größer als 50%"
        assert failure(service.address, "list").startswith("UNIMPLEMENTED: ")


def test_a_large_answer_of_grpcio():
    with grpcio_server() as service:
        assert output(service.address, "get", "v") == "x" * 20_000_000 + "\n"


def test_a_stream_of_grpcio():
    with grpcio_server() as service:
        lines = output(service.address, "watch", "-s", "short").splitlines()
        assert [line.split()[2] for line in lines] == [str(n) for n in range(10)]
        done = run(service.address, "watch", "-s", "broken")
        assert done.returncode == 1 and len(done.stdout.splitlines()) == 10
        assert done.stderr == "bridge-host: DATA_LOSS: as told\n"
        lines = output(service.address, "watch").splitlines()
        assert len(lines) == 10_000


def test_a_deadline_ends_the_call_there_as_well():
    with grpcio_server() as service:
        assert failure(service.address, "ping", "hang", "--timeout", "0.3").startswith(
            "DEADLINE_EXCEEDED: ")
        assert service.cancelled.wait(TIMEOUT)


def test_calls_are_made_again_and_counted():
    with grpcio_server() as service:
        service.failures = 2
        assert output(service.address, "ping", "hey", "--attempts", "3").startswith("pong: hey")
        attempts = [m.get("grpc-previous-rpc-attempts") for _, _, m in service.pings]
        assert attempts == [None, "1", "2", None]
        service.failures = 2
        assert failure(service.address, "ping", "--attempts", "2") == "UNAVAILABLE: not yet"


def test_gzip_of_grpcio():
    with grpcio_server(compression=grpc.Compression.Gzip) as service:
        text = "x" * 100_000
        assert output(service.address, "ping", text).startswith("pong: " + text)
        assert output(service.address, "get", "v") == "x" * 20_000_000 + "\n"
        assert len(output(service.address, "watch").splitlines()) == 10_000
        _, _, metadata = service.pings[0]
        assert "grpc-encoding" not in metadata
        # And requests in gzip, which grpcio has inflated before it counts.
        assert output(service.address, "ping", text, "--compress-from", "1000").startswith(
            "pong: " + text)


def test_a_server_that_comes_late_is_waited_for():
    with grpcio_server() as service:
        address = service.address
    late = subprocess.Popen(
        [str(HOST), "ping", "--address", address, "--wait"], stdout=subprocess.PIPE, text=True)
    # It has failed to connect by then.
    time.sleep(0.5)
    with grpcio_server(address=address):
        assert late.communicate(timeout=TIMEOUT)[0].startswith("pong: ")
    assert late.returncode == 0


def test_a_server_that_drains_keeps_its_calls():
    with grpcio_server() as service:
        watch = subprocess.Popen(
            [str(HOST), "watch", "--address", service.address], stdout=subprocess.PIPE, text=True)
        watch.stdout.readline()
        service.server.stop(grace=TIMEOUT)
        assert len(watch.stdout.read().splitlines()) == 9_999
        assert watch.wait(TIMEOUT) == 0


def test_a_host_that_is_killed():
    host = bridge.Host()
    try:
        output(host.target, "set", "v", "1", "--type", "integer")
        watch = subprocess.Popen(
            [str(HOST), "watch", "--address", host.target, "--initial"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        watch.stdout.readline()
    finally:
        host.process.kill()
        host.process.wait()
    _, complaint = watch.communicate(timeout=TIMEOUT)
    assert watch.returncode == 1
    assert complaint.startswith(
        f"bridge-host: UNAVAILABLE: the connection to {host.target} was lost")


# ---------------------------------------------------------------------------------------------
# Peers that break the rules


def pong(text="there"):
    return pb.PingResponse(message=text).SerializeToString()


def ping_failure(body, *arguments):
    with Peer(each_call(body)) as peer:
        return failure(peer.address, "ping", *arguments)


def test_a_peer_that_keeps_the_rules():
    with Peer(each_call(lambda calls, stream: calls.answer(stream, pong()))) as peer:
        assert output(peer.address, "ping").startswith("there")


def test_the_request_is_as_the_protocol_has_it():
    seen = {}

    def body(calls, stream):
        seen.update(calls.headers_of(stream))
        calls.answer(stream, pong())

    with Peer(each_call(body)) as peer:
        output(peer.address, "ping", "--timeout", "5")
        assert seen[":authority"] == peer.address
    assert seen[":method"] == "POST"
    assert seen[":scheme"] == "http"
    assert seen[":path"] == "/snakepit.bridge.BridgeService/Ping"
    assert seen["te"] == "trailers"
    assert seen["content-type"] == "application/grpc"
    assert seen["grpc-timeout"][-1] in "HMSmun" and seen["grpc-timeout"][:-1].isdigit()


def test_no_trailers():
    def body(calls, stream):
        calls.begin(stream)
        calls.send(stream, struct.pack(">BI", 0, len(pong())) + pong(), end=True)

    assert ping_failure(body).startswith("INTERNAL: the server ended the call without trailers")


def test_nothing_but_headers():
    def body(calls, stream):
        calls.send_headers(
            stream, (":status", "200"), ("content-type", "application/grpc"), end=True)

    assert ping_failure(body).startswith("UNKNOWN: ")


def test_a_status_alone():
    def body(calls, stream):
        calls.send_headers(
            stream, (":status", "200"), ("content-type", "application/grpc"),
            ("grpc-status", "7"), ("grpc-message", "keep%20out%21"), end=True)

    assert ping_failure(body) == "PERMISSION_DENIED: keep out!"


@pytest.mark.parametrize("status, code", [
    ("503", "UNAVAILABLE"), ("404", "UNIMPLEMENTED"), ("401", "UNAUTHENTICATED"),
    ("403", "PERMISSION_DENIED"), ("429", "UNAVAILABLE"), ("400", "INTERNAL"),
    ("500", "UNKNOWN"), ("200", "UNKNOWN"),
])
def test_an_answer_in_html(status, code):
    def body(calls, stream):
        calls.send_headers(stream, (":status", status), ("content-type", "text/html"))
        calls.send(stream, b"<html>so sorry</html>", end=True)

    line = ping_failure(body)
    assert line.startswith(f"{code}: ")
    assert f"HTTP {status}" in line and "text/html" in line


@pytest.mark.parametrize("status", ["99", "abc", "-1", ""])
def test_a_status_that_does_not_exist(status):
    def body(calls, stream):
        calls.begin(stream)
        calls.trailers(stream, ("grpc-status", status), ("grpc-message", "hm"))

    assert ping_failure(body).startswith("UNKNOWN: hm")


def test_trailers_without_a_status():
    def body(calls, stream):
        calls.begin(stream)
        calls.trailers(stream, ("x-other", "1"))

    assert ping_failure(body).startswith("UNKNOWN: ")


def test_informational_headers_are_passed_over():
    def body(calls, stream):
        calls.send_headers(stream, (":status", "103"), ("link", "</style>"))
        calls.answer(stream, pong())

    with Peer(each_call(body)) as peer:
        assert output(peer.address, "ping").startswith("there")


@pytest.mark.parametrize("data", [
    struct.pack(">BI", 0, 10) + b"short", b"\0\0\0", struct.pack(">BI", 1, 1) + b"x",
    struct.pack(">BI", 2, 1) + b"x",
])
def test_a_message_that_is_none(data):
    def body(calls, stream):
        calls.begin(stream)
        calls.send(stream, data)
        calls.trailers(stream, ("grpc-status", "0"))

    assert ping_failure(body).startswith("INTERNAL: ")


def in_gzip(calls, stream, *messages):
    """Answers with these bytes, each said to be a message in gzip."""
    calls.send_headers(
        stream, (":status", "200"), ("content-type", "application/grpc"),
        ("grpc-encoding", "gzip"))
    for message in messages:
        calls.send(stream, struct.pack(">BI", 1, len(message)) + message)
    calls.trailers(stream, ("grpc-status", "0"))


def test_what_the_client_says_of_gzip():
    seen = []

    def body(calls, stream):
        data = calls.data[stream]
        flag, length = struct.unpack(">BI", data[:5])
        assert length == len(data) - 5
        seen.append((calls.headers_of(stream).get("grpc-encoding"), flag, data[5:]))
        assert calls.headers_of(stream)["grpc-accept-encoding"] == "identity,gzip"
        in_gzip(calls, stream, gzip.compress(pong("squeezed")))

    request = pb.PingRequest(message="x" * 1000).SerializeToString()
    with Peer(each_call(body)) as peer:
        assert output(peer.address, "ping", "x" * 1000).startswith("squeezed")
        assert seen[0] == (None, 0, request)
        seen.clear()
        output(peer.address, "ping", "x" * 1000, "--compress-from", "1000")
        encoding, flag, data = seen[0]
        assert (encoding, flag, gzip.decompress(data)) == ("gzip", 1, request)
        seen.clear()
        output(peer.address, "ping", "x", "--compress-from", "1000")
        assert seen[0][:2] == ("gzip", 0)


@pytest.mark.parametrize("data", [
    b"", b"no gzip", gzip.compress(pong())[:-1], gzip.compress(pong()) + b"x",
    gzip.compress(pong())[:-8] + bytes(8)],
    ids=["nothing", "text", "cut", "followed", "checksum"])
def test_gzip_that_is_none(data):
    line = ping_failure(lambda calls, stream: in_gzip(calls, stream, data))
    assert line.startswith("INTERNAL: the compressed message is ")


def test_gzip_in_a_stream_that_is_none():
    update = pb.VariableUpdate(update_type="value_change", revision=1)
    update.variable.name = "v"
    good = gzip.compress(update.SerializeToString())
    with Peer(each_call(lambda calls, stream: in_gzip(calls, stream, good, b"none"))) as peer:
        done = run(peer.address, "watch")
        assert done.returncode == 1
        assert len(done.stdout.splitlines()) == 1
        assert done.stderr.startswith("bridge-host: INTERNAL: the compressed message is ")


def test_an_encoding_that_was_not_offered():
    def body(calls, stream):
        calls.send_headers(
            stream, (":status", "200"), ("content-type", "application/grpc"),
            ("grpc-encoding", "zstd"))

    assert ping_failure(body).startswith("INTERNAL: the server answered with grpc-encoding \"zstd\"")


def test_a_message_over_the_limit():
    def body(calls, stream):
        calls.begin(stream)
        calls.send(stream, struct.pack(">BI", 0, 0xFFFFFFFF) + b"x" * 1000)

    assert ping_failure(body).startswith("RESOURCE_EXHAUSTED: message of 4294967295 bytes")


@pytest.mark.parametrize("messages", [0, 2])
def test_a_wrong_number_of_answers(messages):
    def body(calls, stream):
        calls.begin(stream)
        for _ in range(messages):
            calls.send(stream, struct.pack(">BI", 0, len(pong())) + pong())
        calls.trailers(stream, ("grpc-status", "0"))

    assert ping_failure(body).startswith("UNIMPLEMENTED: ")


def test_an_answer_that_is_no_protobuf():
    assert ping_failure(lambda calls, stream: calls.answer(stream, b"\xff\xff")).startswith(
        "INTERNAL: ")


def test_headers_without_end():
    def body(calls, stream):
        calls.send_headers(
            stream, (":status", "200"), ("content-type", "application/grpc"),
            *[(f"x-{n}", "y" * 1000) for n in range(80)])

    assert ping_failure(body).split(":")[0] in ("RESOURCE_EXHAUSTED", "INTERNAL")


@pytest.mark.parametrize("code, status", [
    (0, "INTERNAL"), (1, "INTERNAL"), (2, "INTERNAL"), (3, "INTERNAL"), (8, "CANCELLED"),
    (11, "RESOURCE_EXHAUSTED"), (12, "PERMISSION_DENIED"),
])
def test_resets(code, status):
    assert ping_failure(lambda calls, stream: calls.reset(stream, code)).startswith(f"{status}: ")


def test_a_call_of_a_lost_connection_is_not_made_again(name):
    """The host may have acted on it: a write that is made again would be made twice."""
    seen = []

    def serve(connection):
        calls = Calls(connection)
        stream = calls.next()
        if calls.headers_of(stream)[":path"].endswith("/ListTools"):
            # A host that cannot say what its tools take.
            calls.send_headers(
                stream, (":status", "200"), ("content-type", "application/grpc"),
                ("grpc-status", "12"), end=True)
            stream = calls.next()
        seen.append(calls.headers_of(stream)[":path"].rpartition("/")[2])
        connection.close()

    with Peer(serve) as peer:
        for command in (("delete", "-s", name, "t"), ("end-session", "-s", name),
                        ("execute", "-s", name, "echo", "text=x")):
            seen.clear()
            message = failure(peer.address, *command, "--attempts", "5")
            assert message.startswith("UNAVAILABLE: "), message
            assert len(seen) == 1, (command, seen)


def test_a_refused_call_is_made_again_once():
    streams = []

    def body(calls, stream):
        streams.append(calls.headers_of(stream).get("grpc-previous-rpc-attempts"))
        if len(streams) == 1:
            calls.reset(stream, 7)
        else:
            calls.answer(stream, pong())

    with Peer(each_call(body)) as peer:
        assert output(peer.address, "ping").startswith("there")
        # A call that was refused was no attempt; and the command pings twice.
        assert streams == [None, None, None]


def test_a_server_that_refuses_all_is_not_besieged():
    streams = []

    def body(calls, stream):
        streams.append(stream)
        calls.reset(stream, 7)

    with Peer(each_call(body)) as peer:
        assert failure(peer.address, "ping").startswith("UNAVAILABLE: ")
        assert len(streams) == 2


def test_goaway_sends_what_was_not_processed_elsewhere():
    connections = []

    def serve(connection):
        calls = Calls(connection)
        connections.append(calls)
        stream = calls.next()
        if len(connections) == 1:
            calls.goaway(0)
            # The client closes a connection without calls.
            assert connection.recv(65536) is not None
        else:
            while stream is not None:
                calls.answer(stream, pong())
                stream = calls.next()

    with Peer(serve) as peer:
        assert output(peer.address, "ping").startswith("there")
        assert peer.connections == 2


def test_goaway_lets_an_open_call_finish():
    def serve(connection):
        calls = Calls(connection)
        stream = calls.next()
        if stream is None:
            return
        calls.goaway(stream)
        calls.answer(stream, pong())
        calls.next()

    with Peer(serve) as peer:
        # Each of the two pings has its own connection.
        assert output(peer.address, "ping").startswith("there")
        assert peer.connections == 2


def test_goaway_with_an_error_is_named():
    def serve(connection):
        calls = Calls(connection)
        stream = calls.next()
        calls.goaway(stream, 11, b"too_many_pings")
        connection.close()

    with Peer(serve) as peer:
        line = failure(peer.address, "ping")
    assert line.startswith("UNAVAILABLE: ")
    assert "ENHANCE_YOUR_CALM" in line and "too_many_pings" in line


def test_a_connection_that_is_cut():
    def serve(connection):
        Calls(connection).next()
        connection.close()

    with Peer(serve) as peer:
        assert failure(peer.address, "ping").startswith(
            f"UNAVAILABLE: the connection to {peer.address} was lost")


@pytest.mark.parametrize("preface", [
    b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\0\x02\x02\x16", bytes(100),
    b"SSH-2.0-OpenSSH_9.2\r\n", b"",
])
def test_a_server_of_something_else(preface):
    def serve(connection):
        connection.sendall(preface)
        connection.close()

    with Peer(serve) as peer:
        line = failure(peer.address, "ping")
        assert line.startswith(f"UNAVAILABLE: cannot connect to {peer.address}: ")


def test_a_server_that_says_nothing():
    hang = threading.Event()

    with Peer(lambda connection: hang.wait(TIMEOUT)) as peer:
        try:
            line = failure(peer.address, "ping", "--timeout", "0.5")
        finally:
            hang.set()
    assert line.startswith("DEADLINE_EXCEEDED: ")
    assert peer.address in line


def test_a_server_that_never_answers():
    def body(calls, stream):
        pass

    assert ping_failure(body, "--timeout", "0.5").startswith("DEADLINE_EXCEEDED: ")


def test_a_server_with_a_small_window():
    """A request larger than the window goes out as the server makes room."""
    received = []

    def serve(connection):
        calls = Calls(connection, {SettingCodes.INITIAL_WINDOW_SIZE: 1000})
        while True:
            data = connection.recv(65536)
            if not data:
                return
            for event in calls.h2.receive_data(data):
                if isinstance(event, DataReceived):
                    received.append(len(event.data))
                    calls.h2.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded):
                    calls.answer(event.stream_id, pong())
            calls.flush()

    with Peer(serve) as peer:
        assert output(peer.address, "ping", "x" * 100_000).startswith("there")
    assert max(received) <= 1000
    assert sum(received) > 200_000
