"""A plugin that is replaced again and again, while clients call, stream and watch.

BRIDGE_RELOADS says how often (30 if not said); from 300 on the host's memory is looked at as well.
"""

import json
import os
import pathlib
import threading
import time

import pytest

from bridge import Session, eventually, start_host
from generations import put

COUNT = int(os.environ.get("BRIDGE_RELOADS", "30"))
# Of the host: what it may grow by at most in the later half of many reloads. Before that the allocator's own
# room settles.
KIB_OF_HALF = 2048
# A session remembers so many of its last changes: that is full before memory is looked at.
LOGGED_CHANGES = 10_000
# Descriptors of a generation that has ended may be held until the next one comes: fewer than one a reload.
SLACK = 10


def processes(host):
    """The processes below the host that have not ended."""
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


def resources(host):
    base = pathlib.Path(f"/proc/{host.process.pid}")
    status = dict(line.split(":", 1) for line in (base / "status").read_text().splitlines())
    return {
        "kib": int(status["RssAnon"].split()[0]), "threads": int(status["Threads"]),
        "descriptors": len(list((base / "fd").iterdir())), "processes": len(processes(host))}


class Clients:
    """Use the host until they are told to stop; what fails is an error of the test."""

    def __init__(self, host, go):
        self.host, self.go = host, go
        self.is_over = False
        self.errors = []
        self.calls = self.chunks = self.updates = self.logged = 0
        bodies = [self.call, self.call, self.stream, self.watch, self.hold]
        self.threads = [threading.Thread(target=self.guard, args=(body,)) for body in bodies]
        for thread in self.threads:
            thread.start()

    def guard(self, body):
        try:
            body(Session(self.host.stub()))
        except BaseException as error:  # noqa: BLE001 - told by the test
            self.errors.append(error)

    def call(self, session):
        while not self.is_over:
            assert session.result("build") in (1, 2)
            self.calls += 1

    def stream(self, session):
        while not self.is_over:
            stream = session.stream("ticks")
            builds = {json.loads(next(stream).data) for _ in range(5)}
            assert len(builds) == 1, "a stream stays with its build"
            self.chunks += 5
            stream.cancel()

    def watch(self, session):
        session.register("v", "integer", 0)
        while self.logged < LOGGED_CHANGES and COUNT >= 300:
            session.set("v", 0, kind="integer")
            self.logged += 1
        watch = session.watch("v", initial=True, timeout=3600)
        watch.until_synced()
        while not self.is_over:
            session.set("v", self.updates + 1, kind="integer")
            assert int(watch.next_change().variable.value.value) == self.updates + 1
            self.updates += 1

    def hold(self, session):
        """A call that takes longer than all reloads."""
        long = session.stub.ExecuteTool.future(session.tool_request("hold", {}), timeout=3600)
        for thread in self.threads[:-1]:
            thread.join()
        self.go.touch()
        assert long.result().success, long.result().error_message

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"
        if self.errors:
            raise self.errors[0]


@pytest.mark.parametrize("isolation", ["child", "per-call", "in-process"])
def test_reloads_under_load(builds, plugins, tmp_path, isolation):
    go = tmp_path / "go"
    # The code of one that runs in the host goes only if it says so.
    files = [builds.get(number, HOLD=go, UNLOADABLE=True) for number in (1, 2)]
    with start_host("--isolation", isolation, plugins=plugins) as host:
        session = Session(host.stub())

        def reload(number):
            put(files[number % 2], plugins)
            renamed = time.monotonic()
            wanted = number % 2 + 1
            while session.result("build") != wanted:
                assert time.monotonic() < renamed + 60, host.stderr_text()[-4000:]
                assert not clients.errors, clients.errors
            return time.monotonic() - renamed

        put(files[0], plugins)
        eventually(lambda: "plugin loaded" in host.stderr_text(), "it is loaded")
        clients = Clients(host, go)
        if COUNT >= 300:
            eventually(
                lambda: clients.errors or clients.logged == LOGGED_CHANGES, "the log is full", 300)
        # What is made once is there after these.
        for number in range(1, 11):
            reload(number)
        before, started = resources(host), time.monotonic()
        times = [reload(number) for number in range(11, 11 + COUNT // 2)]
        half = resources(host)
        times += [reload(number) for number in range(11 + COUNT // 2, 11 + COUNT)]
        times.sort()
        seconds = time.monotonic() - started
        during = resources(host)
        clients.stop()
        # The generations have drained: what is left is one of them and the clients' connections.
        eventually(lambda: resources(host)["processes"] <= before["processes"], "processes have ended")
        eventually(
            lambda: resources(host)["descriptors"] <= before["descriptors"] + SLACK,
            "descriptors are closed")
        after = resources(host)
        print(f"\n{isolation}: {COUNT} reloads in {seconds:.1f} s, {clients.calls} calls, "
              f"{clients.chunks} chunks, {clients.updates} updates\n"
              f"  live after {times[COUNT // 2] * 1000:.0f} ms, {times[-1] * 1000:.0f} at most\n"
              f"  before {before}\n  half   {half}\n  during {during}\n  after  {after}")
        assert min(clients.calls, clients.chunks, clients.updates) > 0
        if COUNT >= 300:
            assert after["kib"] - half["kib"] <= KIB_OF_HALF
