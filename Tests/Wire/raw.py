"""A bare HTTP/2 client: it sends what a test says, right or wrong, and records the answer."""

import socket
import struct

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded,
                       StreamReset, TrailersReceived)
from h2.exceptions import StreamClosedError

TIMEOUT = 30
SERVICE = "/snakepit.bridge.BridgeService/"


def frame(message, flag=0, length=None):
    """A gRPC message with its five bytes of prefix, or with a prefix that lies."""
    return struct.pack(">BI", flag, len(message) if length is None else length) + message


# Frame types and flags of HTTP/2 (RFC 9113 section 6).
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 2, 3, 4, 6, 7, 8, 9)
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Error codes (RFC 9113 section 7).
PROTOCOL_ERROR, STREAM_CLOSED, REFUSED_STREAM, ENHANCE_YOUR_CALM = 1, 5, 7, 11


def http2_frame(kind, payload=b"", flags=0, stream=0):
    """An HTTP/2 frame, whatever it means."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Answer:
    """What arrived on one stream."""

    def __init__(self):
        self.headers = {}
        self.trailers = {}
        self.trailer_fields = []
        self.data = b""
        self.ended = False
        self.reset = None

    @property
    def http_status(self):
        return self.headers.get(":status")

    @property
    def grpc_status(self):
        """The status, from the trailers or from an answer of headers alone."""
        return self.trailers.get("grpc-status", self.headers.get("grpc-status"))

    @property
    def grpc_message(self):
        return self.trailers.get("grpc-message", self.headers.get("grpc-message"))

    def __repr__(self):
        return (f"Answer(headers={self.headers}, trailers={self.trailers}, "
                f"{len(self.data)} bytes, ended={self.ended}, reset={self.reset})")


class Connection:
    def __init__(self, port=None, settings=None, source="127.0.0.1", unix=None):
        """To a port of this machine, or to a Unix socket."""
        if unix:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(TIMEOUT)
            self.socket.connect(unix)
        else:
            self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT, (source, 0))
        self.h2 = H2Connection(H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False,
            normalize_outbound_headers=False))
        if settings:
            self.h2.local_settings.update(settings)
            # In force at once: the library announces what is in force.
            self.h2.local_settings.acknowledge()
        self.h2.initiate_connection()
        self.answers = {}
        # Streams in the order in which the server has begun to answer them.
        self.answered = []
        self.goaway = None
        self.goaway_reason = None
        self.closed = False

    def close(self):
        self.socket.close()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.socket.sendall(data)

    def open(self, path, headers=(), method="POST", drop=(), end=False):
        """Sends request headers; `headers` replace and `drop` removes the usual ones."""
        fields = {
            ":method": method, ":scheme": "http", ":path": path, ":authority": "localhost",
            "te": "trailers", "content-type": "application/grpc+proto"}
        fields.update(headers)
        for name in drop:
            del fields[name]
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, list(fields.items()), end_stream=end)
        return stream

    def send(self, stream, data=b"", end=True):
        """Sends data; a stream that the server has ended already is left alone."""
        try:
            while True:
                room = min(self.h2.local_flow_control_window(stream),
                           self.h2.max_outbound_frame_size)
                if room == 0 and data:
                    self.flush()
                    self.receive()
                    continue
                part, data = data[:room], data[room:]
                self.h2.send_data(stream, part, end_stream=end and not data)
                if not data:
                    return
        except (StreamClosedError, KeyError):
            pass

    def receive(self, respond=True):
        """Handles one read of the socket, and says what is due in return."""
        data = self.socket.recv(65536)
        if not data:
            self.closed = True
            return
        for event in self.h2.receive_data(data):
            stream = getattr(event, "stream_id", None)
            answer = self.answers.get(stream)
            if isinstance(event, ResponseReceived):
                answer.headers = dict(event.headers)
                self.answered.append(stream)
            elif isinstance(event, TrailersReceived):
                answer.trailers = dict(event.headers)
                answer.trailer_fields = list(event.headers)
            elif isinstance(event, DataReceived):
                answer.data += event.data
                if event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, StreamEnded):
                answer.ended = True
            elif isinstance(event, StreamReset):
                answer.reset = event.error_code
            elif isinstance(event, ConnectionTerminated):
                self.goaway = event.error_code
                self.goaway_reason = event.additional_data
        if respond:
            self.flush()

    def send_raw(self, data):
        """Sends bytes that the library would not; the server may hang up meanwhile."""
        self.flush()
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def until_closed(self):
        """Reads until the server hangs up, and says no more: it may have done so already."""
        self.flush()
        try:
            while not self.closed:
                self.receive(respond=False)
        except ConnectionResetError:
            self.closed = True

    def answer(self, stream):
        """Waits until the stream is over."""
        self.flush()
        answer = self.answers[stream]
        while not (answer.ended or answer.reset is not None):
            self.receive()
            assert not self.closed or answer.ended, f"the connection was closed: {answer}"
        return answer

    def headers(self, stream):
        """Waits for the response headers."""
        self.flush()
        answer = self.answers[stream]
        while not answer.headers:
            self.receive()
            assert not self.closed, "the connection was closed"
        return answer

    def call(self, path, body=b"", headers=(), method="POST", drop=(), end=True):
        """One request with its body, and the answer."""
        stream = self.open(path, headers, method, drop)
        self.send(stream, body, end)
        return self.answer(stream)
