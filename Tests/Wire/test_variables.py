"""Registering, reading, writing, listing and deleting variables."""

import json
import re
import time

import grpc
import pytest
from google.protobuf import wrappers_pb2

from bridge import (CALL_TIMEOUT, CODE, DSPEX, ODD_KEYS, SNAKEPIT, Session, any_json, packed, refused,
                    run_threads, unique, value_of)
from stubs import pb


def test_register_answers_the_variable(session):
    response = session.register(
        "temperature", value=0.7, constraints={"min": 0, "max": 2}, metadata={"unit": "K"})
    variable = response.variable
    assert re.fullmatch(r"var_temperature_\d+", response.variable_id)
    assert variable.id == response.variable_id
    assert variable.name == "temperature"
    assert variable.type == "float"
    assert value_of(variable) == 0.7
    assert variable.value.type_url == "dspex.variables/float"
    assert variable.version == 1
    assert variable.revision == response.revision == 1
    assert response.epoch == session.epoch
    assert variable.metadata["unit"] == "K"
    assert "0" in variable.constraints_json and "max" in variable.constraints_json
    assert abs(variable.last_updated_at.ToNanoseconds() / 1e9 - time.time()) < 120
    assert not variable.optimization_status.optimizing


def test_a_variable_is_found_by_id_and_by_name(session):
    identifier = session.register("v", value=2.5).variable_id
    by_name = session.get("v")
    assert by_name == session.get(identifier)
    assert value_of(by_name) == 2.5
    session.set(identifier, 3.5)
    assert value_of(session.get("v")) == 3.5
    session.delete(identifier)
    with refused(CODE.NOT_FOUND):
        session.get("v")


def test_every_write_raises_version_and_revision_by_one(session):
    session.register("v")
    for number in range(2, 12):
        response = session.set("v", float(number))
        assert response.new_version == number
        assert response.revision == number
        assert response.epoch == session.epoch
    variable = session.get("v")
    assert (variable.version, variable.revision) == (11, 11)


def test_writing_the_same_value_again_is_a_change(session):
    session.register("v", value=1.0)
    assert session.set("v", 1.0).new_version == 2


def test_a_read_sees_a_write_of_another_connection(session, other_stub):
    session.register("v")
    elsewhere = session.through(other_stub)
    for number in range(1, 51):
        written = session.set("v", float(number))
        answer = elsewhere.read("v")
        assert value_of(answer.variable) == number
        assert answer.variable.version == written.new_version
        assert answer.revision >= written.revision
        assert answer.epoch == session.epoch


def test_a_taken_name_is_refused_and_nothing_changes(session):
    session.register("v", value=1.0)
    with refused(CODE.ALREADY_EXISTS, "v"):
        session.register("v", "string", "other")
    variable = session.get("v")
    assert (variable.type, variable.version, value_of(variable)) == ("float", 1, 1.0)
    assert session.revision() == 1


def register_if(session, policy, name, value, kind="integer", **rest):
    return session.stub.RegisterVariable(pb.RegisterVariableRequest(
        session_id=session.id, name=name, type=kind, initial_value=any_json(kind, value),
        if_exists=policy, **rest), timeout=CALL_TIMEOUT)


def test_a_taken_name_may_answer_what_is_there(session):
    policy = pb.RegisterVariableRequest.RETURN
    first = register_if(session, policy, "v", 1)
    assert not first.existed
    again = register_if(session, policy, "v", "text", kind="string")
    assert again.existed and again.variable_id == first.variable_id
    assert (again.variable.type, value_of(again.variable), again.variable.version) == ("integer", 1, 1)
    assert session.revision() == 1


def test_a_taken_name_may_be_replaced(session):
    policy = pb.RegisterVariableRequest.REPLACE
    first = register_if(session, policy, "v", 1)
    session.set("v", 2)
    watch = session.watch("v").opened()
    second = register_if(session, policy, "v", "text", kind="string")
    assert second.variable_id != first.variable_id and not second.existed
    assert (second.variable.type, second.variable.version) == ("string", 1)
    assert [watch.next_change().update_type for _ in range(2)] == ["deleted", "value_change"]
    watch.cancel()
    session.register("locked", access={"read_only": True})
    with refused(CODE.PERMISSION_DENIED):
        register_if(session, policy, "locked", 1)
    with refused(CODE.INVALID_ARGUMENT, "7"):
        register_if(session, 7, "v", 1)


def test_one_of_many_concurrent_registrations_wins(session, host):
    outcomes = []

    def register(stub, number):
        try:
            outcomes.append(session.through(stub).register("v", value=number).variable_id)
        except grpc.RpcError as error:
            outcomes.append(error.code())

    run_threads(*[lambda s=host.stub(), n=n: register(s, float(n)) for n in range(8)])
    assert len(outcomes) == 8
    assert outcomes.count(CODE.ALREADY_EXISTS) == 7
    assert session.names() == ["v"]


def test_what_is_not_there_is_not_found(session):
    for operation in (
        lambda: session.get("missing_one"),
        lambda: session.set("missing_one", 1.0),
        lambda: session.delete("missing_one"),
        lambda: session.get("var_missing_one_1"),
    ):
        with refused(CODE.NOT_FOUND, "missing_one"):
            operation()
    assert session.revision() == 0


def test_delete_and_register_again(session):
    first = session.register("v", value=1.0).variable_id
    session.set("v", 2.0)
    deleted = session.delete("v")
    assert deleted.revision == 3
    assert deleted.epoch == session.epoch
    for identifier in ("v", first):
        with refused(CODE.NOT_FOUND):
            session.get(identifier)
    again = session.register("v", "string", "now a string")
    assert again.variable_id != first
    assert re.fullmatch(r"var_v_\d+", again.variable_id)
    assert again.variable.version == 1
    assert again.revision == 4
    assert session.get("v").type == "string"
    with refused(CODE.NOT_FOUND):
        session.get(first)


def test_expected_version(session):
    session.register("v", value=1.0)
    assert session.set("v", 2.0, expected=1).new_version == 2
    with refused(CODE.ABORTED, "2"):
        session.set("v", 9.0, expected=1)
    with refused(CODE.ABORTED, "2"):
        session.set("v", 9.0, expected=7)
    variable = session.get("v")
    assert (variable.version, value_of(variable)) == (2, 2.0)
    assert session.revision() == 2
    assert session.set("v", 3.0, expected=0).new_version == 3


def test_compare_and_set_loses_no_increment(session, host):
    session.register("counter", "integer", 0)

    def increment(stub):
        mine = session.through(stub)
        for _ in range(25):
            while True:
                variable = mine.get("counter")
                try:
                    mine.set("counter", value_of(variable) + 1, "integer",
                             expected=variable.version)
                    break
                except grpc.RpcError as error:
                    assert error.code() == CODE.ABORTED

    run_threads(*[lambda stub=host.stub(): increment(stub) for _ in range(4)])
    variable = session.get("counter")
    assert value_of(variable) == 100
    assert variable.version == 101


def test_what_fails_takes_no_revision(session):
    session.register("v", value=1.0, constraints={"max": 2})
    for operation in (
        lambda: session.set("v", 5.0),
        lambda: session.set("v", "text", "string"),
        lambda: session.set("v", 1.0, expected=9),
        lambda: session.set("nothing", 1.0),
        lambda: session.delete("nothing"),
        lambda: session.register("v"),
        lambda: session.register("w", "no_such_type"),
    ):
        with pytest.raises(grpc.RpcError):
            operation()
    assert session.revision() == 1
    assert session.set("v", 2.0).revision == 2


def test_metadata_of_the_registration_is_overlaid_by_the_last_write(session):
    session.register("v", metadata={"a": "1", "b": "1"})
    assert session.get("v").metadata["b"] == "1"
    session.set("v", 1.0, metadata={"b": "2", "c": "2"})
    metadata = session.get("v").metadata
    assert (metadata["a"], metadata["b"], metadata["c"]) == ("1", "2", "2")
    session.set("v", 2.0, metadata={"d": "3"})
    metadata = session.get("v").metadata
    assert (metadata["a"], metadata["b"], metadata["d"]) == ("1", "1", "3")
    assert "c" not in metadata


def test_the_metadata_names_the_source(session):
    session.register("v")
    session.set("v", 1.0, metadata={"source": "python"})
    assert session.get("v").source == pb.Variable.PYTHON
    session.set("v", 1.0, metadata={"source": "elixir"})
    assert session.get("v").source == pb.Variable.ELIXIR


def test_list_is_oldest_first_and_complete(session):
    names = [f"v{number}" for number in (5, 3, 9, 1, 7)]
    for name in names:
        session.register(name)
    session.set("v9", 4.0)
    answer = session.list()
    assert [variable.name for variable in answer.variables] == names
    assert answer.revision == 6
    assert answer.epoch == session.epoch
    listed = {variable.name: variable for variable in answer.variables}
    assert listed["v9"].version == 2
    assert value_of(listed["v9"]) == 4.0
    session.delete("v3")
    session.register("v3")
    assert session.names() == ["v5", "v9", "v1", "v7", "v3"]


@pytest.mark.parametrize("pattern, expected", [
    ("", ["temp_in", "temp_out", "humidity", "a.temp", "temp"]),
    ("*", ["temp_in", "temp_out", "humidity", "a.temp", "temp"]),
    ("temp_*", ["temp_in", "temp_out"]),
    ("temp*", ["temp_in", "temp_out", "temp"]),
    ("*temp", ["a.temp", "temp"]),
    ("t*_*t", ["temp_out"]),
    ("a.*", ["a.temp"]),
    ("temp", ["temp"]),
    ("**i*", ["temp_in", "humidity"]),
    ("nothing*", []),
    ("t.mp", []),
    ("TEMP", []),
])
def test_list_by_pattern(session, pattern, expected):
    for name in ("temp_in", "temp_out", "humidity", "a.temp", "temp"):
        session.register(name)
    assert session.names(pattern) == expected


@pytest.mark.parametrize("name", ["", "a*b", "*", "line\nbreak", "nul\x00", "\x7f", "x" * 256])
def test_names_that_cannot_be(session, name):
    with refused(CODE.INVALID_ARGUMENT):
        session.register(name)
    assert session.names() == []


@pytest.mark.parametrize("name", ["x" * 255, "größe", "变量", "a b", "a/b.c-d:e", "👋", "[x]+"])
def test_names_that_can_be(session, name):
    registered = session.register(name, value=1.5)
    assert session.get(name).id == registered.variable_id
    assert session.get(registered.variable_id).name == name
    assert session.names(name) == [name]


def test_an_unknown_type_is_refused(session):
    for kind in ("complex", "", "Float"):
        with refused(CODE.INVALID_ARGUMENT, "type"):
            session.register("v", kind, any=any_json("float", 1.0))


def test_a_registration_needs_a_value(session):
    with refused(CODE.INVALID_ARGUMENT):
        session.stub.RegisterVariable(pb.RegisterVariableRequest(
            session_id=session.id, name="v", type="float"), timeout=CALL_TIMEOUT)


def test_constraints_are_kept_and_answered(session):
    session.register("v", value=1.0, constraints={"min": 0, "max": 2})
    assert json.loads(session.get("v").constraints_json) == {"min": 0, "max": 2}


def test_a_thousand_variables_in_one_session(session):
    calls = [session.stub.RegisterVariable.future(pb.RegisterVariableRequest(
        session_id=session.id, name=f"many_{number:04}", type="integer",
        initial_value=any_json("integer", number)), timeout=CALL_TIMEOUT)
        for number in range(1000)]
    revisions = sorted(call.result().revision for call in calls)
    assert revisions == list(range(1, 1001))
    answer = session.list("many_*")
    assert len(answer.variables) == 1000
    assert [variable.revision for variable in answer.variables] == list(range(1, 1001))
    for variable in answer.variables:
        assert value_of(variable) == int(variable.name[5:])
    assert session.describe().variable_count == 1000


def test_the_epoch_of_every_answer_is_that_of_the_session(stub):
    session = Session(stub)
    answers = [
        session.register("v"), session.read("v"), session.set("v", 1.0), session.get_many("v"),
        session.set_many({"v": any_json("float", 1.0)}), session.list(), session.delete("v"),
        session.describe(), session.heartbeat()]
    assert {answer.epoch for answer in answers} == {session.epoch}
    revisions = [answer.revision for answer in answers]
    assert revisions == [1, 1, 2, 2, 3, 3, 4, 4, 4]
    session.cleanup()


def test_writers_without_a_family_keep_the_variable_in_its_own(session):
    """Clients of the unified generation cannot read `dspex.variables/float`."""
    session.register("v", any=any_json("float", 1, SNAKEPIT))
    session.set("v", any=packed(wrappers_pb2.DoubleValue(value=2)))
    assert session.get("v").value.type_url == SNAKEPIT + "float"
    session.result("scale_variable", variable="v", factor=2)
    assert session.get("v").value.type_url == SNAKEPIT + "float"
    assert value_of(session.get("v")) == 4
    # The first writer decides for those who say nothing, the last for the variable.
    session.register("w", any=packed(wrappers_pb2.DoubleValue(value=2)))
    assert session.get("w").value.type_url == SNAKEPIT + "float"
    session.set("w", 3.0)
    assert session.get("w").value.type_url == DSPEX + "float"


def test_a_refused_registration_leaves_no_session(stub):
    for spoiled in [dict(kind="bogus"), dict(value="x"), dict(constraints="{"), dict(access=[])]:
        session = Session(stub, create=False)
        with refused(CODE.INVALID_ARGUMENT):
            session.register("v", **spoiled)
        with refused(CODE.NOT_FOUND):
            session.describe()


def test_an_id_means_one_variable(session):
    number = int(session.register("a").variable_id.rsplit("_", 1)[1])
    with refused(CODE.ALREADY_EXISTS, f"var_a_{number}"):
        session.register(f"var_a_{number}")
    session.register(f"var_b_{number + 2}", value=1.0)
    assert session.register("b", value=2.0).variable_id == f"var_b_{number + 3}"
    assert session.get(f"var_b_{number + 2}").name == f"var_b_{number + 2}"


def test_names_that_unicode_takes_for_the_same(session):
    session.register("caf\u00e9", value=1.0)
    with refused(CODE.ALREADY_EXISTS):
        session.register("cafe\u0301")
    session.set("cafe\u0301", 2.0)
    updates = {"caf\u00e9": any_json("float", 3), "cafe\u0301": any_json("float", 4)}
    for atomic in [False, True]:
        with refused(CODE.INVALID_ARGUMENT, "twice"):
            session.set_many(updates, atomic=atomic)
    assert value_of(session.get("caf\u00e9")) == 2


def test_maps_of_metadata_lose_no_entry(session, stub):
    session.register("v", value=1.0, metadata=ODD_KEYS)
    session.register("w", value=1.0)
    session.set("w", 2.0, metadata=ODD_KEYS)
    session.set_many({"w": any_json("float", 3.0)}, metadata=ODD_KEYS)
    rolled = session.stub.RollbackVariable(pb.RollbackVariableRequest(
        session_id=session.id, variable_identifier="w", target_version=1, metadata=ODD_KEYS),
        timeout=CALL_TIMEOUT).variable
    assert dict(rolled.metadata) == ODD_KEYS | {"rollback_to": "1"}
    many = session.get_many("v", "w").variables
    for name, expected in [("v", ODD_KEYS), ("w", ODD_KEYS | {"rollback_to": "1"})]:
        listed = [variable for variable in session.list().variables if variable.name == name]
        for variable in [session.get(name), many[name], *listed]:
            assert dict(variable.metadata) == expected
    session.start_optimization("v", "me")
    stopped = session.stop_optimization("v")
    assert dict(stopped.variable.metadata) == ODD_KEYS
    assert [dict(entry.metadata) for entry in session.history("w")] == [
        ODD_KEYS | {"rollback_to": "1"}, ODD_KEYS, ODD_KEYS, {}]
    watch = session.watch("v", initial=True)
    assert dict(watch.next().variable.metadata) == ODD_KEYS
    watch.cancel()

    other = Session(stub, create=False)
    stub.InitializeSession(pb.InitializeSessionRequest(
        session_id=other.id, metadata=ODD_KEYS), timeout=CALL_TIMEOUT)
    assert dict(other.describe().metadata) == ODD_KEYS


def test_each_identifier_that_was_asked_for_is_answered(session):
    identifier = session.register("caf\u00e9", value=1.0).variable_id
    names = ["caf\u00e9", "cafe\u0301", identifier, "caf\u00e9"]
    answer = session.get_many(*names, "none", "none")
    assert {key: variable.name for key, variable in answer.variables.items()} == {
        name: "caf\u00e9" for name in names}
    assert list(answer.missing_variables) == ["none", "none"]


@pytest.mark.parametrize("field", ["binary_updates", "expected_versions"])
def test_no_entry_of_a_batch_is_ambiguous(session, field):
    session.register("caf\u00e9", value=1.0)
    value = b"x" if field == "binary_updates" else 1
    request = pb.BatchSetVariablesRequest(
        session_id=session.id, updates={"caf\u00e9": any_json("float", 2.0)},
        **{field: {"caf\u00e9": value, "cafe\u0301": value}})
    with refused(CODE.INVALID_ARGUMENT, "twice"):
        session.stub.SetVariables(request, timeout=CALL_TIMEOUT)
    assert value_of(session.get("caf\u00e9")) == 1


def test_session_ids_that_unicode_takes_for_the_same(stub):
    for number in range(8):
        Session(stub, unique("caf") + f"{number}\u00e9")
        name = unique("caf")
        Session(stub, name + "\u00e9")
        with refused(CODE.ALREADY_EXISTS):
            Session(stub, name + "e\u0301")


def test_accept_binary_may_say_no(session):
    session.register("e", "embedding", [0.5] * 3000)
    for text, binary in [("raw", True), ("true", True), ("false", False), ("No", False), ("0", False)]:
        answer = session.get("e", metadata=[("accept-binary", text)])
        assert bool(answer.binary_value) == binary, text


def test_an_enum_of_strings_is_enforced(session):
    session.register("colour", "string", "red", constraints={"enum": ["red", "green"]})
    session.set("colour", "green")
    with refused(CODE.INVALID_ARGUMENT, "must be one of: red, green"):
        session.set("colour", "blue")
    with refused(CODE.INVALID_ARGUMENT, "enum"):
        session.register("other", "string", "red", constraints={"enum": "red"})
