"""Helpers of the wire tests: a host process, values, sessions, watches, expected failures."""

import contextlib
import itertools
import json
import os
import pathlib
import signal
import struct
import subprocess
import tempfile
import threading
import time
import uuid

import grpc
import pytest
from google.protobuf import any_pb2

from stubs import REPOSITORY, pb, rpc, status_pb2

HOST = pathlib.Path(os.environ.get("BRIDGE_HOST", ".build/debug/bridge-host"))
PLUGINS = pathlib.Path(os.environ.get("BRIDGE_PLUGINS", ".build/plugins"))
if not HOST.is_absolute():
    HOST = REPOSITORY / HOST
if not PLUGINS.is_absolute():
    PLUGINS = REPOSITORY / PLUGINS

# Seconds. Nothing here measures speed: these only keep a hang from being endless.
READY_TIMEOUT = 30
CALL_TIMEOUT = 30
WATCH_TIMEOUT = 60
EXIT_TIMEOUT = 20

CODE = grpc.StatusCode


# ---------------------------------------------------------------------------------------------
# The host process


class Host:
    """A running `bridge-host serve`, its port and its output."""

    def __init__(self, *extra, plugins=None, environment=None, program=None):
        self.command = [
            str(program or HOST), "serve", "--plugins", str(plugins or PLUGINS),
            "--host", "127.0.0.1", "--port", "0", *map(str, extra)]
        self.stdout_lines = []
        self._ready = threading.Event()
        self._stderr = tempfile.TemporaryFile()
        self._channels = []
        self._lasting = []
        self.process = subprocess.Popen(
            self.command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self._stderr, env={**os.environ, **(environment or {})})
        self._reader = threading.Thread(target=self._read_stdout, daemon=True)
        self._reader.start()
        ready = self._ready.wait(READY_TIMEOUT)
        if not ready or not self.stdout_lines:
            self.process.kill()
            self.process.wait()
            pytest.fail(
                f"the host did not say GRPC_READY within {READY_TIMEOUT} s\n{self.stderr_text()}")
        first = self.stdout_lines[0]
        name, _, port = first.partition(":")
        if name != "GRPC_READY" or not port.isdigit():
            self.process.kill()
            self.process.wait()
            pytest.fail(f"the first line of standard output is {first!r}, not GRPC_READY:<port>")
        self.port = int(port)
        self.target = f"127.0.0.1:{self.port}"

    def _read_stdout(self):
        for line in self.process.stdout:
            self.stdout_lines.append(line.decode("utf-8", "replace").rstrip("\n"))
            self._ready.set()
        self._ready.set()

    def stderr_text(self):
        self._stderr.flush()
        # pread, so that the position which the child shares is left alone.
        return os.pread(self._stderr.fileno(), 16 << 20, 0).decode("utf-8", "replace")

    def channel(self, lasting=False, options=()):
        """A connection of its own, not shared with any other channel.

        One that lasts is closed with the host, the others after the test.
        """
        channel = grpc.insecure_channel(self.target, options=[
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_retries", 0),
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            *options,
        ])
        (self._lasting if lasting else self._channels).append(channel)
        return channel

    def stub(self, accept=None):
        """A stub with a connection of its own; its calls ask for the binary format `accept`."""
        channel = self.channel()
        if accept is not None:
            channel = grpc.intercept_channel(channel, _Accepting(accept))
        return rpc.BridgeServiceStub(channel)

    def disconnect(self):
        """Drops the connection that was made last, as a client that crashes would."""
        self._channels.pop().close()

    def close_channels(self, lasting=False):
        for channels in [self._channels] + [self._lasting] * lasting:
            for channel in channels:
                channel.close()
            channels.clear()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout=EXIT_TIMEOUT):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"the host did not exit within {timeout} s\n{self.stderr_text()}")
        self._reader.join(10)
        return code

    def stop(self):
        """Ends the host as an operator would and checks that it ended well."""
        self.close_channels(lasting=True)
        if self.process.poll() is not None:
            code = self.process.returncode
            assert code == 0, f"the host exited early with {code}\n{self.stderr_text()}"
        else:
            self.terminate()
            code = self.wait()
            assert code == 0, f"exit code {code} after SIGTERM\n{self.stderr_text()}"
        self.check_stdout()

    def check_stdout(self):
        assert self.stdout_lines == [f"GRPC_READY:{self.port}"], "something else on stdout"

    def kill(self):
        self.close_channels(lasting=True)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def start_host(*extra, plugins=None, environment=None, program=None):
    """A host of the test's own, ended with SIGTERM and checked for exit code 0."""
    host = Host(*extra, plugins=plugins, environment=environment, program=program)
    try:
        yield host
    except BaseException:
        host.kill()
        raise
    host.stop()


def plugin_directory(directory, *sources):
    """Makes a directory of plugins, one of each of these C files of the tests."""
    os.chmod(directory, 0o755)
    for source in sources:
        library = directory / pathlib.Path(source).with_suffix(".so").name
        subprocess.run(
            ["cc", "-shared", "-fPIC", f"-I{REPOSITORY}/Sources/BridgePluginABI/include",
             "-o", library, pathlib.Path(__file__).parent / source], check=True)
        os.chmod(library, 0o755)
    return directory


def run_host(*arguments, timeout=READY_TIMEOUT):
    """Runs `bridge-host <arguments>` to its end."""
    return subprocess.run(
        [str(HOST), *map(str, arguments)], cwd=REPOSITORY, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, text=True)


# ---------------------------------------------------------------------------------------------
# Values

DSPEX = "dspex.variables/"
SNAKEPIT = "type.googleapis.com/snakepit."
GOOGLE = "type.googleapis.com/google.protobuf."


def any_json(kind, value, prefix=DSPEX):
    """An Any of the given type with the value as JSON."""
    return any_text(prefix + kind, json.dumps(value, allow_nan=False))


def any_text(url, text):
    """An Any with exactly these bytes."""
    return any_pb2.Any(type_url=url, value=text.encode() if isinstance(text, str) else text)


def packed(message):
    """A really packed google.protobuf wrapper."""
    result = any_pb2.Any()
    result.Pack(message)
    return result


def any_binary(kind, shape, dtype="float32", binary_format="raw"):
    """The JSON description of a value that travels beside it as bytes."""
    description = {
        "shape": list(shape), "dtype": dtype, "binary_format": binary_format, "type": kind}
    return any_text(f"{SNAKEPIT}{kind}.binary", json.dumps(description))


def raw_bytes(numbers, dtype="float32"):
    return struct.pack(f"<{len(numbers)}{_STRUCT[dtype]}", *numbers)


_STRUCT = {"float32": "f", "float64": "d", "int32": "i", "int64": "q"}


def value_of(variable):
    """The JSON value of a variable that was answered as JSON."""
    assert not variable.value.type_url.endswith(".binary"), "answered as binary"
    return json.loads(variable.value.value)


def flat(value):
    if isinstance(value, list):
        return [number for item in value for number in flat(item)]
    return [value]


def array_of(any_value, binary):
    """(shape, numbers) of an embedding or a tensor, however it was answered."""
    content = json.loads(any_value.value)
    if any_value.type_url.endswith(".binary"):
        assert content.get("binary_format", "raw") == "raw"
        letter = _STRUCT[content["dtype"]]
        count = len(binary) // struct.calcsize(letter)
        return content["shape"], list(struct.unpack(f"<{count}{letter}", binary))
    if isinstance(content, dict):
        return content["shape"], flat(content["data"])
    return [len(content)], content


def numbers_of(variable):
    return array_of(variable.value, variable.binary_value)[1]


# Keys that are different bytes, though Unicode or a careless reader would take some for the same.
ODD_KEYS = {"\u00e9": "composed", "e\u0301": "decomposed", "\u212b": "angstrom", "\u00c5": "ring",
            "A\u030a": "A with ring", "a": "small", "A": "capital", "": "empty", " ": "space",
            "source": "python", "k" * 1024: "long"}


# ---------------------------------------------------------------------------------------------
# Failures


class Refusal:
    code = None
    details = ""
    trailers = {}

    def status(self):
        """The google.rpc.Status of grpc-status-details-bin."""
        return status_pb2.Status.FromString(self.trailers["grpc-status-details-bin"])


@contextlib.contextmanager
def refused(code, *parts):
    """Expects an RPC to fail with this code and a message that contains all the parts."""
    refusal = Refusal()
    try:
        yield refusal
    except grpc.RpcError as error:
        refusal.code = error.code()
        refusal.details = error.details() or ""
        refusal.trailers = {key: value for key, value in (error.trailing_metadata() or ())}
        assert refusal.code == code, f"{refusal.code}, not {code}: {refusal.details}"
        assert refusal.details, "a failure without a message"
        for part in parts:
            assert str(part).lower() in refusal.details.lower(), (
                f"{part!r} is not in {refusal.details!r}")
    else:
        pytest.fail(f"succeeded where {code} was expected")


# ---------------------------------------------------------------------------------------------
# Sessions


_numbers = itertools.count(1)


def unique(prefix="session"):
    return f"{prefix}_{next(_numbers)}_{uuid.uuid4().hex[:12]}"


class _Accepting(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds `accept-binary` to every call."""

    def __init__(self, formats):
        self._metadata = ("accept-binary", formats)

    def intercept_unary_unary(self, proceed, details, request):
        return proceed(self._with_metadata(details), request)

    intercept_unary_stream = intercept_unary_unary

    def _with_metadata(self, details):
        return details._replace(metadata=[*(details.metadata or ()), self._metadata])


class Session:
    """One session through one stub."""

    def __init__(self, stub, identifier=None, create=True, **config):
        self.stub = stub
        self.id = identifier or unique()
        self.epoch = None
        if create:
            # Two tests that take one id by mistake must not share a session.
            request = pb.InitializeSessionRequest(session_id=self.id, must_not_exist=True)
            if config:
                request.config.CopyFrom(pb.SessionConfig(**config))
            response = stub.InitializeSession(request, timeout=CALL_TIMEOUT)
            assert response.success, response.error_message
            self.epoch = response.epoch

    def through(self, stub):
        """The same session through another stub."""
        other = Session(stub, self.id, create=False)
        other.epoch = self.epoch
        return other

    def register(self, name, kind="float", value=0.0, constraints=None, metadata=None, any=None,
                 binary=b"", access=None):
        if constraints is not None and not isinstance(constraints, str):
            constraints = json.dumps(constraints)
        response = self.stub.RegisterVariable(pb.RegisterVariableRequest(
            session_id=self.id, name=name, type=kind,
            initial_value=any_json(kind, value) if any is None else any,
            constraints_json=constraints or "", metadata=metadata or {},
            initial_binary_value=binary,
            access_control_json=json.dumps(access) if access is not None else ""), timeout=CALL_TIMEOUT)
        assert response.success, response.error_message
        return response

    def read(self, identifier, **call):
        call.setdefault("timeout", CALL_TIMEOUT)
        return self.stub.GetVariable(pb.GetVariableRequest(
            session_id=self.id, variable_identifier=identifier), **call)

    def get(self, identifier, **call):
        return self.read(identifier, **call).variable

    def set_request(self, identifier, value=None, kind="float", any=None, metadata=None,
                    expected=0, binary=b"", constraints=None):
        if any is None and value is not None:
            any = any_json(kind, value)
        return pb.SetVariableRequest(
            session_id=self.id, variable_identifier=identifier, value=any,
            constraints_json=None if constraints is None else json.dumps(constraints),
            metadata=metadata or {},
            expected_version=expected, binary_value=binary)

    def set(self, identifier, value=None, kind="float", **rest):
        response = self.stub.SetVariable(
            self.set_request(identifier, value, kind, **rest), timeout=CALL_TIMEOUT)
        assert response.success, response.error_message
        return response

    def delete(self, identifier, metadata=None):
        response = self.stub.DeleteVariable(pb.DeleteVariableRequest(
            session_id=self.id, variable_identifier=identifier, metadata=metadata or {}), timeout=CALL_TIMEOUT)
        assert response.success, response.error_message
        return response

    def list(self, pattern=""):
        return self.stub.ListVariables(pb.ListVariablesRequest(
            session_id=self.id, pattern=pattern), timeout=CALL_TIMEOUT)

    def names(self, pattern=""):
        return [variable.name for variable in self.list(pattern).variables]

    def get_many(self, *identifiers, include_metadata=False):
        return self.stub.GetVariables(pb.BatchGetVariablesRequest(
            session_id=self.id, variable_identifiers=identifiers,
            include_metadata=include_metadata), timeout=CALL_TIMEOUT)

    def set_many(self, updates, atomic=False, expected=None, metadata=None, binary=None):
        """`updates` maps identifiers to Anys."""
        return self.stub.SetVariables(pb.BatchSetVariablesRequest(
            session_id=self.id, updates=updates, atomic=atomic, metadata=metadata or {},
            expected_versions=expected or {}, binary_updates=binary or {}), timeout=CALL_TIMEOUT)

    def history(self, identifier, limit=0):
        return self.stub.GetVariableHistory(pb.GetVariableHistoryRequest(
            session_id=self.id, variable_identifier=identifier, limit=limit),
            timeout=CALL_TIMEOUT).entries

    def rollback(self, identifier, version, **rest):
        response = self.stub.RollbackVariable(pb.RollbackVariableRequest(
            session_id=self.id, variable_identifier=identifier, target_version=version, **rest),
            timeout=CALL_TIMEOUT)
        assert response.success, response.error_message
        return response

    def depend(self, source, dependent, kind=""):
        response = self.stub.AddDependency(pb.AddDependencyRequest(
            session_id=self.id, from_variable=source, to_variable=dependent,
            dependency_type=kind), timeout=CALL_TIMEOUT)
        assert response.success, response.error_message

    def start_optimization(self, identifier, optimizer, **config):
        response = self.stub.StartOptimization(pb.StartOptimizationRequest(
            session_id=self.id, variable_identifier=identifier, optimizer_id=optimizer,
            optimizer_config={key: str(value) for key, value in config.items()}),
            timeout=CALL_TIMEOUT)
        assert response.success, response.error_message
        return response

    def stop_optimization(self, identifier, **rest):
        response = self.stub.StopOptimization(pb.StopOptimizationRequest(
            session_id=self.id, variable_identifier=identifier, **rest), timeout=CALL_TIMEOUT)
        assert response.success
        return response

    def describe(self):
        return self.stub.GetSession(
            pb.GetSessionRequest(session_id=self.id), timeout=CALL_TIMEOUT)

    def revision(self):
        return self.describe().revision

    def heartbeat(self):
        return self.stub.Heartbeat(pb.HeartbeatRequest(session_id=self.id), timeout=CALL_TIMEOUT)

    def cleanup(self, force=False):
        return self.stub.CleanupSession(pb.CleanupSessionRequest(
            session_id=self.id, force=force), timeout=CALL_TIMEOUT)

    def watch(self, *identifiers, initial=False, start=0, epoch=None, heartbeat_ms=0,
              conflate=False, synced=True, timeout=WATCH_TIMEOUT):
        if start and epoch is None:
            epoch = self.epoch
        return Watch(self.stub.WatchVariables(pb.WatchVariablesRequest(
            session_id=self.id, variable_identifiers=identifiers, include_initial_values=initial,
            start_revision=start, epoch=epoch or "", heartbeat_interval_ms=heartbeat_ms,
            conflate=conflate, include_synced=synced and initial),
            timeout=timeout))

    def tool_request(self, tool, parameters=None, binary=None, metadata=None, **rest):
        """`parameters` maps names to Anys, or to plain values sent as bare JSON."""
        return pb.ExecuteToolRequest(
            session_id=self.id, tool_name=tool, metadata=metadata or {},
            parameters={name: as_parameter(value) for name, value in (parameters or {}).items()},
            binary_parameters=binary or {}, **rest)

    def call(self, tool, binary=None, timeout=CALL_TIMEOUT, **parameters):
        """Runs a tool; the answer may say that it failed."""
        return self.stub.ExecuteTool(
            self.tool_request(tool, parameters, binary), timeout=timeout)

    def result(self, tool, binary=None, **parameters):
        """The JSON result of a tool that succeeds."""
        response = self.call(tool, binary, **parameters)
        assert response.success, response.error_message
        return json.loads(response.result.value)

    def stream(self, tool, timeout=WATCH_TIMEOUT, include_progress=False, **parameters):
        return self.stub.ExecuteStreamingTool(self.tool_request(
            tool, parameters, stream=True, include_progress=include_progress), timeout=timeout)


def as_parameter(value):
    if isinstance(value, any_pb2.Any):
        return value
    kinds = {bool: "boolean", int: "integer", float: "float", str: "string", list: "embedding"}
    return any_json(kinds.get(type(value), "json"), value)


class Watch:
    """An open WatchVariables call; its deadline ends the wait for an update that is missing."""

    def __init__(self, call):
        self.call = call

    def opened(self):
        """Waits for the response headers: from here on the watch is in place."""
        self.call.initial_metadata()
        return self

    def next(self):
        """The next update, whatever it is."""
        return next(self.call)

    def next_change(self):
        """The next update that is not a heartbeat."""
        while True:
            update = next(self.call)
            if update.update_type != "heartbeat":
                return update

    def take(self, count):
        return [self.next_change() for _ in range(count)]

    def until_synced(self):
        """The initial values, and the `synced` update that ends them."""
        updates = []
        while True:
            update = self.next_change()
            if update.update_type == "synced":
                return updates, update
            updates.append(update)

    def until_end(self):
        """All that is left of a stream that ends with status OK."""
        return [update for update in self.call if update.update_type != "heartbeat"]

    def cancel(self):
        self.call.cancel()


def eventually(condition, what, timeout=30):
    """Waits until the condition holds."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            pytest.fail(f"never happened: {what}")
        time.sleep(0.02)


def run_threads(*functions, timeout=120):
    """Runs the functions side by side and raises the first error of any of them."""
    errors = []

    def guarded(function):
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - also what pytest.fail raises
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(f,), daemon=True) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
        assert not thread.is_alive(), "a test thread hangs"
    if errors:
        raise errors[0]
