"""History, rollback, dependencies, optimizations, access rules, constraint changes, conflation."""

import json
import time

import pytest

from bridge import (CODE, Session, any_json, array_of, eventually, refused, start_host, value_of)


# ---------------------------------------------------------------------------------------------
# History and rollback


def test_history_is_newest_first(session):
    session.register("v", value=1.0, metadata={"unit": "K"})
    session.set("v", 2.0, metadata={"source": "optimizer", "step": "7"})
    last = session.set("v", 3.0)
    entries = session.history("v")
    assert [(e.version, json.loads(e.value.value)) for e in entries] == [(3, 3.0), (2, 2.0), (1, 1.0)]
    assert [e.changed_by for e in entries] == ["elixir", "optimizer", "elixir"]
    assert entries[1].metadata == {"source": "optimizer", "step": "7"}
    assert entries[0].revision == last.revision
    assert entries[0].timestamp.ToNanoseconds() >= entries[2].timestamp.ToNanoseconds() > 0
    assert [e.version for e in session.history("v", limit=2)] == [3, 2]


def test_history_of_what_is_not_there(session):
    with refused(CODE.NOT_FOUND, "nothing"):
        session.history("nothing")
    session.register("v")
    with refused(CODE.INVALID_ARGUMENT, "limit"):
        session.history("v", limit=-1)


def test_rollback_writes_a_new_version(session):
    session.register("v", value=1.0)
    session.set("v", 2.0)
    watch = session.watch("v").opened()
    response = session.rollback("v", 1, metadata={"source": "python"})
    assert (response.variable.version, value_of(response.variable)) == (3, 1.0)
    assert response.revision == response.variable.revision == 3
    update = watch.next_change()
    assert (update.update_type, update.update_source) == ("value_change", "python")
    assert update.update_metadata["rollback_to"] == "1"
    assert float(update.old_value.value) == 2.0
    watch.cancel()


def test_rollback_restores_a_tensor(session):
    value = {"shape": [2, 2], "data": [[1, 2], [3, 4]]}
    session.register("t", "tensor", value)
    session.set("t", {"shape": [1], "data": [0]}, "tensor")
    variable = session.rollback("t", 1).variable
    assert array_of(variable.value, variable.binary_value) == ([2, 2], [1, 2, 3, 4])


def test_a_version_that_is_no_longer_held():
    with start_host("--history-versions", "2") as host:
        session = Session(host.stub())
        session.register("v", value=0.0)
        for number in range(1, 6):
            session.set("v", float(number))
        assert [e.version for e in session.history("v")] == [6, 5, 4]
        with refused(CODE.OUT_OF_RANGE, "oldest is 4"):
            session.rollback("v", 3)
        with refused(CODE.INVALID_ARGUMENT, "no version 7"):
            session.rollback("v", 7)
        with refused(CODE.ABORTED, "current version is 6"):
            session.rollback("v", 4, expected_version=5)


# ---------------------------------------------------------------------------------------------
# Constraints and access


def test_constraints_can_change(session):
    session.register("v", value=1.0, constraints={"max": 2})
    watch = session.watch("v").opened()
    changed = session.set("v", constraints={"max": 10})
    assert changed.new_version == 2
    session.set("v", 5.0)
    with refused(CODE.INVALID_ARGUMENT, "above maximum 3"):
        session.set("v", constraints={"max": 3})
    session.set("v", 2.5, constraints={"max": 3})
    updates = watch.take(3)
    assert [u.update_type for u in updates] == [
        "constraint_change", "value_change", "constraint_change"]
    assert json.loads(updates[2].variable.constraints_json) == {"max": 3}
    assert [value_of(u.variable) for u in updates] == [1.0, 5.0, 2.5]
    assert float(updates[2].old_value.value) == 5.0
    watch.cancel()


def test_read_only(session):
    variable = session.register("v", value=1.0, access={"read_only": True}).variable
    assert json.loads(variable.access_control_json) == {"read_only": True}
    for change in [lambda: session.set("v", 2.0), lambda: session.delete("v"),
                   lambda: session.rollback("v", 1), lambda: session.set("v", constraints={}),
                   lambda: session.start_optimization("v", "tpe")]:
        with refused(CODE.PERMISSION_DENIED, "v is read-only"):
            change()
    response = session.set_many({"v": any_json("float", 2.0)}, atomic=True)
    assert not response.success and "read-only" in response.errors["v"]


def test_writers(session):
    session.register("v", value=1.0, access={"writers": ["python", "tool:scale_variable"]})
    with refused(CODE.PERMISSION_DENIED, "elixir may not change v", "python"):
        session.set("v", 2.0)
    session.set("v", 2.0, metadata={"source": "python"})
    assert session.result("scale_variable", variable="v", factor=3.0) == 6.0


@pytest.mark.parametrize("rules", [[], {"read_only": "yes"}, {"writers": "all"}, {"readers": []}])
def test_rules_that_are_not_understood(session, rules):
    with refused(CODE.INVALID_ARGUMENT, "access rule"):
        session.register("v", access=rules)


# ---------------------------------------------------------------------------------------------
# Dependencies


def test_dependents_hear_of_a_change(session):
    for name in "abc":
        session.register(name, value=0.0)
    session.depend("a", "b", "data")
    session.depend("b", "c", "control")
    watch = session.watch("c").opened()
    everything = session.watch().opened()
    written = session.set("a", 1.0)
    update = watch.next_change()
    assert (update.update_type, update.variable.name, update.variable.version) == (
        "dependency_change", "c", 1)
    assert (update.cause, update.caused_by) == ("control", "b")
    assert update.revision == update.variable.stale_since_revision == written.revision
    assert not update.more_in_revision
    assert [(u.variable.name, u.more_in_revision) for u in everything.take(3)] == [
        ("a", True), ("b", True), ("c", False)]
    assert session.get("b").stale_since_revision == written.revision
    session.set("b", 1.0)
    assert session.get("b").stale_since_revision == 0
    watch.cancel()
    everything.cancel()


def test_cycles(session):
    for name in "abc":
        session.register(name)
    session.depend("a", "b")
    session.depend("b", "c")
    with refused(CODE.FAILED_PRECONDITION, "a -> b -> c -> a"):
        session.depend("c", "a")
    with refused(CODE.FAILED_PRECONDITION, "a -> a"):
        session.depend("a", "a")
    with refused(CODE.NOT_FOUND, "nothing"):
        session.depend("nothing", "a")


# ---------------------------------------------------------------------------------------------
# Optimizations


def test_an_optimizer_locks_a_variable(session):
    session.register("v", value=1.0)
    watch = session.watch("v").opened()
    started = session.start_optimization("v", "tpe", lease_seconds=60, trials=10)
    assert started.optimization_id and started.lease_seconds == 60
    status = session.get("v").optimization_status
    assert (status.optimizing, status.optimizer_id) == (True, "tpe")
    assert status.started_at.ToNanoseconds() > 0
    for change in [lambda: session.set("v", 2.0), lambda: session.delete("v"),
                   lambda: session.rollback("v", 1),
                   lambda: session.start_optimization("v", "other")]:
        with refused(CODE.FAILED_PRECONDITION, "locked by optimizer tpe"):
            change()
    response = session.set_many({"v": any_json("float", 2.0)}, atomic=True)
    assert not response.success and "tpe" in response.errors["v"]
    session.set("v", 3.0, metadata={"optimizer_id": "tpe"})
    session.set("v", 4.0, metadata={"optimization_id": started.optimization_id})
    with refused(CODE.FAILED_PRECONDITION, "held by optimizer tpe"):
        session.stop_optimization("v", optimizer_id="other")
    stopped = session.stop_optimization("v", optimizer_id="tpe")
    assert float(stopped.final_value.value) == 4.0
    assert not stopped.variable.optimization_status.optimizing
    session.set("v", 5.0)
    assert [(u.update_type, u.cause) for u in watch.take(5)] == [
        ("optimization_change", "started"), ("value_change", ""), ("value_change", ""),
        ("optimization_change", "stopped"), ("value_change", "")]
    watch.cancel()


def test_stopping_without_a_name_and_by_force(session):
    session.register("v", value=1.0)
    with refused(CODE.FAILED_PRECONDITION, "not being optimized"):
        session.stop_optimization("v")
    session.start_optimization("v", "tpe")
    session.stop_optimization("v")
    session.start_optimization("v", "tpe")
    session.stop_optimization("v", optimizer_id="other", force=True)
    assert float(session.stop_optimization("v", force=True).final_value.value) == 1.0


def test_a_lease_runs_out(session):
    session.register("v", value=1.0)
    session.start_optimization("v", "tpe", lease_seconds=1)

    def writes():
        try:
            return session.set("v", 2.0)
        except Exception:  # noqa: BLE001 - still locked
            return None
    assert eventually(writes, "the lock ends with its lease").new_version == 2
    with refused(CODE.INVALID_ARGUMENT, "lease_seconds"):
        session.start_optimization("v", "tpe", lease_seconds="soon")
    with refused(CODE.INVALID_ARGUMENT, "optimizer_id"):
        session.start_optimization("v", "")


# ---------------------------------------------------------------------------------------------
# Conflation


def test_a_stalled_watch_conflates_instead_of_falling_behind():
    # The values are large, so that what the client and the connection buffer is soon full.
    big = "x" * 100_000
    with start_host("--watch-log-changes", "10") as host:
        writer = Session(host.stub())
        writer.register("a", "string", "0")
        writer.register("b", "string", "0")
        watch = writer.through(host.stub()).watch(conflate=True, initial=True)
        watch.until_synced()
        for number in range(400):
            writer.set("ab"[number % 2], f"{number}{big}", "string")
        told, last, revision = 0, {}, 0
        while told < 400:
            update = watch.next_change()
            assert update.update_type == "value_change"
            assert update.revision > revision
            if update.skipped:
                assert update.old_version == last.get(update.variable.name, (1,))[0]
            told += 1 + update.skipped
            revision = update.revision
            last[update.variable.name] = (update.variable.version, value_of(update.variable)[:5])
        assert told == 400
        assert {name: version for name, (version, _) in last.items()} == {"a": 201, "b": 201}
        assert revision == writer.revision()
        watch.cancel()


# ---------------------------------------------------------------------------------------------
# Limits


def test_limits_on_bytes():
    with start_host("--max-session-bytes", "100000", "--max-bytes", "150000") as host:
        first, second = Session(host.stub()), Session(host.stub())
        first.register("v", "string", "x" * 80_000)
        with refused(CODE.RESOURCE_EXHAUSTED, "limit is 100000"):
            first.register("w", "string", "x" * 30_000)
        with refused(CODE.RESOURCE_EXHAUSTED, "host's limit of 150000"):
            second.register("v", "string", "x" * 80_000)
        with refused(CODE.RESOURCE_EXHAUSTED):
            first.set("v", "x" * 120_000, "string")
        assert first.get("v").version == 1
        assert 80_000 < first.describe().value_bytes < 100_000
        first.cleanup()
        second.register("v", "string", "x" * 80_000)


@pytest.mark.parametrize("next_step", ["set", "batch", "start"])
def test_the_end_of_a_lease_is_told_before_what_follows(session, next_step):
    session.register("v")
    watch = session.watch("v", initial=True)
    watch.until_synced()
    session.start_optimization("v", "first", lease_seconds=1)
    time.sleep(1.1)
    if next_step == "set":
        session.set("v", 1.0)
    elif next_step == "batch":
        session.set_many({"v": any_json("float", 1)}, atomic=True)
    else:
        session.start_optimization("v", "second")
    started, expired, last = (watch.next() for _ in range(3))
    assert (started.cause, started.update_source) == ("started", "first")
    assert (expired.update_type, expired.cause) == ("optimization_change", "expired")
    assert expired.update_source == "host"
    assert not expired.variable.HasField("optimization_status")
    assert last.revision == expired.revision + 1 and last.cause != "expired"
