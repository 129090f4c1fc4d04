"""The wrapper in C++ and the crate in Rust: two plugins that use all of them, with the same tools."""

import json
import os
import shutil
import subprocess

import pytest

from bridge import HOST, REPOSITORY

CRATE = REPOSITORY / "Plugins/rust/bridge-plugin"
INCLUDES = [f"-I{REPOSITORY}/Sources/BridgePluginABI/include", f"-I{REPOSITORY}/Plugins/cpp/include"]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


def cargo(*arguments, target):
    if shutil.which("cargo") is None:
        assert "rust" not in os.environ.get("BRIDGE_TOOLCHAINS", "").split(), "there is no cargo"
        pytest.skip("there is no cargo on this machine")
    done = subprocess.run(
        ["cargo", *arguments, "--offline"], cwd=CRATE, env={**os.environ, "CARGO_TARGET_DIR": str(target)},
        capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return tmp_path_factory.mktemp("cargo")


@pytest.fixture(scope="module", params=["cpp", "rust"])
def library(request, tmp_path_factory):
    if request.param == "rust":
        target = request.getfixturevalue("target")
        cargo("build", "--example", "wrappers", target=target)
        return target / "debug/examples/libwrappers.so"
    path = tmp_path_factory.mktemp("wrappers") / "wrappers.so"
    subprocess.run(
        ["g++", "-std=c++17", *WARNINGS, "-shared", "-fPIC", "-fvisibility=hidden", *INCLUDES, "-o", path,
         REPOSITORY / "Tests/Wire/wrappers.cpp"], check=True)
    return path


def call(library, tool, *arguments):
    """What `bridge-host call` tells of a call in which no rule of the ABI was broken."""
    done = subprocess.run(
        [HOST, "call", library, tool, *arguments, "--json"], capture_output=True, text=True, timeout=60)
    told = json.loads(done.stdout)
    assert told["violations"] == []
    return told


def test_the_header_compiles_without_warnings_as_newer_cpp(tmp_path):
    subprocess.run(
        ["g++", "-std=c++20", *WARNINGS, "-fsyntax-only", *INCLUDES, REPOSITORY / "Tests/Wire/wrappers.cpp"],
        check=True)


def test_the_crate_has_the_layout_of_the_header(target):
    cargo("test", target=target)


def test_failures(library):
    assert call(library, "known")["error"] == {
        "status": "OUT_OF_RANGE", "code": 11, "message": "too far", "type": "far", "retryable": True,
        "details": {"by": 3}}
    unexpected = call(library, "other")["error"]
    assert unexpected["status"] == "INTERNAL" and "not thought of" in unexpected["message"]


KINDS = ["text=a", "number=2", "json=[1]", "vector=[1,2]"]


def test_parameters_and_results_of_every_type(library):
    assert call(library, "nothing")["result"] is None
    assert call(library, "kinds", *KINDS)["result"] == "a yes 7 2 [1] 3 without a note"
    given = call(library, "kinds", *KINDS, "flag=false", "integer=-3", "note=noted")
    assert given["result"] == "a no -3 2 [1] 3 noted"
    tensor = call(library, "twice", 'tensor={"shape": [2, 1], "data": [1, 2]}')
    assert tensor["result"] == {"shape": [2, 1], "data": [2, 4]}
    assert call(library, "read_embedding", "--var", "vector:embedding=[1,2]")["result"] == [1, 2]


def test_variables(library):
    told = call(library, "variables")
    assert told["result"].startswith("2 10 3") and told["result"].endswith("made.a made.b gone")
    assert [(each["name"], each["value"]) for each in told["variables"]] == [("made.a", 2.5)]


def test_watches(library):
    told = call(library, "watches", "--var", "x:float=1")
    assert told["result"] == "2 3 "
    assert any("dropped" in line for line in told["log"])


def test_other_tools_and_state(library):
    assert call(library, "calls")["result"] == (
        "1 2 3 called yes 7 1 [1] 3 without a note, too far far again")


def test_the_end_of_a_call_is_told(library):
    cancelled = call(library, "ends", "--cancel-after", "20ms")
    assert cancelled["error"]["status"] == "CANCELLED"
    assert any("told" in line for line in cancelled["log"])
    late = call(library, "ends", "--deadline", "20ms")
    assert late["error"]["status"] == "DEADLINE_EXCEEDED"
    assert any("late" in line for line in late["log"])


def test_what_goes_beside_the_result(library):
    told = call(library, "answers")
    assert told["result"] == "somebody without end"
    assert told["binary"] == b"beside".hex() and told["metadata"] == {"mood": "good"}
    assert any("logged" in line for line in told["log"])


def test_configuration(library):
    doubled = call(library, "kinds", *KINDS, "--configuration", '{"mode": "double"}')
    assert doubled["result"] == "a yes 7 4 [1] 3 without a note"
    refused = subprocess.run(
        [HOST, "call", library, "nothing", "--configuration", '{"mode": "broken"}'],
        capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2 and "such a mode is broken" in refused.stderr


@pytest.mark.parametrize("library", ["rust"], indirect=True)
def test_threads_and_mistakes_in_rust(library):
    assert call(library, "threads", "--var", "x:float=1")["result"] == 5
    assert call(library, "mistakes")["error"]["status"] == "FAILED_PRECONDITION"
