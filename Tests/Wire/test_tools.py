"""Running tools: results, failures, parameters, streams, and what tools do with variables."""

import json
import math
import struct
import threading
import zlib

import grpc
import pytest

from bridge import (CALL_TIMEOUT, CODE, GOOGLE, SNAKEPIT, Session, any_binary, any_json, any_text,
                    array_of, eventually, packed, plugin_directory, raw_bytes, refused, run_threads,
                    start_host, value_of)
from google.protobuf import wrappers_pb2 as wrappers
from stubs import pb


@pytest.fixture(scope="module")
def specs(stub):
    """The tools that the host announces, by name."""
    session = Session(stub, create=False)
    tools = stub.InitializeSession(
        pb.InitializeSessionRequest(session_id=session.id), timeout=CALL_TIMEOUT).available_tools
    session.cleanup()
    return dict(tools)


# ---------------------------------------------------------------------------------------------
# What is served


@pytest.mark.parametrize("tool, parameters", [
    ("echo", {"text": "string"}),
    ("arithmetic", {"operation": "choice", "a": "float", "b": "float"}),
    ("word_count", {"text": "string"}),
    ("scale_variable", {"variable": "string", "factor": "float"}),
    ("wait_for_variable", {"variable": "string", "target": "float"}),
    ("countdown", {"from": "integer", "interval_ms": "integer"}),
    ("normalize", {"vector": "embedding"}),
    ("read_summary", {"pattern": "string"}),
    ("average_updates", {"variable": "string", "count": "integer"}),
    ("c_hello", {"name": "string"}),
    ("c_dot", {"a": "embedding", "b": "embedding"}),
    ("c_increment", {"variable": "string"}),
    ("c_stream", {"count": "integer"}),
    ("libm_pow", {"x": "float", "y": "float"}),
    ("libm_hypot", {"x": "float", "y": "float"}),
    ("native_mean", {"values": "embedding"}),
    ("native_scale", {"values": "embedding", "factor": "float"}),
    ("native_clamp", {"value": "integer", "low": "integer", "high": "integer"}),
    ("zlib_compress", {"data": "bytes"}),
    ("zlib_uncompress", {"compressed": "bytes", "size": "integer"}),
])
def test_a_tool_is_announced_with_its_parameters(specs, tool, parameters):
    spec = specs[tool]
    assert spec.name == tool
    assert spec.description
    assert {parameter.name: parameter.type for parameter in spec.parameters} == parameters
    schema = json.loads(spec.input_schema_json)
    assert schema["type"] == "object"
    assert set(schema["properties"]) == set(parameters)
    required = {parameter.name for parameter in spec.parameters if parameter.required}
    assert set(schema.get("required", [])) == required


def test_annotations_and_streaming_are_announced(specs):
    assert specs["read_summary"].metadata["read_only"] == "true"
    assert specs["echo"].metadata["plugin"]
    assert specs["scale_variable"].metadata.get("read_only") != "true"
    assert specs["echo"].metadata["idempotent"] == "true"
    assert specs["countdown"].supports_streaming
    assert specs["c_stream"].supports_streaming
    assert not specs["echo"].supports_streaming


def test_choices_are_announced(specs):
    (operation,) = [p for p in specs["arithmetic"].parameters if p.name == "operation"]
    assert json.loads(operation.default_value.value) == "add"
    assert not operation.required
    assert json.loads(operation.validation_json)["choices"] == [
        "add", "subtract", "multiply", "divide"]


# ---------------------------------------------------------------------------------------------
# Results


@pytest.mark.parametrize("text", ["", "hello", "grüße 👋\n\"quoted\" \\ \x00", "x" * 1_000_000])
def test_echo(session, text):
    response = session.call("echo", text=text)
    assert response.success
    assert response.error_message == ""
    assert json.loads(response.result.value) == text
    assert response.result.type_url == "dspex.variables/string"
    assert response.execution_time_ms >= 0


def test_the_result_has_the_form_of_the_parameters(session):
    response = session.call("echo", text=any_json("string", "hi", SNAKEPIT))
    assert response.result.type_url == SNAKEPIT + "string"
    assert json.loads(response.result.value) == "hi"


@pytest.mark.parametrize("parameter", [
    any_text(GOOGLE + "StringValue", '"hi"'),
    any_text("type.snakepit.bridge/json", '"hi"'),
    packed(wrappers.StringValue(value="hi")),
    any_json("string", "hi", "snakepit."),
], ids=["bare JSON", "json", "packed", "no path"])
def test_parameters_in_every_encoding(session, parameter):
    assert session.result("echo", text=parameter) == "hi"


@pytest.mark.parametrize("operation, a, b, result", [
    ("add", 1.5, 2.0, 3.5), ("subtract", 1.0, 4.0, -3.0), ("multiply", 3.0, 0.5, 1.5),
    ("divide", 1.0, 8.0, 0.125)])
def test_arithmetic(session, operation, a, b, result):
    response = session.call("arithmetic", operation=operation, a=a, b=b)
    assert response.success
    assert json.loads(response.result.value) == result
    assert response.result.type_url == "dspex.variables/float"


def test_integers_are_good_floats(session):
    assert session.result("arithmetic", operation="add", a=1, b=2) == 3.0


def test_special_floats_as_parameters(session):
    result = session.result("arithmetic", operation="add",
                            a=any_json("float", "Infinity"), b=1.0)
    assert result == "Infinity"


def test_an_object_as_result(session):
    response = session.call("word_count", text="one two\nthree")
    counts = json.loads(response.result.value)
    assert response.result.type_url.endswith("/map")
    assert (counts["words"], counts["characters"], counts["lines"]) == (3, 13, 2)


def test_an_object_in_the_snakepit_form(session):
    response = session.call("word_count", text=any_json("string", "one", SNAKEPIT))
    assert response.result.type_url == SNAKEPIT + "map"


# ---------------------------------------------------------------------------------------------
# Failures


def check_failure(response, *parts, kind="INVALID_ARGUMENT"):
    assert not response.success
    assert response.error_message
    for part in parts:
        assert part in response.error_message.lower()
    assert response.metadata["error_type"]
    # The status code, by its name or by its number.
    assert response.metadata["error_code"] in (kind, str(CODE[kind].value[0]))
    assert response.metadata["retryable"] == "false"


def test_a_tool_that_fails_answers_success_false(session):
    check_failure(session.call("arithmetic", operation="divide", a=1.0, b=0.0), "zero")
    check_failure(session.call("normalize", vector=[0.0, 0.0]))


def test_a_failure_has_the_type_that_the_tool_gave_it(session):
    response = session.call("arithmetic", operation="divide", a=1.0, b=0.0)
    assert response.metadata["error_type"] == "division_by_zero"


def test_a_tool_that_misses_a_variable(session):
    response = session.call("scale_variable", variable="missing_one", factor=2.0)
    check_failure(response, "missing_one", kind="NOT_FOUND")


def test_a_tool_whose_write_is_refused(session):
    session.register("v", value=1.0, constraints={"max": 5.0})
    response = session.call("scale_variable", variable="v", factor=10.0)
    check_failure(response, "above maximum")
    assert value_of(session.get("v")) == 1.0


def test_an_unknown_tool(session):
    with refused(CODE.NOT_FOUND, "no_such_tool"):
        session.call("no_such_tool")
    with refused(CODE.NOT_FOUND, "no_such_tool"):
        list(session.stream("no_such_tool"))


@pytest.mark.parametrize("tool, parameters, named", [
    ("echo", {}, "text"),
    ("arithmetic", {"operation": "add", "a": 1.0}, "b"),
    ("echo", {"text": 5}, "text"),
    ("echo", {"text": any_text("dspex.variables/string", "{broken")}, "text"),
    ("arithmetic", {"operation": "add", "a": "one", "b": 1.0}, "a"),
    ("arithmetic", {"operation": "power", "a": 1.0, "b": 1.0}, "operation"),
    ("echo", {"text": "x", "colour": "red"}, "colour"),
    ("countdown", {"from": 1.5, "interval_ms": 1}, "from"),
    ("normalize", {"vector": any_json("embedding", ["a"])}, "vector"),
    ("libm_pow", {"x": 2.0}, "y"),
    ("libm_pow", {"x": 2.0, "y": "3"}, "y"),
    ("native_clamp", {"value": 5, "low": 0, "high": 9.5}, "high"),
    ("native_clamp", {"value": 5, "low": 2**40, "high": 2**41}, "low"),
    ("countdown", {"from": -1}, "from"),
    ("countdown", {"from": 1, "interval_ms": 60_001}, "interval_ms"),
    ("c_dot", {"a": [1.0]}, "b"),
])
def test_parameters_that_do_not_fit(session, tool, parameters, named):
    with refused(CODE.INVALID_ARGUMENT, f"parameter {named}"):
        session.call(tool, **parameters)
    with refused(CODE.INVALID_ARGUMENT, f"parameter {named}"):
        list(session.stream(tool, **parameters))


def test_a_bad_choice_says_what_can_be_chosen(session):
    with refused(CODE.INVALID_ARGUMENT, "must be one of: add, subtract, multiply, divide"):
        session.call("arithmetic", operation="power", a=1.0, b=1.0)


def test_defaults_are_applied(session, specs):
    defaults = {
        (name, parameter.name): json.loads(parameter.default_value.value)
        for name, spec in specs.items() for parameter in spec.parameters
        if parameter.HasField("default_value")}
    assert defaults["arithmetic", "operation"] == "add"
    assert session.result("arithmetic", a=1.0, b=2.0) == 3.0
    assert defaults["countdown", "interval_ms"] == 0
    chunks = session.stream("countdown", **{"from": 1})
    assert [json.loads(chunk.data) for chunk in chunks] == [1, 1]
    assert defaults["read_summary", "pattern"] == "*"
    session.register("v")
    assert session.result("read_summary") == {"v": 1}
    for name, spec in specs.items():
        for parameter in spec.parameters:
            assert parameter.required == ((name, parameter.name) not in defaults)


# ---------------------------------------------------------------------------------------------
# Embeddings and bytes


def embedding_of(response):
    assert response.success, response.error_message
    return array_of(response.result, response.binary_result)[1]


def test_an_embedding_as_json(session):
    response = session.call("normalize", vector=[3.0, 4.0])
    assert embedding_of(response) == pytest.approx([0.6, 0.8], rel=1e-6)
    assert response.result.type_url == "dspex.variables/embedding"


def test_an_embedding_as_bytes(session):
    response = session.call("normalize", vector=any_binary("embedding", [2]),
                            binary={"vector": raw_bytes([3.0, 4.0])})
    assert embedding_of(response) == pytest.approx([0.6, 0.8], rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_large_embedding_as_bytes(session, dtype):
    numbers = [float(1 + number % 7) for number in range(20_000)]
    response = session.call("normalize", vector=any_binary("embedding", [20_000], dtype),
                            binary={"vector": raw_bytes(numbers, dtype)})
    length = math.sqrt(sum(number * number for number in numbers))
    assert embedding_of(response) == pytest.approx(
        [number / length for number in numbers], rel=1e-5)


def test_c_dot_with_json_and_bytes(session):
    assert session.result("c_dot", a=[1.0, 2.0, 3.0], b=[4.0, 5.0, 6.0]) == 32.0
    response = session.call(
        "c_dot", a=any_binary("embedding", [3]), b=any_binary("embedding", [3], "float64"),
        binary={"a": raw_bytes([1.0, 2.0, 3.0]), "b": raw_bytes([4.0, 5.0, 6.0], "float64")})
    assert response.success, response.error_message
    assert json.loads(response.result.value) == 32.0


def test_c_dot_of_vectors_that_do_not_match(session):
    check_failure(session.call("c_dot", a=[1.0, 2.0], b=[1.0]), "same number")


def test_binary_parameters_that_do_not_fit(session):
    with refused(CODE.INVALID_ARGUMENT, "vector"):
        session.call("normalize", vector=any_binary("embedding", [3]),
                     binary={"vector": struct.pack("<f", 1.0)})
    with refused(CODE.INVALID_ARGUMENT, "colour"):
        session.call("echo", text="x", binary={"colour": b"red"})


# ---------------------------------------------------------------------------------------------
# C and native tools


def test_c_hello(session):
    assert session.result("c_hello", name="Ada") == "Hello, Ada!"
    check_failure(session.call("c_hello", name="x" * 300), "248")


def test_c_increment(session):
    session.register("n", "integer", 41)
    response = session.call("c_increment", variable="n")
    assert response.result.type_url == "dspex.variables/integer"
    assert json.loads(response.result.value) == 42
    variable = session.get("n")
    assert (value_of(variable), variable.version) == (42, 2)
    assert variable.source == pb.Variable.PLUGIN


def test_concurrent_increments_lose_nothing(session, host):
    session.register("n", "integer", 0)

    def increment(stub):
        mine = session.through(stub)
        for _ in range(20):
            mine.result("c_increment", variable="n")

    run_threads(*[lambda s=host.stub(): increment(s) for _ in range(4)])
    assert value_of(session.get("n")) == 80


def test_libm(session):
    assert session.result("libm_pow", x=2.0, y=10.0) == 1024.0
    assert session.result("libm_pow", x=2.0, y=-1.0) == 0.5
    assert session.result("libm_hypot", x=3.0, y=4.0) == 5.0
    assert session.result("libm_hypot", x=-5.0, y=12.0) == 13.0


def test_native_functions_of_arrays(session):
    assert session.result("native_mean", values=[1.0, 2.0, 6.0]) == pytest.approx(3.0)
    assert session.result("native_mean", values=[]) == 0
    numbers = [float(number) for number in range(4096)]
    response = session.call("native_mean", values=any_binary("embedding", [4096]),
                            binary={"values": raw_bytes(numbers)})
    assert json.loads(response.result.value) == pytest.approx(2047.5)
    response = session.call("native_scale", values=[1.0, -2.0, 0.5], factor=2.0)
    assert embedding_of(response) == [2.0, -4.0, 1.0]


@pytest.mark.parametrize("value, low, high, result", [
    (5, 0, 10, 5), (-5, 0, 10, 0), (50, 0, 10, 10), (-7, -9, -3, -7), (-1, -9, -3, -3)])
def test_native_clamp(session, value, low, high, result):
    assert session.result("native_clamp", value=value, low=low, high=high) == result


@pytest.mark.parametrize("data", [b"", b"abc" * 100_000, bytes(range(256))])
def test_a_library_that_knows_nothing_of_the_host(session, data):
    def answer(tool, **arguments):
        response = session.call(tool, binary=arguments.pop("binary"), **arguments)
        return response.binary_result or json.loads(response.result.value)

    assert answer("zlib_crc32", binary={"data": data}) == zlib.crc32(data)
    compressed = answer("zlib_compress", binary={"data": data})
    assert zlib.decompress(compressed) == data


# ---------------------------------------------------------------------------------------------
# Tools and variables


def test_a_tool_writes_a_variable_and_watchers_see_it(session, other_stub):
    session.register("v", value=2.0)
    watch = session.through(other_stub).watch("v", initial=True)
    watch.until_synced()
    response = session.call("scale_variable", variable="v", factor=1.5)
    assert json.loads(response.result.value) == 3.0
    update = watch.next_change()
    assert update.update_type == "value_change"
    assert value_of(update.variable) == 3.0
    assert update.variable.version == 2
    assert update.variable.source == pb.Variable.PLUGIN
    assert float(update.old_value.value) == 2.0
    assert update.update_source
    assert session.get("v") == update.variable
    watch.cancel()


def test_a_tool_sees_only_the_variables_of_its_session(stub):
    one, two = Session(stub), Session(stub)
    one.register("v", value=1.0)
    two.register("v", value=10.0)
    assert one.result("scale_variable", variable="v", factor=3.0) == 3.0
    assert value_of(two.get("v")) == 10.0
    one.cleanup()
    two.cleanup()


def test_a_read_only_tool_summarizes(session):
    session.register("temp_a")
    session.register("temp_b")
    session.register("other")
    session.set("temp_b", 2.0)
    response = session.call("read_summary", pattern="temp_*")
    assert json.loads(response.result.value) == {"temp_a": 1, "temp_b": 2}
    assert response.result.type_url.endswith("/map")
    assert session.revision() == 4


def test_a_tool_waits_for_a_variable_that_another_client_sets(session, other_stub):
    session.register("v", value=0.0)
    call = session.stub.ExecuteTool.future(session.tool_request(
        "wait_for_variable", {"variable": "v", "target": 3.0}), timeout=CALL_TIMEOUT)
    elsewhere = session.through(other_stub)
    for value in (1.0, 2.0):
        elsewhere.set("v", value)
    # Other tools run while it waits.
    assert elsewhere.result("echo", text="meanwhile") == "meanwhile"
    assert not call.done()
    elsewhere.set("v", 3.0)
    response = call.result()
    assert response.success, response.error_message
    assert json.loads(response.result.value) == 3.0


def test_a_tool_that_waits_for_what_is_already_there(session):
    session.register("v", value=3.0)
    assert session.result("wait_for_variable", variable="v", target=3.0) == 3.0


def test_a_tool_averages_the_updates_of_a_variable(session, other_stub):
    session.register("v", value=1000.0)
    call = session.stub.ExecuteTool.future(session.tool_request(
        "average_updates", {"variable": "v", "count": 5}), timeout=CALL_TIMEOUT)
    elsewhere = session.through(other_stub)

    def set_once():
        elsewhere.set("v", 4.0)
        return call.done()

    # When the tool starts to watch is not known here, so every update has the same value.
    eventually(set_once, "five updates reach the tool")
    assert json.loads(call.result().result.value) == 4.0


def test_a_deadline_ends_a_tool(session):
    session.register("v", value=0.0)
    with refused(CODE.DEADLINE_EXCEEDED):
        session.call("wait_for_variable", timeout=1, variable="v", target=1.0)
    # The tool let go of its watch and its place.
    eventually(lambda: session.describe().watch_count == 0, "the tool's watch goes")
    assert session.result("echo", text="still here") == "still here"


def test_cancelling_ends_a_tool():
    with start_host("--tool-threads", "4") as host:
        session = Session(host.stub())
        session.register("v", value=0.0)
        # More calls than there are threads: some run, some still wait for their turn.
        calls = [session.stub.ExecuteTool.future(session.tool_request(
            "wait_for_variable", {"variable": "v", "target": 1.0})) for _ in range(40)]
        assert session.get("v").version == 1
        for call in calls:
            call.cancel()
        for call in calls:
            assert call.cancelled()
        # A call that did not end would keep its thread.
        assert session.result("echo", text="free again") == "free again"
        eventually(lambda: session.describe().watch_count == 0, "the tools' watches go")


def test_variables_are_served_while_every_tool_thread_is_taken():
    with start_host("--tool-threads", "2") as host:
        session = Session(host.stub())
        session.register("v", value=0.0)
        calls = [session.stub.ExecuteTool.future(session.tool_request(
            "wait_for_variable", {"variable": "v", "target": 1.0}), timeout=CALL_TIMEOUT)
            for _ in range(6)]
        for number in range(50):
            session.set("v", -float(number))
            assert value_of(session.get("v")) == -number
        session.set("v", 2.0)
        assert [json.loads(call.result().result.value) for call in calls] == [2.0] * 6


def test_ending_the_session_ends_a_waiting_tool(stub):
    session = Session(stub)
    session.register("v", value=0.0)
    call = stub.ExecuteTool.future(session.tool_request(
        "wait_for_variable", {"variable": "v", "target": 1.0}), timeout=CALL_TIMEOUT)
    assert Session.result(session, "echo", text="running") == "running"
    session.cleanup()
    try:
        assert not call.result().success
    except grpc.RpcError as error:
        assert error.code() not in (CODE.DEADLINE_EXCEEDED, CODE.INTERNAL), error


def test_many_tools_at_once(session, host):
    def work(stub, number):
        mine = session.through(stub)
        for index in range(40):
            assert mine.result("arithmetic", operation="add", a=float(number),
                               b=float(index)) == number + index

    run_threads(*[lambda s=host.stub(), n=n: work(s, n) for n in range(6)])


# ---------------------------------------------------------------------------------------------
# Streams


def countdown(session, start=5, interval=1, **rest):
    return session.stream("countdown", **{"from": start, "interval_ms": interval}, **rest)


def test_a_stream_of_chunks(session):
    chunks = list(countdown(session))
    assert [chunk.chunk_id for chunk in chunks] == [str(n) for n in range(len(chunks))]
    assert [chunk.is_final for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert [json.loads(chunk.data) for chunk in chunks[:-1]] == [5, 4, 3, 2, 1]
    # The last chunk carries the tool's result: how many numbers it sent.
    assert json.loads(chunks[-1].data) == 5


def test_an_empty_stream(session):
    (chunk,) = countdown(session, start=0)
    assert chunk.is_final
    assert chunk.chunk_id == "0"
    assert json.loads(chunk.data) == 0


def test_chunks_say_how_far_the_tool_is(session):
    chunks = list(countdown(session, start=4))
    progress = [chunk.progress for chunk in chunks if chunk.HasField("progress")]
    assert progress
    assert progress == sorted(progress)
    assert all(0 <= value <= 1 for value in progress)
    assert all(chunk.data for chunk in chunks[:-1]), "a chunk of progress alone was not asked for"


def test_chunks_of_progress_alone_come_when_asked_for(session):
    with_progress = list(countdown(session, start=4, include_progress=True))
    alone = [chunk for chunk in with_progress if not chunk.data and not chunk.is_final]
    assert alone
    assert all(chunk.HasField("progress") for chunk in alone)
    data = [json.loads(chunk.data) for chunk in with_progress[:-1] if chunk.data]
    assert data == [4, 3, 2, 1]
    assert any(chunk.progress_message == "3 to go" for chunk in with_progress)
    assert [chunk.chunk_id for chunk in with_progress] == [
        str(number) for number in range(len(with_progress))]


def test_c_stream(session):
    chunks = list(session.stream("c_stream", count=100))
    assert [json.loads(chunk.data) for chunk in chunks] == [*range(100), 100]
    assert [chunk.is_final for chunk in chunks] == [False] * 100 + [True]


def test_a_long_stream_keeps_its_order(session):
    chunks = list(countdown(session, start=2000, interval=0))
    assert [json.loads(chunk.data) for chunk in chunks[:-1]] == list(range(2000, 0, -1))


def test_a_stream_that_nobody_reads_stops_nobody(session, other_stub):
    unread = session.stream("c_stream", count=100_000)
    elsewhere = session.through(other_stub)
    for number in range(20):
        assert elsewhere.result("echo", text=str(number)) == str(number)
        assert session.result("echo", text=str(number)) == str(number)
    unread.cancel()


def test_cancelling_a_stream(session):
    stream = countdown(session, start=100_000, interval=20)
    assert json.loads(next(stream).data) == 100_000
    stream.cancel()
    with pytest.raises(grpc.RpcError) as error:
        for _ in stream:
            pass
    assert error.value.code() == CODE.CANCELLED
    assert session.result("echo", text="x") == "x"


def test_a_deadline_ends_a_stream(session):
    stream = countdown(session, start=100_000, interval=20, timeout=1)
    with refused(CODE.DEADLINE_EXCEEDED):
        for _ in stream:
            pass


def test_a_tool_that_fails_ends_its_stream_with_a_status(session):
    with refused(CODE.INVALID_ARGUMENT, "zero"):
        list(session.stream("arithmetic", operation="divide", a=1.0, b=0.0))
    with refused(CODE.INVALID_ARGUMENT):
        list(session.stream("normalize", vector=[0.0]))


def test_several_streams_side_by_side(session):
    results = {}

    def read(number):
        results[number] = [json.loads(chunk.data) for chunk in list(
            countdown(session, start=20 + number))[:-1]]

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for number in range(4):
        assert results[number] == list(range(20 + number, 0, -1))


# ---------------------------------------------------------------------------------------------
# Patterns that tools declare


@pytest.fixture(scope="module")
def patterns(tmp_path_factory):
    """A host with the tools of patterns.c, and with one event loop."""
    directory = plugin_directory(tmp_path_factory.mktemp("plugins"), "patterns.c")
    with start_host("--event-loops", 1, plugins=directory) as host:
        yield host


def json_list(values):
    return any_text(SNAKEPIT + "array", json.dumps(values))


@pytest.mark.parametrize("tool, value, message", [
    ("takes_text", "a" * 60_000, "takes more steps than it may"),
    ("takes_list", json_list(["a" * 1000] * 120), "take more steps than they may together"),
    ("answers_text", "a" * 60_000, "takes more steps than it may"),
])
def test_a_long_search_for_a_tool_keeps_nobody_waiting(patterns, tool, value, message):
    session = Session(patterns.stub())
    session.stub.Ping(pb.PingRequest(), timeout=CALL_TIMEOUT)
    request = session.tool_request(tool, {"value": value})
    for method in [session.stub.ExecuteTool.future, session.stub.ExecuteStreamingTool]:
        calls = [method(request, timeout=CALL_TIMEOUT) for _ in range(20)]
        assert session.stub.Ping(pb.PingRequest(message="x"), timeout=CALL_TIMEOUT).message
        assert not all(call.done() for call in calls), "a ping waited for all searches"
        for call in calls:
            if call.code() == CODE.OK:
                assert tool == "answers_text" and method == session.stub.ExecuteTool.future
                assert message in call.result().error_message
            else:
                assert call.code() == (
                    CODE.INTERNAL if tool == "answers_text" else CODE.INVALID_ARGUMENT)
                assert message in call.details()


@pytest.mark.parametrize("tool, value", [
    ("takes_text", "a" * 1000 + "ok"),
    ("takes_list", ["a" * 1000, "ok"]),
    ("answers_text", "a" * 1000 + "ok"),
])
def test_what_takes_long_to_search_is_taken(patterns, tool, value):
    session = Session(patterns.stub())
    given = json_list(value) if tool == "takes_list" else value
    assert session.result(tool, value=given) == value


def test_a_long_search_for_a_tool_ends_with_its_call(patterns):
    session = Session(patterns.stub())
    request = session.tool_request("takes_list", {"value": json_list(["a" * 1000] * 120)})
    calls = [session.stub.ExecuteTool.future(request, timeout=CALL_TIMEOUT) for _ in range(50)]
    for call in calls:
        call.cancel()
    # Calls that nobody waits for take no turn.
    assert session.result("takes_text", value="ok") == "ok"
    assert session.result("takes_text", value="a" * 1000 + "ok") == "a" * 1000 + "ok"
