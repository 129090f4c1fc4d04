"""Random histories of a session against a model of what a host promises, and many writers at once."""

import threading

import hypothesis
import pytest
from hypothesis import strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import bridge_host
from conftest import unique

NAMES = strategies.sampled_from(["a", "b", "c"])
VALUES = strategies.integers(-(2**63), 2**63 - 1)


class Histories(RuleBasedStateMachine):
    """Names, each with its versions; the last one is the present value."""

    client = None

    @initialize()
    def begin(self):
        self.session = self.client.session(unique(), new=True)
        self.model = {}
        self.watch = self.session.watch(initial=False)
        self.expected = []

    def teardown(self):
        if not hasattr(self, "session"):
            return
        # The changes of a batch come at one revision, in any order.
        told, revision = [], 0
        while len(told) < len(self.expected):
            told.append(set())
            while True:
                update = next(self.watch)
                first = not told[-1]
                assert update.revision == revision + first or first and revision == 0
                revision = update.revision
                told[-1].add((update.type, update.name, update.value))
                if not update.more:
                    break
        assert told == self.expected
        self.watch.close()
        self.session.end()

    def written(self, **values):
        for name, value in values.items():
            self.model[name].append(value)
        self.expected.append({("value_change", name, value) for name, value in values.items()})

    @rule(name=NAMES, value=VALUES, if_exists=strategies.sampled_from(["error", "return"]))
    def register(self, name, value, if_exists):
        if name not in self.model:
            assert self.session.register(name, "integer", value, if_exists=if_exists).version == 1
            self.model[name] = []
            self.written(**{name: value})
        elif if_exists == "return":
            assert self.session.register(name, "integer", value, if_exists="return").value == self.model[name][-1]
        else:
            with pytest.raises(bridge_host.AlreadyExists):
                self.session.register(name, "integer", value)

    @rule(name=NAMES)
    def get(self, name):
        if name in self.model:
            variable = self.session.get(name)
            assert (variable.value, variable.version) == (self.model[name][-1], len(self.model[name]))
        else:
            with pytest.raises(bridge_host.NotFound):
                self.session.get(name)

    @rule(name=NAMES, value=VALUES, off=strategies.none() | strategies.integers(0, 1))
    def set(self, name, value, off):
        if name not in self.model:
            with pytest.raises(bridge_host.NotFound):
                self.session[name] = value
            return
        version = len(self.model[name])
        if off:
            with pytest.raises(bridge_host.VersionMismatch) as raised:
                self.session.set(name, value, expected_version=version + off)
            assert raised.value.current_version == version
        else:
            expected = None if off is None else version
            assert self.session.set(name, value, expected_version=expected) == version + 1
            self.written(**{name: value})

    @rule(name=NAMES)
    def update(self, name):
        if name in self.model:
            value = self.session.update(name, lambda value: value // 2 + 1)
            assert value == self.model[name][-1] // 2 + 1
            self.written(**{name: value})

    @rule(values=strategies.dictionaries(NAMES, VALUES, min_size=1))
    def set_many(self, values):
        if all(name in self.model for name in values):
            versions = self.session.set_many(values)
            self.written(**values)
            assert versions == {name: len(self.model[name]) for name in values}
        else:
            with pytest.raises(bridge_host.BatchError) as raised:
                self.session.set_many(values)
            assert set(raised.value.errors) == set(values)

    @rule(name=NAMES, back=strategies.integers(0, 5))
    def rollback(self, name, back):
        if name in self.model:
            version = max(1, len(self.model[name]) - back)
            assert self.session.rollback(name, version).value == self.model[name][version - 1]
            self.written(**{name: self.model[name][version - 1]})

    @rule(name=NAMES)
    def delete(self, name):
        if name in self.model:
            self.session.delete(name)
            self.expected.append({("deleted", name, self.model.pop(name)[-1])})
        else:
            with pytest.raises(bridge_host.NotFound):
                self.session.delete(name)

    @rule(name=NAMES)
    def history(self, name):
        if name in self.model:
            entries = self.session.history(name)
            assert [(entry.version, entry.value) for entry in reversed(entries)] == list(
                enumerate(self.model[name], 1))

    @invariant()
    def reads_agree(self):
        if hasattr(self, "session"):
            read = self.session.get_many(["a", "b", "c"])
            assert {name: variable.value for name, variable in read.items()} == {
                name: versions[-1] for name, versions in self.model.items()}


def test_histories(client):
    Histories.client = client
    run_state_machine_as_test(Histories, settings=hypothesis.settings(
        max_examples=20, stateful_step_count=20))


def test_writers_side_by_side(host):
    """Every watch tells the same changes in the same order, and the last one is what is read."""
    with bridge_host.connect(host.address) as client, bridge_host.connect(host.address) as other:
        session = client.session(unique(), new=True)
        session.register("x", "integer", 0)
        watches = [session.watch(["x"], initial=False) for _ in range(2)]
        second = bridge_host.Session(other, session.id)

        def write(through, first):
            for number in range(first, first + 100):
                through["x"] = number

        threads = [threading.Thread(target=write, args=arguments) for arguments in (
            (session, 1000), (session, 2000), (second, 3000), (second, 4000))]
        for thread in threads:
            thread.start()
        told = [[next(watch) for _ in range(400)] for watch in watches]
        for thread in threads:
            thread.join()
        orders = [[(update.revision, update.value, update.old) for update in updates] for updates in told]
        assert orders[0] == orders[1] and orders[0][-1][1] == session["x"]
        values = [value for _, value, _ in orders[0]]
        assert [old for _, _, old in orders[0]] == [0, *values[:-1]]
        for first in (1000, 2000, 3000, 4000):
            assert [value for value in values if first <= value < first + 1000] == list(range(first, first + 100))
        session.end()
