"""Texts: no path of somebody's machine, no Foundation in the README's length, no tabs where none go."""

import re
import subprocess

# Directories of people and machines. Documentation may say /home/you or the like nowhere.
MACHINE = re.compile(r"(?<![\w./~-])/(?:home|Users|root|work|mnt|Volumes)/[\w.-]+")
README_LINES = 120
BINARY = {".png", ".npy", ".pem", ".so", ".resolved"}
SKIPPED = ("Tests/Fuzz/Corpus/", "Scripts/rules/texts.py")


def files(root):
    """What git knows or would add; every file where there is no repository."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True,
        text=True)
    if listed.returncode == 0:
        return [root / name for name in listed.stdout.splitlines()]
    return [path for path in root.rglob("*") if path.is_file()]


def violations(root):
    found = []
    for path in sorted(files(root)):
        where = path.relative_to(root).as_posix()
        if where.startswith(SKIPPED) or path.suffix in BINARY or not path.is_file():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            match = MACHINE.search(line)
            if match:
                found.append(f"{where}:{number}: names a path of one machine: {match[0]}")
    length = len((root / "README.md").read_text().splitlines())
    if length > README_LINES:
        found.append(f"README.md has {length} lines, more than {README_LINES}")
    return found


SEEDS = [
    ("docs/seed.md", "Look into /home/somebody/plugins.\n"),
    ("Scripts/seed", "cd /root/bridge-host\n"),
    ("README.md", "line\n" * 121),
]
