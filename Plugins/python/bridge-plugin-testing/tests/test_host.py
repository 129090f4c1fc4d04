"""The package against the example plugins; BRIDGE_TEST_PLUGINS is the directory of the build."""

import os
import pathlib
import threading

import hypothesis
import jsonschema
import numpy
import pytest
from hypothesis import strategies

from bridge_plugin_testing import Fault, Host, TestHostError, ToolError, Violation
from bridge_plugin_testing.strategies import arguments, values

BUILD = pathlib.Path(os.environ["BRIDGE_TEST_PLUGINS"])
EXAMPLE = BUILD / "libExampleTools.so"
EXAMPLE_C = BUILD / "libExampleToolsC.so"
SDK = BUILD / "libSDKTools.so"


@pytest.mark.plugin(EXAMPLE)
def test_a_call_and_its_trace(plugin_host):
    plugin_host.define("temperature", 21.5)
    record = plugin_host.call("scale_variable", variable="temperature", factor=2)
    assert record.result == 43.0 and record.error is None and record.violations == []
    assert plugin_host["temperature"] == 43.0
    assert plugin_host.variable("temperature").writer == "tool:scale_variable"
    written = record.uses("variables.set")
    assert [entry.status for entry in written] == ["OK"]
    assert written[0].arguments[1:] == (("value", 43.0), ("expected_version", 1))
    assert 0 < written[0].begin < record.seconds and not written[0].injected


@pytest.mark.plugin(EXAMPLE)
def test_failures_are_raised_when_the_result_is_asked_for(plugin_host):
    record = plugin_host.call("scale_variable", variable="nothing", factor=2)
    assert record.error.status == "NOT_FOUND" and "nothing" in record.error.message
    with pytest.raises(ToolError, match="NOT_FOUND"):
        record.result
    with pytest.raises(TestHostError) as raised:
        plugin_host.call("echo", texts="x")
    assert raised.value.kind == "calling"
    with pytest.raises(TestHostError):
        plugin_host["nothing"]
    with pytest.raises(TestHostError):
        plugin_host.define("x", {"a": 1})


@pytest.mark.plugin(EXAMPLE, clock="sleeping")
def test_hours_pass_in_no_time(plugin_host):
    record = plugin_host.call("countdown", {"from": 61, "interval_ms": 60_000})
    assert record.chunks == list(range(61, 0, -1)) and plugin_host.advance(0) == 3600
    assert record.progress[-1] == (1.0, "0 to go")
    late = plugin_host.call(
        "countdown", {"from": 61, "interval_ms": 60_000}, options={"deadline": 90})
    assert late.error.status == "DEADLINE_EXCEEDED" and late.chunks == [61, 60]


@pytest.mark.plugin(EXAMPLE, clock="manual")
def test_a_clock_that_the_test_moves(plugin_host):
    call = plugin_host.start("countdown", {"from": 2, "interval_ms": 1000})
    plugin_host.wait_for_sleepers()
    assert call.chunks == [2] and not call.has_ended
    plugin_host.advance(1)
    assert call.wait().result == 2


@pytest.mark.plugin(EXAMPLE)
def test_a_test_writes_while_a_tool_watches(plugin_host):
    call = plugin_host.start("wait_for_variable", {"variable": "level", "target": 3.0})
    while plugin_host.watches() == 0:
        pass
    plugin_host.define("level", 1.0)
    plugin_host["level"] = 7.0
    assert call.wait().result == 7.0
    cancelled = plugin_host.start("wait_for_variable", {"variable": "level", "target": 9.0})
    cancelled.cancel()
    assert cancelled.wait().error.status == "CANCELLED"


@pytest.mark.plugin(EXAMPLE)
def test_what_goes_wrong(plugin_host):
    plugin_host.define("v", 1.0)
    again = plugin_host.call("scale_variable", variable="v", factor=2, options={
        "faults": [Fault.fail("variables.set", status="ABORTED")]})
    assert again.result == 2.0
    assert [(use.status, use.injected) for use in again.uses("variables.set")] == [
        ("ABORTED", True), ("OK", False)]
    full = plugin_host.call("countdown", {"from": 3}, options={"faults": [Fault.full(2)]})
    assert full.chunks == [3, 2, 1] and len(full.uses("call.wait_for_room")) == 1
    for fault, status in [(Fault.cancel(host_call=2), "CANCELLED"), (Fault.cancel(), "CANCELLED"),
                          (Fault.deadline(host_call=2), "DEADLINE_EXCEEDED")]:
        record = plugin_host.call(
            "countdown", {"from": 9, "interval_ms": 60_000}, options={"faults": [fault]})
        assert record.error.status == status
    record = plugin_host.call("countdown", {"from": 9, "interval_ms": 60_000},
                              options={"faults": [Fault.cancel(after=0.01)]})
    assert record.error.status == "CANCELLED"


@pytest.mark.plugin(EXAMPLE_C)
@pytest.mark.parametrize("a, b", [([1, 2, 3], [4, 5, 6]), (numpy.arange(3.0), numpy.ones(3))])
def test_lists_and_arrays(plugin_host, a, b):
    assert plugin_host.call("c_dot", a=a, b=b).result == float(numpy.dot(a, b))


def test_values_of_every_type():
    with Host() as host:
        host.define("t", numpy.arange(6.0).reshape(2, 3))
        assert host["t"] == {"shape": [2, 3], "data": [0, 1, 2, 3, 4, 5]}
        host.define("n", float("nan"))
        assert host["n"] == "NaN"
        for name, value in [("b", True), ("i", 2**60), ("s", "ü"), ("e", [1.5, 2.5])]:
            host.define(name, value)
            assert host[name] == value
        assert host.variable("b").type == "boolean" and host.variable("i").type == "integer"
        host.remove("b")
        assert "b" not in host.variables()


def test_sessions_and_stubs():
    with Host() as host:
        host.load(EXAMPLE)
        host.define("v", 1.0, session="other")
        record = host.call("scale_variable", variable="v", factor=3, options={"session": "other"})
        assert record.result == 3.0 and host.variables() == {}
        assert host.variables(session="other") == {"v": 3.0}
        host.end_session("other")
        assert host.variables(session="other") == {}
        host.stub("other", {"a": 1})
        assert host.call("other").result == {"a": 1}
        host.stub("broken", error={"status": "ABORTED", "message": "no"})
        assert host.call("broken").error.status == "ABORTED"
        assert host.unload(EXAMPLE) and not host.unload(EXAMPLE)


def test_a_host_is_closed_once():
    host = Host()
    host.close()
    host.close()
    with pytest.raises(TestHostError):
        host.variables()
    with pytest.raises(TestHostError):
        Host(clock="broken")


def test_hosts_of_many_threads():
    def run():
        with Host() as host:
            host.load(EXAMPLE)
            for number in range(50):
                assert host.call("echo", text=str(number)).result == str(number)
            done.append(True)

    done = []
    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 8


@hypothesis.settings(
    deadline=None, max_examples=50,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(data=strategies.data())
@pytest.mark.plugin(EXAMPLE)
def test_arguments_are_made_from_the_schema(plugin_host, data):
    tools = plugin_host.tools
    sent = data.draw(arguments(tools["echo"]))
    assert plugin_host.call("echo", sent).result == sent["text"]
    sent = data.draw(arguments(tools["arithmetic"], a=strategies.integers(1, 9),
                               b=strategies.integers(1, 9)))
    assert plugin_host.call("arithmetic", sent).error is None


SCHEMAS = [
    True, {}, {"type": "null"}, {"const": [1]}, {"enum": [1, "a", None]},
    {"type": "integer", "minimum": 3, "exclusiveMaximum": 9, "multipleOf": 3},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    {"type": "number", "multipleOf": 2, "minimum": 1},
    {"type": "string", "minLength": 2, "maxLength": 3},
    {"type": "string", "pattern": "^[a-c]+$", "maxLength": 4},
    {"type": ["string", "boolean"]}, {"anyOf": [{"type": "null"}, {"type": "integer"}]},
    {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3,
     "uniqueItems": True},
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": True}, "required": ["a", "c"],
     "maxProperties": 2},
    {"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 1},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_values_are_as_the_schema_says(schema):
    validator = jsonschema.Draft202012Validator(schema)

    @hypothesis.settings(deadline=None, max_examples=50)
    @hypothesis.given(values(schema))
    def check(value):
        validator.validate(value)

    check()


def test_what_no_value_is_made_for_is_said():
    with pytest.raises(ValueError, match="patternProperties"):
        values({"patternProperties": {}})
    with pytest.raises(hypothesis.errors.Unsatisfiable):
        hypothesis.find(values(False), lambda _: True)


def test_violations_have_a_form():
    assert Violation("stale_handle", "call.check", "x").rule == "stale_handle"
