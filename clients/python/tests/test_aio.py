"""The client for asyncio; what it shares with the other is tested there."""

import asyncio
import inspect

import numpy
import pytest

import bridge_host
from bridge_host import Transaction, aio
from conftest import Host, proxied, running, unique


def with_session(host):
    """Runs a test with a session of its own."""
    def run(test):
        async def main():
            async with aio.connect(host.address) as client:
                session = await client.session(unique(), new=True)
                await asyncio.wait_for(test(client, session), 60)
                await session.end()

        asyncio.run(main())

    return run


def test_the_names_are_the_same():
    for ours, theirs in ((aio.Client, bridge_host.Client), (aio.Session, bridge_host.Session),
                         (aio.ToolStream, bridge_host.ToolStream), (aio.Watch, bridge_host.Watch)):
        def public(kind):
            return {name for name in vars(kind) if not name.startswith("_")}

        # A task is what `start` is for threads.
        assert public(theirs) - public(ours) == ({"start"} if theirs is bridge_host.Session else set())
        assert public(ours) <= public(theirs)
        for name in public(ours):
            if inspect.isfunction(getattr(ours, name)):
                assert list(inspect.signature(getattr(ours, name)).parameters.values()) == list(
                    inspect.signature(getattr(theirs, name)).parameters.values()), name


def test_sessions_and_variables(host):
    @with_session(host)
    async def _(client, session):
        assert await client.ping("x") == "pong: x"
        assert session.id in await client.sessions() and session.client is client
        assert (await session.info()).epoch == session.epoch and await session.heartbeat()
        variable = await session.register("x", "integer", 1, constraints={"min": 0})
        assert await session.set("x", 2, expected_version=variable.version) == 2
        with pytest.raises(bridge_host.VersionMismatch):
            await session.set("x", 3, expected_version=1)
        assert (await session.get("x")).value == 2
        await asyncio.gather(*(session.update("x", lambda value: value + 1) for _ in range(30)))
        assert (await session.get("x")).value == 32
        await session.register("t", "tensor", numpy.eye(50, dtype="float32"))
        assert ((await session.get("t")).value == numpy.eye(50, dtype="float32")).all()
        assert await session.set_many({"x": 5}) == {"x": 33}
        with pytest.raises(bridge_host.BatchError):
            await session.set_many({"x": 5, "y": 1})
        assert set(await session.get_many(["x", "y"])) == {"x"}
        assert [v.name for v in await session.list()] == ["x", "t"]
        assert [entry.value for entry in await session.history("x", 2)] == [5, 32]
        assert (await session.rollback("x", 32)).value == 32
        await session.apply(Transaction().delete("t").create("y", "float", 1.0))
        await session.depend("y", on="x")
        assert await session.set_constraints("x", {}) == 35
        copy = await client.import_session(await session.export(), unique("copy"))
        assert (await copy.get("x")).value == 32 and copy.epoch
        await copy.end()
        await session.delete("x")
        with pytest.raises(bridge_host.NotFound):
            await session.get("x")
        assert session.id in repr(session) and session.id in session._repr_html_()


def test_tools_and_streams(host):
    @with_session(host)
    async def _(client, session):
        assert "echo" in await session.tools()
        assert await session.call("echo", text="x") == "x"
        assert await asyncio.gather(*(session.call("echo", text=str(n)) for n in range(50))) == [
            str(n) for n in range(50)]
        with pytest.raises(bridge_host.ToolError):
            await session.call("arithmetic", operation="divide", a=1, b=0)
        with pytest.raises(bridge_host.DeadlineExceeded):
            await session.call("wait_for_variable", variable="x", target=1.0, timeout=0.05)
        stream = session.stream("countdown", {"from": 3}, progress=True)
        chunks = [chunk async for chunk in stream]
        assert [chunk.value for chunk in chunks if chunk.data] == [3, 2, 1] and stream.result == 3
        async with session.stream("countdown", {"from": 9, "interval_ms": 60_000}) as stream:
            assert (await stream.__anext__()).value == 9
        assert [chunk async for chunk in stream] == []
        with pytest.raises(bridge_host.InvalidArgument):
            async for _ in session.stream("countdown", {"from": -1}):
                pass


def test_a_cancelled_task_cancels_the_tool(host):
    @with_session(host)
    async def _(client, session):
        task = asyncio.ensure_future(session.call("wait_for_variable", variable="x", target=1.0))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await client.ping()


def test_watches(host):
    @with_session(host)
    async def _(client, session):
        await session.register("x", "integer", 0)
        watch = await session.watch(["x"])
        assert [(await watch.__anext__()).type for _ in range(2)] == ["initial_value", "synced"]
        # A wait that is given up takes no update with it, and the stream stays.
        stream = watch._call
        for number in range(1, 30):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(watch.__anext__(), 0.001)
            await session.set("x", number)
            assert (await watch.__anext__()).value == number
        assert watch._call is stream
        for number in range(20):
            async with await session.watch(initial=False) as other:
                await session.set("x", number)
                assert (await other.__anext__()).value == number
        waiting = asyncio.ensure_future(_all(other := await session.watch(initial=False)))
        await asyncio.sleep(0.05)
        other.close()
        assert await waiting == []
        with pytest.raises(bridge_host.InvalidArgument):
            await session.watch(["x" * 300], initial=False)
        last = await session.watch(initial=False)
        await session.end()
        assert [update.type for update in await _all(last)] == ["session_closed"]


async def _all(watch):
    return [update async for update in watch]


def test_a_closed_client(host):
    async def main():
        client = aio.connect(host.address)
        session = await client.session(unique())
        watch = await session.watch(initial=False)
        waiting = asyncio.ensure_future(_all(watch))
        calling = asyncio.ensure_future(session.call("wait_for_variable", variable="x", target=1.0))
        await asyncio.sleep(0.1)
        await client.close()
        assert await waiting == []
        with pytest.raises(bridge_host.Cancelled):
            await calling
        with pytest.raises(bridge_host.Cancelled):
            await client.ping()

    asyncio.run(main())


def test_cut_connections_and_restarts():
    async def main():
        first = Host()
        with proxied(first.port) as proxy:
            async with aio.connect(proxy.address) as client, aio.connect(first.address) as direct:
                writer = await direct.session("s", new=True)
                await writer.register("x", "integer", 0)
                watch = await aio.Session(client, "s").watch(["x"], initial=False, backoff=(0.01, 0.05))
                for number in range(1, 101):
                    await writer.set("x", number)
                    if number % 25 == 0:
                        proxy.cut()
                assert [(await watch.__anext__()).value for _ in range(100)] == list(range(1, 101))
                assert proxy.connections > 1
                first.kill()
                proxy.cut()
                with running() as second:
                    proxy.port = second.port
                    async with aio.connect(second.address) as again:
                        writer = await again.session("s")
                        await writer.register("x", "integer", 7)
                        assert (await watch.__anext__()).type == "gap"
                        while (await watch.__anext__()).value != 7:
                            pass
                    watch.close()

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_host_that_is_not_there(tmp_path):
    async def main():
        async with aio.connect(f"unix:{tmp_path}/nothing") as client:
            with pytest.raises(bridge_host.Unavailable):
                await client.ping()
            watch = await aio.Session(client, "s").watch(attempts=2, backoff=(0.01, 0.02))
            with pytest.raises(bridge_host.Unavailable):
                await watch.__anext__()

    asyncio.run(main())
