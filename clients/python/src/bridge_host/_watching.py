"""What a watch has seen and how it goes on, without I/O.

    snapshot -> changes -> over
       ^           |
       +--- gap ---+

Updates are handed out where the watch could resume: all initial values together with `synced`, all updates of a
revision together. So a connection that is lost in between takes nothing with it that was handed out, and nothing
is handed out twice.
"""

from __future__ import annotations

import collections
import random
from collections.abc import Iterable
from typing import Any, NamedTuple, Optional

from ._messages import MESSAGES
from ._types import Update, read_update
from ._values import Codec
from .errors import BridgeError, Cancelled, DeadlineExceeded, FailedPrecondition, OutOfRange, ResourceExhausted
from .errors import Unavailable

_Request = MESSAGES["WatchVariablesRequest"]
# What may be over when the watch is opened again.
_PASSING = (Unavailable, Cancelled, DeadlineExceeded, ResourceExhausted)


class WatchOptions(NamedTuple):
    """How to watch; `Session.watch` says what each means."""

    initial: bool
    conflate: bool
    on_gap: str
    heartbeat: float
    backoff: tuple[float, float]
    attempts: Optional[int]

    def checked(self) -> WatchOptions:
        """Itself, or a ValueError."""
        if self.on_gap not in ("restart", "stop"):
            raise ValueError(f"on_gap is {self.on_gap!r}; use restart or stop")
        if not 0.1 <= self.heartbeat <= 3600:
            raise ValueError(f"heartbeat is {self.heartbeat}; use 0.1 to 3600 seconds")
        if not 0 <= self.backoff[0] <= self.backoff[1]:
            raise ValueError(f"backoff is {self.backoff}; use the shortest and the longest wait in seconds")
        if self.attempts is not None and self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}; use 1 or more, or None")
        return self


class Progress:
    """The state of a watch. One thread at a time drives it.

    The driver opens a stream with `request`, hands each message to `take`, and its end to `ended`, which says how
    long to wait before the next one. Updates are in `ready`.
    """

    def __init__(self, session: str, names: Iterable[str], options: WatchOptions, codec: Codec) -> None:
        if isinstance(names, str):
            raise TypeError("names are a list of texts, not a text")
        self._session = session
        self._names = list(names)
        self._options = options
        self._codec = codec
        self._held: list[Update] = []
        self._shows_snapshot = options.initial
        self._failures = 0
        #: Whether everything up to `revision` was handed out, so that it can go on from there.
        self.in_place = False
        self.epoch = ""
        self.revision = 0
        #: Whether nothing follows what is ready.
        self.over = False
        self.ready: collections.deque[Update] = collections.deque()

    def request(self) -> Any:
        """What continues the watch.

        The present values are asked for even if nobody wants them: with them comes where to resume.
        """
        request = _Request(
            session_id=self._session, variable_identifiers=self._names, include_synced=True,
            conflate=self._options.conflate, heartbeat_interval_ms=round(self._options.heartbeat * 1000))
        if self.in_place:
            request.start_revision = self.revision
            request.epoch = self.epoch
        else:
            request.include_initial_values = True
        return request

    def take(self, message: Any) -> None:
        """Takes what the host has sent."""
        self._failures = 0
        kind = message.update_type
        if kind == "heartbeat":
            if self.in_place:
                self._at(message)
            return
        update = read_update(message, self._codec)
        if kind == "session_closed":
            self._held.clear()
            self.ready.append(update)
            self.over = True
        elif kind == "synced":
            if not self.in_place and self._shows_snapshot:
                self.ready.extend(self._held)
                self.ready.append(update)
            self._held.clear()
            self.in_place = True
            self._at(message)
        else:
            self._held.append(update)
            if self.in_place and not update.more:
                self.ready.extend(self._held)
                self._held.clear()
                self._at(message)

    def ended(self, error: Optional[BridgeError]) -> float:
        """Takes the end of a stream, None for one without an error; answers the seconds to wait.

        Raises the error when the watch cannot go on.
        """
        self._held.clear()
        if error is None:
            error = Unavailable("the stream of the watch has ended")
        elif self.in_place and isinstance(error, (OutOfRange, FailedPrecondition)):
            if self._options.on_gap == "stop":
                self.over = True
                raise error
            self.ready.append(Update("gap", revision=self.revision, epoch=self.epoch, cause=error.message))
            self.in_place, self._shows_snapshot, self.epoch, self.revision = False, True, "", 0
        elif not isinstance(error, _PASSING + (OutOfRange,)):
            self.over = True
            raise error
        self._failures += 1
        if self._options.attempts is not None and self._failures >= self._options.attempts:
            self.over = True
            raise error
        shortest, longest = self._options.backoff
        wait = min(shortest * 2.0 ** min(self._failures - 1, 20), longest) * random.uniform(0.5, 1)
        return max(wait, error.retry_after or 0)

    def _at(self, message: Any) -> None:
        # What has no revision, as a kind of update that is not known yet may, moves nothing.
        if message.revision >= self.revision:
            self.revision, self.epoch = message.revision, message.epoch
