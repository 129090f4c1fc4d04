"""What the rules share: the files of the project and its modules."""

import re

GENERATED = "/Generated/"


def swift_files(root, folder="Sources"):
    """Hand-written Swift files below a folder, sorted."""
    return sorted(
        path for path in (root / folder).rglob("*.swift") if GENERATED not in path.as_posix())


def swift_modules(root):
    """The names of the modules in Sources that have Swift code."""
    return sorted(
        path.name for path in (root / "Sources").iterdir()
        if path.is_dir() and any(path.rglob("*.swift")))


def c_modules(root):
    """The names of the modules in Sources that have none: C libraries and headers."""
    return sorted(
        path.name for path in (root / "Sources").iterdir()
        if path.is_dir() and not any(path.rglob("*.swift")))


IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(public|package|internal|fileprivate|private)\s+)?"
    r"import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?([A-Za-z_]\w*)")


def imports(path):
    """(line number, access level or None, module) of every import of a file."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = IMPORT.match(line)
        if match:
            found.append((number, match[1], match[2]))
    return found


def module_of(root, path):
    return path.relative_to(root / "Sources").parts[0]
