"""connectrpc's ConformanceService with grpcio: what its suite asks of a server.

The service is told how to answer, and tells what arrived.
"""

import glob
import ipaddress
import os
import queue
import struct
import subprocess
import time

import grpc
import pytest
from cryptography import x509
from google.protobuf import any_pb2, wrappers_pb2

import conformance
from bridge import CALL_TIMEOUT, CODE
from certificates import Certificate
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
def server():
    with conformance.start_server("--port", "0") as server:
        yield server


@pytest.fixture(scope="module")
def channel(server):
    with server.channel() as channel:
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


# gRPC's C library announces 16 KiB and refuses by chance from 8 KiB on: so each is asked for many
# times. The details hold the size twice, once in the request that comes back with them, in base64.
@pytest.mark.parametrize("size, limit, arrives", [
    (1_500, None, True), (2_500, None, True), (3_500, None, False), (100_000, None, False),
    (11_000, 64 * 1024, True), (15_000, 64 * 1024, False), (20_000, 1 << 20, True),
    (40_000, 1 << 20, False)])
def test_details_go_to_clients_that_have_room_for_them(server, size, limit, arrives):
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    if limit:
        options += [("grpc.max_metadata_size", limit), ("grpc.absolute_max_metadata_size", limit)]
    detail = wrappers_pb2.StringValue(value="x" * size)
    request = UnaryRequest(response_definition=UnaryDefinition(
        error=Error(code=10, message="why", details=packed([detail]))))
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", options=options) as channel:
        stub = conformance.Stub(channel, PACKAGE + "ConformanceService")
        for _ in range(20):
            with pytest.raises(grpc.RpcError) as caught:
                stub.Unary(request, timeout=CALL_TIMEOUT)
            assert (caught.value.code(), caught.value.details()) == (CODE.ABORTED, "why")
            keys = [key for key, _ in caught.value.trailing_metadata()]
            assert ("grpc-status-details-bin" in keys) == arrives
            if arrives:
                assert details(caught.value).details[0] == packed([detail])[0]


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


class Suite:
    """What the suite does with a server: tells it what to serve, calls it, and lets it end."""

    def __init__(self, **request):
        text = message(PACKAGE + "ServerCompatRequest")(**request).SerializeToString()
        self.files = set(glob.glob("/tmp/conformance-*"))
        self.process = subprocess.Popen(
            [conformance.SERVER, "--suite"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.process.stdin.write(struct.pack(">I", len(text)) + text)
        # As the suite does at once; the server goes on.
        self.process.stdin.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    def answer(self):
        length, = struct.unpack(">I", self.process.stdout.read(4))
        return message(PACKAGE + "ServerCompatResponse").FromString(
            self.process.stdout.read(length))

    def end(self):
        """SIGTERM ends a server that is well, and its files."""
        assert self.process.poll() is None
        self.process.terminate()
        assert self.process.wait(20) == 0
        assert set(glob.glob("/tmp/conformance-*")) <= self.files
        assert self.process.stdout.read() == b""

    def complaint(self):
        error = self.process.stderr.read()
        assert self.process.wait(20) != 0
        return error.decode()


def unary(channel, data=b"hello"):
    return conformance.Stub(channel, PACKAGE + "ConformanceService").Unary(
        UnaryRequest(request_data=data), timeout=CALL_TIMEOUT)


def secure_channel(answer, client=None):
    # A connection of its own: with another identity, it must not be shared.
    return grpc.secure_channel(
        f"{answer.host}:{answer.port}", grpc.ssl_channel_credentials(
            answer.pem_cert, client and client.key_pem, client and client.pem),
        options=[("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)])


def credentials(certificate):
    return message(PACKAGE + "TLSCreds")(cert=certificate.pem, key=certificate.key_pem)


@pytest.fixture
def self_signed(tmp_path):
    """A certificate of the kind the suite makes: each is its own authority."""
    def make(name):
        return Certificate(tmp_path, name, names=[
            x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])

    return make


def test_the_suite_tells_the_server_what_to_serve():
    with Suite(message_receive_limit=1000) as suite:
        answer = suite.answer()
        assert answer.pem_cert == b""
        with grpc.insecure_channel(f"{answer.host}:{answer.port}") as channel:
            unary(channel, bytes(900))
            with pytest.raises(grpc.RpcError) as caught:
                unary(channel, bytes(1000))
            assert caught.value.code() == CODE.RESOURCE_EXHAUSTED
        suite.end()


def test_the_suite_asks_for_tls(self_signed):
    server = self_signed("server")
    before = set(glob.glob("/tmp/conformance-*"))
    with Suite(use_tls=True, server_creds=credentials(server)) as suite:
        answer = suite.answer()
        assert answer.pem_cert == server.pem
        directory, = set(glob.glob("/tmp/conformance-*")) - before
        assert os.stat(directory).st_mode & 0o777 == 0o700
        with secure_channel(answer) as channel:
            unary(channel)
        # Nobody is asked for a certificate.
        with secure_channel(answer, self_signed("client")) as channel:
            unary(channel)
        with grpc.insecure_channel(f"{answer.host}:{answer.port}") as channel:
            with pytest.raises(grpc.RpcError) as caught:
                unary(channel)
            assert caught.value.code() == CODE.UNAVAILABLE
        suite.end()
        # The key does not stay behind.
        assert not os.path.exists(directory)


def test_the_suite_asks_for_mutual_tls(self_signed):
    server, client = self_signed("server"), self_signed("client")
    with Suite(use_tls=True, server_creds=credentials(server), client_tls_cert=client.pem,
               message_receive_limit=1000) as suite:
        answer = suite.answer()
        with secure_channel(answer, client) as channel:
            unary(channel, bytes(900))
            with pytest.raises(grpc.RpcError) as caught:
                unary(channel, bytes(1000))
            assert caught.value.code() == CODE.RESOURCE_EXHAUSTED
        for stranger in [None, self_signed("stranger")]:
            with secure_channel(answer, stranger) as channel:
                with pytest.raises(grpc.RpcError) as caught:
                    unary(channel)
                assert caught.value.code() == CODE.UNAVAILABLE
        suite.end()


def test_what_the_suite_cannot_have(self_signed):
    server, other = self_signed("server"), self_signed("other")
    with Suite(use_tls=True) as suite:
        assert "server_creds" in suite.complaint()
    mixed = message(PACKAGE + "TLSCreds")(cert=server.pem, key=other.key_pem)
    with Suite(use_tls=True, server_creds=mixed) as suite:
        assert "does not belong" in suite.complaint()
    with Suite(use_tls=True, server_creds=credentials(server), client_tls_cert=b"none") as suite:
        assert "no certificate" in suite.complaint()


# ---------------------------------------------------------------------------------------------
# The client, as the suite drives it


def client_results(*requests):
    """What the client tells of calls; the suite's own runner asks for many more."""
    request_type = message(PACKAGE + "ClientCompatRequest")
    response_type = message(PACKAGE + "ClientCompatResponse")
    sent = b""
    for number, fields in enumerate(requests):
        text = request_type(
            test_name=str(number), host="127.0.0.1",
            service=PACKAGE + "ConformanceService", **fields).SerializeToString()
        sent += struct.pack(">I", len(text)) + text
    done = subprocess.run(
        [conformance.SERVER.parent / "ConformanceClient"], input=sent, capture_output=True,
        timeout=60, check=True)
    assert done.stderr == b""
    results, rest = {}, done.stdout
    while rest:
        length, = struct.unpack(">I", rest[:4])
        response = response_type.FromString(rest[4:4 + length])
        assert not response.HasField("error"), response
        results[int(response.test_name)] = response.response
        rest = rest[4 + length:]
    return [results[number] for number in range(len(requests))]


def in_any(request):
    packed = any_pb2.Any()
    packed.Pack(request)
    return packed


def test_the_client_makes_the_calls_it_is_told(server):
    definition, streamed, header, error = UnaryDefinition, StreamDefinition, Header, Error
    unary, client_stream, server_stream, full = 1, 2, 3, 5  # Of StreamType.
    well, failing, cancelled, late, stream, bidirectional = client_results(
        dict(port=server.port, method="Unary", stream_type=unary, compression=2,
             request_headers=[header(name="x-a", value=["b", "c"])],
             request_messages=[in_any(UnaryRequest(response_definition=definition(
                 response_data=b"well", response_headers=[header(name="x-h", value=["1", "2"])],
                 response_trailers=[header(name="x-t", value=["3"])])))]),
        dict(port=server.port, method="ClientStream", stream_type=client_stream,
             request_messages=2 * [in_any(ClientStreamRequest(
                 response_definition=definition(
                     error=error(code=9, message="as told"),
                     response_headers=[header(name="x-h", value=["1"])],
                     response_trailers=[header(name="x-t", value=["3"])])))]),
        dict(port=server.port, method="Unary", stream_type=unary,
             cancel=dict(after_close_send_ms=5),
             request_messages=[in_any(UnaryRequest(response_definition=definition(
                 response_data=b"x", response_delay_ms=20_000)))]),
        dict(port=server.port, method="Unary", stream_type=unary, timeout_ms=50,
             request_messages=[in_any(UnaryRequest(response_definition=definition(
                 response_data=b"x", response_delay_ms=20_000)))]),
        dict(port=server.port, method="ServerStream", stream_type=server_stream,
             cancel=dict(after_num_responses=1),
             request_messages=[in_any(ServerStreamRequest(
                 response_definition=streamed(
                     response_data=[b"a", b"b"], response_delay_ms=100)))]),
        dict(port=server.port, method="BidiStream", stream_type=full,
             request_messages=[in_any(BidiStreamRequest(
                 full_duplex=True, response_definition=streamed(response_data=[b"a", b"b"])))
                 for _ in range(2)]))
    headers = lambda fields: {field.name: list(field.value) for field in fields}  # noqa: E731
    assert [payload.data for payload in well.payloads] == [b"well"]
    assert headers(well.payloads[0].request_info.request_headers)["x-a"] == ["b", "c"]
    assert headers(well.response_headers)["x-h"] == ["1", "2"]
    assert headers(well.response_trailers)["x-t"] == ["3"]
    assert (failing.error.code, failing.error.message) == (9, "as told")
    assert headers(failing.response_headers)["x-h"] == ["1"]
    assert headers(failing.response_trailers)["x-t"] == ["3"]
    assert len(failing.error.details) == 1 and not failing.payloads
    assert cancelled.error.code == 1 and late.error.code == 4
    assert [payload.data for payload in stream.payloads] == [b"a"] and stream.error.code == 1
    assert [payload.data for payload in bidirectional.payloads] == [b"a", b"b"]
    assert not bidirectional.HasField("error")
