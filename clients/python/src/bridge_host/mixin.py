"""`VariableAwareMixin`: classes that read, write and watch the variables of a session, such as modules of DSPy."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Optional

import grpc

from ._sync import Client, Session, Watch
from .errors import BridgeError

_log = logging.getLogger("bridge_host")


class _Watches:
    """The watches of an object. A copy of the object has none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_name: dict[str, Watch] = {}

    def put(self, name: str, watch: Watch) -> None:
        with self._lock:
            before = self._by_name.get(name)
            self._by_name[name] = watch
        if before is not None:
            before.close()

    def close(self) -> None:
        with self._lock:
            watches = list(self._by_name.values())
            self._by_name.clear()
        for watch in watches:
            watch.close()

    def __del__(self) -> None:
        self.close()

    def __deepcopy__(self, memo: Any) -> _Watches:
        return _Watches()

    def __copy__(self) -> _Watches:
        return _Watches()


class VariableAwareMixin:
    """Gives a class the variables of a session.

        class Module(VariableAwareMixin, dspy.Module):
            def __init__(self, session):
                super().__init__(session)

            def forward(self, question):
                temperature = self.get_variable("temperature")

    The first argument is a `Session`, by the keyword `session` or `session_context` too; what else there is goes on to
    the next class. Or it is a channel of grpc (`channel`), and the second the id of a session (`session_id`), as the
    mixin of Snakepit's Python package has them.
    All methods may be called from any thread. They raise a `BridgeError`, which is a RuntimeError.
    """

    def __init__(self, *rest: Any, **named: Any) -> None:
        if rest:
            session, rest = rest[0], rest[1:]
        else:
            session = next((named.pop(key) for key in ("session", "session_context", "channel") if key in named), None)
        if isinstance(session, grpc.Channel):
            if "session_id" in named:
                session_id = named.pop("session_id")
            elif rest:
                session_id, rest = rest[0], rest[1:]
            else:
                raise TypeError("beside a channel the id of a session is needed")
            self._session_context = Session(Client(session), session_id)
            # The next class is left alone, as it is there, unless there is something for it.
            if rest or named:
                super().__init__(*rest, **named)
        else:
            if not isinstance(session, Session):
                raise TypeError(f"a Session or a channel of grpc is needed, not {type(session).__name__}")
            super().__init__(*rest, **named)
            self._session_context = session
        self._watches = _Watches()

    def get_variable(self, name: str) -> Any:
        """The value of a variable. `NotFound` when there is none."""
        return self._session_context[name]

    def set_variable(self, name: str, value: Any, metadata: Optional[Mapping[str, Any]] = None) -> None:
        """Writes a variable that is there."""
        self._session_context.set(name, value, metadata=metadata)

    def register_variable(
        self, name: str, var_type: str, initial_value: Any, constraints: Optional[Mapping[str, Any]] = None,
        metadata: Optional[Mapping[str, Any]] = None,
    ) -> str:
        """Creates a variable, and answers its id. `AlreadyExists` when the name is taken."""
        return self._session_context.register(
            name, var_type, initial_value, constraints=constraints, metadata=metadata).id

    def watch_variable(self, name: str, callback: Callable[[str, Any, Any, dict[str, str]], None]) -> None:
        """Calls back with name, old value, new value and metadata after each change of a variable.

        It returns when the watch is in place, and the calls come from a thread of the watch's own. They go on, also
        after lost connections, until the variable is watched with another function, the object is gone, or its
        `with` block has ended. After a gap the present value comes, with None for the old one. What the function
        raises is logged.
        """
        watch = self._session_context.watch([name], initial=False)
        self._watches.put(name, watch)
        threading.Thread(
            target=_report, args=(name, watch, callback), name=f"watch of {name}", daemon=True).start()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        """Ends the watches."""
        self._watches.close()


def _report(name: str, watch: Watch, callback: Callable[[str, Any, Any, dict[str, str]], None]) -> None:
    try:
        for update in watch:
            if update.type not in ("value_change", "initial_value"):
                continue
            try:
                callback(name, update.old, update.value, update.metadata)
            except Exception:
                _log.exception("the function that watches %s has failed", name)
    except BridgeError as error:
        _log.error("the watch of %s has ended: %s", name, error)
