"""What a client asked and what it was answered."""

import dataclasses
import math
from typing import NamedTuple


class Seen(NamedTuple):
    """One version of a variable."""

    name: str
    # The number of the registration, which makes the id.
    ordinal: int
    version: int
    value: str
    # The session revision that wrote this version.
    revision: int = 0
    constraints: str = ""
    # The optimizer that holds it.
    optimizer: str = ""
    # The revision since which something it depends on is newer; 0 when it is up to date.
    stale: int = 0

    @property
    def id(self):
        return f"var_{self.name}_{self.ordinal}"


class Answer(NamedTuple):
    """What an operation was answered.

    `error` is empty, or one of: missing (no such variable), exists, mismatch, locked (by an
    optimizer; also not locked, for who lets go of a lock), cycle, unknown (no such version), refused
    (an atomic batch, whose `results` say why), closed (no such session).

    `results` holds, by kind of operation:
        register, get, rollback, stop
                        the variable that was answered
        get_many        for each identifier the variable or None
        list            the variables in their order
        set, set_many, constrain
                        for each identifier the new version; when refused (error, current version)
    """

    error: str = ""
    # The session's revision that the answer carries; None where it carries none.
    revision: int | None = None
    results: tuple = ()
    # The version that a mismatch names.
    current: int = 0


@dataclasses.dataclass(slots=True, eq=False)
class Operation:
    """One operation. Times are seconds of one monotonic clock.

    Kinds: register, get, get_many, set, set_many (atomic), list, delete, revision, close; constrain
    (other constraints and a value), rollback, depend (the first identifier on the second), start and
    stop (of an optimization). These five are never lost: their outcome is always known. A batch
    that is not atomic is recorded as several `set`, which share their times and answer no revision,
    and one `revision` that comes after them.
    """

    kind: str
    identifiers: tuple = ()
    # The value written, for each identifier.
    values: tuple = ()
    # The version each identifier must have; 0 for no check.
    expected: tuple = ()
    # Of `list`; only what ends with `*`, or nothing for all.
    pattern: str = ""
    # The optimizer that the client is.
    holder: str = ""
    # Of `rollback`, which learns its value from the answer.
    target: int = 0
    # Of `constrain`.
    constraints: str = ""
    # Of `stop`: whoever holds it.
    force: bool = False
    start: float = 0.0
    # Infinite while nobody knows whether it was applied.
    end: float = math.inf
    # None where the outcome is unknown.
    answer: Answer | None = None
    # Operations that took effect earlier if they did: parts of the same batch.
    after: tuple = ()
    client: str = ""

    @property
    def is_known(self):
        return self.answer is not None

    @property
    def is_write(self):
        return self.kind in (
            "register", "set", "set_many", "delete", "constrain", "rollback", "start", "stop")

    @property
    def has_written(self):
        return self.is_write and self.answer is not None and not self.answer.error

    def __str__(self):
        what = [self.kind]
        for position, identifier in enumerate(self.identifiers):
            text = identifier
            if self.values:
                text += f"={shortened(self.values[position])}"
            if self.expected and self.expected[position]:
                text += f" if version {self.expected[position]}"
            what.append(text)
        what += [str(detail) for detail in (
            self.pattern, self.constraints, self.target and f"to version {self.target}",
            self.holder and f"as {self.holder}", self.force and "by force") if detail]
        if self.answer is None:
            answer = "unknown"
        else:
            answer = self.answer.error or "ok"
            if self.answer.current:
                answer += f" (version is {self.answer.current})"
            if self.answer.revision is not None:
                answer += f" at revision {self.answer.revision}"
            if self.answer.results:
                answer += f" {[shown(result) for result in self.answer.results]}"
        return (f"[{self.start:.6f} {self.end:.6f}] {self.client or '-'}: "
                f"{' '.join(what)} -> {answer}")


def shown(result):
    if isinstance(result, Seen):
        return (f"{result.id} v{result.version} {shortened(result.value)} r{result.revision}"
                f"{result.constraints}"
                f"{result.optimizer and f' held by {result.optimizer}'}"
                f"{result.stale and f' stale since {result.stale}' or ''}")
    return result


def shortened(value):
    """A value without its padding."""
    return value.partition("|")[0] if isinstance(value, str) else value


class Violation(NamedTuple):
    """Something a host did that it promises not to do.

    Kinds
        undecided        the search for an order took too long
        linearizability  no order of the operations explains the answers
        answer           a status that no specification allows
        revision         not unique, not gap-free, against real time, or not of this state
        log              a committed change that nobody made, or a write that was not committed
        batch            an atomic batch that came in pieces
        order gap duplicate phantom content
                         a watch reported changes wrongly
        resume           a gap right where a watch resumed
        snapshot         initial values that are not those of their revision, or a gap after them
        bookmark         synced, heartbeat or session_closed before what they cover
        end              a watch that ended otherwise than promised, or not at all
    """

    kind: str
    message: str

    def __str__(self):
        return f"{self.kind}: {self.message}"
