"""Paths that the documentation names are there."""

import re

PATH = re.compile(
    r"`((?:Sources|Tests|Scripts|Plugins|Protos|Benchmarks|Examples|docs)/[\w./+-]*[\w/])`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
# In code, ](…) is no link.
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
SKIPPED = ("Benchmarks/RESULTS.md",)


def documents(root):
    return sorted(
        path for folder in ("", "docs", "Benchmarks", "Examples")
        for path in (root / folder).glob("*.md")
        if path.relative_to(root).as_posix() not in SKIPPED)


def violations(root):
    found = []
    for path in documents(root):
        where = path.relative_to(root)
        text = path.read_text()
        for match in PATH.finditer(text):
            if not (root / match[1]).exists():
                found.append(f"{where} names {match[1]}, which is not there")
        for match in LINK.finditer(CODE.sub("", text)):
            if not (path.parent / match[1]).exists():
                found.append(f"{where} links to {match[1]}, which is not there")
    return found


SEEDS = [
    ("docs/seed.md", "See `Sources/Nothing/Nothing.swift`.\n"),
    ("docs/seed.md", "See [this](nothing.md).\n"),
]
