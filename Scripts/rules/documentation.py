"""Public and package declarations have a documentation comment.

Witnesses of well-known protocols say nothing of their own and need none. Modules that do not yet
keep the rule have a number of declarations that are forgiven; it only ever falls.
"""

import re
from collections import Counter

from . import sources

FORGIVEN = {
    "BinaryFormats": 11, "BridgePluginHost": 29, "BridgeService": 3, "GRPC": 7, "JSON": 19,
}

DECLARATION = re.compile(
    r"^\s*(?:@[\w.]+(?:\([^)]*\))?\s+)*(?:public|package)(?:\s+(?:private|package|internal)\(set\))?"
    r"\s+(?!import\b|extension\b)")
WITNESS = re.compile(
    r"\b(?:func (?:makeAsyncIterator|hash|==|<|encode)\b|typealias (?:Element|Failure|AsyncIterator)\b"
    r"|var (?:description|debugDescription|hashValue)\b|static func (?:==|<)|init\(argument:)")


def undocumented(path):
    """Numbers and texts of the declarations of a file that have no comment."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if not DECLARATION.match(line) or WITNESS.search(line):
            continue
        before = number - 1
        while before >= 0 and lines[before].strip().startswith(("@", "#if", "// ")):
            before -= 1
        if before < 0 or not lines[before].strip().startswith("///"):
            yield number + 1, line.strip()


def violations(root):
    found = {}
    for path in sources.swift_files(root):
        for number, text in undocumented(path):
            found.setdefault(sources.module_of(root, path), []).append(
                f"{path.relative_to(root)}:{number}: no documentation comment: {text}")
    counts = Counter({module: len(lines) for module, lines in found.items()})
    result = []
    for module, lines in sorted(found.items()):
        if counts[module] > FORGIVEN.get(module, 0):
            result += lines
    return result


SEEDS = [
    ("Sources/TrustedFiles/Seed.swift", "package struct Seed {}\n"),
    ("Sources/TrustedFiles/Seed.swift", "/// Fine.\npublic struct Seed {\n  public init() {}\n}\n"),
    ("Sources/TrustedFiles/Seed.swift", "/// Fine.\n\n@frozen\npublic enum Seed {}\n"),
]
