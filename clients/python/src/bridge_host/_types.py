"""What calls answer: variables, versions, updates, tools, sessions."""

from __future__ import annotations

import datetime
import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ._values import DTYPE_KEY, Codec, Tensor, from_json

_SOURCES = {0: "elixir", 1: "python", 100: "host", 101: "plugin"}
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def time_of(message: Any, name: str) -> Optional[datetime.datetime]:
    """A timestamp of a message in UTC, or None."""
    if not message.HasField(name):
        return None
    stamp = getattr(message, name)
    return _EPOCH + datetime.timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def shortened(value: Any, length: int = 80) -> str:
    """A value for the eyes of people."""
    shape = getattr(value, "shape", None)
    if shape is not None and (isinstance(value, Tensor) or getattr(value, "size", 0) > 8):
        return f"{value.dtype} {list(shape)}"
    text = repr(value) if not hasattr(value, "tolist") else repr(value.tolist())
    return text if len(text) <= length else text[: length - 1] + "…"


def table(header: tuple[str, ...], rows: list[tuple[Any, ...]], caption: str = "") -> str:
    """A table in HTML; everything is escaped."""
    def cells(row: tuple[Any, ...], tag: str) -> str:
        return "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in row)

    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"<table>{title}<thead><tr>{cells(header, 'th')}</tr></thead><tbody>{body}</tbody></table>"


class Variable:
    """One version of a variable, as it was read. It does not change."""

    __slots__ = ("_message", "value")

    value: Any
    """A float, int, str or bool; for embeddings and tensors an array of numpy, else a list and a `Tensor`."""

    def __init__(self, message: Any, codec: Codec) -> None:
        self.value = codec.decode(message.type, message.value, message.binary_value, _dtype(message))
        message.ClearField("binary_value")
        self._message = message

    @property
    def id(self) -> str:
        """The id; a variable that is deleted and registered again has another one."""
        return self._message.id  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The name."""
        return self._message.name  # type: ignore[no-any-return]

    @property
    def type(self) -> str:
        """float, integer, string, boolean, choice, module, embedding or tensor."""
        return self._message.type  # type: ignore[no-any-return]

    @property
    def version(self) -> int:
        """Counts the changes of this variable, from 1."""
        return self._message.version  # type: ignore[no-any-return]

    @property
    def revision(self) -> int:
        """The session's revision that wrote this version."""
        return self._message.revision  # type: ignore[no-any-return]

    @property
    def constraints(self) -> dict[str, Any]:
        """What values must satisfy, such as `{"min": 0}`."""
        text = self._message.constraints_json
        return from_json(text) if text else {}

    @property
    def access(self) -> dict[str, Any]:
        """Who may change it, such as `{"read_only": True}`; empty for everybody."""
        text = self._message.access_control_json
        return from_json(text) if text else {}

    @property
    def metadata(self) -> dict[str, str]:
        """What the registration and the last write have said."""
        return dict(self._message.metadata)

    @property
    def source(self) -> str:
        """Who wrote this version: elixir, python, host or plugin."""
        return _SOURCES.get(self._message.source, "host")

    @property
    def updated_at(self) -> Optional[datetime.datetime]:
        """When this version was written, in UTC."""
        return time_of(self._message, "last_updated_at")

    @property
    def optimizer(self) -> Optional[str]:
        """The id of the optimizer that holds the variable, or None."""
        status = self._message.optimization_status
        return status.optimizer_id if status.optimizing else None

    @property
    def stale_since(self) -> Optional[int]:
        """The revision at which something that this depends on changed after it was written, or None."""
        return self._message.stale_since_revision or None

    def __repr__(self) -> str:
        return f"<Variable {self.name}: {self.type} = {shortened(self.value)}, version {self.version}>"

    def _row(self) -> tuple[Any, ...]:
        limits = json.dumps(self.constraints, ensure_ascii=False) if self._message.constraints_json else ""
        return self.name, self.type, shortened(self.value), self.version, limits

    def _repr_html_(self) -> str:
        return variables_table([self])


def dtype_of(metadata: Any, variable: Any, constraints: str) -> str:
    """What the elements of a version are, as far as somebody has said it: its constraints, or its writer.

    `metadata` is that of the version, `variable` the variable or its message.
    """
    if '"dtype"' in constraints:
        checked = from_json(constraints)
        if isinstance(checked, dict) and isinstance(checked.get("dtype"), str):
            return str(checked["dtype"])
    text: str = metadata[DTYPE_KEY] if DTYPE_KEY in metadata else ""
    if text.startswith("{"):
        # Of a batch: by the identifiers that it named.
        try:
            by_name = json.loads(text)
            named = by_name.get(variable.name) or by_name.get(variable.id)
        except (ValueError, AttributeError):
            return ""
        return named if isinstance(named, str) else ""
    return text


def _dtype(message: Any) -> str:
    if message.type not in ("embedding", "tensor"):
        return ""
    return dtype_of(message.metadata, message, message.constraints_json)


def variables_table(variables: list[Variable], caption: str = "") -> str:
    """Variables as a table in HTML."""
    header = ("name", "type", "value", "version", "constraints")
    return table(header, [variable._row() for variable in variables], caption)


class VariableList(list[Variable]):
    """Variables, the oldest first; a list that notebooks show as a table."""

    def _repr_html_(self) -> str:
        return variables_table(self)


@dataclass(frozen=True)
class HistoryEntry:
    """A version that the host still holds."""

    version: int
    value: Any
    revision: int
    at: Optional[datetime.datetime]
    changed_by: str
    metadata: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class Update:
    """What a watch tells.

    `type` is one of

    * `initial_value`: a value that is there where the watch begins; `synced`: all of them have been told.
    * `value_change`, `constraint_change`, `deleted`: a change. A new variable is a `value_change` with version 1.
    * `optimization_change`, `dependency_change`: it was locked or released; something that it depends on,
      `caused_by`, has changed.
    * `gap`: the host no longer had what happened after `revision`, since it was started anew or the watch was
      away for too long; `cause` says why. The present values follow as initial values up to `synced`; variables
      that are not among them are gone.
    * `session_closed`: the session has ended, `cause` says how. Nothing follows.
    """

    type: str
    name: Optional[str] = None
    variable: Optional[Variable] = None
    old: Any = None
    """The value before; None for a new variable."""
    revision: int = 0
    """The session's, after this change."""
    epoch: str = ""
    """The session's life that the revision belongs to."""
    source: str = ""
    """Who made the change: the `source` of its metadata, or the kind of writer."""
    metadata: dict[str, str] = field(default_factory=dict, repr=False)
    cause: str = ""
    caused_by: str = ""
    more: bool = False
    """Further updates of the same atomic batch follow."""
    skipped: int = 0
    """Earlier changes of the variable that a watch with `conflate` has left out."""
    at: Optional[datetime.datetime] = None

    @property
    def value(self) -> Any:
        """The variable's value after the change; None where there is no variable."""
        return None if self.variable is None else self.variable.value


def read_update(message: Any, codec: Codec) -> Update:
    """An update from its message."""
    variable = old = None
    if message.HasField("variable"):
        if message.HasField("old_value"):
            own = message.variable
            old = codec.decode(own.type, message.old_value, message.old_binary_value, _dtype(own))
        variable = Variable(message.variable, codec)
    return Update(
        type=message.update_type, name=None if variable is None else variable.name, variable=variable, old=old,
        revision=message.revision, epoch=message.epoch, source=message.update_source,
        metadata=dict(message.update_metadata), cause=message.cause, caused_by=message.caused_by,
        more=message.more_in_revision, skipped=message.skipped, at=time_of(message, "timestamp"))


@dataclass(frozen=True)
class Parameter:
    """A parameter of a tool; its type is that of a variable, or object, array, bytes or any."""

    name: str
    type: str
    description: str
    required: bool
    default: Any
    constraints: dict[str, Any]

    def __str__(self) -> str:
        default = "" if self.required or self.default is None else f" = {shortened(self.default)}"
        return f"{self.name}: {self.type}{default}"


@dataclass(frozen=True)
class Tool:
    """What a tool is and takes."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    streams: bool
    """It is called with `stream` alone."""
    variables: tuple[str, ...]
    """Variables that the tool says it reads."""
    metadata: dict[str, str]
    """`plugin`; `read_only`, `destructive` and `idempotent` are "true" where the tool declares them."""
    schema: Optional[dict[str, Any]]
    """JSON Schema of the parameters."""

    def __repr__(self) -> str:
        return f"<Tool {self.name}({', '.join(map(str, self.parameters))})>"


class ToolList(Mapping[str, Tool]):
    """Tools by name; notebooks show them as a table."""

    def __init__(self, tools: dict[str, Tool]) -> None:
        self._tools = dict(sorted(tools.items()))

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __repr__(self) -> str:
        return f"<{len(self)} tools: {', '.join(self)}>"

    def _repr_html_(self) -> str:
        rows = [(tool.name, ", ".join(map(str, tool.parameters)), tool.description) for tool in self.values()]
        return table(("tool", "parameters", "description"), rows)


def read_tool(message: Any, codec: Codec) -> Tool:
    """A tool from its message."""
    def parameter(spec: Any) -> Parameter:
        default = codec.decode_result(spec.default_value, b"") if spec.HasField("default_value") else None
        constraints = from_json(spec.validation_json) if spec.validation_json else {}
        return Parameter(spec.name, spec.type, spec.description, spec.required, default, constraints)

    schema = message.input_schema_json
    return Tool(
        message.name, message.description, tuple(map(parameter, message.parameters)), message.supports_streaming,
        tuple(message.required_variables), dict(message.metadata), from_json(schema) if schema else None)


@dataclass(frozen=True)
class Chunk:
    """A part of what a streaming tool sends."""

    data: bytes
    """As the tool sent it; empty where the chunk carries progress alone."""
    progress: Optional[float]
    """How much is done, from 0 to 1, as the tool last said; None when it never did."""
    message: str
    """What it said with that."""
    metadata: dict[str, str] = field(repr=False)

    @property
    def value(self) -> Any:
        """What the JSON says, or the bytes where they are none; None for progress alone."""
        return chunk_value(self.data)


def chunk_value(data: bytes) -> Any:
    """JSON, or bytes that are none."""
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        return data


@dataclass(frozen=True)
class SessionInfo:
    """A session as its host describes it. Bytes are estimates; `ttl` is in seconds of idleness."""

    id: str
    epoch: str
    revision: int
    variables: int
    watches: int
    tools: int
    metadata: dict[str, str]
    ttl: int
    created_at: Optional[datetime.datetime]
    last_used_at: Optional[datetime.datetime]
    value_bytes: int
    history_bytes: int
    log_bytes: int


def read_info(message: Any) -> SessionInfo:
    """A session's description from its message."""
    return SessionInfo(
        message.session_id, message.epoch, message.revision, message.variable_count, message.watch_count,
        message.tool_count, dict(message.metadata), message.ttl_seconds, time_of(message, "created_at"),
        time_of(message, "last_used_at"), message.value_bytes, message.history_bytes, message.log_bytes)
