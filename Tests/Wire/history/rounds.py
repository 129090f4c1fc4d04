"""Rounds: a few hundred operations and a dozen watches against a host, then the checks."""

import dataclasses
import random
import threading
import time

from bridge import REPOSITORY, unique
from stubs import pb, rpc

from . import linearizability, log, streams
from .clients import AT_THE_START, CALL_TIMEOUT, Client, Recorder
from .operations import Violation
from .watchers import Watcher, changes, usual_watchers

HISTORIES = REPOSITORY / ".build" / "histories"


@dataclasses.dataclass
class Plan:
    """How large a round is."""

    sessions: int = 2
    clients: int = 4
    operations: int = 80
    # Changes the host keeps, as it was told.
    log_size: int = 10_000


@dataclasses.dataclass
class Result:
    seed: int
    violations: list
    operations: int
    updates: int
    # The whole of it, for a person.
    history: str

    @property
    def kinds(self):
        return {violation.kind for violation in self.violations}

    def save(self):
        HISTORIES.mkdir(parents=True, exist_ok=True)
        path = HISTORIES / f"{self.seed}.txt"
        path.write_text("\n\n".join(map(str, self.violations)) + "\n\n" + self.history)
        return path


def run(host, seed, plan):
    """One round: the sessions run side by side."""
    rounds = [_Round(host, f"{seed}.{number}", plan) for number in range(plan.sessions)]
    threads = [threading.Thread(target=one.run, daemon=True) for one in rounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in rounds:
        if one.error:
            raise one.error
    for one in rounds:
        one.check()
    host.close_channels()
    return Result(
        seed, [v for one in rounds for v in one.recorder.violations],
        sum(len(one.recorder.operations) for one in rounds),
        sum(len(s.updates) for one in rounds for s in one.streams),
        "\n\n".join(one.text() for one in rounds))


class _Round:
    """One session's part."""

    def __init__(self, host, seed, plan):
        self.host = host
        self.plan = plan
        self.random = random.Random(seed)
        self.recorder = Recorder(unique("history"))
        self.streams = []
        self.reference = None
        self.error = None

    def run(self):
        try:
            self.drive()
        except BaseException as error:  # noqa: BLE001 - raised again by the main thread
            self.error = error

    def drive(self):
        recorder = self.recorder
        first = self.client("main")
        first.loses = False
        recorder.epoch = first.stub.InitializeSession(
            pb.InitializeSessionRequest(session_id=recorder.session_id),
            timeout=CALL_TIMEOUT).epoch
        # It sees the session from its first change on, and is never slow.
        self.reference = Watcher(
            "reference", recorder, self.host, self.random, initial=True, window=1 << 24)
        self.reference.start()
        self.reference.is_open.wait(CALL_TIMEOUT)
        for name in AT_THE_START:
            first.register(name)
        watchers = usual_watchers(recorder, self.host, self.random)
        clients = [self.client(f"c{number}") for number in range(self.plan.clients)]
        threads = [
            threading.Thread(target=client.run, args=(self.plan.operations,), daemon=True)
            for client in clients]
        for thread in watchers + threads:
            thread.start()
        if self.random.random() < 0.3:
            # Some sessions end under their clients.
            time.sleep(self.random.uniform(0.3, 1.2))
            first.close()
        for thread in threads:
            thread.join()
        first.list("")
        first.close()
        for watcher in [self.reference, *watchers]:
            watcher.end(30)
            self.streams += watcher.streams

    def client(self, name):
        return Client(name, self.recorder, self.host, random.Random(self.random.random()))

    def check(self):
        operations = self.recorder.operations
        found = self.recorder.violations
        try:
            found += linearizability.check(operations, revisions=False)
            found += linearizability.check(operations, revisions=True)
        except linearizability.Undecided as undecided:
            # Not a fault of the host, but a history that was not checked must not pass.
            found.append(Violation("undecided", str(undecided)))
        committed, faults = log.reconstruct(
            operations, changes(self.reference.streams, self.streams))
        found += faults
        window = log.Window(operations, committed.revision)
        found += log.check_answers(operations, committed, window)
        for stream in self.streams:
            found += streams.check(stream, committed, window, self.plan.log_size)

    def text(self):
        lines = [f"session {self.recorder.session_id}, epoch {self.recorder.epoch}"]
        lines += [f"  {o}" for o in sorted(self.recorder.operations, key=lambda o: o.start)]
        for stream in self.streams:
            lines += [str(stream), *[f"    {update}" for update in stream.updates]]
        return "\n".join(lines)
