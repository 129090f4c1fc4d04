"""The program: its start, its end, its command line, what it says and what it refuses."""

import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import grpc
import pytest

import bridge
from bridge import CALL_TIMEOUT, CODE, Session, eventually, run_host, start_host


@pytest.fixture
def plugins(tmp_path):
    """A copy of the plugin directory that a test may spoil."""
    target = tmp_path / "plugins"
    shutil.copytree(bridge.PLUGINS, target)
    os.chmod(target, 0o755)
    for path in target.rglob("*"):
        os.chmod(path, 0o755 if path.is_dir() or path.suffix == ".so" else 0o644)
    return target


def tool_names(host):
    session = bridge.unique()
    answer = host.stub().InitializeSession(
        bridge.pb.InitializeSessionRequest(session_id=session), timeout=CALL_TIMEOUT)
    return set(answer.available_tools)


def test_threads_say_what_they_are_for():
    with start_host("--isolation", "in-process") as host:
        # A tool that is not quick: those run on the event loops.
        Session(host.stub()).result("read_summary")
        names = {
            path.read_text().strip()
            for path in pathlib.Path(f"/proc/{host.process.pid}/task").glob("*/comm")}
        assert {"tools", "signals"} <= names, names


# ---------------------------------------------------------------------------------------------
# The end


def test_sigterm_ends_open_watches_clearly():
    with start_host() as host:
        session = Session(host.stub())
        session.register("v")
        watch = session.watch("v", initial=True)
        watch.until_synced()
        host.terminate()
        updates = []
        try:
            for update in watch.call:
                updates.append(update)
        except grpc.RpcError as error:
            assert error.code() == CODE.UNAVAILABLE, error
            assert error.details()
        else:
            assert updates[-1].update_type == "session_closed"
            assert updates[-1].cause == "shutdown"
        assert host.wait() == 0


def test_sigint_ends_the_host_as_well():
    with start_host() as host:
        host.process.send_signal(signal.SIGINT)
        assert host.wait() == 0


def test_calls_in_flight_are_finished():
    with start_host() as host:
        session = Session(host.stub())
        stream = session.stream("countdown", **{"from": 10, "interval_ms": 50})
        numbers = [json.loads(next(stream).data)]
        host.terminate()
        chunks = list(stream)
        assert chunks[-1].is_final
        numbers += [json.loads(chunk.data) for chunk in chunks[:-1]]
        assert numbers == list(range(10, 0, -1))
        assert host.wait() == 0


def test_nothing_new_is_served_while_it_ends():
    with start_host() as host:
        session = Session(host.stub())
        session.register("v", value=0.0)
        call = session.stub.ExecuteTool.future(session.tool_request(
            "wait_for_variable", {"variable": "v", "target": 1.0}), timeout=CALL_TIMEOUT)
        session.result("echo", text="x")
        host.terminate()

        def refused_now():
            try:
                socket.create_connection(("127.0.0.1", host.port), 5).close()
            except OSError:
                return True
            return False

        bridge.eventually(refused_now, "the port is closed")
        # The call that waits for ever is ended at the end of the grace period, if not before.
        try:
            assert not call.result().success
        except grpc.RpcError as error:
            assert error.code() in (CODE.UNAVAILABLE, CODE.CANCELLED), error
        assert host.wait() == 0


def test_a_second_signal_ends_at_once():
    # The grace period is far longer than this test would wait for the exit.
    host = bridge.Host("--grace", "3600")
    try:
        session = Session(host.stub())
        session.register("v", value=0.0)
        session.stub.ExecuteTool.future(session.tool_request(
            "wait_for_variable", {"variable": "v", "target": 1.0}))
        session.result("echo", text="x")
        host.terminate()
        time.sleep(0.5)
        if host.process.poll() is None:
            host.terminate()
        host.wait()
        host.check_stdout()
    finally:
        host.kill()


def test_no_grace_at_all():
    with start_host("--grace", "0") as host:
        session = Session(host.stub())
        session.register("v", value=0.0)
        session.stub.ExecuteTool.future(session.tool_request(
            "wait_for_variable", {"variable": "v", "target": 1.0}))
        session.result("echo", text="x")
        host.terminate()
        assert host.wait() == 0


def test_an_idle_host_ends_cleanly():
    with start_host() as host:
        assert host.process.poll() is None


def test_the_end_of_a_host_with_plugins_warns_of_nothing():
    with start_host() as host:
        # The log may come after the ready line.
        eventually(lambda: " serving " in host.stderr_text(), "the host says that it serves")
        before = host.stderr_text().count(" warning ")
    assert host.stderr_text().count(" warning ") == before, host.stderr_text()


def test_standard_output_says_nothing_else():
    with start_host("--log-level", "debug") as host:
        session = Session(host.stub())
        session.register("v")
        session.result("echo", text="x")
        session.cleanup()
    # start_host checks standard output when it ends.
    assert host.stdout_lines == [f"GRPC_READY:{host.port}"]
    assert host.stderr_text(), "no log on standard error at level debug"


def test_out_of_descriptors():
    """Connections wait then, and the host does nothing but what it has to do."""
    with start_host("--log-level", "debug") as host:
        session = Session(host.stub())
        descriptors = len(list(pathlib.Path(f"/proc/{host.process.pid}/fd").iterdir()))
        limit = descriptors + 10
        resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        sockets = [socket.create_connection(("127.0.0.1", host.port)) for _ in range(30)]

        def lines(text):
            return [line for line in host.stderr_text().splitlines() if text in line]

        eventually(lambda: lines("connections wait, because they cannot be accepted"),
                   "the shortage is logged")
        begin = time.monotonic()
        before = len(lines("accepting pauses"))
        time.sleep(3)
        # It tries again each second, not without end.
        assert len(lines("accepting pauses")) - before <= time.monotonic() - begin + 1
        assert len(lines("connections wait, because")) == 1
        session.register("still-served")
        for connection in sockets:
            connection.close()
        # Those that waited are accepted, and found closed; then there is room again.
        stub = host.stub()

        def is_accepted():
            try:
                return stub.Ping(bridge.pb.PingRequest(), timeout=CALL_TIMEOUT)
            except grpc.RpcError:
                return None

        eventually(is_accepted, "new connections are accepted")


# ---------------------------------------------------------------------------------------------
# The command line


def test_a_taken_port_is_one_clear_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = run_host("serve", "--plugins", bridge.PLUGINS, "--host", "127.0.0.1",
                       "--port", port)
    assert run.returncode == 1
    assert run.stdout == ""
    assert len([line for line in run.stderr.splitlines() if str(port) in line]) == 1
    assert "Fatal error" not in run.stderr


@pytest.mark.parametrize("kind", ["missing", "a file"])
def test_a_plugin_directory_that_cannot_be_read(tmp_path, kind):
    path = tmp_path / "not_plugins"
    if kind == "a file":
        path.write_text("not a directory")
    run = run_host("serve", "--plugins", path, "--host", "127.0.0.1", "--port", "0")
    assert run.returncode == 1
    assert run.stdout == ""
    assert "not_plugins" in run.stderr
    assert "Fatal error" not in run.stderr


def test_version():
    run = run_host("--version")
    assert run.returncode == 0
    assert re.search(r"\d+\.\d+", run.stdout)


def test_help():
    run = run_host("--help")
    assert run.returncode == 0
    assert "serve" in run.stdout
    assert "tools" in run.stdout


def test_tools_lists_what_a_directory_offers():
    run = run_host("tools", "--plugins", bridge.PLUGINS)
    assert run.returncode == 0
    assert re.search(r"\becho\b", run.stdout)
    assert re.search(r"\btext\b", run.stdout)
    for name in ("arithmetic", "c_hello", "libm_pow", "native_mean"):
        assert re.search(rf"\b{name}\b", run.stdout), name


def test_tools_as_json():
    run = run_host("tools", "--plugins", bridge.PLUGINS, "--json")
    assert run.returncode == 0
    tools = {tool["name"]: tool for tool in map(json.loads, run.stdout.splitlines())}
    assert tools["echo"]["inputSchema"]["required"] == ["text"]
    assert tools["countdown"]["_meta"]["bridge-host/streams"]
    assert tools["read_summary"]["annotations"]["readOnlyHint"]


def test_tools_names_what_cannot_be_loaded(plugins):
    (plugins / "broken.so").write_text("This is not a shared object.\n")
    run = run_host("tools", "--plugins", plugins)
    assert run.returncode == 1
    assert "broken.so" in run.stderr
    assert re.search(r"\becho\b", run.stdout)


def test_tools_of_a_directory_that_is_not_there(tmp_path):
    run = run_host("tools", "--plugins", tmp_path / "nothing")
    assert run.returncode == 1
    assert "nothing" in run.stderr


def test_json_logs_are_one_object_a_line():
    with start_host("--log-format", "json") as host:
        session = Session(host.stub())
        session.result("echo", text="x")
        session.cleanup()
    lines = [line for line in host.stderr_text().splitlines() if line]
    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict), line


# ---------------------------------------------------------------------------------------------
# Plugin directories


def test_an_empty_plugin_directory_is_served(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o755)
    with start_host(plugins=empty) as host:
        assert tool_names(host) == set()
        session = Session(host.stub())
        session.register("v", value=1.0)
        assert session.describe().tool_count == 0


def test_a_broken_plugin_is_reported_and_the_rest_served(plugins):
    (plugins / "broken.so").write_text("This is not a shared object.\n")
    with start_host(plugins=plugins) as host:
        names = tool_names(host)
        assert {"echo", "c_hello", "libm_pow"} <= names
        eventually(lambda: "broken.so" in host.stderr_text(), "it is logged")
        assert Session(host.stub()).result("echo", text="served") == "served"


def test_a_broken_manifest_is_reported_and_the_rest_served(plugins):
    (plugins / "broken.native.json").write_text('{"library": ')
    with start_host(plugins=plugins) as host:
        assert {"echo", "c_hello", "libm_pow"} <= tool_names(host)
        eventually(lambda: "broken.native.json" in host.stderr_text(), "it is logged")


def test_a_shared_object_without_the_entry_is_reported(plugins):
    victim = next(path for path in sorted(plugins.glob("*.so")) if "ExampleToolsC" in path.name)
    library = next(
        (line.split()[-1] for line in open("/proc/self/maps") if "/libm." in line
         or "/libm-" in line), None)
    if library is None:
        pytest.skip("no libm is mapped into this process")
    shutil.copy(library, plugins / "noentry.so")
    os.chmod(plugins / "noentry.so", 0o755)
    with start_host(plugins=plugins) as host:
        assert "c_hello" in tool_names(host), victim.name
        eventually(lambda: "noentry.so" in host.stderr_text(), "it is logged")


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_shared_object_that_others_can_write_is_refused(plugins, mode):
    victim = next(path for path in sorted(plugins.glob("*.so"))
                  if re.search(r"ExampleTools(?!C)", path.name))
    os.chmod(victim, mode)
    with start_host(plugins=plugins) as host:
        names = tool_names(host)
        assert "echo" not in names
        assert "libm_pow" in names
        eventually(lambda: victim.name in host.stderr_text(), "it is logged")


def test_a_plugin_directory_that_others_can_write_is_refused(plugins):
    os.chmod(plugins, 0o777)
    assert stat.S_IMODE(plugins.stat().st_mode) == 0o777
    run = run_host("serve", "--plugins", plugins, "--host", "127.0.0.1", "--port", "0")
    assert run.returncode == 1
    assert str(plugins) in run.stderr
    assert re.search(r"writable|written", run.stderr)


def test_a_pipe_is_no_plugin(plugins):
    os.mkfifo(plugins / "pipe.so")
    with start_host(plugins=plugins) as host:
        eventually(lambda: "not a regular file" in host.stderr_text(), "it is logged")
        assert "echo" in tool_names(host)


def test_a_signal_ends_a_start_that_hangs(plugins, tmp_path):
    source = tmp_path / "slow.c"
    source.write_text("""
        #include <unistd.h>
        __attribute__((constructor)) static void wait_long(void) {
          write(2, "waiting\\n", 8);
          for (;;) pause();
        }
        // What does not export it is not loaded at all.
        int bridge_plugin_entry(void) { return 1; }""")
    slow = plugins / "slow.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", slow, source], check=True)
    os.chmod(slow, 0o755)
    process = subprocess.Popen(
        [str(bridge.HOST), "serve", "--plugins", str(plugins), "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # Other plugins are loaded before it, and the log says so. A host that does not wait ends the wait.
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    for line in process.stderr:
        if line == b"waiting\n":
            break
    watchdog.cancel()
    process.terminate()
    try:
        output, _ = process.communicate(timeout=bridge.EXIT_TIMEOUT)
    finally:
        process.kill()
    assert (process.returncode, output) == (0, b"")
