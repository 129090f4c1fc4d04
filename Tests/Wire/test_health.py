"""grpc.health.v1.Health, through the client that grpcio ships for it."""

import grpc
import pytest
from grpc_health.v1 import health_pb2 as health
from grpc_health.v1.health_pb2_grpc import HealthStub

import conformance
from bridge import CALL_TIMEOUT, CODE, Session, WATCH_TIMEOUT, start_host

BRIDGE = "snakepit.bridge.BridgeService"
STATUS = health.HealthCheckResponse


@pytest.fixture
def stub(host):
    return HealthStub(host.channel())


def request(service):
    return health.HealthCheckRequest(service=service)


@pytest.mark.parametrize("service", ["", BRIDGE])
def test_check(stub, service):
    assert stub.Check(request(service), timeout=CALL_TIMEOUT).status == STATUS.SERVING


@pytest.mark.parametrize("service", ["snakepit.bridge", BRIDGE.lower(), "grpc.health.v1.Health"])
def test_check_of_an_unknown_service(stub, service):
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(request(service), timeout=CALL_TIMEOUT)
    assert caught.value.code() == CODE.NOT_FOUND
    assert service in caught.value.details()


def test_list(stub):
    answer = stub.List(health.HealthListRequest(), timeout=CALL_TIMEOUT)
    assert {name: each.status for name, each in answer.statuses.items()} == {
        "": STATUS.SERVING, BRIDGE: STATUS.SERVING}


@pytest.mark.parametrize("service, status", [
    ("", STATUS.SERVING), (BRIDGE, STATUS.SERVING), ("nobody", STATUS.SERVICE_UNKNOWN)])
def test_watch_tells_the_present_status_at_once(stub, service, status):
    watch = stub.Watch(request(service), timeout=CALL_TIMEOUT)
    assert next(watch).status == status
    # It goes on: nothing else comes, and no end.
    watch.cancel()
    with pytest.raises(grpc.RpcError) as caught:
        next(watch)
    assert caught.value.code() == CODE.CANCELLED


def test_watch_tells_each_change_and_nothing_else():
    empty = conformance.message("grpc.testing.Empty")()
    with conformance.start_server("--port", "0") as server, server.channel() as channel:
        control = conformance.Stub(channel, "grpc.testing.XdsUpdateHealthService")
        stub = HealthStub(channel)
        tested = [stub.Watch(request("grpc.testing.TestService"), timeout=WATCH_TIMEOUT)
                  for _ in range(20)]
        other = stub.Watch(request("other"), timeout=WATCH_TIMEOUT)
        assert {next(watch).status for watch in [*tested, other]} == {STATUS.SERVICE_UNKNOWN}
        # What is set again is no change.
        for change, status in [
                (control.SetServing, STATUS.SERVING), (control.SetServing, None),
                (control.SetNotServing, STATUS.NOT_SERVING), (control.SetServing, STATUS.SERVING)]:
            change(empty, timeout=CALL_TIMEOUT)
            if status is not None:
                assert {next(watch).status for watch in tested} == {status}
        assert stub.Check(request("grpc.testing.TestService")).status == STATUS.SERVING
        other.cancel()
        assert list(statuses_until_the_end(other)) == []


def statuses_until_the_end(watch):
    try:
        yield from (response.status for response in watch)
    except grpc.RpcError as error:
        assert error.code() == CODE.CANCELLED


def test_a_drain_is_told_before_the_end():
    with start_host("--grace", "60") as host:
        stub = HealthStub(host.channel())
        watches = [stub.Watch(request(service), timeout=WATCH_TIMEOUT)
                   for service in ("", BRIDGE, "nobody")]
        assert [next(watch).status for watch in watches] == [
            STATUS.SERVING, STATUS.SERVING, STATUS.SERVICE_UNKNOWN]
        host.terminate()
        for watch in watches[:2]:
            assert next(watch).status == STATUS.NOT_SERVING
        # An open watch does not keep the host for its grace period of a minute.
        for watch in watches:
            with pytest.raises(grpc.RpcError) as caught:
                next(watch)
            assert caught.value.code() == CODE.UNAVAILABLE
        assert host.wait() == 0


def test_a_drain_is_told_while_calls_are_open():
    with start_host("--grace", "60") as host:
        stub = HealthStub(host.channel())
        session = Session(host.stub())
        stream = session.stream("countdown", **{"from": 10, "interval_ms": 100})
        next(stream)
        watch = stub.Watch(request(BRIDGE), timeout=WATCH_TIMEOUT)
        assert next(watch).status == STATUS.SERVING
        host.terminate()
        assert next(watch).status == STATUS.NOT_SERVING
        assert list(stream)[-1].is_final
        assert host.wait() == 0


def test_a_request_that_is_no_request(host):
    call = host.channel().unary_unary("/grpc.health.v1.Health/Check")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"\xff\xff", timeout=CALL_TIMEOUT)
    assert caught.value.code() == CODE.INTERNAL
    with pytest.raises(grpc.RpcError) as caught:
        call(bytes(100_000), timeout=CALL_TIMEOUT)
    assert caught.value.code() == CODE.RESOURCE_EXHAUSTED
