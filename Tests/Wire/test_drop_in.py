"""Plugins that are put into the directory, replaced there and removed, while clients use the host."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from bridge import Session, eventually, start_host
from generations import build_of, names, put, serves

WAYS = ["child", "per-call", "in-process"]


@pytest.mark.parametrize("isolation", WAYS)
def test_a_plugin_comes_is_replaced_and_goes(builds, plugins, isolation):
    with start_host("--isolation", isolation, plugins=plugins) as host:
        stub = host.stub()
        session = Session(stub)
        assert names(stub) == set()
        put(builds.get(1), plugins)
        serves(session, 1)
        assert {"build", "hold", "ticks"} <= names(stub)
        put(builds.get(2), plugins)
        serves(session, 2)
        # In place, through the file that is there.
        shutil.copyfile(builds.get(3), plugins / "p.so")
        serves(session, 3)
        (plugins / "p.so").unlink()
        serves(session, None)
        assert names(stub) == set()
        put(builds.get(4), plugins)
        serves(session, 4)


@pytest.mark.parametrize("isolation", WAYS)
def test_calls_end_where_they_began(builds, plugins, tmp_path, isolation):
    go, stopped = tmp_path / "go", tmp_path / "stopped"
    put(builds.get(1, HOLD=go, STOPS=stopped), plugins)
    with start_host("--isolation", isolation, plugins=plugins) as host:
        session = Session(host.stub())
        session.register("v", value=1.0)
        watch = session.watch("v", initial=True)
        watch.until_synced()
        held = session.stub.ExecuteTool.future(session.tool_request("hold", {}), timeout=60)
        stream = session.stream("ticks")
        assert json.loads(next(stream).data) == 1
        put(builds.get(2, HOLD=go), plugins)
        serves(session, 2)
        assert json.loads(next(stream).data) == 1
        assert not held.done()
        if isolation == "in-process":
            assert not stopped.exists()
        session.set("v", 2.0)
        assert watch.next_change().variable.value.value == b"2.0"
        (plugins / "p.so").unlink()
        serves(session, None)
        assert json.loads(next(stream).data) == 1
        go.touch()
        assert json.loads(held.result().result.value) == 1
        assert {json.loads(chunk.data) for chunk in stream if chunk.data} == {1}
        # Then the generation is told to stop.
        eventually(stopped.exists, "the old build stops")
        session.set("v", 3.0)
        assert watch.next_change().variable.value.value == b"3.0"


@pytest.mark.parametrize("isolation", WAYS)
@pytest.mark.parametrize("fault, words", [
    ("CRASHES", "crashed with SIGSEGV at 0x30"), ("REFUSES", "this build refuses")])
def test_what_cannot_be_loaded_leaves_what_is_there(builds, plugins, isolation, fault, words):
    put(builds.get(1), plugins)
    with start_host("--isolation", isolation, plugins=plugins) as host:
        session = Session(host.stub())
        serves(session, 1)
        put(builds.get(2, **{fault: True}), plugins)
        eventually(lambda: words in host.stderr_text(), "the log says why")
        assert "the one before goes on serving" in host.stderr_text()
        # Also a process that is made now is one of the old build.
        assert [build_of(session) for _ in range(10)] == [1] * 10
        if isolation != "in-process":
            assert not session.call("crash").success
            serves(session, 1)
        put(builds.get(3), plugins)
        serves(session, 3)


def test_what_is_broken_is_taken_once_it_is_mended(builds, plugins):
    (plugins / "p.so").write_bytes(b"this is no shared object" * 100)
    (plugins / "p.so").chmod(0o755)
    with start_host(plugins=plugins) as host:
        session = Session(host.stub())
        assert build_of(session) is None
        put(builds.get(1), plugins)
        serves(session, 1)
        # Files that others can write are none, until they cannot.
        put(builds.get(2), plugins)
        serves(session, 2)
        os.chmod(plugins / "p.so", 0o777)
        eventually(lambda: "chmod go-w" in host.stderr_text(), "the log says how")
        assert build_of(session) == 2
        os.chmod(plugins / "p.so", 0o755)
        eventually(lambda: host.stderr_text().count("plugin loaded") == 3, "it is loaded again")
        assert build_of(session) == 2


def test_settings_are_taken_when_they_change(builds, plugins):
    put(builds.get(1), plugins)
    with start_host("--isolation", "child", plugins=plugins) as host:
        session = Session(host.stub())
        assert session.result("process") != host.process.pid
        settings = plugins / "p.plugin.json"
        settings.write_text('{"isolation": "in-process"}')
        eventually(lambda: session.result("process") == host.process.pid, "it runs in the host")
        settings.write_text('{"isolation": "nowhere"}')
        eventually(lambda: "must be one of in-process" in host.stderr_text(), "the log says why")
        assert session.result("process") == host.process.pid
        settings.write_text('{"enabled": false}')
        serves(session, None)
        settings.unlink()
        eventually(lambda: build_of(session) == 1, "it is served again")
        assert session.result("process") != host.process.pid


def test_a_file_that_is_copied_slowly_is_taken_when_it_is_whole(builds, plugins):
    whole = builds.get(2, PADDING=300_000).read_bytes()
    put(builds.get(1), plugins)
    with start_host(plugins=plugins) as host:
        session = Session(host.stub())
        serves(session, 1)
        with open(plugins / "p.so", "r+b", buffering=0) as file:
            file.truncate(0)
            file.write(whole[:len(whole) // 2])
            # Something else happens in the directory, so that it is looked at.
            put(builds.get(5, PREFIX="other_"), plugins, "other.so")
            serves(session, 5, "other_")
            assert build_of(session) == 1
            file.write(whole[len(whole) // 2:])
        serves(session, 2)
        # A file that stays cut off is told of, and what was there serves.
        shutil.copyfile(builds.get(1), plugins / "half")
        (plugins / "half").write_bytes(whole[:1000])
        (plugins / "half").chmod(0o755)
        (plugins / "half").rename(plugins / "p.so")
        eventually(lambda: "it is cut off" in host.stderr_text(), "the log says what is wrong")
        assert build_of(session) == 2


MANIFEST = {
    "plugin": "native", "library": "./libnative.so", "tools": [
        {"name": "native_build", "symbol": "native_build", "parameters": [],
         "returns": {"type": "int32"}}]}


def native_library(directory, build, path):
    source = directory / f"native-{build}.c"
    source.write_text(f"int native_build(void) {{ return {build}; }}\n")
    made = directory / f"native-{build}.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", made, source], check=True)
    made.chmod(0o755)
    made.rename(path)


def test_a_manifest_may_come_before_its_library(builds, plugins, tmp_path):
    with start_host(plugins=plugins) as host:
        session = Session(host.stub())
        (plugins / "native.native.json").write_text(json.dumps(MANIFEST))
        eventually(lambda: "libnative.so" in host.stderr_text(), "the log says what is missing")
        native_library(tmp_path, 1, plugins / "libnative.so")
        serves(session, 1, "native_")
        # The library is no plugin, and nothing to complain of.
        native_library(tmp_path, 2, plugins / "libnative.so")
        serves(session, 2, "native_")
        put(builds.get(7, PREFIX="other_"), plugins, "other.so")
        serves(session, 7, "other_")
        assert "is no plugin" not in host.stderr_text()
        (plugins / "native.native.json").unlink()
        serves(session, None, "native_")


def test_two_files_may_change_places(builds, plugins):
    put(builds.get(1, PREFIX="a_"), plugins, "first.so")
    put(builds.get(2, PREFIX="b_"), plugins, "second.so")
    with start_host(plugins=plugins) as host:
        session = Session(host.stub())
        serves(session, 1, "a_")
        serves(session, 2, "b_")
        # One that brings tools which are there already has to wait for them.
        put(builds.get(3, PREFIX="a_"), plugins, "third.so")
        eventually(lambda: "is there already" in host.stderr_text(), "the log says why")
        assert build_of(session, "a_") == 1
        (plugins / "first.so").unlink()
        serves(session, 3, "a_")
        # Under another name it replaces what it was in one step.
        (plugins / "third.so").rename(plugins / "fourth.so")
        for _ in range(100):
            assert build_of(session, "a_") == 3


def test_a_directory_may_go_and_come_again(builds, plugins, tmp_path):
    put(builds.get(1), plugins)
    with start_host(plugins=plugins) as host:
        session = Session(host.stub())
        serves(session, 1)
        shutil.rmtree(plugins)
        serves(session, None)
        plugins.mkdir(mode=0o755)
        put(builds.get(2), plugins)
        serves(session, 2)
        other = tmp_path / "other"
        other.mkdir(mode=0o755)
        put(builds.get(3), other)
        plugins.rename(tmp_path / "old")
        other.rename(plugins)
        serves(session, 3)
        # What happens in the old one does not matter.
        put(builds.get(4), tmp_path / "old")
        put(builds.get(5), plugins)
        serves(session, 5)
        # Nothing of a directory that others can write is taken, and what serves goes on.
        plugins.chmod(0o777)
        eventually(lambda: "the plugin directory cannot be used" in host.stderr_text(), "told")
        put(builds.get(6), plugins)
        assert build_of(session) == 5
        plugins.chmod(0o755)
        serves(session, 6)


def test_a_link_to_a_directory_may_be_turned(builds, tmp_path):
    for build in (1, 2):
        release = tmp_path / f"release-{build}"
        release.mkdir(mode=0o755)
        put(builds.get(build), release)
    current = tmp_path / "current"
    current.symlink_to(tmp_path / "release-1")
    with start_host(plugins=current) as host:
        session = Session(host.stub())
        serves(session, 1)
        beside = tmp_path / "next"
        beside.symlink_to(tmp_path / "release-2")
        beside.rename(current)
        serves(session, 2)
        # Files may be links, too.
        link = tmp_path / "release-2/link"
        link.symlink_to(builds.get(3))
        link.rename(tmp_path / "release-2/p.so")
        serves(session, 3)


def test_changes_can_be_left_alone(builds, plugins):
    put(builds.get(1), plugins)
    with start_host("--no-watch-plugins", plugins=plugins) as host:
        session = Session(host.stub())
        serves(session, 1)
        put(builds.get(2), plugins)
        tasks = pathlib.Path(f"/proc/{host.process.pid}/task").glob("*/comm")
        assert "plugin-watch" not in {task.read_text().strip() for task in tasks}
        assert build_of(session) == 1


def test_a_build_that_hangs_holds_up_no_other(builds, plugins, tmp_path):
    go = tmp_path / "go"
    put(builds.get(1), plugins)
    with start_host(plugins=plugins) as host:
        session = Session(host.stub())
        serves(session, 1)
        put(builds.get(2, HANGS=go), plugins)
        put(builds.get(3, PREFIX="other_"), plugins, "other.so")
        serves(session, 3, "other_")
        assert build_of(session) == 1
        go.touch()
        serves(session, 2)
