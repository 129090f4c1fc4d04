"""`bridge-host worker` as each version of Snakepit starts it and calls it: a test per promise."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import pytest
from google.protobuf import any_pb2

import bridge
from bridge import CALL_TIMEOUT, GOOGLE, SNAKEPIT, eventually, plugin_directory, run_host
from elixir import SCRIPT, V04, V06, V13, VERSIONS, Worker, ends, processes, started
from stubs import pb


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """A directory with the plugin of these tests."""
    return plugin_directory(tmp_path_factory.mktemp("plugins"), "worker.c")


@pytest.fixture(params=VERSIONS, ids=repr, scope="module")
def worker(request, tools, tmp_path_factory):
    """One of each version, which its tests share."""
    with started(request.param, plugins=tools, directory=tmp_path_factory.mktemp("w")) as worker:
        yield worker


@pytest.fixture(params=VERSIONS, ids=repr)
def ending(request, tools, tmp_path):
    """One of the test's own."""
    with started(request.param, plugins=tools, directory=tmp_path) as worker:
        yield worker


@pytest.fixture(scope="module")
def old(tools, tmp_path_factory):
    with started(V04, plugins=tools, directory=tmp_path_factory.mktemp("old")) as worker:
        yield worker


@pytest.fixture(scope="module")
def new(tools, tmp_path_factory):
    with started(V13, plugins=tools, directory=tmp_path_factory.mktemp("new")) as worker:
        yield worker


# ---------------------------------------------------------------------------------------------
# The start


def test_it_starts_and_answers(worker):
    assert worker.stub.Ping(pb.PingRequest(message="hello"), timeout=CALL_TIMEOUT).message \
        == "pong: hello"
    assert worker.result("reveal", value=[1, 2]) == [1, 2]


def test_it_says_where_it_listens_in_one_line(worker):
    assert worker.lines.count(f"GRPC_READY:{worker.port}") == 1


@pytest.mark.parametrize("first", [["worker"], ["worker", SCRIPT], [SCRIPT], [""], ["worker", ""]],
                         ids=repr)
def test_what_stands_before_the_options(first, tmp_path):
    """An adapter's script_path may be anything that ends in .py, or empty."""
    process = subprocess.Popen(
        [str(bridge.HOST), *first, "--port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    assert process.stdout.readline().startswith(b"GRPC_READY:")
    process.stdin.close()
    assert process.wait(bridge.EXIT_TIMEOUT) == 0
    process.stdout.close()


@pytest.mark.parametrize("options", [
    ["--snakepit-future-thing"], ["--snakepit-future-thing", "x"], ["--snakepit-future-thing=x"]],
    ids=repr)
def test_unknown_options_of_snakepit_are_passed_over(options, tools, tmp_path):
    with started(V13, None, *options, plugins=tools, directory=tmp_path) as worker:
        eventually(lambda: "option=--snakepit-future-thing" in worker.output, "a warning")
        assert worker.result("reveal", value=1) == 1


def test_other_unknown_options_are_not():
    end = run_host("worker", "--future-thing")
    assert end.returncode == 64 and "--future-thing" in end.stderr


def test_options_of_a_python_adapter(tools, tmp_path):
    with started(V13, None, "--adapter", "my.Adapter", "--max-workers", "3", plugins=tools,
                 directory=tmp_path) as worker:
        assert worker.result("reveal", value=1) == 1


def test_help_teaches():
    text = run_host("worker", "--help").stdout
    for word in ["--elixir-address", "--worker-id", "SNAKEPIT_READY_FILE", "--exit-on-stdin-eof",
                 "bridge-host worker --plugins", "BRIDGE_HOST_PLUGINS"]:
        assert word in text


def test_plugins_by_the_environment(tools):
    process = subprocess.Popen(
        [str(bridge.HOST), "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env={**os.environ, "BRIDGE_HOST_PLUGINS": str(tools)})
    port = int(process.stdout.readline().partition(b":")[2])
    listed = run_host("execute", "--address", f"127.0.0.1:{port}", "reveal", "value=5")
    assert listed.stdout.strip() == "5", listed.stderr
    process.stdin.close()
    assert process.wait(bridge.EXIT_TIMEOUT) == 0
    process.stdout.close()


@pytest.mark.parametrize("level, is_told", [("debug", True), ("info", True), ("error", False),
                                            ("none", False), ("", True), ("odd", True)])
def test_log_level(level, is_told, tools, tmp_path):
    with started(V13, plugins=tools, directory=tmp_path,
                 environment={"SNAKEPIT_LOG_LEVEL": level}) as worker:
        worker.result("reveal", value=1)
    assert (" info serving " in worker.output) == is_told


def test_an_option_counts_more_than_the_environment(tools, tmp_path):
    with started(V13, None, "--log-level", "none", plugins=tools, directory=tmp_path) as worker:
        pass
    assert worker.lines == [f"GRPC_READY:{worker.port}"]


def test_a_configuration_file(tools, tmp_path):
    file = tmp_path / "worker.conf"
    file.write_text("worker-id = w1\nlog-level = error\n")
    file.chmod(0o600)
    with started(V13, None, "--config", file, plugins=tools, directory=tmp_path) as worker:
        assert worker.result("reveal", value=1) == 1
    assert " info " not in worker.output
    file.write_text("worker-id = w1\nlog-level = odd\n")
    end = run_host("worker", "--config", file)
    assert end.returncode == 64 and "line 2" in end.stderr


def test_a_ready_file_that_cannot_be_written(tmp_path):
    end = subprocess.run(
        [str(bridge.HOST), "worker"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=bridge.EXIT_TIMEOUT,
        env={**os.environ, "SNAKEPIT_READY_FILE": str(tmp_path / "missing/file")})
    assert end.returncode == 1 and "missing/file" in end.stderr and not end.stdout


def test_a_taken_port(tmp_path):
    """0.4 chooses ports by itself, and two may be the same: the pool has to see an end."""
    with socket.create_server(("127.71.255.1", 0)) as taken:
        end = subprocess.run(
            [str(bridge.HOST), SCRIPT, "--host", "127.71.255.1",
             "--port", str(taken.getsockname()[1])],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=bridge.EXIT_TIMEOUT)
    assert end.returncode == 1 and "ddress already in use" in end.stderr


def test_it_leads_a_process_group(worker):
    pid = processes(worker.run_id)[-1]
    if worker.version.ready_file or worker.version.start:
        assert os.getpgid(pid) == pid and os.getsid(pid) == pid
    else:
        assert os.getpgid(pid) == os.getpgid(os.getpid())


def test_plugins_run_in_the_worker(worker):
    """Starting a process for each would cost every worker of a pool time and memory."""
    worker.result("reveal", value=1)
    pid = processes(worker.run_id)[-1]
    assert not children(pid)


def test_plugins_in_processes_of_their_own(tools, tmp_path):
    with started(V13, None, "--isolation", "child", plugins=tools, directory=tmp_path) as worker:
        assert worker.result("reveal", value=1) == 1
        assert children(worker.process.pid)


def children(pid):
    """Of any of its threads."""
    return [int(child) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children")
            for child in path.read_text().split()]


def descendants(pid):
    found = children(pid)
    return found + [child for pid in found for child in descendants(pid)]


# ---------------------------------------------------------------------------------------------
# ExecuteTool


def test_values_come_as_each_version_sends_them(worker):
    values = [True, 3, -2.5, "text ☃", [1.5, 2], ["a", 1], {"a": [1]}]
    if not worker.version.snakepit_urls:
        # 0.4 sends no nil.
        values.append(None)
    for value in values:
        tool = {dict: "reveal_map", list: "reveal_list"}.get(type(value), "reveal")
        assert worker.result(tool, value=value) == value


def test_a_success_always_has_a_result(worker):
    response = worker.call("nothing")
    assert response.success and response.HasField("result")
    assert json.loads(response.result.value) is None
    # 0.4 reads null of a map or a list alone.
    assert response.result.type_url == SNAKEPIT + "map"


def test_bytes_have_a_result_beside_them(worker):
    response = worker.call("blob")
    assert response.binary_result == b"\x00\xff\x80"
    assert response.HasField("result") and json.loads(response.result.value) is None


def test_results_have_urls_that_old_versions_read(worker):
    for value, kind in [(1, "integer"), (1.5, "float"), ("x", "string"), (True, "boolean"),
                        (["a"], "list"), ({"a": 1}, "map")]:
        tool = {dict: "reveal_map", list: "reveal_list"}.get(type(value), "reveal")
        assert worker.call(tool, value=value).result.type_url == SNAKEPIT + kind


def test_an_unknown_tool_is_no_status(worker):
    kind, text = worker.error("no_such_tool")
    assert "no_such_tool" in text
    assert worker.call("no_such_tool").execution_time_ms == 0
    assert kind in (None, "tool_not_found")


@pytest.mark.parametrize("tool, parameters, word", [
    ("reveal", {}, "value"), ("reveal", {"value": 1, "other": 2}, "other"),
    ("deaf", {"milliseconds": "x"}, "milliseconds"), ("reveal_map", {"value": [1]}, "object")])
def test_a_wrong_parameter_is_no_status(worker, tool, parameters, word):
    kind, text = worker.error(tool, **parameters)
    assert word in text
    assert kind in (None, "invalid_parameter")


def test_a_failure_is_told_whole(worker):
    assert worker.error("refuses") in [
        (None, 'the oven is "cold"'), ("ColdError", 'the oven is "cold"')]


def test_a_request_that_is_none_is_no_status(new):
    call = new.stub.ExecuteTool(pb.ExecuteToolRequest(tool_name="reveal"), timeout=CALL_TIMEOUT)
    assert not call.success
    raw = new.channel().unary_unary("/snakepit.bridge.BridgeService/ExecuteTool")
    response = pb.ExecuteToolResponse.FromString(raw(b"\x0a\xff", timeout=CALL_TIMEOUT))
    assert not response.success and "ExecuteToolRequest" in response.error_message


def test_a_deadline_is_no_status(worker):
    """By a tool that does not look. The client waits longer than it says, as Elixir's does."""
    response = worker.raw_call("deaf", "400m", milliseconds=60_000)
    assert not response.success and "deadline" in response.error_message
    # The worker has lost nothing by it.
    assert worker.result("reveal", value=1) == 1


def test_a_deadline_is_answered_before_it_passes(new):
    """A client that waits no longer than it says gets the answer: half a second is left for that."""
    kind, text = new.error("deaf", timeout=8, milliseconds=60_000)
    assert "deadline" in text and kind == "deadline"


def test_a_deadline_that_is_over_is_no_status(new):
    response = new.raw_call("deaf", "1n", milliseconds=60_000)
    assert not response.success and "deadline" in response.error_message


def test_numbers_that_were_left_out(old):
    """0.4 describes long lists of numbers, and drops them."""
    description = any_pb2.Any(
        type_url=SNAKEPIT + "embedding.binary",
        value=json.dumps({"shape": [2000], "dtype": "float32", "type": "embedding"}).encode())
    for tool in ["reveal", "reveal_list"]:
        assert "leaves them out of long lists" in old.error(tool, value=description)[1]


def test_packed_wrappers_and_values(new):
    """What Python's clients of Snakepit send to tools of Elixir."""
    packed = any_pb2.Any()
    packed.Pack(bridge_string("text"))
    assert new.result("reveal", value=packed) == "text"
    number = any_pb2.Any(type_url=GOOGLE + "Value", value=b"2.5")
    assert new.result("reveal", value=number) == 2.5


def bridge_string(text):
    from google.protobuf import wrappers_pb2
    return wrappers_pb2.StringValue(value=text)


def test_calls_run_at_once(worker):
    """Five that take a second each are over in far less than five watchdogs."""
    calls = [worker.stub.ExecuteTool.future(
        worker.request("deaf", {"milliseconds": 300}), timeout=CALL_TIMEOUT) for _ in range(5)]
    assert all(call.result().success for call in calls)


# ---------------------------------------------------------------------------------------------
# Streams


def test_streams_end_as_each_version_reads_them(worker):
    received = worker.stream("chunks")
    assert [chunk.is_final for chunk in received] == [False] * (len(received) - 1) + [True]
    if worker.version.last_chunk:
        assert [chunk.data for chunk in received] == [b'{"n":1}', b"", b"\xff", b'"done"']
    else:
        # All but the last are read as JSON, and the last is dropped.
        values = [json.loads(chunk.data) for chunk in received[:-1]]
        assert values == [{"n": 1}, None, {"raw_data_base64": "/w=="}, "done"]
        assert received[-1].data == b""


def test_a_stream_without_a_result(worker):
    received = worker.stream("nothing")
    assert [(chunk.is_final, chunk.data) for chunk in received] == [(True, b"")]


# ---------------------------------------------------------------------------------------------
# Sessions and variables


def test_a_session_is_made_by_its_first_call(worker):
    assert worker.result("reveal", session="never_heard_of", value=1) == 1


def test_initialize_twice(worker):
    assert worker.initialize(worker="w").success
    assert worker.initialize(worker="w").success


def test_a_heartbeat_never_ends_a_worker(worker):
    """One answer that says the session is not valid would."""
    assert worker.heartbeat("never_heard_of").session_valid
    worker.initialize()
    assert worker.heartbeat().session_valid
    worker.stub.CleanupSession(
        pb.CleanupSessionRequest(session_id=worker.session), timeout=CALL_TIMEOUT)
    assert worker.heartbeat().session_valid


def test_variables_are_answered_in_the_form_that_old_clients_read(old):
    register = pb.RegisterVariableRequest(
        session_id="notebook", name="v", type="float",
        initial_value=any_pb2.Any(type_url="", value=b"1.5"))
    first = old.stub.RegisterVariable(register, timeout=CALL_TIMEOUT)
    read = old.stub.GetVariable(pb.GetVariableRequest(
        session_id="notebook", variable_identifier="v"), timeout=CALL_TIMEOUT)
    assert read.variable.value.type_url == SNAKEPIT + "float"
    # A notebook's cell runs again.
    second = old.stub.RegisterVariable(register, timeout=CALL_TIMEOUT)
    assert second.success and second.variable_id != first.variable_id


# ---------------------------------------------------------------------------------------------
# The tools of Elixir, where there is no Elixir: the host's own


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_the_hosts_own_tools_stand_for_those_of_elixir(command, request, new):
    stub = request.getfixturevalue("stub") if command == "serve" else new.stub
    tool = "echo" if command == "serve" else "reveal"
    listed = stub.GetExposedElixirTools(
        pb.GetExposedElixirToolsRequest(session_id="s"), timeout=CALL_TIMEOUT)
    assert tool in [tool.name for tool in listed.tools]
    packed = any_pb2.Any()
    packed.Pack(bridge_string("hello"))
    name = "text" if command == "serve" else "value"
    response = stub.ExecuteElixirTool(pb.ExecuteElixirToolRequest(
        session_id="s", tool_name=tool, parameters={name: packed}), timeout=CALL_TIMEOUT)
    assert response.success and json.loads(response.result.value) == "hello"
    unknown = stub.ExecuteElixirTool(pb.ExecuteElixirToolRequest(
        session_id="s", tool_name="no_such_tool"), timeout=CALL_TIMEOUT)
    assert not unknown.success and "no_such_tool" in unknown.error_message


# ---------------------------------------------------------------------------------------------
# The end


def test_sigterm(ending):
    ending.result("reveal", value=1)
    ending.process.send_signal(signal.SIGTERM)
    assert ending.wait() == 0
    assert not processes(ending.run_id)


def test_sigterm_to_the_group_with_a_call_in_flight(tools, tmp_path):
    """What runs may finish. It has two seconds, as nothing else is said: the pool kills after six."""
    with started(V13, plugins=tools, directory=tmp_path) as worker:
        pass
    assert "grace=2s" in worker.output
    with started(V13, None, "--grace", "60", plugins=tools, directory=tmp_path) as worker:
        call = worker.stub.ExecuteTool.future(
            worker.request("deaf", {"milliseconds": 600}), timeout=CALL_TIMEOUT)
        # It runs.
        eventually(lambda: "tools" in threads(worker), "a thread of tools")
        os.killpg(worker.process.pid, signal.SIGTERM)
        assert call.result().success
        assert worker.wait() == 0


def threads(worker):
    return [path.read_text().strip()
            for path in pathlib.Path(f"/proc/{worker.process.pid}/task").glob("*/comm")]


def test_the_end_of_standard_input(ending):
    ending.process.stdin.close()
    assert ending.wait() == 0
    assert not processes(ending.run_id)


def test_the_end_of_standard_input_while_a_tool_hangs(tools, tmp_path):
    with started(V13, plugins=tools, directory=tmp_path) as worker:
        call = worker.stub.ExecuteTool.future(
            worker.request("deaf", {"milliseconds": 3_600_000}), timeout=CALL_TIMEOUT)
        eventually(lambda: "tools" in threads(worker), "a thread of tools")
        worker.process.stdin.close()
        assert worker.wait() == 0
        assert call.exception() is not None


PARENT = """
import subprocess, sys, time
process = subprocess.Popen(
    sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
for line in process.stdout:
    if line.startswith(b"GRPC_READY:"):
        print("ready", flush=True)
time.sleep(3600)
"""


@pytest.mark.parametrize("isolation", ["in-process", "child"])
@pytest.mark.parametrize("version", [V04, V06, V13], ids=repr)
def test_a_parent_that_is_killed_leaves_nothing(version, isolation, tools):
    """kill -9 of the BEAM: the end of standard input is all that a worker hears of it."""
    run_id = f"orphan-{os.getpid()}-{version}-{isolation}"
    variables = {**os.environ}
    if version is V13:
        variables["SNAKEPIT_PROCESS_GROUP"] = "1"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *version.start, str(bridge.HOST), SCRIPT,
         "--plugins", str(tools), "--isolation", isolation, "--port", "0",
         "--snakepit-run-id", run_id],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=variables)
    assert parent.stdout.readline() == b"ready\n"
    workers = [pid for pid in processes(run_id) if pid != parent.pid]
    below = [child for pid in workers for child in descendants(pid)]
    assert workers and bool(below) == (isolation == "child")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for pid in workers + below:
        ends(pid)
    assert not processes(run_id)


def test_a_server_told_to_end_with_its_standard_input(tools):
    process = subprocess.Popen(
        [str(bridge.HOST), "serve", "--exit-on-stdin-eof", "--port", "0"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout.readline().startswith(b"GRPC_READY:")
    process.stdin.close()
    assert process.wait(bridge.EXIT_TIMEOUT) == 0
    process.stdout.close()


def test_a_worker_told_not_to(tools):
    worker = Worker(V06, None, "--no-exit-on-stdin-eof", plugins=tools)
    try:
        worker.process.stdin.close()
        assert worker.result("reveal", value=1) == 1
        worker.process.send_signal(signal.SIGTERM)
        assert worker.wait() == 0
    finally:
        worker.kill()


def test_without_a_parent_to_watch(tools):
    """Standard input is no pipe: /dev/null ends at once, and says nothing."""
    process = subprocess.Popen(
        [str(bridge.HOST), "worker", "--plugins", str(tools)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    port = int(process.stdout.readline().partition(b":")[2])
    assert run_host("ping", "--address", f"127.0.0.1:{port}").returncode == 0
    process.terminate()
    assert process.wait(bridge.EXIT_TIMEOUT) == 0
    process.stdout.close()
