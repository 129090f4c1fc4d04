"""gzip: which messages are read, which are made, and what those get that cannot be read."""

import gzip
import struct

import grpc
import pytest

from grpc_server import serving
from raw import Connection, frame

UNARY = "/test.Echo/Unary"
GZIP = "/test.Echo/Gzip"
ACCEPTS = {"grpc-accept-encoding": "identity, gzip"}
LONG = b"hello" * 1000


@pytest.fixture(scope="module")
def server():
    with serving() as server:
        yield server


@pytest.fixture
def connection(server):
    connection = Connection(server.port)
    yield connection
    connection.close()


def messages(data):
    """(flag, message) of each message in the body of an answer."""
    found = []
    while data:
        flag, length = struct.unpack(">BI", data[:5])
        body = data[5:5 + length]
        assert len(body) == length
        found.append((flag, gzip.decompress(body) if flag else body))
        data = data[5 + length:]
    return found


@pytest.mark.parametrize("compression", [
    grpc.Compression.NoCompression, grpc.Compression.Gzip], ids=["plain", "gzip"])
def test_with_grpcio(server, compression):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", compression=compression) as channel:
        for message in (b"", b"x", LONG):
            answer, call = channel.unary_unary(GZIP).with_call(message, timeout=20)
            assert answer == message
        compressed = dict(call.initial_metadata())["x-compressed"]
        assert compressed == ("yes" if compression == grpc.Compression.Gzip else "no")
        answers = channel.stream_stream("/test.Echo/Each")(iter([LONG, b"", b"x"]), timeout=20)
        assert list(answers) == [LONG, b"", b"x"]


def test_a_compressed_request(connection):
    body = frame(gzip.compress(LONG), flag=1)
    answer = connection.call(UNARY, body, {"grpc-encoding": "gzip"})
    assert answer.grpc_status == "0"
    assert messages(answer.data) == [(0, LONG)]
    assert answer.headers["grpc-accept-encoding"] == "identity,gzip"
    assert "grpc-encoding" not in answer.headers


def test_a_message_need_not_be_compressed(connection):
    answer = connection.call(GZIP, frame(LONG), {"grpc-encoding": "gzip"})
    assert answer.grpc_status == "0"
    assert answer.headers["x-compressed"] == "no"


def test_the_first_answer_says_what_is_accepted(connection):
    answer = connection.call(UNARY, frame(b""))
    assert answer.headers["grpc-accept-encoding"] == "identity,gzip"


def test_an_error_before_it_takes_nothing_away(server):
    connection = Connection(server.port)
    assert connection.call("/no/such").grpc_status == "12"
    answer = connection.call(UNARY, frame(b""))
    assert answer.headers["grpc-accept-encoding"] == "identity,gzip"
    connection.close()


@pytest.mark.parametrize("accepts", [{}, ACCEPTS], ids=["plain answers", "answers in gzip"])
def test_large_messages_among_small_ones(accepts):
    """Large ones are inflated and compressed elsewhere; the order stays."""
    requests = [bytes([n]) * (300_000 if n % 3 == 0 else 10) for n in range(30)]
    with serving(compressionThreshold=1000) as server:
        connections = [Connection(server.port) for _ in range(3)]
        streams = []
        for connection in connections:
            for _ in range(2):
                stream = connection.open("/test.Echo/Each", {"grpc-encoding": "gzip", **accepts})
                body = b"".join(frame(gzip.compress(r), flag=1) for r in requests)
                connection.send(stream, body)
                streams.append((connection, stream))
            connection.flush()
        for connection, stream in streams:
            answer = connection.answer(stream)
            assert answer.grpc_status == "0"
            found = messages(answer.data)
            assert [message for _, message in found] == requests
            assert {flag for flag, message in found if len(message) > 10} == {len(accepts)}
        for connection in connections:
            connection.close()


def test_a_compressed_answer(connection):
    answer = connection.call(GZIP, frame(LONG), ACCEPTS)
    assert answer.headers["grpc-encoding"] == "gzip"
    assert messages(answer.data) == [(1, LONG)]
    assert len(answer.data) < len(LONG) / 10


@pytest.mark.parametrize("accepted", [None, "identity", "deflate,gzip2, xgzip"])
def test_no_compressed_answer_to_who_does_not_accept_it(connection, accepted):
    headers = {"grpc-accept-encoding": accepted} if accepted else {}
    for path in (GZIP, "/test.Echo/Mixed"):
        answer = connection.call(path, frame(LONG), headers)
        assert "grpc-encoding" not in answer.headers
        assert {flag for flag, _ in messages(answer.data)} == {0}


@pytest.mark.parametrize("accepted", [
    "gzip", "identity,gzip", "deflate , gzip , br", "identity, deflate, gzip"])
def test_ways_to_accept(connection, accepted):
    answer = connection.call(GZIP, frame(LONG), {"grpc-accept-encoding": accepted})
    assert messages(answer.data) == [(1, LONG)]


def test_compressed_is_decided_message_by_message(connection):
    answer = connection.call("/test.Echo/Mixed", frame(b"some"), ACCEPTS)
    assert messages(answer.data) == [(1, b"some"), (0, b"some"), (1, b"some")]


def test_a_server_that_compresses_long_messages():
    with serving(compressionThreshold=1000) as server:
        connection = Connection(server.port)
        assert messages(connection.call(UNARY, frame(LONG), ACCEPTS).data) == [(1, LONG)]
        assert messages(connection.call(UNARY, frame(b"short"), ACCEPTS).data) == [(0, b"short")]
        assert messages(connection.call(UNARY, frame(LONG)).data) == [(0, LONG)]
        connection.close()


def test_a_long_compressed_stream_is_let_through_to_its_end(server):
    # What is counted as waiting must be what goes out.
    with serving(compressionThreshold=1) as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            answers = channel.unary_stream("/test.Echo/Produce")(b"3000 20000", timeout=60)
            assert sum(1 for answer in answers if len(answer) == 20_000) == 3000


@pytest.mark.parametrize("body", [
    b"garbage", b"", gzip.compress(LONG)[:-9], gzip.compress(LONG) + b"more"],
    ids=["garbage", "nothing", "cut", "trailing garbage"])
def test_what_does_not_inflate(connection, body):
    answer = connection.call(UNARY, frame(body, flag=1), {"grpc-encoding": "gzip"})
    assert answer.grpc_status == "13", answer
    assert connection.call(UNARY, frame(b"x")).grpc_status == "0"


@pytest.mark.parametrize("headers", [{}, {"grpc-encoding": "identity"}])
def test_a_compressed_flag_without_an_encoding(connection, headers):
    answer = connection.call(UNARY, frame(gzip.compress(LONG), flag=1), headers)
    assert answer.grpc_status == "13"


@pytest.mark.parametrize("flag", [2, 255])
def test_other_flags(connection, flag):
    answer = connection.call(
        UNARY, frame(gzip.compress(LONG), flag=flag), {"grpc-encoding": "gzip"})
    assert answer.grpc_status == "13"


def test_an_unknown_encoding(connection):
    answer = connection.call(UNARY, frame(b"x"), {"grpc-encoding": "br"})
    assert answer.grpc_status == "12"
    assert answer.headers["grpc-accept-encoding"] == "identity,gzip"


def test_a_bomb_is_inflated_no_further_than_the_limit(server, connection):
    body = frame(gzip.compress(bytes(200_000_000), 1), flag=1)
    before = server.resident_bytes()
    for _ in range(5):
        answer = connection.call(UNARY, body, {"grpc-encoding": "gzip"})
        assert answer.grpc_status == "8", answer
    assert server.resident_bytes() - before < 50_000_000
    exact = bytes(4 * 1024 * 1024)
    answer = connection.call(
        "/test.Echo/Collect", frame(gzip.compress(exact), flag=1), {"grpc-encoding": "gzip"})
    assert messages(answer.data) == [(0, b"1 4194304")]
    answer = connection.call(
        "/test.Echo/Collect", frame(gzip.compress(exact + b"1"), flag=1),
        {"grpc-encoding": "gzip"})
    assert answer.grpc_status == "8"
