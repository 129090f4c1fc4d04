"""Servers that do what a test says, right or wrong, for the client of bridge-host to meet."""

import socket
import struct
import threading

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

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
