"""What hostile or unlucky clients did to the host once."""

import time

import grpc
import pytest

from bridge import CODE, any_json, start_host
from stubs import pb


@pytest.mark.parametrize("length", [300, 20_000, 70_000, 1_000_000])
def test_an_error_with_a_long_text_reaches_the_client(stub, length):
    """Its trailers must stay under what HTTP/2 libraries send and clients take."""
    name = "é" * length
    calls = [
        lambda: stub.GetSession(pb.GetSessionRequest(session_id=name), timeout=20),
        lambda: stub.ExecuteTool(
            pb.ExecuteToolRequest(session_id="long", tool_name=name), timeout=20),
        lambda: stub.RegisterVariable(
            pb.RegisterVariableRequest(session_id="long", name="v", type=name), timeout=20),
    ]
    for call, code in zip(calls, [CODE.NOT_FOUND, CODE.NOT_FOUND, CODE.INVALID_ARGUMENT]):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() == code
        assert "é" * 100 in caught.value.details()


def test_names_that_join_with_their_neighbours(stub):
    """U+0600 and U+0301 make one character of what stands beside them."""
    for name in ["x\u0600", "\u0301x", "\u0600", "var_\u0600_1"]:
        stub.CleanupSession(pb.CleanupSessionRequest(session_id="joining"), timeout=20)
        registered = stub.RegisterVariable(
            pb.RegisterVariableRequest(
                session_id="joining", name=name, type="integer",
                initial_value=any_json("integer", 1)), timeout=20)
        watch = stub.WatchVariables(
            pb.WatchVariablesRequest(
                session_id="joining", variable_identifiers=[registered.variable_id],
                include_initial_values=True), timeout=20)
        assert next(watch).variable.name == name
        watch.cancel()
        got = stub.GetVariable(
            pb.GetVariableRequest(
                session_id="joining", variable_identifier=registered.variable_id), timeout=20)
        assert got.variable.name == name


def test_what_a_request_may_name_is_bounded(stub):
    stub.CleanupSession(pb.CleanupSessionRequest(session_id="many"), timeout=20)
    stub.InitializeSession(pb.InitializeSessionRequest(session_id="many"), timeout=20)
    for call in [
        lambda: stub.GetVariables(
            pb.BatchGetVariablesRequest(
                session_id="many", variable_identifiers=["a"] * 10_001), timeout=20),
        lambda: stub.ListVariables(
            pb.ListVariablesRequest(session_id="many", pattern="*" * 1_000_000), timeout=20),
        lambda: next(stub.WatchVariables(
            pb.WatchVariablesRequest(
                session_id="many", variable_identifiers=["*a" * 1000]), timeout=20)),
    ]:
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() == CODE.INVALID_ARGUMENT


def test_a_drain_lets_a_slow_reader_have_its_whole_answer():
    with start_host("--grace", "20") as host:
        stub = host.stub()
        stub.RegisterVariable(
            pb.RegisterVariableRequest(
                session_id="s", name="blob", type="string",
                initial_value=any_json("string", "x"),
                initial_binary_value=bytes(24_000_000)), timeout=20)
        calls = [
            stub.GetVariable.future(
                pb.GetVariableRequest(session_id="s", variable_identifier="blob"), timeout=60)
            for _ in range(8)
        ]
        # The connection's requests are all in: a ping on it comes back after them.
        stub.Ping(pb.PingRequest(), timeout=60)
        host.terminate()
        for call in calls:
            assert len(call.result().variable.binary_value) == 24_000_000
        assert host.wait() == 0


def test_a_session_lives_as_long_as_a_tool_that_uses_it(stub):
    stub.CleanupSession(pb.CleanupSessionRequest(session_id="short"), timeout=20)
    stub.InitializeSession(
        pb.InitializeSessionRequest(
            session_id="short", config=pb.SessionConfig(ttl_seconds=1)), timeout=20)
    call = stub.ExecuteTool.future(
        pb.ExecuteToolRequest(
            session_id="short", tool_name="wait_for_variable",
            parameters={"variable": any_json("string", "late"), "target": any_json("float", 1.0)}),
        timeout=60)
    time.sleep(3)
    stub.RegisterVariable(
        pb.RegisterVariableRequest(
            session_id="short", name="late", type="float",
            initial_value=any_json("float", 2.0)), timeout=20)
    assert call.result().success
