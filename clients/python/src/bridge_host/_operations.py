"""What a session can be asked, without I/O: a request, and how its answer is read.

An operation is a `Call`, or a generator of calls that is sent each answer (or thrown each error) and returns the
result. `bridge_host` and `bridge_host.aio` differ in how they make the calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, NamedTuple, Optional, TypeVar, Union

from . import _types as types
from ._messages import MESSAGES
from ._values import DTYPE_KEY, LARGE, Codec, Encoded, encode, encode_parameter, to_json
from .errors import BatchError, VersionMismatch, from_tool

T = TypeVar("T")

_IF_EXISTS = {"error": 0, "return": 1, "replace": 2}

_GetVariable = MESSAGES["GetVariableRequest"]
_SetVariable = MESSAGES["SetVariableRequest"]
_SessionConfig = MESSAGES["SessionConfig"]


class Call(NamedTuple):
    """A method, its request (a message, or its bytes), and what reads the answer."""

    method: str
    request: Any
    read: Callable[[Any], Any]


Steps = Generator[Call, Any, T]


def texts(metadata: Optional[Mapping[str, Any]]) -> dict[str, str]:
    """Metadata as the wire has it."""
    return {str(key): str(value) for key, value in (metadata or {}).items()}


def _written(metadata: Optional[Mapping[str, Any]], dtype: str = "") -> dict[str, str]:
    """The metadata of a write: who writes, and what the elements of an array are."""
    result = {"source": "python"}
    if dtype:
        result[DTYPE_KEY] = dtype
    if metadata:
        result.update(texts(metadata))
    return result


def _object(value: Union[None, str, Mapping[str, Any]]) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return to_json(dict(value)).decode()


class Transaction:
    """Changes of different variables at one revision: `session.apply` makes all of them, or none.

    >>> change = Transaction().check("a", version=3).set("b", 2.5).create("c", "integer", 1).delete("d")

    Each method adds a step and answers the transaction. `version` is the one that the variable must still have;
    None takes any. Metadata is kept with the new version. A transaction is not for several threads at once.
    """

    def __init__(self) -> None:
        self._steps: list[Any] = []

    def __len__(self) -> int:
        return len(self._steps)

    def check(self, name: str, version: Optional[int] = None) -> Transaction:
        """The variable is there, with this version; nothing of it changes."""
        step = self._step(name, version, None)
        step.check.SetInParent()
        return self._add(step)

    def set(
        self, name: str, value: Any, *, version: Optional[int] = None,
        metadata: Optional[Mapping[str, Any]] = None,
    ) -> Transaction:
        """Its next version."""
        encoded = encode(value)
        step = self._step(name, version, _written(metadata, encoded.dtype))
        self._value(step.write, encoded)
        return self._add(step)

    def create(
        self, name: str, type: str, value: Any, *, constraints: Optional[Mapping[str, Any]] = None,
        metadata: Optional[Mapping[str, Any]] = None,
    ) -> Transaction:
        """It is created; it must not be there."""
        step = self._step(name, None, _written(None))
        self._new(step.create, type, value, constraints, metadata)
        return self._add(step)

    def replace(
        self, name: str, type: str, value: Any, *, version: Optional[int] = None,
        constraints: Optional[Mapping[str, Any]] = None, metadata: Optional[Mapping[str, Any]] = None,
    ) -> Transaction:
        """It is removed, and another one of its name is created."""
        step = self._step(name, version, _written(None))
        self._new(step.replace, type, value, constraints, metadata)
        return self._add(step)

    def delete(
        self, name: str, *, version: Optional[int] = None, metadata: Optional[Mapping[str, Any]] = None,
    ) -> Transaction:
        """It is removed."""
        step = self._step(name, version, _written(metadata))
        step.remove.SetInParent()
        return self._add(step)

    def _step(self, name: str, version: Optional[int], metadata: Optional[dict[str, str]]) -> Any:
        return MESSAGES["VariableStep"](variable=name, expected_version=version or 0, metadata=metadata or {})

    def _add(self, step: Any) -> Transaction:
        self._steps.append(step)
        return self

    @staticmethod
    def _value(message: Any, encoded: Encoded) -> None:
        encoded.fill(message.value)
        message.binary_value = bytes(encoded.binary)

    def _new(
        self, message: Any, type: str, value: Any, constraints: Optional[Mapping[str, Any]],
        metadata: Optional[Mapping[str, Any]],
    ) -> None:
        encoded = encode(value, type)
        message.type = type
        message.constraints_json = _object(constraints)
        message.metadata.update(_written(metadata, encoded.dtype))
        self._value(message.value, encoded)


class Operations:
    """The operations of a session."""

    __slots__ = ("codec", "session")

    def __init__(self, session: str, codec: Codec) -> None:
        self.session = session
        self.codec = codec

    # Sessions

    def open(self, new: bool, ttl: Optional[int], metadata: Optional[Mapping[str, Any]]) -> Call:
        """Answers the epoch."""
        request = MESSAGES["InitializeSessionRequest"](
            session_id=self.session, must_not_exist=new, metadata=texts(metadata))
        if ttl is not None:
            request.config.ttl_seconds = ttl
        return Call("InitializeSession", request, lambda response: response.epoch)

    def tools(self) -> Call:
        def read(response: Any) -> types.ToolList:
            return types.ToolList({
                name: types.read_tool(tool, self.codec) for name, tool in response.available_tools.items()})

        return Call(
            "InitializeSession", MESSAGES["InitializeSessionRequest"](session_id=self.session), read)

    def info(self) -> Call:
        return Call("GetSession", MESSAGES["GetSessionRequest"](session_id=self.session), types.read_info)

    def heartbeat(self) -> Call:
        return Call(
            "Heartbeat", MESSAGES["HeartbeatRequest"](session_id=self.session),
            lambda response: response.session_valid)

    def end(self) -> Call:
        return Call(
            "CleanupSession", MESSAGES["CleanupSessionRequest"](session_id=self.session, force=True),
            lambda response: response.resources_cleaned)

    # Variables

    def register(
        self, name: str, type: str, value: Any, constraints: Union[None, str, Mapping[str, Any]],
        metadata: Optional[Mapping[str, Any]], access: Optional[Mapping[str, Any]], if_exists: str,
    ) -> Call:
        if if_exists not in _IF_EXISTS:
            raise ValueError(f"if_exists is {if_exists!r}; use one of {', '.join(_IF_EXISTS)}")
        encoded = encode(value, type)
        request = MESSAGES["RegisterVariableRequest"](
            session_id=self.session, name=name, type=type, constraints_json=_object(constraints),
            access_control_json=_object(access), if_exists=_IF_EXISTS[if_exists],
            initial_binary_value=bytes(encoded.binary), metadata=_written(metadata, encoded.dtype))
        encoded.fill(request.initial_value)
        return Call("RegisterVariable", request, self._variable)

    def get(self, name: str) -> Call:
        request = _GetVariable(session_id=self.session, variable_identifier=name)
        return Call("GetVariable", request, self._variable)

    def set(
        self, name: str, value: Any, expected_version: Optional[int] = None,
        metadata: Optional[Mapping[str, Any]] = None, constraints: Union[None, str, Mapping[str, Any]] = None,
    ) -> Call:
        encoded = encode(value)
        request = _SetVariable(
            session_id=self.session, variable_identifier=name, expected_version=expected_version or 0,
            metadata=_written(metadata, encoded.dtype))
        encoded.fill(request.value)
        if constraints is not None:
            request.constraints_json = _object(constraints)
        if len(encoded.binary) >= LARGE:
            return Call("SetVariable", _with_binary(request, encoded.binary), _new_version)
        request.binary_value = bytes(encoded.binary)
        return Call("SetVariable", request, _new_version)

    def set_constraints(
        self, name: str, constraints: Union[str, Mapping[str, Any]], metadata: Optional[Mapping[str, Any]],
    ) -> Call:
        request = _SetVariable(
            session_id=self.session, variable_identifier=name, metadata=_written(metadata),
            constraints_json=_object(constraints) or "{}")
        return Call("SetVariable", request, _new_version)

    def update(
        self, name: str, change: Callable[[Any], Any], metadata: Optional[Mapping[str, Any]],
    ) -> Steps[Any]:
        while True:
            variable = yield self.get(name)
            value = change(variable.value)
            try:
                # By the id: a variable that was deleted and made anew has versions of its own.
                yield self.set(variable.id, value, variable.version, metadata)
            except VersionMismatch:
                continue
            return value

    def get_many(self, names: Iterable[str]) -> Call:
        request = MESSAGES["BatchGetVariablesRequest"](
            session_id=self.session, variable_identifiers=list(names), include_metadata=True)
        return Call("GetVariables", request, lambda response: {
            name: types.Variable(variable, self.codec) for name, variable in response.variables.items()})

    def set_many(
        self, values: Mapping[str, Any], atomic: bool, expected_versions: Optional[Mapping[str, int]],
        metadata: Optional[Mapping[str, Any]],
    ) -> Call:
        request = MESSAGES["BatchSetVariablesRequest"](
            session_id=self.session, atomic=atomic, expected_versions=expected_versions or {})
        dtypes: dict[str, str] = {}
        for name, value in values.items():
            encoded = encode(value)
            encoded.fill(request.updates[name])
            if encoded.dtype:
                request.binary_updates[name] = bytes(encoded.binary)
                dtypes[name] = encoded.dtype
        same = set(dtypes.values())
        named = json.dumps(dtypes, ensure_ascii=False) if len(same) > 1 else "".join(same)
        request.metadata.update(_written(metadata, named))

        def read(response: Any) -> dict[str, int]:
            if response.errors:
                raise BatchError(response.errors, response.new_versions)
            return dict(response.new_versions)

        return Call("SetVariables", request, read)

    def apply(self, transaction: Transaction) -> Call:
        request = MESSAGES["ApplyRequest"](session_id=self.session, steps=transaction._steps)
        return Call("Apply", request, lambda response: [
            types.Variable(result.variable, self.codec) if result.HasField("variable") else None
            for result in response.results])

    def list_variables(self, pattern: str) -> Call:
        request = MESSAGES["ListVariablesRequest"](session_id=self.session, pattern=pattern)
        return Call("ListVariables", request, lambda response: types.VariableList(
            types.Variable(variable, self.codec) for variable in response.variables))

    def delete(self, name: str, metadata: Optional[Mapping[str, Any]]) -> Call:
        request = MESSAGES["DeleteVariableRequest"](
            session_id=self.session, variable_identifier=name, metadata=_written(metadata))
        return Call("DeleteVariable", request, lambda response: None)

    def history(self, name: str, limit: int) -> Steps[list[types.HistoryEntry]]:
        # A history does not say of which type its values are.
        variable = yield self.get(name)
        kind = variable.type

        def value(entry: Any) -> Any:
            dtype = types.dtype_of(entry.metadata, variable, "") if kind in ("embedding", "tensor") else ""
            return self.codec.decode(kind, entry.value, entry.binary_value, dtype)

        def read(response: Any) -> Any:
            return [types.HistoryEntry(
                entry.version, value(entry), entry.revision, types.time_of(entry, "timestamp"), entry.changed_by,
                dict(entry.metadata))
                for entry in response.entries]

        entries: list[types.HistoryEntry] = yield Call(
            "GetVariableHistory", MESSAGES["GetVariableHistoryRequest"](
                session_id=self.session, variable_identifier=variable.id, limit=limit), read)
        return entries

    def rollback(
        self, name: str, version: int, expected_version: Optional[int],
        metadata: Optional[Mapping[str, Any]],
    ) -> Call:
        request = MESSAGES["RollbackVariableRequest"](
            session_id=self.session, variable_identifier=name, target_version=version,
            expected_version=expected_version or 0, metadata=_written(metadata))
        return Call("RollbackVariable", request, self._variable)

    def depend(self, name: str, on: str, kind: str) -> Call:
        request = MESSAGES["AddDependencyRequest"](
            session_id=self.session, from_variable=on, to_variable=name, dependency_type=kind)
        return Call("AddDependency", request, lambda response: None)

    def _variable(self, response: Any) -> types.Variable:
        return types.Variable(response.variable, self.codec)

    # Tools

    def call(
        self, tool: str, parameters: Mapping[str, Any], metadata: Optional[Mapping[str, Any]],
    ) -> Call:
        return Call("ExecuteTool", self.tool_request(tool, parameters, metadata), self.read_result)

    def tool_request(
        self, tool: str, parameters: Mapping[str, Any], metadata: Optional[Mapping[str, Any]],
        stream: bool = False, progress: bool = False,
    ) -> Any:
        request = MESSAGES["ExecuteToolRequest"](
            session_id=self.session, tool_name=tool, metadata=texts(metadata), stream=stream,
            include_progress=progress)
        for name, value in parameters.items():
            encoded, binary = encode_parameter(value)
            if encoded is not None:
                encoded.fill(request.parameters[name])
            if binary is not None:
                request.binary_parameters[name] = binary
        return request

    def read_result(self, response: Any) -> Any:
        if not response.success:
            raise from_tool(response)
        return self.codec.decode_result(response.result, response.binary_result)


def _with_binary(request: Any, binary: Union[bytes, memoryview]) -> bytes:
    """A serialized SetVariableRequest with a large `binary_value`, whose bytes are copied this once.

    They are the message's last field, number 6, of the wire type of bytes.
    """
    length, size = bytearray(), len(binary)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    length.append(size)
    return b"".join((request.SerializeToString(), b"\x32", length, binary))


def serialized(request: Any) -> bytes:
    """What goes on the wire for the request of a call."""
    return request if isinstance(request, bytes) else request.SerializeToString()


def _new_version(response: Any) -> int:
    return response.new_version  # type: ignore[no-any-return]


def ping(text: str) -> Call:
    """Answers the host's text."""
    return Call("Ping", MESSAGES["PingRequest"](message=text), lambda response: response.message)


def sessions(pattern: str) -> Steps[list[str]]:
    """The ids of sessions; a host answers them in pages."""
    result: list[str] = []
    while True:
        page = yield Call("ListSessions", MESSAGES["ListSessionsRequest"](
            pattern=pattern, page_size=1000, after_session_id=result[-1] if result else ""),
            lambda response: [summary.session_id for summary in response.sessions])
        result += page
        if len(page) < 1000:
            return result


#: Bytes of a piece of an import.
PIECE = 1 << 20


def pieces(data: bytes, session: Optional[str]) -> Iterable[Any]:
    """The requests of an import."""
    for at in range(0, max(len(data), 1), PIECE):
        yield MESSAGES["ImportSessionRequest"](
            data=data[at:at + PIECE], session_id=(session or "") if at == 0 else "")
