"""The server that is measured, and the generators that make load on it."""

import json
import os
import queue
import re
import signal
import subprocess
import threading
import time

READY_TIMEOUT = 60
# How long a command of a generator may take, in seconds.
COMMAND_TIMEOUT = 900


class Failure(Exception):
    """Something did not answer as it must."""


class Server:
    """A server that prints GRPC_READY:<port>, with a view from outside on what it uses."""

    def __init__(self, *command, log=None):
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=log or subprocess.DEVNULL, text=True)
        watchdog = threading.Timer(READY_TIMEOUT, self.process.kill)
        watchdog.start()
        ready = re.fullmatch(r"GRPC_READY:(\d+)\n", self.process.stdout.readline())
        watchdog.cancel()
        if not ready:
            raise Failure(f"{command[0]} did not become ready")
        self.port = int(ready[1])
        self.pid = self.process.pid

    def cpu(self):
        """Seconds of CPU that the process has used, of all its threads.

        From its CPU clock, which counts nanoseconds (clock_getcpuclockid makes such numbers).
        """
        return time.clock_gettime((~self.pid << 3) | 2)

    def rss(self):
        """Bytes in memory."""
        with open(f"/proc/{self.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def peak_rss(self):
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        """Ends it in order; answers its exit code."""
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -signal.SIGKILL
        finally:
            self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Generator:
    """A process that makes load; see Generator/commands.h for what it can do."""

    def __init__(self, program, server, connections=0, window=None):
        self.process = subprocess.Popen(
            [str(program), str(server.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        self._answers = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.failures = []
        if connections:
            self.do("connect", count=connections, **({"window": window} if window else {}))

    def _read(self):
        for line in self.process.stdout:
            self._answers.put(line)
        self._answers.put(None)

    def start(self, command, **arguments):
        words = [command, *(f"{key}={value}" for key, value in arguments.items()
                            if value is not None)]
        try:
            self.process.stdin.write(" ".join(words) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure(f"the generator ended before {command}") from None

    def wait(self, timeout=COMMAND_TIMEOUT):
        """The answer to the command that was started first."""
        try:
            line = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise Failure("a generator did not answer in time") from None
        if line is None:
            raise Failure("a generator ended early")
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    def do(self, command, **arguments):
        self.start(command, **arguments)
        return self.wait()

    def checked(self, command, **arguments):
        """`do`, and everything must be right."""
        return check(self.do(command, **arguments))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def stop(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def check(answer):
    """Fails unless every call of an answer was right and every delivery came once, in order."""
    for key in ("failed", "wrong", "lost", "reordered"):
        if answer.get(key):
            raise Failure(f"{answer[key]} {key}: {answer}")
    if "deliveries" in answer and answer["deliveries"] != answer["writes"] * answer["watches"]:
        raise Failure(f"deliveries are not writes times watches: {answer}")
    return answer


STATISTICS = "/bridge_host.v1.SessionAdminService/GetStatistics"


def statistics(generator):
    """What the host counts of sessions, variables and watches."""
    answer = generator.checked("calls", method="given", path=STATISTICS)
    message, numbers, at = bytes.fromhex(answer["answer"]), {}, 0
    while at < len(message):
        field, at = message[at] >> 3, at + 1
        value = shift = 0
        while True:
            byte, at = message[at], at + 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        numbers[field] = value
    names = ("sessions", "variables", "watches", "value_bytes", "history_bytes", "log_bytes")
    return {name: numbers.get(field, 0) for field, name in enumerate(names, 1)}
