"""A stand-in for the Elixir side of Snakepit: its server, and how each version starts a worker."""

import concurrent.futures
import contextlib
import itertools
import json
import os
import select
import signal
import socket
import subprocess
import threading
import uuid

import grpc
import h2.config
import h2.connection
import h2.events
from google.protobuf import any_pb2

import bridge
from bridge import CALL_TIMEOUT, EXIT_TIMEOUT, GOOGLE, READY_TIMEOUT, SNAKEPIT
from stubs import pb, rpc

SCRIPT = "/app/_build/priv/python/grpc_server.py"


class Version:
    """What one version of Snakepit does otherwise than others."""

    def __init__(self, name, *, start=(), script=SCRIPT, port=None, address="127.0.0.1",
                 ready_file=False, heartbeats=None, instance=False, last_chunk, json_errors,
                 session="default_session", snakepit_urls=False):
        self.name = name
        self.start = list(start)
        self.script = script
        self.port = port
        self.address = address
        self.ready_file = ready_file
        self.heartbeats = heartbeats
        self.instance = instance
        self.last_chunk = last_chunk
        self.json_errors = json_errors
        self.session = session
        self.snakepit_urls = snakepit_urls

    def any(self, value):
        """A parameter as this version encodes it."""
        text = json.dumps(value)
        if not self.snakepit_urls:
            return any_pb2.Any(type_url=GOOGLE + "StringValue", value=text.encode())
        kind = {bool: "boolean", int: "integer", float: "float", str: "string"}.get(type(value))
        if isinstance(value, list) and all(type(item) in (int, float) for item in value):
            kind = "embedding"
        if kind is None:
            # JSON text inside of a JSON text.
            kind, text = "string", json.dumps(text)
        return any_pb2.Any(type_url=SNAKEPIT + kind, value=text.encode())

    def __repr__(self):
        return self.name


HEARTBEATS = {"enabled": True, "dependent": True, "initial_delay_ms": 0, "interval_ms": 100,
              "timeout_ms": 2000, "max_missed_heartbeats": 3}

V04 = Version("0.4", start=["setsid"], port=50_071, address="localhost", last_chunk=False,
              json_errors=False, snakepit_urls=True)
V06 = Version("0.6", start=["setsid"], last_chunk=False, json_errors=False)
V08 = Version("0.8", heartbeats=HEARTBEATS, last_chunk=True, json_errors=False, session=None)
V09 = Version("0.9", address="localhost", ready_file=True, heartbeats=HEARTBEATS, last_chunk=True,
              json_errors=True, session=None)
V13 = Version("0.13", ready_file=True, heartbeats=HEARTBEATS, instance=True, last_chunk=True,
              json_errors=True, session=None)
VERSIONS = [V04, V06, V08, V09, V13]

_numbers = itertools.count(1)


class Elixir(rpc.BridgeServiceServicer):
    """Snakepit's own server: sessions, tools of Elixir, and what workers have registered."""

    def __init__(self, address="127.0.0.1:0"):
        self.lock = threading.Condition()
        self.sessions = {}
        self.exposed = {}
        self.registered = {}
        self.heartbeats = []
        self.pings = 0
        self.refused_pings = 0
        self.calls = []
        self.ended = []
        self.workers = None
        self.target = address
        self._server = None

    def start(self):
        self._server = grpc.server(
            concurrent.futures.ThreadPoolExecutor(64), options=[("grpc.so_reuseport", 0)])
        rpc.add_BridgeServiceServicer_to_server(self, self._server)
        port = self._server.add_insecure_port(self.target)
        assert port, f"{self.target} is taken"
        self.target = f"{self.target.rpartition(':')[0]}:{port}"
        self.port = port
        self._server.start()
        return self

    def stop(self):
        if self._server is not None:
            self._server.stop(0).wait()
            self._server = None

    def wait_for(self, condition, what):
        """Waits until something holds that an RPC has changed."""
        with self.lock:
            assert self.lock.wait_for(condition, CALL_TIMEOUT), f"never happened: {what}"

    def _changed(self):
        self.lock.notify_all()

    def expose(self, name, function, *parameters, description=""):
        """A tool of Elixir; the function takes the context and the parameters."""
        spec = pb.ToolSpec(name=name, description=description or f"Elixir's {name}.")
        for parameter, kind, required in parameters:
            spec.parameters.add(
                name=parameter, type=kind, required=required, validation_json="{}")
        self.exposed[name] = (spec, function)

    # The RPCs

    def Ping(self, request, context):
        with self.lock:
            self.pings += 1
            self._changed()
            if self.refused_pings > 0:
                self.refused_pings -= 1
                context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
        return pb.PingResponse(message=f"pong: {request.message}")

    def InitializeSession(self, request, context):
        with self.lock:
            self.sessions.setdefault(request.session_id, dict(request.metadata))
            self._changed()
        return pb.InitializeSessionResponse(success=True)

    def GetSession(self, request, context):
        with self.lock:
            if request.session_id not in self.sessions:
                context.abort(grpc.StatusCode.NOT_FOUND, f"Session not found: {request.session_id}")
            return pb.GetSessionResponse(
                session_id=request.session_id, metadata={"from": "elixir"}, variable_count=7)

    def CleanupSession(self, request, context):
        with self.lock:
            found = self.sessions.pop(request.session_id, None) is not None
            self.ended.append(request.session_id)
            self._changed()
        return pb.CleanupSessionResponse(success=found, resources_cleaned=int(found))

    def Heartbeat(self, request, context):
        with self.lock:
            self.heartbeats.append(request.session_id)
            self._changed()
            return pb.HeartbeatResponse(session_valid=request.session_id in self.sessions)

    def RegisterTools(self, request, context):
        with self.lock:
            if request.session_id not in self.sessions:
                context.abort(grpc.StatusCode.NOT_FOUND, "Session not found")
            if self.workers is not None and request.worker_id not in self.workers:
                return pb.RegisterToolsResponse(
                    error_message=f"Worker not found: {request.worker_id}")
            tools = self.registered.setdefault(request.session_id, {})
            for tool in request.tools:
                if tool.name in tools:
                    return pb.RegisterToolsResponse(
                        error_message=f'{{:duplicate_tool, "{tool.name}"}}')
            for tool in request.tools:
                tools[tool.name] = (request.worker_id, tool)
            self._changed()
            return pb.RegisterToolsResponse(
                success=True, tool_ids={t.name: f"{request.session_id}:{t.name}"
                                        for t in request.tools})

    def GetExposedElixirTools(self, request, context):
        return pb.GetExposedElixirToolsResponse(tools=[spec for spec, _ in self.exposed.values()])

    def ExecuteElixirTool(self, request, context):
        with self.lock:
            self.calls.append(request)
            self._changed()
        if request.session_id not in self.sessions:
            return pb.ExecuteElixirToolResponse(error_message="Session not found")
        if request.tool_name not in self.exposed:
            return pb.ExecuteElixirToolResponse(
                error_message=f"Tool {request.tool_name} not found")
        parameters = {}
        for name, value in request.parameters.items():
            assert value.type_url == GOOGLE + "StringValue", value.type_url
            parameters[name] = json.loads(value.value)
        try:
            result = self.exposed[request.tool_name][1](context, **parameters)
        except grpc.RpcError as error:
            return pb.ExecuteElixirToolResponse(error_message=str(error.details()))
        except ValueError as error:
            return pb.ExecuteElixirToolResponse(error_message=str(error))
        if isinstance(result, bytes):
            return pb.ExecuteElixirToolResponse(
                success=True, binary_result=result,
                result=any_pb2.Any(type_url=GOOGLE + "StringValue", value=b"{}"))
        return pb.ExecuteElixirToolResponse(
            success=True, metadata={"execution_time": "1"}, execution_time_ms=1,
            result=any_pb2.Any(type_url=GOOGLE + "StringValue", value=json.dumps(result).encode()))


class Worker:
    """A worker as a version of Snakepit starts it, and calls as its pool makes them."""

    def __init__(self, version, elixir=None, *extra, plugins=None, environment=None,
                 directory=None, worker_id=None, wait=True):
        self.version = version
        self.run_id = uuid.uuid4().hex[:12]
        self.worker_id = worker_id or f"default_worker_{next(_numbers)}_{self.run_id[:4]}"
        self.session = version.session or f"session_{next(_numbers)}_{self.run_id}"
        self.lines = []
        self.port = None
        self._ready = threading.Event()
        self._channels = []
        self.ready_file = None
        variables = {name: value for name, value in os.environ.items()
                     if not name.startswith("SNAKEPIT_")}
        variables["SNAKEPIT_LOG_LEVEL"] = "debug"
        if version.ready_file:
            self.ready_file = directory / f"snakepit_ready_{self.worker_id}_{next(_numbers)}"
            variables["SNAKEPIT_READY_FILE"] = str(self.ready_file)
            variables["SNAKEPIT_PROCESS_GROUP"] = "1"
        if version.heartbeats:
            variables["SNAKEPIT_HEARTBEAT_CONFIG"] = json.dumps(version.heartbeats)
        variables.update(environment or {})
        # A fixed port is another worker's in no case: an address of 127/8 of its own.
        number = next(_numbers)
        self.host = f"127.71.{number // 250}.{number % 250 + 1}" if version.port else "127.0.0.1"
        self.command = [
            *version.start, str(bridge.HOST), version.script,
            "--plugins", str(plugins or bridge.PLUGINS), *map(str, extra)]
        if version.port:
            self.command += ["--host", self.host]
        self.command += ["--port", str(version.port or 0)]
        if elixir is not None:
            self.command += ["--elixir-address", f"{version.address}:{elixir.port}"]
        self.command += ["--snakepit-run-id", self.run_id]
        if version.instance:
            self.command += ["--snakepit-instance-name", "test", "--snakepit-instance-token", "t"]
        self.process = subprocess.Popen(
            self.command, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=variables)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if wait:
            self.wait_until_ready()

    def _read(self):
        for line in self.process.stdout:
            text = line.decode("utf-8", "replace").rstrip("\n")
            self.lines.append(text)
            if text.startswith("GRPC_READY:"):
                self.port = int(text.partition(":")[2])
                self._ready.set()
        self._ready.set()

    @property
    def output(self):
        return "\n".join(self.lines)

    def wait_until_ready(self):
        assert self._ready.wait(READY_TIMEOUT) and self.port, f"not ready\n{self.output}"
        if self.ready_file is not None:
            # It was there before the line.
            assert self.ready_file.read_text() == str(self.port)
            assert not self.ready_file.with_name(self.ready_file.name + ".tmp").exists()
        return self

    def channel(self):
        channel = grpc.insecure_channel(f"{self.host}:{self.port}", options=[
            ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0),
            ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])
        self._channels.append(channel)
        return channel

    @property
    def stub(self):
        if not self._channels:
            self.channel()
        return rpc.BridgeServiceStub(self._channels[0])

    def request(self, name, parameters, session=None, binary=None, metadata=None, **rest):
        return pb.ExecuteToolRequest(
            session_id=session or self.session, tool_name=name, binary_parameters=binary or {},
            metadata=metadata or {}, **rest, parameters={
                key: value if isinstance(value, any_pb2.Any) else self.version.any(value)
                for key, value in parameters.items()})

    def call(self, name, /, timeout=CALL_TIMEOUT, session=None, binary=None, metadata=None,
             **parameters):
        """ExecuteTool: whatever becomes of it, the status is OK."""
        return self.stub.ExecuteTool(
            self.request(name, parameters, session, binary, metadata), timeout=timeout)

    def raw_call(self, name, timeout, /, **parameters):
        """One call with a grpc-timeout of the test's own, by a client that waits for longer."""
        message = self.request(name, parameters).SerializeToString()
        connection = h2.connection.H2Connection(
            h2.config.H2Configuration(header_encoding="utf-8"))
        with socket.create_connection((self.host, self.port), CALL_TIMEOUT) as peer:
            connection.initiate_connection()
            connection.send_headers(1, [
                (":method", "POST"), (":scheme", "http"), (":authority", "x"),
                (":path", "/snakepit.bridge.BridgeService/ExecuteTool"), ("te", "trailers"),
                ("content-type", "application/grpc"), ("grpc-timeout", timeout)])
            connection.send_data(
                1, b"\0" + len(message).to_bytes(4, "big") + message, end_stream=True)
            data, trailers = b"", None
            while trailers is None:
                peer.sendall(connection.data_to_send())
                received = peer.recv(65536)
                assert received, "the connection was closed"
                for event in connection.receive_data(received):
                    if isinstance(event, h2.events.DataReceived):
                        data += event.data
                    elif isinstance(event, h2.events.TrailersReceived):
                        trailers = dict(event.headers)
                    elif isinstance(event, h2.events.ResponseReceived):
                        assert "grpc-status" not in dict(event.headers), event.headers
        assert trailers["grpc-status"] == "0", trailers
        return pb.ExecuteToolResponse.FromString(data[5:])

    def result(self, name, /, **parameters):
        response = self.call(name, **parameters)
        assert response.success, response.error_message
        return json.loads(response.result.value)

    def error(self, name, /, **parameters):
        """(type, text) of a failure; type is None where the version reads plain texts."""
        response = self.call(name, **parameters)
        assert not response.success
        if not self.version.json_errors:
            return None, response.error_message
        error = json.loads(response.error_message)
        assert set(error) == {"type", "message"}
        return error["type"], error["message"]

    def stream(self, name, /, **parameters):
        return list(self.stub.ExecuteStreamingTool(
            self.request(name, parameters, stream=True), timeout=900))

    def initialize(self, session=None, **metadata):
        return self.stub.InitializeSession(pb.InitializeSessionRequest(
            session_id=session or self.session, metadata=metadata,
            config=pb.SessionConfig(enable_caching=True, cache_ttl_seconds=60)), timeout=240)

    def heartbeat(self, session=None):
        return self.stub.Heartbeat(
            pb.HeartbeatRequest(session_id=session or self.session), timeout=10)

    # The end

    def wait(self):
        code = self.process.wait(EXIT_TIMEOUT)
        self._reader.join(EXIT_TIMEOUT)
        return code

    def close(self):
        for channel in self._channels:
            channel.close()
        self._channels = []

    def stop(self):
        """SIGTERM, as the pool does."""
        self.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.wait()
        self.process.stdin.close()
        assert code == 0, f"exit code {code}\n{self.output}"

    def kill(self):
        self.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()


@contextlib.contextmanager
def started(version, elixir=None, *extra, **rest):
    """A worker of the test's own, which ends well."""
    worker = Worker(version, elixir, *extra, wait=False, **rest)
    try:
        worker.wait_until_ready()
        yield worker
    except BaseException:
        worker.kill()
        raise
    worker.stop()


def processes(run_id):
    """Processes whose command line has this run id, as Snakepit's own clean-up finds them."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/cmdline", "rb") as file:
                if run_id.encode() in file.read().split(b"\0"):
                    found.append(int(entry))
    return found


def ends(pid):
    """Waits for the end of a process that is somebody else's child."""
    try:
        file = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([file], [], [], EXIT_TIMEOUT)[0], f"process {pid} does not end"
    finally:
        os.close(file)
