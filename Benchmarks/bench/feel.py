"""What users feel: slow answers among quick ones, the first call after a rest, many clients at once, and
what becomes of all that as sessions grow.

Everything is checked: an answer that is wrong fails the run. `--beside NAME=COMMAND` measures another host in
turn, such as an earlier one; it must print GRPC_READY:<port>, and have a tool `echo`.
"""

import contextlib
import json
import shlex
import shutil
import time

from . import build
from .load import LIMITS, STRIDE, measured, settle
from .measure import Segment, median, medians
from .processes import Generator, Server
from .report import Report, host_options, parser

SHAPES = {"1x1": (1, 1), "1x100": (1, 100), "10x10": (10, 100), "100x1": (100, 100)}
# The tables have one line of a server for each.
CALLS = ("get", "set", "echo")


class Setup:
    """The servers, and how much is measured."""

    def __init__(self, options):
        self.generator_program = build.generator()
        if options.host:
            host, plugins = options.host, options.plugins
        else:
            host, plugins = build.host()
        common = [host, "serve", *LIMITS, "--isolation", "in-process"]
        self.commands = {"host": [*common, "--plugins", plugins]}
        pooled = pooled_plugins(plugins)
        self.commands["host, tools on threads"] = [*common, "--plugins", pooled]
        for word in options.beside:
            name, _, command = word.partition("=")
            self.commands[name] = shlex.split(command)
        self.scale, self.repeats, self.idle = options.scale, options.repeat, options.idle
        self.most = options.sessions

    def scaled(self, count, least=1):
        return max(least, int(count * self.scale))

    @contextlib.contextmanager
    def servers(self, names=None):
        """All servers by name, each with a way to make generators."""
        with contextlib.ExitStack() as stack:
            yield {name: stack.enter_context(Server(*command))
                   for name, command in self.commands.items() if not names or name in names}

    def generator(self, server, connections):
        return Generator(self.generator_program, server, connections)


def pooled_plugins(plugins):
    """A copy of a plugin directory whose tools run on worker threads."""
    target = build.OUTPUT / "plugins-pooled"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(plugins, target, ignore=shutil.ignore_patterns("cache"))
    for file in target.glob("lib*.so"):
        settings = target / f"{file.stem}.plugin.json"
        known = json.loads(settings.read_text()) if settings.exists() else {}
        settings.write_text(json.dumps({**known, "inline": False}))
    return target


def prepare(load, sessions=1):
    """Sessions with a variable each."""
    concurrency = min(100, sessions)
    load.checked("calls", method="initialize", count=sessions, sessions=sessions,
                 concurrency=concurrency)
    load.checked("calls", method="register", count=sessions, sessions=sessions,
                 concurrency=concurrency)


def tails(report, setup):
    """The slow ones among many calls."""
    found = {}
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(setup.servers())
        loads = {}
        for name, server in servers.items():
            for shape, (connections, _) in SHAPES.items():
                loads[name, shape] = stack.enter_context(setup.generator(server, connections))
            prepare(loads[name, "1x1"])
        for shape, (_, concurrency) in SHAPES.items():
            count = setup.scaled(10_000 if shape == "1x1" else 60_000, 1000)
            for _ in range(setup.repeats):
                for name, server in servers.items():
                    for method in CALLS:
                        found.setdefault((shape, method, name), []).append(measured(
                            server, loads[name, shape], "calls", "calls", method=method,
                            count=count, total=1, concurrency=concurrency))
    found = {key: medians(segments) for key, segments in found.items()}
    report.add("tails", {" ".join(key): figures for key, figures in found.items()})
    report.table("Calls of one variable and of a tool", [
        "connections x streams", "call", "server", "server CPU µs", "calls/s", "p50 µs", "p99 µs",
        "p99.9 µs"], [
            [shape, method, name, each["cpu_us"], each["per_second"], each["p50_us"],
             each["p99_us"], each["p999_us"]]
            for (shape, method, name), each in found.items()])


def rest(report, setup):
    """The first calls after nobody has called for a while."""
    found = {}
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(setup.servers())
        loads = {}
        for name, server in servers.items():
            loads[name] = stack.enter_context(setup.generator(server, 1))
            prepare(loads[name])
            loads[name].checked("calls", method="echo", count=1000)
        for _ in range(setup.repeats):
            before = {name: server.cpu() for name, server in servers.items()}
            time.sleep(setup.idle)
            for name, server in servers.items():
                figures = {"idle_cpu_us_per_second": (server.cpu() - before[name]) * 1e6 / setup.idle}
                for method in ("get", "echo"):
                    figures[f"{method}_us"] = loads[name].checked("calls", method=method)["max_us"]
                started = time.monotonic()
                with setup.generator(server, 1) as new:
                    new.checked("calls", method="get")
                    figures["new_client_ms"] = (time.monotonic() - started) * 1e3
                figures["get_again_us"] = loads[name].checked("calls", method="get")["max_us"]
                found.setdefault(name, []).append(figures)
    found = {name: {key: median([each[key] for each in segments]) for key in segments[0]}
             for name, segments in found.items()}
    report.add("rest", found)
    report.table(f"The first calls after {setup.idle:g} s without any", [
        "server", "get, µs", "then echo, µs", "get at once after, µs", "new process and client, ms",
        "CPU at rest, µs/s"], [
            [name, each["get_us"], each["echo_us"], each["get_again_us"], each["new_client_ms"],
             each["idle_cpu_us_per_second"]] for name, each in found.items()])


def crowd(report, setup):
    """A thousand connections that come at once, each with a call."""
    count = setup.scaled(1000, 10)
    found = {}
    with setup.servers() as servers:
        for _ in range(setup.repeats):
            for name, server in servers.items():
                with setup.generator(server, 1) as load:
                    load.checked("calls", method="initialize")
                    if name not in found:
                        load.checked("calls", method="register")
                    before = settle(server)
                    with setup.generator(server, 0) as clients, Segment(server) as segment:
                        clients.do("connect", count=count)
                        connected = time.monotonic() - segment._start
                        calls = clients.checked("calls", method="get", count=count, total=1,
                                                concurrency=count)
                        figures = {
                            "connected_ms": connected * 1e3, "p50_us": calls["p50_us"],
                            "p99_us": calls["p99_us"], "max_us": calls["max_us"],
                            "bytes_per_connection": (settle(server) - before) / count}
                    figures["cpu_us"] = segment.cpu * 1e6 / count
                found.setdefault(name, []).append(figures)
    found = {name: {key: median([each[key] for each in segments]) for key in segments[0]}
             for name, segments in found.items()}
    report.add("crowd", found)
    report.table(f"{count:,} connections at once, with a call each", [
        "server", "all connected, ms", "p50 µs", "p99 µs", "max µs", "CPU µs each",
        "bytes each"], [
            [name, each["connected_ms"], each["p50_us"], each["p99_us"], each["max_us"],
             each["cpu_us"], each["bytes_per_connection"]] for name, each in found.items()])


def growth(report, setup):
    """The same calls spread over 1 to 100,000 sessions with a variable each."""
    sizes = [10**power for power in range(0, 6) if 10**power <= setup.most]
    count = setup.scaled(50_000, 1000)
    rows, figures = [], {}
    for size in sizes:
        with contextlib.ExitStack() as stack:
            servers = stack.enter_context(setup.servers())
            loads, memory, found = {}, {}, {}
            for name, server in servers.items():
                loads[name] = stack.enter_context(setup.generator(server, 10))
                before = settle(server)
                prepare(loads[name], size)
                memory[name] = (settle(server) - before) / size
            for _ in range(setup.repeats):
                for name, server in servers.items():
                    for method in CALLS:
                        found.setdefault((name, method), []).append(measured(
                            server, loads[name], "calls", "calls", method=method, count=count,
                            total=size, stride=STRIDE, sessions=size, concurrency=100))
        found = {key: medians(segments) for key, segments in found.items()}
        for name in servers:
            line = [found[name, method] for method in CALLS]
            rows.append([f"{size:,}", name, *(each["cpu_us"] for each in line),
                         *(each["p99_us"] for each in line), line[0]["p999_us"],
                         memory[name] if size >= 1000 else "–"])
        figures[size] = {"bytes_per_session": memory,
                         **{" ".join(key): each for key, each in found.items()}}
    report.add("growth", figures)
    report.table("Growth: calls on 10 connections with 10 streams each, over so many sessions", [
        "sessions", "server", "get CPU µs", "set CPU µs", "echo CPU µs", "get p99 µs", "set p99 µs",
        "echo p99 µs", "get p99.9 µs", "bytes a session and variable"], rows)


PARTS = {"tails": tails, "rest": rest, "crowd": crowd, "growth": growth}


def main(arguments):
    options = parser("feel", __doc__)
    host_options(options)
    options.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    options.add_argument("--repeat", type=int, default=3, help="segments that medians are of")
    options.add_argument("--scale", type=float, default=1, help="share of the full sizes")
    options.add_argument("--idle", type=float, default=60, help="seconds of rest")
    options.add_argument("--sessions", type=int, default=100_000, help="most sessions of `growth`")
    options.add_argument("--beside", action="append", default=[], metavar="NAME=COMMAND",
                         help="another host that is measured in turn")
    options = options.parse_args(arguments)
    names = options.only.split(",")
    unknown = set(names) - set(PARTS)
    if unknown:
        raise SystemExit(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    setup = Setup(options)
    report = Report("feel")
    for name in names:
        report.part(name, PARTS[name], setup)
    return report.finish(options.json)
