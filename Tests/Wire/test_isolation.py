"""Plugins in processes of their own, seen by clients of the host."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import grpc
import pytest

import commands
from bridge import CODE, HOST, Session, eventually, plugin_directory, start_host


@pytest.fixture(scope="module")
def misbehaving(tmp_path_factory):
    return plugin_directory(
        tmp_path_factory.mktemp("plugins"), "../PluginFixtures/misbehaving.c")


def processes(host):
    """The processes below the host: the one that makes the others, and those."""
    found, waiting = [], [host.process.pid]
    while waiting:
        for task in pathlib.Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            try:
                below = [int(word) for word in task.read_text().split()]
            except FileNotFoundError:
                continue
            found += below
            waiting += below
    return found


def is_alive(process):
    try:
        state = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_program_that_makes_processes_starts_with_the_host_where_it_is_needed(plugins):
    with start_host(plugins=plugins) as host:
        assert processes(host) == []
    # Whether there is a plugin in it is seen when it is loaded.
    (plugins / "x.so").write_text("no library\n")
    with start_host(plugins=plugins) as host:
        eventually(lambda: len(processes(host)) == 1, "the program is there")
    with start_host("--isolation", "in-process", plugins=plugins) as host:
        assert processes(host) == []


def another_build(directory, change):
    """A host beside a program for plugins' processes that `change` makes of the real one's bytes."""
    host = directory / "bridge-host"
    shutil.copy(HOST, host)
    runner = directory / "bridge-plugin-runner"
    runner.write_bytes(change((HOST.parent / "bridge-plugin-runner").read_bytes()))
    runner.chmod(0o755)
    return host, runner


MESSAGES = re.compile(rb"(messages of plugin processes, revision )\d")


@pytest.mark.parametrize("says", [True, False])
def test_a_program_of_another_build_makes_no_processes(misbehaving, tmp_path, says):
    if says:
        change = lambda program: MESSAGES.sub(rb"\1?", program)
    else:
        # As an older build: it ends at the first message that it does not know.
        change = lambda program: pathlib.Path("/bin/true").read_bytes()
    program, runner = another_build(tmp_path, change)
    with start_host("--isolation", "child", plugins=misbehaving, program=program) as host:
        eventually(lambda: "of another build" in host.stderr_text(), "it is told")
        line = next(line for line in host.stderr_text().splitlines() if "of another build" in line)
        assert str(runner) in line and "reload the plugins" in line
        assert re.search(r"this host is version \S+ with messages of plugin processes, revision \d", line)
        if says:
            assert re.search(r"it is version \S+ with messages of plugin processes, revision \?", line)
        else:
            assert "ends with exit code 0 and does not say which" in line
        # Nothing is tried again by itself.
        eventually(lambda: processes(host) == [], "no process is left")
        assert "it starts again" not in host.stderr_text()
        # The right program is taken without a new start.
        runner.unlink()
        shutil.copy(HOST.parent / "bridge-plugin-runner", runner)
        done = subprocess.run(
            [program, "plugins", "reload", "--address", host.target], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=commands.TIMEOUT)
        assert done.returncode == 0 and "loaded, tools: " in done.stdout, done
        session = Session(host.stub())
        assert session.result("fine") != host.process.pid
        assert host.stderr_text().count("plugins cannot be run in processes of their own") == 1


@pytest.mark.parametrize("isolation", ["child", "per-call"])
def test_a_crash_ends_its_call_and_nothing_else(misbehaving, isolation):
    with start_host("--isolation", isolation, plugins=misbehaving) as host:
        session = Session(host.stub())
        session.register("v", value=1.0)
        watch = session.watch("v", initial=True)
        watch.until_synced()
        answer = session.call("segfault")
        assert not answer.success
        assert "crashed with SIGSEGV at 0x10 in segfault" in answer.error_message
        assert answer.metadata["error_type"] == "plugin_crashed"
        details = json.loads(answer.metadata["error_details"])
        assert details["signal"] == "SIGSEGV" and details["plugin"] == "misbehaving"
        assert any("touch_what_is_not_there" in frame for frame in details["backtrace"])
        # The plugin, the session and its watches go on.
        assert session.result("fine") != host.process.pid
        session.set("v", 2.0)
        watch.next()
        with pytest.raises(grpc.RpcError) as error:
            list(session.stream("call_abort"))
        assert error.value.code() == CODE.UNAVAILABLE
        assert "SIGABRT" in error.value.details()
        eventually(lambda: "crashed with SIGABRT" in host.stderr_text(), "the crash is logged")


def test_what_hangs_is_ended_after_its_deadline(misbehaving, tmp_path):
    with start_host("--isolation", "child", plugins=misbehaving) as host:
        session = Session(host.stub())
        before = session.result("fine")
        with pytest.raises(grpc.RpcError) as error:
            session.call("loop_for_ever", timeout=0.3)
        assert error.value.code() == CODE.DEADLINE_EXCEEDED
        # The usual grace is five seconds.
        # A call that is in the process at that moment ends with it.
        def is_replaced():
            answer = session.call("fine")
            return answer.success and json.loads(answer.result.value) != before

        eventually(is_replaced, "the process is replaced")
        assert not is_alive(before)


def test_nothing_outlives_a_host_that_is_killed(misbehaving):
    host_context = start_host("--isolation", "child", plugins=misbehaving)
    host = host_context.__enter__()
    session = Session(host.stub())
    left = session.result("leave_processes")
    # The one that was left makes another one, in its own time.
    eventually(lambda: len(processes(host)) >= 4, "all processes are there")
    below = processes(host)
    assert left in below
    os.kill(host.process.pid, signal.SIGKILL)
    host.process.wait()
    deadline = time.monotonic() + 20
    while any(map(is_alive, below)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not [process for process in below if is_alive(process)]


def test_a_process_has_nothing_of_the_hosts(misbehaving):
    """No socket of the host's but the channel is open in it."""
    with start_host("--isolation", "child", plugins=misbehaving) as host:
        child = Session(host.stub()).result("fine")
        files = {}
        for link in pathlib.Path(f"/proc/{child}/fd").iterdir():
            files[int(link.name)] = os.readlink(link)
        sockets = [number for number, target in files.items() if target.startswith("socket:")]
        assert sockets == [3], files
        assert files[0] == "/dev/null"
        status = pathlib.Path(f"/proc/{child}/status").read_text()
        assert "NoNewPrivs:\t1" in status


def test_all_calls_of_a_crash_are_answered(misbehaving):
    """Hundreds of calls, some of which end the process that they all are in."""
    with start_host("--isolation", "child", plugins=misbehaving) as host:
        session = Session(host.stub())
        futures = []
        for number in range(300):
            tool = "exit_at_once" if number in (100, 200) else "fine"
            futures.append(host.stub().ExecuteTool.future(session.tool_request(tool, {}), timeout=60))
        answers = [future.result() for future in futures]
        failed = [answer for answer in answers if not answer.success]
        assert len(failed) >= 2
        assert all("misbehaving" in answer.error_message for answer in failed)
        assert sum(answer.success for answer in answers) >= 150
        assert session.result("fine")
