"""The client for asyncio: the names of `bridge_host`, with methods that are awaited.

    async with bridge_host.aio.connect("127.0.0.1:50051") as client:
        session = await client.session("experiment")
        await session.set("temperature", 21.5)
        async for update in await session.watch(["temperature"]):
            print(update.name, update.value)

What methods take, answer and raise is told by those of the same name in `bridge_host`. A client belongs to the event
loop that runs when it is made, and so does all that it makes. A task that is cancelled while it awaits a call cancels
the call, and with it the tool.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, List, Optional, TypeVar, Union, cast

import grpc
import grpc.aio

from . import _operations as operations
from . import _types as types
from ._connection import DEFAULT_ADDRESS, TIMEOUT, TLS, Connection, seconds
from ._messages import MESSAGES, METHODS
from ._operations import Call, Operations, Steps, Transaction
from ._sync import read_chunk
from ._types import Chunk, HistoryEntry, SessionInfo, ToolList, Update, Variable, VariableList
from ._values import Codec
from ._watching import Progress, WatchOptions
from .errors import BridgeError, Cancelled, from_grpc

__all__ = ["TLS", "Client", "Session", "ToolStream", "Transaction", "Watch", "connect"]

T = TypeVar("T")


def connect(
    address: str = DEFAULT_ADDRESS, *, token: Optional[str] = None,
    tls: Union[bool, TLS, grpc.ChannelCredentials] = False, timeout: Optional[float] = TIMEOUT,
    arrays: Optional[bool] = None, keepalive: float = 30,
) -> Client:
    """Makes a client, as `bridge_host.connect` does; within a running event loop."""
    settings = Connection.of(address, token, tls, keepalive)
    if settings.credentials is None:
        channel = grpc.aio.insecure_channel(address, options=settings.options)
    else:
        channel = grpc.aio.secure_channel(address, settings.credentials, options=settings.options)
    return Client(channel, settings.metadata, timeout, Codec(arrays), address)


class Client:
    """A connection to a host, as `bridge_host.Client`."""

    def __init__(
        self, channel: grpc.aio.Channel, metadata: tuple[tuple[str, str], ...] = (("accept-binary", "raw"),),
        timeout: Optional[float] = TIMEOUT, codec: Optional[Codec] = None, address: str = "",
    ) -> None:
        """Takes a channel that there is already; `close` closes it."""
        self._channel = channel
        self._metadata = metadata
        self._timeout = timeout
        self._codec = codec or Codec()
        self._address = address
        self._methods: dict[str, Any] = {}
        self._watches: weakref.WeakSet[Watch] = weakref.WeakSet()
        self._closed = False

    async def session(
        self, id: str, *, new: bool = False, ttl: Optional[int] = None,
        metadata: Optional[Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> Session:
        """Opens a session."""
        session = Session(self, id)
        session._epoch = await self._call(session._operations.open(new, ttl, metadata), timeout)
        return session

    async def ping(self, text: str = "", *, timeout: Optional[float] = None) -> str:
        """Answers `"pong: "` and the text."""
        return cast(str, await self._call(operations.ping(text), timeout))

    async def sessions(self, pattern: str = "", *, timeout: Optional[float] = None) -> List[str]:
        """The ids of the host's sessions."""
        return await self._run(operations.sessions(pattern), timeout)

    async def import_session(
        self, data: bytes, id: Optional[str] = None, *, timeout: Optional[float] = None,
    ) -> Session:
        """Makes a session of what `Session.export` has answered."""
        try:
            response = await self._method("ImportSession")(
                iter(operations.pieces(data, id)), timeout=self._seconds(timeout), metadata=self._metadata)
        except grpc.RpcError as failure:
            raise from_grpc(failure) from None
        session = Session(self, response.session_id)
        session._epoch = response.epoch
        return session

    async def close(self) -> None:
        """Ends watches and calls, and the connection. Sessions stay in the host."""
        self._closed = True
        for watch in list(self._watches):
            watch.close()
        await self._channel.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<aio.Client {self._address}{', closed' if self._closed else ''}>"

    def __deepcopy__(self, memo: Any) -> Client:
        return self

    def _method(self, name: str) -> Any:
        if self._closed:
            raise Cancelled("the client is closed")
        method = self._methods.get(name)
        if method is None:
            path, _, response, request_streams, response_streams = METHODS[name]
            channel: Any = self._channel
            make = {
                (False, False): channel.unary_unary, (False, True): channel.unary_stream,
                (True, False): channel.stream_unary}[request_streams, response_streams]
            method = make(
                path, request_serializer=operations.serialized, response_deserializer=response.FromString)
            self._methods[name] = method
        return method

    def _seconds(self, timeout: Optional[float]) -> Optional[float]:
        return seconds(timeout, self._timeout)

    async def _call(self, call: Call, timeout: Optional[float]) -> Any:
        method = self._method(call.method)
        try:
            response = await method(call.request, timeout=self._seconds(timeout), metadata=self._metadata)
        except grpc.RpcError as failure:
            raise from_grpc(failure) from None
        except asyncio.CancelledError:
            if self._closed and not _is_cancelled():
                raise Cancelled("the client is closed") from None
            raise
        return call.read(response)

    async def _run(self, steps: Steps[T], timeout: Optional[float]) -> T:
        try:
            call = next(steps)
            while True:
                try:
                    answer = await self._call(call, timeout)
                except BridgeError as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(answer)
        except StopIteration as end:
            return cast(T, end.value)

    def _stream(self, name: str, request: Any, timeout: Optional[float]) -> Any:
        return self._method(name)(request, timeout=timeout, metadata=self._metadata)


def _is_cancelled() -> bool:
    """Whether somebody wants the present task to end; Python before 3.11 does not say so."""
    task: Any = asyncio.current_task()
    return task is not None and bool(getattr(task, "cancelling", lambda: 0)())


class Session:
    """A session of a host, as `bridge_host.Session`, but for `session["name"]`, which nothing could await."""

    def __init__(self, client: Client, id: str) -> None:
        """Names a session that need not be there yet; `Client.session` opens it."""
        self._client = client
        self._operations = Operations(id, client._codec)
        self._epoch = ""

    @property
    def id(self) -> str:
        """The session's id."""
        return self._operations.session

    @property
    def epoch(self) -> str:
        """The random id of the session's life, as it was opened; empty when it was not opened by this client."""
        return self._epoch

    @property
    def client(self) -> Client:
        """The client that it was opened with."""
        return self._client

    async def register(
        self, name: str, type: str, value: Any, *, constraints: Union[None, str, Mapping[str, Any]] = None,
        metadata: Optional[Mapping[str, Any]] = None, access: Optional[Mapping[str, Any]] = None,
        if_exists: str = "error", timeout: Optional[float] = None,
    ) -> Variable:
        """Creates a variable, and answers it."""
        return cast(Variable, await self._client._call(
            self._operations.register(name, type, value, constraints, metadata, access, if_exists), timeout))

    async def get(self, name: str, *, timeout: Optional[float] = None) -> Variable:
        """Reads a variable."""
        return cast(Variable, await self._client._call(self._operations.get(name), timeout))

    async def set(
        self, name: str, value: Any, *, expected_version: Optional[int] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        constraints: Union[None, str, Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> int:
        """Writes a variable, and answers its new version."""
        return cast(int, await self._client._call(
            self._operations.set(name, value, expected_version, metadata, constraints), timeout))

    async def set_constraints(
        self, name: str, constraints: Union[str, Mapping[str, Any]], *,
        metadata: Optional[Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> int:
        """Replaces the constraints alone."""
        return cast(int, await self._client._call(
            self._operations.set_constraints(name, constraints, metadata), timeout))

    async def update(
        self, name: str, change: Callable[[Any], Any], *, metadata: Optional[Mapping[str, Any]] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """Changes a variable by a plain function of its value, and loses no other writer's change."""
        return await self._client._run(self._operations.update(name, change, metadata), timeout)

    async def get_many(
        self, names: Iterable[str], *, timeout: Optional[float] = None,
    ) -> dict[str, Variable]:
        """Reads variables at one revision."""
        return cast("dict[str, Variable]", await self._client._call(self._operations.get_many(names), timeout))

    async def set_many(
        self, values: Mapping[str, Any], *, atomic: bool = True,
        expected_versions: Optional[Mapping[str, int]] = None,
        metadata: Optional[Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> dict[str, int]:
        """Writes variables, and answers their new versions."""
        return cast("dict[str, int]", await self._client._call(
            self._operations.set_many(values, atomic, expected_versions, metadata), timeout))

    async def apply(
        self, transaction: Transaction, *, timeout: Optional[float] = None,
    ) -> List[Optional[Variable]]:
        """Makes the changes of a `Transaction` at one revision: all of them, or none."""
        return cast("List[Optional[Variable]]", await self._client._call(
            self._operations.apply(transaction), timeout))

    async def list(self, pattern: str = "", *, timeout: Optional[float] = None) -> VariableList:
        """The variables, the oldest first."""
        return cast(VariableList, await self._client._call(
            self._operations.list_variables(pattern), timeout))

    async def delete(
        self, name: str, *, metadata: Optional[Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> None:
        """Removes a variable."""
        await self._client._call(self._operations.delete(name, metadata), timeout)

    async def history(
        self, name: str, limit: int = 0, *, timeout: Optional[float] = None,
    ) -> List[HistoryEntry]:
        """The versions that the host still holds, the newest first."""
        return await self._client._run(self._operations.history(name, limit), timeout)

    async def rollback(
        self, name: str, version: int, *, expected_version: Optional[int] = None,
        metadata: Optional[Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> Variable:
        """Writes the value of an earlier version as a new one."""
        return cast(Variable, await self._client._call(
            self._operations.rollback(name, version, expected_version, metadata), timeout))

    async def depend(self, name: str, on: str, kind: str = "", *, timeout: Optional[float] = None) -> None:
        """Declares that a variable depends on another."""
        await self._client._call(self._operations.depend(name, on, kind), timeout)

    async def watch(
        self, names: Iterable[str] = (), *, initial: bool = True, conflate: bool = False,
        on_gap: str = "restart", heartbeat: float = 30, backoff: tuple[float, float] = (0.1, 5),
        attempts: Optional[int] = None,
    ) -> Watch:
        """Watches variables; the answer is iterated with `async for`."""
        options = WatchOptions(initial, conflate, on_gap, heartbeat, backoff, attempts).checked()
        watch = Watch(self._client, Progress(self.id, names, options, self._client._codec))
        try:
            await watch._begin(wait=not initial)
        except BaseException:
            watch.close()
            raise
        return watch

    async def tools(self, *, timeout: Optional[float] = None) -> ToolList:
        """The tools that the session can call, by name."""
        return cast(ToolList, await self._client._call(self._operations.tools(), timeout))

    async def call(
        self, tool: str, parameters: Optional[Mapping[str, Any]] = None, /, *, timeout: Optional[float] = None,
        metadata: Optional[Mapping[str, Any]] = None, **named: Any,
    ) -> Any:
        """Runs a tool to its end, and answers its result."""
        return await self._client._call(
            self._operations.call(tool, {**(parameters or {}), **named}, metadata), timeout)

    def stream(
        self, tool: str, parameters: Optional[Mapping[str, Any]] = None, /, *, progress: bool = False,
        timeout: Optional[float] = None, metadata: Optional[Mapping[str, Any]] = None, **named: Any,
    ) -> ToolStream:
        """Runs a tool that streams; the answer is iterated with `async for`."""
        request = self._operations.tool_request(
            tool, {**(parameters or {}), **named}, metadata, stream=True, progress=progress)
        return ToolStream(self._client._stream(
            "ExecuteStreamingTool", request, self._client._seconds(timeout)))

    async def info(self, *, timeout: Optional[float] = None) -> SessionInfo:
        """Describes the session."""
        return cast(SessionInfo, await self._client._call(self._operations.info(), timeout))

    async def heartbeat(self, *, timeout: Optional[float] = None) -> bool:
        """Keeps the session alive, and tells whether it is there."""
        return cast(bool, await self._client._call(self._operations.heartbeat(), timeout))

    async def export(self, *, timeout: Optional[float] = None) -> bytes:
        """The session as a JSON text."""
        stream = self._client._stream(
            "ExportSession", MESSAGES["ExportSessionRequest"](session_id=self.id),
            self._client._seconds(timeout))
        try:
            return b"".join([piece.data async for piece in stream])
        except grpc.RpcError as failure:
            raise from_grpc(failure) from None

    async def end(self, *, timeout: Optional[float] = None) -> int:
        """Ends the session for everybody."""
        return cast(int, await self._client._call(self._operations.end(), timeout))

    def __repr__(self) -> str:
        return f"<aio.Session {self.id} of {self._client!r}>"

    def _repr_html_(self) -> str:
        return types.table(("session", self.id), [("host", self._client._address)])

    def __deepcopy__(self, memo: Any) -> Session:
        return self


class ToolStream(AsyncIterator[Chunk]):
    """The chunks of a streaming tool, as `bridge_host.ToolStream`."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._cancelled = False
        self._messages = call.__aiter__()
        self.result: Any = None
        """The tool's result, None until it has ended, or when it has none."""

    def __aiter__(self) -> ToolStream:
        return self

    async def __anext__(self) -> Chunk:
        while True:
            try:
                message = await self._messages.__anext__()
            except grpc.RpcError as failure:
                if self._cancelled:
                    raise StopAsyncIteration from None
                raise from_grpc(failure) from None
            except asyncio.CancelledError:
                if self._cancelled and not _is_cancelled():
                    raise StopAsyncIteration from None
                self._call.cancel()
                raise
            if not message.is_final:
                return read_chunk(message)
            self.result = types.chunk_value(message.data)

    def cancel(self) -> None:
        """Ends the call; the host cancels the tool, and the iteration ends."""
        self._cancelled = True
        self._call.cancel()

    async def __aenter__(self) -> ToolStream:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.cancel()


class Watch(AsyncIterator[Update]):
    """The changes of variables, as `bridge_host.Watch`. One task iterates, any task of the loop may close it."""

    def __init__(self, client: Client, progress: Progress) -> None:
        self._client = client
        self._progress = progress
        self._closed = asyncio.Event()
        self._call: Any = None
        # A read that a cancelled task has left; the next one goes on with it, so that nothing is lost.
        self._reading: Optional[asyncio.Task[Any]] = None
        client._watches.add(self)

    @property
    def revision(self) -> int:
        """The session's revision up to which everything was handed out, or is about to be."""
        return self._progress.revision

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Update:
        progress = self._progress
        while not progress.ready:
            if progress.over or self._closed.is_set():
                self.close()
                raise StopAsyncIteration
            await self._step()
        if self._closed.is_set():
            raise StopAsyncIteration
        return progress.ready.popleft()

    def close(self) -> None:
        """Ends the watch; a task that waits for an update stops iterating."""
        self._closed.set()
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __del__(self) -> None:
        call = getattr(self, "_call", None)
        if call is not None:
            # The loop may be closed, and then the call has ended.
            with contextlib.suppress(Exception):
                call.cancel()

    async def _begin(self, wait: bool) -> None:
        self._open()
        while wait and not self._progress.in_place and not self._progress.over and not self._closed.is_set():
            await self._step()

    def _open(self) -> None:
        self._call = self._client._stream("WatchVariables", self._progress.request(), None)

    async def _step(self) -> None:
        """Waits for a message, or the stream's end."""
        if self._call is None:
            self._open()
        reading: Any = self._reading
        if reading is None:
            call: Any = self._call
            reading = self._reading = asyncio.ensure_future(call.read())
            # When the watch is closed, nobody may be there to hear of it.
            reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        failure: Optional[BridgeError] = None
        try:
            # A task that is cancelled here, as by asyncio.wait_for, takes no update with it.
            message = await asyncio.shield(reading)
        except grpc.RpcError as error:
            failure = from_grpc(error)
        except asyncio.CancelledError:
            if not reading.cancelled() or _is_cancelled():
                raise
        else:
            if message is not grpc.aio.EOF:
                self._reading = None
                try:
                    self._progress.take(message)
                except BridgeError:
                    self.close()
                    raise
                return
        self._reading = None
        self._call = None
        if self._closed.is_set() or self._progress.over:
            return
        wait = self._progress.ended(failure)
        try:
            await asyncio.wait_for(self._closed.wait(), wait)
        except asyncio.TimeoutError:
            pass
