"""JSON that the host writes for others, held to what these others publish."""

import json
import os
import shutil

import jsonschema
import mcp_types.methods
import pytest

import bridge
from bridge import run_host
from stubs import REPOSITORY

VALIDATOR = jsonschema.Draft202012Validator


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """Those of the examples, and of a plugin that declares all that can be declared."""
    directory = tmp_path_factory.mktemp("plugins", numbered=False)
    directory.chmod(0o755)
    library = shutil.copy(bridge.HOST.parent / "libSDKTools.so", directory)
    os.chmod(library, 0o755)
    listed = []
    for directory in [bridge.PLUGINS, directory]:
        run = run_host("tools", "--plugins", directory, "--json")
        assert run.returncode == 0, run.stderr
        listed += map(json.loads, run.stdout.splitlines())
    assert len(listed) > 10
    return listed


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
def test_tools_are_as_mcp_lists_them(tools, version):
    mcp_types.methods.validate_server_result("tools/list", version, {"tools": tools})
    # The check is one: what is no tool does not pass it.
    for change in [{"name": 1}, {"inputSchema": {"type": "array"}}, {"annotations": {"readOnlyHint": "x"}},
                   {"outputSchema": {"type": "string"}}]:
        with pytest.raises(ValueError):
            mcp_types.methods.validate_server_result(
                "tools/list", version, {"tools": [{**tools[0], **change}]})


def test_tools_have_no_other_keys_than_mcp_knows(tools):
    known = {"name", "title", "description", "inputSchema", "outputSchema", "annotations", "_meta"}
    hints = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    for tool in tools:
        assert set(tool) <= known
        assert set(tool["annotations"]) == hints
    assert any("title" in tool for tool in tools)
    assert any("outputSchema" in tool for tool in tools)


def test_schemas_of_tools_are_schemas(tools):
    for tool in tools:
        for key in ["inputSchema", "outputSchema"]:
            if key in tool:
                VALIDATOR.check_schema(tool[key])
                # Of the first version of the protocol's schema on, members are schemas that are objects.
                assert all(isinstance(part, dict) for part in tool[key].get("properties", {}).values())


def test_schemas_say_what_the_host_takes(tools, session):
    """What the schema refuses, the host refuses, and the other way round."""
    by_name = {tool["name"]: tool for tool in tools}
    for name, parameters in [
            ("echo", {"text": "x"}), ("echo", {"text": 1}), ("echo", {}), ("echo", {"text": "x", "y": 1}),
            ("arithmetic", {"a": 1, "b": 2.5}), ("arithmetic", {"a": 1, "b": 2, "operation": "add"}),
            ("arithmetic", {"a": 1}), ("arithmetic", {"a": 1, "b": "2x"}),
            ("arithmetic", {"a": 1, "b": 2, "operation": "guess"}), ("word_count", {"text": ""}),
            ("libm_pow", {"x": 1, "y": 2}), ("libm_pow", {"x": 1, "y": None})]:
        if name not in by_name:
            pytest.fail(f"there is no {name}")
        is_valid = VALIDATOR(by_name[name]["inputSchema"]).is_valid(parameters)
        try:
            is_taken = session.call(name, **parameters).success
        except bridge.grpc.RpcError as error:
            assert error.code() == bridge.CODE.INVALID_ARGUMENT, error
            is_taken = False
        assert is_taken == is_valid, (name, parameters)


def test_the_schema_of_settings_is_a_schema():
    text = (REPOSITORY / "docs/schemas/plugin-settings.schema.json").read_text()
    schema = json.loads(text)
    VALIDATOR.check_schema(schema)
    validator = VALIDATOR(schema)
    assert validator.is_valid({"isolation": "child", "profile": "no-network", "sha256": "0" * 64})
    for wrong in [{"isolation": "x"}, {"limits": {"memory": 1}}, {"sha256": "0" * 63}, [],
                  {"profile": ["none", "default"]}, {"configuration": {"a": {"from_env": 1}}}]:
        assert not validator.is_valid(wrong), wrong
