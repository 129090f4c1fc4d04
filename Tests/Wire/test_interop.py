"""gRPC's interop cases against grpc.testing.TestService, by two clients.

grpcio, told here what to do, and the interop client that comes with Debian's ruby-grpc. The cases:
https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md
"""

import itertools
import pathlib
import queue
import subprocess

import grpc
import pytest

import conformance
import raw
from bridge import CALL_TIMEOUT, CODE
from conformance import message

Empty = message("grpc.testing.Empty")
BoolValue = message("grpc.testing.BoolValue")
Payload = message("grpc.testing.Payload")
EchoStatus = message("grpc.testing.EchoStatus")
SimpleRequest = message("grpc.testing.SimpleRequest")
InputRequest = message("grpc.testing.StreamingInputCallRequest")
OutputRequest = message("grpc.testing.StreamingOutputCallRequest")
Parameters = message("grpc.testing.ResponseParameters")

SIZES = [(27_182, 31_415), (8, 9), (1_828, 2_653), (45_904, 58_979)]
INITIAL = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
TRAILING = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")


@pytest.fixture(scope="module")
def server():
    with conformance.start_server("--port", "0") as server:
        yield server


@pytest.fixture(scope="module")
def channel(server):
    with server.channel() as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel):
    return conformance.Stub(channel, "grpc.testing.TestService")


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


def zeros(size):
    return Payload(body=bytes(size))


def output_request(request_size, *response_sizes, **parameters):
    return OutputRequest(payload=zeros(request_size), response_parameters=[
        Parameters(size=size, **parameters) for size in response_sizes])


def large_unary(**more):
    return SimpleRequest(response_size=314_159, payload=zeros(271_828), **more)


def fails(code, call, *arguments, **options):
    with pytest.raises(grpc.RpcError) as caught:
        answer = call(*arguments, timeout=CALL_TIMEOUT, **options)
        if hasattr(answer, "__next__"):
            list(answer)
    assert caught.value.code() == code, caught.value
    return caught.value


def test_empty_unary(stub):
    assert stub.EmptyCall(Empty(), timeout=CALL_TIMEOUT) == Empty()


def test_large_unary(stub):
    response = stub.UnaryCall(large_unary(fill_server_id=True), timeout=CALL_TIMEOUT)
    assert response.payload == zeros(314_159)
    again = stub.UnaryCall(large_unary(), timeout=CALL_TIMEOUT)
    assert response.server_id and not again.server_id


def test_concurrent_large_unary(stub):
    calls = [stub.UnaryCall.future(large_unary(), timeout=60) for _ in range(200)]
    assert all(call.result().payload == zeros(314_159) for call in calls)


def test_client_streaming(stub):
    requests = (InputRequest(payload=zeros(size)) for size, _ in SIZES)
    response = stub.StreamingInputCall(requests, timeout=CALL_TIMEOUT)
    assert response.aggregated_payload_size == 74_922


def test_server_streaming(stub):
    sizes = [size for _, size in SIZES]
    responses = stub.StreamingOutputCall(output_request(0, *sizes), timeout=CALL_TIMEOUT)
    assert [len(response.payload.body) for response in responses] == sizes


def test_server_streaming_to_a_slow_reader(stub):
    """Far more than windows and buffers hold, so that the server must wait and go on."""
    responses = stub.StreamingOutputCall(output_request(0, *[100_000] * 300), timeout=60)
    assert sum(len(response.payload.body) for response in responses) == 30_000_000


def test_intervals_between_responses(stub):
    responses = stub.StreamingOutputCall(
        output_request(0, 1, 2, 3, interval_us=20_000), timeout=CALL_TIMEOUT)
    assert [len(response.payload.body) for response in responses] == [1, 2, 3]


def test_ping_pong(stub):
    requests = Requests()
    responses = stub.FullDuplexCall(iter(requests), timeout=CALL_TIMEOUT)
    for request_size, response_size in SIZES:
        requests.send(output_request(request_size, response_size))
        assert next(responses).payload == zeros(response_size)
    requests.end()
    assert list(responses) == []
    assert responses.code() == CODE.OK


def test_half_duplex(stub):
    requests = Requests()
    responses = stub.HalfDuplexCall(iter(requests), timeout=CALL_TIMEOUT)
    for request_size, response_size in SIZES:
        requests.send(output_request(request_size, response_size))
    requests.end()
    assert [len(response.payload.body) for response in responses] == [size for _, size in SIZES]


def test_empty_stream(stub):
    responses = stub.FullDuplexCall(iter([]), timeout=CALL_TIMEOUT)
    assert list(responses) == []
    assert responses.code() == CODE.OK


def test_custom_metadata(stub):
    _, unary = stub.UnaryCall.with_call(
        large_unary(), metadata=[INITIAL, TRAILING], timeout=CALL_TIMEOUT)
    duplex = stub.FullDuplexCall(
        iter([output_request(271_828, 314_159)]), metadata=[INITIAL, TRAILING],
        timeout=CALL_TIMEOUT)
    assert len(list(duplex)) == 1
    for call in (unary, duplex):
        assert dict(call.initial_metadata())[INITIAL[0]] == INITIAL[1]
        assert dict(call.trailing_metadata())[TRAILING[0]] == TRAILING[1]
        assert INITIAL[0] not in dict(call.trailing_metadata())


@pytest.mark.parametrize("text", [
    "test status message",
    "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n",
], ids=["status_code_and_message", "special_status_message"])
def test_statuses(stub, text):
    status = EchoStatus(code=2, message=text)
    failed = fails(CODE.UNKNOWN, stub.UnaryCall, SimpleRequest(response_status=status))
    assert failed.details() == text
    failed = fails(
        CODE.UNKNOWN, stub.FullDuplexCall, iter([OutputRequest(response_status=status)]))
    assert failed.details() == text


@pytest.mark.parametrize("code", [code for code in CODE if code != CODE.OK])
def test_every_status(stub, code):
    status = EchoStatus(code=code.value[0], message=code.name)
    failed = fails(code, stub.UnaryCall, SimpleRequest(response_status=status))
    assert failed.details() == code.name


def test_unimplemented_method(stub):
    fails(CODE.UNIMPLEMENTED, stub.UnimplementedCall, Empty())


def test_unimplemented_service(channel):
    other = conformance.Stub(channel, "grpc.testing.UnimplementedService")
    fails(CODE.UNIMPLEMENTED, other.UnimplementedCall, Empty())


def test_cancel_after_begin(stub):
    requests = Requests()
    call = stub.StreamingInputCall.future(iter(requests), timeout=CALL_TIMEOUT)
    assert call.cancel()
    requests.end()
    assert call.code() == CODE.CANCELLED


def test_cancel_after_first_response(stub):
    requests = Requests()
    responses = stub.FullDuplexCall(iter(requests), timeout=CALL_TIMEOUT)
    requests.send(output_request(*SIZES[0]))
    assert next(responses).payload == zeros(SIZES[0][1])
    responses.cancel()
    with pytest.raises(grpc.RpcError):
        next(responses)
    requests.end()
    assert responses.code() == CODE.CANCELLED


def test_timeout_on_sleeping_server(stub):
    requests = Requests()
    requests.send(output_request(27_182, 31_415, interval_us=20_000_000))
    responses = stub.FullDuplexCall(iter(requests), timeout=0.05)
    with pytest.raises(grpc.RpcError) as caught:
        next(responses)
    requests.end()
    assert caught.value.code() == CODE.DEADLINE_EXCEEDED


def test_an_uncompressed_request_is_seen_as_such(stub):
    stub.UnaryCall(large_unary(expect_compressed=BoolValue(value=False)), timeout=CALL_TIMEOUT)
    fails(CODE.INVALID_ARGUMENT, stub.UnaryCall,
          large_unary(expect_compressed=BoolValue(value=True)))
    fails(CODE.INVALID_ARGUMENT, stub.StreamingInputCall, iter([
        InputRequest(payload=zeros(27_182), expect_compressed=BoolValue(value=True))]))


@pytest.mark.parametrize("compressed", [True, False])
def test_client_compressed_unary(stub, compressed):
    compression = grpc.Compression.Gzip if compressed else grpc.Compression.NoCompression
    request = large_unary(expect_compressed=BoolValue(value=compressed))
    response = stub.UnaryCall(request, timeout=CALL_TIMEOUT, compression=compression)
    assert response.payload == zeros(314_159)
    request.expect_compressed.value = not compressed
    fails(CODE.INVALID_ARGUMENT, stub.UnaryCall, request, compression=compression)


def test_client_compressed_streaming(stub):
    requests = (InputRequest(payload=zeros(size), expect_compressed=BoolValue(value=True))
                for size in (27_182, 45_904))
    response = stub.StreamingInputCall(
        requests, timeout=CALL_TIMEOUT, compression=grpc.Compression.Gzip)
    assert response.aggregated_payload_size == 73_086


def flags(server, method, request, encoding="gzip"):
    """The flags of the messages that answer a call: 1 is compressed."""
    connection = raw.Connection(server.port)
    try:
        answer = connection.call(
            f"/grpc.testing.TestService/{method}", raw.frame(request.SerializeToString()),
            headers={"grpc-accept-encoding": encoding})
        assert answer.grpc_status == "0", answer
        found, rest = [], answer.data
        while rest:
            found.append(rest[0])
            rest = rest[5 + int.from_bytes(rest[1:5], "big"):]
        return found
    finally:
        connection.close()


@pytest.mark.parametrize("compressed", [True, False])
def test_server_compressed_unary(server, stub, compressed):
    request = SimpleRequest(response_size=31_415, response_compressed=BoolValue(value=compressed))
    assert flags(server, "UnaryCall", request) == [int(compressed)]
    assert flags(server, "UnaryCall", request, encoding="identity") == [0]
    assert stub.UnaryCall(request, timeout=CALL_TIMEOUT).payload == zeros(31_415)


@pytest.mark.parametrize("choices", list(itertools.product([True, False], repeat=2)))
def test_server_compressed_streaming(server, stub, choices):
    request = OutputRequest(response_parameters=[
        Parameters(size=size, compressed=BoolValue(value=choice))
        for size, choice in zip([31_415, 92_653], choices)])
    assert flags(server, "StreamingOutputCall", request) == [int(choice) for choice in choices]
    responses = stub.StreamingOutputCall(request, timeout=CALL_TIMEOUT)
    assert [len(response.payload.body) for response in responses] == [31_415, 92_653]


# ---------------------------------------------------------------------------------------------
# Another client: that of gRPC for Ruby, on gRPC's own core


@pytest.fixture(scope="module")
def ruby_client():
    files = subprocess.run(
        ["dpkg-query", "-L", "ruby-grpc"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True).stdout.splitlines()
    client = next((file for file in files if file.endswith("/pb/test/client.rb")), None)
    if client is None:
        pytest.fail("the interop client is missing: install Debian's ruby-grpc")
    return pathlib.Path(client)


@pytest.mark.parametrize("case", [
    "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong",
    "empty_stream", "custom_metadata", "status_code_and_message", "unimplemented_method",
    "unimplemented_service", "cancel_after_begin", "cancel_after_first_response",
    "timeout_on_sleeping_server", "client_compressed_unary", "client_compressed_streaming",
])
def test_ruby(server, ruby_client, case):
    run = subprocess.run(
        ["ruby", ruby_client, "--server_host", "127.0.0.1", "--server_port", str(server.port),
         "--use_tls", "false", "--test_case", case],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
        text=True)
    assert run.returncode == 0, run.stdout
