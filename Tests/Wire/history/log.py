"""The committed changes of a session, and whether its answers agree with their revisions.

This check trusts revisions, where that of linearizability searches: a host must pass both.
"""

import collections
from typing import NamedTuple

from .model import State, agrees, apply
from .operations import Seen, Violation, shown, shortened


class Change(NamedTuple):
    """One committed change."""

    revision: int
    # register, set or delete; constrain; optimize and depend, which make no version.
    kind: str
    # The version it made; of a deletion, the last one there was.
    variable: Seen
    # The version before a `set` or `constrain`.
    previous: Seen | None = None
    # Of `optimize` and `depend`.
    cause: str = ""
    # Of `depend`: the name of the variable it comes from.
    source: str = ""

    def __str__(self):
        return f"r{self.revision} {self.kind} {shown(self.variable)} {self.cause} {self.source}"


class Log:
    """Changes in their order, and the session's state at every revision."""

    def __init__(self, changes):
        self.changes = changes
        self.states = [State()]
        for change in changes:
            # A revision that is missing, which is a fault of its own, changed nothing.
            while change.revision >= len(self.states):
                self.states.append(self.states[-1]._replace(revision=len(self.states)))
            self.states[-1] = _applied(self.states[-1], change)

    @property
    def revision(self):
        return self.states[-1].revision

    def after(self, revision):
        return [change for change in self.changes if change.revision > revision]


def reconstruct(operations, reference):
    """The log, from the answers to writes and a watch of everything that was never slow.

    - reference: The changes that this watch reported, as `Change`s.
    """
    found = []
    by_revision = collections.defaultdict(list)
    for change in reference:
        by_revision[change.revision].append(change)
    writers = _writers(operations)

    revisions = sorted(by_revision)
    answered = [o.answer.revision for o in operations
                if o.answer is not None and o.answer.revision is not None]
    last = max([0, *revisions, *answered])
    missing = [revision for revision in range(1, last + 1) if revision not in by_revision]
    if missing:
        found.append(Violation("revision", f"no change has the revisions {missing[:10]}"))

    _check_answered_writes(operations, by_revision, found)
    for revision in revisions:
        _check_one_writer(revision, by_revision[revision], writers, found)
    changes = _chained([c for revision in revisions for c in by_revision[revision]], found)
    _check_rollbacks(operations, changes, found)
    return Log(changes), found


def _writers(operations):
    """Who may have made a change, by (kind, value) or, for a deletion, (kind, identifier)."""
    writers = collections.defaultdict(list)
    for operation in operations:
        if operation.answer is not None and operation.answer.error:
            continue
        if operation.kind in ("start", "stop"):
            writers["optimize", operation.identifiers[0]].append(operation)
        elif operation.kind == "depend":
            writers["depend", ""].append(operation)
        elif operation.kind != "delete":
            kind = "set" if operation.kind in ("set_many", "rollback") else operation.kind
            for value in operation.values:
                writers[kind, value].append(operation)
        elif operation.kind == "delete":
            writers["delete", operation.identifiers[0]].append(operation)
    return writers


def _check_answered_writes(operations, by_revision, found):
    """What was answered as written is in the log, just as answered, and alone in its revision."""
    owner = {}
    for operation in operations:
        if not operation.has_written or operation.answer.revision is None:
            continue
        revision = operation.answer.revision
        other = owner.setdefault(revision, operation)
        if other is not operation:
            found.append(Violation(
                "revision", f"two writes were answered revision {revision}:\n  {other}\n"
                f"  {operation}"))
            continue
        there = [c for c in by_revision.get(revision, []) if c.kind != "depend"]
        if operation.kind == "register":
            expected = [(*operation.answer.results[0][:4],)]
            actual = [(*c.variable[:4],) for c in there]
        elif operation.kind in ("delete", "start", "stop"):
            kind = "delete" if operation.kind == "delete" else "optimize"
            expected = [operation.identifiers[0]]
            actual = [operation.identifiers[0] if names(operation, c) and c.kind == kind else str(c)
                      for c in there]
        elif operation.kind == "rollback":
            expected = [*operation.answer.results]
            actual = [c.variable for c in there]
        else:
            expected = sorted(zip(operation.values, operation.answer.results))
            actual = sorted((c.variable.value, c.variable.version) for c in there)
        if expected != actual:
            kind = "batch" if operation.kind == "set_many" else "log"
            found.append(Violation(
                kind, f"{operation}\n  is in the log as {[str(c) for c in there]}"))


def names(operation, change):
    return operation.identifiers[0] in (change.variable.name, change.variable.id)


def _check_one_writer(revision, changes, writers, found):
    """The changes of a revision are one write, and all of it."""
    makers = []
    followers = [change for change in changes if change.kind == "depend"]
    changes = [change for change in changes if change.kind != "depend"]
    for change in followers:
        _check_follower(change, [*changes, *followers], writers, found)
    if not changes:
        return
    for change in changes:
        if change.kind in ("delete", "optimize"):
            makers.append(writers[change.kind, change.variable.name]
                          + writers[change.kind, change.variable.id])
        else:
            makers.append(writers[change.kind, change.variable.value])
        if not makers[-1]:
            found.append(Violation("log", f"nobody made the change {change}"))
            return
    if changes[0].kind in ("delete", "optimize"):
        if len(changes) > 1:
            found.append(Violation("revision", f"several changes: {[str(c) for c in changes]}"))
        return
    # Several have written a value that was rolled back to.
    common = [maker for maker in makers[0] if all(maker in others for others in makers)]
    if not common:
        found.append(Violation(
            "revision", f"changes of several writes have revision {revision}: "
            f"{[str(c) for c in changes]}"))
    elif all(len(changes) != len(maker.values) for maker in common):
        maker = common[0]
        found.append(Violation(
            "batch", f"revision {revision} has {len(changes)} of {len(maker.values)} changes of\n"
            f"  {maker}"))


def _check_follower(change, others, writers, found):
    """What says that a variable is out of date comes from another change of the revision, along a
    dependency that somebody asked for."""
    if not any(other.variable.name == change.source for other in others):
        found.append(Violation("log", f"its source did not change: {change}"))
    to = (change.variable.name, change.variable.id)
    if not any(operation.identifiers[0] in to and operation.identifiers[1].removeprefix("var_")
               .startswith(change.source) for operation in writers["depend", ""]):
        found.append(Violation("log", f"nobody asked for this dependency: {change}"))


def _check_rollbacks(operations, changes, found):
    """A version that was rolled back to has the value of the other."""
    values = {change.variable[:3]: change.variable.value for change in changes}
    for operation in operations:
        if operation.kind != "rollback" or not operation.has_written:
            continue
        made = operation.answer.results[0]
        if values.get((made.name, made.ordinal, operation.target)) != made.value:
            found.append(Violation("log", f"this is not the value of the version: {operation}"))


def _chained(changes, found):
    """The changes with the version before each, after checking that each follows from it."""
    present = {}
    ordinal = 0
    chained = []
    for change in changes:
        variable = change.variable
        previous = present.get(variable.name)
        if change.kind == "register":
            ordinal += 1
            fits = previous is None and variable[1:3] == (ordinal, 1)
            present[variable.name] = variable
        elif change.kind in ("set", "constrain"):
            fits = previous is not None and variable[1:3] == (
                previous.ordinal, previous.version + 1) and not variable.stale and (
                variable.optimizer == previous.optimizer) and (
                change.kind == "constrain" or variable.constraints == previous.constraints)
            present[variable.name] = variable
        elif change.kind == "optimize":
            fits = previous is not None and variable == previous._replace(
                optimizer=variable.optimizer) and (
                bool(variable.optimizer) == (change.cause == "started"))
            present[variable.name] = variable
        elif change.kind == "depend":
            fits = previous is not None and variable == previous._replace(
                stale=previous.stale or change.revision)
            present[variable.name] = variable
        else:
            fits = previous == variable
            present.pop(variable.name, None)
        if not fits:
            found.append(Violation(
                "log", f"{change} does not follow from {shown(previous) if previous else 'none'}"))
        chained.append(change._replace(
            previous=previous if change.kind in ("set", "constrain") else None))
    return chained


def _applied(state, change):
    variable = change.variable
    if change.kind == "register":
        return state._replace(
            last_ordinal=variable.ordinal, variables=state.variables + (variable,))
    if change.kind == "delete":
        return state._replace(
            variables=tuple(v for v in state.variables if v.name != variable.name))
    return state._replace(variables=tuple(
        variable if v.name == variable.name else v for v in state.variables))


# ---------------------------------------------------------------------------------------------
# Answers against the log


class Window:
    """At which revisions an operation can have taken effect, judged by those before and after."""

    def __init__(self, operations, last):
        known = [o for o in operations
                 if o.answer is not None and o.answer.revision is not None]
        self.ends = sorted((o.end, o.answer.revision) for o in known)
        # The state an operation found: a write found the revision before its own.
        self.starts = sorted(
            ((o.start, o.answer.revision - o.has_written) for o in known), reverse=True)
        self.floors = _running(self.ends, max)
        self.ceilings = _running(self.starts, min)
        self.last = last

    def lowest(self, time):
        """The highest revision answered before the time."""
        return _look_up(self.floors, [end for end, _ in self.ends], time, 0)

    def highest(self, time):
        """The lowest revision found by what started after the time."""
        return _look_up(self.ceilings, [-start for start, _ in self.starts], -time, self.last)


def _running(pairs, best):
    result = []
    for _, revision in pairs:
        result.append(best(result[-1], revision) if result else revision)
    return result


def _look_up(running, keys, key, default):
    import bisect
    position = bisect.bisect_left(keys, key)
    return running[position - 1] if position else default


def check_answers(operations, log, window):
    """Revisions respect real time, and every answer is that of the state at its revision."""
    found = []
    closings = [o for o in operations if o.kind == "close"]
    for operation in operations:
        answer = operation.answer
        # The log does not know when a dependency began: the search for an order does.
        if answer is None or operation.kind in ("close", "depend"):
            continue
        if answer.error == "closed":
            if all(closing.start > operation.end for closing in closings):
                found.append(Violation("answer", f"the session was open: {operation}"))
            continue
        lowest = window.lowest(operation.start)
        highest = window.highest(operation.end)
        if answer.revision is not None:
            before = answer.revision - operation.has_written
            if before < lowest:
                found.append(Violation(
                    "revision", f"revision {lowest} was already answered when this began:\n"
                    f"  {operation}"))
                continue
            if not 0 <= before < len(log.states):
                found.append(Violation("revision", f"there is no such revision: {operation}"))
                continue
            candidates = [before]
        else:
            candidates = range(lowest, min(highest, log.revision) + 1)
        if not any(agrees(apply(log.states[r], operation)[1], answer) for r in candidates):
            found.append(Violation(
                "revision", "the answer is not that of "
                + (f"revision {candidates[0]}" if len(candidates) == 1
                   else f"any revision from {lowest} to {highest}")
                + f":\n  {operation}\n  "
                + "\n  ".join(f"revision {r}: {[shown(v) for v in log.states[r].variables]}"
                              for r in list(candidates)[:4])))
    return found
