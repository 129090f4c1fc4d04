"""Figures of a stretch of load: the server's CPU, and how noisy the machine was meanwhile."""

import os
import statistics
import time


def machine_busy():
    """Seconds of CPU that all of the machine's processes have used, idle ones (nice) included."""
    with open("/proc/stat") as stat:
        fields = [int(field) for field in stat.readline().split()[1:]]
    user, nice, system, _, _, interrupts, soft = fields[:7]
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


class Segment:
    """A context that measures what happens in it."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self._rss = self.server.rss()
        self._busy = machine_busy()
        self._cpu = self.server.cpu()
        self._start = time.monotonic()
        return self

    def __exit__(self, kind, *_):
        if kind:
            return
        self.seconds = time.monotonic() - self._start
        self.cpu = self.server.cpu() - self._cpu
        self._machine = machine_busy() - self._busy
        self.rss_growth = self.server.rss() - self._rss

    def figures(self, count, answer):
        """`count` is of what the CPU is divided by; `answer` is the generator's."""
        capacity = self.seconds * os.cpu_count()
        foreign = self._machine - self.cpu - answer.get("client_cpu_s", 0)
        return {
            "count": count,
            "cpu_us": self.cpu * 1e6 / count,
            "per_second": count / answer["seconds"],
            "p50_us": answer.get("p50_us"),
            "p99_us": answer.get("p99_us"),
            "p999_us": answer.get("p999_us"),
            "max_us": answer.get("max_us"),
            "client_cpu_us": answer.get("client_cpu_s", 0) * 1e6 / count,
            "foreign_share": max(0.0, foreign / capacity),
        }


def median(values):
    return statistics.median(values)


def medians(segments):
    """The median of each figure, and how far apart the CPU figures were."""
    figures = {
        key: median([segment[key] for segment in segments])
        for key, value in segments[0].items() if value is not None}
    cpu = [segment["cpu_us"] for segment in segments]
    figures["cpu_us_range"] = [min(cpu), max(cpu)]
    figures["segments"] = len(segments)
    return figures
