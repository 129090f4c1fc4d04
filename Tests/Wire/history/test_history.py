"""Histories of concurrent clients against the built host, and seeded bugs that must be found.

BRIDGE_HISTORY_SECONDS is how long each configuration of the host is put under it (default 12);
BRIDGE_HISTORY_SEED the first seed, for another history than the last time. A history that shows a
violation is kept in .build/histories.
"""

import itertools
import os
import time

import pytest
from bridge import start_host

from history import rounds, seeded

SECONDS = float(os.environ.get("BRIDGE_HISTORY_SECONDS", "12"))
SEED = int(os.environ.get("BRIDGE_HISTORY_SEED", "1"))
# Rounds in which a seeded bug must have shown itself.
ROUNDS = 10

# What only watches do wrong.
OF_WATCHES = {"gap", "bookmark", "resume", "duplicate", "snapshot"}

# Changes that the log keeps: enough for all of a session, and so few that slow watches end.
WHOLE_LOG = 10_000
SHORT_LOG = 20


def host_of(log_size, **options):
    return start_host(
        "--no-auto-create-sessions", "--watch-log-changes", str(log_size), **options)


@pytest.fixture(scope="session")
def seeded_host():
    """The path of a host with all seeded bugs, none of them active."""
    return seeded.build()


@pytest.mark.parametrize("log_size", [WHOLE_LOG, SHORT_LOG])
def test_the_host_keeps_its_promises(log_size):
    plan = rounds.Plan(log_size=log_size)
    with host_of(log_size) as host:
        deadline = time.monotonic() + SECONDS
        operations = updates = 0
        for seed in itertools.count(SEED):
            result = rounds.run(host, seed, plan)
            operations += result.operations
            updates += result.updates
            if result.violations:
                path = result.save()
                pytest.fail("\n\n".join(map(str, result.violations[:5])) + f"\n\nall of it: {path}")
            if time.monotonic() > deadline:
                break
    print(f"{seed - SEED + 1} rounds, {operations} operations, {updates} updates")


@pytest.mark.parametrize("bug, log_size, kinds", [
    ("drop-when-full", SHORT_LOG, {"gap", "bookmark"}),
    ("split-batch", WHOLE_LOG, {"batch"}),
    ("resume-from-now", WHOLE_LOG, {"resume"}),
    ("heartbeat-first", WHOLE_LOG, {"bookmark"}),
    ("lost-update", WHOLE_LOG, {"linearizability"}),
    ("stale-read", WHOLE_LOG, {"linearizability"}),
    ("duplicate-delivery", WHOLE_LOG, {"duplicate"}),
    ("snapshot-before-registration", WHOLE_LOG, {"snapshot"}),
    ("missed-wake", WHOLE_LOG, {"gap"}),
    ("missed-dependent", WHOLE_LOG, {"linearizability"}),
    ("ignored-lock", WHOLE_LOG, {"linearizability"}),
    ("wrong-rollback", WHOLE_LOG, {"log"}),
    ("silent-lock", WHOLE_LOG, {"revision"}),
])
def test_a_seeded_bug_is_found(seeded_host, bug, log_size, kinds):
    plan = rounds.Plan(log_size=log_size)
    seen = []
    environment = {"BRIDGE_HOST_SEEDED_BUG": bug}
    with host_of(log_size, program=seeded_host, environment=environment) as host:
        for seed in range(SEED, SEED + ROUNDS):
            result = rounds.run(host, seed, plan)
            seen.append(sorted(result.kinds))
            if kinds <= OF_WATCHES:
                # Reads and writes are in order: the checker must not blame them.
                assert "linearizability" not in result.kinds, result.save()
            if kinds & result.kinds:
                print(f"found in round {len(seen)}: {seen[-1]}")
                return
    pytest.fail(f"{bug} was not found in {ROUNDS} rounds, which showed {seen}")
