"""Makes RESULTS.md of the figures of the last runs."""

import argparse
import json
import pathlib
import statistics

from .build import BENCHMARKS, OUTPUT

TITLES = {"load": "Sessions, variables and watches at scale", "feel": "What users feel",
          "layer": "The gRPC layer", "soak": "Soak"}


def shares(figures):
    """Every `foreign_share` in figures."""
    if isinstance(figures, dict):
        for key, value in figures.items():
            if key == "foreign_share":
                yield value
            else:
                yield from shares(value)
    elif isinstance(figures, list):
        for value in figures:
            yield from shares(value)


def section(run):
    lines = [f"## {TITLES[run['benchmark']]}", ""]
    noise = list(shares(run["results"]))
    if noise:
        lines += [f"Other programs took {statistics.median(noise):.0%} of the machine meanwhile "
                  f"(median; at most {max(noise):.0%}).", ""]
    for failure in run["failures"]:
        lines += [f"**Wrong:** {failure}", ""]
    for table in run["tables"]:
        lines += [table, ""]
    return lines


def main(arguments):
    options = argparse.ArgumentParser(prog="Benchmarks/run results", description=__doc__)
    options.add_argument("files", nargs="*", type=pathlib.Path,
                         default=[OUTPUT / f"{name}.json" for name in TITLES],
                         help="figures of runs, in order")
    files = options.parse_args(arguments).files
    runs = [json.loads(file.read_text()) for file in files if file.exists()]
    if not runs:
        raise SystemExit("no figures: run a benchmark first")
    machine, versions = runs[0]["machine"], {}
    for run in runs:
        versions.update({name: version for name, version in run["versions"].items() if version})
    lines = [
        "# Results", "",
        "Written by `Benchmarks/run results`; replaced by later runs. What the figures are is told in",
        "the [README](README.md).", "",
        f"Machine: {machine['cpus']} CPUs ({machine['cpu']}), {machine['memory_gib']} GiB, "
        f"{machine['system']}, Linux {machine['kernel']}.",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        ""]
    for number, run in enumerate(runs):
        part = section(run)
        same = number and runs[number - 1]["benchmark"] == run["benchmark"]
        lines += part[2:] if same else part
    (BENCHMARKS / "RESULTS.md").write_text("\n".join(lines).rstrip() + "\n")
    return 0
