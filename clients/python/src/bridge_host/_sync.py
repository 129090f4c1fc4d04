"""The client whose calls wait."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, List, Optional, TypeVar, Union, cast

import grpc

from . import _operations as operations
from . import _types as types
from ._connection import DEFAULT_ADDRESS, TIMEOUT, TLS, Connection, seconds
from ._messages import MESSAGES, METHODS
from ._operations import Call, Operations, Steps, Transaction
from ._types import Chunk, HistoryEntry, SessionInfo, ToolList, Update, Variable, VariableList
from ._values import Codec
from ._watching import Progress, WatchOptions
from .errors import BridgeError, Cancelled, from_grpc

T = TypeVar("T")


def connect(
    address: str = DEFAULT_ADDRESS, *, token: Optional[str] = None,
    tls: Union[bool, TLS, grpc.ChannelCredentials] = False, timeout: Optional[float] = TIMEOUT,
    arrays: Optional[bool] = None, keepalive: float = 30,
) -> Client:
    """Makes a client of the host at an address.

    It does not wait for the host: the first call connects, and every call after the connection was lost.

    * `address`: `HOST:PORT`, or `unix:PATH`.
    * `token`: a bearer token that goes with every call.
    * `tls`: True for the system's authorities, a `TLS`, or credentials of grpc. Without it the connection is
      plaintext.
    * `timeout`: seconds that a call may take, None for no limit; methods take their own, `math.inf` for no limit.
    * `arrays`: whether embeddings and tensors come as arrays of numpy; if not, as lists and `Tensor`s. If nothing
      is said, where numpy is installed.
    * `keepalive`: seconds of silence after which the connection is tested, and again after which it is given up. A
      host takes less than 5 for an attack, unless its `--min-ping-interval` says otherwise.
    """
    settings = Connection.of(address, token, tls, keepalive)
    if settings.credentials is None:
        channel = grpc.insecure_channel(address, options=settings.options)
    else:
        channel = grpc.secure_channel(address, settings.credentials, options=settings.options)
    return Client(channel, settings.metadata, timeout, Codec(arrays), address)


class Client:
    """A connection to a host; `connect` makes it.

    All methods of clients, sessions and what they answer may be called from any thread, any number at once.
    Each takes `timeout` in seconds, and raises a `BridgeError` for what the host refuses.
    """

    def __init__(
        self, channel: grpc.Channel, metadata: tuple[tuple[str, str], ...] = (("accept-binary", "raw"),),
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
        self._lock = threading.Lock()
        self._closed = False

    def session(
        self, id: str, *, new: bool = False, ttl: Optional[int] = None,
        metadata: Optional[Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> Session:
        """Opens a session: the one of this id, or a new one.

        * `new`: `AlreadyExists` when there is such a session.
        * `ttl`: seconds of idleness after which a new session ends; the host's default if not said.
        * `metadata`: texts to keep with a new session.
        """
        session = Session(self, id)
        session._epoch = self._call(session._operations.open(new, ttl, metadata), timeout)
        return session

    def ping(self, text: str = "", *, timeout: Optional[float] = None) -> str:
        """Answers `"pong: "` and the text."""
        return cast(str, self._call(operations.ping(text), timeout))

    def sessions(self, pattern: str = "", *, timeout: Optional[float] = None) -> List[str]:
        """The ids of the host's sessions; `*` in the pattern stands for any run of characters."""
        return self._run(operations.sessions(pattern), timeout)

    def import_session(
        self, data: bytes, id: Optional[str] = None, *, timeout: Optional[float] = None,
    ) -> Session:
        """Makes a session of what `Session.export` has answered, under another id if one is given.

        `AlreadyExists` when the id is taken.
        """
        method = self._method("ImportSession")
        try:
            response = method(
                iter(operations.pieces(data, id)), timeout=self._seconds(timeout), metadata=self._metadata)
        except grpc.RpcError as failure:
            raise from_grpc(failure) from None
        session = Session(self, response.session_id)
        session._epoch = response.epoch
        return session

    def close(self) -> None:
        """Ends watches and calls, which raise `Cancelled`, and the connection. Sessions stay in the host."""
        with self._lock:
            self._closed = True
            watches = list(self._watches)
        for watch in watches:
            watch.close()
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self._address}{', closed' if self._closed else ''}>"

    def __deepcopy__(self, memo: Any) -> Client:
        # A connection cannot be copied; copies of what holds it share it.
        return self

    def _method(self, name: str) -> Any:
        method = self._methods.get(name)
        if method is None:
            if self._closed:
                raise Cancelled("the client is closed")
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

    def _call(self, call: Call, timeout: Optional[float]) -> Any:
        method = self._methods.get(call.method) or self._method(call.method)
        try:
            response = method(
                call.request, seconds(timeout, self._timeout), metadata=self._metadata)
        except grpc.RpcError as failure:
            raise from_grpc(failure) from None
        except ValueError:
            if self._closed:
                raise Cancelled("the client is closed") from None
            raise
        return call.read(response)

    def _run(self, steps: Steps[T], timeout: Optional[float]) -> T:
        try:
            call = next(steps)
            while True:
                try:
                    answer = self._call(call, timeout)
                except BridgeError as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(answer)
        except StopIteration as end:
            return cast(T, end.value)

    def _stream(self, name: str, request: Any, timeout: Optional[float]) -> Any:
        try:
            return self._method(name)(request, timeout=timeout, metadata=self._metadata)
        except ValueError:
            if self._closed:
                raise Cancelled("the client is closed") from None
            raise


class Session:
    """A session of a host: a space of typed variables, and the tools that see them.

    `session["name"]` reads a value and `session["name"] = value` writes it. A variable is named by its name or id.
    What is written is seen by every read that begins after the write has returned.

    Those that write take `metadata`, texts that go with the change and into its updates; `source` names the writer.
    A session may be shared by threads. It is a handle: the session itself lives in the host, until it has not been
    used for its time to live.
    """

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

    # Values by name

    def __getitem__(self, name: str) -> Any:
        return self._client._call(self._operations.get(name), None).value

    def __setitem__(self, name: str, value: Any) -> None:
        self._client._call(self._operations.set(name, value), None)

    def __delitem__(self, name: str) -> None:
        self.delete(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self.get_many([name])

    def __iter__(self) -> Iterator[str]:
        return iter([variable.name for variable in self.list()])

    # Variables

    def register(
        self, name: str, type: str, value: Any, *, constraints: Union[None, str, Mapping[str, Any]] = None,
        metadata: Optional[Mapping[str, Any]] = None, access: Optional[Mapping[str, Any]] = None,
        if_exists: str = "error", timeout: Optional[float] = None,
    ) -> Variable:
        """Creates a variable, and answers it.

        * `type`: float, integer, string, boolean, choice, module, embedding or tensor.
        * `constraints`: such as `{"min": 0, "max": 2}`; docs/protocol.md lists them by type.
        * `access`: who may change it, such as `{"writers": ["python"]}` or `{"read_only": True}`.
        * `if_exists`: `"error"` raises `AlreadyExists` when the name is taken, `"return"` answers the variable that
          is there, as it is, and `"replace"` deletes it first.
        """
        return cast(Variable, self._client._call(
            self._operations.register(name, type, value, constraints, metadata, access, if_exists), timeout))

    def get(self, name: str, *, timeout: Optional[float] = None) -> Variable:
        """Reads a variable: value, version and all else. `NotFound` when there is none."""
        return cast(Variable, self._client._call(self._operations.get(name), timeout))

    def set(
        self, name: str, value: Any, *, expected_version: Optional[int] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        constraints: Union[None, str, Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> int:
        """Writes a variable, and answers its new version.

        * `expected_version`: `VersionMismatch` when the variable has another one; then nothing is written.
        * `constraints`: replaces the constraints in the same change.
        """
        return cast(int, self._client._call(
            self._operations.set(name, value, expected_version, metadata, constraints), timeout))

    def set_constraints(
        self, name: str, constraints: Union[str, Mapping[str, Any]], *,
        metadata: Optional[Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> int:
        """Replaces the constraints alone; the value must satisfy them. Answers the new version."""
        return cast(int, self._client._call(
            self._operations.set_constraints(name, constraints, metadata), timeout))

    def update(
        self, name: str, change: Callable[[Any], Any], *, metadata: Optional[Mapping[str, Any]] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """Changes a variable by a function of its value, and loses no other writer's change.

        When another change comes between, the function is called again with what that has left. Answers the value
        that was written. `timeout` is that of each call.
        """
        return self._client._run(self._operations.update(name, change, metadata), timeout)

    def get_many(self, names: Iterable[str], *, timeout: Optional[float] = None) -> dict[str, Variable]:
        """Reads variables at one revision, by the identifiers that were given; those that are not there are missing."""
        return cast("dict[str, Variable]", self._client._call(self._operations.get_many(names), timeout))

    def set_many(
        self, values: Mapping[str, Any], *, atomic: bool = True,
        expected_versions: Optional[Mapping[str, int]] = None,
        metadata: Optional[Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> dict[str, int]:
        """Writes variables, and answers their new versions.

        Atomic: all at one revision, or none. Otherwise what is valid is written. `BatchError` when an update was
        refused, with a message for each.
        """
        return cast("dict[str, int]", self._client._call(
            self._operations.set_many(values, atomic, expected_versions, metadata), timeout))

    def apply(
        self, transaction: Transaction, *, timeout: Optional[float] = None,
    ) -> List[Optional[Variable]]:
        """Makes the changes of a `Transaction` at one revision: all of them, or none.

        Answers the variable after each step, None for those that were deleted. The first step that is refused gives
        the error.
        """
        return cast("List[Optional[Variable]]", self._client._call(
            self._operations.apply(transaction), timeout))

    def list(self, pattern: str = "", *, timeout: Optional[float] = None) -> VariableList:
        """The variables, the oldest first; `*` in the pattern stands for any run of characters."""
        return cast(VariableList, self._client._call(self._operations.list_variables(pattern), timeout))

    def delete(
        self, name: str, *, metadata: Optional[Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> None:
        """Removes a variable. `NotFound` when there is none."""
        self._client._call(self._operations.delete(name, metadata), timeout)

    def history(self, name: str, limit: int = 0, *, timeout: Optional[float] = None) -> List[HistoryEntry]:
        """The versions that the host still holds, the newest first; at most `limit`, 0 for all."""
        return self._client._run(self._operations.history(name, limit), timeout)

    def rollback(
        self, name: str, version: int, *, expected_version: Optional[int] = None,
        metadata: Optional[Mapping[str, Any]] = None, timeout: Optional[float] = None,
    ) -> Variable:
        """Writes the value of an earlier version as a new one. `OutOfRange` when it is no longer held."""
        return cast(Variable, self._client._call(
            self._operations.rollback(name, version, expected_version, metadata), timeout))

    def depend(self, name: str, on: str, kind: str = "", *, timeout: Optional[float] = None) -> None:
        """Declares that a variable depends on another: it is stale once that changes, and watches are told.

        `FailedPrecondition` for what would close a cycle.
        """
        self._client._call(self._operations.depend(name, on, kind), timeout)

    # Watches

    def watch(
        self, names: Iterable[str] = (), *, initial: bool = True, conflate: bool = False,
        on_gap: str = "restart", heartbeat: float = 30, backoff: tuple[float, float] = (0.1, 5),
        attempts: Optional[int] = None,
    ) -> Watch:
        """Watches variables: ids, names, which need not be there yet, and patterns with `*`; none watch everything.

        Updates come in order, each once, and none is missing: also when the connection was lost, for the watch then
        connects again and resumes where it was. Where the host can no longer tell what has happened meanwhile, there
        is an update of the type `gap`, and the present values after it; never less.

        * `initial`: the present values come first, and then `synced`. Without it this method returns when the watch
          is in place: every change that begins later is told.
        * `conflate`: a watch that falls behind leaves out all but the newest change of each variable.
        * `on_gap`: `"stop"` raises the host's error in place of a gap.
        * `heartbeat`: seconds between two signs of life of the host, 0.1 to 3600.
        * `backoff`: the shortest and the longest wait in seconds before connecting again.
        * `attempts`: after how many failures in a row the watch gives up; never if not said.
        """
        options = WatchOptions(initial, conflate, on_gap, heartbeat, backoff, attempts).checked()
        return Watch(self._client, Progress(self.id, names, options, self._client._codec), wait=not initial)

    # Tools

    def tools(self, *, timeout: Optional[float] = None) -> ToolList:
        """The tools that the session can call, by name: the host's, and those that clients serve in it."""
        return cast(ToolList, self._client._call(self._operations.tools(), timeout))

    def call(
        self, tool: str, parameters: Optional[Mapping[str, Any]] = None, /, *, timeout: Optional[float] = None,
        metadata: Optional[Mapping[str, Any]] = None, **named: Any,
    ) -> Any:
        """Runs a tool to its end, and answers its result, None if it has none.

        Parameters are keywords; those whose names are no words of Python stand in a mapping before them. Bytes and
        arrays travel as bytes, everything else as JSON. `ToolError` when the tool fails. When the timeout passes, the
        host cancels the tool, and the error is `DeadlineExceeded`. The tool gets the metadata; `correlation_id`
        goes into the host's log.
        """
        return self._client._call(
            self._operations.call(tool, {**(parameters or {}), **named}, metadata), timeout)

    def start(
        self, tool: str, parameters: Optional[Mapping[str, Any]] = None, /, *, timeout: Optional[float] = None,
        metadata: Optional[Mapping[str, Any]] = None, **named: Any,
    ) -> ToolCall:
        """Begins a call as `call` does, and answers at once; the call can be waited for, or cancelled."""
        client = self._client
        call = self._operations.call(tool, {**(parameters or {}), **named}, metadata)
        future = client._method(call.method).future(
            call.request, timeout=client._seconds(timeout), metadata=client._metadata)
        return ToolCall(future, call.read)

    def stream(
        self, tool: str, parameters: Optional[Mapping[str, Any]] = None, /, *, progress: bool = False,
        timeout: Optional[float] = None, metadata: Optional[Mapping[str, Any]] = None, **named: Any,
    ) -> ToolStream:
        """Runs a tool that streams, and answers an iterator of the chunks, as the tool sends them.

        `progress` asks for chunks that carry progress alone, too. Otherwise as `call`.
        """
        request = self._operations.tool_request(
            tool, {**(parameters or {}), **named}, metadata, stream=True, progress=progress)
        return ToolStream(self._client._stream(
            "ExecuteStreamingTool", request, self._client._seconds(timeout)))

    # The session itself

    def info(self, *, timeout: Optional[float] = None) -> SessionInfo:
        """Describes the session. `NotFound` when there is none."""
        return cast(SessionInfo, self._client._call(self._operations.info(), timeout))

    def heartbeat(self, *, timeout: Optional[float] = None) -> bool:
        """Keeps the session alive, and tells whether it is there."""
        return cast(bool, self._client._call(self._operations.heartbeat(), timeout))

    def export(self, *, timeout: Optional[float] = None) -> bytes:
        """The session as a JSON text: variables, past versions, dependencies. `Client.import_session` takes it."""
        stream = self._client._stream(
            "ExportSession", MESSAGES["ExportSessionRequest"](session_id=self.id),
            self._client._seconds(timeout))
        try:
            return b"".join(piece.data for piece in stream)
        except grpc.RpcError as failure:
            raise from_grpc(failure) from None

    def end(self, *, timeout: Optional[float] = None) -> int:
        """Ends the session for everybody. Answers how many variables and watches were freed."""
        return cast(int, self._client._call(self._operations.end(), timeout))

    def __repr__(self) -> str:
        return f"<Session {self.id} of {self._client!r}>"

    def _repr_html_(self) -> str:
        """The variables as a table, where they are few and small."""
        try:
            info = self.info(timeout=2)
            if info.variables <= 200 and info.value_bytes <= 1 << 20:
                return types.variables_table(self.list(timeout=2), f"session {self.id}")
            rows = [("variables", info.variables), ("bytes", info.value_bytes), ("watches", info.watches)]
        except BridgeError as error:
            rows = [("error", str(error))]  # type: ignore[list-item]
        return types.table(("session", self.id), rows)

    def __deepcopy__(self, memo: Any) -> Session:
        # A handle: modules that hold one can be copied.
        return self


class ToolCall:
    """A tool's call that runs. All methods may be called from any thread."""

    def __init__(self, future: Any, read: Callable[[Any], Any]) -> None:
        self._future = future
        self._read = read

    def result(self, timeout: Optional[float] = None) -> Any:
        """Waits for the result, as `Session.call` answers it; for so many seconds, then a TimeoutError.

        `Cancelled` when the call was cancelled.
        """
        try:
            return self._read(self._future.result(timeout))
        except grpc.RpcError as failure:
            raise from_grpc(failure) from None
        except grpc.FutureTimeoutError:
            raise TimeoutError(f"the tool still runs after {timeout} s") from None
        except grpc.FutureCancelledError:
            raise Cancelled("the call was cancelled") from None

    def cancel(self) -> None:
        """Ends the call; the host cancels the tool."""
        self._future.cancel()

    def done(self) -> bool:
        """Whether it has ended."""
        return cast(bool, self._future.done())


class ToolStream(Iterator[Chunk]):
    """The chunks of a streaming tool; one thread iterates, and any thread may cancel.

    At the end of the iteration `result` is the tool's result. `ToolError` when the tool fails.
    """

    def __init__(self, call: Any) -> None:
        self._call = call
        self._cancelled = False
        self.result: Any = None
        """The tool's result, None until it has ended, or when it has none."""

    def __iter__(self) -> ToolStream:
        return self

    def __next__(self) -> Chunk:
        try:
            message = next(self._call)
        except grpc.RpcError as failure:
            if self._cancelled:
                raise StopIteration from None
            raise from_grpc(failure) from None
        if not message.is_final:
            return read_chunk(message)
        self.result = types.chunk_value(message.data)
        # The status is what counts.
        return self.__next__()

    def cancel(self) -> None:
        """Ends the call; the host cancels the tool, and the iteration ends."""
        self._cancelled = True
        self._call.cancel()

    def __enter__(self) -> ToolStream:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.cancel()


def read_chunk(message: Any) -> Chunk:
    """A chunk from its message."""
    progress = message.progress if message.HasField("progress") else None
    return Chunk(message.data, progress, message.progress_message, dict(message.metadata))


class Watch(Iterator[Update]):
    """The changes of variables, as an iterator; `Session.watch` makes it and says what it promises.

    One thread iterates, any thread may close it. The iteration ends with the session, after `session_closed`, and
    when it is closed.
    """

    def __init__(self, client: Client, progress: Progress, wait: bool) -> None:
        self._client = client
        self._progress = progress
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._call: Any = None
        with client._lock:
            if client._closed:
                raise Cancelled("the client is closed")
            client._watches.add(self)
        try:
            self._open()
            while wait and not self._progress.in_place and not self._progress.over and not self._closed.is_set():
                self._step()
        except BaseException:
            self.close()
            raise

    @property
    def revision(self) -> int:
        """The session's revision up to which everything was handed out, or is about to be."""
        return self._progress.revision

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> Update:
        progress = self._progress
        while not progress.ready:
            if progress.over or self._closed.is_set():
                self.close()
                raise StopIteration
            self._step()
        if self._closed.is_set():
            raise StopIteration
        return progress.ready.popleft()

    def close(self) -> None:
        """Ends the watch; a thread that waits for an update stops iterating."""
        with self._lock:
            self._closed.set()
            call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __del__(self) -> None:
        call = getattr(self, "_call", None)
        if call is not None:
            call.cancel()

    def _open(self) -> None:
        with self._lock:
            if not self._closed.is_set():
                self._call = self._client._stream("WatchVariables", self._progress.request(), None)

    def _step(self) -> None:
        """Waits for a message, or the stream's end."""
        call = self._call
        if call is None:
            self._open()
            return
        failure: Optional[BridgeError] = None
        try:
            message = next(call)
        except StopIteration:
            pass
        except grpc.RpcError as error:
            failure = from_grpc(error)
        else:
            try:
                self._progress.take(message)
            except BridgeError:
                self.close()
                raise
            return
        with self._lock:
            self._call = None
        if self._closed.is_set() or self._progress.over:
            return
        self._closed.wait(self._progress.ended(failure))
