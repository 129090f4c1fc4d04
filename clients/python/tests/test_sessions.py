"""Sessions, variables, batches, transactions, errors."""

import copy
import math
import pickle
import subprocess
import threading

import grpc
import pytest

import bridge_host
from bridge_host import Transaction
from conftest import running, unique


def test_a_session_is_opened_described_and_ended(client):
    id = unique()
    session = client.session(id, new=True, ttl=120, metadata={"team": "blue"})
    assert session.id == id and session.epoch and session.client is client
    info = session.info()
    assert (info.id, info.epoch, info.ttl, info.metadata) == (id, session.epoch, 120, {"team": "blue"})
    assert info.created_at.tzinfo is not None and info.variables == 0
    again = client.session(id)
    assert again.epoch == session.epoch
    with pytest.raises(bridge_host.AlreadyExists) as raised:
        client.session(id, new=True)
    assert raised.value.reason == "ALREADY_EXISTS" and id in raised.value.message
    assert session.heartbeat() and id in client.sessions(id[:-1] + "*")
    session.register("x", "float", 1.0)
    assert session.end() == 1
    assert not session.heartbeat() and id not in client.sessions()
    with pytest.raises(bridge_host.NotFound, match="SESSION_NOT_FOUND"):
        session.info()


def test_ping(client):
    assert client.ping("hello") == "pong: hello"


@pytest.mark.parametrize("type, first, second", [
    ("float", 1.5, -0.0), ("float", 0.1, 5e-324), ("float", math.inf, -math.inf), ("float", 1, 1e308),
    ("integer", 2**63 - 1, -(2**63)), ("string", "", "snow \u2603 \U0001f600 \"\\\n\x00"), ("boolean", True, False),
    ("choice", "a", "b"), ("module", "Predict", "ReAct")])
def test_values_of_every_type(session, type, first, second):
    constraints = {"choices": ["a", "b"]} if type == "choice" else None
    variable = session.register("x", type, first, constraints=constraints)
    assert variable.value == first and variable.type == type and variable.version == 1
    assert variable.constraints == (constraints or {})
    session["x"] = second
    # Also the sign of zero, and True that is not 1.
    assert repr(session["x"]) == repr(float(second) if type == "float" else second)


def test_a_float_that_is_no_number(session):
    session.register("x", "float", math.nan)
    assert math.isnan(session["x"])


def test_names_as_in_a_mapping(session):
    with pytest.raises(KeyError):
        session["missing"]
    session.register("a", "integer", 1)
    session.register("b", "integer", 2)
    assert "a" in session and "c" not in session and list(session) == ["a", "b"]
    del session["a"]
    assert [variable.name for variable in session.list()] == ["b"]
    with pytest.raises(bridge_host.NotFound):
        del session["a"]


def test_registering_a_name_that_is_taken(session):
    first = session.register("x", "float", 1.0, metadata={"unit": "K"})
    assert first.metadata == {"unit": "K", "source": "python"} and first.source == "python"
    with pytest.raises(bridge_host.AlreadyExists):
        session.register("x", "float", 2.0)
    same = session.register("x", "float", 2.0, if_exists="return")
    assert (same.id, same.value) == (first.id, 1.0)
    other = session.register("x", "integer", 3, if_exists="replace")
    assert other.id != first.id and other.value == 3
    with pytest.raises(ValueError, match="if_exists"):
        session.register("x", "float", 2.0, if_exists="maybe")


def test_versions_and_compare_and_set(session):
    session.register("x", "integer", 1)
    assert session.set("x", 2, expected_version=1) == 2
    with pytest.raises(bridge_host.VersionMismatch) as raised:
        session.set("x", 3, expected_version=1)
    error = raised.value
    assert error.code == grpc.StatusCode.ABORTED and error.current_version == 2
    assert error.details["variable"] == "x" and str(error).startswith("VERSION_MISMATCH: ")
    variable = session.get("x")
    assert (variable.value, variable.version) == (2, 2) and session.get(variable.id).name == "x"
    assert variable.revision == session.info().revision and variable.updated_at is not None


def test_update_loses_no_writer(client, session):
    session.register("count", "integer", 0)
    threads = [
        threading.Thread(target=lambda: [session.update("count", lambda value: value + 1) for _ in range(20)])
        for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert session["count"] == 80 and session.get("count").version == 81


def test_update_raises_what_the_function_raises(session):
    session.register("x", "integer", 0)
    with pytest.raises(ZeroDivisionError):
        session.update("x", lambda value: 1 // value)
    assert session.get("x").version == 1


def test_batches(session):
    session.register("a", "integer", 1)
    session.register("b", "string", "x")
    assert session.set_many({"a": 2, "b": "y"}) == {"a": 2, "b": 2}
    read = session.get_many(["a", "b", "c"])
    assert {name: variable.value for name, variable in read.items()} == {"a": 2, "b": "y"}
    assert read["a"].revision == read["b"].revision
    with pytest.raises(bridge_host.BatchError) as raised:
        session.set_many({"a": 3, "b": 4})
    assert set(raised.value.errors) == {"a", "b"} and raised.value.versions == {} and session["a"] == 2
    with pytest.raises(bridge_host.BatchError) as raised:
        session.set_many({"a": 3, "c": 4}, atomic=False)
    assert set(raised.value.errors) == {"c"} and raised.value.versions == {"a": 3} and session["a"] == 3
    with pytest.raises(bridge_host.BatchError, match="expected 1"):
        session.set_many({"a": 5}, expected_versions={"a": 1})


def test_transactions(session):
    session.register("a", "integer", 1)
    session.register("b", "float", 1.0)
    session.register("c", "float", 1.0)
    change = Transaction().check("a", version=1).set("b", 2.5).create("d", "string", "new").delete("c")
    results = session.apply(change)
    assert len(change) == 4 and results[3] is None
    assert [result.value for result in results[:3]] == [1, 2.5, "new"]
    assert "c" not in session and results[1].revision == results[2].revision
    replaced = session.apply(Transaction().replace("d", "integer", 7, version=1, constraints={"max": 9}))[0]
    assert replaced.value == 7 and replaced.constraints == {"max": 9}
    with pytest.raises(bridge_host.VersionMismatch):
        session.apply(Transaction().set("b", 3.0).check("a", version=7))
    assert session["b"] == 2.5
    with pytest.raises(bridge_host.AlreadyExists):
        session.apply(Transaction().create("a", "integer", 1))


def test_lists_and_patterns(session):
    for name in ("in.a", "in.b", "out.a"):
        session.register(name, "float", 0.0)
    assert [variable.name for variable in session.list("in.*")] == ["in.a", "in.b"]


def test_history_and_rollback(session):
    session.register("x", "float", 1.0)
    for number in (2.0, 3.0):
        session.set("x", number, metadata={"source": "test", "step": number})
    entries = session.history("x")
    assert [(entry.version, entry.value) for entry in entries] == [(3, 3.0), (2, 2.0), (1, 1.0)]
    assert entries[0].changed_by == "test" and entries[0].metadata["step"] == "3.0" and entries[0].at is not None
    assert len(session.history("x", 1)) == 1
    back = session.rollback("x", 1, expected_version=3)
    assert (back.value, back.version, back.metadata["rollback_to"]) == (1.0, 4, "1")
    with pytest.raises(bridge_host.VersionMismatch):
        session.rollback("x", 1, expected_version=3)


def test_constraints_access_and_dependencies(session):
    session.register("x", "float", 1.0, constraints={"max": 2})
    with pytest.raises(bridge_host.InvalidArgument, match="INVALID_VALUE") as raised:
        session["x"] = 3.0
    assert isinstance(raised.value, ValueError)
    assert session.set_constraints("x", {"max": 4}) == 2
    assert session.set("x", 5.0, constraints={"max": 6}) == 3 and session.get("x").constraints == {"max": 6}
    assert session.set_constraints("x", {}) == 4 and session.get("x").constraints == {}
    session.register("fixed", "float", 1.0, access={"read_only": True})
    assert session.get("fixed").access == {"read_only": True}
    with pytest.raises(bridge_host.PermissionDenied):
        session["fixed"] = 2.0
    session.register("y", "float", 1.0)
    session.depend("y", on="x", kind="computed")
    session["x"] = 2.0
    assert session.get("y").stale_since == session.get("x").revision and session.get("x").stale_since is None
    with pytest.raises(bridge_host.FailedPrecondition):
        session.depend("x", on="y")


def test_a_session_is_exported_and_imported(client, session):
    session.register("x", "float", 1.0)
    session["x"] = 2.0
    text = session.export()
    other = client.import_session(text, unique("copy"))
    assert other["x"] == 2.0 and other.get("x").version == 2 and other.epoch != session.epoch
    with pytest.raises(bridge_host.AlreadyExists):
        client.import_session(text, other.id)
    other.end()


def test_errors_are_pickled_and_copied(session):
    with pytest.raises(bridge_host.NotFound) as raised:
        session["missing"]
    for error in (pickle.loads(pickle.dumps(raised.value)), copy.deepcopy(raised.value)):
        assert type(error) is bridge_host.NotFound and error.reason == "VARIABLE_NOT_FOUND"
        assert error.details == raised.value.details and str(error) == str(raised.value)


def test_every_status_has_a_class():
    from bridge_host import errors

    for code in grpc.StatusCode:
        if code is not grpc.StatusCode.OK:
            assert errors._BY_CODE[code].code is code


def test_a_host_that_is_not_there(tmp_path):
    with bridge_host.connect(f"unix:{tmp_path}/nothing") as client:
        with pytest.raises(bridge_host.Unavailable) as raised:
            client.ping()
        assert raised.value.reason is None


def test_a_closed_client(host):
    client = bridge_host.connect(host.address)
    session = client.session(unique())
    watch = session.watch()
    client.close()
    for call in (client.ping, session.tools, lambda: session["x"], session.watch, session.export):
        with pytest.raises(bridge_host.Cancelled):
            call()
    assert list(watch) == [] and "closed" in repr(client)


def test_deadlines_of_calls(session):
    with pytest.raises(bridge_host.DeadlineExceeded):
        session.call("wait_for_variable", variable="x", target=1.0, timeout=0.05)
    with bridge_host.connect(session.client._address, timeout=0.05) as hasty:
        with pytest.raises(bridge_host.DeadlineExceeded):
            bridge_host.Session(hasty, session.id).call("wait_for_variable", variable="x", target=1.0)
        call = bridge_host.Session(hasty, session.id).start(
            "wait_for_variable", variable="x", target=1.0, timeout=math.inf)
        with pytest.raises(TimeoutError):
            call.result(0.2)
        session.register("x", "float", 1.0)
        assert call.result(30) == 1.0


def test_tokens(tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("secret\n")
    tokens.chmod(0o600)
    with running("--token-file", tokens) as host:
        with bridge_host.connect(host.address, token="secret") as client:
            session = client.session("s")
            session.register("x", "float", 1.0)
            with session.watch() as watch:
                assert next(watch).value == 1.0
        with bridge_host.connect(host.address, token="wrong") as client:
            with pytest.raises(bridge_host.Unauthenticated):
                client.ping()


def test_tls(tmp_path):
    certificate, key = tmp_path / "host.pem", tmp_path / "host.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=host", "-addext", "subjectAltName=DNS:host.test", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    key.chmod(0o600)
    certificate.chmod(0o600)
    with running("--tls-certificate", certificate, "--tls-key", key, "--tls-client-ca", certificate) as host:
        own = bridge_host.TLS(certificate, certificate, key, server_name="host.test")
        with bridge_host.connect(host.address, tls=own) as client:
            assert client.ping("x") == "pong: x"
        read = bridge_host.TLS(*(path.read_bytes() for path in (certificate, certificate, key)), "host.test")
        with bridge_host.connect(host.address, tls=read) as client:
            assert client.ping("x") == "pong: x"
        assert "PRIVATE" not in repr(read)
        for tls in (False, True, bridge_host.TLS(certificate), grpc.ssl_channel_credentials()):
            with bridge_host.connect(host.address, tls=tls) as client:
                with pytest.raises(bridge_host.Unavailable):
                    client.ping()


def test_handles_are_shared_by_copies(session):
    class Holder:
        pass

    holder = Holder()
    holder.session = session
    assert copy.deepcopy(holder).session is session


def test_notebooks_see_tables_in_which_everything_is_escaped(session):
    session.register("<b>", "string", "<script>alert('x')</script>")
    for shown in (session, session.get("<b>"), session.list()):
        text = shown._repr_html_()
        assert "<table>" in text and "<script>" not in text and "&lt;script&gt;" in text and "<b>" not in text
    assert "<b>: string" in repr(session.get("<b>")) and session.id in repr(session)
    assert "<table>" in session.tools()._repr_html_()
    session.register("big", "string", "x" * (2 << 20))
    assert "&lt;script" not in session._repr_html_() and "bytes" in session._repr_html_()
    session.end()
    assert "SESSION_NOT_FOUND" in session._repr_html_()
