"""Reading and writing several variables at once."""

from bridge import (CODE, Session, any_binary, any_json, numbers_of, raw_bytes, refused,
                    run_threads, value_of)


def floats(**values):
    return {name: any_json("float", value) for name, value in values.items()}


def three(session):
    return {name: session.register(name, value=number, constraints={"max": 100}).variable_id
            for number, name in enumerate("abc")}


def test_answers_are_keyed_by_what_was_asked_for(session):
    ids = three(session)
    answer = session.get_many("a", ids["b"], "nothing", "var_nothing_9")
    assert set(answer.variables) == {"a", ids["b"]}
    assert answer.variables["a"].name == "a"
    assert answer.variables[ids["b"]].name == "b"
    assert sorted(answer.missing_variables) == ["nothing", "var_nothing_9"]
    assert answer.revision == 3
    assert answer.epoch == session.epoch


def test_one_variable_under_both_its_identifiers(session):
    ids = three(session)
    answer = session.get_many("a", ids["a"], "a")
    assert set(answer.variables) == {"a", ids["a"]}
    assert answer.variables["a"].id == answer.variables[ids["a"]].id


def test_reading_nothing(session):
    answer = session.get_many()
    assert not answer.variables
    assert not answer.missing_variables


def test_metadata_comes_when_asked_for(session):
    session.register("a", metadata={"unit": "K"})
    answer = session.get_many("a", include_metadata=True)
    assert answer.variables["a"].metadata["unit"] == "K"


def test_batches_need_a_session(stub):
    nobody = Session(stub, create=False)
    with refused(CODE.NOT_FOUND, "Session not found"):
        nobody.get_many("a")
    with refused(CODE.NOT_FOUND, "Session not found"):
        nobody.set_many(floats(a=1.0))


def test_an_atomic_batch_is_one_revision(session):
    ids = three(session)
    answer = session.set_many({
        "a": any_json("float", 10.0), ids["b"]: any_json("float", 11.0)}, atomic=True,
        metadata={"source": "batch"})
    assert answer.success
    assert not answer.errors
    assert dict(answer.new_versions) == {"a": 2, ids["b"]: 2}
    assert answer.revision == 4
    assert answer.epoch == session.epoch
    read = session.get_many("a", "b", "c", include_metadata=True)
    assert read.revision == 4
    assert {name: variable.revision for name, variable in read.variables.items()} == {
        "a": 4, "b": 4, "c": 3}
    assert value_of(read.variables["b"]) == 11.0
    assert read.variables["a"].metadata["source"] == "batch"
    assert "source" not in read.variables["c"].metadata


def test_an_atomic_batch_with_a_fault_writes_nothing(session):
    three(session)
    for updates, at_fault in (
        (floats(a=1.0, b=1000.0, c=2.0), {"b"}),
        (floats(a=1.0, nothing=1.0), {"nothing"}),
        ({**floats(a=1.0), "b": any_json("string", "text")}, {"b"}),
        (floats(a=1000.0, b=1000.0, c=1.0), {"a", "b"}),
    ):
        answer = session.set_many(updates, atomic=True)
        assert not answer.success
        assert at_fault <= set(answer.errors)
        assert all(answer.errors[name] for name in at_fault)
        assert not answer.new_versions
    assert "above maximum" in session.set_many(floats(b=1000.0), atomic=True).errors["b"]
    read = session.get_many("a", "b", "c")
    assert read.revision == 3
    assert [read.variables[name].version for name in "abc"] == [1, 1, 1]


def test_a_plain_batch_writes_what_is_valid(session):
    three(session)
    answer = session.set_many(floats(a=5.0, b=1000.0, c=6.0, nothing=1.0))
    assert not answer.success
    assert set(answer.errors) == {"b", "nothing"}
    assert "1000" in answer.errors["b"]
    assert dict(answer.new_versions) == {"a": 2, "c": 2}
    read = session.get_many("a", "b", "c").variables
    assert [value_of(read[name]) for name in "abc"] == [5.0, 1.0, 6.0]
    assert [read[name].version for name in "abc"] == [2, 1, 2]
    assert session.revision() == answer.revision


def test_a_plain_batch_without_a_fault(session):
    three(session)
    answer = session.set_many(floats(a=5.0, b=6.0))
    assert answer.success
    assert dict(answer.new_versions) == {"a": 2, "b": 2}


def test_an_empty_batch_changes_nothing(session):
    three(session)
    for atomic in (True, False):
        answer = session.set_many({}, atomic=atomic)
        assert answer.success
        assert answer.revision == 3


def test_expected_versions_in_an_atomic_batch(session):
    three(session)
    good = session.set_many(floats(a=5.0, b=6.0), atomic=True, expected={"a": 1, "b": 1})
    assert good.success
    bad = session.set_many(floats(a=7.0, b=8.0), atomic=True, expected={"a": 2, "b": 1})
    assert not bad.success
    assert "b" in bad.errors
    assert "2" in bad.errors["b"]
    assert [value_of(session.get(name)) for name in "ab"] == [5.0, 6.0]
    assert session.revision() == 4
    assert session.set_many(floats(a=7.0), atomic=True, expected={"a": 0}).success


def test_expected_versions_in_a_plain_batch(session):
    three(session)
    answer = session.set_many(floats(a=7.0, b=8.0), expected={"a": 9})
    assert not answer.success
    assert set(answer.errors) == {"a"}
    assert dict(answer.new_versions) == {"b": 2}


def test_binary_updates(session):
    session.register("v", "embedding", [0.0, 0.0])
    session.register("w")
    answer = session.set_many(
        {"v": any_binary("embedding", [2]), "w": any_json("float", 1.0)}, atomic=True,
        binary={"v": raw_bytes([1.5, 2.5])})
    assert answer.success, dict(answer.errors)
    assert numbers_of(session.get("v")) == [1.5, 2.5]


def test_readers_never_see_half_a_batch(session, host):
    names = ["p", "q", "r"]
    for name in names:
        session.register(name, "integer", 0)
    # From here on one batch wrote all three, so they agree in everything.
    assert session.set_many({name: any_json("integer", 0) for name in names}, atomic=True).success
    done = []

    def write(stub, base):
        mine = session.through(stub)
        for number in range(100):
            value = any_json("integer", base + number)
            assert mine.set_many({name: value for name in names}, atomic=True).success

    def writers():
        run_threads(*[lambda s=host.stub(), b=b: write(s, b) for b in (1000, 2000)])
        done.append(1)

    def read(stub):
        mine = session.through(stub)
        while not done:
            variables = mine.get_many(*names).variables
            seen = {(value_of(v), v.version, v.revision) for v in variables.values()}
            assert len(seen) == 1, f"half a batch: {seen}"

    run_threads(writers, *[lambda s=host.stub(): read(s) for _ in range(2)])
    assert session.revision() == 204


def test_concurrent_atomic_increments_with_preconditions(session, host):
    session.register("a", "integer", 100)
    session.register("b", "integer", 0)

    def move(stub):
        mine = session.through(stub)
        for _ in range(20):
            while True:
                read = mine.get_many("a", "b").variables
                answer = mine.set_many({
                    "a": any_json("integer", value_of(read["a"]) - 1),
                    "b": any_json("integer", value_of(read["b"]) + 1),
                }, atomic=True, expected={name: v.version for name, v in read.items()})
                if answer.success:
                    break

    run_threads(*[lambda s=host.stub(): move(s) for _ in range(3)])
    assert (value_of(session.get("a")), value_of(session.get("b"))) == (40, 60)
    assert session.revision() == 62
