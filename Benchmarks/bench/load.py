"""Sessions, variables and watches at scale, over the wire, against a release build of the host."""

import contextlib
import shutil
import threading
import time

from . import build
from .measure import Segment, median, medians
from .processes import Failure, Generator, Server, check, statistics
from .report import Report, host_options, parser

# Above what any part needs, so that no limit is measured.
LIMITS = ["--log-level", "none", "--session-ttl", "86400", "--max-sessions", "200000",
          "--max-variables", "2000000", "--max-bytes", str(64 << 30)]
# Coprime to every number of variables here: multiples of it visit them all, scattered.
STRIDE = 7919


class Setup:
    """What is measured, with what, and how much."""

    def __init__(self, options):
        self.generator_program = build.generator()
        if options.host:
            self.host, self.plugins = options.host, options.plugins
        else:
            self.host, self.plugins = build.host()
        self.scale = options.scale
        self.repeats = options.repeat

    def server(self, *more):
        plugins = ["--plugins", self.plugins] if self.plugins else []
        return Server(self.host, "serve", *plugins, *LIMITS, *more)

    def generator(self, server, connections=0, window=None):
        return Generator(self.generator_program, server, connections, window)

    def scaled(self, count, least=1):
        return max(least, int(count * self.scale))


def settle(server):
    """Waits until the server rests; answers its memory."""
    cpu = server.cpu()
    for _ in range(50):
        time.sleep(0.2)
        before, cpu = cpu, server.cpu()
        if cpu - before < 0.002:
            break
    return server.rss()


def measured(server, generator, command, per, **arguments):
    """One command as a segment, with its figures per call, write or delivery."""
    with Segment(server) as segment:
        answer = generator.checked(command, **arguments)
    return segment.figures(answer[per], answer)


# ---------------------------------------------------------------------------------------------
# Variables


def variables(report, setup):
    """Registers a million, and reads them beside a host that holds a thousand."""
    sessions = 1000
    many = setup.scaled(1_000_000, sessions * 10)
    pieces = 10
    with contextlib.ExitStack() as stack:
        small, big = (stack.enter_context(setup.server()) for _ in range(2))
        small_load, big_load = (
            stack.enter_context(setup.generator(server, 10)) for server in (small, big))
        for load in (small_load, big_load):
            load.checked("calls", method="initialize", count=sessions, sessions=sessions,
                         concurrency=100)
        small_load.checked("calls", method="register", count=sessions, sessions=sessions,
                           concurrency=100)

        before = settle(big)
        registering = [
            measured(big, big_load, "calls", "calls", method="register", count=many // pieces,
                     first=many // pieces * piece, sessions=sessions, concurrency=100)
            for piece in range(pieces)]
        memory = (settle(big) - before) / many
        held = statistics(big_load)
        if (held["sessions"], held["variables"]) != (sessions, many):
            raise Failure(f"the host counts {held}")

        # One after the other, so that a slow minute of the machine meets all of them.
        reads = {"one_thousand": [], "same_of_a_million": [], "any_of_a_million": []}
        count = setup.scaled(100_000, 1000)
        for _ in range(max(3, setup.repeats)):
            for name, server, load, total in (
                    ("one_thousand", small, small_load, sessions),
                    ("same_of_a_million", big, big_load, sessions),
                    ("any_of_a_million", big, big_load, many)):
                reads[name].append(measured(
                    server, load, "calls", "calls", method="get", count=count, total=total,
                    stride=STRIDE, sessions=sessions, concurrency=100))
        reads = {name: medians(segments) for name, segments in reads.items()}
        base = reads["one_thousand"]["cpu_us"]

        ending = measured(big, big_load, "calls", "calls", method="cleanup", count=sessions,
                          sessions=sessions, concurrency=10)
        after = settle(big)
        if statistics(big_load)["variables"] != 0:
            raise Failure("variables outlived their sessions")

    register = medians(registering)
    figures = report.add("variables", {
        "variables": many, "sessions": sessions, "bytes_per_variable": memory,
        "register": register, "register_first_tenth": registering[0],
        "register_last_tenth": registering[-1], "get": reads,
        "get_ratio_same": reads["same_of_a_million"]["cpu_us"] / base,
        "get_ratio_any": reads["any_of_a_million"]["cpu_us"] / base,
        "end_sessions": ending, "bytes_kept_after": after - before})
    report.table(f"{many:,} variables in {sessions:,} sessions", ["", "figure"], [
        ["memory a variable, bytes", figures["bytes_per_variable"]],
        ["registers a second", register["per_second"]],
        ["server CPU a register, µs", register["cpu_us"]],
        ["… of the first tenth", registering[0]["cpu_us"]],
        ["… of the last tenth", registering[-1]["cpu_us"]],
        ["server CPU a get, µs: 1,000 variables held", base],
        ["… the same 1,000, all held", reads["same_of_a_million"]["cpu_us"]],
        ["… any of them, all held", reads["any_of_a_million"]["cpu_us"]],
        ["ratio, the same 1,000", figures["get_ratio_same"]],
        ["ratio, any", figures["get_ratio_any"]],
        ["memory kept after all sessions ended, MiB", (after - before) / 2**20],
    ])


# ---------------------------------------------------------------------------------------------
# Sessions


def sessions(report, setup):
    """Ten thousand: their memory, and what others notice when all of them end at once."""
    count = setup.scaled(10_000, 100)
    variables_each = 10
    # Longer than it takes to fill the sessions.
    ttl = 20
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(setup.server())
        load = stack.enter_context(setup.generator(server, 10))
        # The reader's variable is in the session after those of the load.
        reader = stack.enter_context(setup.generator(server, 4))
        reader.checked("calls", method="register", first=count, count=1, sessions=count * 2)

        def reads(seconds):
            reader.start("calls", method="get", first=count, stride=0, sessions=count * 2,
                         count=1000 * seconds, rate=1000)

        def fill(**more):
            load.checked("calls", method="initialize", count=count, sessions=count,
                         concurrency=100, **more)
            load.checked("calls", method="register", count=count * variables_each,
                         sessions=count, concurrency=100)

        before = settle(server)
        made = measured(server, load, "calls", "calls", method="initialize", count=count,
                        sessions=count, concurrency=100)
        memory = (settle(server) - before) / count
        load.checked("calls", method="cleanup", count=count, sessions=count, concurrency=100)

        reads(5)
        alone = reader.wait()

        fill()
        reads(3)
        time.sleep(0.5)
        ended = measured(server, load, "calls", "calls", method="cleanup", count=count,
                         sessions=count, concurrency=100)
        during_cleanup = reader.wait()

        fill(ttl=ttl)
        full = settle(server)
        # All of them are used now, so they end together.
        load.checked("calls", method="heartbeat", count=count, sessions=count, concurrency=100)
        reads(ttl + 8)
        during_expiry = reader.wait()
        for answer in (alone, during_cleanup, during_expiry):
            check(answer)
        load.checked("calls", method="session", count=count, sessions=count, concurrency=100,
                     status=5)
        held = statistics(load)
        if (held["sessions"], held["variables"]) != (1, 1):
            raise Failure(f"after all sessions expired, the host counts {held}")
        after = settle(server)

    report.add("sessions", {
        "sessions": count, "bytes_per_session": memory, "initialize": made, "cleanup": ended,
        "variables_each": variables_each, "reads_alone": alone,
        "reads_during_cleanup": during_cleanup, "reads_during_expiry": during_expiry,
        "bytes_full": full - before, "bytes_kept_after": after - before})
    report.table(f"{count:,} sessions", ["", "figure"], [
        ["memory a session, bytes", memory],
        ["server CPU to make one, µs", made["cpu_us"]],
        [f"server CPU to end one with {variables_each} variables, µs", ended["cpu_us"]],
        [f"memory of all with {variables_each} variables each, MiB", (full - before) / 2**20],
        ["memory kept after all expired, MiB", (after - before) / 2**20],
    ])
    report.table("Reads of another client meanwhile, 1,000 a second", ["µs", "p50", "p99", "max"], [
        [name, answer["p50_us"], answer["p99_us"], answer["max_us"]] for name, answer in (
            ("alone", alone), ("while all are ended by calls", during_cleanup),
            ("while all expire", during_expiry))])


def large_session(report, setup):
    """One session with half a million variables, and reads of another client while it ends."""
    count = setup.scaled(500_000, 10_000)
    with setup.server() as server, setup.generator(server, 10) as load, \
            setup.generator(server, 4) as reader:
        reader.checked("calls", method="register", first=5, sessions=10)
        load.checked("calls", method="register", count=count, sessions=1, concurrency=100)

        def reads():
            reader.start("calls", method="get", first=5, stride=0, sessions=10, count=3000,
                         rate=1000)

        reads()
        alone = check(reader.wait())
        reads()
        time.sleep(0.5)
        ended = load.checked("calls", method="cleanup")
        beside = check(reader.wait())
        held = statistics(load)
        if (held["sessions"], held["variables"]) != (1, 1):
            raise Failure(f"after the session ended, the host counts {held}")
    report.add("large_session", {
        "variables": count, "end": ended, "reads_alone": alone, "reads_beside": beside})
    report.table(
        f"The end of one session of {count:,} variables (the call took "
        f"{ended['seconds'] * 1000:.0f} ms)", ["reads of another client, µs", "p50", "p99", "max"],
        [[name, answer["p50_us"], answer["p99_us"], answer["max_us"]]
         for name, answer in (("alone", alone), ("beside", beside))])


# ---------------------------------------------------------------------------------------------
# Watches


def streams(report, setup):
    """Ten thousand watches on a hundred connections, all of one variable."""
    count = setup.scaled(10_000, 100)
    with setup.server() as server, setup.generator(server, 1) as load:
        load.checked("declare")
        load.do("connect", count=100)
        connections = settle(server)
        load.do("watch", streams=count, connection=1)
        memory = (settle(server) - connections) / count
        load.checked("write", count=20)
        one = load.checked("write", count=20, ahead=1)
        full = medians([
            measured(server, load, "write", "deliveries", count=50, ahead=16)
            for _ in range(setup.repeats)])
        open_watches = load.do("watches")
        if open_watches["open"] != count or statistics(load)["watches"] != count:
            raise Failure(f"watches ended: {open_watches}")
        with Segment(server) as cancelling:
            load.do("unwatch")
            settle(server)
        if statistics(load)["watches"] != 0:
            raise Failure("cancelled watches are still counted")
        kept = settle(server) - connections
    report.add("streams", {
        "streams": count, "connections": 100, "bytes_per_stream": memory,
        "one_change": one, "changes": full, "bytes_kept_after": kept,
        "cpu_us_per_cancel": cancelling.cpu * 1e6 / count})
    report.table(f"{count:,} watches on 100 connections", ["", "figure"], [
        ["memory a watch, bytes", memory],
        ["one change to all, ms", one["seconds"] * 1000 / one["writes"]],
        ["deliveries a second", full["per_second"]],
        ["server CPU a delivery, µs", full["cpu_us"]],
        ["lost, reordered, wrong", 0],
        ["server CPU to cancel one, µs", cancelling.cpu * 1e6 / count],
        ["memory kept after all were cancelled, MiB", kept / 2**20],
    ])


def fan_out(report, setup):
    """One writer, a thousand watches of one variable on ten connections."""
    watchers = setup.scaled(1000, 10)
    with setup.server() as server, setup.generator(server, 11) as load:
        load.checked("declare")
        load.do("watch", streams=watchers, connection=1)
        load.checked("write", count=200)
        segments = [
            measured(server, load, "write", "deliveries", count=1000, ahead=64)
            for _ in range(max(3, setup.repeats))]
        paced = [
            measured(server, load, "write", "deliveries", count=200, ahead=64, rate=50)
            for _ in range(setup.repeats)]
    full, paced = medians(segments), medians(paced)
    report.add("fan_out", {"watchers": watchers, "full": full, "paced_50": paced})
    report.table(
        f"One writer, {watchers:,} watches of one variable",
        ["", "deliveries/s", "server CPU µs/delivery", "p50 ms", "p99 ms", "lost", "reordered"], [
            [name, each["per_second"], each["cpu_us"], each["p50_us"] / 1000,
             each["p99_us"] / 1000, 0, 0]
            for name, each in (("as fast as they go, 64 ahead", full), ("50 writes/s", paced))])


class PeakMemory:
    """A context that looks at the server's memory 20 times a second."""

    def __init__(self, server):
        self.server, self.peak = server, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self):
        while not self._ended.wait(0.05):
            self.peak = max(self.peak, self.server.rss())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()


def stalled(report, setup):
    """A watch that reads, beside fifty whose clients open their windows and never read."""
    count = 50
    changes, size = setup.scaled(20_000, 2000), 10_000
    window = 2**31 - 1
    latencies = {"alone": [], "beside": []}
    memory = {"alone": [], "beside": []}
    for name in ["alone", "beside"] * setup.repeats:
        with setup.server() as server, setup.generator(server, 2) as load, \
                setup.generator(server, count, window) as others:
            load.checked("declare")
            load.do("watch", streams=1, connection=1)
            others.do("watch", streams=count, stall=1 if name == "beside" else None)
            if name == "alone":
                others.do("unwatch")
            load.checked("write", count=500, rate=500)
            latencies[name].append(measured(
                server, load, "write", "deliveries", count=setup.scaled(2000, 500), rate=500,
                size=1000))
            before = settle(server)
            with PeakMemory(server) as peak:
                flood = measured(server, load, "write", "deliveries", count=changes, size=size,
                                 ahead=64)
            memory[name].append(
                {"peak": peak.peak - before, "after": settle(server) - before, "flood": flood})
            if name == "beside":
                # They learn that they fell behind: nothing is left out in silence.
                others.do("resume")
                ended = others.do("watches", wait_ms=3000)
                if ended["ended"].get("11") != count:
                    raise Failure(f"{count} stalled watches ended as {ended}")
    figures = {name: medians(segments) for name, segments in latencies.items()}
    peaks = {name: median([each["peak"] for each in memory[name]]) for name in memory}
    kept = {name: median([each["after"] for each in memory[name]]) for name in memory}
    floods = {name: medians([each["flood"] for each in memory[name]]) for name in memory}
    report.add("stalled", {
        "stalled": count, "bytes_written": changes * size, "latency": figures,
        "flood": floods, "peak_bytes": peaks, "bytes_after": kept})
    megabytes = changes * size // 1_000_000
    report.table(
        f"One watch that reads, beside {count} stalled ones",
        ["", "p50 µs", "p99 µs", "CPU µs/delivery", f"peak MiB in {megabytes} MB", "MiB after",
         "CPU µs/change"], [
            [title, figures[name]["p50_us"], figures[name]["p99_us"], figures[name]["cpu_us"],
             peaks[name] / 2**20, kept[name] / 2**20, floods[name]["cpu_us"]]
            for title, name in (("alone", "alone"), (f"beside {count}", "beside"))])


# ---------------------------------------------------------------------------------------------
# The state directory


def state(report, setup):
    """The same writes with and without a state directory."""
    directory = build.OUTPUT / "state"
    shutil.rmtree(directory, ignore_errors=True)
    sessions_count, total = 100, 1000
    rounds = setup.scaled(20, 2)
    modes = {
        "off": [],
        "interval": ["--state", directory / "interval", "--durability", "interval"],
        "always": ["--state", directory / "always", "--durability", "always"],
    }
    with contextlib.ExitStack() as stack:
        servers, loads = {}, {}
        for mode, arguments in modes.items():
            if arguments:
                arguments[1].mkdir(parents=True)
            servers[mode] = stack.enter_context(setup.server(*arguments))
            loads[mode] = stack.enter_context(setup.generator(servers[mode], 10))
            loads[mode].checked("calls", method="register", count=total, sessions=sessions_count,
                                concurrency=100)
        segments = {mode: [] for mode in modes}
        single = {mode: [] for mode in modes}
        repeats = max(3, setup.repeats)
        for repeat in range(repeats):
            for mode in modes:
                segments[mode].append(measured(
                    servers[mode], loads[mode], "calls", "calls", method="set",
                    count=total * rounds, total=total, stride=STRIDE, sessions=sessions_count,
                    offset=repeat + 1, concurrency=100))
                single[mode].append(measured(
                    servers[mode], loads[mode], "calls", "calls", method="set", count=total,
                    sessions=sessions_count, offset=repeat + 1))
        # What was acknowledged is there, also after a restart.
        expected = {"method": "get", "count": total, "sessions": sessions_count,
                    "offset": repeats, "version": 1 + repeats * (rounds + 1), "concurrency": 100}
        for mode, arguments in modes.items():
            loads[mode].checked("calls", **expected)
            if servers[mode].stop() != 0:
                raise Failure(f"the host with state {mode} did not end in order")
            if arguments:
                with setup.server(*arguments) as again, setup.generator(again, 1) as load:
                    load.checked("calls", **expected)
    shutil.rmtree(directory, ignore_errors=True)
    segments = {mode: medians(each) for mode, each in segments.items()}
    single = {mode: medians(each) for mode, each in single.items()}
    report.add("state", {"concurrent": segments, "single": single})
    off = segments["off"]
    report.table(
        "Writes and the state directory",
        ["--state", "sets/s", "CPU µs/set", "rate ratio", "CPU ratio", "p50 µs at 1x1",
         "p99 µs at 1x1"], [
            [mode, each["per_second"], each["cpu_us"], each["per_second"] / off["per_second"],
             each["cpu_us"] / off["cpu_us"], single[mode]["p50_us"], single[mode]["p99_us"]]
            for mode, each in segments.items()])


PARTS = {"variables": variables, "sessions": sessions, "large_session": large_session,
         "streams": streams, "fan_out": fan_out, "stalled": stalled, "state": state}


def main(arguments):
    options = parser("load", __doc__)
    host_options(options)
    options.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    options.add_argument("--repeat", type=int, default=3, help="segments that medians are of")
    options.add_argument("--scale", type=float, default=1, help="share of the full sizes")
    options = options.parse_args(arguments)
    names = options.only.split(",")
    unknown = set(names) - set(PARTS)
    if unknown:
        raise SystemExit(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    setup = Setup(options)
    report = Report("load")
    for name in names:
        report.part(name, PARTS[name], setup)
    return report.finish(options.json)
