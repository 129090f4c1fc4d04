"""Watches of a host: what they tell, over cut connections and hosts that are killed."""

import threading
import time

import numpy
import pytest

import bridge_host
from conftest import Host, proxied, running, unique


def changes(watch, count):
    """So many updates of values, and the types of all others between them."""
    result, others = [], []
    while len(result) < count:
        update = next(watch)
        if update.type == "value_change":
            result.append(update.value)
        else:
            others.append(update.type)
    return result, others


def test_initial_values_and_changes(session):
    session.register("a", "integer", 1)
    session.register("b", "float", 0.5)
    with session.watch(["a", "c"]) as watch:
        first, synced = next(watch), next(watch)
        assert (first.type, first.name, first.value, first.variable.version) == ("initial_value", "a", 1, 1)
        assert (synced.type, synced.variable, synced.value) == ("synced", None, None)
        assert synced.epoch == session.epoch and synced.revision == session.info().revision == watch.revision
        session.set("a", 2, metadata={"source": "me"})
        session["b"] = 1.5
        session.register("c", "string", "new")
        change, new = next(watch), next(watch)
        assert (change.type, change.value, change.old, change.source) == ("value_change", 2, 1, "me")
        assert change.metadata == {"source": "me"} and change.at is not None
        assert (new.name, new.value, new.old, new.variable.version) == ("c", "new", None, 1)
        session.delete("a")
        gone = next(watch)
        assert (gone.type, gone.name, gone.cause) == ("deleted", "a", "deleted")
    assert list(watch) == []


def test_no_change_is_missed_that_begins_after_the_watch(session):
    session.register("x", "integer", 0)
    for number in range(20):
        watch = session.watch(["x"], initial=False)
        session["x"] = number
        assert next(watch).value == number
        watch.close()


def test_batches_constraints_and_dependencies(session):
    session.register("a", "integer", 0)
    session.register("b", "integer", 0)
    session.depend("b", on="a", kind="sum")
    watch = session.watch(initial=False)
    session.set_many({"a": 1, "b": 1})
    first, second = next(watch), next(watch)
    assert first.more and not second.more and first.revision == second.revision
    session.set_constraints("a", {"max": 5})
    kinds = {(update.type, update.name): update for update in (next(watch), next(watch))}
    assert kinds["constraint_change", "a"].variable.constraints == {"max": 5}
    assert kinds["dependency_change", "b"].caused_by == "a" and kinds["dependency_change", "b"].cause == "sum"
    watch.close()


def test_large_arrays(session):
    values = numpy.random.default_rng(1).standard_normal((200, 50))
    session.register("t", "tensor", values)
    with session.watch() as watch:
        assert next(watch).value.tobytes() == values.tobytes()
        session["t"] = values + 1
        next(watch)
        update = next(watch)
        assert update.value.tobytes() == (values + 1).tobytes() and update.old.tobytes() == values.tobytes()


def test_the_end_of_a_session(client):
    session = client.session(unique(), new=True)
    watch = session.watch(initial=False)
    session.end()
    last = list(watch)
    assert [(update.type, update.cause) for update in last] == [("session_closed", "cleanup")]
    assert list(watch) == []


def test_another_thread_ends_it(session):
    for initial in (True, False):
        watch = session.watch(initial=initial)
        seen = []
        thread = threading.Thread(target=lambda: seen.extend(watch))
        thread.start()
        watch.close()
        thread.join(30)
        assert not thread.is_alive() and [update.type for update in seen] in ([], ["synced"])
        watch.close()


def test_a_slow_watch_conflates(session):
    session.register("x", "integer", 0)
    with session.watch(["x"], initial=False, conflate=True) as watch:
        for number in range(1, 1001):
            session["x"] = number
        told, skipped = 0, 0
        while True:
            update = next(watch)
            told, skipped = told + 1, skipped + update.skipped
            if update.value == 1000:
                break
        assert told + skipped == 1000


def test_what_the_host_refuses(session):
    with pytest.raises(bridge_host.InvalidArgument):
        session.watch(["x" * 300], initial=False)
    with pytest.raises(bridge_host.InvalidArgument):
        next(session.watch(["x" * 300]))
    with pytest.raises(TypeError):
        session.watch("x")


def test_a_host_that_is_not_there(tmp_path):
    with bridge_host.connect(f"unix:{tmp_path}/nothing") as client:
        watch = bridge_host.Session(client, "s").watch(attempts=2, backoff=(0.01, 0.02))
        with pytest.raises(bridge_host.Unavailable):
            next(watch)


def test_cut_connections(host):
    """Each change comes once and in order, however often the connection is cut."""
    id, count = unique(), 300
    with bridge_host.connect(host.address) as writer, proxied(host.port) as proxy:
        session = writer.session(id, new=True)
        session.register("x", "integer", 0)
        session.register("y", "integer", 0)
        with bridge_host.connect(proxy.address) as client:
            watch = bridge_host.Session(client, id).watch(initial=False, backoff=(0.01, 0.05))
            stop = threading.Event()

            def write():
                for number in range(1, count + 1):
                    session.set_many({"x": number, "y": number})
                    if number % 50 == 0:
                        proxy.cut()
                stop.set()

            thread = threading.Thread(target=write)
            thread.start()
            seen, others = changes(watch, 2 * count)
            thread.join()
            assert seen == [number for number in range(1, count + 1) for _ in range(2)] and others == []
            assert proxy.connections > 3
            watch.close()
        session.end()


@pytest.mark.parametrize("keeps", [True, False])
def test_a_host_that_is_killed_and_started_again(tmp_path, keeps):
    """With a state directory the values are there again; what lies between is told, or is a gap."""
    options = ["--state", tmp_path / "state", "--durability", "always"] if keeps else []
    host = Host(*options)
    with proxied(host.port) as proxy:
        with bridge_host.connect(proxy.address) as client:
            session = client.session("s", new=True)
            session.register("x", "integer", 1)
            watch = session.watch(["x"], backoff=(0.01, 0.1))
            assert [next(watch).type, next(watch).type] == ["initial_value", "synced"]
            session["x"] = 2
            assert next(watch).value == 2
            host.kill()
            proxy.cut()
            with running(*options) as second:
                proxy.port = second.port
                with bridge_host.connect(second.address) as direct:
                    other = direct.session("s")
                    if keeps:
                        assert other["x"] == 2
                        other["x"] = 3
                    else:
                        other.register("x", "integer", 3)
                    shown = {"x": 2}
                    gaps = 0
                    while shown.get("x") != 3:
                        update = next(watch)
                        if update.type == "gap":
                            gaps += 1
                            shown = {}
                        elif update.variable is not None:
                            shown["x"] = update.value
                    assert gaps <= 1 and (keeps or gaps == 1)
                    other["x"] = 4
                    while next(watch).value != 4:
                        pass
                watch.close()


def test_a_clean_restart_with_a_state(tmp_path):
    """The epoch goes on, and so does the watch: there is no gap."""
    options = ["--state", tmp_path / "state"]
    host = Host(*options)
    with proxied(host.port) as proxy, bridge_host.connect(proxy.address) as client:
        session = client.session("s", new=True)
        session.register("x", "integer", 1)
        watch = session.watch(["x"], initial=False, backoff=(0.01, 0.1))
        session["x"] = 2
        assert next(watch).value == 2
        host.stop()
        proxy.cut()
        with running(*options) as second:
            proxy.port = second.port
            with bridge_host.connect(second.address) as direct:
                direct.session("s")["x"] = 3
            assert [(update.type, update.value) for update in (next(watch),)] == [("value_change", 3)]
            watch.close()


def test_a_gap_may_be_an_error():
    first = Host()
    with proxied(first.port) as proxy, bridge_host.connect(proxy.address) as client:
        session = client.session("s", new=True)
        session.register("x", "integer", 1)
        watch = session.watch(["x"], initial=False, on_gap="stop", backoff=(0.01, 0.1))
        first.kill()
        proxy.cut()
        with running() as second:
            proxy.port = second.port
            with pytest.raises(bridge_host.FailedPrecondition) as raised:
                next(watch)
            assert raised.value.reason == "WRONG_EPOCH" and list(watch) == []


def test_a_host_that_falls_silent_is_lost():
    """A connection through which nothing passes any more, and that nobody ends."""
    with running("--min-ping-interval", "0") as host, proxied(host.port) as proxy:
        with bridge_host.connect(host.address) as writer:
            session = writer.session("s", new=True)
            session.register("x", "integer", 1)
            with bridge_host.connect(proxy.address, keepalive=0.5) as client:
                watch = bridge_host.Session(client, "s").watch(["x"], initial=False, backoff=(0.01, 0.1))
                # Pings that gRPC sends of its own accord have been answered.
                time.sleep(0.3)
                proxy.passes = False
                session["x"] = 2
                found = threading.Event()

                def reopen():
                    # The old connection is given up before a new one passes.
                    for _ in range(3000):
                        if proxy.connections > 1:
                            found.set()
                            break
                        time.sleep(0.01)
                    proxy.passes = True
                    proxy.cut()

                thread = threading.Thread(target=reopen)
                thread.start()
                assert next(watch).value == 2
                thread.join()
                assert found.is_set()
                watch.close()
