"""Listing, exporting and importing sessions with the commands of bridge-host."""

import json
import subprocess
import threading

import grpc
import pytest

from bridge import (CALL_TIMEOUT, CODE, HOST, ODD_KEYS, REPOSITORY, Session, any_binary, any_json,
                    eventually, numbers_of, raw_bytes, refused, unique, value_of)
from stubs import admin_pb, admin_rpc, tools_pb, tools_rpc


def command(host, *arguments, stdin=b""):
    return subprocess.run(
        [str(HOST), *arguments, "--address", host.target], cwd=REPOSITORY, input=stdin,
        capture_output=True, timeout=60)


@pytest.fixture
def full(session):
    """A session with a bit of everything."""
    session.register("f", value=1.0, constraints={"max": 9}, metadata={"unit": "K"})
    session.set("f", 2.0, metadata={"source": "python"})
    session.register("nan", value="NaN")
    session.register("s", "string", "ä\"\n\u0000")
    session.register("t", "tensor", any=any_binary("tensor", [2, 2]), binary=raw_bytes([1, 2, 3, 4]))
    session.register("r", value=1.0, access={"read_only": True})
    session.register("b", "string", "beside", binary=b"\x00\xff")
    session.depend("f", "s", "data")
    session.set("f", 3.0)
    session.set("f", 4.0, metadata=ODD_KEYS)
    session.register("gone")
    session.delete("gone")
    return session


def test_a_session_goes_out_and_comes_back(host, full):
    exported = command(host, "export-session", "--session", full.id)
    assert exported.returncode == 0, exported.stderr
    document = json.loads(exported.stdout)
    assert document["id"] == full.id and document["revision"] == full.revision()
    copy = unique("copy")
    imported = command(host, "import-session", "--as", copy, stdin=exported.stdout)
    assert imported.returncode == 0, imported.stderr
    again = Session(full.stub, copy, create=False)
    assert again.list().variables == full.list().variables
    assert list(again.history("f")) == list(full.history("f"))
    assert again.revision() == full.revision()
    assert again.describe().epoch != full.describe().epoch
    # It is a session like others: ids of deleted variables do not come back.
    assert again.register("gone").variable_id != "var_gone_7"
    again.set("f", 4.0)
    assert again.get("s").stale_since_revision > 0
    second = command(host, "export-session", "--session", full.id)
    assert json.loads(second.stdout) == document


def test_what_is_no_session(host, full):
    exported = command(host, "export-session", "--session", full.id).stdout
    taken = command(host, "import-session", stdin=exported)
    assert taken.returncode == 1 and b"ALREADY_EXISTS" in taken.stderr
    document = json.loads(exported)
    spoiled = [b"", b"{", b"[]", b'{"format": "else"}', exported[:-20]]
    for change in [
            lambda d: d.update(format_version=2), lambda d: d.pop("variables"),
            lambda d: d["variables"][0].update(type="quaternion"),
            lambda d: d["variables"][0]["versions"][-1].update(value="x"),
            lambda d: d["variables"][0]["versions"][-1].update(revision=10**6),
            lambda d: d["variables"][0].update(constraints='{"max": -1}'),
            lambda d: d["variables"][1].update(ordinal=1),
            lambda d: d.update(revision=2**63 - 1),
            lambda d: d.update(created_at=-1),
            lambda d: d["variables"][0].update(stale_since=-5),
            lambda d: d["variables"][0].update(stale_since=2**63 - 1),
            lambda d: d["variables"][0].update(name="a*"),
            lambda d: d["variables"][0]["versions"][-1].update(form=99),
            lambda d: d["variables"][0]["versions"][-1].update(form=-5),
            lambda d: d["variables"][0]["versions"][-1].update(updated_at=-5),
            lambda d: d["variables"][3]["versions"][0].update(elements="AAAA"),
            lambda d: d["dependencies"].append({"source": "s", "dependent": "f", "type": ""}),
            lambda d: d["dependencies"].append({"source": "x", "dependent": "f", "type": ""})]:
        copy = json.loads(exported)
        change(copy)
        spoiled.append(json.dumps(copy).encode())
    for text in spoiled:
        name = unique("spoiled")
        result = command(host, "import-session", "--as", name, stdin=text)
        assert result.returncode == 1, text[:200]
        assert result.stderr.count(b"\n") == 1
        with refused(CODE.NOT_FOUND):
            Session(full.stub, name, create=False).describe()
    assert document["format"] == "bridge-host session"


def test_a_large_session(host, session):
    for number in range(20):
        session.register(f"v{number}", "string", str(number) * 200_000)
    exported = command(host, "export-session", "--session", session.id)
    assert exported.returncode == 0 and len(exported.stdout) > 4_000_000
    name = unique("large")
    assert command(host, "import-session", "--as", name, stdin=exported.stdout).returncode == 0
    copy = Session(session.stub, name, create=False)
    assert [value_of(v) for v in copy.list().variables] == [str(n) * 200_000 for n in range(20)]


def test_listing(host, session):
    session.register("v")
    lines = command(host, "sessions", session.id[:-1] + "*", "--json").stdout.splitlines()
    assert [json.loads(line)["session"] for line in lines] == [session.id]
    assert json.loads(lines[0])["variables"] == 1
    assert session.id.encode() in command(host, "sessions").stdout
    missing = command(host, "export-session", "--session", "nothing")
    assert missing.returncode == 1 and b"NOT_FOUND" in missing.stderr


def test_counters_at_their_end(host, session):
    """No counter wraps, however high an imported session begins."""
    session.register("v")
    document = json.loads(command(host, "export-session", "--session", session.id).stdout)
    document["variables"][0]["versions"][0]["version"] = 2**31 - 1
    name = unique("last")
    text = json.dumps(document).encode()
    assert command(host, "import-session", "--as", name, stdin=text).returncode == 0
    last = Session(session.stub, name, create=False)
    with refused(CODE.RESOURCE_EXHAUSTED, "2147483647"):
        last.set("v", 1.0)
    with refused(CODE.RESOURCE_EXHAUSTED, "2147483647"):
        last.set_many({"v": any_json("float", 1)}, atomic=True)
    assert last.get("v").version == 2**31 - 1
    last.delete("v")
    last.register("v")
    last.set("v", 1.0)


def open_exports(host, session, count):
    """Exports that nobody reads, each on a connection of its own with the smallest windows."""
    options = [("grpc.http2.lookahead_bytes", 0), ("grpc.http2.bdp_probe", 0)]
    calls = []
    for _ in range(count):
        stub = admin_rpc.SessionAdminServiceStub(host.channel(options=options))
        calls.append(stub.ExportSession(
            admin_pb.ExportSessionRequest(session_id=session.id), timeout=60))
    return calls


def test_few_exports_run_at_once(host, session):
    """What is read slowly holds its place; the next one is told of the limit."""
    session.register("v", "string", "x" * 8_000_000)
    calls = open_exports(host, session, 8)
    # The first message is here, so they run.
    for call in calls:
        next(call)
    with refused(CODE.RESOURCE_EXHAUSTED, "8 exports"):
        next(open_exports(host, session, 1)[0])
    calls.pop().cancel()
    # The place is free once the host has heard of it.
    def is_free():
        try:
            return next(open_exports(host, session, 1)[0])
        except grpc.RpcError as error:
            assert error.code() == CODE.RESOURCE_EXHAUSTED
            return None

    eventually(is_free, "room for another export")
    for call in calls:
        call.cancel()


def test_few_imports_run_at_once(host):
    ends = [threading.Event() for _ in range(5)]
    stub = admin_rpc.SessionAdminServiceStub(host.channel())

    def pieces(end):
        yield admin_pb.ImportSessionRequest(data=b'{"format": ')
        end.wait(30)

    calls = [stub.ImportSession.future(pieces(end), timeout=60) for end in ends]
    # One of them is one too many, and the others wait for the rest of their text.
    over = lambda: [call for call in calls if call.done()]
    eventually(over, "the end of one import")
    assert [(call.exception().code(), "4 imports" in call.exception().details())
            for call in over()] == [(CODE.RESOURCE_EXHAUSTED, True)]
    for call, end in zip(calls, ends):
        call.cancel()
        end.set()


def test_tools_are_listed_without_a_session(host):
    stub = tools_rpc.ToolAdminServiceStub(host.channel())
    every = stub.ListTools(tools_pb.ListToolsRequest(), timeout=CALL_TIMEOUT).tools
    names = [tool.name for tool in every]
    assert names == sorted(names) and {"echo", "countdown", "c_hello"} <= set(names)
    some = stub.ListTools(
        tools_pb.ListToolsRequest(names=["echo", "nothing"]), timeout=CALL_TIMEOUT).tools
    assert [tool.name for tool in some] == ["echo"]
    assert some[0] == next(tool for tool in every if tool.name == "echo")
    assert some[0].parameters[0].type == "string" and not some[0].supports_streaming
