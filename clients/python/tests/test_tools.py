"""Tools: calls, streams, failures, bytes, cancellation."""

import threading
import zlib

import grpc
import numpy
import pytest

import bridge_host


def test_tools_describe_themselves(session):
    tools = session.tools()
    tool = tools["arithmetic"]
    assert list(tools) == sorted(tools) and "arithmetic" in repr(tools) and len(tools) > 10
    assert [parameter.name for parameter in tool.parameters] == ["operation", "a", "b"]
    operation = tool.parameters[0]
    assert (operation.type, operation.default, operation.required) == ("choice", "add", False)
    assert operation.constraints["choices"] == ["add", "subtract", "multiply", "divide"]
    assert tool.metadata["plugin"] == "example" and tool.schema["required"] == ["a", "b"] and not tool.streams
    assert repr(tool) == "<Tool arithmetic(operation: choice = 'add', a: float, b: float)>"
    assert tools["countdown"].streams


def test_calls(session):
    assert session.call("arithmetic", operation="multiply", a=6, b=7) == 42.0
    assert session.call("arithmetic", {"a": 1.5}, b=1) == 2.5
    assert session.call("word_count", text="zwei Wörter") == {"words": 2, "characters": 11, "lines": 1}
    assert session.call("echo", text="snow \u2603") == "snow \u2603"


def test_tools_see_the_session(session):
    session.register("x", "float", 2.0)
    assert session.call("scale_variable", variable="x", factor=4) == 8.0
    variable = session.get("x")
    assert variable.value == 8.0 and variable.source == "plugin"
    assert session.call("read_summary") == {"x": 2}


@pytest.mark.parametrize("data", [b"", b"abc", bytes(range(256)) * 1000])
def test_bytes(session, data):
    packed = session.call("zlib_compress", data=data)
    assert zlib.decompress(packed) == data
    assert session.call("zlib_crc32", data=bytearray(data)) == zlib.crc32(data)
    assert session.call("zlib_crc32", data=memoryview(data)) == zlib.crc32(data)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays(session, plain_client, dtype):
    unit = session.call("normalize", vector=numpy.array([3, 4], dtype))
    assert isinstance(unit, numpy.ndarray) and unit.tolist() == pytest.approx([0.6, 0.8])
    assert session.call("c_dot", a=numpy.arange(5000, dtype=dtype), b=numpy.ones(5000, dtype)) == 12497500.0
    large = session.call("normalize", vector=numpy.ones(10_000, dtype))
    assert large.shape == (10_000,) and large[0] == pytest.approx(0.01)
    plain = bridge_host.Session(plain_client, session.id)
    assert plain.call("normalize", vector=[3, 4]) == pytest.approx([0.6, 0.8])
    assert plain.call("normalize", vector=bridge_host.Tensor.of([3, 4], dtype)) == pytest.approx([0.6, 0.8])


def test_a_tool_that_fails(session):
    with pytest.raises(bridge_host.ToolError) as raised:
        session.call("arithmetic", operation="divide", a=1, b=0)
    error = raised.value
    assert (error.code, error.reason, error.type) == (
        grpc.StatusCode.INVALID_ARGUMENT, "DIVISION_BY_ZERO", "division_by_zero")
    assert not error.retryable and error.facts is None and "divide 1.0 by zero" in error.message


def test_calls_that_never_reach_a_tool(session):
    with pytest.raises(bridge_host.NotFound, match="TOOL_NOT_FOUND"):
        session.call("nothing")
    with pytest.raises(bridge_host.InvalidArgument) as raised:
        session.call("echo", texts="x")
    assert raised.value.reason == "INVALID_PARAMETER"
    with pytest.raises(TypeError, match="object"):
        session.call("echo", text=object())


def test_streams(session):
    stream = session.stream("countdown", {"from": 3}, interval_ms=1)
    assert [chunk.value for chunk in stream] == [3, 2, 1] and stream.result == 3
    stream = session.stream("countdown", {"from": 2}, progress=True)
    chunks = list(stream)
    assert [chunk.value for chunk in chunks if chunk.data] == [2, 1]
    alone = [chunk for chunk in chunks if not chunk.data]
    assert [chunk.progress for chunk in alone] == [0.5, 1.0] and alone[-1].message == "0 to go"
    assert alone[0].value is None
    assert sum(1 for _ in session.stream("c_stream", count=2000)) == 2000


def test_streams_that_fail(session):
    with pytest.raises(bridge_host.InvalidArgument):
        list(session.stream("countdown", {"from": -1}))
    with pytest.raises(bridge_host.DeadlineExceeded):
        list(session.stream("countdown", {"from": 1000, "interval_ms": 1000}, timeout=0.2))
    with pytest.raises(bridge_host.ToolError, match="streams"):
        session.call("countdown", {"from": 3})


def test_a_stream_is_cancelled(session):
    with session.stream("countdown", {"from": 1000, "interval_ms": 60_000}) as stream:
        assert next(stream).value == 1000
    assert list(stream) == [] and stream.result is None
    stream = session.stream("countdown", {"from": 1000, "interval_ms": 60_000})
    assert next(stream).value == 1000
    rest = []
    thread = threading.Thread(target=lambda: rest.extend(stream))
    thread.start()
    stream.cancel()
    thread.join(30)
    assert not thread.is_alive() and rest == []


def test_a_call_is_waited_for_or_cancelled(session):
    assert session.start("echo", text="x").result() == "x"
    call = session.start("wait_for_variable", variable="x", target=1.0)
    with pytest.raises(TimeoutError):
        call.result(0.05)
    assert not call.done()
    session.register("x", "float", 2.0)
    assert call.result(30) == 2.0 and call.done()
    call = session.start("wait_for_variable", variable="x", target=9.0)
    call.cancel()
    with pytest.raises(bridge_host.Cancelled):
        call.result()
    with pytest.raises(bridge_host.ToolError):
        session.start("arithmetic", operation="divide", a=1, b=0).result()
    with pytest.raises(bridge_host.NotFound):
        session.start("nothing").result()


def test_metadata_reaches_the_host(session):
    assert session.call("echo", text="x", metadata={"correlation_id": "abc", "n": 1}) == "x"
