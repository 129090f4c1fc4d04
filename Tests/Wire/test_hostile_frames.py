"""Peers that flood, hoard, or never read: what they get, and what they cost."""

import gzip
import os
import socket
import struct
import time

import grpc
import hpack
import pytest
from h2.settings import SettingCodes

from grpc_server import Server, serving
from raw import (CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS,
                 PING, PREFACE, PRIORITY, PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, SETTINGS,
                 STREAM_CLOSED, TIMEOUT, WINDOW_UPDATE, Answer, Connection, frame, http2_frame)

UNARY = "/test.Echo/Unary"
MEGABYTE = 1_000_000


def number(value):
    return struct.pack(">I", value)


def check_others(server):
    """Another connection is served as if nothing had happened."""
    connection = Connection(server.port)
    assert connection.call(UNARY, frame(b"hi")).data == frame(b"hi")
    connection.close()


def check_calmed(server, connection, reason):
    connection.until_closed()
    assert connection.goaway == ENHANCE_YOUR_CALM
    assert connection.goaway_reason == reason
    connection.close()
    check_others(server)


@pytest.fixture(scope="module")
def server():
    with serving() as server:
        yield server


@pytest.fixture
def connection(server):
    connection = Connection(server.port)
    yield connection
    connection.close()


# ---------------------------------------------------------------------------------------------
# Floods


@pytest.mark.parametrize("kind, payload, on_stream", [
    (SETTINGS, b"", False), (WINDOW_UPDATE, number(1), False), (WINDOW_UPDATE, number(1), True),
    (PRIORITY, number(0) + b"\x10", True), (DATA, b"", True)],
    ids=["SETTINGS", "WINDOW_UPDATE", "WINDOW_UPDATE of a stream", "PRIORITY", "empty DATA"])
def test_a_flood_of_frames(server, connection, kind, payload, on_stream):
    stream = connection.open("/test.Echo/Collect") if on_stream else 0
    connection.send_raw(http2_frame(kind, payload, stream=stream) * 20_000)
    check_calmed(server, connection, b"too_many_control_frames")


@pytest.mark.parametrize("kind, payload, flags", [
    (DATA, b"", 0), (DATA, b"x", 0), (DATA, b"", END_STREAM), (DATA, b"\0", 8),
    (HEADERS, b"\x83", END_HEADERS), (HEADERS, b"\x83", END_HEADERS | END_STREAM)],
    ids=["empty DATA", "DATA", "END_STREAM", "padding", "HEADERS", "trailers"])
@pytest.mark.parametrize("how", ["answered", "unanswered", "reset"])
def test_a_stream_that_its_client_has_ended(server, connection, kind, payload, flags, how):
    """Nothing follows on it (RFC 9113 section 5.1), whatever the server has said of it yet."""
    if how == "answered":
        stream = connection.open(UNARY)
        connection.send(stream, frame(b"x"))
        assert connection.answer(stream).grpc_status == "0"
    else:
        stream = connection.open("/test.Echo/Hang")
        if how == "reset":
            connection.h2.reset_stream(stream)
        else:
            connection.send(stream, frame(b"x"))
    connection.send_raw(http2_frame(kind, payload, flags=flags, stream=stream))
    connection.until_closed()
    assert connection.goaway == STREAM_CLOSED
    assert connection.goaway_reason == b"frame_on_a_closed_stream"
    check_others(server)


def test_an_identifier_below_one_that_was_used(server, connection):
    assert connection.call(UNARY, frame(b"x")).grpc_status == "0"
    connection.h2.highest_outbound_stream_id = 7
    skipped = connection.h2.highest_outbound_stream_id - 2
    stream = connection.open(UNARY, end=True)
    assert stream > skipped
    connection.answer(stream)
    connection.send_raw(http2_frame(HEADERS, b"\x83", flags=END_HEADERS, stream=skipped))
    connection.until_closed()
    assert connection.goaway == PROTOCOL_ERROR
    check_others(server)


@pytest.mark.parametrize("kind, payload, flags", [
    (WINDOW_UPDATE, number(1), 0), (PRIORITY, number(0) + b"\x10", 0), (RST_STREAM, number(8), 0),
    (0xFA, b"x", 0)], ids=["WINDOW_UPDATE", "PRIORITY", "RST_STREAM", "an unknown type"])
def test_a_flood_on_a_stream_that_is_over(server, connection, kind, payload, flags):
    stream = connection.open(UNARY)
    connection.send(stream, frame(b"x"))
    assert connection.answer(stream).grpc_status == "0"
    connection.send_raw(http2_frame(kind, payload, flags=flags, stream=stream) * 20_000)
    check_calmed(server, connection, b"too_many_control_frames")


def test_a_flood_of_padding(server, connection):
    stream = connection.open("/test.Echo/Collect")
    connection.send_raw(http2_frame(DATA, b"\x03\0\0\0", flags=8, stream=stream) * 20_000)
    check_calmed(server, connection, b"too_many_control_frames")


def test_a_flood_of_pings(server, connection):
    connection.send_raw(http2_frame(PING, b"12345678") * 20_000)
    check_calmed(server, connection, b"too_many_pings")


def test_a_rapid_reset(server, connection):
    for _ in range(5000):
        stream = connection.open("/test.Echo/Hang")
        connection.h2.reset_stream(stream)
    connection.send_raw(b"")
    check_calmed(server, connection, b"too_many_control_frames")


def test_calls_that_were_served_may_be_reset():
    """However many: without the reset, each costs as much. Clients write a call and its end at once."""
    with serving(controlFrameBurst=20, controlFramesPerSecond=0) as server:
        connection = Connection(server.port)
        for _ in range(50):
            for _ in range(100):
                stream = connection.open(UNARY)
                connection.send(stream, frame(b"x"))
                connection.h2.reset_stream(stream)
            connection.flush()
        assert connection.call(UNARY, frame(b"x")).grpc_status == "0"
        assert connection.goaway is None
        connection.close()


def test_resets_that_the_server_is_made_to_send(server, connection):
    """A window of more than 2^31 - 1 is an error of the stream (RFC 9113 section 6.9.1)."""
    data = b""
    for _ in range(5000):
        stream = connection.open("/test.Echo/Hang")
        data += connection.h2.data_to_send()
        data += http2_frame(WINDOW_UPDATE, number(0x7FFFFFFF), stream=stream)
    connection.send_raw(data)
    check_calmed(server, connection, b"too_many_control_frames")


def test_early_answers_are_no_flood():
    """A call that is refused before its request is complete ends in a reset by the server."""
    with serving(controlFrameBurst=20, controlFramesPerSecond=0) as server:
        connection = Connection(server.port)
        for _ in range(100):
            stream = connection.open("/no/such")
            assert connection.answer(stream).grpc_status == "12"
            # The client has not seen the reset yet.
            connection.send_raw(http2_frame(DATA, frame(b""), flags=END_STREAM, stream=stream))
        assert connection.goaway is None
        assert connection.call(UNARY, frame(b"x")).grpc_status == "0"
        connection.close()


def test_a_client_that_cancels_many_calls_is_served():
    """Some resets are ordinary: so many that nothing is left over a second's worth."""
    with serving() as server:
        connection = Connection(server.port)
        for _ in range(1500):
            stream = connection.open("/test.Echo/Hang")
            connection.h2.reset_stream(stream)
        assert connection.call(UNARY, frame(b"x")).grpc_status == "0"
        connection.close()


def test_window_updates_in_return_for_data_are_no_flood():
    with serving(controlFrameBurst=20, controlFramesPerSecond=0) as server:
        connection = Connection(server.port)
        # Two of them for each of 1,000 frames.
        answer = connection.call("/test.Echo/Produce", frame(b"1000 10000"))
        assert answer.grpc_status == "0"
        assert len(answer.data) == 1000 * 10_005
        connection.close()


def test_a_flood_of_continuations(server, connection):
    connection.send_raw(
        http2_frame(HEADERS, b"", stream=1) + http2_frame(CONTINUATION, b"", stream=1) * 20_000)
    connection.until_closed()
    check_others(server)


def field(name, value):
    """A literal of a header block, not indexed."""
    assert len(name) < 127 and len(value) < 127
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def request(path):
    """A header block, written without the table of the connection."""
    return (field(b":method", b"POST") + field(b":scheme", b"http")
            + field(b":path", path.encode()) + field(b":authority", b"localhost")
            + field(b"content-type", b"application/grpc"))


def read_frame(reader):
    """(type, stream, payload), for what the library knows nothing of."""
    header = reader.read(9)
    payload = reader.read(int.from_bytes(header[:3], "big"))
    return header[3], int.from_bytes(header[5:9], "big"), payload


def read_to_end(connection):
    """The frames that still come: to the library, nothing follows a GOAWAY."""
    with connection.socket.makefile("rb") as reader:
        while reader.peek(1):
            yield read_frame(reader)


def check_sent_away(connection):
    """The server says that the connection ends, without an error, and closes it."""
    goaways = [payload for kind, _, payload in read_to_end(connection) if kind == GOAWAY]
    assert goaways
    assert {payload[4:8] for payload in goaways} == {number(0)}
    connection.close()


def test_an_hpack_bomb(server):
    """One entry of 3,900 bytes in the table of the connection, named 12,000 times by one byte."""
    connection = Connection(server.port)
    connection.flush()
    before = server.resident_bytes()
    value = b"b" * 3900
    rest = len(value) - 127
    entry = b"\x40\x01x\x7f" + bytes([rest & 127 | 128, rest >> 7]) + value
    block = request(UNARY) + entry + b"\xbe" * 12_000
    connection.socket.sendall(http2_frame(HEADERS, block, flags=END_HEADERS, stream=1))
    answer = {}
    with connection.socket.makefile("rb") as reader:
        while not answer:
            kind, _, payload = read_frame(reader)
            if kind == HEADERS:
                answer = dict(hpack.Decoder().decode(payload))
    assert answer["grpc-status"] == "8"
    assert server.resident_bytes() - before < 20 * MEGABYTE
    connection.close()
    check_others(server)


def test_metadata_of_open_calls():
    """The same entry fifteen times in each call, and the calls stay open."""
    with serving() as server:
        connection = Connection(server.port)
        connection.flush()
        before = server.resident_bytes()
        value = b"b" * 3900
        rest = len(value) - 127
        entry = b"\x40\x01x\x7f" + bytes([rest & 127 | 128, rest >> 7]) + value
        streams = range(1, 6000, 2)

        def call(path, metadata, stream):
            block = request(path) + metadata + field(b"n", str(stream).encode())
            connection.socket.sendall(
                http2_frame(HEADERS, block, flags=END_HEADERS, stream=stream))

        for stream in streams:
            call("/test.Echo/Hang", (entry if stream == 1 else b"\xbe") + b"\xbe" * 14, stream)
        statuses = {}
        decoder = hpack.Decoder()
        with connection.socket.makefile("rb") as reader:

            def read_status_of(stream):
                while stream not in statuses:
                    kind, answered, payload = read_frame(reader)
                    if kind == HEADERS:
                        status = dict(decoder.decode(payload)).get("grpc-status")
                        if status is not None:
                            statuses[answered] = status

            # The first ones go on, the others are told.
            read_status_of(streams[-1])
            assert server.resident_bytes() - before < 60 * MEGABYTE
            assert min(statuses) > 200
            assert set(statuses.values()) == {"8"}
            # With the open ones their room comes free.
            for stream in range(1, min(statuses), 2):
                connection.socket.sendall(http2_frame(RST_STREAM, number(8), stream=stream))
            last = streams[-1] + 2
            call(UNARY, b"\xbe" * 15, last)
            connection.socket.sendall(
                http2_frame(DATA, frame(b"x"), flags=END_STREAM, stream=last))
            read_status_of(last)
            assert statuses[last] == "0"
        connection.close()
        check_others(server)


@pytest.mark.parametrize("headers", [
    {"x-long": "a" * 60_000, "x-more": "a" * 10_000}, {f"x-{n}": "1" for n in range(2500)}],
    ids=["long", "many"])
def test_headers_over_the_limit(server, connection, headers):
    stream = connection.open(UNARY, headers, end=True)
    assert connection.answer(stream).grpc_status == "8"
    assert connection.call(UNARY, frame(b"x")).grpc_status == "0"


# ---------------------------------------------------------------------------------------------
# Pings, silence, age


def test_pings_too_soon():
    with serving() as server:
        connection = Connection(server.port)
        connection.call(UNARY, frame(b"x"))
        for count in range(3):
            connection.h2.ping(b"12345678")
            connection.flush()
            connection.receive()
        # A call between them forgives.
        connection.call(UNARY, frame(b"x"))
        for count in range(4):
            assert connection.goaway is None, count
            connection.h2.ping(b"12345678")
        connection.flush()
        check_calmed(server, connection, b"too_many_pings")


def test_pings_without_calls_may_be_unwelcome():
    with serving(permitsPingsWithoutCalls=0, minimumPingInterval=1) as server:
        connection = Connection(server.port)
        stream = connection.open("/test.Echo/Hang")
        for _ in range(6):
            connection.h2.ping(b"12345678")
            connection.flush()
            time.sleep(0.02)
        connection.h2.reset_stream(stream)
        assert connection.goaway is None
        for _ in range(4):
            connection.h2.ping(b"12345678")
            connection.flush()
            time.sleep(0.02)
        check_calmed(server, connection, b"too_many_pings")


@pytest.mark.parametrize("said", [b"", PREFACE[:10], PREFACE])
def test_a_silent_socket(said):
    with serving(handshakeTimeout=300) as server:
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as peer:
            peer.sendall(said)
            while peer.recv(65536):
                pass


def test_a_client_that_never_calls():
    with serving(firstCallTimeout=300, timeout=300) as server:
        connection = Connection(server.port)
        connection.flush()
        check_sent_away(connection)


def test_a_client_that_does_not_answer_pings():
    with serving(time=300, timeout=300) as server:
        # It said all that is due at the start, and then falls silent.
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as peer:
            peer.sendall(PREFACE + http2_frame(SETTINGS) + http2_frame(SETTINGS, flags=1))
            received = b""
            while data := peer.recv(65536):
                received += data
            assert http2_frame(PING, b"alive?\0\0") in received
        # One that answers stays.
        connection = Connection(server.port)
        stream = connection.open("/test.Echo/Hang")
        connection.flush()
        connection.socket.settimeout(0.1)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            try:
                connection.receive()
            except TimeoutError:
                pass
        connection.socket.settimeout(TIMEOUT)
        assert not connection.closed
        assert connection.call(UNARY, frame(b"x")).grpc_status == "0"
        connection.h2.reset_stream(stream)
        connection.close()


def test_an_idle_connection_is_ended():
    with serving(maxIdle=300, timeout=300) as server:
        connection = Connection(server.port)
        assert connection.call(UNARY, frame(b"x")).grpc_status == "0"
        check_sent_away(connection)


def test_an_old_connection_is_ended_with_its_calls():
    with serving(maxAge=300, maxAgeGrace=300) as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary("/test.Echo/Hang")(b"", timeout=TIMEOUT)
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
            assert caught.value.details() == "the connection has reached its greatest age"
            # The next goes to a new connection.
            assert channel.unary_unary(UNARY)(b"x", timeout=TIMEOUT) == b"x"


def read_late(server, size, end=lambda: None):
    """Lets a server end while much waits for a client that does not read, and then reads it all.

    Returns the message of the status that a call which never was answered ends with.
    """
    # Its windows never stop the server, only its socket does.
    connection = Connection(server.port, {SettingCodes.INITIAL_WINDOW_SIZE: 1 << 30})
    connection.h2.increment_flow_control_window((1 << 30) - 65_535)
    # The server knows of the connection when this is answered.
    assert connection.call(UNARY, frame(b"x")).grpc_status == "0"
    answered = connection.open("/test.Echo/Zeros")
    connection.send(answered, frame(str(size).encode()))
    hanging = connection.open("/test.Echo/Hang")
    connection.send(hanging, frame(b""))
    connection.flush()
    end()
    time.sleep(1.5)
    received = 0
    trailers = {}
    for kind, stream, payload in read_to_end(connection):
        if kind == HEADERS:
            trailers[stream] = dict(connection.h2.decoder.decode(payload))
        elif kind == DATA and stream == answered:
            received += len(payload)
    connection.close()
    assert received == size + 5
    assert trailers[answered]["grpc-status"] == "0"
    assert trailers[hanging]["grpc-status"] == "14"
    return trailers[hanging]["grpc-message"]


def test_a_slow_reader_gets_to_know_that_its_connection_was_too_old():
    with serving(maxAge=300, maxAgeGrace=300) as server:
        assert read_late(server, 16 * MEGABYTE) == "the connection has reached its greatest age"


def test_a_slow_reader_gets_to_know_that_the_server_ends():
    server = Server({})
    try:
        # A second is left for calls to end by themselves.
        message = read_late(server, 16 * MEGABYTE, server.process.stdin.close)
        assert message == "the server is shutting down"
        assert server.process.wait(TIMEOUT) == 0
    finally:
        server.process.kill()


def test_the_ping_of_a_drain_follows_its_notice():
    """Otherwise its answer says nothing about the notice."""
    with serving(maxIdle=300, timeout=5000) as server:
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as peer:
            peer.sendall(PREFACE + http2_frame(SETTINGS) + http2_frame(SETTINGS, flags=1))
            with peer.makefile("rb") as reader:
                kinds = []
                while PING not in kinds:
                    kind, _, payload = read_frame(reader)
                    kinds.append(kind)
                assert payload == b"drain\0\0\0"
                assert GOAWAY in kinds
                peer.sendall(http2_frame(PING, payload, flags=1))
                assert read_frame(reader)[0] == GOAWAY


# ---------------------------------------------------------------------------------------------
# Memory


def test_streams_without_a_body(server, connection):
    before, threads = server.resident_bytes(), server.threads()
    for _ in range(2000):
        connection.open(UNARY)
        connection.flush()
    assert connection.call(UNARY, frame(b"x")).grpc_status == "0"
    assert server.threads() == threads
    assert server.resident_bytes() - before < 16 * MEGABYTE


def test_a_handler_that_goes_on_counts_as_an_open_call():
    with serving(concurrentStreams=50) as server:
        connection = Connection(server.port)
        streams = [connection.open("/test.Echo/Linger") for _ in range(50)]
        for stream in streams:
            connection.h2.reset_stream(stream)
        refused = connection.open(UNARY, end=True)
        assert connection.answer(refused).reset == REFUSED_STREAM
        # They end after a second, and then there is room again.
        end = time.monotonic() + TIMEOUT
        while connection.answer(connection.open(UNARY, end=True)).reset is not None:
            assert time.monotonic() < end
            time.sleep(0.1)
        connection.close()


def test_answers_to_who_opens_no_window():
    with serving(answerBytes=20 * MEGABYTE, sendTimeout=500) as server:
        before = server.resident_bytes()
        connection = Connection(server.port, {SettingCodes.INITIAL_WINDOW_SIZE: 0})
        streams = []
        for _ in range(100):
            stream = connection.open("/test.Echo/Zeros")
            connection.send(stream, frame(b"4000000"))
            streams.append(stream)
        # Pings come back after what came before them was served; they keep nothing alive.
        connection.h2.ping(b"12345678")
        connection.flush()
        connection.receive()
        time.sleep(0.3)
        assert server.resident_bytes() - before < 60 * MEGABYTE
        for stream in streams[:5]:
            answer = connection.answer(stream)
            assert answer.reset == ENHANCE_YOUR_CALM
        # Then others have their turn, and the same end.
        assert connection.answer(streams[7]).reset == ENHANCE_YOUR_CALM
        assert server.resident_bytes() - before < 60 * MEGABYTE
        connection.close()


def test_answers_to_who_opens_no_window_of_the_connection():
    with serving(sendTimeout=500) as server:
        connection = Connection(server.port, {SettingCodes.INITIAL_WINDOW_SIZE: 1 << 30})
        connection.h2.acknowledge_received_data = lambda *_: None
        stream = connection.open("/test.Echo/Zeros")
        connection.send(stream, frame(b"4000000"))
        connection.flush()
        check_calmed(server, connection, b"window_shut")


def test_answers_to_who_does_not_read():
    with serving(sendTimeout=500, answerBytes=20 * MEGABYTE) as server:
        before = server.resident_bytes()
        connection = Connection(server.port, {SettingCodes.INITIAL_WINDOW_SIZE: 1 << 30})
        connection.h2.increment_flow_control_window((1 << 30) - 65_535)
        for _ in range(100):
            stream = connection.open("/test.Echo/Zeros")
            connection.send(stream, frame(b"4000000"))
        connection.flush()
        time.sleep(2)
        assert server.resident_bytes() - before < 60 * MEGABYTE
        received = 0
        try:
            while data := connection.socket.recv(1 << 20):
                received += len(data)
        except ConnectionResetError:
            pass
        assert received < 100 * MEGABYTE
        connection.close()
        check_others(server)


def test_a_call_for_which_nothing_waits_is_left_alone():
    with serving(sendTimeout=300) as server:
        connection = Connection(server.port, {SettingCodes.INITIAL_WINDOW_SIZE: 0})
        stream = connection.open("/test.Echo/Hang")
        connection.flush()
        time.sleep(1.5)
        connection.h2.ping(b"12345678")
        connection.flush()
        connection.receive()
        assert not connection.closed
        assert connection.answers[stream].reset is None
        connection.close()


def test_a_client_that_sends_and_never_reads():
    """Its requests are not answered any more once enough answers wait, and then not taken."""
    with serving() as server:
        before = server.resident_bytes()
        connection = Connection(server.port, {SettingCodes.INITIAL_WINDOW_SIZE: 0})
        stream = connection.open("/test.Echo/Each")
        connection.flush()
        # The server's settings, with its windows.
        connection.receive()
        message = frame(os.urandom(10_000))
        sent = 0
        connection.socket.settimeout(2)
        try:
            while sent < 100 * MEGABYTE:
                room = connection.h2.local_flow_control_window(stream)
                if room < len(message):
                    connection.flush()
                    connection.receive()
                    continue
                connection.h2.send_data(stream, message)
                connection.flush()
                sent += len(message)
        except TimeoutError:
            pass
        # A quarter of a megabyte of answers, and the window of one.
        assert sent < 3 * MEGABYTE
        assert server.resident_bytes() - before < 20 * MEGABYTE
        # It reads after all: everything is answered.
        connection.socket.settimeout(TIMEOUT)
        connection.h2.send_data(stream, b"", end_stream=True)
        connection.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20})
        answer = connection.answer(stream)
        assert answer.grpc_status == "0"
        assert answer.data == message * (sent // len(message))
        connection.close()


def test_unfinished_requests():
    """The youngest give way, so that the others can be finished."""
    with serving(requestBytes=20 * MEGABYTE, messageSize=2 * MEGABYTE) as server:
        before = server.resident_bytes()
        connection = Connection(server.port)
        body = frame(bytes(1_500_000))
        streams = [connection.open("/test.Echo/Collect") for _ in range(100)]
        for stream in streams:
            connection.send(stream, body[:1_000_000], end=False)
        connection.flush()
        connection.h2.ping(b"12345678")
        connection.flush()
        connection.receive()
        assert server.resident_bytes() - before < 70 * MEGABYTE
        for stream in streams:
            connection.send(stream, body[1_000_000:])
        statuses = [connection.answer(stream).grpc_status for stream in streams]
        assert set(statuses) == {"0", "8"}
        assert statuses[:10] == ["0"] * 10
        assert connection.call(UNARY, frame(b"x")).grpc_status == "0"
        connection.close()


def test_small_requests_that_inflate_and_never_end():
    with serving(requestBytes=20 * MEGABYTE) as server:
        before = server.resident_bytes()
        connection = Connection(server.port)
        body = frame(gzip.compress(bytes(4_000_000)), flag=1)
        streams = []
        for _ in range(200):
            stream = connection.open(UNARY, {"grpc-encoding": "gzip"})
            connection.send(stream, body, end=False)
            connection.flush()
            streams.append(stream)
        assert connection.call(UNARY, frame(b"x")).grpc_status == "0"
        # They are inflated one after the other.
        end = time.monotonic() + TIMEOUT
        while len([s for s in streams if connection.answers[s].grpc_status == "8"]) <= 150:
            assert time.monotonic() < end
            connection.receive()
        assert server.resident_bytes() - before < 80 * MEGABYTE
        connection.close()


def test_a_claimed_length(server, connection):
    before = server.resident_bytes()
    for length in (4 * 1024 * 1024 + 1, 2**32 - 1):
        stream = connection.open(UNARY)
        connection.send(stream, frame(b"", length=length), end=False)
        assert connection.answer(stream).grpc_status == "8"
    assert server.resident_bytes() - before < 2 * MEGABYTE


# ---------------------------------------------------------------------------------------------
# Metadata


@pytest.mark.parametrize("where", ["headers", "trailers", "error"])
def test_metadata_that_is_not_the_services_to_send(server, connection, where):
    answer = connection.call("/test.Echo/Reserved", frame(where.encode()))
    assert answer.grpc_status == "13"
    assert "grpc-mine" in answer.grpc_message
    assert "grpc-mine" not in {**answer.headers, **answer.trailers}


@pytest.mark.parametrize("values, expected", [
    (["AAE"], ["AAE"]), (["AAE="], ["AAE"]), (["AAE=,AQ"], ["AAE", "AQ"]),
    (["AAE, AQ"], ["AAE", "AQ"]),
    (["AAE", "AQ=="], ["AAE", "AQ"])])
def test_binary_keys(server, connection, values, expected):
    """Padded or not, repeated or joined; written without padding."""
    fields = [(":method", "POST"), (":scheme", "http"), (":path", UNARY),
              (":authority", "localhost"), ("content-type", "application/grpc")] + [("x-echo-bin", v) for v in values]
    stream = connection.h2.get_next_available_stream_id()
    connection.answers[stream] = Answer()
    connection.h2.send_headers(stream, fields)
    connection.send(stream, frame(b"x"))
    trailers = connection.answer(stream).trailer_fields
    assert [value for name, value in trailers if name == "x-echo-bin"] == expected
