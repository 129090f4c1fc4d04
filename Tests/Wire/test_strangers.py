"""A stranger without a token at full speed: what others notice, and what it costs.

It goes on for two seconds; BRIDGE_BUSY_SECONDS lets it for longer. What calls take is printed, and not
asserted: compare it with what they take beside a busy loop, as the stranger needs a processor, too.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

from bridge import CALL_TIMEOUT, any_json, eventually, start_host
from certificates import Authority
from stranger import PREFACE
from stubs import pb, rpc
from test_resources import MEBIBYTE, resident

SECONDS = float(os.environ.get("BRIDGE_BUSY_SECONDS", "2"))
BUSY_LOOP = "import os\nos.nice(5)\nprint(flush=True)\nwhile True: pass"
PROGRAM = pathlib.Path(__file__).parent / "stranger.py"


class Other:
    """A client with a token that goes on as if nothing were: calls, tool calls and a watch."""

    def __init__(self, host, name):
        self.session = name
        self.options = {"metadata": [("authorization", "Bearer token-of-others")]}
        self.stub = rpc.BridgeServiceStub(host.channel())
        self.stub.InitializeSession(
            pb.InitializeSessionRequest(session_id=name), timeout=CALL_TIMEOUT, **self.options)
        self.stub.RegisterVariable(pb.RegisterVariableRequest(
            session_id=name, name="v", type="integer", initial_value=any_json("integer", 0)),
            timeout=CALL_TIMEOUT, **self.options)
        self.watch = self.stub.WatchVariables(
            pb.WatchVariablesRequest(session_id=name), **self.options)
        self.watch.initial_metadata()
        self.number = 0

    def take_turn(self):
        """One round of calls: how long each took."""
        self.number += 1
        requests = [
            (self.stub.Ping, pb.PingRequest(message="x")),
            (self.stub.SetVariable, pb.SetVariableRequest(
                session_id=self.session, variable_identifier="v",
                value=any_json("integer", self.number))),
            (self.stub.GetVariable, pb.GetVariableRequest(
                session_id=self.session, variable_identifier="v")),
            (self.stub.ExecuteTool, pb.ExecuteToolRequest(
                session_id=self.session, tool_name="echo",
                parameters={"text": any_json("string", "x")}))]
        times = []
        for method, request in requests:
            began = time.monotonic()
            method(request, timeout=CALL_TIMEOUT, **self.options)
            times.append(time.monotonic() - began)
        update = next(update for update in self.watch if update.update_type != "heartbeat")
        assert json.loads(update.variable.value.value) == self.number
        return times


def measure(others, until):
    """The times of all calls that these clients make, each on a thread, until something holds."""
    times, errors = [], []

    def work(other):
        try:
            own = []
            while not until():
                own += other.take_turn()
            times.extend(own)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=[other]) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sorted(times)


def told(name, times):
    middle, late = (times[int(len(times) * share)] * 1000 for share in [0.5, 0.99])
    print(f"{name}: {len(times)} calls, p50 {middle:.2f} ms, p99 {late:.2f} ms")


@contextlib.contextmanager
def busy_loop():
    """A program that costs a processor and asks the host for nothing."""
    program = subprocess.Popen([sys.executable, "-c", BUSY_LOOP], stdout=subprocess.PIPE)
    try:
        program.stdout.readline()
        yield
    finally:
        program.kill()
        program.wait()
        program.stdout.close()


def descriptors(host):
    return len(os.listdir(f"/proc/{host.process.pid}/fd"))


def test_a_stranger_costs_little(tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("token-of-others\n")
    tokens.chmod(0o600)
    with start_host("--token-file", tokens) as host:
        others = [Other(host, name) for name in ["one", "two"]]
        measure(others, after(0.5))
        told("before", measure(others, after(max(1, SECONDS / 10))))
        with busy_loop():
            told("beside a busy loop", measure(others, after(max(1, SECONDS / 10))))
        start = largest = resident(host.process.pid)
        open_before = descriptors(host)
        lines_before, began = host.stderr_text().count("\n"), time.monotonic()
        stranger = subprocess.Popen(
            [sys.executable, PROGRAM, str(host.port), str(SECONDS)], stdout=subprocess.PIPE, text=True)
        done = threading.Event()

        def watch_memory():
            nonlocal largest
            while not done.wait(0.1):
                largest = max(largest, resident(host.process.pid))

        watcher = threading.Thread(target=watch_memory)
        watcher.start()
        try:
            told("beside a stranger", measure(others, lambda: stranger.poll() is not None))
            assert stranger.wait() == 0
            counts = json.loads(stranger.stdout.read())
        finally:
            done.set()
            watcher.join()
            stranger.kill()
            stranger.wait()
        print(f"the stranger: {counts}")
        print(f"memory: {(largest - start) / MEBIBYTE:.1f} MiB more at most")
        for kind in ["unfinished", "health", "reflection", "calls", "garbage", "dropped"]:
            assert counts.get(kind), kind
        assert largest - start < 64 * MEBIBYTE
        # What it leaves behind goes.
        eventually(
            lambda: resident(host.process.pid) - start < 32 * MEBIBYTE, "the memory is back")
        eventually(lambda: descriptors(host) <= open_before, "the descriptors are back")
        # Five refusals in ten seconds are logged, of thousands.
        lines = host.stderr_text().count("\n") - lines_before
        print(f"log: {lines} lines")
        assert lines < 20 + (time.monotonic() - began)
        told("after", measure(others, after(1)))


def test_failed_handshakes_do_not_fill_the_log(tmp_path):
    pair = Authority(tmp_path, "authority").server()
    options = ["--tls-certificate", pair.certificate_file, "--tls-key", pair.key_file]
    with start_host(*options) as host:
        began = time.monotonic()
        for _ in range(100):
            with socket.create_connection(("127.0.0.1", host.port), CALL_TIMEOUT) as peer:
                # No TLS. The host hangs up, with what it has not read or without.
                with contextlib.suppress(ConnectionError):
                    peer.sendall(PREFACE)
                    while peer.recv(65536):
                        pass

        def lines():
            return host.stderr_text().count("TLS handshake failed")

        eventually(lambda: lines() >= 5, "the first failures are logged")
        # Five in ten seconds.
        assert lines() <= 5 * (1 + int((time.monotonic() - began) / 10))


def after(seconds):
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end
