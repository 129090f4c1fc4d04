"""What plugin authors run without a server: `call` and `test-host`."""

import json
import os
import signal
import subprocess

import pytest

from bridge import HOST, run_host
from stubs import REPOSITORY

EXAMPLE = HOST.parent / "libExampleTools.so"
EXAMPLE_C = HOST.parent / "libExampleToolsC.so"
HEADERS = REPOSITORY / "Sources/BridgePluginABI/include"
FIXTURES = REPOSITORY / "Tests/PluginFixtures"


def compile_plugin(path, source, *options):
    """Compiles a file of Tests/PluginFixtures."""
    subprocess.run(
        ["clang", "-std=gnu17", "-g", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{HEADERS}",
         "-I", FIXTURES, *options, source, "-o", path], check=True)
    path.chmod(0o755)
    return path


# call


def test_a_call_prints_result_and_variables():
    done = run_host("call", EXAMPLE, "scale_variable", "variable=temperature", "factor=2",
                    "--var", "temperature:float=21.5")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "43.0\nvariables:\n"
        "  temperature = 43.0  (float, version 2, by tool:scale_variable)\n")


def test_a_trace_names_functions_arguments_thread_and_time():
    done = run_host("call", EXAMPLE, "echo", "text=hi there", "--trace")
    result, head, *lines = done.stdout.splitlines()
    assert result == '"hi there"' and head.split() == ["trace:", "at", "took", "thread"]
    fields = [line.split(maxsplit=5) for line in lines]
    assert [field[5] for field in fields] == [
        "▶ run() → OK", 'call.parameter(name: "text") → OK value: "hi there"',
        'call.result(value: "hi there") → OK']
    for at, unit, took, unit_too, thread, _ in fields:
        assert unit == unit_too == "µs" and float(at) > 0 and float(took) >= 0 and thread == "1"


def test_chunks_are_printed_and_progress_is_told():
    done = run_host("call", EXAMPLE, "countdown", "from=2")
    assert done.stdout == "2\n1\n2\n"
    assert done.stderr == "50 % 1 to go\n100 % 0 to go\n"
    done = run_host("call", EXAMPLE, "countdown", "from=2", "--no-stream")
    assert done.returncode == 1 and "nobody streams" in done.stderr


def test_json_is_one_object():
    done = run_host("call", EXAMPLE, "countdown", "from=2", "--json", "--trace",
                    "--var", "x:tensor={\"shape\": [2], \"data\": [1, 2]}")
    record = json.loads(done.stdout)
    assert record["ok"] and record["result"] == 2 and record["chunks"] == [2, 1]
    assert record["variables"][0]["name"] == "x"
    assert record["trace"][0]["function"] == "run"
    assert "trace" not in json.loads(
        run_host("call", EXAMPLE, "echo", "text=x", "--json").stdout)


def test_deadline_and_cancellation():
    slow = ("countdown", "from=10", "interval_ms=60000", "--json")
    late = run_host("call", EXAMPLE, *slow, "--deadline", "50ms")
    assert late.returncode == 1
    assert json.loads(late.stdout)["error"]["status"] == "DEADLINE_EXCEEDED"
    cancelled = run_host("call", EXAMPLE, *slow, "--cancel-after", "0.05s")
    assert json.loads(cancelled.stdout)["error"]["status"] == "CANCELLED"


@pytest.mark.parametrize("arguments, part", [
    (("/nowhere.so", "x"), "/nowhere.so"),
    ((EXAMPLE_C, "nothing"), "it has c_dot, c_hello, c_increment, c_stream"),
    ((EXAMPLE, "echo"), "text"),
    ((EXAMPLE, "echo", "text=a", "--var", "x:choice=1", "--var", "x:float=1"), "already exists"),
    ((EXAMPLE, "echo", "text=a", "--configuration", "{}"), "takes no configuration"),
])
def test_what_cannot_be_called_says_why(arguments, part):
    done = run_host("call", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert part in done.stderr and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("arguments", [
    ("echo", "text=a", "text=b"), ("echo", "text=a", "--var", "x=1"),
    ("echo", "text=a", "--deadline", "5"), ("echo", "text=a", "--debugger", "edb"),
])
def test_a_wrong_command_line(arguments):
    done = run_host("call", EXAMPLE, *arguments)
    assert done.returncode == 64 and "--help" in done.stderr


def test_a_manifest_is_called():
    manifest = REPOSITORY / "Plugins/ExampleToolsC/libm.native.json"
    assert run_host("call", manifest, "libm_pow", "x=2", "y=10").stdout == "1024.0\n"


def test_broken_rules_are_told(tmp_path):
    rules = compile_plugin(tmp_path / "rules.so", FIXTURES / "rules.c", "-pthread")
    done = run_host("call", rules, "release_twice", "--var", "counter:integer=1")
    assert done.returncode == 0
    assert "breaks a rule of the ABI: variables.release" in done.stderr


def test_a_crash_is_told_of(tmp_path):
    source = tmp_path / "crash.c"
    source.write_text('''
#include "fixture.h"
static bridge_status run(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  volatile int *nowhere = NULL;
  return answer(call, *nowhere);
}
BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  static bridge_tool tool;
  static const bridge_tool *tools[] = {&tool};
  static bridge_plugin plugin;
  host = h;
  tool = tool_of("crash", 0, run);
  plugin = plugin_of("crash", tools, 1);
  *p = &plugin;
  return BRIDGE_OK;
}
''')
    plugin = compile_plugin(tmp_path / "crash.so", source)
    done = run_host("call", plugin, "crash")
    assert done.returncode == -signal.SIGSEGV
    assert done.stderr.splitlines()[0] == (
        f"bridge-host: the process crashes in a call of crash of {plugin}; "
        "--debugger gdb shows where")


def test_a_debugger_is_given_the_same_call(tmp_path):
    for name in ("gdb", "lldb"):
        debugger = tmp_path / name
        debugger.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n')
        debugger.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for option in (["--debugger", "gdb"], ["--debugger=lldb"]):
        done = subprocess.run(
            [HOST, "call", EXAMPLE, "echo", *option, "text=a b"], env=environment,
            capture_output=True, text=True, check=True, timeout=60)
        lines = done.stdout.splitlines()
        assert lines[0].endswith(option[-1].rsplit("=")[-1])
        assert lines[-5:] == [str(HOST.resolve()), "call", str(EXAMPLE), "echo", "text=a b"]
    (tmp_path / "gdb").unlink()
    environment["PATH"] = str(tmp_path)
    done = subprocess.run(
        [HOST, "call", EXAMPLE, "echo", "--debugger", "gdb"], env=environment,
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "is it installed?" in done.stderr


def test_a_sanitizer_is_loaded_first(tmp_path):
    source = tmp_path / "overflow.c"
    source.write_text("""
#include "fixture.h"
#include <stdlib.h>
static bridge_status run(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  volatile char *bytes = malloc(4);
  bytes[4] = 1;
  return answer(call, 1);
}
BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  static bridge_tool tool;
  static const bridge_tool *tools[] = {&tool};
  static bridge_plugin plugin;
  host = h;
  tool = tool_of("overflow", 0, run);
  plugin = plugin_of("overflow", tools, 1);
  *p = &plugin;
  return BRIDGE_OK;
}
""")
    plugin = compile_plugin(tmp_path / "overflow.so", source, "-fsanitize=address", "-O0")
    refused = run_host("call", plugin, "overflow")
    assert refused.returncode == 2 and "--sanitizer address" in refused.stderr
    found = run_host("call", plugin, "overflow", "--sanitizer", "address")
    assert found.returncode not in (0, 2)
    assert "AddressSanitizer: heap-buffer-overflow" in found.stderr
    assert "overflow.c:7" in found.stderr


# test-host


class Remote:
    """A test host that is talked to as other languages do."""

    def __init__(self, **options):
        self.process = subprocess.Popen(
            [HOST, "test-host", "--options", json.dumps(options)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1)
        self.answers = {}
        self.count = 0

    def send(self, **request):
        self.count += 1
        self.process.stdin.write(f"{self.count} {json.dumps(request)}\n")
        return str(self.count)

    def receive(self, name):
        while name not in self.answers:
            other, answer = self.process.stdout.readline().split(" ", 1)
            self.answers[other] = json.loads(answer)
        return self.answers.pop(name)

    def ask(self, **request):
        return self.receive(self.send(**request))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(60) == 0
        self.process.stdout.close()


def test_requests_of_another_language():
    with Remote() as host:
        assert "countdown" in host.ask(do="load", path=str(EXAMPLE))["tools"]
        assert host.ask(do="define", name="v", type="float", value=1.5) == {"ok": True}
        record = host.ask(do="call", tool="scale_variable",
                          arguments={"variable": "v", "factor": 4})
        assert record["ok"] and record["result"] == 6.0
        assert host.ask(do="get", name="v")["variable"]["version"] == 2
        assert [tool["name"] for tool in host.ask(do="tools")["tools"]][:2] == [
            "arithmetic", "average_updates"]
        record = host.ask(do="call", tool="countdown", arguments={"from": 3}, faults=[
            {"effect": "fail", "function": "call.emit", "use": 2, "status": "UNAVAILABLE"}])
        assert record["error"]["status"] == "UNAVAILABLE" and record["chunks"] == [3]
        assert host.ask(do="set", name="v", value="x")["error"]["kind"] == "variable"
        assert host.ask(do="remove", name="v") == {"ok": True}
        assert host.ask(do="variables") == {"ok": True, "variables": [], "watches": 0}
        assert host.ask(do="violations")["violations"] == []
        assert host.ask(do="unload", path=str(EXAMPLE))["was_loaded"] is True


def test_a_call_that_waits_keeps_no_request_waiting():
    with Remote() as host:
        host.ask(do="load", path=str(EXAMPLE))
        waiting = host.send(do="call", tool="wait_for_variable",
                            arguments={"variable": "v", "target": 2})
        while host.ask(do="variables")["watches"] == 0:
            pass
        host.ask(do="define", name="v", type="float", value=3)
        assert host.receive(waiting)["result"] == 3.0


def test_a_clock_that_the_test_moves():
    with Remote(clock="manual") as host:
        host.ask(do="load", path=str(EXAMPLE))
        call = host.ask(do="start", tool="countdown",
                        arguments={"from": 2, "interval_ms": 60000})["call"]
        host.ask(do="wait_for_sleepers")
        assert host.ask(do="poll", call=call) == {"ok": True, "has_ended": False, "chunks": [2]}
        assert host.ask(do="advance", nanoseconds=60 * 10**9)["now"] == 60 * 10**9
        assert host.ask(do="wait", call=call)["result"] == 2
        assert host.ask(do="wait", call=call)["error"]["kind"] == "request"


@pytest.mark.parametrize("request_text, part", [
    ("", "no JSON"), ("[1]", "no object"), ("{}", '"do"'), ('{"do": 1}', "text"),
    ('{"do": "fly"}', "fly"), ('{"do": "load"}', "path"),
    ('{"do": "define", "name": "a", "type": "text", "value": 1}', "text"),
    ('{"do": "define", "name": "a", "type": "float"}', "value"),
    ('{"do": "call", "tool": "echo", "arguments": []}', "object"),
    ('{"do": "call", "tool": "echo", "faults": [{"effect": "explode"}]}', "explode"),
    ('{"do": "call", "tool": "echo", "faults": [{"effect": "fail", "status": "OK"}]}', "OK"),
    ('{"do": "wait", "call": 7}', "no such call"), ('{"do": "advance"}', "nanoseconds"),
    ('{"do": "advance", "nanoseconds": 1}', "real clock"),
    ('{"do": "wait_for_sleepers"}', "real clock"),
    ('{"do": "stub", "name": "a", "error": {"status": "FULL"}}', "FULL"),
])
def test_a_request_that_makes_no_sense(request_text, part):
    done = subprocess.run([HOST, "test-host"], input=f"x {request_text}\n", capture_output=True,
                          text=True, timeout=60, check=True)
    name, answer = done.stdout.split(" ", 1)
    error = json.loads(answer)["error"]
    assert name == "x" and error["kind"] == "request" and part in error["message"]


def test_what_a_plugin_prints_is_no_answer(tmp_path):
    source = tmp_path / "prints.c"
    source.write_text("""
#include "fixture.h"
#include <stdio.h>
BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  static bridge_plugin plugin;
  host = h;
  puts("hello from the plugin");
  fflush(stdout);
  plugin = plugin_of("prints", NULL, 0);
  *p = &plugin;
  return BRIDGE_OK;
}
""")
    plugin = compile_plugin(tmp_path / "prints.so", source)
    done = subprocess.run([HOST, "test-host"],
                          input="1 " + json.dumps({"do": "load", "path": str(plugin)}) + "\n",
                          capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == '1 {"ok":true,"tools":[]}\n'
    assert "hello from the plugin" in done.stderr


@pytest.mark.parametrize("options", ['{"clock": "broken"}', '{"abi_versions": [2]}', "[]", "{"])
def test_options_that_make_no_sense(options):
    done = run_host("test-host", "--options", options)
    assert done.returncode == 1 and done.stderr.startswith("bridge-host: ")
