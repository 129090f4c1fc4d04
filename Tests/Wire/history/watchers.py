"""Watches of one session over the wire: fast, slow, killed in the middle, resuming."""

import json
import threading
import time

import grpc
from stubs import pb, rpc

from .clients import seen, status_facts
from .log import Change
from .streams import CHANGES, Stream, Update

# Milliseconds: the shortest there is, so that heartbeats come between changes.
HEARTBEAT = 100
# Seconds after which a watch that does not end hangs.
TIMEOUT = 60


class Watcher(threading.Thread):
    """Watches until the session ends; every stream it had is recorded.

    - identifiers: What to watch; a function is asked anew for each stream.
    - delay: Seconds to wait before the first.
    - stall: Seconds to let updates wait, every `stall_every` updates.
    - cut_after: Updates after which the client goes away and resumes.
    - kills: Whether it goes away with its connection.
    - window: Bytes that may wait unread: few, so that a reader that stalls holds up its stream.
    """

    def __init__(self, name, recorder, host, random, identifiers=(), initial=False, resumed=None,
                 delay=0.0, stall=0.0, stall_every=0, cut_after=0, kills=False, window=16384,
                 conflate=False):
        super().__init__(daemon=True, name=name)
        self.recorder = recorder
        self.host = host
        self.random = random
        self.identifiers = identifiers if callable(identifiers) else lambda: identifiers
        self.initial = initial
        self.resumed = resumed
        self.delay = delay
        self.stall = stall
        self.stall_every = stall_every
        self.cut_after = cut_after
        self.kills = kills
        self.window = window
        self.conflate = conflate
        self.streams = []
        self.is_open = threading.Event()
        self.quits = threading.Event()
        self.call = None
        self.channel = None

    def run(self):
        try:
            time.sleep(self.delay)
            self.connect()
            initial, resumed = self.initial, self.resumed
            identifiers = tuple(self.identifiers())
            while True:
                stream = Stream(
                    self.name, identifiers, initial, resumed,
                    slow=self.stall > 0)
                if self.follow(stream):
                    self.streams.append(stream)
                if stream.status not in ("cut", "OUT_OF_RANGE") or self.quits.is_set():
                    return
                initial, resumed = False, stream.resume_revision()
                if stream.status == "OUT_OF_RANGE":
                    # What a client does then: it reads everything again.
                    initial, resumed = True, None
                    identifiers = tuple(self.identifiers())
                elif self.kills:
                    self.connect()
        except Exception as error:  # noqa: BLE001 - a test must not lose what a thread raises
            self.recorder.blame("end", f"watcher {self.name}: {error!r}")
        finally:
            self.is_open.set()

    def connect(self):
        if self.channel is not None:
            self.channel.close()
        self.channel = self.host.channel(options=[
            ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", self.window)])
        self.stub = rpc.BridgeServiceStub(self.channel)

    def follow(self, stream):
        """One watch, to its end; False when there was no session any more to watch."""
        stream.start = time.monotonic()
        limit = None
        if self.cut_after and not self.recorder.closing.is_set():
            limit = self.random.randint(1, self.cut_after)
        call = self.call = self.stub.WatchVariables(pb.WatchVariablesRequest(
            session_id=self.recorder.session_id, variable_identifiers=stream.identifiers,
            include_initial_values=stream.initial, include_synced=stream.initial,
            start_revision=stream.resumed or 0,
            epoch=self.recorder.epoch if stream.resumed is not None else "",
            heartbeat_interval_ms=HEARTBEAT, conflate=self.conflate), timeout=TIMEOUT)
        try:
            call.initial_metadata()
            stream.opened = time.monotonic()
            self.is_open.set()
            for message in call:
                stream.updates.append(self.update(message))
                if limit is not None and len(stream.updates) >= limit:
                    call.cancel()
                    return True
                if self.stall and len(stream.updates) % self.stall_every == 0:
                    if not self.recorder.closing.is_set():
                        time.sleep(self.stall)
            stream.status = call.code().name
        except grpc.RpcError as error:
            if self.quits.is_set():
                return True
            stream.status = error.code().name
            reason, stream.details = status_facts(error)
            if reason == "SESSION_NOT_FOUND" and self.recorder.closing.is_set():
                return False
        return True

    def update(self, message):
        self.recorder.check_epoch(message.epoch, "an update")
        return Update(
            message.update_type, message.revision,
            seen(message.variable, message.variable_id) if message.HasField("variable") else None,
            json.loads(message.old_value.value) if message.HasField("old_value") else None,
            message.old_version, message.more_in_revision, message.cause, message.caused_by)

    def end(self, timeout):
        """Waits for the session's end to reach the watch; a watch that hangs says so."""
        self.join(timeout)
        if self.is_alive():
            self.quits.set()
            self.call.cancel()
            self.join(10)
            self.recorder.blame(
                "end", f"watcher {self.name} did not hear of the session's end")
        if self.channel is not None:
            self.channel.close()


def changes(reference, others):
    """What watches of everything reported, as changes in their order.

    The others fill in what the reference lost where the host keeps so little that even a fast
    reader can fall behind; that it may is checked like everything a watch does.
    """
    found = {}
    for stream in [*reference, *(other for other in others if not other.identifiers)]:
        complete = stream.resume_revision()
        its_own = {}
        for update in stream.updates:
            if update.kind in CHANGES and update.revision <= complete:
                kinds = CHANGES[update.kind]
                kind = kinds[0 if update.variable.version == 1 else -1]
                has_cause = kind in ("optimize", "depend")
                # A change that came twice is one: that it did is found with its stream.
                its_own.setdefault(update.revision, {})[Change(
                    update.revision, kind, update.variable,
                    cause=update.cause if has_cause else "",
                    source=update.caused_by if has_cause else "")] = None
        for revision, changes_of_it in its_own.items():
            found.setdefault(revision, changes_of_it)
    return [change for revision in sorted(found) for change in found[revision]]


def usual_watchers(recorder, host, random):
    """One of each kind that the guarantees speak of."""
    def watcher(name, **what):
        return Watcher(name, recorder, host, random, **what)

    def some_ids():
        return ["a", *(known[1] for known in list(recorder.known.values())[:3])]

    def later():
        return random.uniform(0, 0.5)

    return [
        watcher("all", initial=True, delay=later()),
        watcher("all-from-now", delay=later()),
        watcher("names", identifiers=("a", "b"), delay=later()),
        watcher("pattern", identifiers=("temp_*",), initial=True, delay=later()),
        watcher("later-name", identifiers=("late",), initial=True),
        watcher("ids", identifiers=some_ids, initial=True, delay=0.1 + later()),
        watcher("quiet", identifiers=("never",), initial=True),
        watcher("quiet-conflating", identifiers=("never",), initial=True, conflate=True),
        watcher("slow", initial=True, stall=0.3, stall_every=40),
        watcher("slow-name", identifiers=("a",), stall=0.4, stall_every=15),
        watcher("cancelling", resumed=0, cut_after=30),
        watcher("killed", identifiers=("b", "temp_*"), initial=True, cut_after=20, kills=True),
        watcher("killed-ids", identifiers=some_ids, initial=True, delay=0.1, cut_after=8,
                kills=True),
    ]
