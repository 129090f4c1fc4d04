"""Whether a watch reported the committed log: in order, once, without gaps."""

import dataclasses
import fnmatch
from typing import NamedTuple

from .operations import Seen, Violation, shortened


# The kinds of updates that report a change, and of the changes they report.
CHANGES = {
    "value_change": ("register", "set"), "deleted": ("delete",), "constraint_change": ("constrain",),
    "optimization_change": ("optimize",), "dependency_change": ("depend",)}


class Update(NamedTuple):
    """One update as it came."""

    # initial_value, a key of CHANGES, synced, heartbeat or session_closed.
    kind: str
    revision: int
    variable: Seen | None = None
    old_value: str | None = None
    old_version: int = 0
    more: bool = False
    cause: str = ""
    caused_by: str = ""

    @property
    def is_bookmark(self):
        return self.kind in ("synced", "heartbeat", "session_closed")

    def __str__(self):
        text = f"{self.kind} r{self.revision}"
        if self.variable is not None:
            text += (f" {self.variable.id} v{self.variable.version} "
                     f"{shortened(self.variable.value)}")
        return text + (" more" if self.more else "")


@dataclasses.dataclass(slots=True)
class Stream:
    """One watch, from its opening to its end."""

    name: str
    # What it was asked for.
    identifiers: tuple = ()
    initial: bool = False
    # The revision it resumed after; None for the present.
    resumed: int | None = None
    # When it was asked for, and when it was in place: at the latest with its headers.
    start: float = 0.0
    opened: float | None = None
    updates: list = dataclasses.field(default_factory=list)
    # Whether its client lets updates wait.
    slow: bool = False
    # How it ended: a status' name, or "cut" when the client itself went away.
    status: str = "cut"
    # The facts of that status.
    details: dict = dataclasses.field(default_factory=dict)

    def wants(self, variable):
        return not self.identifiers or any(
            identifier in (variable.name, variable.id)
            or "*" in identifier and fnmatch.fnmatchcase(variable.name, identifier)
            for identifier in self.identifiers)

    def resume_revision(self):
        """The revision after which the next watch goes on: everything up to it has come."""
        revision = self.resumed or 0
        for update in self.updates:
            if update.kind != "initial_value" and not update.more:
                revision = update.revision
        return revision

    def __str__(self):
        start = f"after r{self.resumed}" if self.resumed is not None else "now"
        return (f"watch {self.name} of {list(self.identifiers) or 'everything'} from {start}"
                f"{' with initial values' if self.initial else ''}: {len(self.updates)} updates, "
                f"then {self.status} {self.details or ''}")


def check(stream, log, window, log_size):
    """What a stream did wrong: all up to the first fault that leaves nothing to compare with.

    - window: The `Window` of the session's operations.
    - log_size: Changes the host keeps, beyond which it may refuse to go on.
    """
    return _Check(stream, log, window, log_size).run()


class _Check:
    def __init__(self, stream, log, window, log_size):
        self.stream = stream
        self.log = log
        self.window = window
        self.log_size = log_size
        self.expected = [c for c in log.changes if stream.wants(c.variable)]
        # How many of the expected changes have come, or were before the start.
        self.position = 0
        # The positions of those that have come.
        self.came = set()
        # Everything up to here has been promised to be complete.
        self.covered = 0
        # Where the stream may have started, while that is open.
        self.latest_start = None
        self.has_begun = False
        self.found = []

    def run(self):
        try:
            self.begin()
            rest = self.snapshot() if self.stream.initial else self.stream.updates
            for index, update in enumerate(rest):
                self.take(update, rest[index - 1] if index else None)
            self.finish()
        except _Fault as fault:
            self.found.append(fault.violation)
        return self.found

    def fault(self, kind, message, near=None):
        updates = self.stream.updates
        at = next((i for i, u in enumerate(updates) if u is near), len(updates))
        lines = [f"{message}\n  {self.stream}"]
        lines += [f"    came: {update}" for update in updates[max(0, at - 4):at + 3]]
        lines += [f"    log:  {change}"
                  for change in self.expected[max(0, self.position - 3):self.position + 4]]
        return _Fault(Violation(kind, "\n".join(lines)))

    # Where it starts

    def begin(self):
        stream = self.stream
        if stream.resumed is not None:
            self.start_at(stream.resumed)
        elif not stream.initial:
            # It started somewhere between these two; what comes first decides where.
            self.start_at(self.window.lowest(stream.start))
            self.latest_start = self.log.revision
            if stream.opened is not None:
                self.latest_start = max(self.covered, self.window.highest(stream.opened))

    def start_at(self, revision):
        self.covered = revision
        self.position = 0
        while (self.position < len(self.expected)
               and self.expected[self.position].revision <= revision):
            self.position += 1

    def snapshot(self):
        """Checks initial values and `synced`; returns what came after."""
        updates = self.stream.updates
        count = next((i for i, u in enumerate(updates) if u.kind != "initial_value"), None)
        if count is None:
            if self.stream.status not in ("cut", "OUT_OF_RANGE"):
                raise self.fault("snapshot", "no `synced` came")
            return []
        synced = updates[count]
        if synced.kind != "synced":
            raise self.fault("snapshot", "no `synced` ends the initial values", synced)
        revision = synced.revision
        lowest = self.window.lowest(self.stream.start)
        if not lowest <= revision <= self.log.revision:
            raise self.fault(
                "snapshot", f"synced is r{revision}, but r{lowest} was answered before", synced)
        came = [u.variable for u in updates[:count]]
        there = [v for v in self.log.states[revision].variables if self.stream.wants(v)]
        if sorted(came) != sorted(there):
            raise self.fault(
                "snapshot", f"initial values {[str(u) for u in updates[:count]]} are not those of "
                f"r{revision}: {[f'{v.id} v{v.version} r{v.revision}' for v in there]}", synced)
        if any(u.revision != revision for u in updates[:count]):
            raise self.fault("snapshot", "initial values of another revision than synced", synced)
        self.start_at(revision)
        return updates[count + 1:]

    # Update by update

    def take(self, update, previous):
        if previous is not None and previous.kind == "session_closed":
            raise self.fault("end", "an update after session_closed", update)
        if previous is not None and previous.more and update.revision != previous.revision:
            raise self.fault(
                "batch", "a batch that was to go on was cut by another revision", update)
        if update.is_bookmark:
            self.bookmark(update)
        elif update.kind in CHANGES:
            self.change(update)
        else:
            raise self.fault("order", f"{update.kind} has no place here", update)

    def bookmark(self, update):
        if update.kind == "synced":
            raise self.fault("snapshot", "a second `synced`, or one not asked for", update)
        self.settle_start(update.revision, update)
        if update.revision < self.covered:
            raise self.fault("bookmark", f"r{self.covered} was covered before", update)
        if update.revision > self.log.revision:
            raise self.fault("bookmark", "it covers what has not been committed", update)
        if self.position < len(self.expected):
            owed = self.expected[self.position]
            if owed.revision <= update.revision:
                raise self.fault("bookmark", f"it covers {owed}, which has not come", update)
        if update.kind == "session_closed" and update.revision != self.log.revision:
            raise self.fault("bookmark", f"the session ended at r{self.log.revision}", update)
        if update.cause != ("cleanup" if update.kind == "session_closed" else ""):
            raise self.fault("content", f"its cause is {update.cause!r}", update)
        self.covered = update.revision
        self.has_begun = True

    def change(self, update):
        self.settle_start(update.revision, update)
        kinds = CHANGES[update.kind]
        same = next((i for i, c in enumerate(self.expected)
                     if c.revision == update.revision and c.variable == update.variable
                     and c.kind in kinds), None)
        if same is None:
            known = any(c.revision == update.revision for c in self.log.changes)
            raise self.fault(
                "content" if known else "phantom", "the log has no such change", update)
        if same < self.position:
            kind = "duplicate" if same in self.came else "order"
            raise self.fault(kind, "it came before, or is older than where this was", update)
        if same > self.position:
            kind = "gap"
            if not self.has_begun:
                kind = ("resume" if self.stream.resumed is not None
                        else "snapshot" if self.stream.initial else "gap")
            raise self.fault(kind, f"{same - self.position} changes are missing before", update)
        expected = self.expected[same]
        self.came.add(same)
        self.position += 1
        self.has_begun = True
        self.covered = max(self.covered, update.revision - 1)
        self.check_old_value(update, expected)
        more = (self.position < len(self.expected)
                and self.expected[self.position].revision == update.revision)
        if update.more != more:
            raise self.fault(
                "batch", f"more_in_revision is {update.more}, the batch says {more}", update)
        if not more:
            self.covered = update.revision

    def settle_start(self, revision, update):
        """Without initial values, the first thing that comes says where the stream started."""
        if self.latest_start is None:
            return
        latest, self.latest_start = self.latest_start, None
        # Changes up to the latest start may have been before it.
        start = min(latest, revision if update.is_bookmark else revision - 1)
        self.start_at(max(self.covered, start))

    def check_old_value(self, update, change):
        old = change.previous if update.kind != "deleted" else change.variable
        expected = (None, 0) if old is None else (old.value, old.version)
        if (update.old_value, update.old_version) != expected:
            raise self.fault(
                "content", f"the old value is {shortened(update.old_value)} "
                f"v{update.old_version}, not {shortened(expected[0])} v{expected[1]}", update)
        cause = "deleted" if update.kind == "deleted" else change.cause
        if (update.cause, update.caused_by) != (cause, change.source):
            raise self.fault(
                "content", f"its cause is {update.cause!r} of {update.caused_by!r}, not {cause!r} of "
                f"{change.source!r}", update)

    # How it ends

    def finish(self):
        stream = self.stream
        closed = bool(stream.updates) and stream.updates[-1].kind == "session_closed"
        if closed != (stream.status == "OK") and not (closed and stream.status == "cut"):
            raise self.fault("end", f"session_closed and status {stream.status}")
        if stream.status in ("OK", "cut"):
            return
        if stream.status != "OUT_OF_RANGE":
            raise self.fault("end", f"a watch must not end with {stream.status}")
        oldest = stream.details.get("oldest_revision")
        if oldest is None or not 0 < int(oldest) <= self.log.revision:
            raise self.fault("end", "OUT_OF_RANGE without the oldest revision to resume from")
        oldest = int(oldest)
        if len(self.log.after(oldest - 1)) <= self.log_size:
            raise self.fault("end", f"nothing after r{oldest - 1} had to leave the log")
        last = stream.details.get("last_revision")
        if last is None:
            # It was refused at its start.
            if stream.resumed is None or stream.updates:
                raise self.fault("end", "OUT_OF_RANGE without the last revision sent")
            if stream.resumed >= oldest:
                raise self.fault("end", "the log still reached back to where it resumed")
            return
        last = int(last)
        owed = [c for c in self.expected[self.position:] if c.revision <= last]
        if owed and self.latest_start is None:
            raise self.fault("end", f"r{last} is named as the last sent, but {owed[0]} never came")
        # A slow one may stop between two changes that it reports, and be ended for those of others
        # there: who drops them cannot tell.
        lost = last < oldest if stream.slow else any(
            last < c.revision <= oldest for c in self.expected)
        if not lost:
            raise self.fault(
                "end", f"nothing it reports was lost between r{last}, the last sent, and "
                f"r{oldest}, the oldest to resume from")


class _Fault(Exception):
    def __init__(self, violation):
        super().__init__(violation.kind)
        self.violation = violation
