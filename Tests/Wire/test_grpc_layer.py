"""The gRPC layer alone, through a server that has nothing but its public interface."""

import os
import pathlib
import re
import subprocess
import threading
import time

import grpc
import pytest

SERVER = pathlib.Path(
    os.environ.get("BRIDGE_HOST", ".build/debug/bridge-host")).resolve().parent / "GRPCTestServer"


@pytest.fixture(scope="module")
def server():
    process = subprocess.Popen([SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = re.match(r"GRPC_READY:(\d+)", process.stdout.readline()).group(1)
    with grpc.insecure_channel(
            f"127.0.0.1:{port}",
            options=[("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)],
    ) as channel:
        channel.pid = process.pid
        yield channel
    process.stdin.close()
    assert process.wait(20) == 0


def unary(channel, method):
    return channel.unary_unary(f"/test.Echo/{method}")


def resident_bytes(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024


@pytest.mark.parametrize("size", [0, 1, 16_384, 65_535, 65_536, 3_000_000])
def test_unary(server, size):
    message = os.urandom(size)
    assert unary(server, "Unary")(message, timeout=20) == message


def test_metadata_both_ways(server):
    call = unary(server, "Unary").with_call
    answer, details = call(b"x", timeout=20, metadata=[
        ("x-echo", "one"), ("x-echo", "two"), ("x-echo-bin", b"\x00\xff\x01")])
    assert answer == b"x"
    assert [v for k, v in details.initial_metadata() if k == "x-echo"] in (["one", "two"], ["one,two"])
    assert dict(details.trailing_metadata())["x-echo-bin"] == b"\x00\xff\x01"


def test_errors_carry_message_details_and_metadata(server):
    with pytest.raises(grpc.RpcError) as caught:
        unary(server, "Fail")("50% lost: ä\n".encode(), timeout=20)
    error = caught.value
    assert error.code() == grpc.StatusCode.DATA_LOSS
    assert error.details() == "50% lost: ä\n"
    trailers = dict(error.trailing_metadata())
    assert trailers["x-reason"] == "because"
    assert trailers["grpc-status-details-bin"] == b"\x01\x02\x03"


def test_bidirectional_answers_each_request_as_it_comes(server):
    asked = threading.Semaphore(0)

    def requests():
        for number in range(100):
            asked.acquire(timeout=20)
            yield b"%d" % number

    answers = server.stream_stream("/test.Echo/Each")(requests(), timeout=60)
    for number in range(100):
        asked.release()
        assert next(answers) == b"%d" % number
    assert list(answers) == []
    assert answers.code() == grpc.StatusCode.OK


def test_client_stream(server):
    messages = [os.urandom(n) for n in (0, 1, 100_000, 5)]
    answer = server.stream_unary("/test.Echo/Collect")(iter(messages), timeout=20)
    assert answer == b"4 100006"
    assert server.stream_unary("/test.Echo/Collect")(iter([]), timeout=20) == b"0 0"


def test_server_stream_in_full(server):
    answers = list(server.unary_stream("/test.Echo/Produce")(b"2000 5000", timeout=60))
    assert len(answers) == 2000
    assert set(map(len, answers)) == {5000}


def test_a_slow_reader_holds_the_producer_back(server):
    before = resident_bytes(server.pid)
    streams = [server.unary_stream("/test.Echo/Produce")(b"1000 100000", timeout=120)
               for _ in range(10)]
    for stream in streams:
        assert len(next(stream)) == 100_000
    time.sleep(1)
    # 10 streams of 100 MB each: all but what windows and buffers hold is still to be made.
    assert resident_bytes(server.pid) - before < 100_000_000
    assert unary(server, "Unary")(b"others go on", timeout=20) == b"others go on"
    assert sum(1 for _ in streams[0]) == 999
    for stream in streams:
        stream.cancel()


def test_deadlines_and_cancellation_reach_the_handler(server):
    def cancellations():
        return int(unary(server, "Cancellations")(b"", timeout=20))

    before = cancellations()
    with pytest.raises(grpc.RpcError) as caught:
        unary(server, "Hang")(b"", timeout=0.2)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    call = unary(server, "Hang").future(b"", timeout=60)
    time.sleep(0.2)
    call.cancel()
    deadline = time.monotonic() + 20
    while cancellations() < before + 2:
        assert time.monotonic() < deadline, "the handler was not told"
        time.sleep(0.02)


def test_a_call_may_ignore_its_deadline(server):
    # The client's own timer ends the call: the server, which says so in other words, must not.
    asked = threading.Event()

    def requests():
        asked.wait(20)
        yield b"late"

    answers = server.stream_stream("/test.Echo/Patient")(requests(), timeout=1)
    with pytest.raises(grpc.RpcError) as caught:
        next(answers)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert "the call's deadline passed" not in caught.value.details()
    asked.set()


def test_a_thousand_calls_at_once(server):
    calls = [unary(server, "Unary").future(b"%d" % n, timeout=60) for n in range(1000)]
    assert [call.result() for call in calls] == [b"%d" % n for n in range(1000)]
