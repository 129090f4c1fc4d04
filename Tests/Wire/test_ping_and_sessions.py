"""Ping and the life of a session."""

import time

from bridge import CALL_TIMEOUT, CODE, Session, any_json, refused, run_threads, start_host, unique
from stubs import pb


def ping(stub, message):
    return stub.Ping(pb.PingRequest(message=message), timeout=CALL_TIMEOUT)


def test_ping_answers_pong_and_the_message(stub):
    assert ping(stub, "connection_test").message == "pong: connection_test"


def test_ping_with_an_empty_message(stub):
    assert ping(stub, "").message == "pong: "


def test_ping_carries_any_text(stub):
    text = "grüße 👋 \n\t\x00 end"
    assert ping(stub, text).message == "pong: " + text


def test_ping_carries_a_megabyte(stub):
    text = "0123456789abcdef" * 65536
    assert ping(stub, text).message == "pong: " + text


def test_ping_tells_the_time(stub):
    seconds = ping(stub, "").server_time.ToNanoseconds() / 1e9
    assert abs(seconds - time.time()) < 120


def test_initialize_answers_tools_revision_and_epoch(stub):
    response = stub.InitializeSession(
        pb.InitializeSessionRequest(session_id=unique()), timeout=CALL_TIMEOUT)
    assert response.success
    assert response.epoch
    assert response.revision == 0
    assert response.error_message == ""
    echo = response.available_tools["echo"]
    assert echo.name == "echo"
    assert [parameter.name for parameter in echo.parameters] == ["text"]


def test_every_initialization_answers_all_tools(stub):
    first, second = (
        stub.InitializeSession(
            pb.InitializeSessionRequest(session_id=unique()), timeout=CALL_TIMEOUT)
        for _ in range(2))
    assert dict(first.available_tools) == dict(second.available_tools)
    assert first.epoch != second.epoch
    assert first.success and second.success


def test_initialize_of_an_existing_session_may_be_refused(stub, session):
    with refused(CODE.ALREADY_EXISTS, session.id):
        Session(stub, session.id)


def test_initialize_of_an_existing_session_is_success_and_changes_nothing(stub, session):
    session.register("v")
    before = session.describe()
    answer = stub.InitializeSession(pb.InitializeSessionRequest(
        session_id=session.id, metadata={"owner": "somebody else"},
        config=pb.SessionConfig(ttl_seconds=7)), timeout=CALL_TIMEOUT)
    assert (answer.success, answer.epoch, answer.revision) == (True, session.epoch, 1)
    assert set(answer.available_tools) >= {"echo"}
    after = session.describe()
    assert (after.metadata, after.ttl_seconds) == (before.metadata, before.ttl_seconds)
    assert session.names() == ["v"]


def test_one_of_many_concurrent_initializations_wins(host):
    identifier = unique()
    won = []

    def create(stub):
        try:
            Session(stub, identifier)
            won.append(1)
        except Exception as error:  # the loser's status is checked below
            assert error.code() == CODE.ALREADY_EXISTS

    run_threads(*[lambda stub=host.stub(): create(stub) for _ in range(8)])
    assert len(won) == 1


def test_get_session_describes_it(stub):
    identifier = unique()
    before = time.time()
    started = stub.InitializeSession(pb.InitializeSessionRequest(
        session_id=identifier, metadata={"owner": "wire tests", "ключ": "значение"}),
        timeout=CALL_TIMEOUT)
    session = Session(stub, identifier, create=False)
    session.register("a")
    session.register("b")
    description = session.describe()
    assert description.session_id == identifier
    assert dict(description.metadata) == {"owner": "wire tests", "ключ": "значение"}
    assert description.variable_count == 2
    assert description.tool_count == len(started.available_tools)
    assert description.revision == 2
    assert description.epoch == started.epoch
    assert description.watch_count == 0
    assert description.ttl_seconds == 3600
    assert abs(description.created_at.ToNanoseconds() / 1e9 - before) < 120
    assert description.last_used_at.ToNanoseconds() >= description.created_at.ToNanoseconds()
    session.cleanup()


def test_get_session_of_no_session(stub):
    with refused(CODE.NOT_FOUND, "Session not found", "nobody_here"):
        Session(stub, "nobody_here", create=False).describe()


def test_the_time_to_live_can_be_chosen(stub):
    session = Session(stub, ttl_seconds=7200)
    assert session.describe().ttl_seconds == 7200
    session.cleanup()


def test_an_idle_session_ends(stub):
    session = Session(stub, ttl_seconds=1)
    session.register("v")
    # Nothing may be called in between: any use keeps the session alive.
    time.sleep(4)
    assert not session.heartbeat().session_valid
    with refused(CODE.NOT_FOUND, "Session not found"):
        session.get("v")


def test_heartbeats_keep_a_session_alive(stub):
    session = Session(stub, ttl_seconds=3)
    for _ in range(5):
        time.sleep(1)
        assert session.heartbeat().session_valid
    session.cleanup()


def test_heartbeat_of_a_session(session):
    session.register("v")
    answer = session.heartbeat()
    assert answer.session_valid
    assert answer.revision == 1
    assert answer.epoch == session.epoch
    assert abs(answer.server_time.ToNanoseconds() / 1e9 - time.time()) < 120


def test_heartbeat_of_no_session_is_not_valid_and_creates_nothing(stub):
    session = Session(stub, create=False)
    assert not session.heartbeat().session_valid
    assert not session.heartbeat().session_valid
    with refused(CODE.NOT_FOUND):
        session.describe()


def test_cleanup_tells_what_it_freed_and_is_idempotent(stub):
    session = Session(stub)
    for name in ("a", "b", "c"):
        session.register(name)
    first = session.cleanup()
    assert first.success
    assert first.resources_cleaned == 3
    second = session.cleanup()
    assert second.success
    assert second.resources_cleaned == 0


def test_cleanup_of_a_session_that_never_was(stub):
    answer = Session(stub, create=False).cleanup(force=True)
    assert answer.success
    assert answer.resources_cleaned == 0


def test_after_cleanup_everything_is_gone(stub):
    session = Session(stub)
    session.register("v")
    session.cleanup()
    for operation in (
        lambda: session.get("v"),
        lambda: session.set("v", 1.0),
        lambda: session.delete("v"),
        lambda: session.list(),
        lambda: session.get_many("v"),
        lambda: session.set_many({"v": any_json("float", 1.0)}),
        lambda: session.describe(),
    ):
        with refused(CODE.NOT_FOUND, "Session not found"):
            operation()


def test_a_session_with_the_same_name_has_another_epoch(stub):
    first = Session(stub)
    first.register("v")
    first.cleanup()
    second = Session(stub, first.id)
    assert second.epoch != first.epoch
    assert second.revision() == 0
    assert second.names() == []
    second.cleanup()


def test_sessions_are_created_by_their_first_use(stub):
    for operation in (
        lambda session: session.register("v"),
        lambda session: session.result("echo", text="x"),
        lambda session: session.watch(initial=True).until_synced(),
    ):
        session = Session(stub, create=False)
        operation(session)
        assert session.describe().epoch
        with refused(CODE.ALREADY_EXISTS):
            Session(stub, session.id)
        session.cleanup()


def test_what_only_reads_or_writes_creates_no_session(stub):
    for operation in (
        lambda session: session.get("v"),
        lambda session: session.set("v", 1.0),
        lambda session: session.delete("v"),
        lambda session: session.list(),
        lambda session: session.get_many("v"),
        lambda session: session.set_many({"v": any_json("float", 1.0)}),
        lambda session: session.describe(),
    ):
        session = Session(stub, create=False)
        with refused(CODE.NOT_FOUND, "Session not found", session.id):
            operation(session)
        assert not session.heartbeat().session_valid


def test_a_host_can_be_told_to_create_no_sessions():
    with start_host("--no-auto-create-sessions") as host:
        session = Session(host.stub(), create=False)
        for operation in (
            lambda: session.register("v"),
            lambda: session.call("echo", text="x"),
            lambda: list(session.stream("countdown", **{"from": 1})),
            lambda: session.watch().next(),
        ):
            with refused(CODE.NOT_FOUND, "Session not found", session.id):
                operation()
        assert not session.heartbeat().session_valid


def test_session_ids_have_1_to_255_bytes(stub):
    for bad in ("", "x" * 256, "ü" * 128):
        with refused(CODE.INVALID_ARGUMENT):
            stub.InitializeSession(
                pb.InitializeSessionRequest(session_id=bad), timeout=CALL_TIMEOUT)
    for good in (unique("x" * 200), "ü" * 127, "a b/c:d"):
        session = Session(stub, good)
        assert session.describe().session_id == good
        session.cleanup()


def test_sessions_do_not_see_each_other(stub):
    one, two = Session(stub), Session(stub)
    one.register("shared", value=1.0)
    two.register("shared", value=2.0)
    one.set("shared", 10.0)
    assert two.get("shared").version == 1
    assert (one.revision(), two.revision()) == (2, 1)
    one.cleanup()
    assert two.names() == ["shared"]
    two.cleanup()


def test_a_session_outlives_the_connection_that_made_it(host, stub):
    channel_stub = host.stub()
    session = Session(channel_stub)
    session.register("v", value=4.0)
    host.disconnect()
    again = session.through(stub)
    assert again.get("v").version == 1
    again.cleanup()
