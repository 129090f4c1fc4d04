"""A stranger that costs a host as much as it can, without a token: a program of its own.

    python stranger.py PORT SECONDS

It does at once, each on a thread: calls that it never finishes, health checks, reflection, calls that
need a token, bytes that are no HTTP/2, and connections that it drops. At the end it prints how often.
"""

import collections
import json
import os
import random
import socket
import struct
import sys
import threading
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack(">I", 0)[1:] + bytes([4, 0, 0, 0, 0, 0])
HEADERS, DATA, END_STREAM, END_HEADERS, GOAWAY = 1, 0, 1, 4, 7
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
CHECK = "/grpc.health.v1.Health/Check"
# What has not shown a token may have as many calls.
CALLS = 100


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def headers(stream, path, **more):
    """Fields as they are, so that no frame depends on another."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "x",
              "content-type": "application/grpc", "te": "trailers", **more}
    block = b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + (
            bytes([len(value)]) if len(value) < 127 else b"\x7f" + integer(len(value) - 127))
        + value.encode() for name, value in fields.items())
    return frame(HEADERS, END_HEADERS, stream, block)


def integer(number):
    """The rest of an integer of HPACK: RFC 7541 section 5.1."""
    result = b""
    while number >= 128:
        result += bytes([number % 128 + 128])
        number //= 128
    return result + bytes([number])


def whole_calls(path, message):
    data = b"\0" + struct.pack(">I", len(message)) + message
    return [b"".join(
        headers(stream, path) + frame(DATA, END_STREAM, stream, data)
        for stream in range(first, first + 2 * CALLS, 2)) for first in range(1, 2000, 2 * CALLS)]


def connect(port):
    peer = socket.create_connection(("127.0.0.1", port), 10)
    peer.sendall(PREFACE)
    return peer


def ended_calls(peer, count):
    """Reads until so many calls have ended, or the connection is at its end: whether it goes on."""
    buffer = b""
    while count > 0:
        more = peer.recv(65536)
        if not more:
            return False
        buffer += more
        while len(buffer) >= 9:
            length = int.from_bytes(buffer[:3], "big")
            if len(buffer) < 9 + length:
                break
            kind, flags = buffer[3], buffer[4]
            if kind == GOAWAY:
                return False
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                count -= 1
            buffer = buffer[9 + length:]
    return True


class Stranger:
    def __init__(self, port, seconds):
        self.port = port
        self.end = time.monotonic() + seconds
        self.counts = collections.Counter()
        self.random = random.Random(1)

    def run(self):
        kinds = [self.leave_calls_unfinished, self.check_health, self.reflect, self.call,
                 self.send_garbage, self.drop_connections]
        threads = [threading.Thread(target=self.repeat, args=[kind]) for kind in kinds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps(self.counts))

    def repeat(self, kind):
        while time.monotonic() < self.end:
            try:
                kind()
            except OSError:
                # The host hangs up on some of it.
                self.counts["hung up"] += 1

    def make_calls(self, name, batches):
        with connect(self.port) as peer:
            for batch in batches:
                peer.sendall(batch)
                goes_on = ended_calls(peer, CALLS)
                self.counts[name] += CALLS
                if not goes_on or time.monotonic() > self.end:
                    return

    def check_health(self, batches=whole_calls(CHECK, b"")):
        self.make_calls("health", batches)

    def reflect(self, batches=whole_calls(REFLECTION, b"\x3a\x00")):
        self.make_calls("reflection", batches)

    def call(self, batches=whole_calls("/snakepit.bridge.BridgeService/Ping", b"\x0a\x01x")):
        self.make_calls("calls", batches)

    def leave_calls_unfinished(self):
        """Many connections with as many calls as they may have, each with much metadata and a part of a
        message; the oldest are dropped for new ones."""
        beginning = b"".join(
            headers(stream, CHECK, much="y" * 500)
            + frame(DATA, 0, stream, b"\0" + struct.pack(">I", 4000) + b"z" * 500)
            for stream in range(1, 2 * CALLS, 2))
        held = collections.deque()
        while time.monotonic() < self.end:
            try:
                peer = connect(self.port)
                peer.setblocking(False)
                peer.send(beginning)
                held.append(peer)
                self.counts["unfinished"] += CALLS
            except OSError:
                self.counts["hung up"] += 1
            if len(held) > 200:
                held.popleft().close()

    def send_garbage(self):
        with socket.create_connection(("127.0.0.1", self.port), 10) as peer:
            if self.random.random() < 0.5:
                peer.sendall(PREFACE)
            peer.sendall(self.random.randbytes(self.random.randrange(1, 100_000)))
            self.counts["garbage"] += 1
            while peer.recv(65536):
                pass

    def drop_connections(self):
        with socket.create_connection(("127.0.0.1", self.port), 10) as peer:
            if self.random.random() < 0.5:
                # Without a farewell.
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.sendall(PREFACE[:self.random.randrange(len(PREFACE) + 1)])
        self.counts["dropped"] += 1


if __name__ == "__main__":
    # It is the others that are measured.
    os.nice(5)
    Stranger(int(sys.argv[1]), float(sys.argv[2])).run()
