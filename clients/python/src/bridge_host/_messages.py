"""The messages and methods of the protocol, made from its descriptors at run time.

The descriptors lie in a pool of their own: a program may have other generations of the same messages.
"""

from __future__ import annotations

import importlib.resources
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


class Method(NamedTuple):
    """A method of a service."""

    path: str
    request: Any
    response: Any
    request_streams: bool
    response_streams: bool


def _load() -> tuple[dict[str, Any], dict[str, Method]]:
    data = importlib.resources.files("bridge_host").joinpath("descriptors.binpb").read_bytes()
    pool = descriptor_pool.DescriptorPool()
    messages: dict[str, Any] = {}
    methods: dict[str, Method] = {}
    files = descriptor_pb2.FileDescriptorSet.FromString(data).file
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    for file in files:
        for message in file.message_type:
            descriptor = pool.FindMessageTypeByName(f"{file.package}.{message.name}")
            messages[message.name] = message_factory.GetMessageClass(descriptor)
        for service in file.service:
            for method in service.method:
                methods[method.name] = Method(
                    f"/{file.package}.{service.name}/{method.name}",
                    _message(pool, method.input_type), _message(pool, method.output_type),
                    method.client_streaming, method.server_streaming)
    return messages, methods


def _message(pool: descriptor_pool.DescriptorPool, name: str) -> Any:
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name.lstrip(".")))


#: Top-level messages by their name without the package; no two of the protocol have the same.
MESSAGES, METHODS = _load()

AnyMessage = MESSAGES["Any"]
StatusMessage = MESSAGES["Status"]
ErrorInfoMessage = MESSAGES["ErrorInfo"]
RetryInfoMessage = MESSAGES["RetryInfo"]
