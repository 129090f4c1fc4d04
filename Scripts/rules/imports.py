"""Imports are those of the table in docs/architecture.md, and each says its access level.

The table's rows go from the top down: a module may import only modules of rows below its own. Exactly
one Swift module imports each C library.
"""

import re

from . import sources

# What the table's words stand for, beside names of modules.
PACKAGES = {
    "NIO": {"NIOCore", "NIOPosix", "NIOTLS", "NIOEmbedded"},
    "NIOSSL": {"NIOSSL"},
    "swift-protobuf": {"SwiftProtobuf", "FoundationEssentials"},
    "swift-log": {"Logging"},
    "swift-collections": {"DequeModule"},
    "swift-argument-parser": {"ArgumentParser"},
}
# Of the toolchain; everyone may import them.
SYSTEM = {"Glibc", "Synchronization"}

ROW = re.compile(r"^\|\s*((?:`\w+`\s*)+)\|[^|]*\|([^|]*)\|\s*$")


def table(root):
    """Modules in the table's order, and the words of each one's last column."""
    rows = {}
    for line in (root / "docs/architecture.md").read_text().splitlines():
        match = ROW.match(line)
        if match:
            words = [word.strip(" `") for word in match[2].split(",")]
            for name in re.findall(r"`(\w+)`", match[1]):
                rows[name] = [word for word in words if word and word != "–"]
    return rows


def allowed(rows):
    """For each module, the names it may import."""
    result = {}
    order = list(rows)
    for place, (name, words) in enumerate(rows.items()):
        names = set(SYSTEM)
        for word in words:
            if word == "all below":
                names.update(other for other in order[place + 1:] if not is_c_library(other))
            else:
                names.update(PACKAGES.get(word, {word}))
        result[name] = names
    return result


def is_c_library(name):
    return re.match(r"C[A-Z]", name) is not None


def violations(root):
    rows = table(root)
    order = list(rows)
    may = allowed(rows)
    found = []
    for name in sources.swift_modules(root) + sources.c_modules(root):
        if name not in rows:
            found.append(f"docs/architecture.md: the table lacks the module {name}")
    for name in rows:
        if not (root / "Sources" / name).is_dir():
            found.append(f"docs/architecture.md: the table has {name}, and Sources has not")
    for name, words in rows.items():
        for word in words:
            if word in rows and order.index(word) < order.index(name):
                found.append(f"docs/architecture.md: {name} may not import {word}, which stands above it")
    importers = {}
    for path in sources.swift_files(root):
        module = sources.module_of(root, path)
        where = path.relative_to(root)
        for number, level, name in sources.imports(path):
            if level is None:
                found.append(f"{where}:{number}: the import of {name} has no access level")
            if name not in may.get(module, {name}):
                found.append(
                    f"{where}:{number}: {module} may not import {name} (docs/architecture.md)")
            if is_c_library(name):
                importers.setdefault(name, set()).add(module)
    for library, modules in sorted(importers.items()):
        if len(modules) > 1:
            found.append(f"{library} is imported by {', '.join(sorted(modules))}: one may")
    return found


SEEDS = [
    ("Sources/JSON/Seed.swift", "internal import Glibc\ninternal import GRPC\n"),
    ("Sources/JSON/Seed.swift", "import Glibc\n"),
    ("Sources/JSON/Seed.swift", "internal import Foundation\n"),
    ("Sources/GRPC/Seed.swift", "internal import CSQLite\n"),
    ("Sources/NewModule/Seed.swift", "let seed = 1\n"),
]
