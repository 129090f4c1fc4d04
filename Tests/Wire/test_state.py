"""The state directory: what was acknowledged is there after a restart and after kill -9."""

import os
import random
import signal
import subprocess
import threading

import grpc
import pytest

from bridge import (CODE, ODD_KEYS, Host, Session, any_binary, any_json, eventually, numbers_of,
                    raw_bytes, refused, run_host, start_host, value_of)

# Rounds of kill -9 for each configuration; more for a long run.
ROUNDS = int(os.environ.get("BRIDGE_CRASH_ROUNDS", "6"))


@pytest.mark.parametrize("durability", ["always", "interval"])
def test_a_restart_keeps_everything(tmp_path, durability):
    options = ["--state", str(tmp_path / "state"), "--durability", durability]
    with start_host(*options) as host:
        session = Session(host.stub(), ttl_seconds=1234)
        session.register("f", value=1.5, constraints={"max": 3}, metadata={"u": "K"})
        session.register("s", "string", "grüße\n\"")
        session.register("t", "tensor", any=any_binary("tensor", [2, 2]),
                         binary=raw_bytes([1, 2, 3, 4]))
        session.register("r", value=1.0, access={"read_only": True})
        session.set("f", 2.5, metadata=ODD_KEYS)
        session.depend("f", "s", "data")
        session.register("gone")
        session.delete("gone")
        other = Session(host.stub())
        other.cleanup()
        before = session.list()
        revision, epoch = session.revision(), session.epoch
    with start_host(*options) as host:
        again = Session(host.stub(), session.id, create=False)
        assert again.list() == before
        description = again.describe()
        assert (description.revision, description.epoch) == (revision, epoch)
        assert description.ttl_seconds == 1234
        assert numbers_of(again.get("t")) == [1, 2, 3, 4]
        assert [e.version for e in again.history("f")] == [2, 1]
        with refused(CODE.PERMISSION_DENIED):
            again.set("r", 2.0)
        with refused(CODE.NOT_FOUND):
            Session(host.stub(), other.id, create=False).describe()
        # A watch resumes where it was.
        watch = again.watch(start=revision, epoch=epoch).opened()
        again.set("f", 3.0)
        assert [(u.update_type, u.variable.name) for u in watch.take(2)] == [
            ("value_change", "f"), ("dependency_change", "s")]
        watch.cancel()


def test_only_the_owner_reads_the_state(tmp_path):
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    with start_host("--state", str(state)) as host:
        Session(host.stub()).register("v")
        modes = {path.name: path.stat().st_mode & 0o777 for path in state.iterdir()}
        assert "sessions.sqlite" in modes and "sessions.sqlite-wal" in modes
        assert set(modes.values()) == {0o600}, modes


def test_without_a_state_directory_nothing_is_kept():
    with start_host() as host:
        session = Session(host.stub())
    with start_host() as host:
        with refused(CODE.NOT_FOUND):
            Session(host.stub(), session.id, create=False).describe()


def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path):
    """Writers note what was acknowledged; after each kill all of that is there, whole batches only."""
    options = ["--state", str(tmp_path / "state")]
    generator = random.Random(7)
    names = [f"v{i}" for i in range(4)]
    identifier = "crash"
    acknowledged = dict.fromkeys(names, 0)
    written = dict.fromkeys(names, 0)
    epochs = set()
    counter = iter(range(1, 1_000_000_000))
    lock = threading.Lock()
    for round_number in range(ROUNDS):
        host = Host(*options)
        session = Session(host.stub(), identifier, create=round_number == 0)
        if round_number == 0:
            for name in names:
                session.register(name, "integer", 0)
            session.register("pair_a", "integer", 0)
            session.register("pair_b", "integer", 0)
        values = {v.name: value_of(v) for v in session.list().variables}
        for name in names:
            assert acknowledged[name] <= values[name] <= written[name], (round_number, name)
            acknowledged[name] = written[name] = values[name]
        assert values["pair_a"] == values["pair_b"], "a batch was stored in part"
        epochs.add(session.describe().epoch)

        def write(name, stub):
            mine = session.through(stub)
            while True:
                with lock:
                    number = next(counter)
                    written[name] = number
                try:
                    mine.set(name, number, "integer")
                    acknowledged[name] = number
                except grpc.RpcError:
                    return

        def write_pairs(stub):
            mine = session.through(stub)
            while True:
                number = next(counter)
                try:
                    mine.set_many({"pair_a": any_json("integer", number),
                                   "pair_b": any_json("integer", number)}, atomic=True)
                except grpc.RpcError:
                    return

        threads = [threading.Thread(target=write, args=(name, host.stub())) for name in names]
        threads.append(threading.Thread(target=write_pairs, args=(host.stub(),)))
        for thread in threads:
            thread.start()
        threads[0].join(generator.uniform(0.05, 0.4))
        host.process.send_signal(signal.SIGKILL)
        host.process.wait()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
        host.close_channels(lasting=True)
    # After a crash a watch cannot resume as if nothing had been.
    assert len(epochs) == ROUNDS
    assert all(acknowledged[name] > 0 for name in names)


def test_tools_write_durably_too(tmp_path):
    options = ["--state", str(tmp_path / "state")]
    host = Host(*options)
    session = Session(host.stub(), "tools")
    session.register("v", value=2.0)
    assert session.result("scale_variable", variable="v", factor=4.0) == 8.0
    host.kill()
    with start_host(*options) as host:
        assert value_of(Session(host.stub(), "tools", create=False).get("v")) == 8.0


def test_one_host_at_a_time(tmp_path):
    with start_host("--state", str(tmp_path / "state")):
        result = run_host("serve", "--port", "0", "--state", str(tmp_path / "state"))
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1 and "in use" in result.stderr
        assert result.stdout == ""


def test_a_directory_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in [tmp_path / "file", "/proc/nothing"]:
        result = run_host("serve", "--port", "0", "--state", str(path))
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1 and str(path) in result.stderr
    state = tmp_path / "state"
    state.mkdir()
    (state / "sessions.sqlite").write_bytes(b"x" * 5000)
    result = run_host("serve", "--port", "0", "--state", str(state))
    assert result.returncode == 1 and "sessions.sqlite" in result.stderr
    assert run_host("serve", "--state", "x", "--durability", "never").returncode == 64


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_refuses_writes_and_recovers(tmp_path):
    """On a file system of 2 MiB: writes are refused with a reason, and go on when there is room."""
    state = tmp_path / "state"
    state.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(state)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.decode()}")
    try:
        with start_host("--state", str(state)) as host:
            session = Session(host.stub())
            session.register("v", "string", "x")
            ballast = state / "ballast"
            ballast.write_bytes(b"x" * (1 << 20))
            with pytest.raises(grpc.RpcError) as error:
                for number in range(100):
                    session.set("v", str(number) + "x" * 100_000, "string")
            assert error.value.code() == CODE.UNAVAILABLE
            assert "stored" in error.value.details() or "state directory" in error.value.details()
            # Reads go on.
            assert session.get("v").version > 1
            ballast.unlink()

            def writes():
                try:
                    return session.set("v", "small", "string")
                except grpc.RpcError:
                    return None
            eventually(writes, "writes are accepted again")
        eventually(lambda: "cannot be written" in host.stderr_text(), "it is logged")
        with start_host("--state", str(state)) as host:
            again = Session(host.stub(), session.id, create=False)
            assert value_of(again.get("v")) == "small"
    finally:
        subprocess.run(["umount", str(state)], check=False)
