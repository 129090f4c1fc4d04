"""Calls as spans of traces, for a collector of OpenTelemetry."""

import concurrent.futures
import threading

import grpc
import pytest

from bridge import CALL_TIMEOUT, eventually, plugin_directory, run_host, start_host
from elixir import V13, Elixir, started
from stubs import trace_pb, trace_rpc

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class Collector(trace_rpc.TraceServiceServicer):
    def __init__(self, address="127.0.0.1:0"):
        self.lock = threading.Condition()
        self.resources = []
        self.spans = []
        self.refusals = []
        self._server = grpc.server(
            concurrent.futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        trace_rpc.add_TraceServiceServicer_to_server(self, self._server)
        port = self._server.add_insecure_port(address)
        assert port
        self.target = f"{address.rpartition(':')[0]}:{port}"

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self._server.stop(0).wait()

    def Export(self, request, context):
        with self.lock:
            if self.refusals:
                context.abort(self.refusals.pop(), "not now")
            for resource in request.resource_spans:
                self.resources.append(resource.resource)
                for scope in resource.scope_spans:
                    self.spans += scope.spans
            self.lock.notify_all()
        return trace_pb.ExportTraceServiceResponse()

    def take(self, count):
        """The next spans, by their names."""
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.spans) >= count, CALL_TIMEOUT)
            spans, self.spans = self.spans[:count], self.spans[count:]
        return {span.name: span for span in spans}


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    return plugin_directory(tmp_path_factory.mktemp("plugins"), "worker.c")


@pytest.fixture(scope="module")
def collector():
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def worker(tools, collector, tmp_path_factory):
    with started(V13, None, "--otlp-endpoint", f"http://{collector.target}", plugins=tools,
                 directory=tmp_path_factory.mktemp("ready")) as worker:
        yield worker


def attributes(span):
    return {attribute.key: attribute.value.string_value for attribute in span.attributes}


def test_a_call_is_a_span(worker, collector):
    worker.call("reveal", value=1)
    span = collector.take(1)["reveal"]
    assert len(span.trace_id) == 16 and len(span.span_id) == 8 and not span.parent_span_id
    assert span.kind == trace_pb.Span.SPAN_KIND_SERVER
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    assert span.status.code == trace_pb.Status.STATUS_CODE_UNSET
    found = attributes(span)
    assert found["bridge.plugin"] == "worker" and found["bridge.session_id"] == worker.session
    resource = {a.key: a.value.string_value for a in collector.resources[-1].attributes}
    assert resource["service.name"] == "bridge-host" and resource["service.version"]


def test_a_failure_is_an_error(worker, collector):
    worker.call("refuses")
    span = collector.take(1)["refuses"]
    assert span.status.code == trace_pb.Status.STATUS_CODE_ERROR
    assert span.status.message == "ColdError"


@pytest.mark.parametrize("by", ["metadata", "header"])
def test_the_clients_trace_goes_on(by, worker, collector):
    parent = f"00-{TRACE}-{PARENT}-01"
    request = worker.request("reveal", {"value": 1},
                             metadata={"traceparent": parent} if by == "metadata" else None)
    worker.stub.ExecuteTool(request, timeout=CALL_TIMEOUT, metadata=(
        [("traceparent", parent)] if by == "header" else None))
    span = collector.take(1)["reveal"]
    assert span.trace_id.hex() == TRACE and span.parent_span_id.hex() == PARENT


def test_a_trace_that_nobody_keeps_is_not_exported(worker, collector):
    worker.call("reveal", value=1, metadata={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    worker.call("nothing")
    assert set(collector.take(1)) == {"nothing"}


def test_work_with_one_id_is_one_trace(worker, collector):
    worker.call("reveal", value=1, metadata={"correlation_id": "w-1"})
    worker.stub.ExecuteTool(worker.request("nothing", {}), timeout=CALL_TIMEOUT,
                            metadata=[("x-snakepit-correlation-id", "w-1")])
    spans = collector.take(2)
    assert spans["reveal"].trace_id == spans["nothing"].trace_id
    assert attributes(spans["nothing"])["bridge.correlation_id"] == "w-1"


def test_elixir_is_told_of_the_trace(tools, collector, tmp_path):
    elixir = Elixir().start()
    elixir.expose("half", lambda context, depth: depth / 2)
    try:
        with started(V13, elixir, "--otlp-endpoint", collector.target, plugins=tools,
                     directory=tmp_path) as worker:
            worker.call("ask", tool="half", depth=1)
            spans = collector.take(2)
            assert spans["half"].trace_id == spans["ask"].trace_id
            assert spans["half"].parent_span_id == spans["ask"].span_id
            assert spans["half"].kind == trace_pb.Span.SPAN_KIND_INTERNAL
            own = f"00-{spans['half'].trace_id.hex()}-{spans['half'].span_id.hex()}-01"
            assert elixir.calls[-1].metadata["traceparent"] == own
    finally:
        elixir.stop()


def test_a_collector_that_is_busy_is_sent_the_same_again(worker, collector):
    collector.refusals.append(grpc.StatusCode.UNAVAILABLE)
    worker.call("reveal", value=1)
    assert set(collector.take(1)) == {"reveal"}
    assert not collector.refusals
    eventually(lambda: "spans are exported again" in worker.output, "a word of it")


def test_what_a_collector_refuses_is_lost(worker, collector):
    collector.refusals.append(grpc.StatusCode.INVALID_ARGUMENT)
    worker.call("reveal", value=1)
    eventually(lambda: "spans were lost" in worker.output, "a word of the loss")
    worker.call("nothing")
    assert set(collector.take(1)) == {"nothing"}


def test_the_last_spans_are_sent_at_the_end(tools, collector):
    """By `serve`, and at once: the host does not wait for its second."""
    with start_host("--otlp-endpoint", collector.target, plugins=tools) as host:
        end = run_host("execute", "--address", host.target, "reveal", "value=1")
        assert end.returncode == 0
    assert set(collector.take(1)) == {"reveal"}


def test_without_a_collector_calls_go_on(tools):
    with start_host("--otlp-endpoint", "127.0.0.1:1", plugins=tools) as host:
        assert run_host("execute", "--address", host.target, "reveal", "value=1").stdout == "1\n"
        eventually(lambda: "spans cannot be exported" in host.stderr_text(), "a word of it")
