"""The state of a watch, without a host: whatever its streams do, nothing is lost and nothing told twice."""

import math

import hypothesis
import pytest
from hypothesis import strategies

from bridge_host import errors
from bridge_host._messages import MESSAGES
from bridge_host._values import Codec
from bridge_host._watching import Progress, WatchOptions

OPTIONS = WatchOptions(True, False, "restart", 30, (0.1, 5), None)


def progress(**options):
    return Progress("s", ["a", "b*"], OPTIONS._replace(**options).checked(), Codec())


def message(kind, revision=0, value=None, more=False, epoch="e"):
    result = MESSAGES["VariableUpdate"](update_type=kind, revision=revision, epoch=epoch, more_in_revision=more)
    if value is not None:
        result.variable.name, result.variable.type = "a", "integer"
        result.variable.value.type_url, result.variable.value.value = "dspex.variables/integer", str(value).encode()
    return result


def taken(state):
    result = [(update.type, update.value) for update in state.ready]
    state.ready.clear()
    return result


def test_initial_values_come_together():
    state = progress()
    request = state.request()
    assert (request.session_id, list(request.variable_identifiers)) == ("s", ["a", "b*"])
    assert request.include_initial_values and request.include_synced and not request.epoch
    assert request.heartbeat_interval_ms == 30_000
    state.take(message("initial_value", 3, 1))
    state.take(message("heartbeat", 2))
    assert taken(state) == [] and not state.in_place and state.revision == 0
    state.take(message("synced", 3))
    assert taken(state) == [("initial_value", 1), ("synced", None)] and state.in_place
    request = state.request()
    assert (request.start_revision, request.epoch, request.include_initial_values) == (3, "e", False)


def test_initial_values_may_be_left_out():
    state = progress(initial=False)
    state.take(message("initial_value", 3, 1))
    state.take(message("synced", 3))
    assert taken(state) == [] and state.in_place
    state.take(message("value_change", 4, 2))
    assert taken(state) == [("value_change", 2)]


def test_a_batch_comes_together_or_not_at_all():
    state = progress()
    state.take(message("synced", 1))
    state.take(message("value_change", 2, 1, more=True))
    assert taken(state) == [("synced", None)]
    assert 0.05 <= state.ended(errors.Unavailable("lost")) <= 0.1
    assert state.request().start_revision == 1
    state.take(message("value_change", 2, 1, more=True))
    state.take(message("value_change", 2, 2))
    assert taken(state) == [("value_change", 1), ("value_change", 2)] and state.revision == 2


def test_a_gap():
    state = progress(initial=False)
    state.take(message("synced", 5))
    state.ended(errors.OutOfRange("too old"))
    assert state.ready[0].cause == "too old" and state.ready[0].revision == 5
    assert taken(state) == [("gap", None)] and state.request().include_initial_values
    # An end before the present values are there is no second gap.
    state.take(message("initial_value", 9, 7, epoch="f"))
    state.ended(errors.OutOfRange("too old"))
    assert taken(state) == []
    state.take(message("initial_value", 9, 7, epoch="f"))
    state.take(message("synced", 9, epoch="f"))
    assert taken(state) == [("initial_value", 7), ("synced", None)]
    assert (state.revision, state.epoch) == (9, "f")


def test_a_gap_may_be_an_error():
    state = progress(on_gap="stop")
    state.take(message("synced", 5))
    with pytest.raises(errors.FailedPrecondition):
        state.ended(errors.FailedPrecondition("another epoch"))
    assert state.over


def test_what_ends_a_watch():
    state = progress()
    state.take(message("session_closed", 1))
    assert state.over and taken(state) == [("session_closed", None)]
    for error in (errors.NotFound("x"), errors.InvalidArgument("x"), errors.Unauthenticated("x"), errors.Internal("x")):
        state = progress()
        with pytest.raises(type(error)):
            state.ended(error)
        assert state.over


def test_what_is_not_known_yet_is_told_and_moves_nothing():
    state = progress(initial=False)
    state.take(message("synced", 5))
    state.take(message("something_new"))
    assert taken(state) == [("something_new", None)] and (state.revision, state.epoch) == (5, "e")


def test_a_host_says_how_long_to_wait():
    state = progress()
    assert state.ended(errors.ResourceExhausted("full", retry_after=7.5)) == 7.5


def test_waits_grow_and_attempts_end():
    state = progress(attempts=20)
    waits = [state.ended(None) for _ in range(19)]
    for number, wait in enumerate(waits):
        longest = min(0.1 * 2**number, 5)
        assert longest / 2 <= wait <= longest
    with pytest.raises(errors.Unavailable):
        state.ended(None)
    state = progress(attempts=2)
    for _ in range(10):
        state.ended(None)
        state.take(message("heartbeat"))
    assert not state.over


@pytest.mark.parametrize("wrong", [
    {"on_gap": "x"}, {"heartbeat": 0.05}, {"heartbeat": math.nan}, {"backoff": (2, 1)}, {"attempts": 0}])
def test_options_that_are_wrong(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        progress(**wrong)


def test_a_text_is_no_list_of_names():
    with pytest.raises(TypeError):
        Progress("s", "abc", OPTIONS, Codec())


@hypothesis.given(
    strategies.lists(strategies.integers(1, 3), max_size=12), strategies.lists(strategies.integers(0, 30)),
    strategies.booleans())
def test_any_interruptions(batches, cuts, initial):
    """A host that has a log of batches, and streams that are cut anywhere."""
    log = []
    for revision, size in enumerate(batches, 1):
        log += [(revision, f"{revision}{at}", at < size - 1) for at in range(size)]
    state, told, remaining = progress(initial=initial), [], list(cuts)
    while True:
        request, sent = state.request(), []
        if request.include_initial_values:
            sent += [message("initial_value", 0, 0), message("synced", 0)]
        start = request.start_revision
        sent += [message("value_change", *change) for change in log if change[0] > start]
        cut = remaining.pop() if remaining else None
        for update in sent[:cut]:
            state.take(update)
            told += taken(state)
        if cut is None:
            break
        state.ended(errors.Unavailable("cut"))
    first = [("initial_value", 0), ("synced", None)] if initial else []
    assert told == first + [("value_change", int(value)) for _, value, _ in log]
