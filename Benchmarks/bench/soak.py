"""Full load for minutes, with clients that come, go and break off; then nothing may be left."""

import random
import socket
import struct
import threading
import time

from . import build
from .load import LIMITS, settle
from .measure import median
from .processes import Generator, Server, statistics
from .report import Report, host_options, parser

# Which sessions and variables belong to whom: s0 to s19 to the steady callers, the session
# "watched" to the writer and its watches, s1000 up to those that are made and ended.
STEADY_SESSIONS, STEADY_VARIABLES = 20, 200
FIRST_PASSING = 1000
# Seconds that those may be idle: longer than a slow machine takes for the next call.
PASSING_TTL = 20
# Sessions keep as many changes and past versions as they may: few enough that all are full soon, so
# that memory which grows after that is a leak.
KEPT = ["--watch-log-changes", "1000", "--history-versions", "50"]
# Threads of the host's worker pools are kept once they are made, so their number is bounded here:
# so many for tools and for callbacks, and one that looks after each kind.
TOOL_THREADS = 8
POOL_THREADS = 2 * (TOOL_THREADS + 1)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes(3) + struct.pack(">BBI", 4, 0, 0)
# HEADERS of four bytes, of which one comes, without END_HEADERS.
HALF_A_REQUEST = b"\0\0\4" + struct.pack(">BBI", 1, 0, 1) + b"\x83"
OPENINGS = (b"", PREFACE[:10], PREFACE, PREFACE + SETTINGS, PREFACE + SETTINGS + HALF_A_REQUEST,
            b"GET / HTTP/1.1\r\n")


class Load:
    """The server, and what threads of load share: when to end, what they did, what was wrong."""

    def __init__(self, server, program, seconds, seed):
        self.server, self.program = server, program
        self.end = time.monotonic() + seconds
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.counts = {}
        self.failures = []

    def goes_on(self):
        return time.monotonic() < self.end and not self.failures and self.server.is_running()

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + number

    def generator(self, connections=0, window=None):
        return Generator(self.program, self.server, connections, window)

    def thread(self, body):
        def run():
            try:
                body(self)
            except Exception as error:
                self.failures.append(f"{body.__name__}: {error}")
        return threading.Thread(target=run, name=body.__name__)


# ---------------------------------------------------------------------------------------------
# Clients that stay


def steady_calls(load):
    """Writes and reads what it wrote, without pause; every value and version is checked."""
    with load.generator(10) as generator:
        generator.checked("calls", method="register", count=STEADY_VARIABLES,
                          sessions=STEADY_SESSIONS, concurrency=100)
        version = 1
        while load.goes_on():
            version += 1
            for method in ("set", "get"):
                generator.checked(
                    "calls", method=method, count=STEADY_VARIABLES, sessions=STEADY_SESSIONS,
                    offset=version, version=version, concurrency=50)
                load.count(f"steady {method}s", STEADY_VARIABLES)
        generator.checked("calls", method="get", count=STEADY_VARIABLES,
                          sessions=STEADY_SESSIONS, offset=version, version=version,
                          concurrency=100)
        generator.checked("calls", method="cleanup", count=STEADY_SESSIONS,
                          sessions=STEADY_SESSIONS, concurrency=10)


def steady_tools(load):
    with load.generator(2) as generator:
        while load.goes_on():
            generator.checked("calls", method="echo", count=2000, sessions=1,
                              concurrency=20, offset=load.random.randrange(10**6))
            load.count("tool calls", 2000)


def steady_watches(load):
    """A writer and two hundred watches, which must see every change."""
    with load.generator(11) as generator:
        generator.checked("declare", session="watched")
        generator.do("watch", streams=200, connection=1, session="watched")
        while load.goes_on():
            size = load.random.choice((0, 100, 1000, 10000))
            answer = generator.checked("write", session="watched", count=500, size=size)
            load.count("deliveries", answer["deliveries"])
        generator.do("unwatch")


def stalled_watches(load):
    """Watches that never read, replaced now and then; they cost nobody else anything."""
    while load.goes_on():
        with load.generator(10, 2**31 - 1) as generator:
            generator.do("watch", streams=10, session="watched", stall=1)
            load.count("stalled watches", 10)
            pause(load, 5)
            generator.do("close", reset=1)


# ---------------------------------------------------------------------------------------------
# Clients that come and go


def pause(load, seconds):
    end = min(load.end, time.monotonic() + seconds)
    while time.monotonic() < end and load.goes_on():
        time.sleep(0.1)


def passing_sessions(load):
    """Sessions made, filled, and ended by a call or left to expire."""
    number = FIRST_PASSING
    with load.generator(2) as generator:
        while load.goes_on():
            group = dict(sessions=10**9, concurrency=20, first=number, count=200)
            generator.checked("calls", method="initialize", ttl=PASSING_TTL, **group)
            generator.checked("calls", method="register", **group)
            generator.checked("calls", method="get", **group)
            if load.random.random() < 0.7:
                generator.checked("calls", method="cleanup", **group)
                generator.checked("calls", method="session", status=5, **group)
            else:
                load.count("sessions left to expire", 200)
            load.count("sessions", 200)
            number += 200


def passing_clients(load):
    """New connections with calls and watches, gone without a word after a moment."""
    while load.goes_on():
        with load.generator(5) as generator:
            generator.do("watch", streams=50, session="watched")
            generator.checked("calls", method="echo", count=200, sessions=1, concurrency=20)
            if load.random.random() < 0.5:
                generator.do("unwatch")
                load.count("cancelled watches", 50)
            generator.do("close", reset=int(load.random.random() < 0.5))
            load.count("connections", 5)


def killed_clients(load):
    """Processes that end by SIGKILL in the middle of calls and watches."""
    while load.goes_on():
        generator = load.generator(5)
        generator.do("watch", streams=50, session="watched")
        generator.start("calls", method="echo", count=10**7, sessions=1, concurrency=50)
        time.sleep(load.random.uniform(0.05, 0.5))
        generator.kill()
        load.count("killed clients")


def broken_connections(load):
    """Connections that say nothing, half a preface or half a request, and then end or reset."""
    while load.goes_on():
        sockets = []
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", load.server.port), timeout=10)
            sockets.append(connection)
            try:
                connection.sendall(load.random.choice(OPENINGS))
                if load.random.random() < 0.3:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        pause(load, 1)
        for connection in sockets:
            if load.random.random() < 0.5:
                connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        load.count("broken connections", len(sockets))


BODIES = (steady_calls, steady_tools, steady_watches, stalled_watches, passing_sessions,
          passing_clients, killed_clients, broken_connections)


# ---------------------------------------------------------------------------------------------
# What is looked at


def slope(points):
    """Least squares: how much y grows per x."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def sample(server, started):
    return {"seconds": round(time.monotonic() - started, 1), "rss": server.rss(),
            "cpu": round(server.cpu(), 2), "descriptors": server.descriptors(),
            "threads": server.threads()}


def warm_up(server, program):
    """Makes the server create what it keeps for good, then answers what that is."""
    with Generator(program, server, 20) as generator:
        generator.do("declare", session="warm")
        generator.do("watch", streams=100, session="warm")
        generator.checked("write", session="warm", count=100)
        generator.do("unwatch")
        generator.checked("calls", method="echo", count=5000, sessions=1, concurrency=200)
    settle(server)
    return server.descriptors()


def main(arguments):
    options = parser("soak", __doc__)
    host_options(options)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default=",".join(body.__name__ for body in BODIES),
                         help="kinds of load, with commas between, to find what a growth is due to")
    options = options.parse_args(arguments)
    if options.host:
        host, plugins = options.host, options.plugins
    else:
        host, plugins = build.host()
    if not plugins:
        raise SystemExit("tools are part of the load: --host needs --plugins")
    program = build.generator()
    report = Report("soak")
    with Server(host, "serve", "--plugins", plugins, "--tool-threads", TOOL_THREADS,
                *KEPT, *LIMITS) as server:
        report.part("soak", soak, server, program, options)
        if server.is_running():
            report.require(server.stop() == 0, "the host did not end in order")
        else:
            report.fail(f"the host ended by itself: {server.process.returncode}")
    return report.finish(options.json)


def soak(report, server, program, options):
    threads_idle = server.threads()
    descriptors = warm_up(server, program)
    load = Load(server, program, options.minutes * 60, options.seed)
    started = time.monotonic()
    threads = [load.thread(body) for body in BODIES if body.__name__ in options.only.split(",")]
    for thread in threads:
        thread.start()
    samples = []
    while load.goes_on():
        time.sleep(1)
        if server.is_running():
            samples.append(sample(server, started))
    for thread in threads:
        thread.join(180)
        if thread.is_alive():
            load.failures.append(f"{thread.name} did not end")
    for failure in load.failures:
        report.fail(failure)
    if not server.is_running():
        return

    # The sessions left to expire are gone so long after their last use, and at most 5 seconds more.
    time.sleep(PASSING_TTL + 10)
    settle(server)
    left = sample(server, started)
    with Generator(program, server, 1) as generator:
        generator.checked("calls", method="cleanup", count=1, sessions=1)
        for name in ("warm", "watched"):
            end_session(generator, name)
        held = statistics(generator)
    rss_empty = settle(server)
    report.require(held["sessions"] == held["variables"] == held["watches"] == 0,
                   f"after all clients left, the host counts {held}")
    report.require(left["descriptors"] == descriptors,
                   f"{left['descriptors']} descriptors are open, {descriptors} were before")

    # The first half is the warm-up.
    warm = samples[len(samples) // 2:]
    if len(warm) < 12:
        report.fail("too short to tell whether memory grows")
        return
    growth = slope([(each["seconds"] / 60, each["rss"] / 2**20) for each in warm])
    third = len(warm) // 3
    early = median([each["rss"] for each in warm[:third]])
    late = median([each["rss"] for each in warm[-third:]])
    report.require(late <= early * 1.05 + (4 << 20),
                   f"memory went from {early:,.0f} to {late:,.0f} bytes in the second half")
    most_threads = max(each["threads"] for each in samples)
    report.require(most_threads <= threads_idle + POOL_THREADS,
                   f"{most_threads} threads, {threads_idle} before any call")
    report.add("soak", {
        "minutes": options.minutes, "seed": options.seed, "counts": load.counts,
        "rss_mib_per_minute": growth, "rss_early": early, "rss_late": late,
        "left": left, "rss_empty": rss_empty,
        "descriptors_before": descriptors, "cpu_seconds": samples[-1]["cpu"],
        "samples": samples})
    report.table(f"{options.minutes:g} minutes of load", ["", "figure"], [
        *([name, count] for name, count in sorted(load.counts.items())),
        ["server CPU, seconds", samples[-1]["cpu"]],
        ["memory, MiB: after half of the time", early / 2**20],
        ["… at the end", late / 2**20],
        ["… once all had left", left["rss"] / 2**20],
        ["… once all sessions had ended", rss_empty / 2**20],
        ["growth in the second half, MiB a minute", growth],
        ["descriptors before, at most, after",
         f"{descriptors}, {max(each['descriptors'] for each in samples)}, {left['descriptors']}"],
        ["threads before, at most, after",
         f"{threads_idle}, {most_threads}, {left['threads']}"],
    ])


def end_session(generator, name):
    text = name.encode()
    generator.checked("calls", method="given",
                      path="/snakepit.bridge.BridgeService/CleanupSession",
                      request=(b"\x0a" + bytes([len(text)]) + text).hex())
