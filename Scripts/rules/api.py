"""The public API of the library products is what Tests/API says: a change of it is seen in review.

`Scripts/check-rules --write-api` writes the files anew. A declaration is a line, with the types around
it, as the source has it without its body.
"""

import re

from . import sources

# The library products of Swift code.
PRODUCTS = ["GRPC", "GRPCProtobuf", "GRPCServices", "BridgePlugin"]
KEYWORDS = (
    "func|var|let|init|subscript|struct|class|enum|protocol|actor|typealias|associatedtype|case"
    "|extension|operator|macro")
MODIFIERS = (
    "public|open|static|final|mutating|nonmutating|consuming|borrowing|convenience|required|override"
    r"|indirect|nonisolated|lazy|weak|async|dynamic|prefix|postfix|infix|sending"
    r"|(?:private|package|internal|fileprivate)\(set\)|nonisolated\(\w+\)|unowned(?:\(\w+\))?")
DECLARATION = re.compile(
    rf"^((?:@[\w.]+(?:\([^)]*\))?\s+)*)((?:(?:{MODIFIERS}|package|internal|private|fileprivate)\s+)*)"
    rf"({KEYWORDS})\b")
TYPES = {"struct", "class", "enum", "protocol", "actor", "extension"}


def stripped(text):
    """The source without comments and without what stands in strings."""
    text = re.sub(r'"""(?:.|\n)*?"""', '""', text)
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)
    text = re.sub(r"/\*(?:.|\n)*?\*/", "", text)
    return re.sub(r"//[^\n]*", "", text)


def declarations(text):
    """The public declarations of a file, each on one line."""
    found = []
    scopes = []  # (name, whether members are listed without `public`, is public extension)
    pending = ""
    for line in stripped(text).splitlines():
        piece = line.strip()
        if not piece:
            continue
        pending = f"{pending} {piece}" if pending else piece
        # A declaration goes on while a bracket is open or the next line begins with what continues it.
        if pending.count("(") > pending.count(")") or pending.endswith((",", "->", ":", "=", "&")):
            continue
        statement, pending = pending, ""
        if statement == "}" or statement.startswith("}"):
            for _ in range(statement.count("}") - statement.count("{")):
                if scopes:
                    scopes.pop()
            continue
        match = DECLARATION.match(statement)
        head = statement
        keyword = match[3] if match else None
        if match:
            head = statement.split("{", 1)[0].strip()
            if keyword in ("let", "var"):
                head = re.split(r"\s=\s", head, maxsplit=1)[0]
            if is_public(match, scopes):
                names = [scope[0] for scope in scopes]
                found.append(" ".join(" / ".join(names + [head]).split()))
        opened = statement.count("{") - statement.count("}")
        for index in range(max(opened, 0)):
            if match and keyword in TYPES and index == 0:
                modifiers = match[2].split()
                name = re.sub(r"\s+", " ", head[match.start(3):])
                visible = "public" in modifiers and keyword in ("protocol", "enum", "extension")
                inner = not scopes or scopes[-1][2]
                scopes.append((name, visible and keyword, inner and (
                    "public" in modifiers or keyword == "extension")))
            else:
                scopes.append(("", None, False))
        for _ in range(max(-opened, 0)):
            if scopes:
                scopes.pop()
    return found


def is_public(match, scopes):
    """Whether the declaration is seen from outside of its package."""
    if scopes and not scopes[-1][2]:
        return False
    modifiers = match[2].split()
    if "public" in modifiers or "open" in modifiers:
        return match[3] != "extension"
    if {"package", "internal", "private", "fileprivate"} & set(modifiers):
        return False
    inside = scopes[-1][1] if scopes else None
    return inside == "protocol" or inside == "extension" or (inside == "enum" and match[3] == "case")


def listing(root, product):
    lines = []
    for path in sources.swift_files(root, f"Sources/{product}"):
        lines += declarations(path.read_text())
    return "\n".join(sorted(set(lines))) + "\n"


def file(root, product):
    return root / "Tests/API" / f"{product}.txt"


def write(root):
    file(root, "").parent.mkdir(parents=True, exist_ok=True)
    for product in PRODUCTS:
        file(root, product).write_text(listing(root, product))


def violations(root):
    found = []
    for product in PRODUCTS:
        committed = file(root, product)
        old = set(committed.read_text().splitlines()) if committed.exists() else set()
        new = set(listing(root, product).splitlines())
        where = committed.relative_to(root)
        renew = "Scripts/check-rules --write-api"
        found += [f"{where}: gone from the API ({renew}): {line}" for line in sorted(old - new)]
        found += [f"{where}: new in the API ({renew}): {line}" for line in sorted(new - old)]
    return found


SEEDS = [
    ("Sources/GRPC/Seed.swift", "/// Fine.\npublic struct Seed {}\n"),
    ("Sources/GRPCProtobuf/Seed.swift", "/// Fine.\nextension Int {\n  /// Fine.\n  public func\n    seed() {}\n}\n"),
    ("Sources/GRPC/Call/RPCError.swift", ""),
    ("Sources/GRPC/Call/StatusCode.swift", ""),
]
