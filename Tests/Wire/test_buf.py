"""`buf curl` as a client: neither its HTTP/2 nor its protobuf is that of grpcio.

buf prints an Any only when it knows the message behind the type URL, and values of the bridge are
JSON under URLs of their own. Where a test reads a value it therefore uses a copy of the schema in
which a message of the same two fields stands for Any; the bytes on the wire are the same.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from bridge import REPOSITORY, value_of
from stubs import PROTOS


@pytest.fixture(scope="module")
def curl(host, tmp_path_factory):
    beside = pathlib.Path(sys.executable).parent / "buf"
    buf = str(beside) if beside.exists() else shutil.which("buf")
    if buf is None:
        pytest.fail("buf is missing: install requirements.txt")
    cache = tmp_path_factory.mktemp("buf-cache")

    def run(method, request, *options, schema=PROTOS):
        return subprocess.run(
            [buf, "curl", "--schema", str(schema), "--protocol", "grpc",
             "--http2-prior-knowledge", *options, "-d", json.dumps(request),
             f"http://{host.target}/snakepit.bridge.BridgeService/{method}"],
            cwd=REPOSITORY, env={**os.environ, "BUF_CACHE_DIR": str(cache)}, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return run


@pytest.fixture(scope="module")
def open_schema(tmp_path_factory):
    """The schema with a plain message in the place of Any."""
    target = tmp_path_factory.mktemp("schema")
    shutil.copytree(PROTOS, target, dirs_exist_ok=True)
    path = target / "snakepit" / "bridge" / "bridge.proto"
    text = path.read_text()
    assert "google.protobuf.Any" in text
    text = text.replace('import "google/protobuf/any.proto";\n', "")
    text = text.replace("google.protobuf.Any", "OpenAny")
    path.write_text(text + "\nmessage OpenAny {\n  string type_url = 1;\n  bytes value = 2;\n}\n")
    return target


def answer(run):
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def encoded(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


def test_ping(curl):
    assert answer(curl("Ping", {"message": "from buf"}))["message"] == "pong: from buf"


def test_ping_with_an_empty_request(curl):
    assert answer(curl("Ping", {}))["message"] == "pong: "


def test_a_variable_is_registered_and_read(curl, open_schema, session):
    registered = answer(curl("RegisterVariable", {
        "session_id": session.id, "name": "v", "type": "float",
        "initial_value": {"type_url": "dspex.variables/float", "value": encoded(1.5)},
        "constraints_json": '{"min": 0}', "metadata": {"unit": "K"}}, schema=open_schema))
    assert registered["success"]
    read = answer(curl("GetVariable", {
        "session_id": session.id, "variable_identifier": registered["variableId"]},
        schema=open_schema))
    variable = read["variable"]
    assert variable["id"] == registered["variableId"]
    assert variable["name"] == "v"
    assert variable["version"] == 1
    assert variable["metadata"]["unit"] == "K"
    assert variable["value"]["typeUrl"] == "dspex.variables/float"
    assert float(base64.b64decode(variable["value"]["value"])) == 1.5
    assert read["epoch"] == session.epoch
    assert read["revision"] == "1"


def test_a_packed_wrapper_from_buf(curl, session):
    """buf packs the wrapper itself; the answer's Any is one that it cannot print."""
    run = curl("RegisterVariable", {
        "session_id": session.id, "name": "v", "type": "float", "initial_value": {
            "@type": "type.googleapis.com/google.protobuf.DoubleValue", "value": 2.5}}, "-v")
    assert "Grpc-Status: 0" in run.stderr, run.stderr
    assert value_of(session.get("v")) == 2.5


def test_a_tool_is_run(curl, open_schema, session):
    result = answer(curl("ExecuteTool", {
        "session_id": session.id, "tool_name": "echo", "parameters": {
            "text": {"type_url": "dspex.variables/string", "value": encoded("hi")}}},
        schema=open_schema))
    assert result["success"]
    assert base64.b64decode(result["result"]["value"]) == b'"hi"'


def test_a_failure_has_its_code_and_message(curl, session):
    run = curl("GetVariable", {"session_id": session.id, "variable_identifier": "nothing"})
    assert run.returncode != 0
    failure = json.loads(run.stderr[run.stderr.index("{"):])
    assert failure["code"] == "not_found"
    assert "nothing" in failure["message"]
