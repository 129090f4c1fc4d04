"""Server reflection: by its own protocol, and by grpcio, grpcurl and buf, which live on it."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection_pb2 as v1alpha
from grpc_reflection.v1alpha import reflection_pb2_grpc as v1alpha_rpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase)

from bridge import CALL_TIMEOUT, CODE, REPOSITORY, start_host, value_of
from stubs import pb

BRIDGE = "snakepit.bridge.BridgeService"
SERVICES = [
    "bridge_host.v1.ClientToolService", "bridge_host.v1.SessionAdminService",
    "bridge_host.v1.ToolAdminService", "bridge_host.v1.TransactionService", "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection", BRIDGE,
]
Request = v1alpha.ServerReflectionRequest


@pytest.fixture(params=["v1", "v1alpha"])
def ask(request, host):
    """Sends requests on one stream of either version and gives the responses."""
    call = host.channel().stream_stream(
        f"/grpc.reflection.{request.param}.ServerReflection/ServerReflectionInfo",
        request_serializer=Request.SerializeToString,
        response_deserializer=v1alpha.ServerReflectionResponse.FromString)

    def ask(*requests):
        return list(call(iter(requests), timeout=CALL_TIMEOUT))

    return ask


def files_of(response):
    assert response.WhichOneof("message_response") == "file_descriptor_response", response
    return [descriptor_pb2.FileDescriptorProto.FromString(file)
            for file in response.file_descriptor_response.file_descriptor_proto]


def test_services_are_listed(ask):
    request = Request(host="me", list_services="*")
    response, = ask(request)
    assert [each.name for each in response.list_services_response.service] == SERVICES
    assert response.valid_host == "me"
    assert response.original_request == request


def test_requests_of_one_stream_are_answered_in_order(ask):
    names = [f"nothing.N{number}" for number in range(200)]
    responses = ask(*(Request(file_containing_symbol=name) for name in names))
    assert [each.original_request.file_containing_symbol for each in responses] == names
    assert ask() == []


@pytest.mark.parametrize("symbol, file", [
    (BRIDGE, "snakepit/bridge/bridge.proto"),
    (BRIDGE + ".Ping", "snakepit/bridge/bridge.proto"),
    ("snakepit.bridge.Variable", "snakepit/bridge/bridge.proto"),
    ("snakepit.bridge.Variable.Source", "snakepit/bridge/bridge.proto"),
    ("snakepit.bridge.Variable.version", "snakepit/bridge/bridge.proto"),
    ("google.protobuf.Any", "google/protobuf/any.proto"),
    ("google.protobuf.DoubleValue", "google/protobuf/wrappers.proto"),
    ("google.rpc.ErrorInfo", "google/rpc/error_details.proto"),
    ("google.rpc.RetryInfo", "google/rpc/error_details.proto"),
    ("grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"),
    ("grpc.reflection.v1.ServerReflection", "grpc/reflection/v1/reflection.proto"),
    ("grpc.reflection.v1alpha.ServerReflection", "grpc/reflection/v1alpha/reflection.proto"),
])
def test_a_symbol_leads_to_its_file(ask, symbol, file):
    by_symbol, by_name = ask(
        Request(file_containing_symbol=symbol), Request(file_by_filename=file))
    assert files_of(by_symbol)[0].name == file
    assert files_of(by_symbol) == files_of(by_name)


def test_a_file_comes_with_all_it_imports(ask):
    response, = ask(Request(file_by_filename="snakepit/bridge/bridge.proto"))
    files = files_of(response)
    assert [file.name for file in files][0] == "snakepit/bridge/bridge.proto"
    assert sorted(file.name for file in files[1:]) == [
        "google/protobuf/any.proto", "google/protobuf/timestamp.proto"]
    # They are a whole: each can be built once what follows it is.
    pool = descriptor_pool.DescriptorPool()
    for file in reversed(files):
        pool.Add(file)
    found = pool.FindServiceByName(BRIDGE)
    assert [method.name for method in found.methods] == [
        method.name for method in pb.DESCRIPTOR.services_by_name["BridgeService"].methods]


def test_extensions(ask):
    # The protocol has none; a message without any is not an unknown message.
    none, unknown, of_unknown = ask(
        Request(all_extension_numbers_of_type="snakepit.bridge.Variable"),
        Request(all_extension_numbers_of_type="snakepit.bridge.Nothing"),
        Request(file_containing_extension=v1alpha.ExtensionRequest(
            containing_type="snakepit.bridge.Variable", extension_number=100)))
    answer = none.all_extension_numbers_response
    assert answer.base_type_name == "snakepit.bridge.Variable"
    assert list(answer.extension_number) == []
    for response in (unknown, of_unknown):
        assert response.error_response.error_code == CODE.NOT_FOUND.value[0]


@pytest.mark.parametrize("request_, code", [
    (Request(file_by_filename="nothing.proto"), CODE.NOT_FOUND),
    (Request(file_containing_symbol="snakepit.bridge.Nothing"), CODE.NOT_FOUND),
    (Request(file_containing_symbol=""), CODE.NOT_FOUND),
    (Request(host="me"), CODE.INVALID_ARGUMENT),
])
def test_what_is_not_there_is_an_answer(ask, request_, code):
    wrong, right = ask(request_, Request(list_services=""))
    assert wrong.error_response.error_code == code.value[0]
    assert wrong.error_response.error_message
    assert wrong.original_request == request_
    assert len(right.list_services_response.service) == len(SERVICES)


def test_a_client_that_does_not_read_is_bounded(host):
    """Its requests are a few bytes, their answers thousands: those must not pile up."""
    call = host.channel().stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        request_serializer=Request.SerializeToString)
    request = Request(file_containing_symbol=BRIDGE)
    responses = call((request for _ in range(100_000)), timeout=120)
    before = resident_bytes(host)
    next(responses)
    try:
        # Either the answers are waited for, or the call has been ended.
        for _ in range(200):
            if not responses.is_active():
                break
            assert resident_bytes(host) - before < 100_000_000
            next(responses)
    except grpc.RpcError as error:
        assert error.code() == CODE.RESOURCE_EXHAUSTED
    responses.cancel()


def resident_bytes(host):
    status = pathlib.Path(f"/proc/{host.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def test_reflection_can_be_turned_off():
    with start_host("--no-reflection") as host:
        stub = v1alpha_rpc.ServerReflectionStub(host.channel())
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.ServerReflectionInfo(iter([Request(list_services="")]),
                                           timeout=CALL_TIMEOUT))
        assert caught.value.code() == CODE.UNIMPLEMENTED
        assert host.stub().Ping(pb.PingRequest(message="x"), timeout=CALL_TIMEOUT)


# ---------------------------------------------------------------------------------------------
# Clients that know nothing but the address


def test_grpcio_builds_stubs_from_it(host):
    database = ProtoReflectionDescriptorDatabase(host.channel())
    assert sorted(database.get_services()) == SERVICES
    pool = descriptor_pool.DescriptorPool(database)
    method = pool.FindServiceByName(BRIDGE).FindMethodByName("WatchVariables")
    assert method.server_streaming
    fields = pool.FindMessageTypeByName("snakepit.bridge.Variable").fields_by_name
    assert fields["value"].message_type.full_name == "google.protobuf.Any"


def tool(name):
    beside = pathlib.Path(sys.executable).parent / name
    path = str(beside) if beside.exists() else shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is missing: install requirements.txt")
    return path


def run(*command, **environment):
    return subprocess.run(
        list(map(str, command)), cwd=REPOSITORY, env={**os.environ, **environment}, timeout=60,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def output(process):
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture
def grpcurl(host):
    def grpcurl(*arguments, data=None):
        data = [] if data is None else ["-d", json.dumps(data)]
        return run(tool("grpcurl"), "-plaintext", *data, host.target, *arguments)

    return grpcurl


def test_grpcurl_lists(grpcurl):
    assert output(grpcurl("list")).split() == SERVICES
    assert f"{BRIDGE}.SetVariable" in output(grpcurl("list", BRIDGE)).split()


def test_grpcurl_describes(grpcurl):
    text = output(grpcurl("describe", f"{BRIDGE}.WatchVariables"))
    assert ("rpc WatchVariables ( .snakepit.bridge.WatchVariablesRequest ) returns "
            "( stream .snakepit.bridge.VariableUpdate );") in text
    assert "google.protobuf.Any value = 4;" in output(
        grpcurl("describe", "snakepit.bridge.Variable"))


def test_grpcurl_calls(grpcurl, session):
    answer = json.loads(output(grpcurl(f"{BRIDGE}/Ping", data={"message": "hi"})))
    assert answer["message"] == "pong: hi"
    # A wrapper inside of Any goes in as its value and comes back as the JSON it is, in base64.
    answer = json.loads(output(grpcurl(f"{BRIDGE}/RegisterVariable", data={
        "session_id": session.id, "name": "v", "type": "float", "initial_value": {
            "@type": "type.googleapis.com/google.protobuf.DoubleValue", "value": 2.5}})))
    assert answer["variable"]["value"]["@type"] == "dspex.variables/float"
    assert answer["variable"]["value"]["@value"] == "Mi41"
    assert value_of(session.get("v")) == 2.5


def test_grpcurl_prints_error_details(grpcurl, session):
    failed = grpcurl(f"{BRIDGE}/GetVariable", data={
        "session_id": session.id, "variable_identifier": "nothing"})
    assert failed.returncode != 0
    assert "Code: NotFound" in failed.stderr
    assert '"reason":"VARIABLE_NOT_FOUND"' in failed.stderr


@pytest.fixture
def buf(host, tmp_path):
    def buf(*arguments, path=""):
        return run(tool("buf"), "curl", "--protocol", "grpc", "--http2-prior-knowledge",
                   *arguments, f"http://{host.target}{path}", BUF_CACHE_DIR=str(tmp_path))

    return buf


def test_buf_lists(buf):
    assert output(buf("--list-services")).split() == SERVICES
    assert f"{BRIDGE}/SetVariable" in output(buf("--list-methods")).split()


def test_buf_calls_without_a_schema(buf, session):
    answer = output(buf("-d", '{"message": "hi"}', path=f"/{BRIDGE}/Ping"))
    assert json.loads(answer)["message"] == "pong: hi"
    answer = output(buf("-d", json.dumps({"session_id": session.id}), path=f"/{BRIDGE}/GetSession"))
    assert json.loads(answer)["epoch"] == session.epoch
    assert json.loads(output(buf(path="/grpc.health.v1.Health/Check"))) == {"status": "SERVING"}
