"""What one client takes leaves room for others: connections, tool threads, turns in queues."""

import socket
import struct
import time

import pytest

from bridge import (CALL_TIMEOUT, CODE, any_json, eventually, plugin_directory, refused, start_host,
                    unique)
from raw import ENHANCE_YOUR_CALM, SERVICE, Connection, frame
from stubs import pb, rpc


def connect(host, source):
    """A connection that the host has let in, or None; it is told why."""
    place = {"unix": source} if "/" in source else {"port": host.port, "source": source}
    connection = Connection(**place)
    try:
        connection.flush()
        answer = connection.open(SERVICE + "Ping")
        connection.send(answer, frame(b""))
        connection.flush()
        while not connection.closed and not connection.answers[answer].ended:
            connection.receive(respond=False)
    except (BrokenPipeError, ConnectionResetError):
        connection.closed = True
    if connection.closed:
        return connection, False
    return connection, True


def admitted(host, source, count):
    """As many connections as get in; all stay open."""
    made = [connect(host, source) for _ in range(count)]
    return [connection for connection, is_in in made if is_in]


def test_one_client_leaves_connections_to_others(tmp_path):
    path = str(tmp_path / "socket")
    listen = ["--listen", "127.0.0.1:0", "--listen", f"unix:{path}"]
    with start_host("--max-connections", 8, *listen) as host:
        first = admitted(host, "127.0.0.1", 5)
        # Another address of the loopback interface is no other machine.
        first += admitted(host, "127.0.0.2", 5)
        assert len(first) == 7
        # The last eighth is for clients that have none.
        second = admitted(host, path, 3)
        assert len(second) == 1
        assert admitted(host, "127.0.0.3", 1) == []
        assert host.stderr_text().count("connections are refused") == 1
        # Those inside go on, and what they leave is free.
        stream = first[0].open(SERVICE + "Ping")
        first[0].send(stream, frame(b""))
        assert first[0].answer(stream).grpc_status == "0"
        for connection in first:
            connection.close()
        eventually(lambda: len(admitted(host, "127.0.0.4", 1)) == 1, "there is room again")


def test_who_is_refused_learns_why():
    with start_host("--max-connections", 1) as host:
        inside = admitted(host, "127.0.0.1", 1)
        assert len(inside) == 1
        # It says nothing: what would still be unread at the end could take the answer with it.
        quiet = socket.create_connection(("127.0.0.1", host.port), CALL_TIMEOUT)
        data = b""
        while part := quiet.recv(4096):
            data += part
        quiet.close()
        # Empty SETTINGS, then GOAWAY with no stream taken.
        assert data[:9] == bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
        length, kind = int.from_bytes(data[9:12], "big"), data[12]
        assert (length, kind) == (len(data) - 18, 7)
        assert struct.unpack(">II", data[18:26]) == (0, ENHANCE_YOUR_CALM)
        assert data[26:] == b"too_many_connections"
        # A real client fails at once, and does not wait.
        with refused(CODE.UNAVAILABLE):
            host.stub().Ping(pb.PingRequest(), timeout=CALL_TIMEOUT)


@pytest.fixture
def clients(tmp_path):
    """A host with eight threads for tools, and what two clients send."""
    tokens = tmp_path / "tokens"
    tokens.write_text("token-of-one\ntoken-of-two\n")
    tokens.chmod(0o600)
    with start_host("--tool-threads", 8, "--token-file", tokens) as host:
        yield host, *([("authorization", f"Bearer token-of-{name}")] for name in ["one", "two"])


class Waiting:
    """A session whose tool calls wait for its variable."""

    def __init__(self, stub, credentials, value):
        self.stub = stub
        self.credentials = {"metadata": credentials, "timeout": CALL_TIMEOUT}
        self.id = unique()
        assert stub.RegisterVariable(pb.RegisterVariableRequest(
            session_id=self.id, name="v", type="float", initial_value=any_json("float", value)),
            **self.credentials).success

    def call(self, **more):
        return self.stub.ExecuteTool.future(pb.ExecuteToolRequest(
            session_id=self.id, tool_name="wait_for_variable",
            parameters={"variable": any_json("string", "v"), "target": any_json("float", 1.0)}),
            **{**self.credentials, **more})

    def running(self):
        """Calls that have a thread: each has a watch."""
        return self.stub.GetSession(
            pb.GetSessionRequest(session_id=self.id), **self.credentials).watch_count

    def release(self):
        assert self.stub.SetVariable(pb.SetVariableRequest(
            session_id=self.id, variable_identifier="v", value=any_json("float", 2.0)),
            **self.credentials).success


def test_one_client_leaves_tool_threads_to_others(clients):
    host, one, two = clients
    stub = rpc.BridgeServiceStub(host.channel())
    busy, quick = Waiting(stub, one, 0.0), Waiting(stub, two, 1.0)
    calls = [busy.call() for _ in range(12)]
    # The others wait for one of seven threads.
    eventually(lambda: busy.running() == 7, "seven calls run")
    # The last thread is the other client's, whose call needs one for a moment.
    for _ in range(3):
        assert quick.call().result().success
    assert busy.running() == 7
    assert not any(call.done() for call in calls)
    busy.release()
    assert all(call.result().success for call in calls)


def test_nobody_becomes_another_client_by_a_token_that_nobody_asks_for():
    with start_host("--tool-threads", 8) as host:
        busy = Waiting(host.stub(), None, 0.0)
        calls = [
            busy.call(metadata=[("authorization", f"Bearer token-{number}")])
            for number in range(12)]
        eventually(lambda: busy.running() == 7, "seven calls run")
        time.sleep(1)
        assert busy.running() == 7
        busy.release()
        assert all(call.result().success for call in calls)


def test_clients_take_turns_in_the_queue_of_a_serial_tool(tmp_path):
    """A thousand calls of one client keep another one's single call waiting for a turn."""
    tokens = tmp_path / "tokens"
    tokens.write_text("token-of-one\ntoken-of-two\n")
    tokens.chmod(0o600)
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    request = pb.ExecuteToolRequest(session_id="s", tool_name="next")
    with start_host("--token-file", tokens, plugins=plugin_directory(plugins, "serial.c")) as host:
        one, two = ({
            "metadata": [("authorization", f"Bearer token-of-{name}")], "timeout": CALL_TIMEOUT}
            for name in ["one", "two"])
        stub = host.stub()
        stub.Ping(pb.PingRequest(), **one)
        calls = [stub.ExecuteTool.future(request, **one) for _ in range(1000)]
        # On the same connection: those before it have arrived.
        stub.Ping(pb.PingRequest(), **one)
        number = int(stub.ExecuteTool(request, **two).result.value)
        numbers = [int(call.result().result.value) for call in calls]
        assert sorted([*numbers, number]) == list(range(1, 1002))
        assert number < 900
