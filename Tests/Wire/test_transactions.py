"""TransactionService: changes of several variables at once."""

import json

import pytest

from bridge import CALL_TIMEOUT, CODE, any_binary, any_json, numbers_of, raw_bytes, refused, value_of
from stubs import transactions_pb as tpb
from stubs import transactions_rpc

Step = tpb.VariableStep


def value(kind, content):
    return tpb.TypedValue(value=any_json(kind, content))


def new(kind, content, **rest):
    return tpb.NewVariable(type=kind, value=value(kind, content), **rest)


@pytest.fixture
def apply(host, session):
    stub = transactions_rpc.TransactionServiceStub(host.channel())

    def call(*steps, session_id=None, **rest):
        return stub.Apply(
            tpb.ApplyRequest(session_id=session_id or session.id, steps=steps, **rest),
            timeout=CALL_TIMEOUT)

    return call


def test_all_steps_are_one_revision(session, apply):
    session.register("a", "integer", 1)
    session.register("b", "float", 1.0)
    session.register("old", "string", "x")
    session.register("other", "string", "y")
    session.register("kept", "boolean", True)
    watch = session.watch().opened()
    answer = apply(
        Step(variable="a", write=value("integer", 2), expected_version=1),
        # An integer is a float, as far as nothing is lost.
        Step(variable="b", write=value("integer", 3), metadata={"why": "so"}),
        Step(variable="old", remove={}),
        Step(variable="other", replace=new("integer", 9)),
        Step(variable="new", create=new("choice", "l", constraints_json=json.dumps(
            {"choices": ["l", "r"]}))),
        Step(variable="kept", check={}, expected_version=1))
    assert answer.epoch == session.epoch
    results = answer.results
    assert [r.HasField("variable") for r in results] == [True, True, False, True, True, True]
    assert [(r.variable.name, r.variable.version) for r in results if r.HasField("variable")] == [
        ("a", 2), ("b", 2), ("other", 1), ("new", 1), ("kept", 1)]
    assert results[1].variable.metadata["why"] == "so"
    assert value_of(session.get("b")) == 3.0
    assert value_of(session.get("other")) == 9
    with refused(CODE.NOT_FOUND, "old"):
        session.get("old")
    updates = watch.take(6)
    assert len({u.revision for u in updates}) == 1
    assert [u.more_in_revision for u in updates] == [True] * 5 + [False]
    watch.cancel()


@pytest.mark.parametrize("wrong, code, word", [
    (Step(variable="b", write=value("string", "x")), CODE.INVALID_ARGUMENT, "float"),
    (Step(variable="b", write=value("float", 1.0), expected_version=7), CODE.ABORTED, "version"),
    (Step(variable="b", check={}, expected_version=1, expected_id="var_b_99"), CODE.ABORTED, "b"),
    (Step(variable="nobody", remove={}), CODE.NOT_FOUND, "nobody"),
    (Step(variable="nobody", write=value("float", 1)), CODE.NOT_FOUND, "nobody"),
    (Step(variable="b", create=new("float", 1.0)), CODE.ALREADY_EXISTS, "b"),
    (Step(variable="c", create=new("colour", 1)), CODE.INVALID_ARGUMENT, "colour"),
    (Step(variable="a", write=value("integer", 3)), CODE.INVALID_ARGUMENT, "twice"),
    (Step(variable="b"), CODE.INVALID_ARGUMENT, "no action"),
    (Step(variable="b", check={}, expected_id="var_b_2"), CODE.INVALID_ARGUMENT, "expected_version"),
    (Step(variable="b", write=tpb.TypedValue(value=any_json("colour", 1))),
     CODE.INVALID_ARGUMENT, "colour"),
    (Step(variable="b", write=tpb.TypedValue()), CODE.INVALID_ARGUMENT, "JSON"),
])
def test_one_refused_step_refuses_all(session, apply, wrong, code, word):
    session.register("a", "integer", 1)
    session.register("b", "float", 1.0)
    before = session.revision()
    with refused(code, word):
        apply(Step(variable="a", write=value("integer", 2)), wrong)
    assert session.revision() == before
    assert value_of(session.get("a")) == 1


def test_a_dry_run_changes_nothing(session, apply):
    session.register("a", "float", 1.0, constraints={"max": 5})
    before = session.revision()
    result = apply(Step(variable="a", write=value("float", 4.0)), dry_run=True).results[0].variable
    assert (result.version, result.revision, value_of(result)) == (2, 0, 4.0)
    with refused(CODE.INVALID_ARGUMENT, "max"):
        apply(Step(variable="a", write=value("float", 6.0)), dry_run=True)
    with refused(CODE.INVALID_ARGUMENT, "one step"):
        apply(Step(variable="a", check={}), Step(variable="b", check={}), dry_run=True)
    assert session.revision() == before


def test_writers_are_named(session, apply):
    session.register("a", "float", 1.0, access={"writers": ["tool:fit"]})
    with refused(CODE.PERMISSION_DENIED):
        apply(Step(variable="a", write=value("float", 2.0)))
    apply(Step(variable="a", write=value("float", 2.0), metadata={"source": "tool:fit"}))
    assert session.get("a").metadata["source"] == "tool:fit"


def test_arrays_come_as_bytes(session, apply):
    session.register("e", "embedding", [0.0])
    apply(Step(variable="e", write=tpb.TypedValue(
        value=any_binary("embedding", [3]), binary_value=raw_bytes([1, 2, 3]))))
    assert numbers_of(session.get("e")) == [1, 2, 3]


def test_what_there_is_not(session, apply):
    with refused(CODE.NOT_FOUND, "nowhere"):
        apply(Step(variable="a", check={}), session_id="nowhere")
    with refused(CODE.INVALID_ARGUMENT, "at least one"):
        apply()
