"""Strategies for hypothesis: arguments of a tool, made from its schema.

Needs the package hypothesis, which `bridge-plugin-testing[hypothesis]` brings.
"""

from __future__ import annotations

import json
import math
from typing import Any, Mapping, Union

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]


def arguments(tool: Mapping[str, Any], **given: Strategy) -> Strategy:
    """Arguments that a tool takes.

        @given(data=data())
        def test_echo(plugin_host, data):
            sent = data.draw(arguments(plugin_host.tools["echo"]))
            assert plugin_host.call("echo", sent).result == sent["text"]

    Args:
        tool: Of `Host.tools`.
        given: Strategies for single parameters, in the place of the schema's.

    Raises:
        ValueError: The schema says what this does not know; give the parameter a strategy of its own.
    """
    return _object(tool["inputSchema"], given)


def values(schema: Union[bool, Mapping[str, Any]]) -> Strategy:
    """Values that a JSON Schema (2020-12) takes, as far as it uses the keywords for types, numbers, texts, lists,
    objects and choices.

    Raises:
        ValueError: It uses others.
    """
    if schema is True or schema == {}:
        return _any()
    if schema is False:
        return st.nothing()
    unknown = set(schema) - _KEYWORDS
    if unknown:
        raise ValueError(f"no values can be made for {sorted(unknown)} in {json.dumps(schema)}")
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return st.one_of([values(option) for option in schema[choice]])
    types = schema.get("type", list(_TYPES))
    return st.one_of(
        [_TYPES[name](schema) for name in ([types] if isinstance(types, str) else types)])


_KEYWORDS = {
    "$schema", "$comment", "title", "description", "default", "examples", "type", "const", "enum",
    "anyOf", "oneOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minLength", "maxLength", "pattern", "format", "items", "minItems", "maxItems", "uniqueItems",
    "properties", "required", "additionalProperties", "minProperties", "maxProperties",
    "readOnly", "writeOnly", "deprecated", "contentEncoding",
}


def _any() -> Strategy:
    leaves = st.none() | st.booleans() | st.integers(-2**53, 2**53) | _number({}) | st.text()
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.text(max_size=8), inner, max_size=3), max_leaves=8)


def _number(schema: Mapping[str, Any]) -> Strategy:
    if "multipleOf" in schema:
        return _integer(schema).map(float) if float(schema["multipleOf"]).is_integer() else st.nothing()
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    return st.floats(
        min_value=above if above is not None else low,
        max_value=below if below is not None else high, exclude_min=above is not None,
        exclude_max=below is not None, allow_nan=False, allow_infinity=False)


def _integer(schema: Mapping[str, Any]) -> Strategy:
    step = int(schema.get("multipleOf", 1))
    low = schema.get("minimum", -2**63)
    high = schema.get("maximum", 2**63 - 1)
    if "exclusiveMinimum" in schema:
        low = max(low, math.floor(schema["exclusiveMinimum"]) + 1)
    if "exclusiveMaximum" in schema:
        high = min(high, math.ceil(schema["exclusiveMaximum"]) - 1)
    first, last = -(-math.ceil(low) // step), math.floor(high) // step
    return st.integers(first, last).map(lambda number: number * step)


def _text(schema: Mapping[str, Any]) -> Strategy:
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    if "pattern" in schema:
        # The host counts characters as Unicode scalars, as Python does.
        made = st.from_regex(schema["pattern"])
        return made.filter(lambda text: low <= len(text) <= (len(text) if high is None else high))
    # Texts are UTF-8: there are no surrogates.
    return st.text(st.characters(codec="utf-8"), min_size=low, max_size=high)


def _list(schema: Mapping[str, Any]) -> Strategy:
    # Some sizes make no small cases: what is large is asked for by a strategy of one's own.
    low = schema.get("minItems", 0)
    high = schema.get("maxItems", max(low, 16))
    items = values(schema.get("items", True))
    unique = json.dumps if schema.get("uniqueItems") else None
    return st.lists(items, min_size=low, max_size=high, unique_by=unique)


def _object(schema: Mapping[str, Any], given: Mapping[str, Strategy] = {}) -> Strategy:
    members = {name: given[name] if name in given else values(member)
               for name, member in schema.get("properties", {}).items()}
    for name in schema.get("required", []):
        if name not in members:
            members[name] = given.get(name, values(schema.get("additionalProperties", True)))
    needed = {name for name in members if name in schema.get("required", []) or name in given}
    made = st.fixed_dictionaries(
        {name: members[name] for name in members if name in needed},
        optional={name: members[name] for name in members if name not in needed})
    low, high = schema.get("minProperties", 0), schema.get("maxProperties", math.inf)
    rest = schema.get("additionalProperties", True)
    if not members and rest is not False:
        return st.dictionaries(
            st.text(st.characters(codec="utf-8"), max_size=16), values(rest), min_size=low,
            max_size=None if high == math.inf else int(high))
    if low or high != math.inf:
        return made.filter(lambda value: low <= len(value) <= high)
    return made


_TYPES = {
    "null": lambda _: st.none(), "boolean": lambda _: st.booleans(), "integer": _integer,
    "number": _number, "string": _text, "array": _list, "object": _object,
}
