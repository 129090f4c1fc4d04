"""Tools that clients serve: RegisterTools, and the stream over which the host calls them."""

import json
import os
import queue
import shutil
import threading
import time

import grpc
import pytest
from google.protobuf import any_pb2

from bridge import CALL_TIMEOUT, CODE, HOST, Session, eventually, refused, start_host
from stubs import client_pb, client_rpc, error_details_pb2, pb


def registration(name, *parameters, streaming=False, **metadata):
    return pb.ToolRegistration(
        name=name, description=f"What {name} does.", parameters=parameters,
        supports_streaming=streaming, metadata=metadata)


def parameter(name, type_, required=True, default=None, **rest):
    spec = pb.ParameterSpec(name=name, type=type_, required=required, **rest)
    if default is not None:
        spec.default_value.CopyFrom(any_pb2.Any(
            type_url=f"dspex.variables/{type_}", value=json.dumps(default).encode()))
    return spec


def register(session, *tools, worker="w"):
    return session.stub.RegisterTools(
        pb.RegisterToolsRequest(session_id=session.id, worker_id=worker, tools=tools),
        timeout=CALL_TIMEOUT)


class Worker:
    """Serves tools of a session, with functions that take a call and answer a Result or events."""

    def __init__(self, host, session, worker="w", **tools):
        self.tools = tools
        self.cancelled = queue.Queue()
        self.rooms = queue.Queue()
        self.calls = queue.Queue()
        self._events = queue.Queue()
        self._opened = threading.Event()
        self.opened = None
        self.error = None
        self.stream = client_rpc.ClientToolServiceStub(host.channel()).ServeTools(
            iter(self._events.get, None))
        self.send(open=client_pb.ServeToolsRequest.Open(session_id=session.id, worker_id=worker))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, **event):
        self._events.put(client_pb.ServeToolsRequest(**event))

    def answer(self, call, value=None, **rest):
        text = b"" if value is None else json.dumps(value).encode()
        self.send(result=client_pb.ServeToolsRequest.Result(call=call.call, value=text, **rest))

    def chunk(self, call, value):
        self.send(chunk=client_pb.ServeToolsRequest.Chunk(
            call=call.call, data=json.dumps(value).encode()))

    def fail(self, call, message, **rest):
        self.answer(call, failure=client_pb.ServeToolsRequest.Failure(message=message, **rest))

    def _run(self):
        try:
            for response in self.stream:
                kind = response.WhichOneof("event")
                if kind == "opened":
                    self.opened = list(response.opened.tools)
                    self._opened.set()
                elif kind == "call":
                    self.calls.put(response.call)
                    if response.call.tool in self.tools:
                        self.tools[response.call.tool](self, response.call)
                elif kind == "cancel":
                    self.cancelled.put(response.cancel)
                elif kind == "room":
                    self.rooms.put(response.room.call)
        except grpc.RpcError as error:
            self.error = error
        self._opened.set()

    def wait(self):
        assert self._opened.wait(CALL_TIMEOUT)
        return self

    def end(self):
        """Ends the stream in order."""
        self._events.put(None)
        self._thread.join(CALL_TIMEOUT)
        assert not self._thread.is_alive()

    def break_off(self):
        self.stream.cancel()
        self._thread.join(CALL_TIMEOUT)
        assert not self._thread.is_alive()


def double(worker, call):
    worker.answer(call, json.loads(call.parameters["x"]) * 2, metadata={"from": "the worker"})


@pytest.fixture
def doubling(host, session):
    session.register("v", value=1.0)
    register(session, registration("double", parameter("x", "float"),
                                   parameter("y", "integer", required=False, default=7)))
    worker = Worker(host, session, double=double).wait()
    yield worker
    worker.break_off()


def test_a_call_reaches_the_client_and_its_answer_the_caller(session, doubling):
    assert doubling.opened == ["double"]
    answer = session.call("double", x=2.5)
    assert answer.success and json.loads(answer.result.value) == 5.0
    assert answer.metadata["from"] == "the worker"
    call = doubling.calls.get(timeout=CALL_TIMEOUT)
    assert call.session_id == session.id and json.loads(call.parameters["y"]) == 7
    # Clients round what they have left up.
    assert 0 < call.timeout_ms <= CALL_TIMEOUT * 2000 and not call.stream


def test_many_calls_run_at_once(session, doubling):
    futures = [session.stub.ExecuteTool.future(session.tool_request("double", {"x": float(n)}))
               for n in range(200)]
    assert [json.loads(future.result(CALL_TIMEOUT).result.value) for future in futures] == [
        n * 2.0 for n in range(200)]


def test_arguments_are_checked_before_the_client_is_asked(session, doubling):
    with refused(CODE.INVALID_ARGUMENT, "parameter x of double"):
        session.call("double", x="no number")
    with refused(CODE.INVALID_ARGUMENT, "has no parameter z"):
        session.call("double", x=1.0, z=1)
    assert doubling.calls.empty()


def test_bytes_go_both_ways(host, session):
    session.register("v")
    register(session, registration("turn", parameter("data", "bytes")))
    worker = Worker(host, session, turn=lambda worker, call: worker.answer(
        call, None, binary_value=call.binary_parameters["data"][::-1])).wait()
    data = bytes(range(256)) * 1000
    assert session.call("turn", binary={"data": data}).binary_result == data[::-1]
    worker.end()


def test_failures_are_the_clients_own(host, session):
    session.register("v")
    register(session, registration("fail"), registration("garble"))
    worker = Worker(
        host, session,
        fail=lambda worker, call: worker.fail(
            call, "it rains", code=14, type="weather", retryable=True),
        garble=lambda worker, call: worker.send(result=client_pb.ServeToolsRequest.Result(
            call=call.call, value=b"{"))).wait()
    answer = session.call("fail")
    assert not answer.success and answer.error_message == "it rains"
    assert answer.metadata["error_type"] == "weather" and answer.metadata["retryable"] == "true"
    assert answer.metadata["error_code"] == "14"
    answer = session.call("garble")
    assert not answer.success and "malformed JSON" in answer.error_message
    # The stream goes on.
    assert session.call("fail").error_message == "it rains"
    worker.end()


def test_a_tool_whose_client_is_gone_is_unavailable(host, session):
    session.register("v")
    register(session, registration("wait"))

    def unavailable(answer):
        return (not answer.success and answer.metadata["error_code"] == "14"
                and answer.metadata["error_type"] == "client_gone")

    assert unavailable(session.call("wait"))
    # Once it serves, a call waits for it; when it goes, by whatever way, the call fails.
    for leave in [Worker.break_off, Worker.end]:
        worker = Worker(host, session).wait()
        future = session.stub.ExecuteTool.future(session.tool_request("wait", {}))
        worker.calls.get(timeout=CALL_TIMEOUT)
        leave(worker)
        assert unavailable(future.result(CALL_TIMEOUT))
        assert unavailable(session.call("wait"))
    # And it may come back.
    worker = Worker(host, session, wait=lambda worker, call: worker.answer(call, "back")).wait()
    assert session.result("wait") == "back"
    worker.end()


def test_a_second_stream_takes_the_place_of_the_first(host, session):
    session.register("v")
    register(session, registration("who"))
    first = Worker(host, session).wait()
    future = session.stub.ExecuteTool.future(session.tool_request("who", {}))
    first.calls.get(timeout=CALL_TIMEOUT)
    second = Worker(host, session, who=lambda worker, call: worker.answer(call, 2)).wait()
    assert future.result(CALL_TIMEOUT).metadata["error_type"] == "client_gone"
    assert session.result("who") == 2
    eventually(lambda: first.error is not None, "the first stream ends")
    assert first.error.code() == CODE.ABORTED
    second.end()


def test_a_call_that_ends_early_is_cancelled_at_the_client(host, session):
    session.register("v")
    register(session, registration("wait"))
    worker = Worker(host, session).wait()
    future = session.stub.ExecuteTool.future(session.tool_request("wait", {}))
    call = worker.calls.get(timeout=CALL_TIMEOUT)
    future.cancel()
    cancel = worker.cancelled.get(timeout=CALL_TIMEOUT)
    assert cancel.call == call.call and not cancel.deadline_exceeded
    with refused(CODE.DEADLINE_EXCEEDED):
        session.call("wait", timeout=0.3)
    cancel = worker.cancelled.get(timeout=CALL_TIMEOUT)
    # An answer that comes too late is passed over.
    worker.answer(call, 1)
    worker.answer(worker.calls.get(timeout=CALL_TIMEOUT), 1)
    worker.end()
    assert worker.error is None


def test_chunks_come_in_order_and_wait_for_room(host, session):
    session.register("v")
    register(session, registration("count", streaming=True), registration("hurry", streaming=True))

    def count(worker, call):
        def run():
            for number in range(50):
                worker.send(progress=client_pb.ServeToolsRequest.Progress(
                    call=call.call, fraction=number / 50, message=f"at {number}"))
                worker.chunk(call, number)
                assert worker.rooms.get(timeout=CALL_TIMEOUT) == call.call
            worker.answer(call, "done")

        threading.Thread(target=run, daemon=True).start()

    worker = Worker(host, session, count=count).wait()
    chunks = list(session.stream("count"))
    assert [json.loads(chunk.data) for chunk in chunks] == [*range(50), "done"]
    assert chunks[-1].is_final and chunks[10].progress_message == "at 10"
    worker.end()


def test_registering_says_what_is_wrong(host, session):
    with refused(CODE.NOT_FOUND):
        register(Session(session.stub, "nowhere", create=False), registration("a"))
    session.register("v")
    with refused(CODE.INVALID_ARGUMENT, "no tools to register"):
        register(session)
    with refused(CODE.RESOURCE_EXHAUSTED, "1000 tools of clients"):
        register(session, *(registration(f"t{number}") for number in range(1001)))
    with refused(CODE.RESOURCE_EXHAUSTED, "bytes of registrations"):
        register(session, pb.ToolRegistration(name="long", description="x" * (4 << 20)))
    with refused(CODE.INVALID_ARGUMENT, "the name", "no good"):
        register(session, registration("no good"))
    with refused(CODE.INVALID_ARGUMENT, "parameter p", "there is no type"):
        register(session, registration("a", parameter("p", "number")))
    with refused(CODE.INVALID_ARGUMENT, "parameter p", "declared twice"):
        register(session, registration("a", parameter("p", "float"), parameter("p", "float")))
    with refused(CODE.INVALID_ARGUMENT, "parameter p"):
        register(session, registration("a", parameter("p", "float", validation_json="{")))
    with refused(CODE.ALREADY_EXISTS, "echo"):
        register(session, registration("echo"))
    response = register(session, registration("a"), registration("b"))
    assert response.success and set(response.tool_ids) == {"a", "b"}
    with refused(CODE.ALREADY_EXISTS, "the tool b"):
        register(session, registration("c"), registration("b"))
    # Nothing of a batch that is refused is there.
    with refused(CODE.NOT_FOUND, "Tool not found: c"):
        session.call("c")
    nobody = Worker(host, session, worker="other").wait()
    with refused(CODE.NOT_FOUND, 'worker "other" has registered no tools') as refusal:
        raise nobody.error
    info = error_details_pb2.ErrorInfo()
    assert refusal.status().details[0].Unpack(info) and info.reason == "WORKER_NOT_FOUND"


def test_what_is_refused_takes_no_room(host, session):
    session.register("v")
    wrong = [registration(f"t{number}") for number in range(999)] + [registration("echo")]
    for _ in range(3):
        with refused(CODE.ALREADY_EXISTS, "echo"):
            register(session, *wrong)
    # A worker of which nothing was taken is none, and anybody's to be.
    nobody = Worker(host, session).wait()
    assert nobody.error.code() == CODE.NOT_FOUND
    register(session, *wrong[:-1])
    register(session, registration("last"))
    with refused(CODE.RESOURCE_EXHAUSTED, "1000 tools of clients"):
        register(session, registration("beyond"))


def test_a_session_lives_while_its_tools_are_served():
    with start_host() as host:
        session = Session(host.stub(), ttl_seconds=1)
        register(session, registration("wait"))
        worker = Worker(host, session, wait=lambda worker, call: worker.answer(call, 1)).wait()
        time.sleep(3)
        assert worker.error is None
        assert session.result("wait") == 1
        worker.end()
        # Once nobody serves, it ends like any other. A look would be a use.
        time.sleep(4)
        assert not session.heartbeat().session_valid


def test_the_first_message_says_who_serves(host, session):
    stub = client_rpc.ClientToolServiceStub(host.channel())
    result = client_pb.ServeToolsRequest(result=client_pb.ServeToolsRequest.Result(call=1))
    with refused(CODE.INVALID_ARGUMENT, "must be `open`"):
        list(stub.ServeTools(iter([result]), timeout=CALL_TIMEOUT))
    session.register("v")
    register(session, registration("a"))
    opening = client_pb.ServeToolsRequest(
        open=client_pb.ServeToolsRequest.Open(session_id=session.id, worker_id="w"))
    with refused(CODE.INVALID_ARGUMENT, "`open` comes once"):
        list(stub.ServeTools(iter([opening, opening]), timeout=CALL_TIMEOUT))


def test_tools_belong_to_their_session(host, session):
    """They are listed with it, others do not see them, and they go with it."""
    session.register("v")
    other = Session(host.stub())
    other.register("v")
    register(session, registration("own", destructive="true"), worker="first")
    register(session, registration("more"), worker="second")

    def listed(session):
        response = session.stub.InitializeSession(
            pb.InitializeSessionRequest(session_id=session.id), timeout=CALL_TIMEOUT)
        return response.available_tools

    tools = listed(session)
    assert {"own", "more", "echo"} <= set(tools) and tools["own"].metadata["plugin"] == "first"
    assert tools["own"].metadata["destructive"] == "true"
    assert "own" not in listed(other) and "echo" in listed(other)
    with refused(CODE.NOT_FOUND, "Tool not found: own"):
        other.call("own")
    # Another session may have the name for itself.
    register(other, registration("own"), worker="first")
    here = Worker(host, session, worker="first",
                  own=lambda worker, call: worker.answer(call, "here")).wait()
    there = Worker(host, other, worker="first",
                   own=lambda worker, call: worker.answer(call, "there")).wait()
    assert (session.result("own"), other.result("own")) == ("here", "there")
    other.cleanup(force=True)
    eventually(lambda: there.error is not None, "the stream ends with its session")
    assert there.error.code() == CODE.NOT_FOUND
    again = Session(host.stub(), other.id)
    again.register("v")
    assert "own" not in listed(again)
    assert session.result("own") == "here"
    again.cleanup(force=True)
    here.end()


def test_a_worker_is_its_clients_own(tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("one\ntwo\n")
    tokens.chmod(0o600)
    with start_host("--token-file", tokens) as host:
        def metadata(token):
            return (("authorization", f"Bearer {token}"),)

        stub = host.stub()
        stub.InitializeSession(pb.InitializeSessionRequest(session_id="s"), metadata=metadata("one"))
        request = pb.RegisterToolsRequest(
            session_id="s", worker_id="w", tools=[registration("a")])
        stub.RegisterTools(request, metadata=metadata("one"))
        request.tools[0].name = "b"
        with refused(CODE.PERMISSION_DENIED, "another client's"):
            stub.RegisterTools(request, metadata=metadata("two"))
        serving = client_rpc.ClientToolServiceStub(host.channel())
        opening = [client_pb.ServeToolsRequest(
            open=client_pb.ServeToolsRequest.Open(session_id="s", worker_id="w"))]
        with refused(CODE.PERMISSION_DENIED, "another client's"):
            list(serving.ServeTools(iter(opening), metadata=metadata("two")))


def test_a_host_that_ends_does_not_wait_for_those_who_serve():
    with start_host() as host:
        session = Session(host.stub())
        session.register("v")
        register(session, registration("wait"))
        worker = Worker(host, session).wait()
        host.process.terminate()
        assert host.process.wait(15) == 0
        eventually(lambda: worker.error is not None, "the stream ends")
        assert worker.error.code() == CODE.UNAVAILABLE


@pytest.mark.parametrize("isolation", ["in-process", "child"])
def test_a_tool_of_a_plugin_calls_a_tool_of_a_client(tmp_path, isolation):
    tmp_path.chmod(0o755)
    library = shutil.copy(HOST.parent / "libSDKTools.so", tmp_path)
    os.chmod(library, 0o755)
    with start_host("--isolation", isolation, plugins=tmp_path) as host:
        session = Session(host.stub())
        register(session, registration("answer"))
        worker = Worker(
            host, session, answer=lambda worker, call: worker.answer(call, "from afar")).wait()
        request = session.tool_request("sdk_caller", {"tool": "answer"})
        answer = session.stub.ExecuteTool(request, timeout=CALL_TIMEOUT)
        assert answer.success, answer.error_message
        assert json.loads(answer.result.value)["value"] == "from afar"
        worker.end()
