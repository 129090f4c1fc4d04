"""`bridge-host plugins`, and what it asks the host for."""

import json
import subprocess
import threading

import grpc
import pytest

from bridge import CODE, HOST, REPOSITORY, Session, eventually, run_host, start_host
from generations import build_of, names, put, serves
from stubs import tools_pb, tools_rpc


def command(host, *arguments, code=0):
    run = run_host("plugins", *arguments, "--address", host.target)
    assert run.returncode == code, (run.stdout, run.stderr)
    return run.stderr if code == 1 else run.stdout


def listed(host, *arguments, code=0):
    return [json.loads(line) for line in command(host, *arguments, "--json", code=code).splitlines()]


def stub_of(host):
    return tools_rpc.ToolAdminServiceStub(host.channel())


@pytest.mark.parametrize("isolation", ["child", "per-call", "in-process"])
def test_plugins_are_listed(builds, plugins, isolation):
    put(builds.get(1), plugins)
    (plugins / "broken.native.json").write_text("{")
    (plugins / "off.plugin.json").write_text('{"enabled": false}')
    put(builds.get(1, PREFIX="off_"), plugins, "off.so")
    with start_host("--isolation", isolation, plugins=plugins) as host:
        broken, off, plugin = listed(host, "list")
        assert plugin["file"] == "p.so" and plugin["name"] == "generations"
        assert plugin["path"] == str(plugins / "p.so")
        assert plugin["state"] == "serving" and plugin["reason"] == ""
        assert plugin["isolation"] == isolation and plugin["generation"] == 1
        assert sorted(plugin["tools"]) == ["build", "crash", "hold", "process", "ticks"]
        assert plugin["loaded_at"].endswith("Z")
        if isolation == "in-process":
            assert plugin["processes"] == []
        else:
            eventually(lambda: listed(host, "show", "p")[0]["processes"], "it has processes")
        assert broken["state"] == "broken" and "malformed JSON" in broken["reason"]
        assert broken["generation"] == 0 and broken["loaded_at"] is None
        assert off["state"] == "disabled" and off["reason"] == "its settings say so"
        text = command(host)
        assert f"p.so  serving, {isolation}, generation 1, 5 tools\n" in text
        assert "broken.native.json  broken\n    " in text
        for name in ("p", "p.so", "generations"):
            (shown,) = listed(host, "show", name)
            assert {**shown, "processes": plugin["processes"]} == plugin
        shown = command(host, "show", "p")
        assert "state: serving\n" in shown and "tools: build, " in shown
        assert command(host, "show", "none", code=1) == "bridge-host: NOT_FOUND: Plugin not found: none\n"
        session = Session(host.stub())
        if isolation == "child":
            assert [session.result("process")] == listed(host, "show", "p")[0]["processes"]
            session.call("crash")
            serves(session, 1)
            assert listed(host, "show", "p")[0]["crashes"] == 1


def test_reload_and_its_trial(builds, plugins):
    put(builds.get(1), plugins)
    with start_host("--no-watch-plugins", plugins=plugins) as host:
        session = Session(host.stub())
        assert listed(host, "reload") == []
        put(builds.get(2), plugins)
        tried = listed(host, "reload", "p", "--dry-run")
        assert [(plugin["file"], plugin["outcome"]) for plugin in tried] == [("p.so", "would_load")]
        assert build_of(session) == 1
        assert command(host, "reload").startswith("p.so  loaded, tools: ")
        assert build_of(session) == 2
        put(builds.get(3, CRASHES=True), plugins)
        for arguments in (["p", "--dry-run"], ["--dry-run"], ["p"]):
            (plugin,) = listed(host, "reload", *arguments, code=2)
            assert plugin["outcome"] == "failed" and "SIGSEGV at 0x30" in plugin["reason"]
            assert build_of(session) == 2
        (plugin,) = listed(host, "list")
        assert plugin["state"] == "serving" and "SIGSEGV" in plugin["reason"]
        put(builds.get(2), plugins)
        assert listed(host, "reload", "p")[0]["outcome"] == "loaded"
        # The same bytes again, because somebody wants that.
        assert listed(host, "reload", "p.so")[0]["outcome"] == "loaded"
        assert listed(host, "show", "p")[0]["generation"] == 4
        put(builds.get(4, PREFIX="new_"), plugins, "new.so")
        (plugins / "p.so").unlink()
        assert {(plugin["file"], plugin["outcome"]) for plugin in listed(host, "reload")} == {
            ("new.so", "loaded"), ("p.so", "removed")}
        assert "PLUGIN" not in command(host, "reload", "p", code=1)
        assert build_of(session, "new_") == 4 and build_of(session) is None


def test_disable_and_enable(builds, plugins):
    put(builds.get(1), plugins)
    with start_host(plugins=plugins) as host:
        session = Session(host.stub())
        (plugin,) = listed(host, "disable", "p")
        assert plugin["state"] == "disabled" and plugin["processes"] == []
        assert build_of(session) is None and "build" not in names(host.stub())
        assert "is disabled (by command)" in command(host, "reload", "p", code=1)
        put(builds.get(2), plugins)
        put(builds.get(3, PREFIX="other_"), plugins, "other.so")
        serves(session, 3, "other_")
        assert build_of(session) is None
        assert listed(host, "enable", "p")[0]["state"] == "serving"
        assert build_of(session) == 2
        # What serves is left as it is.
        assert listed(host, "enable", "p")[0]["generation"] == 2


def test_quarantine(builds, plugins):
    put(builds.get(1), plugins)
    with start_host(plugins=plugins) as host:
        session = Session(host.stub())
        (plugin,) = listed(host, "quarantine", "p", "--reason", "it lies")
        assert plugin["state"] == "quarantined" and plugin["reason"] == "it lies"
        answer = session.call("build")
        assert not answer.success and "out of service: it lies" in answer.error_message
        assert answer.metadata["error_type"] == "plugin_quarantined"
        with pytest.raises(grpc.RpcError) as error:
            list(session.stream("ticks"))
        assert error.value.code() == CODE.UNAVAILABLE
        (tool,) = stub_of(host).ListTools(tools_pb.ListToolsRequest(names=["build"])).tools
        assert tool.metadata["out_of_service"] == "it lies"
        assert "does not serve" in command(host, "quarantine", "p", code=1)
        assert listed(host, "enable", "p")[0]["state"] == "serving"
        assert build_of(session) == 1
        # One that keeps crashing is found there, too, and a new file lifts it.
        for _ in range(6):
            session.call("crash")
        eventually(lambda: listed(host, "show", "p")[0]["state"] == "quarantined", "it is told")
        assert listed(host, "show", "p")[0]["crashes"] == 6
        put(builds.get(2), plugins)
        eventually(lambda: session.call("build").success, "the new build serves")
        assert build_of(session) == 2


def test_waiting_for_a_plugin(builds, plugins):
    with start_host(plugins=plugins) as host:
        run = run_host("plugins", "wait-for", "p", "--timeout", "0.2", "--address", host.target)
        assert run.returncode == 2 and run.stderr == "bridge-host: there is no plugin p\n"
        waiting = subprocess.Popen(
            [HOST, "plugins", "wait-for", "p", "--address", host.target, "--json"],
            stdout=subprocess.PIPE, cwd=REPOSITORY)
        put(builds.get(1), plugins)
        output, _ = waiting.communicate(timeout=60)
        assert waiting.returncode == 0 and json.loads(output)["generation"] == 1
        put(builds.get(2, REFUSES=True), plugins)
        eventually(lambda: listed(host, "show", "p")[0]["reason"], "the new build is refused")
        run = run_host("plugins", "wait-for", "p", "--timeout", "0.2", "--address", host.target)
        assert run.returncode == 2 and "this build refuses" in run.stderr
        put(builds.get(3), plugins)
        assert listed(host, "wait-for", "p", "--generation", "2")[0]["generation"] == 2


def test_help_and_mistakes(host):
    text = run_host("plugins", "--help").stdout
    for word in ("list", "show", "reload", "enable", "disable", "quarantine", "wait-for", "Exit codes"):
        assert word in text
    for arguments in (["show"], ["show", ""], ["reload", "a", "b"], ["wait-for", "p", "--generation", "0"]):
        assert run_host("plugins", *arguments).returncode == 64
    stub = stub_of(host)
    for call, request in ((stub.EnablePlugin, tools_pb.EnablePluginRequest()),
                          (stub.DisablePlugin, tools_pb.DisablePluginRequest()),
                          (stub.QuarantinePlugin, tools_pb.QuarantinePluginRequest()),
                          (stub.QuarantinePlugin,
                           tools_pb.QuarantinePluginRequest(name="p", reason="x" * 1025))):
        with pytest.raises(grpc.RpcError) as error:
            call(request, timeout=30)
        assert error.value.code() == CODE.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as error:
        stub.DisablePlugin(tools_pb.DisablePluginRequest(name="none"), timeout=30)
    assert error.value.code() == CODE.NOT_FOUND


class Watcher:
    """Reads a watch of the tools on a thread of its own."""

    def __init__(self, host):
        self.call = stub_of(host).WatchTools(tools_pb.WatchToolsRequest(), timeout=120)
        self.messages = []
        self.error = None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            for message in self.call:
                self.messages.append(message)
        except grpc.RpcError as error:
            self.error = error

    def state(self):
        """The tools as somebody knows them who has read nothing else."""
        known = {}
        for message in list(self.messages):
            known.update({tool.name: tool for tool in message.tools})
            for name in message.removed:
                del known[name]
        return known


def test_tools_are_watched(builds, plugins):
    put(builds.get(1, PREFIX="a_"), plugins, "a.so")
    with start_host(plugins=plugins) as host:
        watcher = Watcher(host)
        eventually(lambda: watcher.messages, "the list comes first")
        assert watcher.messages[0].complete and "a_build" in watcher.state()
        put(builds.get(1, PREFIX="b_"), plugins, "b.so")
        eventually(lambda: "b_build" in watcher.state(), "new tools are told")
        last = watcher.messages[-1]
        assert not last.complete and not last.removed
        assert {tool.name for tool in last.tools} == {
            f"b_{name}" for name in ("build", "crash", "hold", "process", "ticks")}
        count = len(watcher.messages)
        # A new build with the same tools changes nothing of the list.
        put(builds.get(2, PREFIX="b_"), plugins, "b.so")
        serves(Session(host.stub()), 2, "b_")
        command(host, "quarantine", "a")
        eventually(lambda: watcher.state()["a_build"].metadata["out_of_service"], "it is told")
        assert len(watcher.messages) == count + 1
        command(host, "enable", "a")
        eventually(lambda: "out_of_service" not in watcher.state()["a_build"].metadata, "and its end")
        (plugins / "b.so").unlink()
        eventually(lambda: "b_build" not in watcher.state(), "what goes is told")
        assert set(watcher.state()) == {tool.name for tool in stub_of(host).ListTools(
            tools_pb.ListToolsRequest()).tools}
        host.terminate()
        # The host has ended it.
        watcher.thread.join(30)
        assert host.wait() == 0
    assert watcher.error.code() == CODE.UNAVAILABLE
