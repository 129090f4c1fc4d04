"""Options of `serve` do what they say: each of these fails when its option is ignored.

Those that end in a limit of sessions or connections are also in Tests/BridgeHostTests."""

import pathlib
import subprocess
import time

import pytest

import bridge
from bridge import CODE, Host, Session, eventually, refused, start_host


def event_loops(host):
    names = [
        path.read_text() for path in pathlib.Path(f"/proc/{host.process.pid}/task").glob("*/comm")]
    return sum(name.startswith("NIO-ELT") for name in names)


@pytest.mark.parametrize("count", [1, 5])
def test_event_loops(count):
    with start_host("--event-loops", count) as host:
        Session(host.stub())
        assert event_loops(host) == count


def versions(host):
    session = Session(host.stub())
    session.register("v", "string", "x" * 100)
    for number in range(4):
        session.set("v", str(number) * 100, kind="string")
    return [entry.version for entry in session.history("v")]


def test_history():
    with start_host() as host:
        assert versions(host) == [5, 4, 3, 2, 1]
    with start_host("--history-versions", 2) as host:
        assert versions(host) == [5, 4, 3]
    with start_host("--history-bytes", 0) as host:
        assert versions(host) == [5]


@pytest.mark.parametrize("option", [("--watch-log-changes", 3), ("--watch-log-bytes", 1024)])
def test_what_watches_resume_from(option):
    with start_host(*option) as host:
        session = Session(host.stub())
        session.register("v", "string", "x" * 500)
        for _ in range(9):
            session.set("v", "y" * 500, kind="string")
        with refused(CODE.OUT_OF_RANGE):
            session.watch(start=1, epoch=session.epoch).take(1)
        assert session.watch(start=9, epoch=session.epoch).take(1)[0].revision == 10


@pytest.mark.parametrize("options, is_kept", [
    (["--durability", "always"], True),
    # Longer than the test takes: what was acknowledged is not stored yet.
    (["--durability", "interval", "--flush-interval-ms", 60_000], False),
    (["--durability", "interval", "--flush-interval-ms", 10], True),
])
def test_durability(tmp_path, options, is_kept):
    options = ["--state", tmp_path / "state", *options]
    host = Host(*options)
    session = Session(host.stub())
    session.register("v", value=1.0)
    if "10" in map(str, options):
        time.sleep(2)
    host.kill()
    with start_host(*options) as host:
        again = Session(host.stub(), session.id, create=False)
        if is_kept:
            assert bridge.value_of(again.get("v")) == 1.0
        else:
            with refused(CODE.NOT_FOUND):
                again.get("v")


def test_sessions_end(tmp_path):
    with start_host("--session-ttl", 1) as host:
        session = Session(host.stub())

        def is_gone():
            # A look that is no use of the session.
            listing = subprocess.run(
                [bridge.HOST, "sessions", session.id, "--address", host.target],
                capture_output=True, text=True, check=True)
            return listing.stdout == ""

        eventually(is_gone, "the end of an idle session")


@pytest.mark.parametrize("option", [[], ["--no-auto-create-sessions"]])
def test_sessions_are_made_when_they_are_named(option):
    with start_host(*option) as host:
        session = Session(host.stub(), create=False)
        if option:
            with refused(CODE.NOT_FOUND):
                session.register("v")
        else:
            session.register("v")
