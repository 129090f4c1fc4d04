"""What the host holds and gives back: memory, and descriptors that others could inherit."""

import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import time

import h2.config
import h2.connection
import pytest

from bridge import CODE, Session, eventually, plugin_directory, start_host
from stubs import pb

MEBIBYTE = 1 << 20
SERVICE = "/snakepit.bridge.BridgeService/"
CHECK = "/grpc.health.v1.Health/Check"
CLOSE_ON_EXEC = 0o2000000


def resident(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) * 1024


def calls_without_a_window(port, path, message, count):
    """A client that calls, and lets no answer come."""
    peer = socket.create_connection(("127.0.0.1", port))
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    connection.local_settings.initial_window_size = 0
    connection.initiate_connection()
    peer.sendall(connection.data_to_send())
    time.sleep(0.3)
    connection.receive_data(peer.recv(65536))
    headers = [
        (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
        ("content-type", "application/grpc"), ("te", "trailers")]
    for number in range(count):
        connection.send_headers(2 * number + 1, headers)
        connection.send_data(
            2 * number + 1, b"\0" + struct.pack(">I", len(message)) + message, end_stream=True)
    peer.sendall(connection.data_to_send())
    return peer


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """A plugin directory with the tools of resources.c."""
    return plugin_directory(tmp_path_factory.mktemp("plugins"), "resources.c")


@pytest.mark.parametrize("count", [100, 300])
@pytest.mark.parametrize("method", ["GetVariable", "ExecuteTool", "ExecuteStreamingTool"])
def test_answers_that_nobody_reads(tools, method, count):
    """They stay within the limit for unread answers, and go when their client does."""
    with start_host(plugins=tools) as host:
        session = Session(host.stub())
        if method == "GetVariable":
            session.register("large", "string", "x" * 4_000_000)
            request = pb.GetVariableRequest(session_id=session.id, variable_identifier="large")
        else:
            request = pb.ExecuteToolRequest(session_id=session.id, tool_name="large")
        before = resident(host.process.pid)
        peer = calls_without_a_window(
            host.port, SERVICE + method, request.SerializeToString(), count)
        highest = 0
        for _ in range(30):
            time.sleep(0.1)
            highest = max(highest, resident(host.process.pid) - before)
        # At least one is there, or the test shows nothing.
        assert 4 * MEBIBYTE < highest < 140 * MEBIBYTE
        peer.close()
        eventually(
            lambda: resident(host.process.pid) - before < 30 * MEBIBYTE, "the memory is back")


def test_answers_that_many_clients_do_not_read():
    """All connections together have a limit, beside that of each."""
    with start_host("--max-unread-bytes", 32 * MEBIBYTE) as host:
        session = Session(host.stub())
        session.register("large", "string", "x" * 4_000_000)
        request = pb.GetVariableRequest(session_id=session.id, variable_identifier="large")
        before = resident(host.process.pid)
        peers = [
            calls_without_a_window(
                host.port, SERVICE + "GetVariable", request.SerializeToString(), 20)
            for _ in range(10)]
        highest = 0
        for _ in range(20):
            time.sleep(0.1)
            highest = max(highest, resident(host.process.pid) - before)
        # One of each may have begun: with its own limit alone, each holds 64 MiB.
        assert 16 * MEBIBYTE < highest < 160 * MEBIBYTE
        # A client that reads is served.
        assert len(session.get("large").value.value) > 4_000_000
        for peer in peers:
            peer.close()
        eventually(
            lambda: resident(host.process.pid) - before < 30 * MEBIBYTE, "the memory is back")


def test_requests_that_wait_for_tools():
    """What calls carry is counted for as long as they are there, and has a limit."""
    options = ["--max-message-bytes", MEBIBYTE, "--max-request-bytes", 8 * MEBIBYTE]
    with start_host("--tool-threads", 32, *options) as host:
        session = Session(host.stub())
        session.register("v", value=0.0)
        request = session.tool_request(
            "wait_for_variable", {"variable": "v", "target": 1.0},
            metadata={"much": "y" * 500_000})
        calls = [session.stub.ExecuteTool.future(request, timeout=60) for _ in range(40)]

        def refusals():
            return [call.exception() for call in calls if call.done()]

        # Seven eighths of the limit are those of fourteen calls.
        eventually(lambda: len(refusals()) >= 24, "what is too much is refused")
        for refusal in refusals():
            assert refusal.code() == CODE.RESOURCE_EXHAUSTED
            assert "the requests that the server holds" in refusal.details()
        # The last eighth is for others, whose requests are short.
        assert session.through(host.stub()).result("echo", text="short") == "short"
        session.set("v", 2.0)
        done = [call for call in calls if not call.exception()]
        assert 10 <= len(done) <= 16 and all(call.result().success for call in done)
        assert session.stub.ExecuteTool(request, timeout=60).success


def test_strangers_cost_next_to_nothing(tmp_path):
    """A client without a token has few calls, each short, however many it opens."""
    tokens = tmp_path / "tokens"
    tokens.write_text("token-of-somebody\n")
    tokens.chmod(0o600)
    with start_host("--token-file", tokens) as host:
        before = resident(host.process.pid)
        peers = []
        for _ in range(3):
            peer = socket.create_connection(("127.0.0.1", host.port))
            connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
            connection.initiate_connection()
            headers = [
                (":method", "POST"), (":scheme", "http"), (":path", CHECK),
                (":authority", "localhost"), ("content-type", "application/grpc"),
                ("x-much", "y" * 2000)]
            for number in range(500):
                connection.send_headers(2 * number + 1, headers)
            try:
                peer.sendall(connection.data_to_send())
            except OSError:
                pass
            peers.append(peer)
        time.sleep(1)
        assert resident(host.process.pid) - before < 20 * MEBIBYTE
        for peer in peers:
            peer.close()


def test_children_of_tools_inherit_no_descriptors(tools):
    with start_host(plugins=tools) as host:
        session = Session(host.stub())
        answer = host.stub().ExecuteTool(
            pb.ExecuteToolRequest(session_id=session.id, tool_name="inherited"))
        assert answer.success, answer.error_message
        assert json.loads(answer.result.value).split() == ["0", "1", "2"]


def test_sockets_are_not_inherited():
    with start_host() as host:
        host.stub().Ping(pb.PingRequest(message="x"))
        root = pathlib.Path(f"/proc/{host.process.pid}")
        sockets = [fd.name for fd in (root / "fd").iterdir()
                   if os.readlink(fd).startswith("socket:")]
        # The listener and the connection.
        assert len(sockets) >= 2
        for number in sockets:
            flags = re.search(r"flags:\s+(\d+)", (root / "fdinfo" / number).read_text()).group(1)
            assert int(flags, 8) & CLOSE_ON_EXEC, number
