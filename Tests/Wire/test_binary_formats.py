"""Binary values against the programs whose formats they are: numpy, Python's pickle, Erlang."""

import io
import json
import math
import os
import pickle
import random
import shutil
import struct
import subprocess
import zlib

import grpc
import numpy as np
import pytest

from bridge import (CALL_TIMEOUT, CODE, Session, any_binary, any_json, any_text, flat, numbers_of,
                    refused, start_host, value_of, SNAKEPIT)
from stubs import pb

DTYPES = ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
          "uint64", "bool"]
FORMATS = ["raw", "numpy", "erlang_binary", "pickle"]
# Answers are binary above this.
THRESHOLD = 10 * 1024


class Erlang:
    """An Erlang that evaluates expressions whose values are texts."""

    LOOP = """
      Loop = fun Loop() ->
        case io:get_line("") of
          eof -> halt();
          Line ->
            {ok, Tokens, _} = erl_scan:string(Line),
            {ok, Expressions} = erl_parse:parse_exprs(Tokens),
            {value, Value, _} = erl_eval:exprs(Expressions, []),
            io:format("~s~n", [Value]),
            Loop()
        end
      end, Loop()."""

    def __init__(self):
        assert shutil.which("erl"), "these tests need Erlang: apt-get install erlang-base"
        self.process = subprocess.Popen(
            ["erl", "-noshell", "-eval", self.LOOP], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def text(self, expression):
        self.process.stdin.write(expression + ".\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"Erlang ended over {expression[:200]}"
        return line.rstrip("\n")

    def encode(self, term, options="[]"):
        return bytes.fromhex(
            self.text(f"binary:encode_hex(erlang:term_to_binary({term}, {options}))"))

    def is_same(self, binary, term):
        """Whether a binary is the term, of the same types, and known under option `safe`."""
        return self.text(
            f'erlang:binary_to_term(binary:decode_hex(<<"{binary.hex()}">>), [safe]) =:= {term}'
        ) == "true"

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)


@pytest.fixture(scope="module")
def erlang():
    running = Erlang()
    yield running
    running.stop()


def npy(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version, allow_pickle=False)
    return file.getvalue()


def written(array, binary_format):
    """An array as a client in Python writes it."""
    if binary_format == "raw":
        return array.tobytes()
    if binary_format == "numpy":
        return npy(array)
    if binary_format == "pickle":
        return pickle.dumps(array.tolist())
    return ERLANG_WRITER(array.tolist())


def ERLANG_WRITER(value):
    """Lists and numbers as external terms, by the specification."""
    def term(value):
        if isinstance(value, list):
            items = b"".join(map(term, value))
            return (b"l" + struct.pack(">I", len(value)) + items if value else b"") + b"j"
        if isinstance(value, bool):
            name = b"true" if value else b"false"
            return b"w" + bytes([len(name)]) + name
        if isinstance(value, float):
            if math.isfinite(value):
                return b"F" + struct.pack(">d", value)
            name = b"nan" if value != value else b"infinity" if value > 0 else b"neg_infinity"
            return b"w" + bytes([len(name)]) + name
        if 0 <= value < 256:
            return b"a" + bytes([value])
        if -2**31 <= value < 2**31:
            return b"b" + struct.pack(">i", value)
        digits = abs(value).to_bytes(8, "little")
        return b"n" + bytes([8, value < 0]) + digits
    return b"\x83" + term(value)


def description_of(any_value):
    assert any_value.type_url.endswith(".binary"), any_value.type_url
    return json.loads(any_value.value)


def read_back(any_value, binary):
    """An array as a client reads it with the tool of its format: numpy or pickle."""
    description = description_of(any_value)
    dtype, shape = np.dtype(description["dtype"]), description["shape"]
    if description["binary_format"] == "raw":
        array = np.frombuffer(binary, dtype).reshape(shape)
    elif description["binary_format"] == "numpy":
        array = np.load(io.BytesIO(binary), allow_pickle=False)
    else:
        assert description["binary_format"] == "pickle"
        array = np.array(pickle.loads(binary), dtype).reshape(shape)
    assert array.dtype == dtype and list(array.shape) == shape
    return array


def same(left, right):
    return left.dtype == right.dtype and left.shape == right.shape and np.array_equal(
        left, right, equal_nan=left.dtype.kind == "f")


def sample(dtype, shape, seed=1):
    """Random elements over the whole range of a type, some of them special."""
    generator = np.random.default_rng(seed)
    count = math.prod(shape)
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return generator.integers(0, 2, count).astype(bool).reshape(shape)
    if kind.kind in "iu":
        bounds = np.iinfo(kind)
        array = generator.integers(bounds.min, bounds.max, count, kind, endpoint=True)
        array[:2] = bounds.min, bounds.max
        return array.reshape(shape)
    array = generator.standard_normal(count).astype(kind)
    array[:4] = np.nan, np.inf, -np.inf, -0.0
    return array.reshape(shape)


def put(session, name, array, binary_format, data=None, kind="tensor", dtype=None):
    return session.register(
        name, kind, binary=written(array, binary_format) if data is None else data,
        any=any_binary(kind, array.shape, dtype or array.dtype.name, binary_format))


def asking(binary_format):
    """Metadata that asks for a format."""
    return (("accept-binary", binary_format),)


# ---------------------------------------------------------------------------------------------
# What was written comes back


@pytest.mark.parametrize("binary_format", FORMATS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_come_back_as_they_came_in(session, binary_format, dtype):
    array = sample(dtype, [3, 4, 1024])
    put(session, "v", array, binary_format)
    variable = session.get("v", metadata=asking(binary_format))
    assert description_of(variable.value)["binary_format"] == binary_format
    if binary_format == "erlang_binary":
        # Erlang's own answer to this is asked for below; here pickle stands in for it.
        variable = session.get("v", metadata=asking("pickle"))
    assert same(read_back(variable.value, variable.binary_value), array)


@pytest.mark.parametrize("dtype", DTYPES)
def test_npy_files_are_those_of_numpy(session, dtype):
    for index, shape in enumerate([[20000], [1, 20000], [2, 3, 4000], [20000, 1]]):
        array = sample(dtype, shape)
        put(session, f"v{index}", array, "numpy")
        variable = session.get(f"v{index}", metadata=asking("numpy"))
        assert variable.binary_value == npy(array)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("layout", ["C", "F"])
def test_npy_versions_byte_orders_and_layouts(session, version, order, layout):
    for index, code in enumerate(["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u2", "b1"]):
        array = np.arange(24).reshape(2, 3, 4).astype(order + code, order=layout)
        session.register(
            f"v{index}", "tensor", binary=npy(array, version),
            any=any_binary("tensor", array.shape, binary_format="npy"))
        value = value_of(session.get(f"v{index}"))
        assert value == {"shape": [2, 3, 4], "data": array.flatten().tolist()}


def test_scalars_and_empty_arrays(session):
    for index, array in enumerate([
            np.array(2.5), np.zeros([0]), np.zeros([2, 0]), np.zeros([0, 3]), np.zeros([2, 0, 3])]):
        for binary_format in FORMATS[1:]:
            name = f"{binary_format}{index}"
            put(session, name, array, binary_format)
            value = value_of(session.get(name))
            assert value["shape"] == list(array.shape)
            assert np.array(value["data"]).size == array.size


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol(host, session, protocol):
    session = session.through(host.stub(accept="pickle"))
    rows = [[number / 8 for number in range(700)] for _ in range(4)]
    # The last row twice: the pickle refers to it.
    lists = rows[:3] + [rows[2]]
    session.register("v", "tensor", binary=pickle.dumps(lists, protocol),
                     any=any_binary("tensor", [4, 700], "float64", "pickle"))
    variable = session.get("v")
    assert pickle.loads(variable.binary_value) == lists
    session.set("v", binary=pickle.dumps(tuple(map(tuple, lists)), protocol),
                any=any_binary("tensor", [4, 700], "float64", "pickle"))
    assert pickle.loads(session.get("v").binary_value) == lists
    flat = [number for row in lists for number in row]
    session.set("v", binary=pickle.dumps(flat, protocol),
                any=any_binary("tensor", [4, 700], "float64", "pickle"))
    assert pickle.loads(session.get("v").binary_value) == flat
    integers = [random.Random(7).randint(-2**63, 2**63 - 1) >> (i % 64) for i in range(2000)]
    session.register("i", "embedding", binary=pickle.dumps(integers, protocol),
                     any=any_binary("embedding", [2000], "int64", "pickle"))
    assert pickle.loads(session.get("i").binary_value) == integers


FLOATS = "[X / 8 || X <- lists:seq(0, 2999)]"


@pytest.mark.parametrize("options", ["[]", "[compressed]", "[{compressed, 9}]",
                                     "[{minor_version, 0}]", "[{minor_version, 2}]"])
@pytest.mark.parametrize("term, shape, dtype", [
    (FLOATS, [3000], "float64"),
    (f"[{FLOATS}, {FLOATS}]", [2, 3000], "float64"),
    (f"[[[X] || X <- {FLOATS}]]", [1, 3000, 1], "float64"),
    (f"lists:append({FLOATS}, [nan, infinity, neg_infinity])", [3003], "float64"),
    ("lists:seq(0, 255) ++ lists:seq(0, 1999)", [2256], "int64"),
    ("[X * X * X * X * X - 70000000000 || X <- lists:seq(0, 1999)]", [2000], "int64"),
    ("[[X rem 256 || X <- lists:seq(0, 2999)] || _ <- [1, 2]]", [2, 3000], "int64"),
    ("[18446744073709551615, 9223372036854775808] ++ lists:seq(1, 1999)", [2001], "uint64"),
    ("[X rem 2 =:= 0 || X <- lists:seq(1, 12000)]", [12000], "bool"),
])
def test_terms_of_erlang(session, erlang, term, shape, dtype, options):
    session.register("v", "tensor", binary=erlang.encode(term, options),
                     any=any_binary("tensor", shape, dtype, "erlang_binary"))
    variable = session.get("v", metadata=asking("erlang_binary"))
    assert description_of(variable.value) == {
        "shape": shape, "dtype": dtype, "binary_format": "erlang_binary", "type": "tensor"}
    assert erlang.is_same(variable.binary_value, term)


@pytest.mark.parametrize("dtype", DTYPES)
def test_erlang_reads_what_others_wrote(session, erlang, dtype):
    array = np.arange(-6000, 6000).astype(dtype).reshape(3, 4000)
    put(session, "v", array, "raw")
    variable = session.get("v", metadata=asking("erlang"))
    rows = [[str(x).lower() if dtype == "bool" else repr(x) for x in row] for row in array.tolist()]
    assert erlang.is_same(
        variable.binary_value, "[" + ",".join(f"[{','.join(row)}]" for row in rows) + "]")


def test_erlang_tuples_and_binaries(session, erlang):
    session.register("t", "tensor", binary=erlang.encode("{{1.5, 2}, {3, 4}}"),
                     any=any_binary("tensor", [2, 2], "float64", "erlang_binary"))
    assert value_of(session.get("t"))["data"] == [[1.5, 2.0], [3.0, 4.0]]
    session.register("b", "tensor", any=any_binary("tensor", [2, 1], "int16", "erlang"),
                     binary=erlang.encode("<<1:16/little, -2:16/little>>"))
    assert value_of(session.get("b")) == {"shape": [2, 1], "data": [1, -2]}


def test_lists_keep_numbers_that_a_narrower_type_would_change(session):
    # Clients of the field write float32 whatever their lists hold.
    for index, binary_format in enumerate(["erlang_binary", "pickle"]):
        array = np.array([0.1, 1e300, 1 / 3])
        put(session, f"v{index}", array, binary_format, kind="embedding", dtype="float32")
        assert value_of(session.get(f"v{index}")) == array.tolist()


def test_lists_without_shape_and_type(session):
    for name, data in [("pickle", pickle.dumps([[1, 2], [3, 4.5]])),
                       ("erlang", ERLANG_WRITER([[1, 2], [3, 4.5]]))]:
        session.register(name, "tensor", binary=data, any=any_text(
            SNAKEPIT + "tensor.binary", json.dumps({"binary_format": name})))
        assert value_of(session.get(name)) == {"shape": [2, 2], "data": [[1, 2], [3, 4.5]]}


# ---------------------------------------------------------------------------------------------
# Every RPC


@pytest.mark.parametrize("binary_format", ["raw", "numpy", "pickle"])
def test_every_rpc_answers_in_the_format_that_its_call_asks_for(host, session, binary_format):
    session = session.through(host.stub(accept=binary_format))
    first, second, third = (sample("float64", [2, 2000], seed) for seed in (1, 2, 3))
    response = put(session, "v", first, binary_format)
    assert same(read_back(response.variable.value, response.variable.binary_value), first)
    watch = session.watch("v", initial=True)
    initial, _ = watch.until_synced()
    assert same(read_back(initial[0].variable.value, initial[0].variable.binary_value), first)

    session.set("v", any=any_binary("tensor", [2, 2000], "float64", binary_format),
                binary=written(second, binary_format))
    session.set_many({"v": any_binary("tensor", [2, 2000], "float64", binary_format)},
                     binary={"v": written(third, binary_format)})
    for old, new in [(first, second), (second, third)]:
        update = watch.next_change()
        assert same(read_back(update.variable.value, update.variable.binary_value), new)
        assert same(read_back(update.old_value, update.old_binary_value), old)
    watch.cancel()
    for variable in [session.get("v"), session.get_many("v").variables["v"],
                     session.list().variables[0]]:
        assert description_of(variable.value)["binary_format"] == binary_format
        assert same(read_back(variable.value, variable.binary_value), third)

    # Whatever it was written in.
    session.set("v", any=any_json("tensor", {"shape": [2, 2000], "data": [0.5] * 4000}))
    assert description_of(session.get("v").value)["binary_format"] == binary_format


@pytest.mark.parametrize("binary_format", ["raw", "numpy", "pickle"])
def test_who_wrote_bytes_is_answered_in_json(session, binary_format):
    """Who writes a format need not read it, and others may share the connection."""
    array = sample("float64", [2, 2000], 1)
    answer = put(session, "v", array, binary_format).variable
    watch = session.watch("v", initial=True)
    (initial,), _ = watch.until_synced()
    session.set("v", any=any_binary("tensor", [2, 2000], "float64", binary_format),
                binary=written(array, binary_format))
    update = watch.next_change()
    watch.cancel()
    history = session.stub.GetVariableHistory(pb.GetVariableHistoryRequest(
        session_id=session.id, variable_identifier="v"), timeout=CALL_TIMEOUT).entries[0]
    for variable in [answer, initial.variable, update.variable, session.get("v"),
                     session.get_many("v").variables["v"], session.list().variables[0], history]:
        assert not variable.value.type_url.endswith(".binary")
        assert variable.binary_value == b""
        numbers = np.array(value_of(variable)["data"], dtype="float64").reshape(2, 2000)
        assert np.array_equal(numbers, array, equal_nan=True)
    assert update.old_binary_value == b""


@pytest.mark.parametrize("formats, answered", [
    ("pickle, raw", "pickle"), ("cbor,numpy", "numpy"), ("cbor", "raw"), ("npy", "numpy")])
def test_formats_come_in_order_of_preference(session, formats, answered):
    session.register("v", "embedding", [0.5] * 4000)
    variable = session.get("v", metadata=[("accept-binary", formats)])
    assert description_of(variable.value)["binary_format"] == answered


@pytest.mark.parametrize("wanted", FORMATS)
def test_a_client_may_ask_for_a_format(host, wanted):
    session = Session(host.stub())
    array = np.arange(4000) / 4
    session.register("v", "embedding", array.tolist())
    session.register("small", "embedding", [1.0])
    accept = (("accept-binary", wanted),)
    answers = [
        session.get("v", metadata=accept),
        session.stub.ListVariables(
            pb.ListVariablesRequest(session_id=session.id, pattern="v"), metadata=accept,
            timeout=CALL_TIMEOUT).variables[0],
        session.stub.GetVariables(
            pb.BatchGetVariablesRequest(session_id=session.id, variable_identifiers=["v"]),
            metadata=accept, timeout=CALL_TIMEOUT).variables["v"]]
    watch = session.stub.WatchVariables(pb.WatchVariablesRequest(
        session_id=session.id, variable_identifiers=["v"], include_initial_values=True),
        metadata=accept, timeout=CALL_TIMEOUT)
    answers.append(next(watch).variable)
    watch.cancel()
    for variable in answers:
        assert description_of(variable.value)["binary_format"] == wanted
        if wanted != "erlang_binary":
            assert same(read_back(variable.value, variable.binary_value), array)
    assert value_of(session.get("small", metadata=accept)) == [1.0]
    # Asking once is no habit.
    assert value_of(session.get("v")) == array.tolist()
    session.cleanup()


def test_the_threshold(host, session):
    session = session.through(host.stub(accept="pickle"))
    count = THRESHOLD // 8
    for length, is_binary in [(count, False), (count + 1, True)]:
        name = f"v{length}"
        put(session, name, np.zeros(length), "pickle", kind="embedding")
        assert session.get(name).value.type_url.endswith(".binary") == is_binary


def test_batches_name_what_is_wrong_with_each(session):
    for name in "abc":
        session.register(name, "embedding", [0.0])
    response = session.set_many(
        {"a": any_binary("embedding", [2], "float64", "pickle"),
         "b": any_binary("embedding", [2], "float64", "erlang_binary"),
         "c": any_binary("embedding", [2], "float64", "numpy")},
        binary={"a": pickle.dumps([1.0, 2.0]), "b": b"\x83t\0\0\0\0", "c": b"PK"})
    assert not response.success
    assert set(response.errors) == {"b", "c"}
    assert "a map" in response.errors["b"] and "NUMPY" in response.errors["c"]
    assert value_of(session.get("a")) == [1.0, 2.0]


# ---------------------------------------------------------------------------------------------
# What is refused


def test_an_unknown_format_lists_the_known_ones(session):
    with refused(CODE.INVALID_ARGUMENT, "cbor", *FORMATS):
        session.register("v", "embedding", binary=b"x",
                         any=any_binary("embedding", [1], binary_format="cbor"))


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def refuse(session, data, binary_format, *words, shape=(1,), code=CODE.INVALID_ARGUMENT):
    with refused(code, binary_format, *words) as refusal:
        session.register("v", "tensor", binary=data,
                         any=any_binary("tensor", shape, "float64", binary_format))
    assert session.names() == []
    return refusal


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_are_never_executed(session, tmp_path, protocol):
    marker = tmp_path / "executed"
    for value in [Evil(marker), [Evil(marker)], [1.0, (Evil(marker),)]]:
        data = pickle.dumps(value, protocol)
        refuse(session, data, "pickle", "byte", "opcode")
        assert not marker.exists()
    # The test is one only if the pickle would have done it.
    pickle.loads(data)
    assert marker.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_pickled_scalars_of_numpy_are_numbers(session, protocol):
    types = [np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8, np.uint64,
             np.uint32, np.uint16, np.uint8]
    numbers = [kind(number) for number in (0, 1, 127, 100) for kind in types]
    numbers += [np.float32(0.1), np.int64(-(2 ** 53) + 1), np.dtype(">f8").type(2.5), np.True_, 7]
    session.register("v", "embedding", binary=pickle.dumps(numbers, protocol),
                     any=any_binary("embedding", [len(numbers)], "float64", "pickle"))
    assert value_of(session.get("v")) == [float(number) for number in numbers]
    # Whole numbers of 64 bits stay what they are, and half-precision floats become float32.
    largest = [np.uint64(2 ** 64 - 1), np.uint64(0)]
    session.register("w", "embedding", binary=pickle.dumps(largest, protocol),
                     any=any_binary("embedding", [2], "uint64", "pickle"))
    assert value_of(session.get("w")) == [2 ** 64 - 1, 0]
    rows = (np.array([[1, 2], [3, 4]], np.float16), np.array([[True, False]]))
    for index, row in enumerate(rows):
        session.register(f"r{index}", "tensor", binary=pickle.dumps([list(line) for line in row], protocol),
                         any=any_binary("tensor", row.shape, str(row.dtype), "pickle"))
        assert flat(value_of(session.get(f"r{index}"))["data"]) == row.flatten().tolist()


@pytest.mark.parametrize("data, name", [
    (b"cos\nsystem\n(S'true'\ntR.", "GLOBAL"), (b"(ios\nsystem\n.", "INST"),
    (b"(cos\nsystem\no.", "GLOBAL"), (b"K\x01K\x02\x93.", "STACK_GLOBAL"), (b"K\x01)R.", "REDUCE"),
    (b"]K\x01b.", "BUILD"), (b"\x82\x01.", "EXT1"), (b"\x84\x01\0\0\0.", "EXT4"), (b"Pid\n.", "PERSID"),
    (b"K\x01Q.", "BINPERSID"), (b"K\x01)\x81.", "NEWOBJ"), (b"K\x01)]\x92.", "NEWOBJ_EX"),
    (b"\x97.", "NEXT_BUFFER"), (pickle.dumps(None), "NONE"), (pickle.dumps({}), "EMPTY_DICT"),
    (pickle.dumps("text"), "UNICODE"), (pickle.dumps(b"x"), "BINBYTES"), (pickle.dumps({1}), "SET"),
    (pickle.dumps(np.zeros(3)), "STACK_GLOBAL"), (pickle.dumps(np.dtype("f4")), "REDUCE"),
    (pickle.dumps([np.complex64(1)]), "REDUCE"), (pickle.dumps([np.str_("a")]), "REDUCE"),
])
def test_opcodes_that_are_refused(session, data, name):
    refuse(session, data, "pickle", name)


def pickle_bomb(levels, width, core):
    data = b"(" + core + b"\x94"
    for level in range(levels):
        data += b"](" + bytes([ord("h"), level]) * width + b"e\x94"
    return data + b"1h" + bytes([levels]) + b"."


HUGE = struct.pack("<I", 0xFFFFFFFF)


@pytest.mark.parametrize("binary_format, data, code", [
    ("pickle", pickle_bomb(30, 10, b"]K\x01a"), CODE.RESOURCE_EXHAUSTED),
    ("pickle", pickle_bomb(31, 2, b"]"), CODE.RESOURCE_EXHAUSTED),
    ("pickle", pickle_bomb(200, 1, b"]"), CODE.INVALID_ARGUMENT),
    ("pickle", b"]\x94h\x00a.", CODE.INVALID_ARGUMENT),
    ("pickle", b"]\x94(" + b"h\x00" * 1000 + b"e.", CODE.RESOURCE_EXHAUSTED),
    ("pickle", b"]" * 1_000_000 + b"a" * 999_999 + b".", CODE.INVALID_ARGUMENT),
    ("pickle", b"(" * 3_000_000, CODE.INVALID_ARGUMENT),
    ("pickle", b"]" + b"2" * 3_000_000, CODE.INVALID_ARGUMENT),
    ("pickle", b"\x8b\xff\xff\xff\x7f.", CODE.INVALID_ARGUMENT),
    ("pickle", b"\x95" + b"\xff" * 8 + b".", CODE.INVALID_ARGUMENT),
    ("erlang_binary", b"\x83" + b"l\0\0\0\x01" * 500_000, CODE.INVALID_ARGUMENT),
    ("erlang_binary", b"\x83l\xff\xff\xff\xffj", CODE.INVALID_ARGUMENT),
    ("erlang_binary", b"\x83i\xff\xff\xff\xff", CODE.INVALID_ARGUMENT),
    ("erlang_binary", b"\x83o\xff\xff\xff\xff\0", CODE.INVALID_ARGUMENT),
    ("erlang_binary", b"\x83m\xff\xff\xff\xff\0", CODE.INVALID_ARGUMENT),
    ("erlang_binary", b"\x83P\xff\xff\xff\xff" + zlib.compress(b"j"), CODE.RESOURCE_EXHAUSTED),
    # Millions of small integers in few bytes, and more bytes than are claimed.
    ("erlang_binary", b"\x83P" + struct.pack(">I", 18_000_006) + zlib.compress(
        b"l" + struct.pack(">I", 9_000_000) + b"a\1" * 9_000_000 + b"j"), CODE.RESOURCE_EXHAUSTED),
    ("erlang_binary", b"\x83P" + struct.pack(">I", 17_000_000) + zlib.compress(bytes(80_000_000)),
     CODE.INVALID_ARGUMENT),
    ("erlang_binary", b"\x83P\x00\xff\0\0" + zlib.compress(b"j"), CODE.INVALID_ARGUMENT),
    ("numpy", b"\x93NUMPY\x02\x00" + HUGE, CODE.INVALID_ARGUMENT),
    ("numpy", npy(np.zeros(3)).replace(b"(3,)", b"(9,)"), CODE.INVALID_ARGUMENT),
    ("numpy", npy(np.zeros(3)).replace(b"(3,), }                ", b"(1099511627776, 9999)}"),
     CODE.INVALID_ARGUMENT),
], ids=lambda value: value if isinstance(value, str) else "")
def test_hostile_values_are_refused(session, binary_format, data, code):
    refuse(session, data, binary_format, code=code, shape=(3,))


def test_bombs_leave_the_host_small():
    with start_host() as host:
        session = Session(host.stub())
        bomb = b"\x83P" + struct.pack(">I", 17_000_000) + zlib.compress(bytes(80_000_000))
        for _ in range(5):
            refuse(session, pickle_bomb(30, 50, b"]K\x01a"), "pickle", code=CODE.RESOURCE_EXHAUSTED)
            refuse(session, bomb, "erlang_binary")
        with open(f"/proc/{host.process.pid}/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        assert peak < 200_000, f"{peak} kB"


@pytest.mark.parametrize("binary_format", FORMATS)
def test_values_cut_off_anywhere_are_refused(session, binary_format):
    array = np.arange(6, dtype="float64").reshape(2, 3)
    data = written(array, binary_format)
    if binary_format == "erlang_binary":
        pieces = [data, b"\x83P" + struct.pack(">I", len(data) - 1) + zlib.compress(data[1:])]
    else:
        pieces = [data]
    for whole in pieces:
        for count in range(len(whole)):
            refuse(session, whole[:count], "binary" if count == 0 else binary_format, shape=(2, 3))
        refuse(session, whole + b"\0", binary_format, shape=(2, 3))
        put(session, "v", array, binary_format, data=whole)
        assert numbers_of(session.get("v")) == list(range(6))
        session.delete("v")


@pytest.mark.parametrize("binary_format", FORMATS)
def test_the_shape_in_the_metadata_must_fit(session, binary_format):
    data = written(np.zeros([2, 3]), binary_format)
    for shape in [(5,), (7,), (2, 4), (3, 3), (0,)]:
        refuse(session, data, binary_format, "shape", shape=shape)
    if binary_format != "raw":
        refuse(session, data, binary_format, "shape", shape=(3, 2))


@pytest.mark.parametrize("binary_format, data", [
    ("pickle", pickle.dumps([[1, 2], [3]])), ("pickle", pickle.dumps([1, [2]])),
    ("pickle", pickle.dumps([[1], 2])), ("erlang_binary", ERLANG_WRITER([[1, 2], [3]])),
    ("erlang_binary", ERLANG_WRITER([1, [2]])), ("erlang_binary", ERLANG_WRITER([[1], 2])),
])
def test_ragged_lists_are_refused_with_a_position(session, binary_format, data):
    refuse(session, data, binary_format, "byte", "ragged", shape=(3,))


def test_an_embedding_has_one_dimension(session):
    for binary_format in FORMATS[1:]:
        with refused(CODE.INVALID_ARGUMENT, "one dimension"):
            put(session, "v", np.zeros([2, 3]), binary_format, kind="embedding")
