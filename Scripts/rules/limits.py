"""docs/limits.md has every limit and every reason of an error, with the values of the code."""

import re

OPTION = re.compile(
    r"@Option\(\s*(?P<range>[^,\n]*?\.\.\.[^,\n]*?),(?:[^@]|\n)*?\n  var (?P<name>\w+)"
    r"(?:: (?P<type>[^=\n]+))?(?: = (?P<default>[^\n]+))?")
# Files whose options `serve` has.
FILES = ("Serve.swift", "SessionOptions.swift", "ConnectionOptions.swift", "ListeningOptions.swift",
         "StateOptions.swift", "RecordOptions.swift")
# Fields that options set under names of their own.
BY_OPTION = {
    "SessionLimits": {
        "sessions", "variablesPerSession", "sessionBytes", "totalBytes", "historyVersions",
        "historyBytes", "logChanges", "logBytes", "timeToLive"},
    "ServerLimits": {
        "messageSize", "sendTimeout", "keepalive", "compressionThreshold", "connections",
        "totalAnswerBytes", "totalRequestBytes"},
}


def number(text):
    """The value of an integer expression of Swift."""
    if text is None:
        return 0
    if not re.fullmatch(r"[\d_\s*+<-]+", text):
        return None
    return eval(text.replace("_", ""))  # digits and operators only


def options(root):
    """Long names and defaults of the options that take numbers."""
    found = {}
    for path in sorted((root / "Sources/BridgeHost").rglob("*.swift")):
        if path.name not in FILES:
            continue
        for match in OPTION.finditer(path.read_text()):
            name = re.sub(r"[A-Z]", lambda letter: "-" + letter[0].lower(), match["name"])
            found["--" + name] = number(match["default"])
    return found


def rows(root):
    """First and second cell of every row of a table."""
    table = {}
    for line in (root / "docs/limits.md").read_text().splitlines():
        match = re.match(r"\|\s*`([^`]+)`\s*\|\s*([^|]*?)\s*\|", line)
        if match:
            table[match[1]] = match[2]
    return table


def fields(root, name):
    paths = [path for path in (root / "Sources").rglob(f"{name}.swift")]
    body = paths[0].read_text().split(f"struct {name}", 1)[1].split("\n}\n", 1)[0]
    return set(re.findall(r"\n  (?:public|package) var (\w+)(?:: [^={]+)?(?: = |\n)", body))


def violations(root):
    found = []
    table = rows(root)
    known = options(root)
    where = "docs/limits.md"
    for name, default in known.items():
        if name not in table:
            found.append(f"{where} lacks {name}")
        elif default is not None and table[name] != str(default):
            found.append(f"{where}: the default of {name} is {default}, not {table[name]}")
    found += [f"{where} has {name}, which is no option" for name in table
              if name.startswith("--") and name not in known]
    for name, by_option in BY_OPTION.items():
        for field in sorted(fields(root, name) - by_option):
            if f"{name}.{field}" not in table:
                found.append(f"{where} lacks {name}.{field}")
    source = (root / "Sources/BridgeService/Errors/ErrorReason.swift").read_text()
    reasons = set(re.findall(r'case \w+ = "(\w+)"', source))
    listed = {name for name in table if re.fullmatch(r"[A-Z_]+", name)}
    found += [f"{where} lacks the reason {name}" for name in sorted(reasons - listed)]
    found += [f"{where} has {name}, which is no reason" for name in sorted(listed - reasons)]
    return found


SEEDS = [
    ("docs/limits.md", "| `--grace` | 5 |", "| `--grace` | 6 |"),
    ("docs/limits.md", "| `--grace` |", "| `--no-such-option` |"),
    ("docs/limits.md", "`SessionLimits.nameLength`", "`SessionLimits.nothing`"),
    ("docs/limits.md", "| `WRONG_EPOCH` |", "| `NO_REASON` |"),
    ("Sources/BridgeService/Errors/ErrorReason.swift", "  /// A mistake of the host.",
     '  case newReason = "NEW_REASON"\n  /// A mistake of the host.'),
    ("Sources/BridgeHost/Commands/SessionOptions.swift", "  /// What the store",
     '  @Option(1...9, help: "Seed.")\n  var newLimit = 3\n\n  /// What the store'),
]
