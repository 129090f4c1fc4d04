"""A worker and Elixir's own server: what each is told of the other, and tools called both ways."""

import json
import os
import queue
import signal
import subprocess
import threading

import grpc
import pytest

import bridge
from bridge import CALL_TIMEOUT, CODE, eventually, plugin_directory, refused, run_host
from elixir import HEARTBEATS, SCRIPT, V04, V06, V08, V09, V13, VERSIONS, Elixir, Version, Worker, started
from stubs import pb, rpc


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    return plugin_directory(tmp_path_factory.mktemp("plugins"), "worker.c")


@pytest.fixture
def elixir():
    server = Elixir().start()
    yield server
    server.stop()


@pytest.fixture(params=VERSIONS, ids=repr)
def worker(request, elixir, tools, tmp_path):
    with started(request.param, elixir, plugins=tools, directory=tmp_path) as worker:
        yield worker


@pytest.fixture
def new(elixir, tools, tmp_path):
    with started(V13, elixir, plugins=tools, directory=tmp_path) as worker:
        yield worker


# ---------------------------------------------------------------------------------------------
# The start


def test_elixir_is_pinged_before_the_worker_is_ready(elixir, tools, tmp_path):
    elixir.refused_pings = 3
    with started(V13, elixir, plugins=tools, directory=tmp_path):
        assert elixir.pings >= 4


def test_a_server_that_comes_late(tools, tmp_path):
    """The pool may start workers before its own server listens."""
    elixir = Elixir("127.72.1.1:50061")
    elixir.port = 50_061
    worker = Worker(
        Version("late", address="127.72.1.1", ready_file=True, last_chunk=True, json_errors=True,
                session=None), elixir, plugins=tools, directory=tmp_path, wait=False)
    try:
        eventually(lambda: "Elixir's server cannot be reached" in worker.output, "an attempt")
        assert worker.port is None
        elixir.start()
        worker.wait_until_ready()
        worker.stop()
    finally:
        worker.kill()
        elixir.stop()


def test_it_can_be_ended_while_it_waits(tools, tmp_path):
    for end in ["signal", "stdin"]:
        elixir = Elixir()
        elixir.port = 1
        worker = Worker(V13, elixir, plugins=tools, directory=tmp_path, wait=False)
        try:
            eventually(lambda: "Elixir's server cannot be reached" in worker.output, "an attempt")
            if end == "signal":
                worker.process.send_signal(signal.SIGTERM)
            else:
                worker.process.stdin.close()
            assert worker.wait() == 0
        finally:
            worker.kill()


def test_the_address_by_the_environment(elixir, tools):
    process = subprocess.Popen(
        [str(bridge.HOST), "worker", "--plugins", str(tools)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "SNAKEPIT_GRPC_ADDRESS": elixir.target})
    assert process.stdout.readline().startswith(b"GRPC_READY:")
    assert elixir.pings > 0
    process.stdin.close()
    assert process.wait(bridge.EXIT_TIMEOUT) == 0
    process.stdout.close()


# ---------------------------------------------------------------------------------------------
# Sessions


def test_sessions_are_told_of(worker, elixir):
    """By InitializeSession where the pool calls it, by the first call where it does not."""
    if worker.version.session is None:
        assert worker.initialize(worker="w1").success
        assert elixir.sessions[worker.session] == {"worker": "w1"}
        assert worker.initialize(worker="w1").success
    assert worker.result("reveal", value=1) == 1
    assert worker.session in elixir.sessions
    described = worker.stub.GetSession(
        pb.GetSessionRequest(session_id=worker.session), timeout=CALL_TIMEOUT)
    # As Elixir says it.
    assert described.metadata["from"] == "elixir" and described.variable_count == 7
    assert worker.heartbeat().session_valid
    answer = worker.stub.CleanupSession(
        pb.CleanupSessionRequest(session_id=worker.session), timeout=CALL_TIMEOUT)
    assert answer.success and worker.session in elixir.ended
    # Its own session is over, and the worker is not.
    assert worker.heartbeat().session_valid
    assert worker.result("reveal", value=2) == 2
    assert worker.session in elixir.sessions


def test_a_session_that_elixir_does_not_have(new):
    with refused(CODE.NOT_FOUND, "Session not found"):
        new.stub.GetSession(pb.GetSessionRequest(session_id="none"), timeout=CALL_TIMEOUT)


def test_a_session_that_is_none(new, elixir):
    for session in ["", "x" * 10_000]:
        response = new.call("reveal", session=session or "\0", value=1)
        assert not response.success
    assert not elixir.sessions


def test_heartbeats_of_the_pool_are_handed_on(elixir, tools, tmp_path):
    """Without the worker's own ones."""
    version = Version("quiet", ready_file=True, last_chunk=True, json_errors=True, session=None,
                      heartbeats={**HEARTBEATS, "enabled": False})
    with started(version, elixir, plugins=tools, directory=tmp_path) as worker:
        worker.initialize()
        assert not elixir.heartbeats
        worker.heartbeat()
        elixir.wait_for(lambda: elixir.heartbeats == [worker.session], "a heartbeat")


def test_the_worker_sends_heartbeats(elixir, tools, tmp_path):
    with started(V13, elixir, plugins=tools, directory=tmp_path) as worker:
        worker.initialize()
        worker.call("reveal", session="another", value=1)
        elixir.wait_for(
            lambda: {worker.session, "another"} <= set(elixir.heartbeats), "heartbeats of both")


def test_a_session_that_elixir_has_lost_is_told_of_again(new, elixir):
    new.initialize()
    with elixir.lock:
        elixir.sessions.clear()
        elixir.registered.clear()
        elixir.heartbeats.clear()
    elixir.wait_for(lambda: elixir.heartbeats, "a heartbeat that is answered no")

    def is_back():
        new.result("reveal", value=1)
        return new.session in elixir.sessions

    eventually(is_back, "the session there")
    elixir.wait_for(lambda: elixir.registered.get(new.session), "its tools")


@pytest.mark.parametrize("dependent", [True, False])
def test_nobody_answers_heartbeats(dependent, elixir, tools, tmp_path):
    version = Version("hb", ready_file=True, last_chunk=True, json_errors=True, session=None,
                      heartbeats={**HEARTBEATS, "interval_ms": 20, "dependent": dependent})
    worker = Worker(version, elixir, plugins=tools, directory=tmp_path)
    try:
        worker.initialize()
        elixir.wait_for(lambda: elixir.heartbeats, "a heartbeat")
        elixir.stop()
        if dependent:
            assert worker.wait() == 0
            assert "Elixir's server is gone" in worker.output
        else:
            eventually(lambda: "in_a_row=5" in worker.output, "misses")
            assert worker.result("reveal", value=1) == 1
            assert worker.heartbeat().session_valid
            worker.stop()
    finally:
        worker.kill()


# ---------------------------------------------------------------------------------------------
# Tools here, known there


def test_tools_are_registered_under_the_pools_id(new, elixir):
    elixir.workers = {new.worker_id}
    new.initialize()
    elixir.wait_for(lambda: elixir.registered.get(new.session), "a registration")
    tools = elixir.registered[new.session]
    assert {"reveal", "chunks", "ask"} <= set(tools)
    assert {worker for worker, _ in tools.values()} == {new.worker_id}
    ask = tools["ask"][1]
    assert [(p.name, p.type, p.required) for p in ask.parameters] == [
        ("tool", "string", True), ("depth", "integer", True)]
    assert tools["chunks"][1].supports_streaming and not ask.supports_streaming
    assert ask.metadata["plugin"] == "worker"


def test_without_the_pools_id_nothing_is_registered(elixir, tools, tmp_path):
    for version, options, is_known in [(V08, [], False), (V08, ["--worker-id", "given"], True)]:
        with started(version, elixir, *options, plugins=tools, directory=tmp_path) as worker:
            worker.initialize()
            if is_known:
                elixir.wait_for(lambda: elixir.registered.get(worker.session), "a registration")
                assert elixir.registered[worker.session]["reveal"][0] == "given"
            else:
                assert "the worker's id in the pool is not known" in worker.output
        assert is_known or not elixir.registered


def test_tools_that_are_there_already(elixir, tools, tmp_path):
    """A second worker of the pool in the same session: what is new of it is registered."""
    with started(V13, elixir, plugins=tools, directory=tmp_path) as first:
        first.initialize("shared")
        elixir.wait_for(lambda: elixir.registered.get("shared"), "a registration")
        with elixir.lock:
            del elixir.registered["shared"]["blob"]
        with started(V13, elixir, plugins=tools, directory=tmp_path) as second:
            second.initialize("shared")
            elixir.wait_for(lambda: "blob" in elixir.registered["shared"], "the one that is new")
            assert elixir.registered["shared"]["blob"][0] == second.worker_id
            assert elixir.registered["shared"]["reveal"][0] == first.worker_id


def test_tools_that_come_later(elixir, plugins, builds, tmp_path):
    """A plugin that is dropped in is registered in the sessions that there are."""
    with started(V13, elixir, plugins=plugins, directory=tmp_path) as worker:
        worker.initialize()
        assert not elixir.registered
        plugin_directory(plugins, "slow.c")
        elixir.wait_for(lambda: "slow" in elixir.registered.get(worker.session, {}),
                        "the tool of the plugin")


# ---------------------------------------------------------------------------------------------
# Tools there, called here


def add(context, x, y=1):
    return {"sum": x + y}


def test_a_tool_of_elixir(worker, elixir):
    elixir.expose("add", add, ("x", "integer", True), ("y", "integer", False))
    assert worker.result("add", x=2, y=3) == {"sum": 5}
    assert elixir.calls[-1].session_id == worker.session


def test_what_tools_of_elixir_take_and_answer(new, elixir):
    elixir.expose("mirror", lambda context, **given: given)
    elixir.expose("nothing_there", lambda context: None)
    elixir.expose("bytes", lambda context: b"\xff\x00")
    given = {"a": 1, "b": [1, {"c": None}], "d": "text ☃", "e": None, "f": True, "g": -0.5}
    assert new.result("mirror", **given) == given
    response = new.call("nothing_there")
    assert response.success and json.loads(response.result.value) is None
    assert new.call("bytes").binary_result == b"\xff\x00"
    response = new.call("mirror", binary={"data": b"x"})
    assert not response.success and "data" in response.error_message


def test_a_tool_of_elixir_that_fails(new, elixir):
    def fail(context):
        raise ValueError("the moon is full")

    elixir.expose("fail", fail)
    kind, text = new.error("fail")
    assert (kind, text) == ("elixir_error", "the moon is full")


def test_declared_types_are_held_to(new, elixir):
    elixir.expose("typed", add, ("x", "integer", True))
    kind, text = new.error("typed", x="one")
    assert kind == "invalid_parameter" and "x" in text
    assert new.error("typed")[0] == "invalid_parameter"


def test_a_tool_that_is_exposed_later(new, elixir):
    assert new.error("late")[0] == "tool_not_found"
    elixir.expose("late", lambda context: "here")

    def answer():
        response = new.call("late")
        return response.success and json.loads(response.result.value)

    assert eventually(answer, "the tool is found") == "here"


def test_a_plugins_tool_is_not_replaced(new, elixir):
    elixir.expose("reveal", lambda context, value: "Elixir's")
    elixir.expose("other", lambda context: "other")
    assert new.result("reveal", value=1) == 1
    assert new.result("other") == "other"
    assert "a tool here has its name" in new.output


def test_a_name_that_is_none_here(new, elixir):
    elixir.expose("ends with?", lambda context: 1)
    elixir.expose("fine", lambda context: 2)
    assert new.result("fine") == 2


def test_a_plugin_calls_a_tool_of_elixir(worker, elixir):
    elixir.expose("half", lambda context, depth: depth / 2, ("depth", "integer", True))
    assert worker.result("ask", tool="half", depth=3) == 1.5
    assert json.loads(elixir.calls[-1].parameters["depth"].value) == 3


def test_a_plugin_finds_a_tool_that_is_exposed_later(new, elixir):
    new.initialize()
    elixir.expose("later", lambda context, depth: depth)

    def answer():
        response = new.call("ask", tool="later", depth=7)
        return response.success and json.loads(response.result.value)

    assert eventually(answer, "the tool is found") == 7


def test_the_command_line_calls_a_tool_of_elixir(new, elixir):
    elixir.expose("add", add, ("x", "integer", True), ("y", "integer", False))
    end = run_host("execute", "--address", f"127.0.0.1:{new.port}", "add", "x=4", "y=5")
    assert json.loads(end.stdout) == {"sum": 9}, end.stderr


def test_ids_of_work_go_along(new, elixir):
    seen = queue.Queue()

    def tool(context, **_):
        seen.put(dict(context.invocation_metadata()))

    elixir.expose("seen", tool)
    new.call("ask", tool="seen", depth=1, metadata={"correlation_id": "c-1", "other": "x"})
    assert seen.get(timeout=CALL_TIMEOUT)["x-snakepit-correlation-id"] == "c-1"
    assert elixir.calls[-1].metadata["correlation_id"] == "c-1"
    assert elixir.calls[-1].metadata["other"] == "x"


def test_elixirs_tools_by_its_own_rpcs(new, elixir):
    """What calls tools of Elixir in Python calls them through the worker as well."""
    elixir.expose("add", add, ("x", "integer", True))
    listed = new.stub.GetExposedElixirTools(
        pb.GetExposedElixirToolsRequest(session_id=new.session), timeout=CALL_TIMEOUT)
    assert [tool.name for tool in listed.tools] == ["add"]
    new.initialize()
    response = new.stub.ExecuteElixirTool(pb.ExecuteElixirToolRequest(
        session_id=new.session, tool_name="add", parameters={"x": V13.any(1)}),
        timeout=CALL_TIMEOUT)
    assert response.success and json.loads(response.result.value) == {"sum": 2}


# ---------------------------------------------------------------------------------------------
# Ends


class Held:
    """A tool of Elixir that goes on until its call ends."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)

    def __call__(self, context, **_):
        over = threading.Event()
        if not context.add_callback(over.set):
            over.set()
        self.begun.release()
        assert over.wait(bridge.WATCH_TIMEOUT)
        self.ended.release()
        raise ValueError("ended from outside")

    def has_begun(self):
        assert self.begun.acquire(timeout=CALL_TIMEOUT)

    def has_ended(self):
        assert self.ended.acquire(timeout=CALL_TIMEOUT)


@pytest.mark.parametrize("through", ["direct", "plugin"])
def test_a_cancelled_call_ends_in_elixir_too(through, new, elixir):
    held = Held()
    elixir.expose("held", held)
    tool, parameters = {"direct": ("held", {}),
                        "plugin": ("ask", {"tool": "held", "depth": 1})}[through]
    call = new.stub.ExecuteTool.future(new.request(tool, parameters), timeout=CALL_TIMEOUT)
    held.has_begun()
    call.cancel()
    held.has_ended()
    assert new.result("reveal", value=1) == 1


@pytest.mark.parametrize("through", ["direct", "plugin"])
def test_a_deadline_ends_in_elixir_too(through, new, elixir):
    held = Held()
    elixir.expose("held", held)
    tool, parameters = {"direct": ("held", {}),
                        "plugin": ("ask", {"tool": "held", "depth": 1})}[through]
    response = new.raw_call(tool, "1S", **parameters)
    assert not response.success and "deadline" in response.error_message
    held.has_ended()


def test_what_is_in_flight_when_elixir_goes(new, elixir):
    held = Held()
    elixir.expose("held", held)
    call = new.stub.ExecuteTool.future(
        new.request("ask", {"tool": "held", "depth": 1}), timeout=CALL_TIMEOUT)
    held.has_begun()
    elixir.stop()
    error = json.loads(call.result().error_message)
    assert error["type"] == "elixir_gone"
    assert f"Elixir's server at 127.0.0.1:{elixir.port}" in error["message"]


def test_elixir_goes_and_comes_back(tools, tmp_path):
    """Calls that do not need it go on, and those that do succeed again."""
    elixir = Elixir("127.72.2.1:50062").start()
    elixir.expose("add", add, ("x", "integer", True))
    version = Version("patient", address="127.72.2.1", ready_file=True, last_chunk=True,
                      json_errors=True, session=None,
                      heartbeats={**HEARTBEATS, "dependent": False})
    worker = Worker(version, elixir, plugins=tools, directory=tmp_path)
    again = Elixir("127.72.2.1:50062")
    try:
        assert worker.result("add", x=1) == {"sum": 2}
        elixir.stop()
        assert worker.error("add", x=1)[0] == "elixir_gone"
        assert worker.result("reveal", value=1) == 1
        assert worker.initialize("made_meanwhile").success
        assert worker.heartbeat().session_valid
        again.expose("add", add, ("x", "integer", True))
        again.start()

        def works():
            response = worker.call("add", x=1)
            return response.success

        eventually(works, "the tool is called again")
        # Sessions that it has never heard of.
        again.wait_for(lambda: again.registered.get(worker.session), "a registration")
        worker.stop()
    finally:
        worker.kill()
        elixir.stop()
        again.stop()


def nested(elixir, worker, last):
    """A tool of Elixir that calls the worker's `ask`, which calls it again, and so on down."""

    def down(context, depth):
        if depth == 0:
            return last(context)
        # As Snakepit.execute does inside of a tool.
        call = worker.stub.ExecuteTool.future(
            worker.request("ask", {"tool": "down", "depth": depth - 1}), timeout=CALL_TIMEOUT)
        if not context.add_callback(call.cancel):
            call.cancel()
        try:
            response = call.result()
        except grpc.FutureCancelledError:
            raise ValueError("cancelled") from None
        if not response.success:
            raise ValueError(response.error_message)
        return json.loads(response.result.value) + 1

    elixir.expose("down", down, ("depth", "integer", True))


def test_calls_within_calls_both_ways(new, elixir):
    nested(elixir, new, lambda context: 0)
    assert new.result("ask", tool="down", depth=3) == 3


def test_calls_within_calls_are_cancelled_all_the_way_down(new, elixir):
    held = Held()
    nested(elixir, new, held)
    new.initialize()
    for _ in range(3):
        call = new.stub.ExecuteTool.future(
            new.request("ask", {"tool": "down", "depth": 3}), timeout=CALL_TIMEOUT)
        held.has_begun()
        call.cancel()
        held.has_ended()
    # Nothing of them is left.
    def running():
        end = run_host("plugins", "list", "--json", "--address", f"127.0.0.1:{new.port}")
        return sum(json.loads(line)["calls"] for line in end.stdout.splitlines())

    eventually(lambda: running() == 0, "all calls end")
    nested(elixir, new, lambda context: 0)
    assert new.result("ask", tool="down", depth=3) == 3


# ---------------------------------------------------------------------------------------------
# Many


def memory(pid):
    """Of the process alone, in KiB: what 50 of them take is not shared."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        lines = dict(line.split(":", 1) for line in file.read().splitlines()[1:])
    return sum(int(lines[key].split()[0]) for key in ["Private_Clean", "Private_Dirty"])


def test_a_pool_starts_at_once(elixir, tools, tmp_path):
    """BRIDGE_WORKERS=50 for a large one; what each takes is printed (`pytest -s`)."""
    count = int(os.environ.get("BRIDGE_WORKERS", "6"))
    workers = [Worker(V13, elixir, plugins=tools, directory=tmp_path, wait=False)
               for _ in range(count)]
    try:
        for worker in workers:
            worker.wait_until_ready()
        for worker in workers:
            assert worker.initialize().success
            assert worker.result("reveal", value=1) == 1
        sizes = sorted(memory(worker.process.pid) for worker in workers)
        print(f"\n{count} workers: {sizes[len(sizes) // 2]} KiB of its own each, at most {sizes[-1]}")
        for worker in workers:
            worker.stop()
    finally:
        for worker in workers:
            worker.kill()
