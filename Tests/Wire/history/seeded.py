"""Builds a host with seeded bugs: faults put in on purpose, which the checker must find.

They are a patch, `seeded_bugs.patch`, that is applied to a copy of the two modules it touches. These
are compiled as the last debug build compiled them and linked with that build's other objects. The
working tree and `.build/debug` stay as they are, and nothing else is compiled again: the patch changes
what functions do, but no stored property and nothing that other modules see.
"""

import json
import pathlib
import re
import shutil
import subprocess

from stubs import REPOSITORY

PATCH = pathlib.Path(__file__).with_name("seeded_bugs.patch")
MODULES = ["BridgeSessions", "BridgeService"]
BUILD = REPOSITORY / ".build"
WORK = BUILD / "seeded"

# What a compiler's command says about files of the build, with the number of words each takes.
_DROPPED = {
    "-emit-module": 1, "-emit-module-path": 2, "-output-file-map": 2, "-incremental": 1,
    "-index-store-path": 2, "-serialize-diagnostics": 1, "-emit-dependencies": 1,
    "-parseable-output": 1, "-emit-objc-header": 1, "-emit-objc-header-path": 2,
    "-enable-batch-mode": 1, "-c": 1}


def build():
    """Builds the host and answers its path."""
    manifest = BUILD / "debug.yaml"
    if not manifest.exists():
        raise RuntimeError("there is no debug build to start from: run `swift build` first")
    commands = _commands(manifest.read_text())
    shutil.rmtree(WORK, ignore_errors=True)
    for module in MODULES:
        shutil.copytree(REPOSITORY / "Sources" / module, WORK / "Sources" / module)
    _run(["patch", "--quiet", "--strip=1", f"--directory={WORK}", f"--input={PATCH}"])
    objects = {module: _compile(module, commands) for module in MODULES}
    return _link(objects, commands)


def _commands(manifest):
    """The commands of the build that are needed here, by name."""
    wanted = [f"C.{module}-" for module in MODULES] + ["C.bridge-host-"]
    commands = {}
    for name, arguments in re.findall(
            r'^  "(C\.[^"]+-debug\.(?:module|exe))":\n(?:    .*\n)*?    args: (\[.*\])$', manifest,
            re.MULTILINE):
        for prefix in wanted:
            if name.startswith(prefix) and name[len(prefix):].count("-") <= 4:
                commands[prefix[2:-1]] = json.loads(arguments)
    return commands


def _compile(module, commands):
    words = iter(commands[module])
    command = []
    for word in words:
        if word in _DROPPED:
            for _ in range(_DROPPED[word] - 1):
                next(words)
        elif not word.startswith("@"):
            command.append(word)
    output = WORK / f"{module}.o"
    sources = sorted(map(str, (WORK / "Sources" / module).rglob("*.swift")))
    _run([*command, "-whole-module-optimization", "-Onone", "-c", *sources, "-o", str(output)])
    return output


def _link(objects, commands):
    command = commands["bridge-host"]
    [listing] = [word[1:] for word in command if word.startswith("@")]
    kept = [
        line for line in pathlib.Path(listing).read_text().splitlines()
        if not any(f"/{module}.build/" in line for module in MODULES)]
    own = WORK / "Objects.LinkFileList"
    own.write_text("\n".join([*kept, *map(str, objects.values())]) + "\n")
    host = WORK / "bridge-host"
    command = [f"@{own}" if word.startswith("@") else word for word in command]
    command[command.index("-o") + 1] = str(host)
    # Libraries that the build's host finds beside itself.
    command = [word.replace("$ORIGIN", str(pathlib.Path(listing).parent.parent)) for word in command]
    _run(command)
    return host


def _run(command):
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:3])} … failed:\n{result.stdout}{result.stderr}")
