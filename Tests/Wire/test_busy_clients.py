"""Ordinary clients at full speed are never taken for hostile, whatever becomes of their calls.

The servers here have next to no budget for frames without a request, and none that fills with time: what
ordinary clients send must cost none of it, or it would add up to the end of a connection.
"""

import struct
import threading
import time

import grpc
import pytest

from grpc_server import serving
from raw import (DATA, END_STREAM, PING, RST_STREAM, WINDOW_UPDATE, Connection, frame,
                 http2_frame)

THREADS = 4
BUDGET = 40


@pytest.fixture
def server():
    with serving(controlFrameBurst=BUDGET, controlFramesPerSecond=0) as server:
        yield server


class Channel:
    """A channel of grpcio, and a stream that is open as long as its first connection lives."""

    def __init__(self, server):
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{server.port}", [("grpc.use_local_subchannel_pool", 1)])
        self.feed = threading.Event()
        self.stream = self.channel.stream_stream("/test.Echo/Patient")(self.requests())
        assert next(self.stream) == b"open"

    def requests(self):
        yield b"open"
        self.feed.wait()
        yield b"still open"

    def check(self):
        """The first connection lives."""
        self.feed.set()
        assert next(self.stream) == b"still open"
        self.channel.close()

    def method(self, name):
        return self.channel.unary_unary(f"/test.Echo/{name}")

    def stream_method(self, name):
        return self.channel.unary_stream(f"/test.Echo/{name}")


def in_threads(body):
    failures = []

    def run():
        try:
            body()
        except Exception as failure:  # for the thread that waits
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def status(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code()


def errors(channel):
    fail = channel.method("Fail")
    for _ in range(400):
        assert status(lambda: fail(b"no")) == grpc.StatusCode.DATA_LOSS


def unknown_methods(channel):
    missing = channel.method("Missing")
    for _ in range(400):
        assert status(lambda: missing(b"")) == grpc.StatusCode.UNIMPLEMENTED


def answers(channel):
    echo = channel.method("Unary")
    for _ in range(400):
        assert echo(b"x" * 100) == b"x" * 100


def large_answers(channel):
    zeros = channel.method("Zeros")
    for _ in range(20):
        assert len(zeros(b"1000000")) == 1_000_000


def large_requests(channel):
    echo = channel.method("Unary")
    for _ in range(20):
        assert len(echo(b"x" * 500_000)) == 500_000


def timeouts(channel):
    hang = channel.method("Hang")
    for number in range(200):
        deadline = (1 + number % 5) / 1000
        assert status(lambda: hang(b"", timeout=deadline)) == grpc.StatusCode.DEADLINE_EXCEEDED


def cancellations(channel):
    hang = channel.method("Hang")
    for number in range(300):
        call = hang.future(b"")
        time.sleep(number % 3 / 1000)
        call.cancel()


def many_cancellations_at_once(channel):
    hang = channel.method("Hang")
    calls = [hang.future(b"") for _ in range(300)]
    # They have reached the server, or most of them.
    channel.method("Unary")(b"")
    for call in calls:
        call.cancel()


def streams(channel):
    produce = channel.stream_method("Produce")
    for _ in range(200):
        assert sum(1 for _ in produce(b"10 10")) == 10


def streams_that_are_left(channel):
    produce = channel.stream_method("Produce")
    for _ in range(200):
        call = produce(b"1000 100")
        assert next(call)
        call.cancel()


PATTERNS = [errors, unknown_methods, answers, large_answers, large_requests, timeouts, cancellations,
            many_cancellations_at_once, streams, streams_that_are_left]


@pytest.mark.parametrize("pattern", PATTERNS, ids=[pattern.__name__ for pattern in PATTERNS])
def test_a_client_of_grpcio(server, pattern):
    channel = Channel(server)
    in_threads(lambda: pattern(channel))
    channel.check()


def test_all_of_it_at_once(server):
    channel = Channel(server)
    runs = [threading.Thread(target=pattern, args=[channel]) for pattern in PATTERNS]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    channel.check()


# ---------------------------------------------------------------------------------------------
# Habits of other libraries, frame by frame


def update(stream):
    return http2_frame(WINDOW_UPDATE, struct.pack(">I", 1), stream=stream)


def test_resets_after_an_early_end(server):
    """Go's client resets each stream that the server ended before it had ended it itself."""
    connection = Connection(server.port)
    for _ in range(300):
        stream = connection.open("/test.Echo/Missing")
        assert connection.answer(stream).grpc_status == "12"
        connection.send_raw(http2_frame(RST_STREAM, struct.pack(">I", 0), stream=stream))
    assert connection.goaway is None
    assert connection.call("/test.Echo/Unary", frame(b"x")).grpc_status == "0"
    connection.close()


def test_a_ping_for_each_read(server):
    """Java's client measures the round trip with a ping whenever data has come and none is out."""
    connection = Connection(server.port)
    answer = connection.call("/test.Echo/Zeros", frame(b"1000000"))
    assert answer.grpc_status == "0"
    for number in range(100):
        connection.send_raw(http2_frame(PING, struct.pack(">Q", number)))
    assert connection.call("/test.Echo/Unary", frame(b"x")).grpc_status == "0"
    assert connection.goaway is None
    connection.close()


def test_window_updates_with_each_call(server):
    """Some open the windows of each stream and of the connection as they begin it."""
    connection = Connection(server.port)
    for _ in range(300):
        stream = connection.open("/test.Echo/Fail")
        connection.h2.send_data(stream, frame(b"no"), end_stream=True)
        connection.send_raw(update(stream) + update(0) + update(0))
        assert connection.answer(stream).grpc_status == "15"
    assert connection.goaway is None
    connection.close()


def test_empty_data_ends_requests(server):
    """gun ends a request with an empty DATA frame of its own."""
    connection = Connection(server.port)
    for _ in range(300):
        stream = connection.open("/test.Echo/Unary")
        connection.h2.send_data(stream, frame(b"x"))
        connection.send_raw(http2_frame(DATA, b"", flags=END_STREAM, stream=stream))
        answer = connection.answer(stream)
        assert answer.grpc_status == "0"
    assert connection.goaway is None
    connection.close()


def test_a_flood_ends_the_connection_all_the_same(server):
    connection = Connection(server.port)
    assert connection.call("/test.Echo/Unary", frame(b"x")).grpc_status == "0"
    connection.send_raw(update(0) * (BUDGET + 100))
    connection.until_closed()
    assert connection.goaway_reason == b"too_many_control_frames"
    connection.close()
