"""A host of plugins in memory."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from typing import Any, Iterable, Mapping, Optional, Union

from ._library import library

_SECOND = 1_000_000_000


class TestHostError(Exception):
    """The host could not do what it was asked for. A tool that fails is no such error: see `ToolError`.

    Attributes:
        kind: "loading", "calling", "still_running", "variable" or "request".
    """

    __test__ = False  # pytest takes it for a test by its name

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class ToolError(Exception):
    """A tool failed.

    Attributes:
        status: The name of a gRPC status code, such as "NOT_FOUND".
        message: For a person.
        type: A short name for programs.
        retryable: Whether the same call may succeed later.
        details: What the tool added; None where it added nothing.
    """

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['status']}: {error['message']}")
        self.status: str = error["status"]
        self.message: str = error["message"]
        self.type: str = error["type"]
        self.retryable: bool = error["retryable"]
        self.details: Any = error.get("details")


@dataclasses.dataclass(frozen=True)
class Variable:
    """A version of a variable."""

    name: str
    type: str
    value: Any
    version: int
    writer: str


@dataclasses.dataclass(frozen=True)
class Violation:
    """A rule of the ABI that a plugin has broken; docs/testing.md lists the rules."""

    rule: str
    function: str
    message: str


@dataclasses.dataclass(frozen=True)
class TraceEntry:
    """One use of a function of the host, or one run of a callback of the plugin.

    `begin` and `duration` are seconds; `duration` and `status` are None for what has not returned, `status` also for
    what returns nothing. `arguments` and `answers` are pairs of name and value.
    """

    function: str
    callback: bool
    tool: str
    arguments: tuple[tuple[str, Any], ...]
    answers: tuple[tuple[str, Any], ...]
    status: Optional[str]
    injected: bool
    thread: int
    begin: float
    duration: Optional[float]


@dataclasses.dataclass(frozen=True)
class Fault:
    """Something that goes wrong during a call; make one with the functions of this class."""

    members: Mapping[str, Any]

    @staticmethod
    def _moment(host_call: Optional[int], after: Optional[float]) -> dict[str, Any]:
        if host_call is not None:
            return {"host_call": host_call}
        return {} if after is None else {"after": _nanoseconds(after)}

    @classmethod
    def cancel(cls, *, host_call: Optional[int] = None, after: Optional[float] = None) -> Fault:
        """The call is cancelled: before its n-th function of the host, after some seconds, or as it begins."""
        return cls({"effect": "cancel", **cls._moment(host_call, after)})

    @classmethod
    def deadline(cls, *, host_call: Optional[int] = None, after: Optional[float] = None) -> Fault:
        """The call's deadline passes; as `cancel`."""
        return cls({"effect": "deadline", **cls._moment(host_call, after)})

    @classmethod
    def fail(cls, function: str, *, use: int = 1, status: str = "UNAVAILABLE",
             message: str = "injected") -> Fault:
        """A function such as "variables.set" fails at its n-th use, from 1; 0 stands for every one."""
        return cls({"effect": "fail", "function": function, "use": use, "status": status,
                    "message": message})

    @classmethod
    def full(cls, chunk: int) -> Fault:
        """The stream is full at the n-th chunk, from 1."""
        return cls({"effect": "full", "chunk": chunk})


class Record:
    """What one call of a tool did, from its start to its end."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record
        self.tool: str = record["tool"]
        self.chunks: list[Any] = [_value(chunk) for chunk in record["chunks"]]
        self.progress: list[tuple[float, str]] = [
            (entry["fraction"], entry["message"]) for entry in record["progress"]]
        self.metadata: dict[str, str] = dict(record["metadata"])
        self.binary: Optional[bytes] = (
            bytes.fromhex(record["binary"]) if "binary" in record else None)
        self.violations = [Violation(**violation) for violation in record["violations"]]
        self.left_over: dict[str, int] = dict(record["left_over"])
        self.seconds: float = record["nanoseconds"] / _SECOND
        self.trace = [_entry(entry) for entry in record.get("trace", [])]

    @property
    def error(self) -> Optional[ToolError]:
        """Why the tool failed; None where it did not."""
        return ToolError(self._record["error"]) if "error" in self._record else None

    @property
    def result(self) -> Any:
        """What the tool answered.

        Raises:
            ToolError: It failed.
        """
        if error := self.error:
            raise error
        return _value(self._record["result"])

    def uses(self, function: str) -> list[TraceEntry]:
        """The uses of one function, such as "variables.set"."""
        return [entry for entry in self.trace if entry.function == function]

    def __repr__(self) -> str:
        error = self.error
        return f"<Record of {self.tool}: {error if error else repr(self.result)}>"


class Call:
    """A call that may still run."""

    def __init__(self, host: Host, number: int) -> None:
        self._host = host
        self._number = number

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return bool(self._host.request("poll", call=self._number)["has_ended"])

    @property
    def chunks(self) -> list[Any]:
        """What it has emitted so far."""
        answer = self._host.request("poll", call=self._number)
        return [_value(chunk) for chunk in answer["chunks"]]

    def cancel(self) -> None:
        """Asks the tool to end, as a client does that no longer wants the answer."""
        self._host.request("cancel", call=self._number)

    def wait(self) -> Record:
        """Waits for the end; once.

        Raises:
            TestHostError: It has not ended in the time that `start` was given.
        """
        return Record(self._host.request("wait", call=self._number))


class Host:
    """A host of plugins in memory, with copies of its own of the plugins it loads.

    Thread-safe; hosts know nothing of each other. Close it, or use it in a `with` statement.

    Args:
        clock: "real"; "sleeping", which moves when a tool sleeps; or "manual", which moves by `advance`.
        abi_versions: The lowest and the highest version of the ABI that the host says it speaks.
        in_place: Whether plugins are mapped from their own files, where debuggers find them.
    """

    def __init__(self, *, clock: str = "real", abi_versions: Optional[tuple[int, int]] = None,
                 in_place: bool = False) -> None:
        options: dict[str, Any] = {"clock": clock, "in_place": in_place}
        if abi_versions:
            options["abi_versions"] = list(abi_versions)
        self._library = library()
        self._handle = self._library.new(json.dumps(options).encode())
        if not self._handle:
            raise TestHostError("request", f"the options make no sense: {options}")

    def close(self) -> None:
        """Ends with the host: its plugins stop."""
        handle, self._handle = self._handle, None
        if handle:
            self._library.delete(handle)

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self.close()

    def request(self, do: str, **members: Any) -> dict[str, Any]:
        """Makes a request of docs/testing.md.

        Raises:
            TestHostError: The host could not do it.
        """
        if not self._handle:
            raise TestHostError("request", "the host is closed")
        text = json.dumps({"do": do, **{key: _json(value) for key, value in members.items()
                                        if value is not None}})
        answer = self._library.request(self._handle, text.encode())
        try:
            import ctypes
            parsed: dict[str, Any] = json.loads(ctypes.string_at(answer))
        finally:
            self._library.free(answer)
        if not parsed["ok"] and "kind" in parsed["error"]:
            raise TestHostError(parsed["error"]["kind"], parsed["error"]["message"])
        return parsed

    # Plugins

    def load(self, path: Union[str, os.PathLike[str]],
             configuration: Optional[Mapping[str, Any]] = None) -> list[str]:
        """Loads a shared object or a manifest, and answers the names of its tools."""
        answer = self.request("load", path=os.fspath(path), configuration=configuration)
        return list(answer["tools"])

    def unload(self, path: Union[str, os.PathLike[str]]) -> bool:
        """Takes a plugin away, and answers whether it was there."""
        return bool(self.request("unload", path=os.fspath(path))["was_loaded"])

    @property
    def tools(self) -> dict[str, dict[str, Any]]:
        """What the tools say of themselves by their names, as the Model Context Protocol lists tools."""
        return {tool["name"]: tool for tool in self.request("tools")["tools"]}

    def stub(self, name: str, result: Any = None, *, error: Optional[Mapping[str, Any]] = None) -> None:
        """Puts a tool in the place of another plugin's: it answers a result, or fails with status, message, type."""
        if error is not None:
            self.request("stub", name=name, error=error)
        else:
            self.request("stub", name=name, result=result)

    # Variables

    def define(self, name: str, value: Any, type: Optional[str] = None, *,
               constraints: Optional[Mapping[str, Any]] = None,
               session: Optional[str] = None) -> None:
        """Makes a variable; its type is that of the value, where none is named."""
        self.request("define", name=name, value=value, type=type or _type(value),
                     constraints=constraints, session=session)

    def set(self, name: str, value: Any, *, session: Optional[str] = None) -> None:
        """Writes a variable, as another client would while a tool watches it."""
        self.request("set", name=name, value=value, session=session)

    def remove(self, name: str, *, session: Optional[str] = None) -> None:
        """Removes a variable."""
        self.request("remove", name=name, session=session)

    def variable(self, name: str, *, session: Optional[str] = None) -> Variable:
        """A variable as it is."""
        return _variable(self.request("get", name=name, session=session)["variable"])

    def variables(self, *, session: Optional[str] = None) -> dict[str, Any]:
        """The values of all variables, by their names."""
        answer = self.request("variables", session=session)
        return {entry["name"]: _value(entry["value"]) for entry in answer["variables"]}

    def watches(self, *, session: Optional[str] = None) -> int:
        """How many watches there are."""
        return int(self.request("variables", session=session)["watches"])

    def __getitem__(self, name: str) -> Any:
        return self.variable(name).value

    def __setitem__(self, name: str, value: Any) -> None:
        self.set(name, value)

    def end_session(self, session: Optional[str] = None) -> None:
        """Ends a session: what plugins keep for it is released."""
        self.request("end_session", session=session)

    # Calls

    def call(self, tool: str, arguments: Optional[Mapping[str, Any]] = None, /, *,
             options: Optional[Mapping[str, Any]] = None, **keywords: Any) -> Record:
        """Calls a tool and waits for its end.

        Args:
            arguments: For names that Python does not take as keywords.
            options: As the keywords of `start`.

        Raises:
            TestHostError: The tool cannot be called, or has not ended in time. A tool that fails is no error here:
                the record's `result` raises it.
        """
        return self.start(tool, {**(arguments or {}), **keywords}, **(options or {})).wait()

    def start(self, tool: str, arguments: Optional[Mapping[str, Any]] = None, *,
              session: Optional[str] = None, deadline: Optional[float] = None,
              stream: Optional[bool] = None, metadata: Optional[Mapping[str, str]] = None,
              faults: Iterable[Fault] = (), timeout: float = 30, trace: bool = True) -> Call:
        """Starts a call, for tests that do something while it runs. Times are seconds."""
        answer = self.request(
            "start", tool=tool, arguments=dict(arguments or {}), session=session,
            deadline=None if deadline is None else _nanoseconds(deadline), stream=stream,
            metadata=metadata, faults=[dict(fault.members) for fault in faults],
            timeout=_nanoseconds(timeout), trace=trace)
        return Call(self, answer["call"])

    # Time, rules and the log

    def advance(self, seconds: float) -> float:
        """Moves the host's clock on, and answers its time in seconds."""
        answer = self.request("advance", nanoseconds=_nanoseconds(seconds))
        return float(answer["now"]) / _SECOND

    def wait_for_sleepers(self, count: int = 1) -> None:
        """Waits until so many tools sleep by the host's clock."""
        self.request("wait_for_sleepers", count=count)

    def violations(self) -> list[Violation]:
        """The rules that were broken outside of calls, since this was asked last."""
        return [Violation(**each) for each in self.request("violations")["violations"]]

    @property
    def log(self) -> list[str]:
        """What was logged, a line each."""
        return list(self.request("log")["lines"])


def _nanoseconds(seconds: float) -> int:
    return round(seconds * _SECOND)


def _is_array(value: Any) -> bool:
    """Whether it is an array of numpy's, or like one."""
    return hasattr(value, "__array__") and hasattr(value, "shape") and hasattr(value, "tolist")


def _type(value: Any) -> str:
    """The type of a variable with a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "string"
    if _is_array(value):
        return "embedding" if len(value.shape) == 1 else "tensor"
    if isinstance(value, (list, tuple)):
        return "embedding"
    raise TestHostError("variable", f"a variable with {value!r} needs a type to be named")


def _json(value: Any) -> Any:
    """A value as requests have it."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"hex": bytes(value).hex()}
    if _is_array(value):
        if len(value.shape) == 0:
            return _json(value.tolist())
        numbers = [_json(number) for number in value.reshape(-1).tolist()]
        return numbers if len(value.shape) == 1 else {"shape": list(value.shape), "data": numbers}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _json(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(element) for element in value]
    return value


def _value(value: Any) -> Any:
    """A value as tests have it: bytes for what is written as bytes."""
    if isinstance(value, dict) and set(value) == {"hex"} and isinstance(value["hex"], str):
        return bytes.fromhex(value["hex"])
    return value


def _pairs(values: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, Any], ...]:
    return tuple((entry["name"], _value(entry["value"])) for entry in values)


def _entry(entry: Mapping[str, Any]) -> TraceEntry:
    return TraceEntry(
        function=entry["function"], callback=entry["callback"], tool=entry["tool"],
        arguments=_pairs(entry["arguments"]), answers=_pairs(entry["answers"]),
        status=entry["status"], injected=entry["injected"], thread=entry["thread"],
        begin=entry["begin"] / _SECOND,
        duration=None if entry["duration"] is None else entry["duration"] / _SECOND)


def _variable(entry: Mapping[str, Any]) -> Variable:
    return Variable(**{**entry, "value": _value(entry["value"])})
