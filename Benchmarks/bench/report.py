"""What a run found: tables on standard output, JSON in a file."""

import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

from .build import OUTPUT, REPOSITORY
from .processes import Failure


def machine():
    """The kind of machine, without its name."""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    release = re.search(
        r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")
    return {
        "cpus": os.cpu_count(), "cpu": cpu[1] if cpu else platform.machine(),
        "memory_gib": round(memory / 2**30),
        "system": release[1] if release else "", "kernel": platform.release().split("-")[0],
    }


def package_version(name):
    """The version of an installed Debian package, or None."""
    result = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return result.stdout or None


def swift_version():
    result = subprocess.run(["swift", "--version"], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)
    found = re.search(r"Swift version (\S+)", result.stdout)
    return found[1] if found else None


def commit():
    result = subprocess.run(["git", "-C", REPOSITORY, "rev-parse", "--short", "HEAD"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return result.stdout.strip() or None


def render(cell):
    if isinstance(cell, float):
        if cell == 0 or abs(cell) >= 1000:
            return f"{cell:,.0f}"
        return f"{cell:.3g}" if abs(cell) < 100 else f"{cell:.0f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


class Report:
    """Results by name, tables made of them, and what was wrong."""

    def __init__(self, name):
        self.results = {
            "benchmark": name, "machine": machine(), "commit": commit(),
            "versions": {"swift": swift_version(),
                         "libnghttp2": package_version("libnghttp2-14")},
            "results": {}, "failures": [],
        }
        self.tables = []

    def add(self, name, figures):
        self.results["results"][name] = figures
        return figures

    def table(self, title, header, rows):
        lines = [header, *([render(cell) for cell in row] for row in rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
        text = [f"### {title}", ""]
        for number, line in enumerate(lines):
            cells = [cell.ljust(width) if i == 0 else cell.rjust(width)
                     for i, (cell, width) in enumerate(zip(line, widths))]
            text.append("| " + " | ".join(cells) + " |")
            if number == 0:
                text.append("|" + "|".join(
                    "-" * (width + 1) + ("-" if i == 0 else ":") + ("" if i else "")
                    for i, width in enumerate(widths)) + "|")
        self.tables.append("\n".join(text))
        print("\n".join(text) + "\n", flush=True)

    def fail(self, what):
        self.results["failures"].append(what)
        print(f"WRONG: {what}", file=sys.stderr, flush=True)

    def require(self, condition, what):
        if not condition:
            self.fail(what)

    def part(self, name, measure, *arguments):
        """Runs one part; what fails there does not keep the next from running."""
        started = time.monotonic()
        try:
            measure(self, *arguments)
        except Failure as failure:
            self.fail(f"{name}: {failure}")
        print(f"({name}: {time.monotonic() - started:.0f} s)\n", file=sys.stderr, flush=True)

    def finish(self, path):
        """Writes the JSON; answers the exit code."""
        self.results["tables"] = self.tables
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.results, indent=1) + "\n")
        print(f"figures: {path}", file=sys.stderr)
        return 1 if self.results["failures"] else 0


def parser(name, description):
    """Options that every benchmark has."""
    options = argparse.ArgumentParser(
        prog=f"Benchmarks/run {name}", description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    options.add_argument("--json", type=pathlib.Path, default=OUTPUT / f"{name}.json",
                         help="where the figures go")
    return options


def host_options(options):
    options.add_argument("--host", type=pathlib.Path,
                         help="a bridge-host to measure; built from this tree if not given")
    options.add_argument("--plugins", type=pathlib.Path, help="its plugin directory")
