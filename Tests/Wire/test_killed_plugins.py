"""Processes of plugins that somebody kills while their tools write variables: nothing acknowledged is lost.

BRIDGE_BUSY_SECONDS is how long it goes on (default 6).
"""

import json
import os
import random
import signal
import threading
import time

import grpc
from bridge import Session, eventually, run_threads, start_host
from history import rounds
from stubs import rpc
from test_isolation import is_alive, processes

SECONDS = float(os.environ.get("BRIDGE_BUSY_SECONDS", "6"))
CLIENTS = 6


class Killer(threading.Thread):
    """Kills one process of a plugin after the other, but not the one that makes them."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.host = host
        self.killed = 0
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.wait(random.uniform(0.05, 0.6)):
            below = [process for process in processes(self.host)[1:] if is_alive(process)]
            if below:
                os.kill(random.choice(below), signal.SIGKILL)
                self.killed += 1


def lasting_stub(host):
    """A stub whose connection outlives rounds of histories."""
    return rpc.BridgeServiceStub(host.channel(lasting=True))


def increments(host, session_id, counts, deadline):
    """Adds 1 with a tool until the time is over; counts what was said to be done, and what was not."""
    session = Session(lasting_stub(host), session_id, create=False)
    while time.monotonic() < deadline:
        answer = session.call("c_increment", variable="n", timeout=30)
        with counts["lock"]:
            if answer.success:
                counts["done"].append(json.loads(answer.result.value))
            else:
                # The failure says what happened, and to which plugin.
                assert "example-c" in answer.error_message, answer.error_message
                counts["unknown"] += 1


def read(watch, seen):
    try:
        while True:
            seen.append(json.loads(watch.next_change().variable.value.value))
    except grpc.RpcError:
        pass


def test_tools_of_killed_processes_lose_nothing():
    options = ["--isolation", "child", "--no-auto-create-sessions", "--watch-log-changes", "1000000"]
    with start_host(*options) as host:
        session = Session(lasting_stub(host))
        session.register("n", kind="integer", value=0)
        watch = session.watch("n", initial=True, timeout=SECONDS + 120)
        watch.until_synced()
        seen = []
        reader = threading.Thread(target=lambda: read(watch, seen), daemon=True)
        reader.start()
        counts = {"lock": threading.Lock(), "done": [], "unknown": 0}
        deadline = time.monotonic() + SECONDS
        killer = Killer(host)
        killer.start()
        # Other clients of the same host, whose histories are checked as always, beside it.
        checked = 0
        others = []

        def check():
            nonlocal checked
            seed = 1
            while time.monotonic() < deadline:
                result = rounds.run(host, seed, rounds.Plan(sessions=1, clients=2, log_size=1_000_000))
                others.extend(result.violations)
                checked += result.operations
                seed += 1

        run_threads(
            check, *CLIENTS * [lambda: increments(host, session.id, counts, deadline)],
            timeout=SECONDS + 120)
        killer.is_over.set()
        killer.join()
        final = session.get("n")
        value = json.loads(final.value.value)
        done = counts["done"]
        print(f"{killer.killed} killed, {len(done)} done, {counts['unknown']} unknown, "
              f"{checked} operations of others")
        assert not others, others[:3]
        assert killer.killed > SECONDS / 2
        assert done and counts["unknown"]
        # Each answer is one of its own, and no acknowledged one is missing from the sum.
        assert len(set(done)) == len(done)
        assert len(done) <= value <= len(done) + counts["unknown"]
        # The watch has seen every version once, in order.
        eventually(lambda: len(seen) >= value, "the watch sees all")
        assert seen == list(range(1, value + 1))
        watch.cancel()
        # The plugin serves, and no process is left behind.
        eventually(lambda: session.call("c_increment", variable="n").success, "the plugin serves")
        assert all(map(is_alive, processes(host)[:1]))
