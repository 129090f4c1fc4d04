"""What WatchVariables promises: order, nothing lost, nothing twice, resuming, a clear end."""

import time

import grpc
import pytest

from bridge import (CODE, Session, any_json, eventually, refused, run_threads, start_host,
                    value_of)
from stubs import rpc


def change(update):
    """What identifies a change."""
    return (update.update_type, update.variable.name, update.variable.version,
            value_of(update.variable), update.revision)


# ---------------------------------------------------------------------------------------------
# Opening


def test_headers_arrive_at_once(session):
    # No update will ever come on this watch; opening it must not wait for one.
    watch = session.watch("nothing_yet").opened()
    watch.cancel()


def test_initial_values_and_then_synced(session):
    session.register("a", value=1.0)
    session.register("b", value=2.0)
    session.set("a", 3.0)
    session.register("other", value=9.0)
    watch = session.watch("a", "b", initial=True)
    initial, synced = watch.until_synced()
    assert sorted((u.variable.name, u.variable.version, value_of(u.variable)) for u in initial) == [
        ("a", 2, 3.0), ("b", 1, 2.0)]
    for update in initial:
        assert update.update_type == "initial_value"
        assert update.variable_id == update.variable.id
        assert update.epoch == session.epoch
        assert not update.HasField("old_value")
    assert synced.revision == 4
    assert synced.epoch == session.epoch
    assert not synced.HasField("variable")
    session.set("b", 5.0)
    assert change(watch.next_change()) == ("value_change", "b", 2, 5.0, 5)
    watch.cancel()


def test_synced_comes_only_to_those_who_ask_for_it(session):
    """Clients of the old protocol read the variable of every update but heartbeats."""
    session.register("v", value=1.0)
    watch = session.watch("v", initial=True, synced=False)
    assert watch.next().update_type == "initial_value"
    session.set("v", 2.0)
    update = watch.next()
    assert (update.update_type, value_of(update.variable)) == ("value_change", 2.0)
    watch.cancel()


def test_synced_comes_also_when_there_is_nothing(session):
    watch = session.watch("nothing_yet", initial=True)
    initial, synced = watch.until_synced()
    assert initial == []
    assert synced.revision == 0
    assert synced.epoch == session.epoch
    watch.cancel()


def test_without_initial_values_the_first_update_is_the_first_change(session):
    session.register("v", value=1.0)
    watch = session.watch("v").opened()
    session.set("v", 2.0)
    assert change(watch.next_change()) == ("value_change", "v", 2, 2.0, 2)
    watch.cancel()


# ---------------------------------------------------------------------------------------------
# What an update says


def test_a_change_says_what_who_and_when(session):
    identifier = session.register("v", value=1.0, metadata={"unit": "K"}).variable_id
    watch = session.watch("v", initial=True)
    watch.until_synced()
    written = session.set("v", 2.0, metadata={"source": "optimizer", "reason": "test"})
    update = watch.next_change()
    assert update.update_type == "value_change"
    assert update.variable_id == update.variable.id == identifier
    assert update.variable == session.get("v")
    assert update.variable.version == 2
    assert value_of(update.variable) == 2.0
    assert float(update.old_value.value) == 1.0
    assert update.old_value.type_url == "dspex.variables/float"
    assert update.old_version == 1
    assert update.update_source == "optimizer"
    assert update.update_metadata["reason"] == "test"
    assert update.revision == written.revision == update.variable.revision
    assert update.epoch == session.epoch
    assert update.timestamp == update.variable.last_updated_at
    assert update.cause == ""
    assert not update.more_in_revision
    watch.cancel()


def test_names_that_are_registered_later(session):
    watch = session.watch("later", initial=True)
    watch.until_synced()
    session.register("unrelated", value=1.0)
    session.register("later", value=2.0)
    update = watch.next_change()
    assert change(update) == ("value_change", "later", 1, 2.0, 2)
    assert not update.HasField("old_value")
    assert update.old_version == 0
    session.set("later", 3.0)
    assert change(watch.next_change()) == ("value_change", "later", 2, 3.0, 3)
    watch.cancel()


def test_patterns(session):
    session.register("temp_a", value=1.0)
    session.register("humidity", value=2.0)
    watch = session.watch("temp_*", initial=True)
    initial, _ = watch.until_synced()
    assert [update.variable.name for update in initial] == ["temp_a"]
    session.set("humidity", 3.0)
    session.register("temp_b", value=4.0)
    session.register("my_temp_c", value=5.0)
    session.set("temp_a", 6.0)
    assert [change(update) for update in watch.take(2)] == [
        ("value_change", "temp_b", 1, 4.0, 4), ("value_change", "temp_a", 2, 6.0, 6)]
    watch.cancel()


def test_no_identifiers_watch_everything(session):
    session.register("a", value=1.0)
    watch = session.watch(initial=True)
    initial, _ = watch.until_synced()
    assert [update.variable.name for update in initial] == ["a"]
    session.register("b", value=2.0)
    session.set("a", 3.0)
    assert [update.variable.name for update in watch.take(2)] == ["b", "a"]
    watch.cancel()


def test_overlapping_identifiers_give_each_change_once(session):
    identifier = session.register("v", value=0.0).variable_id
    watch = session.watch("v", identifier, "v*", "*", "v", initial=True)
    initial, _ = watch.until_synced()
    assert len(initial) == 1
    for number in range(5):
        session.set("v", float(number))
    assert [update.variable.version for update in watch.take(5)] == [2, 3, 4, 5, 6]
    watch.cancel()


def test_a_watch_by_id_is_for_that_variable_alone(session):
    identifier = session.register("v", value=1.0).variable_id
    session.register("marker")
    watch = session.watch(identifier, "marker").opened()
    session.set("v", 2.0)
    session.delete("v")
    session.register("v", value=3.0)
    session.set("marker", 1.0)
    first, second, third = watch.take(3)
    assert (first.update_type, first.variable_id) == ("value_change", identifier)
    assert (second.update_type, second.variable_id) == ("deleted", identifier)
    assert third.variable.name == "marker"
    watch.cancel()


def test_deletion_is_an_update(session):
    identifier = session.register("v", value=1.0).variable_id
    session.set("v", 2.0)
    watch = session.watch("v", initial=True)
    watch.until_synced()
    deleted = session.delete("v")
    update = watch.next_change()
    assert update.update_type == "deleted"
    assert update.variable_id == identifier
    assert update.cause == "deleted"
    assert update.revision == deleted.revision
    assert update.old_version == 2
    assert float(update.old_value.value) == 2.0
    # The name is still watched.
    again = session.register("v", value=5.0).variable_id
    update = watch.next_change()
    assert update.variable_id == again != identifier
    assert update.variable.version == 1
    assert not update.HasField("old_value")
    watch.cancel()


def test_an_unchanged_write_is_still_an_update(session):
    session.register("v", value=1.0)
    watch = session.watch("v").opened()
    session.set("v", 1.0)
    assert watch.next_change().variable.version == 2
    watch.cancel()


def test_what_was_refused_is_no_update(session):
    session.register("v", value=1.0, constraints={"max": 5})
    watch = session.watch("v").opened()
    for operation in (lambda: session.set("v", 9.0), lambda: session.set("v", 2.0, expected=9)):
        with pytest.raises(grpc.RpcError):
            operation()
    session.set_many({"v": any_json("float", 2.0), "none": any_json("float", 1.0)}, atomic=True)
    session.set("v", 3.0)
    assert change(watch.next_change()) == ("value_change", "v", 2, 3.0, 2)
    watch.cancel()


# ---------------------------------------------------------------------------------------------
# Batches


def test_an_atomic_batch_arrives_together(session):
    for name in "abcd":
        session.register(name)
    everything = session.watch("a", "b", "c").opened()
    partly = session.watch("b").opened()
    answer = session.set_many(
        {name: any_json("float", 1.0) for name in "abcd"}, atomic=True)
    session.set("b", 2.0)
    first = everything.take(3)
    assert {update.variable.name for update in first} == {"a", "b", "c"}
    assert {update.revision for update in first} == {answer.revision}
    assert [update.more_in_revision for update in first] == [True, True, False]
    assert everything.next_change().revision == answer.revision + 1
    only = partly.next_change()
    assert (only.revision, only.more_in_revision) == (answer.revision, False)
    everything.cancel()
    partly.cancel()


def test_batches_are_never_interleaved(session, host):
    names = ["a", "b", "c"]
    for name in names:
        session.register(name)
    session.register("single")
    watch = session.watch(initial=True)
    _, synced = watch.until_synced()

    def batches(stub):
        mine = session.through(stub)
        for number in range(40):
            assert mine.set_many(
                {name: any_json("float", float(number)) for name in names}, atomic=True).success

    def singles(stub):
        mine = session.through(stub)
        for number in range(80):
            mine.set("single", float(number))

    run_threads(*[lambda s=host.stub(): batches(s) for _ in range(2)],
                lambda s=host.stub(): singles(s))
    updates = watch.take(2 * 40 * 3 + 80)
    revision = synced.revision
    position = 0
    while position < len(updates):
        revision += 1
        size = 1 if updates[position].variable.name == "single" else 3
        group = updates[position:position + size]
        assert [update.revision for update in group] == [revision] * size
        assert [update.more_in_revision for update in group] == [True] * (size - 1) + [False]
        position += size
    watch.cancel()


# ---------------------------------------------------------------------------------------------
# Order and several watchers


def test_several_watchers_see_the_same_in_the_same_order(session, host):
    session.register("v", "integer", 0)
    session.register("w", "integer", 0)
    watches = [session.through(host.stub()).watch("v", "w", initial=True) for _ in range(4)]
    for watch in watches:
        watch.until_synced()

    def write(stub, name):
        mine = session.through(stub)
        for number in range(100):
            mine.set(name, number, "integer")

    run_threads(*[lambda s=host.stub(), n=n: write(s, n) for n in ("v", "w", "v", "w")])
    streams = [[change(update) for update in watch.take(400)] for watch in watches]
    assert [row[4] for row in streams[0]] == list(range(3, 403))
    for stream in streams[1:]:
        assert stream == streams[0]
    for name in ("v", "w"):
        assert [row[2] for row in streams[0] if row[1] == name] == list(range(2, 202))
    for watch in watches:
        watch.cancel()


def test_old_values_chain(session):
    session.register("v", "integer", 0)
    watch = session.watch("v").opened()
    for number in range(1, 51):
        session.set("v", number, "integer")
    previous = b"0"
    for update in watch.take(50):
        assert update.old_value.value == previous
        assert update.old_version == update.variable.version - 1
        previous = update.variable.value.value
    watch.cancel()


def test_a_snapshot_and_its_changes_leave_no_gap(session, host):
    session.register("v", "integer", 0)
    stop = []

    def write(stub):
        mine = session.through(stub)
        number = 0
        while not stop:
            number += 1
            mine.set("v", number, "integer")

    def watch_many(stub):
        mine = session.through(stub)
        try:
            for _ in range(30):
                watch = mine.watch("v", initial=True)
                (initial,), synced = watch.until_synced()
                assert initial.variable.revision <= synced.revision
                # Only `v` changes here, so the next change is the next revision and version.
                following = watch.take(3)
                assert [update.revision for update in following] == [
                    synced.revision + offset for offset in (1, 2, 3)]
                assert [update.variable.version for update in following] == [
                    initial.variable.version + offset for offset in (1, 2, 3)]
                watch.cancel()
        finally:
            stop.append(1)

    run_threads(lambda s=host.stub(): write(s), lambda s=host.stub(): watch_many(s))


# ---------------------------------------------------------------------------------------------
# Resuming


def test_resuming_replays_what_followed(session):
    session.register("v", "integer", 0)
    session.register("w", "integer", 0)
    for number in range(1, 21):
        session.set("v" if number % 2 else "w", number, "integer")
    session.delete("w")
    everything = session.watch(start=2)
    replayed = everything.take(21)
    assert [update.revision for update in replayed] == list(range(3, 24))
    assert [update.update_type for update in replayed] == ["value_change"] * 20 + ["deleted"]
    assert [value_of(update.variable) for update in replayed[:20]] == list(range(1, 21))
    assert all(update.HasField("old_value") for update in replayed)
    session.set("v", 99, "integer")
    assert everything.next_change().revision == 24
    everything.cancel()
    only_v = session.watch("v", start=12)
    assert [update.revision for update in only_v.take(6)] == [13, 15, 17, 19, 21, 24]
    only_v.cancel()


def test_resuming_at_the_present_gives_only_what_follows(session):
    revision = session.register("v", value=1.0).revision
    watch = session.watch("v", start=revision).opened()
    session.set("v", 2.0)
    assert watch.next_change().revision == revision + 1
    watch.cancel()


def test_resuming_after_a_lost_connection_misses_nothing(session, host):
    session.register("v", "integer", 0)
    seen = []
    watch = session.through(host.stub()).watch("v", initial=True)
    _, synced = watch.until_synced()
    last = synced.revision
    for round_number in range(10):
        for number in range(10):
            session.set("v", round_number * 10 + number, "integer")
        for update in watch.take(5):
            seen.append(value_of(update.variable))
            last = update.revision
        host.disconnect()
        watch = session.through(host.stub()).watch("v", start=last)
    while len(seen) < 100:
        seen.append(value_of(watch.next_change().variable))
    assert seen == list(range(100))
    watch.cancel()


def test_another_epoch_is_refused(session):
    session.register("v")
    with refused(CODE.FAILED_PRECONDITION, "epoch"):
        session.watch("v", start=1, epoch="0123456789abcdef").next()


def test_the_epoch_of_an_earlier_session_is_refused(stub):
    first = Session(stub)
    first.register("v")
    first.cleanup()
    second = Session(stub, first.id)
    second.register("v")
    with refused(CODE.FAILED_PRECONDITION):
        second.watch("v", start=1, epoch=first.epoch).next()
    second.cleanup()


def test_a_future_revision_is_refused(session):
    session.register("v")
    with refused(CODE.FAILED_PRECONDITION, "revision"):
        session.watch("v", start=50).next()


def test_what_the_log_no_longer_holds_is_out_of_range():
    with start_host("--watch-log-changes", "16") as host:
        session = Session(host.stub())
        session.register("v", "integer", 0)
        for number in range(100):
            session.set("v", number, "integer")
        with refused(CODE.OUT_OF_RANGE) as refusal:
            session.watch("v", start=1).next()
        # The message names the oldest revision that is held, and that one can be had.
        numbers = [int(word) for word in "".join(
            c if c.isdigit() else " " for c in refusal.details).split()]
        assert any(80 <= number <= 101 for number in numbers), refusal.details
        watch = session.watch("v", start=93)
        assert [update.revision for update in watch.take(8)] == list(range(94, 102))
        watch.cancel()


# ---------------------------------------------------------------------------------------------
# Heartbeats


def test_heartbeats_come_and_carry_the_revision(session):
    session.register("v")
    watch = session.watch("v", heartbeat_ms=100)
    for _ in range(3):
        update = watch.next()
        assert update.update_type == "heartbeat"
        assert update.revision == 1
        assert update.epoch == session.epoch
        assert not update.HasField("variable")
    watch.cancel()


def test_heartbeats_pass_on_the_revision_of_unwatched_changes(session):
    session.register("v")
    session.register("unwatched")
    watch = session.watch("v", heartbeat_ms=100).opened()
    for number in range(10):
        last = session.set("unwatched", float(number)).revision
    revisions = []
    while not revisions or revisions[-1] < last:
        update = watch.next()
        assert update.update_type == "heartbeat"
        revisions.append(update.revision)
    assert revisions == sorted(revisions)
    assert revisions[-1] == last
    watch.cancel()


def test_a_heartbeat_comes_only_after_the_changes_up_to_its_revision(session, host):
    session.register("v", "integer", 0)
    watch = session.watch("v", initial=True, heartbeat_ms=100)
    _, synced = watch.until_synced()
    done = []

    def write(stub):
        mine = session.through(stub)
        number = 0
        while not done:
            number += 1
            mine.set("v", number, "integer")

    def check():
        try:
            last = synced.revision
            beats = 0
            while beats < 8:
                update = watch.next()
                if update.update_type == "heartbeat":
                    beats += 1
                    # Every revision changes `v`: a later one would have been skipped.
                    assert update.revision == last
                else:
                    assert update.revision == last + 1
                    last = update.revision
        finally:
            done.append(1)

    run_threads(lambda s=host.stub(): write(s), check)
    watch.cancel()


@pytest.mark.parametrize("milliseconds", [1, 99, -5, 3_600_001])
def test_heartbeat_intervals_that_cannot_be(session, milliseconds):
    with refused(CODE.INVALID_ARGUMENT, "heartbeat"):
        session.watch("v", heartbeat_ms=milliseconds, timeout=10).next()


# ---------------------------------------------------------------------------------------------
# Ends


def test_the_end_of_the_session_is_an_update_and_a_clean_status(stub):
    session = Session(stub)
    session.register("v")
    session.set("v", 1.0)
    watches = [session.watch("v", initial=True), session.watch("nothing", initial=True)]
    for watch in watches:
        watch.until_synced()
    session.cleanup()
    for watch in watches:
        updates = watch.until_end()
        last = updates[-1]
        assert last.update_type == "session_closed"
        assert last.cause == "cleanup"
        assert last.revision >= 2
        assert last.epoch == session.epoch
        assert not last.HasField("variable")
        assert all(update.update_type == "deleted" for update in updates[:-1])
        assert watch.call.code() == CODE.OK


def test_changes_before_the_end_are_all_delivered(stub):
    session = Session(stub)
    session.register("v", "integer", 0)
    watch = session.watch("v").opened()
    for number in range(200):
        session.set("v", number, "integer")
    session.cleanup()
    values = [value_of(update.variable) for update in watch.until_end()
              if update.update_type == "value_change"]
    assert values == list(range(200))


def test_watches_are_counted_and_vanish_with_their_clients(session, host):
    session.register("v")
    stubs = [host.stub() for _ in range(5)]
    watches = [session.through(stub).watch("v", initial=True) for stub in stubs]
    for watch in watches:
        watch.until_synced()
    assert session.describe().watch_count == 5
    for watch in watches[:2]:
        watch.cancel()
    eventually(lambda: session.describe().watch_count == 3, "two cancelled watches go")
    for _ in range(5):
        host.disconnect()
    eventually(lambda: session.describe().watch_count == 0, "the others go with their connections")
    session.set("v", 1.0)
    assert session.get("v").version == 2


def test_cleanup_counts_watches(stub):
    session = Session(stub)
    session.register("v")
    watch = session.watch("v", initial=True)
    watch.until_synced()
    assert session.cleanup().resources_cleaned == 2
    watch.until_end()


def test_a_watch_that_never_reads_stops_nobody(session, host):
    """Three watches stay unread while 20 MB of changes pass; a fourth and the writers go on."""
    session.register("v", "string", "")
    abandoned = [
        session.watch("v").opened(),  # shares its connection with the writer
        session.through(host.stub()).watch("v").opened(),
        session.through(host.stub()).watch("*").opened(),
    ]
    reader = session.through(host.stub()).watch("v").opened()
    for number in range(200):
        session.set("v", f"{number} " + "x" * 100_000, "string")
        update = reader.next_change()
        assert update.variable.version == number + 2
        assert value_of(update.variable).startswith(f"{number} ")
    # Read late, they miss nothing silently: all in order, or a clear end.
    for watch in abandoned:
        version = 1
        try:
            while version < 201:
                update = watch.next_change()
                assert update.variable.version == version + 1
                version += 1
        except grpc.RpcError as error:
            assert error.code() == CODE.OUT_OF_RANGE, error
            assert str(version) in error.details(), "the last revision sent is not named"
        watch.cancel()
    reader.cancel()


def test_many_watches_on_one_connection(session):
    names = [f"v{number}" for number in range(100)]
    for name in names:
        session.register(name)
    watches = [session.watch(name, initial=True) for name in names]
    for watch in watches:
        watch.until_synced()
    for name in names:
        session.set(name, 1.0)
    for name, watch in zip(names, watches):
        assert watch.next_change().variable.name == name
        watch.cancel()


def test_one_watch_of_a_thousand_names(session):
    names = [f"v{number}" for number in range(1000)]
    watch = session.watch(*names, initial=True)
    watch.until_synced()
    for name in ("v999", "v0", "w", "v500"):
        session.register(name)
    assert [update.variable.name for update in watch.take(3)] == ["v999", "v0", "v500"]
    watch.cancel()


def test_a_stalled_watch_is_parked_and_not_timed_out():
    big = "x" * 100_000
    with start_host("--send-timeout", "1") as host:
        writer = Session(host.stub())
        writer.register("v", "string", "")
        watch = writer.through(host.stub()).watch("v").opened()
        for number in range(100):
            writer.set("v", f"{number}{big}", "string")
        # Twice as long as anything that waits to be sent may take.
        time.sleep(2.5)
        assert [u.variable.version for u in watch.take(100)] == list(range(2, 102))
        watch.cancel()


def test_too_many_patterns(session):
    with refused(CODE.INVALID_ARGUMENT, "101 patterns"):
        session.watch(*[f"a{number}*" for number in range(101)]).next()


def test_a_negative_start_revision(session):
    with refused(CODE.INVALID_ARGUMENT, "-1"):
        session.watch("v", start=-1).next()


def test_initial_values_that_are_not_read_end_with_the_log():
    """A client that does not read them must not keep values that were replaced long ago."""
    large = "x" * 1_000_000
    with start_host("--watch-log-bytes", 4_000_000) as host:
        session = Session(host.stub())
        for number in range(40):
            session.register(f"v{number}", "string", large)
        reader = session.through(host.stub())
        slow = reader.watch(initial=True).opened()
        for _ in range(2):
            for number in range(40):
                session.set(f"v{number}", large, "string")
        with refused(CODE.OUT_OF_RANGE, "read the variables again"):
            slow.until_end()
        # One that reads in time has them all.
        updates, _ = reader.watch(initial=True).until_synced()
        assert len(updates) == 40


def test_initial_values_that_are_not_read_are_counted():
    with start_host("--max-session-bytes", 200_000) as host:
        session = Session(host.stub())
        for number in range(100):
            session.register(f"v{number}", "string", "x" * 1000)
        # With large windows the client would take all values in.
        reader = session.through(rpc.BridgeServiceStub(host.channel(options=[
            ("grpc.http2.lookahead_bytes", 0), ("grpc.http2.bdp_probe", 0)])))
        watches = []
        with refused(CODE.RESOURCE_EXHAUSTED, "limit is 200000"):
            while len(watches) < 200:
                watches.append(reader.watch(initial=True).opened())
                watches[-1].next()
        for watch in watches:
            watch.cancel()
        eventually(lambda: session.describe().watch_count == 0, "the watches end")
        updates, _ = reader.watch(initial=True).until_synced()
        assert len(updates) == 100
