"""Tests/GRPCTestServer: the gRPC layer on its own, with the limits a test wants."""

import contextlib
import os
import pathlib
import re
import subprocess

PROGRAM = pathlib.Path(
    os.environ.get("BRIDGE_HOST", ".build/debug/bridge-host")).resolve().parent / "GRPCTestServer"


class Server:
    def __init__(self, limits):
        arguments = [f"{name}={value}" for name, value in limits.items()]
        self.process = subprocess.Popen(
            [PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = re.match(r"GRPC_READY:(\d+)", self.process.stdout.readline())
        self.port = int(ready.group(1))
        self.pid = self.process.pid

    def resident_bytes(self):
        return self._status("VmRSS") * 1024

    def threads(self):
        return self._status("Threads")

    def _status(self, name):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+)", text).group(1))


@contextlib.contextmanager
def serving(**limits):
    """A server, ended and checked for exit code 0."""
    server = Server(limits)
    try:
        yield server
        assert server.process.poll() is None, "the server did not survive"
    except BaseException:
        server.process.kill()
        server.process.wait()
        raise
    server.process.stdin.close()
    assert server.process.wait(30) == 0
