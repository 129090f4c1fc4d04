"""A host for all tests, clients of it, and a proxy that cuts connections.

BRIDGE_HOST is the path of the program, BRIDGE_PLUGINS that of the plugin directory, as for `Tests/Wire`.
"""

import contextlib
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import uuid

import hypothesis
import pytest

import bridge_host

sys.path.insert(0, str(pathlib.Path(__file__).parent))

# The same examples in every run: HYPOTHESIS_PROFILE=default takes others each time.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = ROOT / os.environ.get("BRIDGE_HOST", ".build/debug/bridge-host")
PLUGINS = ROOT / os.environ.get("BRIDGE_PLUGINS", ".build/plugins")


class Host:
    """A running `bridge-host serve`."""

    def __init__(self, *options):
        assert PROGRAM.exists(), f"no host program at {PROGRAM}: build it, or set BRIDGE_HOST"
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--plugins", PLUGINS, "--host", "127.0.0.1", "--port", "0", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        name, _, port = self.process.stdout.readline().decode().strip().partition(":")
        assert name == "GRPC_READY", "the host did not start"
        self.port = int(port)
        self.address = f"127.0.0.1:{port}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0
        self.process.stdout.close()


@contextlib.contextmanager
def running(*options):
    host = Host(*options)
    try:
        yield host
    except BaseException:
        host.kill()
        raise
    if host.process.poll() is None:
        host.stop()


class Proxy:
    """Forwards connections to a port, which may change; cuts them, or lets nothing more through, when it is told."""

    def __init__(self, port):
        self.port = port
        self.passes = True
        self._pairs = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                near.close()
                continue
            with self._lock:
                self.connections += 1
                self._pairs.append((near, far))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source, target):
        try:
            while data := source.recv(1 << 16):
                if self.passes:
                    target.sendall(data)
        except OSError:
            pass
        for side in (source, target):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Ends all connections."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for side in pair:
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
                side.close()

    def close(self):
        self._listener.close()
        self.cut()


@contextlib.contextmanager
def proxied(port):
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()


_numbers = itertools.count(1)


def unique(prefix="session"):
    return f"{prefix}_{next(_numbers)}_{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def host():
    with running() as host:
        yield host


@pytest.fixture(scope="session")
def client(host):
    with bridge_host.connect(host.address) as client:
        yield client


@pytest.fixture(scope="session")
def plain_client(host):
    """A client that does not use numpy."""
    with bridge_host.connect(host.address, arrays=False) as client:
        yield client


@pytest.fixture
def session(client):
    session = client.session(unique(), new=True)
    yield session
    session.end()
