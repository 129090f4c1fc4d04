"""StreamTelemetry: what Elixir is told of calls, and how it says what it wants."""

import contextlib
import queue
import signal
import socket
import threading

import grpc
import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest

from bridge import CALL_TIMEOUT, CODE, eventually, plugin_directory
from elixir import V13, Elixir, started
from stubs import pb

# What Elixir takes: it drops every other name, and an event with another measurement, without a word.
KEYS = {
    "duration", "duration_ms", "bytes", "system_time", "queue_depth", "queue_time",
    "available_workers", "busy_workers", "total_workers", "worker_count", "lifetime",
    "total_commands", "command_count", "downtime", "restart_count", "retry_count", "request_size",
    "response_size", "message_size", "sequence_number", "message_count", "network_time", "uptime",
    "call_count", "affinity_duration", "commands_with_affinity", "rss_bytes", "vms_bytes",
    "cpu_percent", "collected", "generation", "latency_ms", "count", "python_pid"}
NAMES = {
    "python.call.start", "python.call.stop", "python.call.exception", "python.memory.sampled",
    "python.cpu.sampled", "python.gc.completed", "python.error.occurred", "tool.execution.start",
    "tool.execution.stop", "tool.execution.exception", "tool.result_size"}

OFF = pb.TelemetryControl(toggle=pb.TelemetryToggle(enabled=False))
ON = pb.TelemetryControl(toggle=pb.TelemetryToggle(enabled=True))


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    return plugin_directory(tmp_path_factory.mktemp("plugins"), "worker.c")


@pytest.fixture(scope="module")
def worker(tools, tmp_path_factory):
    with started(V13, plugins=tools, directory=tmp_path_factory.mktemp("ready")) as worker:
        yield worker


class Stream:
    """An open stream, as Snakepit has it: the first control switches it on."""

    def __init__(self, stub, first=ON):
        self.controls = queue.Queue()
        self.events = queue.Queue()
        self.controls.put(first)
        self.call = stub.StreamTelemetry(iter(self.controls.get, None))
        # Elixir goes on when these come.
        self.call.initial_metadata()
        self.error = None
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            for event in self.call:
                self.events.put(event)
        except grpc.RpcError as error:
            self.error = error
        self.ended.set()

    def tell(self, **control):
        self.controls.put(pb.TelemetryControl(**control))

    def next(self, name=None, tool=None):
        """The next event of a name and tool; the others are passed over."""
        while True:
            event = self.events.get(timeout=CALL_TIMEOUT)
            full = ".".join(event.event_parts)
            assert full in NAMES and set(event.measurements) <= KEYS, event
            if name in (None, full) and tool in (None, event.metadata.get("tool")):
                return event

    def close(self):
        self.call.cancel()
        assert self.ended.wait(CALL_TIMEOUT)


@contextlib.contextmanager
def stream(stub, first=ON):
    stream = Stream(stub, first)
    try:
        yield stream
    finally:
        stream.close()


@pytest.fixture
def events(worker):
    with stream(worker.stub) as events:
        yield events


def test_a_call(worker, events):
    worker.call("reveal", value="x" * 100, metadata={"correlation_id": "c-7"})
    start = events.next("python.call.start", "reveal")
    assert start.correlation_id == "c-7"
    assert start.metadata["session_id"] == worker.session
    assert start.metadata["plugin"] == "worker"
    assert start.measurements["count"].int_value == 1
    assert abs(start.measurements["system_time"].int_value - start.timestamp_ns) < 60e9
    assert events.next("tool.execution.start", "reveal").correlation_id == "c-7"
    assert events.next("tool.result_size", "reveal").measurements["message_size"].int_value == 102
    stop = events.next("tool.execution.stop", "reveal")
    assert stop.measurements["duration"].int_value > 0
    assert stop.correlation_id == "c-7"
    assert events.next("python.call.stop", "reveal").measurements["count"].int_value == 1


def test_a_failure(worker, events):
    worker.call("refuses")
    for name in ["tool.execution.exception", "python.call.exception"]:
        event = events.next(name, "refuses")
        assert event.metadata["error_type"] == "ColdError"
        assert event.metadata["error_code"] == "9"


def test_a_stream_of_a_tool(worker, events):
    worker.stream("chunks")
    assert events.next("tool.execution.stop", "chunks").metadata["streaming"] == "true"


def test_memory(events):
    sample = events.next("python.memory.sampled")
    assert sample.measurements["rss_bytes"].int_value > 1_000_000
    assert sample.measurements["vms_bytes"].int_value > sample.measurements["rss_bytes"].int_value


def test_calls_of_tools_of_elixir(tools, tmp_path):
    elixir = Elixir().start()
    elixir.expose("half", lambda context, depth: depth / 2)
    try:
        with started(V13, elixir, plugins=tools, directory=tmp_path) as worker:
            with stream(worker.stub) as events:
                worker.call("ask", tool="half", depth=3, metadata={"correlation_id": "c"})
                start = events.next("tool.execution.start", "half")
                assert start.metadata["depth"] == "1" and start.metadata["plugin"] == "elixir"
                assert start.correlation_id == "c"
                events.next("tool.execution.stop", "half")
                # A tool's call is no client's.
                assert events.next("python.call.stop").metadata["tool"] == "ask"
    finally:
        elixir.stop()


def until(worker, events, is_so):
    """Calls until the events of one call are as they should be: controls travel apart from calls."""
    def look():
        while not events.events.empty():
            events.events.get()
        worker.call("reveal", value=1)
        # The end of another call's events, in another stream, would not order this one.
        names = []
        with contextlib.suppress(queue.Empty):
            while True:
                names.append(".".join(events.events.get(timeout=0.3).event_parts))
        return is_so([name for name in names if not name.endswith(".sampled")])
    eventually(look, "events as they were asked for")


def test_toggling(worker):
    with stream(worker.stub, OFF) as events:
        until(worker, events, lambda names: names == [])
        events.tell(toggle=pb.TelemetryToggle(enabled=True))
        until(worker, events, lambda names: len(names) == 5)
        events.tell(toggle=pb.TelemetryToggle(enabled=False))
        until(worker, events, lambda names: names == [])


def test_sampling(worker, events):
    events.tell(sampling=pb.TelemetrySamplingUpdate(sampling_rate=0, event_patterns=["python.*"]))
    until(worker, events, lambda names: names == [
        "tool.execution.start", "tool.result_size", "tool.execution.stop"])
    events.tell(sampling=pb.TelemetrySamplingUpdate(sampling_rate=0))
    until(worker, events, lambda names: names == [])
    events.tell(sampling=pb.TelemetrySamplingUpdate(sampling_rate=1))
    until(worker, events, lambda names: len(names) == 5)


def test_filters(worker, events):
    events.tell(filter=pb.TelemetryEventFilter(allow=["tool.*"], deny=["*.stop"]))
    until(worker, events, lambda names: names == ["tool.execution.start", "tool.result_size"])
    events.tell(filter=pb.TelemetryEventFilter())
    until(worker, events, lambda names: len(names) == 5)


def test_listeners_have_filters_of_their_own(worker, events):
    with stream(worker.stub, OFF):
        until(worker, events, lambda names: len(names) == 5)


def test_too_many_patterns(worker):
    events = Stream(worker.stub)
    events.tell(filter=pb.TelemetryEventFilter(allow=["x"] * 101))
    assert events.ended.wait(CALL_TIMEOUT)
    assert events.error.code() == CODE.INVALID_ARGUMENT


def test_too_many_streams(worker):
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(stream(worker.stub))
        with pytest.raises(grpc.RpcError) as caught:
            next(worker.stub.StreamTelemetry(iter([ON])))
        assert caught.value.code() == CODE.RESOURCE_EXHAUSTED

    def is_free():
        try:
            with stream(worker.stub):
                return True
        except grpc.RpcError:
            return False

    eventually(is_free, "a stream that has ended makes room")


def test_telemetry_of_a_server(stub, host, session):
    with stream(stub) as events:
        session.call("echo", text="x")
        events.next("python.call.stop", "echo")


class Raw:
    """A stream over a connection of the test's own, which reads when it likes."""

    def __init__(self, worker, timeout, window):
        self.connection = h2.connection.H2Connection(
            h2.config.H2Configuration(header_encoding="utf-8"))
        self.connection.local_settings = h2.settings.Settings(
            client=True, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.peer = socket.create_connection((worker.host, worker.port), CALL_TIMEOUT)
        self.connection.initiate_connection()
        self.connection.send_headers(1, [
            (":method", "POST"), (":scheme", "http"), (":authority", "x"),
            (":path", "/snakepit.bridge.BridgeService/StreamTelemetry"), ("te", "trailers"),
            ("content-type", "application/grpc"), ("grpc-timeout", timeout)])
        control = ON.SerializeToString()
        self.connection.send_data(1, b"\0" + len(control).to_bytes(4, "big") + control)
        self.data = b""
        self.has_headers = False
        self.trailers = None
        self.send()

    def send(self):
        self.peer.sendall(self.connection.data_to_send())

    def read(self, until):
        while not until():
            received = self.peer.recv(1 << 16)
            assert received, "the connection was closed"
            for event in self.connection.receive_data(received):
                if isinstance(event, h2.events.DataReceived):
                    self.data += event.data
                    if event.flow_controlled_length:
                        self.connection.acknowledge_received_data(
                            event.flow_controlled_length, 1)
                elif isinstance(event, h2.events.ResponseReceived):
                    self.has_headers = True
                elif isinstance(event, h2.events.TrailersReceived):
                    self.trailers = dict(event.headers)
            self.send()

    @property
    def messages(self):
        found, rest = [], self.data
        while len(rest) >= 5 and len(rest) >= 5 + int.from_bytes(rest[1:5], "big"):
            size = int.from_bytes(rest[1:5], "big")
            found.append(pb.TelemetryEvent.FromString(rest[5:5 + size]))
            rest = rest[5 + size:]
        return found


def test_the_timeout_that_opening_has_does_not_end_the_stream(worker):
    """Elixir gives it five seconds, and means it to last."""
    raw = Raw(worker, "1n", 1 << 20)
    try:
        raw.read(lambda: raw.has_headers)
        for _ in range(3):
            count = len(raw.messages)
            worker.call("reveal", value=1)
            raw.read(lambda: len(raw.messages) > count + 3)
        assert raw.trailers is None
    finally:
        raw.peer.close()


def test_what_is_not_read_is_bounded(tools, tmp_path):
    with started(V13, plugins=tools, directory=tmp_path) as worker:
        raw = Raw(worker, "5S", 0)
        try:
            raw.read(lambda: raw.has_headers)
            # Five events each, of which 1,024 wait.
            for _ in range(400):
                worker.call("reveal", value=1)
            raw.connection.increment_flow_control_window(1 << 22, 1)
            raw.send()
            raw.read(lambda: len(raw.messages) >= 1024)
            eventually(lambda: "telemetry events were lost" in worker.output, "a word of the loss")
            worker.call("reveal", value="later")
            raw.read(lambda: raw.messages[-1].metadata["tool"] == "reveal"
                     and len(raw.messages) >= 1029)
            assert len(raw.messages) < 1500
        finally:
            raw.peer.close()


def test_streams_end_first_at_the_end(tools, tmp_path):
    """Calls may go on; the stream, which never ends by itself, does not hold the end up."""
    elixir = Elixir().start()
    begun, release = threading.Event(), threading.Event()

    def held(context):
        begun.set()
        assert release.wait(CALL_TIMEOUT)
        return "done"

    elixir.expose("held", held)
    try:
        with started(V13, elixir, "--grace", "60", plugins=tools, directory=tmp_path) as worker:
            events = Stream(worker.stub)
            call = worker.stub.ExecuteTool.future(worker.request("held", {}), timeout=CALL_TIMEOUT)
            assert begun.wait(CALL_TIMEOUT)
            worker.process.send_signal(signal.SIGTERM)
            assert events.ended.wait(CALL_TIMEOUT) and events.error is None
            assert not call.done()
            release.set()
            assert call.result().success
            assert worker.wait() == 0
    finally:
        release.set()
        elixir.stop()
