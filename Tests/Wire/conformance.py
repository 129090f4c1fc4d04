"""The test services that outside suites call: their messages, their server, clients for them.

The messages live in Python's default pool of descriptors, and no module is generated for them:
`grpc.testing` would be a module inside of grpcio's own package.
"""

import contextlib
import os
import pathlib
import re
import subprocess
import tempfile

import grpc
import grpc_tools
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
# What the messages below use must be in the pool before them.
from google.protobuf import any_pb2, empty_pb2, struct_pb2, wrappers_pb2  # noqa: F401
from grpc_tools import protoc

from stubs import REPOSITORY

SERVER = pathlib.Path(
    os.environ.get("BRIDGE_HOST", ".build/debug/bridge-host")).resolve().parent / "ConformanceServer"
PROTOS = REPOSITORY / "Tests" / "ConformanceSupport" / "Protos"
FILES = ["grpc/testing/test.proto", "connectrpc/conformance/v1/service.proto",
         "connectrpc/conformance/v1/server_compat.proto",
         "connectrpc/conformance/v1/client_compat.proto"]


def _describe():
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    with tempfile.NamedTemporaryFile() as target:
        code = protoc.main(["protoc", f"-I{PROTOS}", f"-I{well_known}",
                            f"--descriptor_set_out={target.name}", *FILES])
        if code != 0:
            raise RuntimeError(f"protoc failed with code {code}")
        files = descriptor_pb2.FileDescriptorSet.FromString(
            pathlib.Path(target.name).read_bytes()).file
    for file in files:
        descriptor_pool.Default().AddSerializedFile(file.SerializeToString())


_describe()


def message(name):
    """The class of a message."""
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name))


class Stub:
    """The methods of a service as grpcio's callables."""

    def __init__(self, channel, service):
        for method in descriptor_pool.Default().FindServiceByName(service).methods:
            kind = "{}_{}".format(*("stream" if streams else "unary" for streams in (
                method.client_streaming, method.server_streaming)))
            call = getattr(channel, kind)(
                f"/{service}/{method.name}",
                request_serializer=message(method.input_type.full_name).SerializeToString,
                response_deserializer=message(method.output_type.full_name).FromString)
            setattr(self, method.name, call)


class Server:
    def __init__(self, *arguments):
        if not SERVER.exists():
            pytest.fail(f"no server at {SERVER}: build ConformanceServer, or set BRIDGE_HOST")
        self.process = subprocess.Popen([SERVER, *arguments], stdout=subprocess.PIPE, text=True)
        self.port = int(re.match(r"GRPC_READY:(\d+)", self.process.stdout.readline()).group(1))

    def channel(self):
        return grpc.insecure_channel(f"127.0.0.1:{self.port}", options=[
            ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0),
            ("grpc.max_receive_message_length", -1)])


@contextlib.contextmanager
def start_server(*arguments):
    server = Server(*arguments)
    try:
        yield server
        assert server.process.poll() is None, f"the server exited: {server.process.returncode}"
    finally:
        server.process.terminate()
        server.process.wait(20)
