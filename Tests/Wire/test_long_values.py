"""Values whose text takes long to read or to write: other calls of the event loop do not wait for them.

A call that is read right behind such a one is answered before it, on a host with a single event loop.
"""

import json
import math

import pytest

from bridge import (
    CALL_TIMEOUT, Session, any_binary, any_json, numbers_of, raw_bytes, run_threads, start_host, value_of)
from raw import SERVICE, Connection, frame
from stubs import pb

COUNT = 20_000
NUMBERS = [number / 7 for number in range(COUNT)]
RAW = raw_bytes(NUMBERS, "float64")
AS_BYTES = any_binary("embedding", [COUNT], "float64")


@pytest.fixture(scope="module")
def single():
    """A host with one event loop."""
    with start_host("--event-loops", "1") as running:
        yield running


@pytest.fixture
def long(single):
    """A session with an embedding `v` of which no text was made yet."""
    session = session_of(single)
    session.register("v", "embedding", any=AS_BYTES, binary=RAW)
    return session


def session_of(host):
    """A session that knows its host's port."""
    session = Session(host.stub())
    session.port = host.port
    return session


def order(session, method, request):
    """Which is answered first of a call and a ping that comes right behind it, and the call's answer.

    The end of the one and the whole other are read together: what is answered on the event loop, is in this order.
    """
    ping = frame(pb.PingRequest(message="x").SerializeToString())
    body = frame(request.SerializeToString())
    connection = Connection(session.port)
    call = connection.open(SERVICE + method)
    connection.send(call, body[:-1], end=False)
    # Everything so far is read when this is answered.
    assert connection.call(SERVICE + "Ping", ping).grpc_status == "0"
    connection.send(call, body[-1:])
    behind = connection.open(SERVICE + "Ping")
    connection.send(behind, ping)
    connection.flush()
    answer = connection.answer(call)
    connection.answer(behind)
    assert answer.grpc_status == "0", answer
    done = [{call: method, behind: "Ping"}[stream] for stream in connection.answered[1:]]
    connection.close()
    return done, ANSWERS[method].FromString(answer.data[5:])


ANSWERS = {
    "GetVariable": pb.GetVariableResponse, "ListVariables": pb.ListVariablesResponse,
    "GetVariables": pb.BatchGetVariablesResponse, "SetVariable": pb.SetVariableResponse,
    "SetVariables": pb.BatchSetVariablesResponse, "RegisterVariable": pb.RegisterVariableResponse,
    "GetVariableHistory": pb.GetVariableHistoryResponse,
    "RollbackVariable": pb.RollbackVariableResponse,
    "StopOptimization": pb.StopOptimizationResponse, "ExecuteTool": pb.ExecuteToolResponse,
}


def after_ping(session, method, request):
    done, answer = order(session, method, request)
    assert done == ["Ping", method]
    return answer


def same(numbers):
    assert len(numbers) == COUNT and all(map(math.isclose, numbers, NUMBERS))


def test_a_value_is_written_as_text(long):
    request = pb.GetVariableRequest(session_id=long.id, variable_identifier="v")
    same(value_of(after_ping(long, "GetVariable", request).variable))
    # Now it is kept.
    same(value_of(order(long, "GetVariable", request)[1].variable))


def test_raw_bytes_take_no_thread(long):
    answer = long.get("v", metadata=[("accept-binary", "raw")])
    same(numbers_of(answer))
    assert answer.binary_value == RAW


def test_values_are_listed(long):
    listed = after_ping(long, "ListVariables", pb.ListVariablesRequest(session_id=long.id))
    same(value_of(listed.variables[0]))


def test_values_are_read_together(long):
    long.register("w", value=1.5)
    read = after_ping(long, "GetVariables", pb.BatchGetVariablesRequest(
        session_id=long.id, variable_identifiers=["w", "v", "x"]))
    same(value_of(read.variables["v"]))
    assert value_of(read.variables["w"]) == 1.5 and list(read.missing_variables) == ["x"]


def test_versions_of_the_past(long):
    long.set("v", [1.0], "embedding")
    history = after_ping(long, "GetVariableHistory", pb.GetVariableHistoryRequest(
        session_id=long.id, variable_identifier="v"))
    assert [entry.version for entry in history.entries] == [2, 1]
    same(json.loads(history.entries[1].value.value))
    rolled = after_ping(long, "RollbackVariable", pb.RollbackVariableRequest(
        session_id=long.id, variable_identifier="v", target_version=1))
    same(value_of(rolled.variable))


def test_the_last_value_of_an_optimization(long):
    long.start_optimization("v", "me")
    stopped = after_ping(long, "StopOptimization", pb.StopOptimizationRequest(
        session_id=long.id, variable_identifier="v", optimizer_id="me"))
    same(json.loads(stopped.final_value.value))


@pytest.mark.parametrize("method, request_of", [
    ("SetVariable", lambda session, value: session.set_request("v", any=value)),
    ("SetVariables", lambda session, value: pb.BatchSetVariablesRequest(
        session_id=session.id, updates={"v": value}, atomic=True)),
    ("RegisterVariable", lambda session, value: pb.RegisterVariableRequest(
        session_id=session.id, name="new", type="embedding", initial_value=value)),
])
def test_text_is_read(long, method, request_of):
    done, answer = order(long, method, request_of(long, any_json("embedding", NUMBERS)))
    assert done == ["Ping", method]
    assert answer.success
    same(value_of(long.get("new" if method == "RegisterVariable" else "v")))
    # What is wrong is told as ever, and writes nothing.
    wrong = any_json("embedding", NUMBERS + ["x"])
    if method == "SetVariables":
        answer = getattr(long.stub, method)(request_of(long, wrong), timeout=CALL_TIMEOUT)
        assert not answer.success and "x" in answer.errors["v"]


def test_bytes_that_are_answered_as_text_when_they_are_registered(single):
    session = session_of(single)
    answer = after_ping(session, "RegisterVariable", pb.RegisterVariableRequest(
        session_id=session.id, name="v", type="embedding", initial_value=AS_BYTES,
        initial_binary_value=RAW))
    same(value_of(answer.variable))


def test_arguments_of_a_quick_tool_are_read(long):
    request = long.tool_request("normalize", {"vector": NUMBERS})
    done, answer = order(long, "ExecuteTool", request)
    assert done == ["Ping", "ExecuteTool"]
    assert answer.success, answer.error_message
    assert len(json.loads(answer.result.value)) == COUNT


# Watches


def test_a_long_value_keeps_its_place_among_the_changes_of_a_watch(long):
    long.register("w", "integer", 0)
    watch = long.watch("v", "w", initial=True)
    initial, synced = watch.until_synced()
    assert [update.variable.name for update in initial] == ["v", "w"]
    same(value_of(initial[0].variable))
    for number in range(1, 6):
        long.set("w", number, "integer")
        long.set("v", any=AS_BYTES, binary=RAW)
    updates = watch.take(10)
    assert [update.variable.name for update in updates] == ["w", "v"] * 5
    assert [update.revision for update in updates] == list(range(3, 13))
    for update in updates[1::2]:
        same(value_of(update.variable))
        same(json.loads(update.old_value.value))
    watch.cancel()


def test_many_watches_of_long_values_see_the_same(long, single):
    plain = [long.through(single.stub()).watch("v", "w") for _ in range(6)]
    conflating = [long.through(single.stub()).watch("v", "w", conflate=True) for _ in range(3)]
    for watch in plain + conflating:
        watch.opened()
    long.register("w", "integer", 0)
    for number in range(5):
        long.set("v", any=AS_BYTES, binary=RAW)
        long.set("w", number, "integer")
    streams = []
    run_threads(*[lambda watch=watch: streams.append(watch.take(11)) for watch in plain])
    for stream in streams:
        assert [update.SerializeToString() for update in stream] == [
            update.SerializeToString() for update in streams[0]]
        assert [update.revision for update in stream] == list(range(2, 13))
    for watch in conflating:
        last = {}
        while last.get("w") != 4:
            update = watch.next_change()
            last[update.variable.name] = value_of(update.variable)
        same(last["v"])
    for watch in plain + conflating:
        watch.cancel()


def test_a_heartbeat_follows_what_it_counts(long):
    watch = long.watch("v", heartbeat_ms=100).opened()
    for _ in range(3):
        long.set("v", any=AS_BYTES, binary=RAW)
    seen = 1
    while True:
        update = watch.next()
        if update.update_type == "heartbeat":
            assert update.revision == seen
            if seen == 4:
                break
        else:
            seen = update.revision
            same(value_of(update.variable))
    watch.cancel()


def test_a_watch_is_cancelled_while_its_update_is_made(long):
    for _ in range(20):
        watch = long.watch("v", initial=True).opened()
        watch.cancel()
    watch = long.watch("v", initial=True)
    same(value_of(watch.until_synced()[0][0].variable))
    long.cleanup(force=True)
    assert watch.until_end()[-1].update_type == "session_closed"
