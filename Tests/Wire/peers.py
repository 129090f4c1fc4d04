"""Servers that do what a test says, right or wrong, for the client of bridge-host to meet."""

import concurrent.futures
import contextlib
import json
import socket
import struct
import threading
import time

import grpc
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from stubs import pb, rpc, status_pb2

TIMEOUT = 30


class Peer:
    """Listens, and runs `serve(socket)` for each connection, on a thread of its own.

    What `serve` raises is kept and raised again when the test ends.
    """

    def __init__(self, serve):
        self.serve = serve
        self.errors = []
        self.connections = 0
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        # A blocked accept is woken by shutdown, not by close.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
        if kind is None and self.errors:
            raise self.errors[0]

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(connection)
            connection.settimeout(TIMEOUT)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        try:
            self.serve(connection)
        except OSError:
            pass
        except Exception as error:
            self.errors.append(error)
            connection.shutdown(socket.SHUT_RDWR)


class Calls:
    """The calls of one connection, taken apart by h2; answers are written frame by frame."""

    def __init__(self, connection, settings=None):
        self.socket = connection
        self.h2 = H2Connection(H2Configuration(
            client_side=False, header_encoding="utf-8", validate_outbound_headers=False,
            normalize_outbound_headers=False))
        self.h2.initiate_connection()
        if settings:
            self.h2.update_settings(settings)
        self.flush()
        self.headers = {}
        # The bytes of each call's request.
        self.data = {}
        self._waiting = []

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.socket.sendall(data)

    def next(self):
        """The stream of the next call whose request is complete; None at the connection's end."""
        while not self._waiting:
            data = self.socket.recv(65536)
            if not data:
                return None
            for event in self.h2.receive_data(data):
                if isinstance(event, RequestReceived):
                    self.headers[event.stream_id] = dict(event.headers)
                    self.data[event.stream_id] = b""
                elif isinstance(event, DataReceived):
                    self.data[event.stream_id] += event.data
                elif isinstance(event, StreamEnded):
                    self._waiting.append(event.stream_id)
            self.flush()
        return self._waiting.pop(0)

    def headers_of(self, stream):
        return self.headers[stream]

    def send_headers(self, stream, *fields, end=False):
        self.h2.send_headers(stream, list(fields), end_stream=end)
        self.flush()

    def begin(self, stream):
        self.send_headers(stream, (":status", "200"), ("content-type", "application/grpc"))

    def send(self, stream, data, end=False):
        self.h2.send_data(stream, data, end_stream=end)
        self.flush()

    def trailers(self, stream, *fields):
        self.send_headers(stream, *fields, end=True)

    def reset(self, stream, code):
        self.h2.reset_stream(stream, code)
        self.flush()

    def goaway(self, last, code=0, text=b""):
        """Written by hand: h2 would not let the connection go on after it."""
        payload = struct.pack(">II", last, code) + text
        self.socket.sendall(struct.pack(">I", len(payload))[1:] + b"\x07\x00" + bytes(4) + payload)

    def answer(self, stream, message):
        """A whole answer that ends well."""
        self.begin(stream)
        self.send(stream, struct.pack(">BI", 0, len(message)) + message)
        self.trailers(stream, ("grpc-status", "0"))


def each_call(body):
    """Serves connections by `body(calls, stream)` for each call."""

    def serve(connection):
        calls = Calls(connection)
        while (stream := calls.next()) is not None:
            body(calls, stream)

    return serve


# ---------------------------------------------------------------------------------------------
# grpcio's server


class Service(rpc.BridgeServiceServicer):
    """Answers as the tests need it, and keeps what it saw."""

    def __init__(self):
        self.pings = []
        self.failures = 0
        self.sent = 0
        self.cancelled = threading.Event()

    def Ping(self, request, context):
        self.pings.append((request, context.time_remaining(), dict(context.invocation_metadata())))
        if self.failures:
            self.failures -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
        if request.message == "hang":
            while context.is_active():
                time.sleep(0.01)
            self.cancelled.set()
        return pb.PingResponse(message="pong: " + request.message)

    def GetSession(self, request, context):
        status = status_pb2.Status(code=9, message="größer als 50%")
        context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "größer als 50%")

    def GetVariable(self, request, context):
        variable = pb.Variable(name=request.variable_identifier, type="string", version=1)
        variable.value.value = json.dumps("x" * 20_000_000).encode()
        return pb.GetVariableResponse(variable=variable)

    def WatchVariables(self, request, context):
        for number in range(10_000):
            self.sent += 1
            update = pb.VariableUpdate(update_type="value_change", revision=number)
            update.variable.name = "v"
            update.variable.type = "integer"
            update.variable.value.value = str(number).encode()
            yield update
            if request.session_id == "short" and number == 9:
                return
            if request.session_id == "broken" and number == 9:
                context.abort(grpc.StatusCode.DATA_LOSS, "as told")


@contextlib.contextmanager
def grpcio_server(address="127.0.0.1:0", credentials=None, compression=None):
    service = Service()
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(8), compression=compression,
        options=[("grpc.max_send_message_length", -1)])
    rpc.add_BridgeServiceServicer_to_server(service, server)
    port = (server.add_secure_port(address, credentials) if credentials
            else server.add_insecure_port(address))
    server.start()
    try:
        service.server = server
        service.address = address if address.startswith("unix:") else f"127.0.0.1:{port}"
        yield service
    finally:
        server.stop(None).wait()
