"""Tests mirror Sources: each module with Swift code has a test target of its name, with tests."""

from . import sources


def violations(root):
    found = []
    for module in sources.swift_modules(root):
        folder = root / "Tests" / f"{module}Tests"
        tests = [path for path in folder.rglob("*.swift") if "@Test" in path.read_text()]
        if not tests:
            found.append(f"Sources/{module} has no tests in Tests/{folder.name}")
    manifest = (root / "Package.swift").read_text()
    for folder in sorted((root / "Tests").glob("*Tests")):
        if f'name: "{folder.name}"' not in manifest:
            found.append(f"Tests/{folder.name} is no target of Package.swift")
    return found


SEEDS = [
    ("Sources/NewModule/Seed.swift", "let seed = 1\n"),
    ("Tests/NewTests/SeedTests.swift", "@Test func seed() {}\n"),
]
