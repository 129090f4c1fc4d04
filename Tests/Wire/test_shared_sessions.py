"""`--variables-from`: hosts that use the sessions of another one."""

import json
import threading

import pytest

from bridge import (CALL_TIMEOUT, CODE, Host, Session, any_binary, any_json, eventually, numbers_of,
                    raw_bytes, refused, run_host, run_threads, start_host, unique, value_of)
from certificates import Authority
from elixir import V13, Elixir, started
from stubs import pb


@pytest.fixture(scope="module")
def owner():
    """The host that holds the sessions."""
    with start_host() as host:
        yield host


@pytest.fixture(scope="module")
def workers(owner):
    """Two hosts that use its sessions."""
    with start_host("--variables-from", owner.target, "--session-key", "session_id") as first:
        with start_host("--variables-from", owner.target, "--isolation", "in-process") as second:
            yield first, second


@pytest.fixture
def shared(owner, workers):
    """One session, as each of the three sees it."""
    session = Session(owner.stub())
    yield session, *(session.through(worker.stub()) for worker in workers)
    session.cleanup(force=True)
    for host in (owner, *workers):
        host.close_channels()


def test_tools_of_all_hosts_use_the_same_variables(shared):
    here, first, second = shared
    here.register("n", "integer", 0)
    run_threads(*[lambda s=s: [s.result("c_increment", variable="n") for _ in range(25)]
                  for s in shared])
    assert value_of(here.get("n")) == 75
    assert here.get("n").metadata["source"] == "tool:c_increment"
    assert here.get("n").source == pb.Variable.PLUGIN


def test_the_rpcs_of_variables_are_forwarded(shared):
    here, first, second = shared
    first.register("f", value=1.5, constraints={"max": 3}, metadata={"u": "K"})
    assert value_of(second.get("f")) == 1.5
    second.set("f", 2.5, expected=1)
    with refused(CODE.ABORTED, "version") as refusal:
        first.set("f", 2.0, expected=1)
    assert refusal.status().details, "the details come through"
    with refused(CODE.INVALID_ARGUMENT, "max"):
        first.set("f", 4.0)
    assert first.names() == here.names() == ["f"]
    first.register("t", "tensor", any=any_binary("tensor", [2, 2]),
                   binary=raw_bytes([1, 2, 3, 4]))
    assert numbers_of(second.get("t")) == [1, 2, 3, 4]
    assert [e.version for e in second.history("f")] == [2, 1]
    second.delete("t")
    with refused(CODE.NOT_FOUND, "t"):
        first.get("t")
    assert first.describe().revision == here.describe().revision
    assert first.heartbeat().session_valid


def test_the_tools_of_a_session_are_those_of_the_host_that_was_asked(owner, workers):
    request = pb.InitializeSessionRequest(session_id=unique())
    answer = workers[0].stub().InitializeSession(request, timeout=CALL_TIMEOUT)
    assert "c_increment" in answer.available_tools
    assert answer.epoch == owner.stub().GetSession(
        pb.GetSessionRequest(session_id=request.session_id), timeout=CALL_TIMEOUT).epoch
    with refused(CODE.FAILED_PRECONDITION, owner.target):
        workers[0].stub().RegisterTools(pb.RegisterToolsRequest(
            session_id=request.session_id, worker_id="w",
            tools=[pb.ToolRegistration(name="x")]), timeout=CALL_TIMEOUT)


def test_a_tool_watches_what_others_write(shared):
    here, first, second = shared
    here.register("v", value=0.0)
    call = first.stub.ExecuteTool.future(first.tool_request(
        "wait_for_variable", {"variable": "v", "target": 7.0}), timeout=CALL_TIMEOUT)
    eventually(lambda: here.describe().watch_count == 1, "the tool watches")
    second.set("v", 3.0)
    second.set("v", 7.0)
    assert call.result().success
    eventually(lambda: here.describe().watch_count == 0, "the tool's watch goes")


def test_a_cancelled_call_leaves_no_watch(shared):
    here, first, _ = shared
    here.register("v", value=0.0)
    call = first.stub.ExecuteTool.future(first.tool_request(
        "wait_for_variable", {"variable": "v", "target": 7.0}), timeout=CALL_TIMEOUT)
    eventually(lambda: here.describe().watch_count == 1, "the tool watches")
    call.cancel()
    eventually(lambda: here.describe().watch_count == 0, "the tool's watch goes")


def test_watches_are_forwarded(shared):
    here, first, second = shared
    here.register("v", value=0.0)
    watch = first.watch("v", initial=True)
    values, _ = watch.until_synced()
    assert [value_of(u.variable) for u in values] == [0.0]
    for number in range(200):
        (second if number % 2 else here).set("v", float(number))
    assert [value_of(u.variable) for u in watch.take(200)] == [float(n) for n in range(200)]
    here.cleanup()
    assert [u.update_type for u in watch.until_end()] == ["session_closed"]


def test_metadata_chooses_the_session(shared):
    here, first, second = shared
    here.register("n", "integer", 0)
    own = Session(first.stub, unique(), create=False)
    request = own.tool_request("c_increment", {"variable": "n"}, metadata={"session_id": here.id})
    assert first.stub.ExecuteTool(request, timeout=CALL_TIMEOUT).success
    assert value_of(here.get("n")) == 1
    # The second host was not told of such a key.
    answer = second.stub.ExecuteTool(request, timeout=CALL_TIMEOUT)
    assert not answer.success and "n" in answer.error_message


def test_a_call_makes_its_session(owner, workers):
    session = Session(workers[0].stub(), unique(), create=False)
    answer = session.call("c_increment", variable="n")
    assert not answer.success and "Variable not found" in answer.error_message
    assert Session(owner.stub(), session.id, create=False).describe().session_id == session.id
    # One that has ended is made anew.
    session.cleanup()
    session.call("c_increment", variable="n")
    session.describe()
    session.cleanup()


def test_watches_go_on_where_they_were_when_the_owner_comes_back(tmp_path):
    socket = tmp_path / "owner.sock"
    options = ["--state", str(tmp_path / "state"), "--listen", f"unix:{socket}"]
    owner = Host(*options)
    with start_host("--variables-from", f"unix:{socket}") as worker:
        session = Session(worker.stub())
        session.register("v", value=0.0)
        watch = session.watch("v", initial=True)
        watch.until_synced()
        call = session.stub.ExecuteTool.future(session.tool_request(
            "wait_for_variable", {"variable": "v", "target": 7.0}), timeout=CALL_TIMEOUT)
        directly = Session(owner.stub(), session.id, create=False)
        eventually(lambda: directly.describe().watch_count == 2, "both watch")
        directly.set("v", 1.0)
        assert value_of(watch.next_change().variable) == 1.0
        owner.stop()
        # What cannot be answered says who does not.
        with refused(CODE.UNAVAILABLE, socket):
            session.set("v", 2.0)
        owner = Host(*options)
        try:
            directly = Session(owner.stub(), session.id, create=False)
            directly.set("v", 3.0)
            directly.set("v", 7.0)
            assert [value_of(u.variable) for u in watch.take(2)] == [3.0, 7.0]
            assert call.result().success
            watch.cancel()
        finally:
            worker.close_channels()
            owner.stop()


def test_a_watch_ends_where_the_owner_may_have_lost_changes(tmp_path):
    socket = tmp_path / "owner.sock"
    options = ["--state", str(tmp_path / "state"), "--listen", f"unix:{socket}"]
    owner = Host(*options)
    with start_host("--variables-from", f"unix:{socket}") as worker:
        session = Session(worker.stub())
        session.register("v", value=0.0)
        watch = session.watch("v", initial=True)
        watch.until_synced()
        call = session.stub.ExecuteTool.future(session.tool_request(
            "wait_for_variable", {"variable": "v", "target": 7.0}), timeout=CALL_TIMEOUT)
        directly = Session(owner.stub(), session.id, create=False)
        eventually(lambda: directly.describe().watch_count == 2, "both watch")
        owner.kill()
        owner = Host(*options)
        try:
            # As of a watch at the owner itself, which is opened again with the epoch that it had.
            with refused(CODE.FAILED_PRECONDITION, "epoch"):
                watch.next_change()
            assert not call.result().success
        finally:
            worker.close_channels()
            owner.stop()


def test_a_tool_is_told_when_the_owner_does_not_answer(tmp_path):
    socket = tmp_path / "owner.sock"
    with start_host("--variables-from", f"unix:{socket}") as worker:
        session = Session(worker.stub(), unique(), create=False)
        assert session.result("echo", text="no variables, no owner") == "no variables, no owner"
        answer = session.call("c_increment", variable="n")
        assert not answer.success
        assert str(socket) in answer.error_message
        assert answer.metadata["error_code"] == str(CODE.UNAVAILABLE.value[0])


def test_calls_in_flight_are_not_lost_when_many_share(shared):
    here, first, second = shared
    here.register("n", "integer", 0)
    done = []

    def work(session):
        for _ in range(20):
            session.result("c_increment", variable="n")
            done.append(1)

    threads = [threading.Thread(target=work, args=(s,)) for s in (first, second) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 160
    assert value_of(here.get("n")) == 160


def test_the_owner_asks_for_certificates_and_tokens(tmp_path):
    authority = Authority(tmp_path, "authority")
    server, client = authority.server(), authority.client()
    tokens = tmp_path / "tokens"
    tokens.write_text("secret-token\n")
    tokens.chmod(0o600)
    owner = ["--tls-certificate", server.certificate_file, "--tls-key", server.key_file,
             "--tls-client-ca", authority.certificate_file, "--token-file", tokens]
    trusting = ["--variables-tls", "--variables-tls-ca", authority.certificate_file,
                "--variables-tls-server-name", "localhost"]
    shown = ["--variables-tls-certificate", client.certificate_file,
             "--variables-tls-key", client.key_file]
    with start_host(*owner) as holder:
        source = ["--variables-from", holder.target]
        with start_host(*source, *trusting, *shown, "--variables-token-file", tokens) as worker:
            session = Session(worker.stub())
            session.register("n", "integer", 1)
            assert session.result("c_increment", variable="n") == 2
        with start_host(*source, *trusting, *shown) as worker:
            with refused(CODE.UNAUTHENTICATED):
                Session(worker.stub())
            answer = Session(worker.stub(), "s", create=False).call("c_increment", variable="n")
            assert "refuses this one" in answer.error_message
        with start_host(*source, *trusting, "--variables-token-file", tokens) as worker:
            with refused(CODE.UNAVAILABLE, holder.target):
                Session(worker.stub())
        with start_host(*source, "--variables-token-file", tokens,
                        "--variables-insecure-remote") as worker:
            with refused(CODE.UNAVAILABLE, holder.target):
                Session(worker.stub())


@pytest.mark.parametrize("options, words", [
    (["--variables-from", "127.0.0.1:0"], "port 0"),
    (["--variables-token-file", "x"], "--variables-from"),
    (["--variables-from", "127.0.0.1:1", "--variables-tls-key", "k"], "--variables-tls-certificate"),
    (["--variables-from", "10.1.2.3:1", "--variables-token-file", "x"], "--variables-insecure-remote"),
    (["--variables-from", "127.0.0.1:1", "--state", "x"], "--state"),
])
def test_wrong_options_are_explained(options, words):
    run = run_host("serve", *options)
    assert run.returncode == 64
    assert words in run.stderr


# ---------------------------------------------------------------------------------------------
# A pool's workers


def test_workers_of_a_pool_share_a_session(owner, tmp_path):
    """Each has a session of its own, as the pool makes them; the metadata of calls names the shared one."""
    elixir = Elixir().start()
    shared = Session(owner.stub())
    shared.register("n", "integer", 0)
    elixir.expose("half", lambda context, number: number / 2, ("number", "integer", True))
    try:
        with started(V13, elixir, "--variables-from", owner.target, directory=tmp_path) as one:
            with started(V13, elixir, "--variables-from", owner.target, directory=tmp_path) as two:
                for worker in (one, two):
                    worker.initialize()
                    assert worker.heartbeat().session_valid
                for number in range(10):
                    worker = (one, two)[number % 2]
                    answer = worker.call(
                        "c_increment", variable="n", metadata={"session_id": shared.id})
                    assert answer.success, answer.error_message
                assert value_of(shared.get("n")) == 10
                # Without it a call works in the worker's own session, which the owner holds as well.
                owner.stub().RegisterVariable(pb.RegisterVariableRequest(
                    session_id=one.session, name="n", type="integer",
                    initial_value=any_json("integer", 100)), timeout=CALL_TIMEOUT)
                assert one.result("c_increment", variable="n") == 101
                assert not two.call("c_increment", variable="n").success
                # Tools of Elixir are there in either.
                assert one.result("half", number=3) == 1.5
                assert json.loads(two.call(
                    "half", number=5, metadata={"session_id": shared.id}).result.value) == 2.5
    finally:
        elixir.stop()
        shared.cleanup()


def test_a_worker_outlives_the_host_that_holds_the_sessions(tmp_path):
    """A pool ends a worker for good at the first heartbeat that fails."""
    socket = tmp_path / "owner.sock"
    owner = Host("--listen", f"unix:{socket}")
    with started(V13, None, "--variables-from", f"unix:{socket}", directory=tmp_path) as worker:
        worker.initialize()
        owner.kill()
        assert worker.heartbeat().session_valid
        assert worker.result("echo", text="still here") == "still here"
        answer = worker.call("c_increment", variable="n")
        assert not answer.success and str(socket) in answer.error_message
