"""Public and package declarations have a documentation comment.

Witnesses of well-known protocols say nothing of their own and need none.
"""

import re

from . import sources


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
    return [
        f"{path.relative_to(root)}:{number}: no documentation comment: {text}"
        for path in sources.swift_files(root) for number, text in undocumented(path)]


SEEDS = [
    ("Sources/TrustedFiles/Seed.swift", "package struct Seed {}\n"),
    ("Sources/TrustedFiles/Seed.swift", "/// Fine.\npublic struct Seed {\n  public init() {}\n}\n"),
    ("Sources/TrustedFiles/Seed.swift", "/// Fine.\n\n@frozen\npublic enum Seed {}\n"),
]
