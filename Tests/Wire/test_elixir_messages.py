"""The messages of clients/elixir, which protoc wrote from the .proto files, against these files.

What is written there must be right; an addition to the protocol may be missing until the client uses it.
"""

import re

import pytest
from google.protobuf.descriptor import FieldDescriptor as Field
from grpc_health.v1 import health_pb2

from stubs import REPOSITORY, error_details_pb2, pb

MODULES = REPOSITORY / "clients/elixir/lib_grpc/bridge_host/proto"
FILES = {"bridge.pb.ex": pb.DESCRIPTOR, "error_details.pb.ex": error_details_pb2.DESCRIPTOR,
         "health.pb.ex": health_pb2.DESCRIPTOR}
SCALARS = {Field.TYPE_STRING: "string", Field.TYPE_BYTES: "bytes", Field.TYPE_BOOL: "bool",
           Field.TYPE_INT32: "int32", Field.TYPE_INT64: "int64", Field.TYPE_DOUBLE: "double"}


def module(full_name):
    """The Elixir module of a message or enum."""
    parts = [part[0].upper() + part[1:] for part in full_name.split(".")]
    name = ".".join(parts)
    return name if name.startswith("Google.Protobuf.") else f"BridgeHost.Proto.{name}"


def declared(field):
    """What a line of the generated module says of a field."""
    if field.enum_type is not None:
        kind = module(field.enum_type.full_name)
    elif field.message_type is not None:
        kind = module(field.message_type.full_name)
    else:
        kind = SCALARS[field.type]
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    return (field.number, kind, field.is_repeated, field.enum_type is not None, is_map)


def expected(descriptor):
    """The fields of each module, by name."""
    modules = {}

    def add_enum(enum):
        modules[module(enum.full_name)] = {
            value.name: (value.number,) for value in enum.values}

    def add(message):
        modules[module(message.full_name)] = {
            field.name: declared(field) for field in message.fields}
        for nested in message.nested_types:
            add(nested)
        for enum in message.enum_types:
            add_enum(enum)

    for message in descriptor.message_types_by_name.values():
        add(message)
    for enum in descriptor.enum_types_by_name.values():
        add_enum(enum)
    return modules


def written(text):
    """The same, as the modules in a text say."""
    modules = {}
    for name, body in re.findall(r"^defmodule ([\w.]+) do$(.*?)^end$", text, re.M | re.S):
        if "use Protobuf" not in body:
            continue
        fields = {}
        for line in re.findall(r"^  field (.*?)(?=^  \w|\Z|\n\n)", body, re.M | re.S):
            field, number, *rest = re.split(r",\s*", line.strip())
            options = dict(option.split(": ", 1) for option in rest)
            if "enum: true, protoc" in body:
                fields[field[1:]] = (int(number),)
            else:
                fields[field[1:]] = (
                    int(number), options["type"].lstrip(":"), options.get("repeated") == "true",
                    options.get("enum") == "true", options.get("map") == "true")
        modules[name] = fields
    return modules


def rpcs(text):
    """What the services in a text offer: request, response, and whether each is a stream."""
    found = re.findall(r"rpc :(\w+),\s+(stream\()?([\w.]+)\)?,\s+(stream\()?([\w.]+)\)?", text)
    return {name: (request, bool(asks), response, bool(answers))
            for name, asks, request, answers, response in found}


@pytest.mark.parametrize("name", FILES)
def test_fields_are_those_of_the_protocol(name):
    protocol = expected(FILES[name])
    modules = written((MODULES / name).read_text())
    assert len(modules) > 1
    for where, fields in modules.items():
        assert where in protocol
        for field, says in fields.items():
            assert protocol[where].get(field) == says, f"{where}.{field}"


@pytest.mark.parametrize("name", ["bridge.pb.ex", "health.pb.ex"])
def test_rpcs_are_those_of_the_protocol(name):
    (service,) = FILES[name].services_by_name.values()
    protocol = {
        method.name: (module(method.input_type.full_name), method.client_streaming,
                      module(method.output_type.full_name), method.server_streaming)
        for method in service.methods}
    found = rpcs((MODULES / name).read_text())
    assert len(found) > 2
    for rpc, says in found.items():
        assert protocol.get(rpc) == says, rpc


def test_a_wrong_field_is_noticed():
    """What the tests above rest on: a number, a type or a label that is another is another text."""
    text = (MODULES / "bridge.pb.ex").read_text()
    right = expected(pb.DESCRIPTOR)
    assert right.items() >= written(text).items()
    for old, new in [("field :revision, 100, type: :int64", "field :revision, 101, type: :int64"),
                     ("field :session_id, 1, type: :string", "field :session_id, 1, type: :bytes"),
                     ("field :updates, 2,\n    repeated: true,", "field :updates, 2,")]:
        assert old in text
        assert not right.items() >= written(text.replace(old, new)).items(), new
