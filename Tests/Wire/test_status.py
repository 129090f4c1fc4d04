"""The status of every failure, and the details that go with it."""

import grpc
import pytest

import bridge
from bridge import CALL_TIMEOUT, CODE, Session, any_json, refused, start_host
from stubs import error_details_pb2, pb, status_pb2


def error_info(refusal):
    status = refusal.status()
    assert status.code == refusal.code.value[0]
    assert status.message == refusal.details
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info
    raise AssertionError("no ErrorInfo among the details")


def test_aborted_carries_the_current_version(session):
    session.register("v")
    session.set("v", 1.0)
    session.set("v", 2.0)
    with refused(CODE.ABORTED, "3") as refusal:
        session.set("v", 9.0, expected=1)
    info = error_info(refusal)
    assert info.metadata["current_version"] == "3"
    assert info.reason
    assert info.domain


def test_a_failure_says_its_message_once_and_in_utf8(session):
    with refused(CODE.NOT_FOUND, "größe 👋"):
        session.get("größe 👋")


NOT_FOUND = {
    "session": lambda s: Session(s.stub, create=False).get("v"),
    "variable": lambda s: s.get("nothing"),
    "variable to set": lambda s: s.set("nothing", 1.0),
    "variable to delete": lambda s: s.delete("nothing"),
    "tool": lambda s: s.call("nothing"),
    "session to describe": lambda s: Session(s.stub, create=False).describe(),
    "session to list": lambda s: Session(s.stub, create=False).list(),
}


@pytest.mark.parametrize("operation", NOT_FOUND.values(), ids=NOT_FOUND.keys())
def test_not_found(session, operation):
    with refused(CODE.NOT_FOUND, "not found"):
        operation(session)


INVALID = {
    "type": lambda s: s.register("v", "no_such_type"),
    "value": lambda s: s.register("v", "float", any=any_json("string", "x")),
    "constraint": lambda s: s.register("v", value=2.0, constraints={"max": 1}),
    "constraints": lambda s: s.register("v", value=2.0, constraints="{"),
    "name": lambda s: s.register(""),
    "tool parameter": lambda s: s.call("echo"),
    "empty session id": lambda s: s.stub.InitializeSession(
        pb.InitializeSessionRequest(), timeout=CALL_TIMEOUT),
}


@pytest.mark.parametrize("operation", INVALID.values(), ids=INVALID.keys())
def test_invalid_argument(session, operation):
    with refused(CODE.INVALID_ARGUMENT):
        operation(session)


def test_already_exists(session):
    session.register("v")
    with refused(CODE.ALREADY_EXISTS):
        session.register("v")
    with refused(CODE.ALREADY_EXISTS):
        Session(session.stub, session.id)


def test_limits_are_resource_exhausted():
    limits = ["--max-sessions", "2", "--max-variables", "3", "--max-message-bytes", "100000"]
    with start_host(*limits) as host:
        stub = host.stub()
        session = Session(stub)
        other = Session(stub)
        with refused(CODE.RESOURCE_EXHAUSTED):
            Session(stub)
        for name in "abc":
            session.register(name, "string", name)
        with refused(CODE.RESOURCE_EXHAUSTED):
            session.register("d", "string", "d")
        with refused(CODE.RESOURCE_EXHAUSTED):
            session.set("a", "x" * 100_000, "string")
        session.set("a", "x" * 90_000, "string")
        # What is freed can be used again.
        session.delete("b")
        session.register("d", "string", "d")
        other.cleanup()
        Session(stub)


def test_failed_precondition(session):
    session.register("v")
    with refused(CODE.FAILED_PRECONDITION):
        session.watch("v", start=9).next()


def test_deadline_exceeded(session):
    session.register("v", value=0.0)
    with refused(CODE.DEADLINE_EXCEEDED):
        session.call("wait_for_variable", timeout=0.5, variable="v", target=1.0)


def test_cancelled(session):
    session.register("v", value=0.0)
    call = session.stub.ExecuteTool.future(session.tool_request(
        "wait_for_variable", {"variable": "v", "target": 1.0}))
    call.cancel()
    assert call.cancelled()


def test_a_watch_that_is_cancelled_ends_as_cancelled(session):
    watch = session.watch("v").opened()
    watch.cancel()
    with pytest.raises(grpc.RpcError) as error:
        watch.next()
    assert error.value.code() == CODE.CANCELLED


@pytest.mark.parametrize("path", [
    "/snakepit.bridge.BridgeService/NoSuchMethod", "/no.such.Service/Ping",
    "/snakepit.bridge.BridgeService/ping"])
def test_an_unknown_method(host, path):
    channel = host.channel()
    call = channel.unary_unary(path)
    with refused(CODE.UNIMPLEMENTED):
        call(b"", timeout=CALL_TIMEOUT)


def test_a_body_that_is_no_message(host):
    channel = host.channel()
    call = channel.unary_unary("/snakepit.bridge.BridgeService/Ping")
    with refused(CODE.INTERNAL):
        call(b"\x0a\xff\xff", timeout=CALL_TIMEOUT)


def test_unknown_fields_are_ignored(host):
    channel = host.channel()
    call = channel.unary_unary("/snakepit.bridge.BridgeService/Ping",
                               response_deserializer=pb.PingResponse.FromString)
    # Field 1 "a", then field 2000 with a varint.
    assert call(b"\x0a\x01a\x80\x7d\x05", timeout=CALL_TIMEOUT).message == "pong: a"


# ---------------------------------------------------------------------------------------------
# Every error says why, for programs


def reason_of(error):
    """The reason in the error's details, which must be there."""
    info = error_details_pb2.ErrorInfo()
    assert details_of(error)[0].Unpack(info)
    assert info.domain == "bridge-host"
    return info.reason


def retry_delay(error):
    """The seconds after which the call may succeed, if the error's details say so."""
    retry = error_details_pb2.RetryInfo()
    delays = [retry.retry_delay.ToMilliseconds() / 1000
              for detail in details_of(error) if detail.Unpack(retry)]
    assert len(delays) <= 1
    return delays[0] if delays else None


def details_of(error):
    trailers = {key: value for key, value in error.trailing_metadata()}
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    return status.details


def raw_call(host, path, data, **options):
    call = host.channel().unary_unary(path)
    with pytest.raises(grpc.RpcError) as caught:
        call(data, timeout=CALL_TIMEOUT, **options)
    return caught.value


@pytest.mark.parametrize("path, request_bytes, code, reason", [
    ("/snakepit.bridge.BridgeService/NoSuchMethod", b"", CODE.UNIMPLEMENTED, "UNIMPLEMENTED"),
    ("/no.such.Service/Method", b"", CODE.UNIMPLEMENTED, "UNIMPLEMENTED"),
    ("/snakepit.bridge.BridgeService/GetVariable", b"\xff", CODE.INTERNAL, "INTERNAL"),
    ("/snakepit.bridge.BridgeService/ListVariables", b"\xff", CODE.INTERNAL, "INTERNAL"),
    ("/snakepit.bridge.BridgeService/ExecuteTool", b"\x12\x04none", CODE.NOT_FOUND,
     "TOOL_NOT_FOUND"),
    ("/snakepit.bridge.BridgeService/ExecuteStreamingTool", b"\x12\x04none", CODE.NOT_FOUND,
     "TOOL_NOT_FOUND"),
    ("/snakepit.bridge.BridgeService/GetSession", b"\x0a\x04none", CODE.NOT_FOUND,
     "SESSION_NOT_FOUND"),
    ("/bridge_host.v1.SessionAdminService/ExportSession", b"\x0a\x04none", CODE.NOT_FOUND,
     "SESSION_NOT_FOUND"),
    ("/bridge_host.v1.SessionAdminService/ListSessions", b"\x10\xff\xff\xff\xff\x0f",
     CODE.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    ("/grpc.health.v1.Health/Check", b"\x0a\x04none", CODE.NOT_FOUND, "NOT_FOUND"),
])
def test_every_error_has_a_reason(host, path, request_bytes, code, reason):
    error = raw_call(host, path, request_bytes)
    assert error.code() == code
    assert reason_of(error) == reason


def test_refused_calls_and_large_messages_have_a_reason(tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("sekrit\n")
    tokens.chmod(0o600)
    ping = "/snakepit.bridge.BridgeService/Ping"
    with bridge.start_host("--token-file", tokens, "--max-message-bytes", "1024") as host:
        error = raw_call(host, ping, b"")
        assert (error.code(), reason_of(error)) == (CODE.UNAUTHENTICATED, "UNAUTHENTICATED")
        error = raw_call(
            host, ping, b"\x0a\x80\x10" + b"x" * 2048,
            metadata=[("authorization", "Bearer sekrit")])
        assert (error.code(), reason_of(error)) == (CODE.RESOURCE_EXHAUSTED, "LIMIT_REACHED")


# ---------------------------------------------------------------------------------------------
# What may succeed later says when


def refused_by_a_limit(call):
    """The error of a call that a limit refuses."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    assert (caught.value.code(), reason_of(caught.value)) == (
        CODE.RESOURCE_EXHAUSTED, "LIMIT_REACHED")
    return caught.value


def check_hint(error):
    assert 0.5 <= retry_delay(error) < 1.5


def test_a_share_of_sessions_may_be_free_later():
    with bridge.start_host("--max-sessions", 8) as host:
        stub = host.stub()
        ids = []

        def begin():
            ids.append(Session(stub).id)

        for _ in range(7):
            begin()
        check_hint(refused_by_a_limit(begin))
        Session(stub, ids[0], create=False).cleanup()
        begin()


def test_tool_calls_that_are_too_many_say_when_to_try_again():
    with bridge.start_host("--tool-threads", 2) as host:
        session = Session(host.stub())
        session.register("v", value=0.0)
        request = session.tool_request("wait_for_variable", {"variable": "v", "target": 1.0})
        calls = [session.stub.ExecuteTool.future(request, timeout=60) for _ in range(9000)]
        bridge.eventually(lambda: any(call.done() for call in calls), "one is refused")
        check_hint(refused_by_a_limit(next(call for call in calls if call.done()).result))
        for call in calls:
            call.cancel()


def test_requests_that_a_host_cannot_hold_say_when_to_try_again():
    options = ["--max-message-bytes", 1 << 20, "--max-request-bytes", 8 << 20]
    with bridge.start_host("--tool-threads", 32, *options) as host:
        session = Session(host.stub())
        session.register("v", value=0.0)
        request = session.tool_request(
            "wait_for_variable", {"variable": "v", "target": 1.0}, metadata={"much": "y" * 500_000})
        calls = [session.stub.ExecuteTool.future(request, timeout=60) for _ in range(20)]
        bridge.eventually(lambda: any(call.done() for call in calls), "one is refused")
        check_hint(refused_by_a_limit(next(call for call in calls if call.done()).result))
        session.set("v", 2.0)


def test_what_stays_too_much_has_no_hint():
    options = ["--max-variables", 1, "--max-session-bytes", 10_000, "--max-message-bytes", 100_000]
    with bridge.start_host(*options) as host:
        session = Session(host.stub())
        session.register("v", "string", "")
        for call in [
                lambda: session.register("w", value=0.0),
                lambda: session.set("v", "x" * 20_000, "string"),
                lambda: session.set("v", "x" * 200_000, "string")]:
            assert retry_delay(refused_by_a_limit(call)) is None
        error = raw_call(host, "/snakepit.bridge.BridgeService/GetSession", b"\x0a\x04none")
        assert retry_delay(error) is None
