"""Values between Python and the wire; see docs/protocol.md, "Values"."""

from __future__ import annotations

import array
import json
import math
import struct
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Optional, Union

from .errors import Internal

numpy: Any
try:
    import numpy as _numpy

    numpy = _numpy
except ImportError:
    numpy = None

# dtype: (letter of struct, bytes)
_LETTERS = {
    "float32": "f", "float64": "d", "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B",
    "uint16": "H", "uint32": "I", "uint64": "Q", "bool": "?"}
_SIZES = {name: struct.calcsize("<" + letter) for name, letter in _LETTERS.items()}
# What hosts read beside them, and answer as float32.
_HALF = {"float16", "bfloat16"}
_NAMED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_NUMERIC = ("embedding", "tensor")
_LARGEST = 2**63 - 1

#: The key of a write's metadata that names the dtype of an array: a host that answers a small array as JSON does
#: not say what its elements were.
DTYPE_KEY = "dtype"

#: Bytes from which an array is not copied more often than it must be.
LARGE = 1 << 16

JSON_URL = "type.snakepit.bridge/json"


class Tensor:
    """Numbers in a shape, as bytes: what stands for an array where numpy is not wanted.

    The elements lie row by row, little-endian, which is how they travel. A tensor does not change.

    >>> tensor = Tensor.of([[1, 2, 3], [4, 5, 6]], dtype="float32")
    >>> tensor.shape, tensor.nbytes, tensor.tolist()
    ((2, 3), 24, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    """

    __slots__ = ("data", "dtype", "shape")

    data: memoryview
    dtype: str
    shape: tuple[int, ...]

    def __init__(self, data: Any, dtype: str, shape: Optional[Sequence[int]] = None) -> None:
        """Takes bytes for the elements, any object with a buffer, without a copy.

        `dtype` is float32, float64, int8 to int64, uint8 to uint64 or bool. Without a shape there is one
        dimension. ValueError when the shape asks for another number of bytes.
        """
        if dtype not in _SIZES:
            raise ValueError(f"unknown dtype {dtype!r}; use one of {', '.join(_SIZES)}")
        view = memoryview(data)
        view = memoryview(b"") if view.nbytes == 0 else view.cast("B")
        size = _SIZES[dtype]
        if shape is None:
            if view.nbytes % size:
                raise ValueError(f"{view.nbytes} bytes are no whole number of {dtype}")
            shape = (view.nbytes // size,)
        self.shape = tuple(int(count) for count in shape)
        if any(count < 0 for count in self.shape) or math.prod(self.shape) * size != view.nbytes:
            raise ValueError(
                f"a {dtype} tensor of the shape {list(self.shape)} has {math.prod(self.shape) * size} bytes, "
                f"not {view.nbytes}")
        self.data = view.toreadonly()
        self.dtype = dtype

    @classmethod
    def of(cls, elements: Any, dtype: Optional[str] = None) -> Tensor:
        """Makes a tensor of nested lists of one shape, or of a single element.

        Without a dtype numbers are float64; whole ones that float64 does not hold int64 or uint64; booleans
        alone bool. TypeError for what is no number, ValueError for lists of no common shape or elements that do
        not fit.
        """
        shape = _shape_of(elements)
        flat = list(_flatten(elements, len(shape)))
        if len(flat) != math.prod(shape):
            raise ValueError("the lists have no common shape")
        kinds = set(map(type, flat))
        if kinds & {list, tuple}:
            raise ValueError("the lists have no common shape")
        if not kinds <= {float, int, bool}:
            raise TypeError("the elements are no numbers")
        if dtype is None:
            dtype = _dtype_of(flat, kinds)
        elif dtype not in _SIZES:
            raise ValueError(f"unknown dtype {dtype!r}; use one of {', '.join(_SIZES)}")
        return cls(_packed(flat, dtype), dtype, shape)

    @property
    def nbytes(self) -> int:
        """How many bytes the elements take."""
        return self.data.nbytes

    def flat(self) -> list[Any]:
        """The elements as one list, row by row."""
        count = self.data.nbytes // _SIZES[self.dtype]
        return list(struct.unpack(f"<{count}{_LETTERS[self.dtype]}", self.data))

    def tolist(self) -> Any:
        """The elements as nested lists; a single element for the shape `()`."""
        return _nested(self.flat(), self.shape)

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> Any:
        result = _to_numpy(self.data, self.dtype, self.shape)
        return result if dtype is None else result.astype(dtype, copy=False)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a tensor of the shape () has no length")
        return self.shape[0]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tensor):
            return NotImplemented
        return (self.dtype, self.shape, self.data) == (other.dtype, other.shape, other.data)

    def __hash__(self) -> int:
        return hash((self.dtype, self.shape, bytes(self.data)))

    def __reduce__(self) -> Any:
        return (Tensor, (bytes(self.data), self.dtype, self.shape))

    def __repr__(self) -> str:
        if self.nbytes <= 1024:
            return f"Tensor.of({self.tolist()!r}, dtype={self.dtype!r})"
        return f"<Tensor {self.dtype} {list(self.shape)}, {self.nbytes} bytes>"


def _shape_of(elements: Any) -> tuple[int, ...]:
    shape: list[int] = []
    while isinstance(elements, (list, tuple)):
        shape.append(len(elements))
        if not elements:
            break
        elements = elements[0]
    return tuple(shape)


def _flatten(elements: Any, depth: int) -> Iterable[Any]:
    if depth == 0:
        return (elements,)
    if not isinstance(elements, (list, tuple)):
        raise ValueError("the lists have no common shape")
    if depth == 1:
        return elements
    width = len(elements[0]) if isinstance(elements[0], (list, tuple)) else -1
    result: list[Any] = []
    for element in elements:
        if not isinstance(element, (list, tuple)) or len(element) != width:
            raise ValueError("the lists have no common shape")
        result.extend(_flatten(element, depth - 1))
    return result


def _nested(flat: list[Any], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    if len(shape) == 1:
        return flat
    size = math.prod(shape[1:])
    return [_nested(flat[at * size:(at + 1) * size], shape[1:]) for at in range(shape[0])]


def _dtype_of(flat: list[Any], kinds: set[type]) -> str:
    """As a host takes numbers of JSON."""
    if kinds == {bool}:
        return "bool"
    if bool in kinds:
        raise TypeError("booleans and numbers are mixed")
    if float in kinds or not flat:
        return "float64"
    low, high = min(flat), max(flat)
    if -(2**53) <= low and high <= 2**53:
        return "float64"
    if all(abs(element) < 2**64 and int(float(element)) == element for element in flat):
        return "float64"
    return "uint64" if high > _LARGEST else "int64"


def _packed(flat: list[Any], dtype: str) -> bytes:
    try:
        if dtype == "float64" and sys.byteorder == "little":
            return array.array("d", flat).tobytes()
        if dtype == "bool" and set(map(type, flat)) - {bool}:
            raise ValueError("an element does not fit bool")
        return struct.pack(f"<{len(flat)}{_LETTERS[dtype]}", *flat)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"an element does not fit {dtype}: {error}") from None


def _to_numpy(data: Any, dtype: str, shape: Sequence[int]) -> Any:
    """An array of its own memory, which may be written."""
    kind = numpy.dtype(dtype).newbyteorder("<")
    if math.prod(shape) == 0:
        return numpy.zeros(shape, numpy.dtype(dtype))
    return numpy.frombuffer(data, kind).reshape(shape).astype(numpy.dtype(dtype))


class Encoded(NamedTuple):
    """A value on the wire: a type URL, the bytes of `Any.value`, bytes beside it, and their dtype."""

    url: str
    text: bytes
    # Of a large array a view of its memory.
    binary: Union[bytes, memoryview]
    dtype: str

    def fill(self, message: Any) -> None:
        """Writes URL and text into an Any."""
        message.type_url = self.url
        message.value = self.text


class _Elements(NamedTuple):
    """An array as the wire has it; of a large one a view of its memory."""

    data: Union[bytes, memoryview]
    dtype: str
    shape: tuple[int, ...]


def _elements(value: Any) -> Optional[_Elements]:
    """The elements of an array or of what can be seen as one; None for everything else."""
    if isinstance(value, Tensor):
        return _Elements(bytes(value.data), value.dtype, value.shape)
    if numpy is not None:
        if isinstance(value, numpy.ndarray):
            return _numpy_elements(value)
        if isinstance(value, numpy.generic):
            return None
    if isinstance(value, (str, bytes, bytearray, int, float, list, tuple, dict, type(None))):
        return None
    if isinstance(value, (array.array, memoryview)):
        view = memoryview(value)
        letter = view.format.lstrip("@=")
        for dtype, own in _LETTERS.items():
            same = own == letter if letter in "fd?" else (
                letter in "bBhHiIlLqQ" and dtype.startswith("int" if letter.islower() else "uint"))
            if same and _SIZES[dtype] == view.itemsize and sys.byteorder == "little":
                return _Elements(view.tobytes(), dtype, tuple(view.shape or ()))
        raise TypeError(f"a buffer of the format {view.format!r} is no array of numbers")
    if numpy is not None and hasattr(value, "__array__"):
        return _numpy_elements(numpy.asarray(value))
    return None


def _numpy_elements(value: Any) -> _Elements:
    if isinstance(value, numpy.ma.MaskedArray):
        raise TypeError("a masked array: fill it first")
    dtype = value.dtype.name
    if dtype not in _SIZES and dtype not in _HALF:
        raise TypeError(f"arrays of {dtype} cannot be sent; convert to one of {', '.join(_SIZES)}")
    if value.dtype.str.startswith(">"):
        value = value.astype(value.dtype.newbyteorder("<"))
    if value.nbytes >= LARGE and value.flags.c_contiguous and dtype in _SIZES:
        return _Elements(memoryview(value).cast("B"), dtype, value.shape)
    # Row by row, whatever the order in memory.
    return _Elements(value.tobytes(), dtype, value.shape)


def encode(value: Any, kind: Optional[str] = None) -> Encoded:
    """A variable's value. The type is known when it is registered; a host knows it otherwise."""
    if kind not in (None, "embedding", "tensor"):
        return Encoded(f"dspex.variables/{kind}", to_json(_scalar(value)), b"", "")
    elements = _elements(value)
    if elements is None and isinstance(value, (list, tuple)):
        try:
            tensor = Tensor.of(value)
            elements = _Elements(bytes(tensor.data), tensor.dtype, tensor.shape)
        except (TypeError, ValueError):
            # Names of numbers, mixed kinds: the host says what is wrong.
            pass
    if elements is not None:
        own = kind or ("embedding" if len(elements.shape) == 1 else "tensor")
        return Encoded(
            f"dspex.variables/{own}.binary", _description(elements, own), elements.data, elements.dtype)
    url = JSON_URL if kind is None else f"dspex.variables/{kind}"
    return Encoded(url, to_json(_scalar(value)), b"", "")


def _description(elements: _Elements, kind: str) -> bytes:
    shape = ",".join(map(str, elements.shape))
    return (f'{{"shape":[{shape}],"dtype":"{elements.dtype}","binary_format":"raw","type":"{kind}"}}').encode()


def encode_parameter(value: Any) -> tuple[Optional[Encoded], Optional[bytes]]:
    """A tool's parameter: what stands in `parameters`, and what in `binary_parameters`.

    Bytes travel alone, arrays as bytes with a description, everything else as JSON.
    """
    if isinstance(value, (bytes, bytearray)):
        return None, bytes(value)
    if isinstance(value, memoryview) and value.format == "B":
        return None, value.tobytes()
    elements = _elements(value)
    if elements is not None:
        kind = "embedding" if len(elements.shape) == 1 else "tensor"
        described = _description(elements, kind)
        return Encoded(f"dspex.variables/{kind}.binary", described, b"", elements.dtype), bytes(elements.data)
    return Encoded(JSON_URL, to_json(_scalar(value)), b"", ""), None


def _scalar(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        raise TypeError("bytes are no value of a variable")
    if numpy is not None and isinstance(value, numpy.generic):
        return _plain(value)
    return value


def to_json(value: Any) -> bytes:
    """JSON as the host reads it: floats that are no numbers are texts."""
    kind = type(value)
    if kind is float:
        if value - value == 0:
            return repr(value).encode()
        return b'"NaN"' if value != value else b'"Infinity"' if value > 0 else b'"-Infinity"'
    try:
        text = _ENCODER.encode(value)
    except ValueError:
        text = _ENCODER.encode(_named(value, frozenset()))
    return text.encode("utf-8")


def _plain(value: Any) -> Any:
    """What JSON has no form for, as something that it has."""
    if numpy is not None and isinstance(value, numpy.generic):
        item = value.item()
        if isinstance(item, (bool, int, float, str)):
            return item
    elements = _elements(value)
    if elements is not None:
        return _tensor(elements).tolist()
    raise TypeError(f"a value of the type {type(value).__name__} cannot be sent")


def _tensor(elements: _Elements) -> Tensor:
    if elements.dtype in _HALF:
        raise TypeError(f"arrays of {elements.dtype} cannot be written as JSON")
    return Tensor(elements.data, elements.dtype, elements.shape)


def _named(value: Any, above: frozenset[int]) -> Any:
    """The same with names in place of floats that are no numbers."""
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, (list, tuple, dict)):
        if id(value) in above:
            raise ValueError("the value contains itself")
        above = above | {id(value)}
        if isinstance(value, dict):
            return {key: _named(element, above) for key, element in value.items()}
        return [_named(element, above) for element in value]
    if isinstance(value, (str, int, type(None))):
        return value
    return _named(_plain(value), above)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


class Codec:
    """Reads values. `arrays`: whether embeddings and tensors come as arrays of numpy."""

    __slots__ = ("arrays",)

    def __init__(self, arrays: Optional[bool] = None) -> None:
        if arrays and numpy is None:
            raise ImportError("numpy is not installed")
        self.arrays = numpy is not None if arrays is None else arrays

    def decode(self, kind: str, message: Any, binary: bytes, dtype: str = "") -> Any:
        """The value of a variable. `dtype` is what its writer has said that the elements were."""
        url, text = message.type_url, message.value
        if kind not in _NUMERIC:
            if kind == "float":
                number = from_json(text)
                return _NAMED[number] if isinstance(number, str) and number in _NAMED else float(number)
            return from_json(text)
        if url.endswith(".binary"):
            return self._binary(kind, text, binary, dtype)
        content = from_json(text)
        try:
            if isinstance(content, dict):
                flat = list(_all(content["data"]))
                shape = tuple(content["shape"])
            else:
                flat, shape = content, (len(content),)
            return self._numbers(kind, flat, shape, dtype)
        except (KeyError, TypeError, ValueError) as error:
            raise Internal(f"the host sent a {kind} that is none: {error}") from None

    def _binary(self, kind: str, text: bytes, binary: bytes, dtype: str) -> Any:
        description = from_json(text)
        try:
            if description.get("binary_format", "raw") != "raw":
                raise ValueError(f"bytes as {description['binary_format']}")
            own, shape = description["dtype"], description["shape"]
            if self.arrays:
                values = _to_numpy(binary, own, shape)
                # A host answers halves as float32, everything else as what it is.
                return _typed(values, dtype) if dtype == "float16" and own == "float32" else values
            tensor = Tensor(binary, own, shape)
            return tensor.tolist() if kind == "embedding" else tensor
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Internal(f"the host sent a {kind} that is none: {error}") from None

    def _numbers(self, kind: str, flat: list[Any], shape: tuple[int, ...], dtype: str) -> Any:
        """Of elements that came as JSON, where those of integers are written without a point."""
        if any(type(element) is str for element in flat):
            flat = [_NAMED[element] if type(element) is str else element for element in flat]
        kinds = set(map(type, flat))
        if kinds == {int}:
            own = "uint64" if max(flat) > _LARGEST else "int64"
        else:
            own = "bool" if kinds == {bool} else "float64"
        if self.arrays:
            return _typed(numpy.array(flat, own).reshape(shape), dtype)
        if kind == "embedding":
            return flat
        tensor = Tensor(_packed(flat, own), own, shape)
        if dtype in _SIZES and dtype != own:
            try:
                typed = Tensor(_packed([_like(element, dtype) for element in flat], dtype), dtype, shape)
            except (ValueError, OverflowError):
                return tensor
            if all(a == b or a != a and b != b for a, b in zip(typed.flat(), flat)):
                return typed
        return tensor

    def decode_result(self, message: Any, binary: bytes) -> Any:
        """The result of a tool, whose type nobody has declared."""
        url, text = message.type_url, message.value
        if not url and not text:
            return bytes(binary) if binary else None
        name = url.rpartition("/")[2].removeprefix("snakepit.")
        if name in ("embedding.binary", "tensor.binary"):
            return self.decode(name[:-7], message, binary)
        if binary:
            return bytes(binary)
        if url.startswith("dspex.variables/") and name in ("float", *_NUMERIC):
            return self.decode(name, message, b"")
        return from_json(text)


def _all(data: Any) -> Iterable[Any]:
    if not isinstance(data, list):
        return (data,)
    if any(isinstance(element, list) for element in data):
        return [inner for element in data for inner in _all(element)]
    return data


def _like(element: Any, dtype: str) -> Union[int, float, bool]:
    if dtype == "bool":
        if element in (0, 1):
            return bool(element)
        raise ValueError("no boolean")
    if dtype.startswith("float"):
        return float(element)
    if element != element or element in (math.inf, -math.inf):
        raise ValueError("no whole number")
    return int(element)


def _typed(values: Any, dtype: str) -> Any:
    """The same elements under the dtype that the writer has named, if nothing changes."""
    if not dtype or values.dtype.name == dtype or dtype not in _SIZES and dtype != "float16":
        return values
    with numpy.errstate(all="ignore"):
        result = values.astype(dtype)
        # The way back as well: int64 and float64 are compared as float64.
        if (result.astype(values.dtype) != values).any() if values.dtype.kind != "f" else not (
                numpy.array_equal(result.astype(values.dtype), values, equal_nan=True)):
            return values
    return result


def from_json(text: Union[str, bytes]) -> Any:
    """Parses what the host has sent."""
    try:
        return json.loads(text)
    except ValueError:
        raise Internal("the host sent a value that is no JSON") from None
