"""The checkers themselves: histories by hand, good ones and bad ones."""

import pytest

from history import linearizability, log, streams
from history.log import Change, Log, Window
from history.operations import Answer, Operation, Seen
from history.streams import Stream, Update


def v(name, ordinal, version, value, revision=0):
    return Seen(name, ordinal, version, value, revision)


def at(start, end, kind, identifiers=(), values=(), answer=None, expected=(), **rest):
    """An operation; identifiers and values are split at spaces."""
    return Operation(
        kind, tuple(identifiers.split()) if identifiers else (),
        tuple(values.split()) if values else (), expected, start=start, end=end, answer=answer,
        **rest)


def ok(revision=None, *results):
    return Answer("", revision, results)


def registered(name="a", value="0", ordinal=1, revision=1, start=0.0, end=0.5):
    return at(start, end, "register", name, value,
              ok(revision, v(name, ordinal, 1, value, revision)))


def is_linearizable(*operations):
    with_revisions = linearizability.check(list(operations))
    without = linearizability.check(list(operations), revisions=False)
    assert not (without and not with_revisions), "revisions can only make it stricter"
    return not with_revisions, not without


GOOD = (True, True)
BAD = (False, False)
# Explained by values and versions, but not with these revisions.
BAD_REVISIONS = (False, True)


# ---------------------------------------------------------------------------------------------
# Linearizability


def test_one_after_another():
    assert is_linearizable(
        registered(),
        at(1, 2, "set", "a", "1", ok(2, 2)),
        at(3, 4, "get", "a", answer=ok(2, v("a", 1, 2, "1", 2))),
        at(5, 6, "set", "var_a_1", "2", ok(3, 3), (2,)),
        at(7, 8, "list", answer=ok(3, v("a", 1, 3, "2", 3))),
        at(9, 10, "delete", "a", answer=ok(4)),
        at(11, 12, "get", "a", answer=Answer("missing")),
        registered("a", "9", 2, 5, 13, 14)) == GOOD


def test_operations_at_the_same_time_may_have_any_order():
    for first, second in ((2, 3), (3, 2)):
        assert is_linearizable(
            registered(),
            at(1, 5, "set", "a", "1", ok(first, first)),
            at(2, 4, "set", "a", "2", ok(second, second))) == GOOD


def test_a_stale_read():
    assert is_linearizable(
        registered(),
        at(1, 2, "set", "a", "1", ok(2, 2)),
        at(3, 4, "get", "a", answer=ok(1, v("a", 1, 1, "0", 1)))) == BAD


def test_a_read_during_a_write_sees_either():
    for seen, revision in ((v("a", 1, 1, "0", 1), 1), (v("a", 1, 2, "1", 2), 2)):
        assert is_linearizable(
            registered(),
            at(1, 4, "set", "a", "1", ok(2, 2)),
            at(2, 3, "get", "a", answer=ok(revision, seen))) == GOOD


def test_two_reads_during_a_write_do_not_go_back():
    assert is_linearizable(
        registered(),
        at(1, 9, "set", "a", "1", ok(2, 2)),
        at(2, 3, "get", "a", answer=ok(2, v("a", 1, 2, "1", 2))),
        at(4, 5, "get", "a", answer=ok(1, v("a", 1, 1, "0", 1)))) == BAD


def test_a_lost_update():
    assert is_linearizable(
        registered(),
        at(1, 4, "set", "a", "1", ok(2, 2), (1,)),
        at(2, 3, "set", "a", "2", ok(3, 3), (1,))) == BAD


def test_a_mismatch_without_a_reason():
    assert is_linearizable(
        registered(),
        at(1, 2, "set", "a", "1", Answer("mismatch", None, (), 1), (1,))) == BAD


def test_a_mismatch_that_names_another_version():
    for version, verdict in ((1, GOOD), (2, BAD)):
        assert is_linearizable(
            registered(),
            at(1, 2, "set", "a", "1", Answer("mismatch", None, (), version), (7,))) == verdict


def test_a_name_registered_twice():
    assert is_linearizable(
        at(0, 5, "register", "a", "1", ok(1, v("a", 1, 1, "1", 1))),
        at(1, 4, "register", "a", "2", ok(2, v("a", 2, 1, "2", 2)))) == BAD


def test_half_a_batch_seen():
    history = [
        registered("a", "0", 1, 1, 0, 0.1), registered("b", "0", 2, 2, 0.2, 0.3),
        at(1, 5, "set_many", "a b", "1 2", ok(3, 2, 2))]
    before = (v("a", 1, 1, "0", 1), v("b", 2, 1, "0", 2))
    after = (v("a", 1, 2, "1", 3), v("b", 2, 2, "2", 3))
    for found, revision, verdict in (
            (before, 2, GOOD), (after, 3, GOOD), ((after[0], before[1]), 3, BAD)):
        read = at(2, 3, "get_many", "a b", answer=Answer("", revision, found))
        assert is_linearizable(*history, read) == verdict


def test_a_refused_batch_is_of_one_moment():
    history = [
        registered("a", "0", 1, 1, 0, 0.1),
        registered("b", "0", 2, 2, 2, 3),
        at(4, 5, "set", "a", "1", ok(3, 2))]
    for faults, revision, verdict in (
            ((("held", 0), ("missing", 0)), 1, GOOD),
            ((("mismatch", 2), ("held", 0)), 3, GOOD),
            ((("mismatch", 2), ("missing", 0)), 3, BAD)):
        batch = at(1, 6, "set_many", "a b", "8 9", Answer("refused", revision, faults), (1, 0))
        assert is_linearizable(*history, batch) == verdict


def test_parts_of_a_plain_batch_may_be_apart():
    parts = (at(1, 6, "set", "a", "1", ok(None, 2)), at(1, 6, "set", "b", "2", ok(None, 3)))
    total = at(1, 6, "revision", answer=ok(5), after=parts)
    history = [
        registered("a", "0", 1, 1, 0, 0.1), registered("b", "0", 2, 2, 0.2, 0.3),
        at(2, 3, "set", "b", "3", ok(4, 2)), *parts]
    assert is_linearizable(*history, total) == GOOD
    # Its revision is that after all parts.
    assert is_linearizable(*history, at(1, 6, "revision", answer=ok(4), after=parts)) == (
        BAD_REVISIONS)


def test_revisions_that_do_not_fit():
    assert is_linearizable(registered(), at(1, 2, "set", "a", "1", ok(3, 2))) == BAD_REVISIONS
    assert is_linearizable(registered(), at(1, 2, "revision", answer=ok(0))) == BAD_REVISIONS


def test_a_lost_write_may_have_been_applied_late_or_never():
    lost = at(1, float("inf"), "set", "a", "1")
    for answer in (ok(1, v("a", 1, 1, "0", 1)), ok(2, v("a", 1, 2, "1", 2))):
        assert is_linearizable(registered(), lost, at(8, 9, "get", "a", answer=answer)) == GOOD
    assert is_linearizable(
        registered(), lost,
        at(5, 6, "get", "a", answer=ok(1, v("a", 1, 1, "0", 1))),
        at(8, 9, "get", "a", answer=ok(2, v("a", 1, 2, "1", 2)))) == GOOD


def test_a_lost_write_is_applied_once_and_not_before_it_was_asked_for():
    lost = at(5, float("inf"), "set", "a", "1")
    assert is_linearizable(
        registered(), lost,
        at(1, 2, "get", "a", answer=ok(2, v("a", 1, 2, "1", 2)))) == BAD
    assert is_linearizable(
        registered(), lost,
        at(6, 7, "get", "a", answer=ok(2, v("a", 1, 2, "1", 2))),
        at(8, 9, "set", "a", "2", ok(3, 3)),
        at(10, 11, "get", "a", answer=ok(4, v("a", 1, 4, "1", 4)))) == BAD


def test_nothing_is_seen_after_the_end():
    history = [registered(), at(2, 3, "close", answer=ok())]
    assert is_linearizable(*history, at(4, 5, "get", "a", answer=Answer("closed"))) == GOOD
    assert is_linearizable(
        *history, at(4, 5, "get", "a", answer=ok(1, v("a", 1, 1, "0", 1)))) == BAD
    assert is_linearizable(registered(), at(4, 5, "get", "a", answer=Answer("closed"))) == BAD


def test_the_violation_names_the_operation_that_does_not_fit():
    found = linearizability.check([
        registered(), at(1, 2, "set", "a", "1", ok(2, 2)),
        at(3, 4, "get", "a", answer=ok(1, v("a", 1, 1, "0", 1)))])
    assert "cannot be placed: [3.000000 4.000000] -: get a" in found[0].message


def test_a_search_without_end_is_no_pass():
    operations = [at(1, float("inf"), "set", "a", f"lost{n}") for n in range(12)]
    operations += [registered(), at(2, 3, "set", "a", "x", ok(None, 100))]
    with pytest.raises(linearizability.Undecided):
        linearizability.check(operations, step_limit=1000)


# ---------------------------------------------------------------------------------------------
# Constraints, rollbacks, dependencies, optimizers' locks


def pair():
    return registered(), registered("b", "0", 2, 2, 0.6, 0.7)


def test_a_lock_holds_up_others_and_not_its_holder():
    held = v("a", 1, 1, "0", 1)._replace(optimizer="c")
    for holder, answer, verdict in [
            ("", Answer("locked"), GOOD), ("c", ok(3, 2), GOOD), ("", ok(3, 2), BAD),
            ("c", Answer("locked"), BAD)]:
        assert is_linearizable(
            registered(),
            at(1, 2, "start", "a", answer=ok(), holder="c"),
            at(3, 4, "get", "a", answer=ok(2, held)),
            at(5, 6, "set", "a", "1", answer, holder=holder)) == verdict


def test_letting_go_of_a_lock():
    free = v("a", 1, 1, "0", 1)
    for holder, force, answer, verdict in [
            ("c", False, ok(None, free), GOOD), ("d", True, ok(None, free), GOOD),
            ("d", False, Answer("locked"), GOOD), ("d", False, ok(None, free), BAD),
            ("c", False, Answer("locked"), BAD)]:
        assert is_linearizable(
            registered(),
            at(1, 2, "start", "a", answer=ok(), holder="c"),
            at(3, 4, "stop", "a", answer=answer, holder=holder, force=force)) == verdict
    # There is none: by force that is fine, and no change.
    assert is_linearizable(
        registered(), at(1, 2, "stop", "a", answer=ok(None, free), holder="c", force=True),
        at(3, 4, "set", "a", "1", ok(2, 2))) == GOOD


def test_what_depends_on_a_write_is_stale_until_it_is_written():
    def after(*operations):
        return is_linearizable(
            *pair(), at(1, 2, "depend", "b a", answer=ok()),
            at(3, 4, "set", "a", "1", ok(3, 2)), *operations)

    stale = v("b", 2, 1, "0", 2)._replace(stale=3)
    assert after(at(5, 6, "get", "b", answer=ok(3, stale))) == GOOD
    assert after(at(5, 6, "get", "b", answer=ok(3, stale._replace(stale=0)))) == BAD
    assert after(at(5, 6, "get", "b", answer=ok(3, stale._replace(stale=2)))) == BAD_REVISIONS
    assert after(
        at(5, 6, "set", "b", "2", ok(4, 2)),
        at(7, 8, "get", "b", answer=ok(4, v("b", 2, 2, "2", 4)))) == GOOD
    # Since the first change.
    assert after(
        at(5, 6, "set", "a", "2", ok(4, 3)),
        at(7, 8, "get", "b", answer=ok(4, stale))) == GOOD
    # With the variable goes the dependency.
    assert after(
        at(5, 6, "set", "b", "2", ok(4, 2)), at(7, 8, "delete", "a", answer=ok(5)),
        at(9, 10, "register", "a", "3", ok(6, v("a", 3, 1, "3", 6))),
        at(11, 12, "set", "a", "4", ok(7, 2)),
        at(13, 14, "get", "b", answer=ok(7, v("b", 2, 2, "2", 4)))) == GOOD
    # A batch that writes both leaves none behind.
    assert is_linearizable(
        *pair(), at(1, 2, "depend", "b a", answer=ok()),
        at(3, 4, "set_many", "a b", "1 2", ok(3, 2, 2)),
        at(5, 6, "get", "b", answer=ok(3, v("b", 2, 2, "2", 3)))) == GOOD


def test_a_circle_of_dependencies():
    def closed(answer):
        return is_linearizable(
            *pair(), registered("c", "0", 3, 3, 0.8, 0.9),
            at(1, 2, "depend", "b a", answer=ok()), at(3, 4, "depend", "c b", answer=ok()),
            at(5, 6, "depend", "a c", answer=answer))

    assert closed(Answer("cycle")) == GOOD
    assert closed(ok()) == BAD
    assert is_linearizable(
        registered(), at(1, 2, "depend", "a a", answer=Answer("cycle"))) == GOOD
    assert is_linearizable(
        registered(), at(1, 2, "depend", "a b", answer=Answer("missing"))) == GOOD


def test_a_dependency_at_the_same_time_as_a_write():
    for stale, verdict in ((3, GOOD), (0, GOOD)):
        assert is_linearizable(
            *pair(), at(1, 9, "depend", "b a", answer=ok()), at(2, 8, "set", "a", "1", ok(3, 2)),
            at(10, 11, "get", "b", answer=ok(3, v("b", 2, 1, "0", 2)._replace(stale=stale)))
        ) == verdict


def test_rolling_back():
    def back(target, answer, value="0", expected=(), changes=()):
        return is_linearizable(
            registered(), at(1, 2, "set", "a", "1", ok(2, 2)), *changes,
            at(5, 6, "rollback", "a", value, answer, expected, target=target))

    made = v("a", 1, 3, "0", 3)
    assert back(1, ok(3, made)) == GOOD
    assert back(1, ok(3, made._replace(version=2))) == BAD
    assert back(1, Answer("mismatch", None, (), 2), expected=(1,)) == GOOD
    for target in (0, 3):
        assert back(target, Answer("unknown", None, (), 2)) == GOOD
        assert back(target, ok(3, made)) == BAD
    assert back(1, Answer("unknown", None, (), 2)) == BAD


def test_other_constraints():
    seen = v("a", 1, 2, "1", 2)._replace(constraints="{}")
    for got, verdict in [(seen, GOOD), (seen._replace(constraints=""), BAD)]:
        assert is_linearizable(
            registered(), at(1, 2, "constrain", "a", "1", ok(2, 2), constraints="{}"),
            at(3, 4, "get", "a", answer=ok(2, got))) == verdict
    # A write leaves them.
    assert is_linearizable(
        registered(), at(1, 2, "constrain", "a", "1", ok(2, 2), constraints="{}"),
        at(3, 4, "set", "a", "2", ok(3, 3)),
        at(5, 6, "get", "a", answer=ok(3, v("a", 1, 3, "2", 3)._replace(constraints="{}")))) == GOOD


# ---------------------------------------------------------------------------------------------
# The log and its revisions

A1, A2 = v("a", 1, 1, "0", 1), v("a", 1, 2, "1", 3)
B1, B2 = v("b", 2, 1, "0", 2), v("b", 2, 2, "2", 3)
CHANGES = [
    Change(1, "register", A1), Change(2, "register", B1), Change(3, "set", A2),
    Change(3, "set", B2), Change(4, "delete", A2)]
OPERATIONS = [
    registered("a", "0", 1, 1, 0, 1), registered("b", "0", 2, 2, 2, 3),
    at(4, 5, "set_many", "a b", "1 2", ok(3, 2, 2)), at(6, 7, "delete", "a", answer=ok(4))]


def log_faults(operations, changes):
    committed, found = log.reconstruct(operations, changes)
    window = Window(operations, committed.revision)
    return {f.kind for f in found + log.check_answers(operations, committed, window)}


def replaced(items, position, *new):
    return [*items[:position], *new, *items[position + 1:]]


def test_a_good_log():
    assert log_faults(OPERATIONS, CHANGES) == set()
    committed, _ = log.reconstruct(OPERATIONS, CHANGES)
    assert committed.revision == 4
    assert committed.states[3].variables == (A2, B2)
    assert committed.states[4].variables == (B2,)
    assert committed.changes[2].previous == A1


@pytest.mark.parametrize("kind, changes", [
    ("revision", CHANGES[:-1]),
    ("revision", replaced(CHANGES, 4, CHANGES[4]._replace(revision=5))),
    ("batch", replaced(CHANGES, 3)),
    ("batch", replaced(CHANGES, 3, CHANGES[3]._replace(revision=4), CHANGES[4]._replace(revision=5))),
    ("log", [*CHANGES, Change(5, "set", v("b", 2, 3, "nobody's", 5))]),
    ("log", replaced(CHANGES, 0, Change(1, "register", v("a", 3, 1, "0", 1)))),
    ("revision", [*CHANGES, Change(4, "set", v("b", 2, 3, "9", 4))]),
])
def test_bad_logs(kind, changes):
    operations = [*OPERATIONS, at(8, float("inf"), "set", "b", "9")]
    assert kind in log_faults(operations, changes)


@pytest.mark.parametrize("answer", [
    # Of another revision, of an older one, and of one that never was.
    ok(4, v("b", 2, 1, "0", 2)), ok(2, v("b", 2, 1, "0", 2)), ok(9, v("b", 2, 2, "2", 3)),
    Answer("missing"),
])
def test_answers_that_are_not_of_their_revision(answer):
    good = at(8, 9, "get", "b", answer=ok(4, B2))
    assert log_faults([*OPERATIONS, good], CHANGES) == set()
    assert "revision" in log_faults(
        [*OPERATIONS, at(8, 9, "get", "b", answer=answer)], CHANGES)


def test_revisions_against_real_time():
    late = registered("b", "0", 2, 2, 7.5, 8)
    assert "revision" in log_faults(replaced(OPERATIONS, 1, late), CHANGES)


def test_two_writes_with_one_revision():
    again = at(8, 9, "set", "b", "9", ok(4, 3))
    assert "revision" in log_faults([*OPERATIONS, again], CHANGES)


def test_closed_without_an_end():
    assert "answer" in log_faults(
        [*OPERATIONS, at(8, 9, "get", "a", answer=Answer("closed"))], CHANGES)


# A session in which everything but values changes too.
HELD = B1._replace(optimizer="c")
WIDE = v("a", 1, 2, "1", 4)._replace(constraints="{}")
STALE = HELD._replace(stale=4)
BACK = v("a", 1, 3, "0", 5)._replace(constraints="{}")
FREE = STALE._replace(optimizer="")
MORE_CHANGES = [
    Change(1, "register", A1), Change(2, "register", B1),
    Change(3, "optimize", HELD, cause="started"),
    Change(4, "constrain", WIDE), Change(4, "depend", STALE, cause="data", source="a"),
    Change(5, "set", BACK), Change(5, "depend", STALE, cause="data", source="a"),
    Change(6, "optimize", FREE, cause="forced")]
MORE_OPERATIONS = [
    registered("a", "0", 1, 1, 0, 1), registered("b", "0", 2, 2, 2, 3),
    at(3, 3.5, "depend", "b a", answer=ok()), at(4, 5, "start", "b", answer=ok(3), holder="c"),
    at(6, 7, "constrain", "a", "1", ok(4, 2), constraints="{}"),
    at(8, 9, "rollback", "a", "0", ok(5, BACK), target=1),
    at(10, 11, "stop", "b", answer=ok(None, FREE), holder="d", force=True)]


def test_a_good_log_of_all_kinds():
    assert log_faults(MORE_OPERATIONS, MORE_CHANGES) == set()
    assert is_linearizable(*MORE_OPERATIONS) == GOOD
    committed, _ = log.reconstruct(MORE_OPERATIONS, MORE_CHANGES)
    assert committed.states[4].variables == (WIDE, STALE)
    assert [c.previous for c in committed.changes[3:6]] == [A1, None, WIDE]


@pytest.mark.parametrize("kind, changes", [
    # A lock that nobody took, that was let go of before, or that changed the value.
    ("log", replaced(MORE_CHANGES, 2, MORE_CHANGES[2]._replace(cause="stopped"))),
    ("revision", replaced(MORE_CHANGES, 2)),
    ("log", replaced(MORE_CHANGES, 7, MORE_CHANGES[7]._replace(variable=STALE))),
    ("log", replaced(MORE_CHANGES, 2, MORE_CHANGES[2]._replace(
        variable=HELD._replace(value="9")))),
    # Stale since another revision, of what did not change, of what nobody asked for.
    ("log", replaced(MORE_CHANGES, 4, MORE_CHANGES[4]._replace(
        variable=STALE._replace(stale=3)))),
    ("log", replaced(MORE_CHANGES, 4, MORE_CHANGES[4]._replace(source="c"))),
    ("log", replaced(MORE_CHANGES, 4, MORE_CHANGES[4]._replace(source="b"))),
    # Not the value that was rolled back to.
    ("log", replaced(MORE_CHANGES, 0, Change(1, "register", A1._replace(value="7")))),
    # Constraints that changed with a value alone.
    ("log", replaced(MORE_CHANGES, 5, MORE_CHANGES[5]._replace(
        variable=BACK._replace(constraints="")))),
])
def test_bad_logs_of_all_kinds(kind, changes):
    assert kind in log_faults(MORE_OPERATIONS, changes)


# ---------------------------------------------------------------------------------------------
# Streams

LOG = Log([c._replace(previous={A2: A1, B2: B1}.get(c.variable) if c.kind == "set" else None)
           for c in CHANGES])
U1 = Update("value_change", 1, A1)
U2 = Update("value_change", 2, B1)
U3A = Update("value_change", 3, A2, "0", 1, more=True)
U3B = Update("value_change", 3, B2, "0", 1)
U4 = Update("deleted", 4, A2, "1", 2, cause="deleted")
CLOSED = Update("session_closed", 4, cause="cleanup")
ALL = [U1, U2, U3A, U3B, U4, CLOSED]


def beat(revision):
    return Update("heartbeat", revision)


def synced(revision):
    return Update("synced", revision)


def initial(variable, revision):
    return Update("initial_value", revision, variable)


def faults(updates, status="OK", log_size=10_000, operations=OPERATIONS, details=None, log=LOG,
           **stream):
    stream.setdefault("resumed", 0 if not stream.get("initial") and "start" not in stream else None)
    one = Stream("test", updates=updates, status=status, details=details or {}, **stream)
    found = streams.check(one, log, Window(operations, log.revision), log_size)
    return [violation.kind for violation in found]


@pytest.mark.parametrize("updates, stream", [
    (ALL, {}),
    ([U1, beat(1), U2, beat(2), U3A, U3B, beat(3), beat(3), U4, beat(4), CLOSED], {}),
    ([U3A, U3B, U4, CLOSED], {"resumed": 2}),
    ([CLOSED], {"resumed": 4}),
    ([U2, U3B._replace(more=False), CLOSED], {"identifiers": ("b",)}),
    ([U1, U3A._replace(more=False), U4, CLOSED], {"identifiers": ("a*", "never")}),
    ([U1, U3A._replace(more=False), U4, CLOSED], {"identifiers": ("var_a_1",)}),
    ([beat(3), CLOSED], {"identifiers": ("never",)}),
    ([synced(0), *ALL], {"initial": True}),
    ([initial(A2, 3), initial(B2, 3), synced(3), U4, CLOSED], {"initial": True, "start": 5.5}),
    ([initial(B2, 4), synced(4), CLOSED], {"initial": True, "start": 9.0}),
    # At the present: it may have begun anywhere between its start and its headers.
    ([U3A, U3B, U4, CLOSED], {"start": 3.5, "opened": 3.6}),
    ([U2, U3A, U3B, U4, CLOSED], {"start": 1.5, "opened": 3.6}),
    ([U3A, U3B, U4, CLOSED], {"start": 1.5, "opened": 3.6}),
    ([beat(2), U3A._replace(more=False), U4, CLOSED],
     {"start": 1.5, "opened": 1.6, "identifiers": ("a",)}),
])
def test_good_streams(updates, stream):
    assert faults(updates, **stream) == []


@pytest.mark.parametrize("kind, updates, stream", [
    ("gap", [U1, U3A, U3B, U4, CLOSED], {}),
    ("gap", [U1, U2, U4, CLOSED], {"identifiers": ("a", "b")}),
    ("bookmark", ALL[:-2] + [CLOSED], {}),
    ("bookmark", [CLOSED], {"resumed": 1}),
    ("resume", [U4, CLOSED], {"resumed": 1}),
    ("duplicate", [U1, U2, U2, U3A, U3B, U4, CLOSED], {}),
    ("duplicate", [U1, U2, U1, U3A, U3B, U4, CLOSED], {}),
    ("duplicate", [U1, beat(1), U1, U2], {}),
    ("order", [U2, U3A, U3B], {"resumed": 2}),
    ("phantom", [U1, U2._replace(revision=7)], {}),
    ("content", [U1, U2._replace(variable=v("b", 2, 1, "other", 2))], {}),
    ("content", [U1._replace(kind="deleted", cause="deleted")], {}),
    ("content", [U1, U2, U3A._replace(old_value="7")], {}),
    ("content", [U1, U2, U3A._replace(old_version=0)], {}),
    ("content", [U1, U2, U3A, U3B, U4._replace(old_value=None, old_version=0)], {}),
    ("content", [U1, U2, U3A, U3B, U4._replace(cause="")], {}),
    ("batch", [U1, U2, U3A._replace(more=False), U3B, U4, CLOSED], {}),
    ("batch", [U1, U2, U3A, U4, CLOSED], {}),
    ("batch", [U1, U2, U3A, U3B._replace(more=True), U4, CLOSED], {}),
    ("batch", [U1, U2, U3A, beat(2), U3B], {}),
    ("bookmark", [U1, beat(2), U2], {}),
    ("bookmark", [U1, U2, beat(1), U3A, U3B], {}),
    ("bookmark", [U1, U2, beat(9)], {}),
    ("bookmark", [*ALL[:-1], CLOSED._replace(revision=3)], {}),
    ("snapshot", [initial(A2, 3), synced(3), U4, CLOSED], {"initial": True}),
    ("snapshot", [initial(A1, 3), initial(B2, 3), synced(3), U4, CLOSED], {"initial": True}),
    ("snapshot", [initial(A2, 3), initial(A2, 3), initial(B2, 3), synced(3)], {"initial": True}),
    ("snapshot", [initial(A1, 1), synced(1), U3A, U3B, U4, CLOSED], {"initial": True}),
    ("snapshot", [initial(A1, 1), synced(1), U2, U3A, U3B, U4, CLOSED],
     {"initial": True, "start": 3.5}),
    ("snapshot", ALL, {"initial": True}),
    ("snapshot", [U1, synced(1), U2], {}),
    ("order", [U1, initial(B1, 2)], {}),
    ("end", [*ALL, beat(4)], {}),
    # At the present: what was committed after the headers has to come.
    ("gap", [U4, CLOSED], {"start": 3.5, "opened": 3.6}),
    ("bookmark", [CLOSED], {"start": 3.5, "opened": 3.6}),
    ("order", [U1, U2, U3A, U3B, U4, CLOSED], {"start": 3.5, "opened": 3.6}),
])
def test_bad_streams(kind, updates, stream):
    status = "OK" if updates[-1].kind == "session_closed" else "cut"
    assert faults(updates, status, **stream) == [kind]


MORE_LOG = log.reconstruct(MORE_OPERATIONS, MORE_CHANGES)[0]
M3 = Update("optimization_change", 3, HELD, cause="started")
M4A = Update("constraint_change", 4, WIDE, "0", 1, more=True)
M4B = Update("dependency_change", 4, STALE, cause="data", caused_by="a")
M5A = Update("value_change", 5, BACK, "1", 2, more=True)
M5B = M4B._replace(revision=5)
M6 = Update("optimization_change", 6, FREE, cause="forced")
MORE = [U1, U2, M3, M4A, M4B, M5A, M5B, M6, CLOSED._replace(revision=6)]


def more_faults(updates, **stream):
    status = "OK" if updates[-1].kind == "session_closed" else "cut"
    return faults(updates, status, operations=MORE_OPERATIONS, log=MORE_LOG, **stream)


def test_good_streams_of_all_kinds():
    assert more_faults(MORE) == []
    for count in range(1, len(MORE)):
        assert more_faults(MORE[:count]) == []
    assert more_faults(MORE[3:], resumed=3) == []
    assert more_faults([U2, M3, M4B, M5B, M6, MORE[-1]], identifiers=("b",)) == []
    assert more_faults(
        [U1, M4A._replace(more=False), M5A._replace(more=False), MORE[-1]],
        identifiers=("a",)) == []
    assert more_faults(
        [initial(WIDE, 4), initial(STALE, 4), synced(4), *MORE[5:]], initial=True, start=7.5) == []


@pytest.mark.parametrize("kind, updates, stream", [
    ("gap", replaced(MORE, 2), {}),
    ("gap", replaced(replaced(MORE, 4), 3), {}),
    ("batch", replaced(MORE, 4), {}),
    ("duplicate", replaced(MORE, 2, M3, M3), {}),
    ("resume", MORE[5:], {"resumed": 3}),
    ("content", replaced(MORE, 2, M3._replace(kind="value_change")), {}),
    ("content", replaced(MORE, 3, M4A._replace(kind="value_change")), {}),
    ("content", replaced(MORE, 2, M3._replace(cause="forced")), {}),
    ("content", replaced(MORE, 4, M4B._replace(caused_by="b")), {}),
    ("content", replaced(MORE, 4, M4B._replace(old_value="0", old_version=1)), {}),
    ("content", replaced(MORE, 3, M4A._replace(old_value=None, old_version=0)), {}),
    ("content", replaced(MORE, 2, M3._replace(variable=B1)), {}),
    ("content", replaced(MORE, 8, MORE[8]._replace(cause="expired")), {}),
    ("batch", replaced(MORE, 3, M4A._replace(more=False)), {}),
    ("batch", [*MORE[:4], M5A], {}),
    ("bookmark", [*MORE[:3], beat(4), *MORE[3:]], {}),
    ("snapshot", [initial(WIDE, 4), initial(HELD, 4), synced(4), *MORE[5:]],
     {"initial": True, "start": 7.5}),
])
def test_bad_streams_of_all_kinds(kind, updates, stream):
    assert more_faults(updates, **stream) == [kind]


def test_a_stream_may_be_cut_anywhere():
    for count in range(len(ALL)):
        assert faults(ALL[:count], "cut") == []


def test_a_stream_that_just_ends():
    assert faults(ALL[:-1], "OK") == ["end"]
    assert faults(ALL, "UNAVAILABLE") == ["end"]
    assert faults(ALL[:2], "INTERNAL") == ["end"]


def test_falling_behind_must_be_true_and_must_say_so():
    def ended(updates, last, oldest, log_size=1, **stream):
        return faults(
            updates, "OUT_OF_RANGE", log_size,
            details={"last_revision": last, "oldest_revision": oldest}, **stream)

    assert ended([U1], "1", "3") == []
    # Revision 2 never came.
    assert ended([U1], "2", "3") == ["end"]
    # The log held everything.
    assert ended([U1], "1", "3", log_size=100) == ["end"]
    # Nothing that it reports is gone.
    assert ended([U2], "2", "2", identifiers=("b",)) == ["end"]
    assert ended([beat(1)], "1", "3", identifiers=("never",)) == ["end"]
    assert ended([], "1", "3", identifiers=("never",), resumed=1) == ["end"]
    assert ended([], "1", "3", identifiers=("never",), resumed=1, slow=True) == []
    assert ended([U2], "2", "2", identifiers=("b",), slow=True) == ["end"]
    assert faults([U1], "OUT_OF_RANGE") == ["end"]


def test_being_refused_to_resume():
    details = {"oldest_revision": "3"}
    assert faults([], "OUT_OF_RANGE", 1, details=details, resumed=1) == []
    assert faults([], "OUT_OF_RANGE", 1, details=details, resumed=3) == ["end"]


def test_where_a_client_resumes():
    def after(*updates, resumed=None):
        return Stream("test", resumed=resumed, updates=list(updates)).resume_revision()

    assert after(U1, U2) == 2
    assert after(U1, U2, U3A) == 2
    assert after(U1, U2, U3A, U3B) == 3
    assert after(U1, beat(2)) == 2
    assert after(resumed=7) == 7
    assert after(initial(A2, 3), synced(3)) == 3
