"""connectrpc's ConformanceService with grpcio: what its suite asks of a server.

The service is told how to answer, and tells what arrived.
"""

import queue
import struct
import subprocess
import time

import grpc
import pytest
from google.protobuf import any_pb2, wrappers_pb2

import conformance
from bridge import CALL_TIMEOUT, CODE
from conformance import message
from stubs import status_pb2

PACKAGE = "connectrpc.conformance.v1."
Header = message(PACKAGE + "Header")
Error = message(PACKAGE + "Error")
RequestInfo = message(PACKAGE + "ConformancePayload.RequestInfo")
UnaryDefinition = message(PACKAGE + "UnaryResponseDefinition")
StreamDefinition = message(PACKAGE + "StreamResponseDefinition")
UnaryRequest = message(PACKAGE + "UnaryRequest")
IdempotentUnaryRequest = message(PACKAGE + "IdempotentUnaryRequest")
ClientStreamRequest = message(PACKAGE + "ClientStreamRequest")
ServerStreamRequest = message(PACKAGE + "ServerStreamRequest")
BidiStreamRequest = message(PACKAGE + "BidiStreamRequest")

HEADERS = [Header(name="X-Custom-Header", value=["one", "two"]),
           Header(name="x-custom-bin", value=["AP8B"])]
TRAILERS = [Header(name="x-custom-trailer", value=["bing"]),
            Header(name="x-trailer-bin", value=["AQI"])]


@pytest.fixture(scope="module")
def channel():
    with conformance.start_server("--port", "0") as server, server.channel() as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel):
    return conformance.Stub(channel, PACKAGE + "ConformanceService")


@pytest.fixture(params=["Unary", "IdempotentUnary", "ClientStream"])
def once(request, stub):
    """Calls each of the methods that answer once: the answer, the call, and what was sent."""
    kind = message(f"{PACKAGE}{request.param}Request")
    method = getattr(stub, request.param).with_call

    def once(definition=None, data=b"", **options):
        sent = kind(response_definition=definition, request_data=data)
        argument = iter([sent]) if request.param == "ClientStream" else sent
        options.setdefault("timeout", CALL_TIMEOUT)
        response, call = method(argument, **options)
        return response.payload, call, [sent]

    return once


@pytest.fixture(params=["ServerStream", "BidiStream"])
def stream(request, stub):
    """Calls each of the methods that answer with a stream, half duplex."""
    kind = message(f"{PACKAGE}{request.param}Request")

    def stream(definition=None, data=b"", **options):
        sent = kind(response_definition=definition, request_data=data)
        argument = iter([sent]) if request.param == "BidiStream" else sent
        options.setdefault("timeout", CALL_TIMEOUT)
        return getattr(stub, request.param)(argument, **options), [sent]

    return stream


class Requests:
    """A stream of requests that a test feeds."""

    def __init__(self):
        self._queue = queue.Queue()

    def send(self, request):
        self._queue.put(request)

    def end(self):
        self._queue.put(None)

    def __iter__(self):
        return iter(lambda: self._queue.get(timeout=CALL_TIMEOUT), None)


def packed(requests):
    result = []
    for request in requests:
        result.append(any_pb2.Any())
        result[-1].Pack(request)
    return result


def check_info(info, requests):
    assert list(info.requests) == packed(requests)


def check_metadata(call):
    initial = [(key, value) for key, value in call.initial_metadata() if key.startswith("x-")]
    assert ("x-custom-bin", b"\x00\xff\x01") in initial
    assert [value for key, value in initial if key == "x-custom-header"] in (
        ["one", "two"], ["one, two"], ["one,two"])
    trailing = dict(call.trailing_metadata())
    assert trailing["x-custom-trailer"] == "bing"
    assert trailing["x-trailer-bin"] == b"\x01\x02"


def details(failed):
    trailing = dict(failed.trailing_metadata())
    return status_pb2.Status.FromString(trailing["grpc-status-details-bin"])


# ---------------------------------------------------------------------------------------------
# One answer


def test_without_a_definition_there_is_request_info_alone(once):
    payload, call, sent = once(data=b"abc")
    assert payload.data == b""
    check_info(payload.request_info, sent)
    assert [key for key, _ in call.initial_metadata() if key.startswith("x-")] == []
    assert list(call.trailing_metadata()) == []


def test_data_headers_and_trailers(once):
    payload, call, sent = once(UnaryDefinition(
        response_headers=HEADERS, response_data=b"answer", response_trailers=TRAILERS))
    assert payload.data == b"answer"
    check_info(payload.request_info, sent)
    check_metadata(call)


def test_request_headers_come_back(once):
    payload, _, _ = once(metadata=[
        ("x-one", "1"), ("x-two", "2a"), ("x-two", "2b"), ("x-three-bin", b"\x00\xff")])
    headers = {each.name: list(each.value) for each in payload.request_info.request_headers}
    assert headers["x-one"] == ["1"]
    assert headers["x-two"] in (["2a", "2b"], ["2a,2b"], ["2a, 2b"])
    assert headers["x-three-bin"][0].rstrip("=") == "AP8"
    assert "grpc-python" in headers["user-agent"][0]


def test_the_timeout_comes_back(once):
    payload, _, _ = once(timeout=20)
    # grpcio sends what is left of it, rounded up by a hundredth at most.
    assert 15_000 < payload.request_info.timeout_ms <= 20_200
    payload, _, _ = once(timeout=None)
    assert not payload.request_info.HasField("timeout_ms")


@pytest.mark.parametrize("text", [None, "oh no", "ünï\n%"])
def test_an_error_with_details(once, text):
    detail = wrappers_pb2.StringValue(value="why")
    error = Error(code=8, message=text, details=packed([detail]))
    with pytest.raises(grpc.RpcError) as caught:
        once(UnaryDefinition(
            response_headers=HEADERS, error=error, response_trailers=TRAILERS), data=b"abc",
            metadata=[("x-one", "1")])
    failed = caught.value
    assert failed.code() == CODE.RESOURCE_EXHAUSTED
    assert failed.details() == (text or "")
    check_metadata(failed)
    status = details(failed)
    assert (status.code, status.message) == (8, text or "")
    assert [status.details[0]] == packed([detail])
    info = RequestInfo()
    assert status.details[1].Unpack(info) and len(status.details) == 2
    assert info.requests[0].type_url.startswith("type.googleapis.com/" + PACKAGE)
    assert "x-one" in [each.name for each in info.request_headers]


def test_a_delay_and_a_deadline(once):
    definition = UnaryDefinition(response_data=b"late", response_delay_ms=50)
    before = time.monotonic()
    payload, _, _ = once(definition)
    assert payload.data == b"late"
    assert time.monotonic() - before >= 0.05
    definition.response_delay_ms = 30_000
    with pytest.raises(grpc.RpcError) as caught:
        once(definition, timeout=0.2)
    assert caught.value.code() == CODE.DEADLINE_EXCEEDED


def test_a_request_over_the_limit(once):
    payload, _, _ = once(data=bytes(200_000))
    assert len(payload.request_info.requests[0].value) > 200_000
    with pytest.raises(grpc.RpcError) as caught:
        once(data=bytes(204_800))
    assert caught.value.code() == CODE.RESOURCE_EXHAUSTED


def test_the_first_request_of_a_client_stream_defines(stub):
    requests = [
        ClientStreamRequest(response_definition=UnaryDefinition(response_data=b"first")),
        ClientStreamRequest(response_definition=UnaryDefinition(response_data=b"second")),
        ClientStreamRequest(request_data=b"third"),
    ]
    response = stub.ClientStream(iter(requests), timeout=CALL_TIMEOUT)
    assert response.payload.data == b"first"
    check_info(response.payload.request_info, requests)


def test_an_empty_client_stream(stub):
    response = stub.ClientStream(iter([]), timeout=CALL_TIMEOUT, metadata=[("x-one", "1")])
    assert response.payload.data == b""
    check_info(response.payload.request_info, [])
    assert "x-one" in [each.name for each in response.payload.request_info.request_headers]


def test_unimplemented(stub):
    with pytest.raises(grpc.RpcError) as caught:
        stub.Unimplemented(message(PACKAGE + "UnimplementedRequest")(), timeout=CALL_TIMEOUT)
    assert caught.value.code() == CODE.UNIMPLEMENTED


# ---------------------------------------------------------------------------------------------
# Streams of answers


def test_a_stream_of_answers(stream):
    call, sent = stream(StreamDefinition(
        response_headers=HEADERS, response_data=[b"a", b"b", b"c"], response_trailers=TRAILERS))
    first, *rest = call
    assert first.payload.data == b"a"
    check_info(first.payload.request_info, sent)
    assert [response.payload.data for response in rest] == [b"b", b"c"]
    assert not any(response.payload.HasField("request_info") for response in rest)
    check_metadata(call)
    assert call.code() == CODE.OK


@pytest.mark.parametrize("definition", [
    None, StreamDefinition(response_headers=HEADERS, response_trailers=TRAILERS)])
def test_a_stream_without_answers(stream, definition):
    call, _ = stream(definition)
    assert list(call) == []
    assert call.code() == CODE.OK
    if definition is not None:
        check_metadata(call)


def test_headers_come_before_a_delayed_answer(stream):
    call, _ = stream(StreamDefinition(
        response_headers=HEADERS, response_data=[b"late"], response_delay_ms=30_000))
    assert dict(call.initial_metadata())["x-custom-bin"] == b"\x00\xff\x01"
    call.cancel()
    assert call.code() == CODE.CANCELLED


def test_the_delay_comes_before_each_answer(stream):
    before = time.monotonic()
    call, _ = stream(StreamDefinition(response_data=[b"a", b"b", b"c"], response_delay_ms=30))
    assert [response.payload.data for response in call] == [b"a", b"b", b"c"]
    assert time.monotonic() - before >= 0.09


def test_an_error_after_answers_has_no_request_info(stream):
    call, _ = stream(StreamDefinition(
        response_data=[b"a"], error=Error(code=13, message="then"), response_trailers=TRAILERS))
    assert next(call).payload.data == b"a"
    with pytest.raises(grpc.RpcError) as caught:
        next(call)
    assert (caught.value.code(), caught.value.details()) == (CODE.INTERNAL, "then")
    trailing = dict(caught.value.trailing_metadata())
    assert trailing["x-custom-trailer"] == "bing"
    assert "grpc-status-details-bin" not in trailing


def test_an_error_without_answers_has_request_info(stream):
    call, sent = stream(StreamDefinition(error=Error(code=5)))
    with pytest.raises(grpc.RpcError) as caught:
        next(call)
    assert caught.value.code() == CODE.NOT_FOUND
    detail, = details(caught.value).details
    info = RequestInfo()
    assert detail.Unpack(info)
    check_info(info, sent)


def test_a_stream_passes_its_deadline(stream):
    call, _ = stream(
        StreamDefinition(response_data=[b"a", b"b"], response_delay_ms=30_000), timeout=0.2)
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    assert caught.value.code() == CODE.DEADLINE_EXCEEDED


def test_half_duplex_answers_when_all_requests_are_there(stub):
    sent = [BidiStreamRequest(response_definition=StreamDefinition(response_data=[b"a", b"b"])),
            BidiStreamRequest(response_definition=StreamDefinition(response_data=[b"x"])),
            BidiStreamRequest(request_data=b"3")]
    first, second = stub.BidiStream(iter(sent), timeout=CALL_TIMEOUT)
    check_info(first.payload.request_info, sent)
    assert (first.payload.data, second.payload.data) == (b"a", b"b")
    assert not second.payload.HasField("request_info")


def test_full_duplex_answers_each_request(stub):
    requests = Requests()
    call = stub.BidiStream(iter(requests), timeout=CALL_TIMEOUT, metadata=[("x-one", "1")])
    sent = [
        BidiStreamRequest(full_duplex=True, response_definition=StreamDefinition(
            response_data=[b"a", b"b", b"c", b"d"])),
        BidiStreamRequest(request_data=b"2"),
    ]
    for request, data in zip(sent, [b"a", b"b"]):
        requests.send(request)
        payload = next(call).payload
        assert payload.data == data
        check_info(payload.request_info, [request])
        names = [each.name for each in payload.request_info.request_headers]
        assert ("x-one" in names) == (data == b"a")
    requests.end()
    leftovers = list(call)
    assert [response.payload.data for response in leftovers] == [b"c", b"d"]
    assert not any(response.payload.HasField("request_info") for response in leftovers)
    assert call.code() == CODE.OK


def test_full_duplex_ends_with_a_request_that_has_no_answer_left(stub):
    requests = Requests()
    call = stub.BidiStream(iter(requests), timeout=CALL_TIMEOUT)
    requests.send(BidiStreamRequest(full_duplex=True, response_definition=StreamDefinition(
        response_data=[b"a"], error=Error(code=10, message="no more"))))
    assert next(call).payload.data == b"a"
    requests.send(BidiStreamRequest())
    with pytest.raises(grpc.RpcError) as caught:
        next(call)
    requests.end()
    assert (caught.value.code(), caught.value.details()) == (CODE.ABORTED, "no more")


def test_an_empty_bidirectional_stream(stub):
    call = stub.BidiStream(iter([]), timeout=CALL_TIMEOUT)
    assert list(call) == []
    assert call.code() == CODE.OK


# ---------------------------------------------------------------------------------------------
# How the suite starts its server


def test_the_suite_tells_the_server_what_to_serve():
    def framed(text):
        return struct.pack(">I", len(text)) + text

    compat = message(PACKAGE + "ServerCompatRequest")(message_receive_limit=1000)
    process = subprocess.Popen(
        [conformance.SERVER, "--suite"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdin.write(framed(compat.SerializeToString()))
        process.stdin.flush()
        length, = struct.unpack(">I", process.stdout.read(4))
        answer = message(PACKAGE + "ServerCompatResponse").FromString(process.stdout.read(length))
        with grpc.insecure_channel(f"{answer.host}:{answer.port}") as channel:
            stub = conformance.Stub(channel, PACKAGE + "ConformanceService")
            stub.Unary(UnaryRequest(request_data=bytes(900)), timeout=CALL_TIMEOUT)
            with pytest.raises(grpc.RpcError) as caught:
                stub.Unary(UnaryRequest(request_data=bytes(1000)), timeout=CALL_TIMEOUT)
            assert caught.value.code() == CODE.RESOURCE_EXHAUSTED
        process.stdin.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
