"""Clients of the host that do nothing wrong, at full rate beside a watch: none may lose its connection.

Each pattern runs for two seconds; BRIDGE_BUSY_SECONDS lets each run for longer.
"""

import asyncio
import os
import threading
import time

import grpc
import pytest

from stubs import pb, rpc

SECONDS = float(os.environ.get("BRIDGE_BUSY_SECONDS", "2"))
THREADS = 4


def ping(stub, number):
    stub.Ping(pb.PingRequest(message=str(number)), timeout=30)


def fail(stub, number):
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetVariable(pb.GetVariableRequest(
            session_id="busy", variable_identifier=f"none-{number}"), timeout=30)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND, caught.value


def pass_its_deadline(stub, number):
    try:
        stub.Ping(pb.PingRequest(message="x" * (number % 2000)), timeout=0.0005)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error


def cancel(stub, number):
    call = stub.Ping.future(pb.PingRequest(message=str(number)))
    if number % 2:
        time.sleep(0.0002)
    call.cancel()


def watch_and_leave(stub, number):
    watch = stub.WatchVariables(pb.WatchVariablesRequest(
        session_id="busy", include_initial_values=True), timeout=30)
    next(watch)
    watch.cancel()


@pytest.fixture
def busy(host):
    """A session with a variable, and a watch on the connection that is to be kept busy."""
    with grpc.insecure_channel(host.target, options=[
            ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]) as channel:
        stub = rpc.BridgeServiceStub(channel)
        stub.InitializeSession(pb.InitializeSessionRequest(session_id="busy"))
        request = pb.RegisterVariableRequest(session_id="busy", name="v", type="integer")
        request.initial_value.value = b"0"
        stub.RegisterVariable(request)
        watch = stub.WatchVariables(pb.WatchVariablesRequest(
            session_id="busy", include_initial_values=True))
        next(watch)
        yield channel, watch
        watch.cancel()
        # Also when the test has lost the connection.
        rpc.BridgeServiceStub(host.channel()).CleanupSession(pb.CleanupSessionRequest(session_id="busy", force=True))


@pytest.mark.parametrize(
    "pattern", [
        ping, fail, pass_its_deadline, cancel, watch_and_leave], ids=lambda p: p.__name__)
def test_threads_of_grpcio(busy, pattern):
    channel, watch = busy
    stub = rpc.BridgeServiceStub(channel)
    end = time.monotonic() + SECONDS
    errors, counts = [], []

    def work():
        count = 0
        try:
            while time.monotonic() < end and not errors:
                pattern(stub, count)
                count += 1
        except BaseException as error:
            errors.append(error)
        counts.append(count)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    assert sum(counts) > 0
    ping(stub, 0)
    # The watch lives: so does its connection, from beginning to end.
    assert watch.is_active(), (watch.code(), watch.details())


def test_tasks_of_grpcio(busy, host):
    """All patterns at once from asyncio, on one connection with a watch."""

    async def work():
        async with grpc.aio.insecure_channel(host.target, options=[
                ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]) as channel:
            stub = rpc.BridgeServiceStub(channel)
            watch = stub.WatchVariables(pb.WatchVariablesRequest(
                session_id="busy", include_initial_values=True))
            await watch.read()
            end = time.monotonic() + SECONDS
            codes = set()

            async def repeat(call):
                while time.monotonic() < end:
                    try:
                        await call()
                    except grpc.aio.AioRpcError as error:
                        codes.add(error.code())
                    except asyncio.CancelledError:
                        pass

            async def cancelled():
                call = stub.Ping(pb.PingRequest(message="x"))
                await asyncio.sleep(0)
                call.cancel()
                await call

            async def left():
                stream = stub.WatchVariables(pb.WatchVariablesRequest(
                    session_id="busy", include_initial_values=True))
                await stream.read()
                stream.cancel()

            await asyncio.gather(*(repeat(call) for call in 4 * [
                lambda: stub.Ping(pb.PingRequest(message="x"), timeout=30),
                lambda: stub.Ping(pb.PingRequest(message="x"), timeout=0.0005),
                lambda: stub.GetVariable(pb.GetVariableRequest(
                    session_id="busy", variable_identifier="none"), timeout=30),
                cancelled, left]))
            assert codes <= {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DEADLINE_EXCEEDED,
                             grpc.StatusCode.CANCELLED}, codes
            assert not watch.done(), (await watch.code(), await watch.details())
            watch.cancel()

    asyncio.run(work())
