"""Every option of `serve` is in a test, by its name. What the test says of it is for readers to judge."""

import re

NAME = re.compile(r"@(?:Option|Flag)\b(?:[^@]|\n)*?\n  var (\w+)")
LONG_NAME = re.compile(r'@Option\(\s*name: \.customLong\("([\w-]+)"\)(?:[^@]|\n)*?\n  var (\w+)')
FILES = ("Serve.swift", "SessionOptions.swift", "ConnectionOptions.swift", "ListeningOptions.swift",
         "StateOptions.swift", "LoggingOptions.swift", "SharedSessionOptions.swift", "RecordOptions.swift",
         "Worker.swift")


def options(root):
    found = set()
    for path in (root / "Sources/BridgeHost").rglob("*.swift"):
        if path.name not in FILES:
            continue
        text = path.read_text()
        named = {match[2]: match[1] for match in LONG_NAME.finditer(text)}
        for match in NAME.finditer(text):
            name = re.sub(r"[A-Z]", lambda letter: "-" + letter[0].lower(), match[1])
            found.add(named.get(match[1], name))
    return found


def violations(root):
    tests = "\n".join(
        path.read_text() for folder in ("Tests/Wire", "Tests/BridgeHostTests")
        for path in sorted((root / folder).rglob("*")) if path.suffix in (".py", ".swift"))
    # The list of numbers alone says of no option what it does.
    tests = re.sub(r"(?ms)^SERVE = \{.*?^\}", "", tests)
    return [f"no test uses the option --{name} of serve" for name in sorted(options(root))
            if f'"--{name}"' not in tests and f'"--no-{name}"' not in tests]


SEEDS = [
    ("Sources/BridgeHost/Commands/SessionOptions.swift", "  /// What the store",
     '  @Option(help: "Seed.")\n  var newOption = "x"\n\n  /// What the store'),
]
