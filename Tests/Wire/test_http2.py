"""HTTP/2 and gRPC by hand: what a well-behaved client never sends, and how it is answered."""

import gzip
import socket
import struct

import pytest
from h2.settings import SettingCodes

from bridge import Session, any_json
from raw import SERVICE, TIMEOUT, Connection, frame
from stubs import pb

PING = SERVICE + "Ping"
BODY = frame(pb.PingRequest(message="hi").SerializeToString())


@pytest.fixture
def connection(host):
    connection = Connection(host.port)
    yield connection
    connection.close()


def check_ping(connection):
    """The connection still serves."""
    answer = connection.call(PING, BODY)
    assert answer.grpc_status == "0", answer
    assert pb.PingResponse.FromString(answer.data[5:]).message == "pong: hi"


def check_refused(connection, answer, status):
    assert answer.http_status == "200", answer
    assert answer.grpc_status == str(status), answer
    assert answer.data == b""
    check_ping(connection)


# ---------------------------------------------------------------------------------------------
# The shape of a good answer


def test_a_good_answer(connection):
    answer = connection.call(PING, BODY)
    assert answer.http_status == "200"
    assert answer.headers["content-type"].startswith("application/grpc")
    assert "grpc-status" not in answer.headers, "success is not trailers-only"
    assert answer.trailers["grpc-status"] == "0"
    flag, length = struct.unpack(">BI", answer.data[:5])
    assert flag == 0
    assert length == len(answer.data) - 5
    assert answer.reset is None


@pytest.mark.parametrize("content_type", [
    "application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"])
def test_content_types_of_grpc(connection, content_type):
    answer = connection.call(PING, BODY, {"content-type": content_type})
    assert answer.grpc_status == "0"


def test_a_failure_is_in_utf8_percent_encoded(connection):
    request = pb.GetSessionRequest(session_id="größe 100%")
    answer = connection.call(SERVICE + "GetSession", frame(request.SerializeToString()))
    assert answer.http_status == "200"
    assert answer.grpc_status == "5"
    assert "gr%C3%B6%C3%9Fe 100%25" in answer.grpc_message
    assert answer.data == b""


def test_a_request_before_the_settings_of_the_server(host):
    """Everything in one write, as clients on top of gun do, with a large window."""
    connection = Connection(host.port, {SettingCodes.INITIAL_WINDOW_SIZE: 8_000_000})
    connection.h2.increment_flow_control_window(8_000_000)
    check_ping(connection)
    connection.close()


def test_a_message_in_many_small_frames(connection):
    stream = connection.open(PING)
    for position in range(len(BODY)):
        connection.send(stream, BODY[position:position + 1], end=False)
        connection.flush()
    connection.send(stream, b"", end=True)
    answer = connection.answer(stream)
    assert pb.PingResponse.FromString(answer.data[5:]).message == "pong: hi"


def test_padded_frames(connection):
    stream = connection.open(PING)
    connection.h2.send_data(stream, BODY, end_stream=True, pad_length=200)
    assert connection.answer(stream).grpc_status == "0"


def test_many_streams_side_by_side(connection):
    streams = []
    for number in range(100):
        stream = connection.open(PING)
        streams.append((number, stream))
    for number, stream in reversed(streams):
        connection.send(
            stream, frame(pb.PingRequest(message=str(number)).SerializeToString()))
    for number, stream in streams:
        answer = connection.answer(stream)
        assert pb.PingResponse.FromString(answer.data[5:]).message == f"pong: {number}"


def test_a_watch_answers_its_headers_at_once(connection, session):
    request = pb.WatchVariablesRequest(session_id=session.id, variable_identifiers=["v"])
    stream = connection.open(SERVICE + "WatchVariables")
    connection.send(stream, frame(request.SerializeToString()))
    answer = connection.headers(stream)
    assert answer.http_status == "200"
    assert "grpc-status" not in answer.headers
    assert not answer.ended
    # The connection serves other calls meanwhile, and a reset ends the watch.
    check_ping(connection)
    connection.h2.reset_stream(stream)
    check_ping(connection)


def test_the_end_of_a_stream_is_in_trailers(connection, stub):
    session = Session(stub)
    stream = connection.open(SERVICE + "WatchVariables")
    connection.send(stream, frame(
        pb.WatchVariablesRequest(session_id=session.id).SerializeToString()))
    connection.headers(stream)
    session.cleanup()
    answer = connection.answer(stream)
    assert answer.trailers["grpc-status"] == "0"
    assert answer.reset is None


# ---------------------------------------------------------------------------------------------
# Wrong requests


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/grp"])
def test_a_wrong_content_type(connection, content_type):
    answer = connection.call(PING, BODY, {"content-type": content_type})
    assert answer.http_status == "415"
    check_ping(connection)


def test_no_content_type(connection):
    assert connection.call(PING, BODY, drop=["content-type"]).http_status == "415"
    check_ping(connection)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_wrong_method(connection, method):
    stream = connection.open(PING, method=method, end=True)
    assert connection.answer(stream).http_status == "405"
    check_ping(connection)


@pytest.mark.parametrize("path", [
    "/", "/nothing", SERVICE, SERVICE + "NoSuchMethod", "/other.Service/Ping",
    SERVICE + "Ping/more"])
def test_an_unknown_path(connection, path):
    check_refused(connection, connection.call(path, BODY), 12)


@pytest.mark.parametrize("timeout", ["abc", "1", "-1S", "", "123456789S", "1s", "S", "1.5S"])
def test_a_bad_timeout(connection, timeout):
    answer = connection.call(PING, BODY, {"grpc-timeout": timeout})
    check_refused(connection, answer, 13)


@pytest.mark.parametrize("timeout", [
    "1H", "90M", "99999999S", "20000m", "90000000u", "99999999H", "99999999m"])
def test_a_good_timeout(connection, timeout):
    assert connection.call(PING, BODY, {"grpc-timeout": timeout}).grpc_status == "0"


def test_a_deadline_passes_also_when_the_body_never_comes(connection):
    stream = connection.open(PING, {"grpc-timeout": "300m"})
    answer = connection.answer(stream)
    assert answer.grpc_status == "4", answer
    check_ping(connection)


def test_a_deadline_ends_a_tool(connection, session):
    session.register("v", value=0.0)
    request = session.tool_request("wait_for_variable", {"variable": "v", "target": 1.0})
    answer = connection.call(SERVICE + "ExecuteTool", frame(request.SerializeToString()),
                             {"grpc-timeout": "300m"})
    assert answer.grpc_status == "4", answer
    check_ping(connection)


# ---------------------------------------------------------------------------------------------
# Wrong bodies


def test_an_unknown_encoding(connection):
    answer = connection.call(PING, BODY, {"grpc-encoding": "middle-out"})
    check_refused(connection, answer, 12)
    accepted = {**answer.headers, **answer.trailers}["grpc-accept-encoding"]
    assert "identity" in accepted


def test_the_identity_encoding(connection):
    assert connection.call(PING, BODY, {"grpc-encoding": "identity"}).grpc_status == "0"


def test_a_compressed_message_without_an_encoding(connection):
    body = frame(gzip.compress(BODY[5:]), flag=1)
    check_refused(connection, connection.call(PING, body), 13)
    answer = connection.call(PING, body, {"grpc-encoding": "identity"})
    check_refused(connection, answer, 13)


@pytest.mark.parametrize("flag", [2, 128, 255])
def test_an_unknown_flag(connection, flag):
    check_refused(connection, connection.call(PING, frame(BODY[5:], flag=flag)), 13)


@pytest.mark.parametrize("size", [1, 4, 5, 7, len(BODY) - 1])
def test_a_truncated_message(connection, size):
    check_refused(connection, connection.call(PING, BODY[:size]), 13)


@pytest.mark.parametrize("length", [2**32 - 1, 2**31, 2**30])
def test_a_message_over_the_limit_is_refused_from_its_prefix(connection, length):
    stream = connection.open(PING)
    # Nothing but the prefix is sent, and the stream stays open: the answer must not wait.
    connection.send(stream, frame(b"", length=length), end=False)
    answer = connection.answer(stream)
    assert answer.grpc_status == "8", answer
    check_ping(connection)


@pytest.mark.parametrize("body", [
    b"\xff", b"\x0a\x05hi", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x0b", b"\x07",
    b"\x0a\x02\xff\xfe", b"\x00\x01"],
    ids=["cut varint", "short", "long varint", "open group", "wire type 7", "not UTF-8", "field 0"])
def test_a_body_that_is_not_the_protobuf(connection, body):
    check_refused(connection, connection.call(PING, frame(body)), 13)


def test_a_broken_message_within_the_message(connection, session):
    """The Any of a write is cut short."""
    inner = b"\x0a\x20short"
    body = (pb.SetVariableRequest(session_id=session.id, variable_identifier="v")
            .SerializeToString() + b"\x1a" + bytes([len(inner)]) + inner)
    check_refused(connection, connection.call(SERVICE + "SetVariable", frame(body)), 13)


def test_a_value_that_is_not_utf8(connection, session):
    session.register("v", "string", "good")
    request = pb.SetVariableRequest(session_id=session.id, variable_identifier="v")
    request.value.CopyFrom(any_json("string", "x"))
    request.value.value = b'"\xc3"'
    answer = connection.call(SERVICE + "SetVariable", frame(request.SerializeToString()))
    check_refused(connection, answer, 3)


def test_a_unary_call_without_a_message(connection):
    check_refused(connection, connection.call(PING, b""), 12)
    stream = connection.open(PING, end=True)
    check_refused(connection, connection.answer(stream), 12)


def test_a_unary_call_with_two_messages(connection):
    check_refused(connection, connection.call(PING, BODY + BODY), 12)


@pytest.mark.parametrize("value", ["!!!", "abc$", "a", "Zm9v Zm9v"])
def test_bad_base64_in_a_binary_key(connection, value):
    check_refused(connection, connection.call(PING, BODY, {"trace-bin": value}), 13)


@pytest.mark.parametrize("value", ["", "Zm9vYg==", "Zm9vYg", "Zm9v,Zm9vYg", "Zm8+/w"])
def test_good_base64_in_a_binary_key(connection, value):
    assert connection.call(PING, BODY, {"trace-bin": value}).grpc_status == "0"


def test_a_request_that_is_reset_in_the_middle(connection):
    for _ in range(20):
        stream = connection.open(PING)
        connection.send(stream, BODY[:6], end=False)
        connection.h2.reset_stream(stream)
        connection.flush()
    check_ping(connection)


# ---------------------------------------------------------------------------------------------
# No HTTP/2 at all


@pytest.mark.parametrize("garbage", [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"hello, who is there?" * 10, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64],
    ids=["HTTP/1.1", "TLS", "text", "preface and garbage"])
def test_what_is_not_http2_is_hung_up_on(host, connection, garbage):
    with socket.create_connection(("127.0.0.1", host.port), TIMEOUT) as peer:
        peer.sendall(garbage)
        try:
            while peer.recv(65536):
                pass
        except ConnectionResetError:
            pass
    check_ping(connection)


def test_a_peer_that_hangs_up_in_the_middle(host, connection):
    for size in (1, 10, 24, 40):
        with socket.create_connection(("127.0.0.1", host.port), TIMEOUT) as peer:
            peer.sendall((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 64)[:size])
    check_ping(connection)
