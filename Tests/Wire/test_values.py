"""The eight types, their constraints, and every encoding in which clients send values."""

import json
import math
import os
import pickle
import struct
import zlib

import pytest
from google.protobuf import wrappers_pb2 as wrappers

from bridge import (CALL_TIMEOUT, CODE, DSPEX, GOOGLE, SNAKEPIT, Session, any_binary, any_json,
                    any_text, array_of, flat, numbers_of, packed, raw_bytes, refused, value_of)
from stubs import REPOSITORY, pb

EXAMPLES = {
    "float": 0.5,
    "integer": -7,
    "string": "text",
    "boolean": True,
    "choice": "a",
    "module": "DSPy.ChainOfThought",
    "embedding": [0.25, -1.0, 3.0],
    "tensor": {"shape": [2, 2], "data": [[1.0, 2.0], [3.0, 4.0]]},
}
CONSTRAINTS = {"choice": {"choices": ["a", "b"]}}


def plain(variable):
    """A value in a form that compares: tensors as shape and flat data."""
    value = value_of(variable)
    if variable.type == "tensor":
        return value["shape"], flat(value["data"])
    return value


def expected_plain(kind, value):
    return (value["shape"], flat(value["data"])) if kind == "tensor" else value


# ---------------------------------------------------------------------------------------------
# Types and type URLs


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("prefix", [
    "dspex.variables/", "type.googleapis.com/dspex.variables/",
    "type.googleapis.com/snakepit.", "snakepit."])
def test_every_type_under_its_type_urls(session, kind, prefix):
    value = EXAMPLES[kind]
    session.register("v", kind, any=any_json(kind, value, prefix),
                     constraints=CONSTRAINTS.get(kind))
    variable = session.get("v")
    assert variable.type == kind
    assert plain(variable) == expected_plain(kind, value)
    form = SNAKEPIT if "snakepit" in prefix else DSPEX
    assert variable.value.type_url == form + kind
    assert variable.binary_value == b""


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("url", [
    "type.snakepit.bridge/json", GOOGLE + "StringValue", "google.protobuf.StringValue"])
def test_every_type_as_bare_json(session, kind, url):
    value = EXAMPLES[kind]
    session.register("v", kind, any=any_text(url, json.dumps(value)),
                     constraints=CONSTRAINTS.get(kind))
    assert plain(session.get("v")) == expected_plain(kind, value)


def test_the_answer_has_the_form_of_the_last_writer(session):
    session.register("v", value=1.0)
    assert session.get("v").value.type_url == DSPEX + "float"
    session.set("v", any=any_json("float", 2.0, SNAKEPIT))
    assert session.get("v").value.type_url == SNAKEPIT + "float"
    assert session.list().variables[0].value.type_url == SNAKEPIT + "float"
    session.set("v", any=any_json("float", 3.0))
    assert session.get("v").value.type_url == DSPEX + "float"


@pytest.mark.parametrize("kind, message, value", [
    ("float", wrappers.DoubleValue(value=1.5), 1.5),
    ("float", wrappers.DoubleValue(value=0.0), 0.0),
    ("float", wrappers.FloatValue(value=0.25), 0.25),
    ("integer", wrappers.Int32Value(value=-3), -3),
    ("integer", wrappers.Int64Value(value=2**53 + 1), 2**53 + 1),
    ("integer", wrappers.Int64Value(value=-(2**63)), -(2**63)),
    ("integer", wrappers.Int64Value(value=0), 0),
    ("integer", wrappers.UInt32Value(value=2**32 - 1), 2**32 - 1),
    ("integer", wrappers.UInt64Value(value=2**63 - 1), 2**63 - 1),
    ("float", wrappers.Int64Value(value=4), 4.0),
    ("boolean", wrappers.BoolValue(value=True), True),
    ("boolean", wrappers.BoolValue(value=False), False),
    ("string", wrappers.StringValue(value="grüße"), "grüße"),
    ("string", wrappers.StringValue(value=""), ""),
    ("string", wrappers.StringValue(value="x" * 1000), "x" * 1000),
    ("choice", wrappers.StringValue(value="b"), "b"),
    ("module", wrappers.StringValue(value="A.B"), "A.B"),
])
def test_packed_wrappers(session, kind, message, value):
    session.register("v", kind, any=packed(message), constraints=CONSTRAINTS.get(kind))
    answered = value_of(session.get("v"))
    assert answered == value
    assert type(answered) is type(value) or kind == "float"


def test_a_wrapper_beyond_int64_is_refused(session):
    with refused(CODE.INVALID_ARGUMENT):
        session.register("v", "integer", any=packed(wrappers.UInt64Value(value=2**63)))


# The bytes of these texts also read as protobuf messages with nothing but unknown fields.
@pytest.mark.parametrize("kind, text, value", [
    ("integer", "42", 42),
    ("integer", "0", 0),
    ("integer", "81", 81),
    ("integer", "-1234", -1234),
    ("integer", "51234", 51234),
    ("integer", "123456789", 123456789),
    ("float", "81", 81.0),
    ("float", "1.25", 1.25),
    ("string", '"hello"', "hello"),
    ("string", '" ' + "a" * 31 + '"', " " + "a" * 31),
    ("string", '""', ""),
    ("boolean", "true", True),
    ("embedding", "[1, 2.5]", [1, 2.5]),
])
def test_bare_json_under_the_string_value_url(session, kind, text, value):
    session.register("v", kind, any=any_text(GOOGLE + "StringValue", text))
    assert value_of(session.get("v")) == value


# ---------------------------------------------------------------------------------------------
# Floats and integers


@pytest.mark.parametrize("value", [
    0.1, -0.0, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 1 / 3, 1e21, 123456789.125])
def test_a_float_comes_back_bit_for_bit(session, value):
    session.register("v", value=value)
    answered = float(value_of(session.get("v")))
    assert struct.pack("<d", answered) == struct.pack("<d", value)


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_special_floats_are_json_strings(session, name):
    session.register("v", any=any_text(DSPEX + "float", json.dumps(name)))
    assert value_of(session.get("v")) == name
    session.set("v", 1.0)
    session.set("v", any=any_text(DSPEX + "float", json.dumps(name)))
    assert value_of(session.get("v")) == name


@pytest.mark.parametrize("wrapper, name", [
    (wrappers.DoubleValue(value=math.nan), "NaN"),
    (wrappers.DoubleValue(value=math.inf), "Infinity"),
    (wrappers.FloatValue(value=-math.inf), "-Infinity"),
])
def test_special_floats_in_wrappers(session, wrapper, name):
    session.register("v", any=packed(wrapper))
    assert value_of(session.get("v")) == name


def test_an_integer_becomes_a_float(session):
    session.register("v", "float", any=any_text(DSPEX + "float", "3"))
    assert float(value_of(session.get("v"))) == 3.0


@pytest.mark.parametrize("text", ['"1.5"', "true", "null", "[1]", "{}", '"infinity"', '"nan "'])
def test_what_is_no_float(session, text):
    with refused(CODE.INVALID_ARGUMENT):
        session.register("v", "float", any=any_text(DSPEX + "float", text))


@pytest.mark.parametrize("text, value", [
    ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)),
    ("9007199254740993", 2**53 + 1), ("-9007199254740993", -(2**53) - 1),
    ("0", 0), ("-0", 0), ("3.0", 3), ("-3.0", -3), ("1e3", 1000)])
def test_integers(session, text, value):
    session.register("v", "integer", any=any_text(DSPEX + "integer", text))
    answered = value_of(session.get("v"))
    assert answered == value
    assert type(answered) is int


@pytest.mark.parametrize("text", [
    "9223372036854775808", "-9223372036854775809", "9007199254740993.0", "1e18", "3.5", "1e30", "1e19", "true", "false", '"3"',
    "null", '"NaN"'])
def test_what_is_no_integer(session, text):
    with refused(CODE.INVALID_ARGUMENT):
        session.register("v", "integer", any=any_text(DSPEX + "integer", text))


def test_every_int64_edge_under_constraints(session):
    session.register("v", "integer", 2**63 - 2, constraints={"max": 2**63 - 2})
    with refused(CODE.INVALID_ARGUMENT, "above maximum"):
        session.set("v", 2**63 - 1, "integer")
    session.register("w", "integer", 2**53 + 1, constraints={"min": 2**53 + 1})
    with refused(CODE.INVALID_ARGUMENT, "below minimum"):
        session.set("w", 2**53, "integer")


# ---------------------------------------------------------------------------------------------
# Booleans, strings, choices and modules


@pytest.mark.parametrize("text", ["0", "1", '"true"', "null", "[]"])
def test_what_is_no_boolean(session, text):
    with refused(CODE.INVALID_ARGUMENT):
        session.register("v", "boolean", any=any_text(DSPEX + "boolean", text))


@pytest.mark.parametrize("value", [
    "", "plain", "ümläut", "变量", "👩‍👩‍👧 family", "quote \" backslash \\ slash /",
    "tab\tnewline\nreturn\r", "nul \x00 inside", "\u2028\u2029", "x" * 1_000_000])
def test_strings_come_back_as_they_were(session, value):
    session.register("v", "string", value)
    assert value_of(session.get("v")) == value


def test_raw_utf8_and_escapes_are_the_same_string(session):
    session.register("a", "string", any=any_text(DSPEX + "string", '"\\u00fc\\ud83d\\ude00"'))
    session.register("b", "string", any=any_text(DSPEX + "string", '"ü😀"'))
    assert value_of(session.get("a")) == value_of(session.get("b")) == "ü😀"


@pytest.mark.parametrize("text", ["1", "true", "null", "[]", "{}"])
@pytest.mark.parametrize("kind", ["string", "choice", "module"])
def test_what_is_no_string(session, kind, text):
    with refused(CODE.INVALID_ARGUMENT):
        session.register("v", kind, any=any_text(DSPEX + kind, text))


# ---------------------------------------------------------------------------------------------
# Constraints


@pytest.mark.parametrize("kind, constraints, good, bad, words", [
    ("float", {"min": 0.0, "max": 1.0}, [0.0, 1.0, 0.5], 1.5, ["1.5", "above maximum", "1.0"]),
    ("float", {"min": 0.25}, [0.25, 1e300], -0.5, ["-0.5", "below minimum", "0.25"]),
    ("integer", {"min": 1, "max": 10}, [1, 10], 11, ["11", "above maximum", "10"]),
    ("integer", {"min": 1, "max": 10}, [1, 10], 0, ["0", "below minimum", "1"]),
    ("string", {"min_length": 2}, ["ab", "éé"], "é", ["2"]),
    ("string", {"max_length": 3}, ["", "ééé"], "abcd", ["3"]),
    ("string", {"pattern": "^[a-z]+[0-9]?$"}, ["abc", "abc1"], "ABC", ["pattern"]),
    ("string", {"pattern": r"^\p{Lu}\w*(?<!x)$"}, ["Über"], "über", ["pattern"]),
    ("choice", {"choices": ["a", "b"]}, ["a", "b"], "c", ["must be one of: a, b"]),
    ("module", {"choices": ["A.B", "C"]}, ["A.B", "C"], "D", ["must be one of: A.B, C"]),
    ("module", {"allowed_modules": ["A.B", "C"]}, ["C"], "A", ["must be one of: A.B, C"]),
    ("module", {"pattern": "^[A-Z]"}, ["Abc"], "abc", ["pattern"]),
    ("module", {"namespace": "DSPy"}, ["DSPy", "DSPy.Predict"], "DSPyX.Predict", ["DSPy"]),
    ("embedding", {"dimensions": 3}, [[1.0, 2.0, 3.0]], [1.0, 2.0], ["3", "2"]),
    ("tensor", {"shape": [2, -1]}, [
        {"shape": [2, 1], "data": [1.0, 2.0]}, {"shape": [2, 3], "data": [1.0] * 6}],
        {"shape": [3, 2], "data": [1.0] * 6}, ["shape"]),
    ("tensor", {"shape": [None, 2]}, [{"shape": [3, 2], "data": [1.0] * 6}],
        {"shape": [6], "data": [1.0] * 6}, ["shape"]),
])
def test_constraints(session, kind, constraints, good, bad, words):
    with refused(CODE.INVALID_ARGUMENT, *words):
        session.register("v", kind, bad, constraints=constraints)
    session.register("v", kind, good[0], constraints=constraints)
    for value in good:
        session.set("v", value, kind)
    before = session.get("v")
    with refused(CODE.INVALID_ARGUMENT, *words):
        session.set("v", bad, kind)
    assert session.get("v") == before


@pytest.mark.parametrize("kind, value, constraints", [
    ("float", 1.0, "not json"),
    ("float", 1.0, "[1, 2]"),
    ("float", 1.0, '{"min": 1'),
    ("float", 1.0, {"min": 3, "max": 2}),
    ("float", 1.0, {"min": "low"}),
    ("integer", 1, {"min": 5, "max": 4}),
    ("string", "aaa", {"min_length": 5, "max_length": 2}),
    ("string", "a", {"pattern": "(unclosed"}),
    ("string", "a", {"pattern": 5}),
    ("string", "a", {"max_length": -1}),
    ("choice", "a", {"choices": "a"}),
    ("embedding", [1.0], {"dimensions": "one"}),
    ("tensor", {"shape": [1], "data": [1.0]}, {"shape": "one"}),
])
def test_constraints_that_cannot_be(session, kind, value, constraints):
    with refused(CODE.INVALID_ARGUMENT):
        session.register("v", kind, value, constraints=constraints)
    assert session.names() == []


def test_a_hostile_pattern_does_not_hang_the_host(session, other_stub):
    session.register("v", "string", "a", constraints={"pattern": "^(a+)+$"})
    with refused(CODE.INVALID_ARGUMENT):
        session.set("v", "a" * 40 + "!", "string")
    assert value_of(session.through(other_stub).get("v")) == "a"


# Its search takes the square of a text of "a"s.
SLOW = {"pattern": "(?<=a)a*[bc]|^.{0,9}$"}


def register_slow(session, count):
    for number in range(count):
        session.register(f"slow{number:02}", "string", "x", constraints=SLOW)


def slow_batch(session, count, atomic, text="a" * 300_000):
    return pb.BatchSetVariablesRequest(
        session_id=session.id, atomic=atomic,
        updates={f"slow{number:02}": any_json("string", text) for number in range(count)}
        | {"a": any_json("float", 1.0), "z": any_json("float", 1.0)})


@pytest.mark.parametrize("atomic", [True, False])
def test_a_long_search_keeps_nobody_waiting(session, atomic):
    register_slow(session, 12)
    session.register("a", value=0.0)
    session.register("z", value=0.0)
    slow = session.stub.SetVariables.future(slow_batch(session, 12, atomic), timeout=CALL_TIMEOUT)
    # On the same connection, so that it is served by the same event loop.
    assert session.stub.Ping(pb.PingRequest(message="x"), timeout=CALL_TIMEOUT).message
    assert not slow.done(), "the searches are over before a ping that came later"
    response = slow.result()
    assert not response.success
    errors = [response.errors[f"slow{number:02}"] for number in range(12)]
    assert "more steps than it may" in errors[0]
    assert "than they may together" in errors[-1]
    written = {} if atomic else {"a": 2, "z": 2}
    assert dict(response.new_versions) == written
    assert [session.get(name).version for name in "az"] == ([1, 1] if atomic else [2, 2])


def test_a_long_search_ends_with_its_deadline(session):
    register_slow(session, 12)
    session.register("a", value=0.0)
    session.register("z", value=0.0)
    batch = slow_batch(session, 12, atomic=False)
    with refused(CODE.DEADLINE_EXCEEDED):
        session.stub.SetVariables(batch, timeout=0.05)
    # The next search waits for the last: when it is done, so is the other.
    with refused(CODE.INVALID_ARGUMENT, "more steps than it may"):
        session.set("slow00", "a" * 300_000, "string")
    # What stands before the searches was written, what stands behind them was not.
    assert session.get("z").version == 1


@pytest.mark.parametrize("way", ["register", "set", "constraints", "rollback"])
def test_every_write_bounds_its_search(session, way):
    text = "a" * 300_000
    session.register("v", "string", text)
    if way != "constraints":
        session.set("v", "x", "string", constraints=SLOW)
    version = session.get("v").version
    with refused(CODE.INVALID_ARGUMENT, "more steps than it may"):
        if way == "register":
            session.register("w", "string", text, constraints=SLOW)
        elif way == "set":
            session.set("v", text, "string")
        elif way == "constraints":
            session.set("v", constraints=SLOW)
        else:
            session.rollback("v", 1)
    assert session.get("v").version == version
    assert session.names() == ["v"]


# ---------------------------------------------------------------------------------------------
# Malformed payloads


@pytest.mark.parametrize("text", [
    b"", b"{", b"[1, 2", b"1 2", b'"open', b"nul", b"'x'", b"[1,]", b"01", b"+1", b".5",
    b"\xff\xfe", b'"\xff"', b'"\xc0\xaf"', b'"a\nb"', b"\x00"],
    ids=lambda text: repr(text))
def test_malformed_json_is_refused(session, text):
    for kind in ("float", "string", "embedding"):
        with refused(CODE.INVALID_ARGUMENT):
            session.register("v", kind, any=any_text(DSPEX + kind, text))
    session.register("w", value=1.0)
    with refused(CODE.INVALID_ARGUMENT):
        session.set("w", any=any_text(DSPEX + "float", text))
    assert value_of(session.get("w")) == 1.0


def test_deep_nesting_is_refused(session):
    for kind in ("embedding", "tensor", "string"):
        with refused(CODE.INVALID_ARGUMENT):
            session.register("v", kind, any=any_text(DSPEX + kind, "[" * 200_000))
    text = '{"shape":[1],"data":' + "[" * 100_000 + "1" + "]" * 100_000 + "}"
    with refused(CODE.INVALID_ARGUMENT):
        session.register("v", "tensor", any=any_text(DSPEX + "tensor", text))
    assert session.names() == []


@pytest.mark.parametrize("text", [
    '["a"]', "[1, null]", "[[1], [2]]", "1", "{}", "[true]", '"1,2"'])
def test_what_is_no_embedding(session, text):
    with refused(CODE.INVALID_ARGUMENT):
        session.register("v", "embedding", any=any_text(DSPEX + "embedding", text))


@pytest.mark.parametrize("text", [
    '{"shape": [2], "data": [1, 2, 3]}',
    '{"shape": [2, 2], "data": [1, 2]}',
    '{"shape": [2], "data": ["a", "b"]}',
    '{"shape": [-1], "data": [1]}',
    '{"shape": [1.5], "data": [1]}',
    '{"shape": "2", "data": [1, 2]}',
    '{"shape": [4294967296, 4294967296], "data": []}',
    '{"shape": [2]}',
    '{"data": [1, 2]}',
    "[1, 2]",
    "null",
])
def test_what_is_no_tensor(session, text):
    with refused(CODE.INVALID_ARGUMENT):
        session.register("v", "tensor", any=any_text(DSPEX + "tensor", text))


@pytest.mark.parametrize("value, shape, numbers", [
    ({"shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]}, [2, 3], [1, 2, 3, 4, 5, 6]),
    ({"shape": [2, 3], "data": [[1, 2, 3], [4, 5, 6]]}, [2, 3], [1, 2, 3, 4, 5, 6]),
    ({"shape": [2, 1, 2], "data": [[[1, 2]], [[3, 4]]]}, [2, 1, 2], [1, 2, 3, 4]),
    ({"shape": [], "data": [7.5]}, [], [7.5]),
    ({"shape": [0], "data": []}, [0], []),
])
def test_tensors(session, value, shape, numbers):
    variable = session.register("v", "tensor", value).variable
    assert array_of(variable.value, variable.binary_value) == (shape, numbers)


def test_an_empty_embedding(session):
    session.register("v", "embedding", [])
    assert value_of(session.get("v")) == []


# ---------------------------------------------------------------------------------------------
# Binary values


def test_a_small_raw_embedding(session):
    numbers = [0.5, -1.25, 3.0, 0.0]
    session.register(
        "v", "embedding", any=any_binary("embedding", [4]), binary=raw_bytes(numbers))
    assert numbers_of(session.get("v")) == numbers


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_large_raw_embedding_comes_back_as_bytes(host, session, dtype):
    session = session.through(host.stub(accept="raw"))
    numbers = [number / 8 for number in range(8192)]
    data = raw_bytes(numbers, dtype)
    session.register(
        "v", "embedding", any=any_binary("embedding", [8192], dtype), binary=data)
    variable = session.get("v")
    assert variable.value.type_url.endswith("embedding.binary")
    assert array_of(variable.value, variable.binary_value) == ([8192], numbers)


def test_a_large_raw_tensor_comes_back_as_bytes(host, session):
    session = session.through(host.stub(accept="raw"))
    numbers = [float(number) for number in range(64 * 64)]
    session.register("v", "tensor", {"shape": [1], "data": [0.0]})
    session.set("v", any=any_binary("tensor", [64, 64], "float64"),
                binary=raw_bytes(numbers, "float64"))
    variable = session.get("v")
    assert variable.value.type_url.endswith("tensor.binary")
    assert array_of(variable.value, variable.binary_value) == ([64, 64], numbers)
    assert json.loads(variable.value.value)["shape"] == [64, 64]
    # The list and the batch answer the same.
    assert numbers_of(session.list().variables[0]) == numbers
    assert numbers_of(session.get_many("v").variables["v"]) == numbers


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_raw_integers(session, dtype):
    session.register("v", "tensor", any=any_binary("tensor", [3], dtype),
                     binary=raw_bytes([1, -2, 3], dtype))
    assert numbers_of(session.get("v")) == [1, -2, 3]


def test_json_comes_back_as_json_however_large(host):
    # A client of its own, which never showed that it reads binary.
    session = Session(host.stub())
    numbers = [number / 4 for number in range(5000)]
    session.register("v", "embedding", numbers)
    variable = session.get("v")
    assert variable.value.type_url == DSPEX + "embedding"
    assert variable.binary_value == b""
    assert value_of(variable) == numbers
    session.cleanup()


def test_a_client_that_accepts_binary_gets_it_above_10_kib(host):
    session = Session(host.stub())
    numbers = [number / 4 for number in range(5000)]
    session.register("large", "embedding", numbers)
    session.register("small", "embedding", numbers[:10])
    accept = (("accept-binary", "true"),)
    large = session.get("large", metadata=accept)
    assert large.value.type_url.endswith("embedding.binary")
    assert numbers_of(large) == numbers
    assert value_of(session.get("small", metadata=accept)) == numbers[:10]
    session.cleanup()


@pytest.mark.parametrize("description, data", [
    (any_binary("embedding", [4]), raw_bytes([1.0, 2.0, 3.0])),
    (any_binary("embedding", [2]), raw_bytes([1.0, 2.0]) + b"\x00"),
    (any_binary("embedding", [2], "complex128"), b"\x00" * 32),
    (any_binary("embedding", [2], binary_format="cbor"), raw_bytes([1.0, 2.0])),
    (any_binary("embedding", [2**62, 4]), raw_bytes([1.0])),
    (any_binary("embedding", [-2]), raw_bytes([1.0, 2.0])),
    (any_text(SNAKEPIT + "embedding.binary", "not json"), raw_bytes([1.0])),
    (any_text(SNAKEPIT + "embedding.binary", "[]"), raw_bytes([1.0])),
    (any_binary("embedding", [2]), b""),
])
def test_binary_that_does_not_fit_its_description(session, description, data):
    with refused(CODE.INVALID_ARGUMENT):
        session.register("v", "embedding", any=description, binary=data)
    assert session.names() == []


def test_constraints_hold_for_binary_values(session):
    session.register("v", "embedding", [1.0, 2.0], constraints={"dimensions": 2})
    with refused(CODE.INVALID_ARGUMENT, "3"):
        session.set("v", any=any_binary("embedding", [3]), binary=raw_bytes([1.0, 2.0, 3.0]))
    session.set("v", any=any_binary("embedding", [2]), binary=raw_bytes([3.0, 4.0]))
    assert numbers_of(session.get("v")) == [3.0, 4.0]


def test_a_binary_value_beside_a_string_is_kept(session):
    data = bytes(range(256))
    session.register("v", "string", "picture.png", binary=data)
    variable = session.get("v")
    assert value_of(variable) == "picture.png"
    assert variable.binary_value == data
    session.set("v", "other.png", "string", binary=data[::-1])
    assert session.get("v").binary_value == data[::-1]
    session.set("v", "none.png", "string")
    assert session.get("v").binary_value == b""


def _npy(numbers, shape):
    header = repr({"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}).encode()
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
            + raw_bytes(numbers))


def _term_list(numbers):
    items = b"".join(
        b"a" + bytes([number]) if isinstance(number, int) else b"F" + struct.pack(">d", number)
        for number in numbers)
    return b"l" + struct.pack(">I", len(numbers)) + items + b"j"


def _compressed(term):
    return b"\x83P" + struct.pack(">I", len(term)) + zlib.compress(term)


@pytest.mark.parametrize("binary_format, data, numbers", [
    ("numpy", _npy([1.5, -2.0, 3.0], [3]), [1.5, -2.0, 3.0]),
    ("erlang_binary", b"\x83" + _term_list([1.5, -2.0, 3]), [1.5, -2.0, 3.0]),
    ("erlang_binary", b"\x83k\x00\x03\x01\x02\x03", [1, 2, 3]),
    ("erlang_binary", _compressed(_term_list([0.5] * 50)), [0.5] * 50),
    *[("pickle", pickle.dumps([1.5, -2.0, 3], protocol=protocol), [1.5, -2.0, 3.0])
      for protocol in (2, 3, 4, 5)],
    ("pickle", pickle.dumps((0.25, 1000, -1, 70000)), [0.25, 1000, -1, 70000]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_foreign_binary_formats(session, binary_format, data, numbers):
    session.register(
        "v", "embedding", binary=data,
        any=any_binary("embedding", [len(numbers)], binary_format=binary_format))
    assert value_of(session.get("v")) == numbers


class _Evil:
    def __reduce__(self):
        return os.mkdir, ("pickle_was_executed",)


@pytest.mark.parametrize("data", [
    pickle.dumps(_Evil(), protocol=2), pickle.dumps(_Evil(), protocol=4),
    b"cos\nsystem\n(S'true'\ntR.", pickle.dumps([1.0])[:-3], b"", b"\x80\x04]" * 1000],
    ids=["reduce 2", "reduce 4", "global", "cut off", "empty", "no end"])
def test_a_pickle_is_never_executed(session, data):
    with refused(CODE.INVALID_ARGUMENT):
        session.register("v", "embedding", binary=data,
                         any=any_binary("embedding", [1], binary_format="pickle"))
    assert session.names() == []
    assert not (REPOSITORY / "pickle_was_executed").exists()


def test_old_values_and_watch_updates_carry_binary(host, session):
    session = session.through(host.stub(accept="raw"))
    first = [float(number) for number in range(4096)]
    second = first[::-1]
    session.register("v", "embedding", any=any_binary("embedding", [4096]),
                     binary=raw_bytes(first))
    watch = session.watch("v").opened()
    session.set("v", any=any_binary("embedding", [4096]), binary=raw_bytes(second))
    update = watch.next_change()
    assert numbers_of(update.variable) == second
    assert array_of(update.old_value, update.old_binary_value)[1] == first
    watch.cancel()


@pytest.mark.parametrize("text", ["18446744073709551616", "1" + "0" * 300, "-" + "9" * 40])
def test_integers_beyond_64_bits_are_floats(session, text):
    session.register("f", any=any_text("dspex.variables/float", text))
    assert value_of(session.get("f")) == float(text)
    session.register("e", "embedding", any=any_text("dspex.variables/embedding", f'[1, {text}]'))
    assert value_of(session.get("e")) == [1, float(text)]
    with refused(CODE.INVALID_ARGUMENT, "within int64"):
        session.register("i", "integer", any=any_text("dspex.variables/integer", text))


def test_long_digits_in_texts_stay(session):
    digits = "9" * 30
    text = json.dumps({"shape": [1], "data": [int(digits)], digits: f'\\"{digits}'})
    session.register("t", "tensor", any=any_text("dspex.variables/tensor", text))
    assert value_of(session.get("t"))["data"] == [1e30]


def test_a_wrapper_of_the_wrong_type_is_described_in_short(session):
    session.register("f")
    for message, described in [
            (wrappers.BytesValue(value=b"\1" * 3_000_000), "got 3000000 bytes"),
            (wrappers.BoolValue(value=True), "got true")]:
        with refused(CODE.INVALID_ARGUMENT, described):
            session.set("f", any=packed(message))


def test_elements_have_the_dtype_of_the_constraint(session):
    cases = [("int8", [300], "300"), ("int8", [1.5], "1.5"), ("uint8", [-1], "-1"),
             ("int32", [1.5], "1.5"), ("float32", [1e300], "1e+300"), ("bool", [2], "2")]
    for number, (dtype, data, named) in enumerate(cases):
        with refused(CODE.INVALID_ARGUMENT, named, dtype):
            session.register(f"r{number}", "tensor", {"shape": [1], "data": data},
                             constraints={"dtype": dtype})
    session.register("t", "tensor", {"shape": [2], "data": [0.1, "NaN"]},
                     constraints={"dtype": "float32"})
    # The float32 itself, as every reader of JSON takes numbers for doubles.
    assert value_of(session.get("t"))["data"] == [0.10000000149011612, "NaN"]
    answer = session.get("t", metadata=[("accept-binary", "raw")])
    assert value_of(answer)["data"] == [0.10000000149011612, "NaN"]
    session.set("t", any=any_binary("tensor", [1], "float64"), binary=raw_bytes([0.5], "float64"))
    assert value_of(session.get("t"))["data"] == [0.5]
    with refused(CODE.INVALID_ARGUMENT, "dtype int32", "float32"):
        session.set("t", any=any_binary("tensor", [1], "int32"), binary=raw_bytes([1], "int32"))


def test_booleans_are_answered_as_numbers(session):
    session.register("b", "embedding", any=any_binary("embedding", [2], "bool"), binary=b"\1\0")
    assert session.get("b").value.value == b"[1,0]"
    session.set("b", any=session.get("b").value)


def test_bounds_are_named_as_clients_write_them(session):
    with refused(CODE.INVALID_ARGUMENT, "Value NaN is below minimum 0.0"):
        session.register("v", value="NaN", constraints={"min": 0})
    with refused(CODE.INVALID_ARGUMENT, "Value Infinity is above maximum 1.0"):
        session.register("v", value="Infinity", constraints={"max": 1})


@pytest.mark.parametrize("dtype, number", [
    ("int64", 2**53 + 1), ("int64", 1795973288122037093), ("int64", 2**63 - 1), ("int64", -2**63),
    ("uint64", 2**63 + 1), ("uint64", 2**64 - 1)])
def test_whole_numbers_of_64_bits_stay_what_they_are(session, dtype, number):
    tensor = {"shape": [2], "data": [number, 1]}
    session.register("typed", "tensor", tensor, constraints={"dtype": dtype})
    session.register("untyped", "tensor", tensor)
    session.register("list", "embedding", [number, 1])
    assert value_of(session.get("typed"))["data"] == [number, 1]
    assert value_of(session.get("untyped"))["data"] == [number, 1]
    assert value_of(session.get("list")) == [number, 1]


def test_whole_numbers_that_do_not_fit_are_refused(session):
    for dtype, number in [("int64", 2**63), ("uint64", 2**64), ("uint64", -1)]:
        with refused(CODE.INVALID_ARGUMENT, dtype):
            session.register("t", "tensor", {"shape": [1], "data": [number]},
                             constraints={"dtype": dtype})
    with refused(CODE.INVALID_ARGUMENT, "no integer type in common"):
        session.register("t", "embedding", [-1, 2**64 - 1])
    with refused(CODE.INVALID_ARGUMENT, str(2**53 + 1)):
        session.register("t", "integer", 2**53 + 1, constraints={"max": float(2**53)})


def test_python_writes_special_floats_and_booleans(session):
    bare = json.dumps([math.nan, math.inf, -math.inf, 1])
    session.register("e", "embedding", any=any_text(DSPEX + "embedding", bare))
    assert value_of(session.get("e")) == ["NaN", "Infinity", "-Infinity", 1]
    session.register("t", "tensor", {"shape": [2, 1], "data": [[True], [False]]})
    assert value_of(session.get("t"))["data"] == [[1], [0]]
