"""Is there one order of the operations, within their times, that explains every answer?

The search of Wing and Gong, with Lowe's memory of which sets of operations have already led to
which state ("Testing for linearizability", 2017). Operations whose outcome nobody knows may take
effect at any time after their start, or never.
"""

import collections
import contextlib
import math

from .model import State, agrees, apply, without_revisions
from .operations import Seen, Violation, shown

# Steps of one search. Histories of a few hundred operations need a few thousand.
STEP_LIMIT = 1_000_000
REPORT_STEP_LIMIT = 50_000


class Undecided(Exception):
    """The search took too long: the history says nothing, so it must not count as good."""


class _Entry:
    """The start or the end of an operation; those of answered ones are in a list by time."""

    __slots__ = ("operation", "bit", "after", "answer", "end", "time", "previous", "next")

    def __init__(self, operation, time, bit=0):
        self.operation = operation
        self.time = time
        # 0 marks an end.
        self.bit = bit
        # The end, for the start of an operation that must have taken effect by then.
        self.end = None
        self.previous = self.next = None

    def remove(self):
        self.previous.next = self.next
        if self.next is not None:
            self.next.previous = self.previous

    def restore(self):
        self.previous.next = self
        if self.next is not None:
            self.next.previous = self


def check(operations, revisions=True, initial=State(), step_limit=STEP_LIMIT):
    """Searches an order; returns the violations: none or one.

    - revisions: Whether the revisions in the answers must fit as well. Without them the search
      relies on values and versions alone, so that no mistake in one hides a mistake in the other.
    """
    if _Search(operations, revisions, initial, step_limit).succeeds():
        return []
    # Once more without looking ahead: it gets further, and so says better what does not fit.
    report = _Search(operations, revisions, initial, REPORT_STEP_LIMIT, looks_ahead=False)
    with contextlib.suppress(Undecided):
        report.succeeds()
    return [report.violation()]


class _Search:
    def __init__(self, operations, revisions, initial, step_limit, looks_ahead=True):
        # A read that was lost says nothing.
        self.operations = [
            o for o in operations if o.is_known or o.is_write or o.kind == "close"]
        self.revisions = revisions
        self.looks_ahead = looks_ahead
        self.steps_left = step_limit
        self.state = initial if revisions else without_revisions(initial)
        # Which operations have taken effect, as bits; how, to take it back; what was tried.
        self.done = 0
        self.taken = []
        self.tried = set()
        # The longest order found, for the report.
        self.furthest = []
        self.furthest_state = self.state
        self.stuck = None
        self.arrange()

    def arrange(self):
        """Makes the list of starts and ends, and that of the operations that were lost."""
        bits = {id(operation): 1 << index for index, operation in enumerate(self.operations)}
        first_seen = _first_seen(self.operations)
        timed = []
        self.lost = []
        # How many must still take effect.
        self.owed = 0
        for operation in self.operations:
            start = _Entry(operation, operation.start, bits[id(operation)])
            start.answer = operation.answer
            if operation.is_known and not self.revisions:
                start.answer = without_revisions(operation.answer)
            # A part that is unknown may be missing: it holds nothing up.
            start.after = sum(bits[id(other)] for other in operation.after if other.is_known)
            end = operation.end
            if operation.is_known:
                timed.append(start)
            else:
                self.lost.append(start)
                # What was lost but seen by others took effect before they ended.
                end = min([first_seen.get(value, end) for value in operation.values], default=end)
            if end < math.inf:
                self.owed += 1
                start.end = _Entry(operation, end)
                timed.append(start.end)
        timed.sort(key=lambda entry: (entry.time, entry.bit == 0))
        self.lost.sort(key=lambda entry: -entry.time)
        self.head = last = _Entry(None, 0.0)
        for entry in timed:
            last.next = entry
            entry.previous = last
            last = entry

        self.witnesses = self.find_witnesses(bits)

    def find_witnesses(self, bits):
        """The operations that found a revision or saw a version, which pass and never come back."""
        witnesses = collections.defaultdict(int)
        for operation in self.operations:
            if not operation.is_known:
                continue
            bit = bits[id(operation)]
            if operation.answer.revision is not None:
                witnesses[operation.answer.revision - operation.has_written] |= bit
            if not operation.is_write:
                for seen in operation.answer.results:
                    if isinstance(seen, Seen):
                        witnesses[seen[:3]] |= bit
        return witnesses

    def succeeds(self):
        entry = self.head.next
        lost = None
        while self.owed:
            self.steps_left -= 1
            if self.steps_left < 0:
                raise Undecided(f"no order of {len(self.operations)} operations found, nor none")
            if lost is None:
                # What may come next: whatever began before the first end.
                if entry is not None and entry.bit:
                    if self.take(entry, None):
                        entry = self.head.next
                    else:
                        entry = entry.next
                    continue
                lost = 0
            # None of them fits: something that was lost must have come before.
            while lost < len(self.lost):
                candidate = self.lost[lost]
                if (not self.done & candidate.bit
                        and (entry is None or candidate.time < entry.time)
                        and self.take(candidate, lost)):
                    entry, lost = self.head.next, None
                    break
                lost += 1
            else:
                if self.stuck is None and entry is not None:
                    if len(self.taken) == len(self.furthest):
                        self.stuck = entry.operation
                if not self.taken:
                    return False
                entry, lost = self.take_back()
        return True

    def take(self, entry, position):
        """Lets an operation take effect, if that explains its answer and was not tried yet."""
        following = self.following(entry)
        if following is None or self.comes_too_late(following, entry.bit):
            return False
        key = (self.done | entry.bit, following)
        if key in self.tried:
            return False
        self.tried.add(key)
        self.taken.append((entry, position, self.state))
        self.state = following
        self.done |= entry.bit
        if position is None:
            entry.remove()
        if entry.end is not None:
            entry.end.remove()
            self.owed -= 1
        if len(self.taken) > len(self.furthest):
            self.furthest = [taken.operation for taken, _, _ in self.taken]
            self.furthest_state, self.stuck = self.state, None
        return True

    def take_back(self):
        """Undoes the last operation; returns where to go on in both lists."""
        entry, position, self.state = self.taken.pop()
        self.done &= ~entry.bit
        if entry.end is not None:
            entry.end.restore()
            self.owed += 1
        if position is None:
            entry.restore()
            return entry.next, None
        first_end = self.head.next
        while first_end is not None and first_end.bit:
            first_end = first_end.next
        return first_end, position + 1

    def following(self, entry):
        """The state after an operation, or None where it cannot come next."""
        if entry.after & ~self.done:
            return None
        following, answer = apply(self.state, entry.operation)
        if entry.answer is None:
            # Only worth trying where it does something.
            if following == self.state:
                return None
        elif not agrees(answer if self.revisions else without_revisions(answer), entry.answer):
            return None
        if not self.revisions and following is not self.state:
            following = without_revisions(following)
        return following

    def comes_too_late(self, following, bit):
        """Whether some operation that is still owed saw what would be gone for good."""
        if following is self.state or not self.looks_ahead:
            return False
        missing = ~(self.done | bit)
        # A dependency is a new state of the same revision.
        if (self.revisions and following.revision != self.state.revision
                and self.witnesses.get(self.state.revision, 0) & missing):
            return True
        versions = {variable[:3] for variable in following.variables}
        return any(
            self.witnesses.get(variable[:3], 0) & missing
            for variable in self.state.variables if variable[:3] not in versions)

    def violation(self):
        placed = {id(operation) for operation in self.furthest}
        around = [] if self.stuck is None else [
            o for o in self.operations
            if o.start <= self.stuck.end and o.end >= self.stuck.start and id(o) not in placed]
        state = self.furthest_state
        return Violation("linearizability", "\n".join([
            f"no order of {len(self.operations)} operations explains their answers"
            + ("" if self.revisions else ", revisions left aside"),
            f"an order of {len(self.furthest)} was found; after it the session would be revision "
            f"{state.revision} {[shown(v) for v in state.variables]}",
            f"this one cannot be placed: {self.stuck}",
            "before it in that order:",
            *[f"  {operation}" for operation in self.furthest[-8:]],
            "at the same time, not yet placed:",
            *[f"  {operation}" for operation in around],
        ]))


def _first_seen(operations):
    """For each value the earliest end of an operation that was answered it."""
    first = {}
    for operation in operations:
        for seen in operation.answer.results if operation.is_known else ():
            if isinstance(seen, Seen):
                first[seen.value] = min(operation.end, first.get(seen.value, math.inf))
    return first
