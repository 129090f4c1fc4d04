"""Is there one order of the operations, within their times, that explains every answer?

The search of Wing and Gong, with Lowe's memory of which sets of operations have already led to
which state ("Testing for linearizability", 2017). Operations whose outcome nobody knows may take
effect at any time after their start, or never.
"""

import math

from .model import State, agrees, apply, without_revisions
from .operations import Seen, Violation, shown

# Steps of one search. Histories of a few hundred operations need a few thousand.
STEP_LIMIT = 500_000


class Undecided(Exception):
    """The search took too long: the history says nothing, so it must not count as good."""


class _Entry:
    """The start or the end of an operation, in a list ordered by time."""

    __slots__ = ("operation", "bit", "after", "answer", "match", "previous", "next")

    def __init__(self, operation, bit, match=None):
        self.operation = operation
        self.bit = bit
        # The end, for the start of an operation that is known to have ended.
        self.match = match
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
    head, known = _entries(operations, revisions)
    state = initial if revisions else without_revisions(initial)
    tried = set()
    done = 0
    taken = []
    furthest, furthest_state, stuck = [], state, None
    entry = head.next
    steps = 0
    while known:
        steps += 1
        if steps > step_limit:
            raise Undecided(f"{len(operations)} operations, {steps} steps")
        if entry is not None and entry.operation is not None and entry.bit:
            following = _step(state, entry, done, revisions)
            if following is not None:
                key = (done | entry.bit, following)
                if key not in tried:
                    tried.add(key)
                    taken.append((entry, state))
                    state = following
                    done |= entry.bit
                    entry.remove()
                    if entry.match is not None:
                        entry.match.remove()
                        known -= 1
                    if len(taken) > len(furthest):
                        furthest = [e.operation for e, _ in taken]
                        furthest_state, stuck = state, None
                    entry = head.next
                    continue
            entry = entry.next
            continue
        # The end of an operation that has not taken effect, or of everything: take a step back.
        if entry is not None and stuck is None and len(taken) == len(furthest):
            stuck = entry.operation
        if not taken:
            return [_violation(operations, furthest, furthest_state, stuck, revisions)]
        entry, state = taken.pop()
        done &= ~entry.bit
        if entry.match is not None:
            entry.match.restore()
            known += 1
        entry.restore()
        entry = entry.next
    return []


def _step(state, entry, done, revisions):
    """The state after the operation, or None where it cannot come next."""
    if entry.after & ~done:
        return None
    following, answer = apply(state, entry.operation)
    if entry.answer is None:
        # A write that may have been lost: only worth trying where it does something.
        if following == state:
            return None
    if not revisions and following is not state:
        following = without_revisions(following)
    if entry.answer is not None:
        if not revisions:
            answer = without_revisions(answer)
        if not agrees(answer, entry.answer):
            return None
    return following


def _entries(operations, revisions):
    """The head of the list of starts and ends, and the number of operations that ended."""
    # A read that was lost says nothing.
    operations = [o for o in operations if o.is_known or o.is_write or o.kind == "close"]
    bits = {id(operation): 1 << index for index, operation in enumerate(operations)}
    first_seen = _first_seen(operations)
    timed = []
    known = 0
    for operation in operations:
        start = _Entry(operation, bits[id(operation)])
        start.answer = operation.answer
        if not revisions and operation.answer is not None:
            start.answer = without_revisions(operation.answer)
        # A part that is unknown may be missing: it holds nothing up.
        start.after = sum(bits[id(other)] for other in operation.after if other.is_known)
        timed.append((operation.start, 0, start))
        end = operation.end
        if not operation.is_known:
            # What was lost but seen by others took effect before they ended.
            end = min([first_seen.get(value, end) for value in operation.values], default=end)
        if end < math.inf:
            known += 1
            start.match = _Entry(operation, 0)
            timed.append((end, 1, start.match))
    timed.sort(key=lambda item: item[:2])
    head = last = _Entry(None, 0)
    for _, _, entry in timed:
        last.next = entry
        entry.previous = last
        last = entry
    return head, known


def _first_seen(operations):
    """For each value the earliest end of an operation that was answered it."""
    first = {}
    for operation in operations:
        for seen in operation.answer.results if operation.is_known else ():
            if isinstance(seen, Seen):
                first[seen.value] = min(operation.end, first.get(seen.value, math.inf))
    return first


def _violation(operations, furthest, state, stuck, revisions):
    around = []
    if stuck is not None:
        around = [o for o in operations
                  if o.start <= stuck.end and (o.end >= stuck.start or o.end == math.inf)]
    placed = {id(operation) for operation in furthest}
    lines = [
        f"no order of {len(operations)} operations explains their answers"
        + ("" if revisions else ", revisions left aside"),
        f"an order of {len(furthest)} was found; after it the session would be {_shown(state)}",
        f"this one cannot be placed: {stuck}",
        "before it in that order:",
        *[f"  {operation}" for operation in furthest[-8:]],
        "at the same time, not yet placed:",
        *[f"  {operation}" for operation in around if id(operation) not in placed],
    ]
    return Violation("linearizability", "\n".join(lines))


def _shown(state):
    variables = ", ".join(map(shown, state.variables))
    return f"revision {state.revision} [{variables}]{' closed' if state.is_closed else ''}"
