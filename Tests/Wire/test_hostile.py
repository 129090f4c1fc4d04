"""What hostile or unlucky clients did to the host once."""

import json
import time

import grpc
import pytest
from google.protobuf import any_pb2

from bridge import CODE, any_json, any_text, start_host
from stubs import admin_pb, admin_rpc, pb, tools_pb, tools_rpc


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


# Unicode's order of these takes the square of their number to find: hours, were they hashed or compared.
MARKS = "a" + "\u0301\u0316" * 1_000_000


@pytest.mark.parametrize("request_with", [
    lambda: ("RegisterVariable", pb.RegisterVariableRequest(session_id="m", name="v", type=MARKS)),
    lambda: ("RegisterVariable", pb.RegisterVariableRequest(session_id="m", name=MARKS, type="float")),
    lambda: ("RegisterVariable", pb.RegisterVariableRequest(
        session_id="m", name="v", type="float",
        initial_value=any_pb2.Any(type_url=MARKS, value=b"1"))),
    lambda: ("RegisterVariable", pb.RegisterVariableRequest(
        session_id="m", name="v", type="string", initial_value=any_json("string", "x"),
        constraints_json=json.dumps({MARKS: 1, "pattern": 1}))),
    lambda: ("RegisterVariable", pb.RegisterVariableRequest(
        session_id="m", name="v", type="choice", initial_value=any_json("choice", MARKS),
        constraints_json=json.dumps({"choices": [MARKS + "x"]}))),
    lambda: ("RegisterVariable", pb.RegisterVariableRequest(
        session_id="m", name="v", type="float", initial_value=any_json("float", MARKS))),
    lambda: ("RegisterVariable", pb.RegisterVariableRequest(
        session_id="m", name="v", type="tensor", initial_value=any_text(
            "dspex.variables/tensor", json.dumps({MARKS: 1, "shape": []})))),
    lambda: ("RegisterVariable", pb.RegisterVariableRequest(
        session_id="m", name="v", type="tensor", initial_binary_value=b"1234", initial_value=any_text(
            "dspex.variables/tensor.binary", json.dumps({MARKS: 1, "dtype": MARKS})))),
    lambda: ("RegisterVariable", pb.RegisterVariableRequest(
        session_id="m", name="v", type="float", initial_value=any_json("float", 1),
        access_control_json=json.dumps({MARKS: 1, "writers": [5]}))),
    lambda: ("SetVariable", pb.SetVariableRequest(
        session_id="m", variable_identifier=MARKS, value=any_json("float", 1))),
    lambda: ("GetVariables", pb.BatchGetVariablesRequest(
        session_id="m", variable_identifiers=[MARKS, MARKS])),
    lambda: ("SetVariables", pb.BatchSetVariablesRequest(
        session_id="m", updates={MARKS: any_json("float", 1), "b": any_json("float", 1)})),
    lambda: ("DeleteVariable", pb.DeleteVariableRequest(session_id="m", variable_identifier=MARKS)),
    lambda: ("GetVariableHistory", pb.GetVariableHistoryRequest(
        session_id="m", variable_identifier=MARKS)),
    lambda: ("AddDependency", pb.AddDependencyRequest(
        session_id="m", from_variable=MARKS, to_variable="b")),
    lambda: ("StartOptimization", pb.StartOptimizationRequest(
        session_id="m", variable_identifier="v", optimizer_id=MARKS)),
    lambda: ("StartOptimization", pb.StartOptimizationRequest(
        session_id="m", variable_identifier="v", optimizer_id="o",
        optimizer_config={"lease_seconds": MARKS})),
    lambda: ("GetSession", pb.GetSessionRequest(session_id=MARKS)),
    lambda: ("ExecuteTool", pb.ExecuteToolRequest(session_id="m", tool_name=MARKS)),
    lambda: ("ExecuteTool", pb.ExecuteToolRequest(
        session_id="m", tool_name="echo", parameters={MARKS: any_json("string", "x")})),
    lambda: ("ExecuteTool", pb.ExecuteToolRequest(
        session_id="m", tool_name="echo",
        parameters={f"{MARKS}{n}": any_json("string", "x") for n in range(2)})),
    lambda: ("ExecuteTool", pb.ExecuteToolRequest(
        session_id=MARKS, tool_name="echo", parameters={"text": any_json("string", "x")})),
])
def test_texts_take_no_longer_than_they_are_long(stub, request_with):
    method, request = request_with()
    stub.InitializeSession(pb.InitializeSessionRequest(session_id="m"), timeout=20)
    with pytest.raises(grpc.RpcError) as caught:
        getattr(stub, method)(request, timeout=20)
    assert caught.value.code() in (CODE.INVALID_ARGUMENT, CODE.NOT_FOUND)


def test_epochs_and_writers_take_no_longer_than_they_are_long(session):
    session.register("v", value=1.0, metadata={"source": MARKS})
    session.set("v", 2.0, metadata={"source": MARKS})
    session.set_many({"v": any_json("float", 3.0)}, metadata={"source": MARKS})
    with pytest.raises(grpc.RpcError) as caught:
        session.watch(start=1, epoch=MARKS).next()
    assert caught.value.code() == CODE.FAILED_PRECONDITION


def test_lists_of_the_admin_take_no_longer_than_they_are_long(host, session):
    sessions = admin_rpc.SessionAdminServiceStub(host.channel())
    with pytest.raises(grpc.RpcError) as caught:
        sessions.ListSessions(admin_pb.ListSessionsRequest(after_session_id=MARKS), timeout=20)
    assert caught.value.code() == CODE.INVALID_ARGUMENT
    answer = sessions.ListSessions(admin_pb.ListSessionsRequest(pattern=MARKS + "*"), timeout=20)
    assert list(answer.sessions) == []
    tools = tools_rpc.ToolAdminServiceStub(host.channel())
    answer = tools.ListTools(tools_pb.ListToolsRequest(names=[MARKS, MARKS + "b"]), timeout=20)
    assert list(answer.tools) == []


def test_metadata_of_tools_takes_no_longer_than_it_is_long(session):
    keys = {f"{MARKS}{n}": "x" for n in range(2)}
    request = session.tool_request("echo", {"text": "x"}, metadata=keys)
    assert session.stub.ExecuteTool(request, timeout=20).success


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
