"""Examples/Greeter: a service and its client as another package would write them."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_tools import protoc

from certificates import Authority
from stubs import REPOSITORY, status_pb2

PROGRAM = pathlib.Path(
    os.environ.get("BRIDGE_HOST", ".build/debug/bridge-host")).resolve().parent / "Greeter"
TIMEOUT = 60

# What `Greeter call` prints of calls of every kind.
OUTPUT = """\
Hello, Ada!
INVALID_ARGUMENT: a greeting needs a name (name)
Hello, Grace! (3)
Hello, Barbara and Frances!
Hello, Jean!
Hello, Betty!
"""


@contextlib.contextmanager
def serving(*files):
    """A Greeter, ended and checked for exit code 0; yields its address."""
    process = subprocess.Popen(
        [PROGRAM, "serve", "127.0.0.1:0", *files], stdout=subprocess.PIPE, text=True)
    try:
        yield re.match(r"GRPC_READY:(127\.0\.0\.1:\d+)", process.stdout.readline()).group(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
    finally:
        process.kill()
        process.wait()


def call(address, *files):
    return subprocess.run(
        [PROGRAM, "call", address, *files], stdout=subprocess.PIPE, text=True, timeout=TIMEOUT,
        check=True).stdout


@pytest.fixture(scope="module")
def greeter(tmp_path_factory):
    """The messages and stubs of greeter.proto."""
    target = tmp_path_factory.mktemp("greeter")
    protos = REPOSITORY / "Examples/Greeter/Protos"
    assert protoc.main([
        "protoc", f"-I{protos}", f"--python_out={target}", f"--grpc_python_out={target}",
        "greeter.proto"]) == 0
    sys.path.insert(0, str(target))
    import greeter_pb2
    import greeter_pb2_grpc
    return greeter_pb2, greeter_pb2_grpc


def test_its_own_client():
    with serving() as address:
        assert call(address) == OUTPUT


def test_tls(tmp_path):
    authority = Authority(tmp_path, "authority")
    server = authority.server()
    with serving(server.certificate_file, server.key_file) as address:
        assert call(address, authority.certificate_file) == OUTPUT


def test_another_client(greeter):
    messages, services = greeter
    with serving() as address, grpc.insecure_channel(address) as channel:
        stub = services.GreeterStub(channel)
        ada = messages.GreetRequest(name="Ada")
        assert stub.Greet(ada, timeout=TIMEOUT).text == "Hello, Ada!"
        often = stub.GreetOften(
            messages.GreetOftenRequest(name="Ada", times=100), timeout=TIMEOUT)
        assert [answer.text for answer in often] == ["Hello, Ada!"] * 100
        assert stub.GreetAll(iter([ada, ada]), timeout=TIMEOUT).text == "Hello, Ada and Ada!"
        each = stub.GreetEach(iter([ada] * 3), timeout=TIMEOUT)
        assert dict(each.initial_metadata())["x-peer"].startswith("ipv4:127.0.0.1:")
        assert [answer.text for answer in each] == ["Hello, Ada!"] * 3

        status = HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service="example.Greeter"), timeout=TIMEOUT)
        assert status.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("method", ["Greet", "GreetOften", "GreetAll", "GreetEach"])
def test_errors_have_details(greeter, method):
    messages, services = greeter
    with serving() as address, grpc.insecure_channel(address) as channel:
        call = getattr(services.GreeterStub(channel), method)
        nobody = messages.GreetRequest()
        request = {"Greet": nobody, "GreetOften": messages.GreetOftenRequest()}.get(
            method, iter([nobody]))
        with pytest.raises(grpc.RpcError) as caught:
            answer = call(request, timeout=TIMEOUT)
            if hasattr(answer, "__next__"):
                next(answer)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        status = status_pb2.Status.FromString(
            dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
        assert status.code == 3
        missing = messages.MissingField()
        assert status.details[0].Unpack(missing)
        assert missing.field == "name"


def test_messages_that_are_none(greeter):
    with serving() as address, grpc.insecure_channel(address) as channel:
        for method in ["Greet", "GreetOften"]:
            with pytest.raises(grpc.RpcError) as caught:
                list(channel.unary_stream(f"/example.Greeter/{method}")(b"\xff", timeout=TIMEOUT))
            assert caught.value.code() == grpc.StatusCode.INTERNAL
            assert "not a well-formed example.Greet" in caught.value.details()
        with pytest.raises(grpc.RpcError) as caught:
            list(channel.stream_stream("/example.Greeter/GreetEach")(
                iter([b"\xff"]), timeout=TIMEOUT))
        assert caught.value.code() == grpc.StatusCode.INTERNAL
