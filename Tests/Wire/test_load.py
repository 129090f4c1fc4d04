"""Many sessions, many changes and many clients at once. What is checked is never how fast."""

import threading

from bridge import (CALL_TIMEOUT, CODE, Session, any_json, eventually, run_threads, value_of)

import grpc


def test_200_sessions_from_8_threads(host):
    def work(stub):
        sessions = [Session(stub) for _ in range(25)]
        watches = []
        for number, session in enumerate(sessions):
            assert session.register("v", "integer", number).revision == 1
            watch = session.watch("v", "w", initial=True)
            (initial,), synced = watch.until_synced()
            assert (value_of(initial.variable), synced.revision) == (number, 1)
            watches.append(watch)
        for step in range(5):
            for number, session in enumerate(sessions):
                assert session.set("v", number * 100 + step, "integer").new_version == step + 2
        for number, session in enumerate(sessions):
            session.register("w", "string", session.id)
            answer = session.get_many("v", "w")
            assert value_of(answer.variables["v"]) == number * 100 + 4
            assert value_of(answer.variables["w"]) == session.id
            assert answer.revision == 7
        for number, (session, watch) in enumerate(zip(sessions, watches)):
            updates = watch.take(6)
            assert [value_of(update.variable) for update in updates] == [
                *(number * 100 + step for step in range(5)), session.id]
            assert {update.epoch for update in updates} == {session.epoch}
            assert session.cleanup().success
            assert watch.until_end()[-1].update_type == "session_closed"

    run_threads(*[lambda stub=host.stub(): work(stub) for _ in range(8)])


def test_5000_sets_reach_5_watchers(session, host):
    total = 5000
    session.register("v", "integer", -1)
    watches = [session.through(host.stub()).watch("v", initial=True, timeout=120)
               for _ in range(5)]
    for watch in watches:
        watch.until_synced()
    written = {}

    def write(stub):
        mine = session.through(stub)
        window = []
        for number in range(total):
            window.append((number, stub.SetVariable.future(
                mine.set_request("v", number, "integer"), timeout=CALL_TIMEOUT)))
            if len(window) == 100 or number == total - 1:
                for value, call in window:
                    written[call.result().new_version] = value
                window.clear()

    seen = [[] for _ in watches]

    def read(watch, into):
        for update in watch.take(total):
            assert update.update_type == "value_change"
            into.append((update.variable.version, update.revision, value_of(update.variable)))

    run_threads(lambda s=host.stub(): write(s),
                *[lambda w=w, i=i: read(w, i) for w, i in zip(watches, seen)])
    assert sorted(written) == list(range(2, total + 2))
    expected = [(version, version, written[version]) for version in range(2, total + 2)]
    for stream in seen:
        assert stream == expected
    for watch in watches:
        watch.cancel()


def test_watchers_that_disconnect_while_sets_go_on(session, host):
    session.register("v", "integer", 0)
    steady = session.through(host.stub()).watch("v", initial=True)
    steady.until_synced()
    done = threading.Event()
    written = []

    def write(stub):
        mine = session.through(stub)
        number = 0
        while not done.is_set():
            number += 1
            written.append(mine.set("v", number, "integer").new_version)

    def come_and_go():
        try:
            for number in range(40):
                channel = host.channel()
                mine = session.through(type(session.stub)(channel))
                watch = mine.watch("v", initial=True)
                watch.until_synced()
                first = watch.next_change().variable.version
                if number % 2:
                    assert watch.next_change().variable.version == first + 1
                if number % 3 == 0:
                    watch.cancel()
                channel.close()
        finally:
            done.set()

    run_threads(lambda s=host.stub(): write(s), come_and_go)
    assert written == list(range(2, len(written) + 2))
    assert [update.variable.version for update in steady.take(len(written))] == written
    eventually(lambda: session.describe().watch_count == 1, "only the steady watch is left")
    steady.cancel()


def test_pipelined_calls_on_one_connection(session):
    session.register("v", "integer", 0)
    calls = [session.stub.SetVariable.future(
        session.set_request("v", number, "integer"), timeout=CALL_TIMEOUT)
        for number in range(1000)]
    versions = sorted(call.result().new_version for call in calls)
    assert versions == list(range(2, 1002))
    assert session.get("v").version == 1001


def test_sessions_come_and_go_with_their_watches(host):
    def churn(stub):
        for _ in range(30):
            session = Session(stub)
            watch = session.watch(initial=True)
            watch.until_synced()
            session.set_many({})
            session.register("v")
            assert watch.next_change().variable.version == 1
            session.cleanup()
            assert watch.until_end()[-1].cause == "cleanup"

    run_threads(*[lambda stub=host.stub(): churn(stub) for _ in range(4)])


def test_writes_race_with_the_end_of_the_session(host):
    for _ in range(10):
        session = Session(host.stub())
        session.register("v", "integer", 0)
        watch = session.watch("v", initial=True)
        watch.until_synced()
        confirmed = []

        def write(stub, session=session, confirmed=confirmed):
            mine = session.through(stub)
            try:
                for number in range(1000):
                    confirmed.append(mine.set("v", number, "integer").new_version)
            except grpc.RpcError as error:
                assert error.code() == CODE.NOT_FOUND

        def end(session=session, confirmed=confirmed):
            eventually(lambda: len(confirmed) > 5, "some writes")
            session.cleanup()

        run_threads(lambda s=host.stub(): write(s), end)
        updates = watch.until_end()
        assert updates[-1].update_type == "session_closed"
        versions = [u.variable.version for u in updates if u.update_type == "value_change"]
        # What was confirmed was delivered before the session closed, in order.
        assert versions[:len(confirmed)] == confirmed
        host.disconnect()


def test_large_values_side_by_side(session, host):
    def work(stub, name):
        mine = session.through(stub)
        text = name * 200_000
        mine.register(name, "string", text)
        for _ in range(5):
            mine.set(name, text, "string")
            assert value_of(mine.get(name)) == text

    run_threads(*[lambda s=host.stub(), n=n: work(s, n) for n in "abcd"])
    answer = session.set_many({name: any_json("string", "") for name in "abcd"}, atomic=True)
    assert answer.success
