"""Plugins with one fault each (Tests/BrokenPlugins), and what `bridge-host validate` finds in them.

As a program it builds and validates them all, or those that are named, and says which of them fail another
test than the one that their folder is called by:

    python Tests/Wire/broken_plugins.py [FOLDER/NAME ...]
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = REPOSITORY / "Tests/BrokenPlugins"
# Seconds. What takes longer hangs.
LIMIT = 900
# Nothing here measures speed: a busy machine gets time for plugins in which nothing is wrong.
PATIENT = ("--timeout", 600, "--grace", 60)


def sources():
    """The source of every broken plugin."""
    return sorted(
        path for ending in ("*.c", "*.cpp") for path in SOURCES.glob(f"*/{ending}"))


def name_of(source):
    return f"{source.parent.name}/{source.stem}"


def notes(source):
    """What the first lines of a source say: lists of texts by key."""
    found = {}
    for line in source.read_text().splitlines():
        if not line.startswith("//"):
            break
        key, colon, value = line[2:].partition(":")
        if colon and " " not in key.strip():
            found.setdefault(key.strip(), []).append(value.strip())
    return found


def compile_object(source, target, *options, compiler=None):
    compiler = compiler or ("g++" if source.suffix == ".cpp" else "gcc")
    command = [
        compiler, "-shared", "-fPIC", "-g", "-O0", "-fvisibility=hidden",
        "-I", REPOSITORY / "Sources/BridgePluginABI/include", source, "-o", target, *options]
    if source.suffix == ".c":
        command.insert(1, "-std=gnu17")
    subprocess.run(command, check=True, timeout=LIMIT)


def build(source, directory):
    """Builds a broken plugin in a directory of its own. Answers the file that is to be validated."""
    said = notes(source)
    place = directory / source.parent.name / source.stem
    place.mkdir(parents=True)
    target = place / f"{source.stem}.so"
    options = [option for line in said.get("cc", []) for option in line.split()]
    for line in said.get("with", []):
        library, _, code = line.partition(" ")
        part = place / f"{library}.c"
        part.write_text(code + "\n")
        compile_object(part, place / library, f"-Wl,-soname,{library}", "-fvisibility=default")
        options += [place / library, "-Wl,-rpath,$ORIGIN"]
    compile_object(source, target, *options)
    for line in said.get("after", []):
        change(target, *line.split())
    for line in said.get("beside", []):
        target.with_suffix(".plugin.json").write_text(line + "\n")
    manifest = source.with_suffix(".native.json")
    if manifest.exists():
        return shutil.copy(manifest, place / manifest.name)
    return target


def change(target, what, *words):
    """Does to a file what a source asks for."""
    if what == "truncate":
        os.truncate(target, int(words[0]))
    elif what == "patch":
        content = bytearray(target.read_bytes())
        new = bytes.fromhex(words[1])
        content[int(words[0]):int(words[0]) + len(new)] = new
        target.write_bytes(content)
    elif what == "chmod":
        target.chmod(int(words[0], 8))
    elif what == "remove":
        (target.parent / words[0]).unlink()
    else:
        raise ValueError(f"{target}: there is no way to {what}")


def tests(host):
    """All tests of `validate`, by name."""
    listed = subprocess.run(
        [host, "validate", "--list", "--json"], check=True, capture_output=True, timeout=LIMIT)
    return {test["name"]: test for test in json.loads(listed.stdout)}


def validate(host, path, *options):
    """The report of a file, and the exit code."""
    done = subprocess.run(
        [host, "validate", path, "--json", *map(str, options)], capture_output=True, timeout=LIMIT,
        stdin=subprocess.DEVNULL)
    if not done.stdout:
        raise AssertionError(f"{path}: no report, but {done.stderr.decode()}")
    return json.loads(done.stdout), done.returncode


def fault_of(host, source, path, known):
    """What is wrong with what `validate` finds in a broken plugin; empty where it is as it should be."""
    wanted = source.parent.name
    options = [word for line in notes(source).get("options", []) for word in line.split()]
    report, code = validate(
        host, path, "--level", known[wanted]["level"], "--seed", 1, "--jobs", 2, *options)
    failed = [test["name"] for test in report["tests"] if test["outcome"] == "failed"]
    if failed == [wanted] and code == 1:
        return ""
    told = [
        f"    {test['name']}: {note['message']}" for test in report["tests"]
        for note in test["notes"] if note["fault"]]
    return "\n".join([f"{name_of(source)} fails {failed or 'nothing'}, not {wanted}", *told])


def build_all(directory, chosen=None):
    """Builds broken plugins at once. Answers their sources and files."""
    chosen = sources() if chosen is None else chosen
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(zip(chosen, pool.map(lambda source: build(source, directory), chosen)))


def faults(host, built):
    """What is wrong with what is found in broken plugins: nothing where all is as it should be."""
    known = tests(host)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() + 2) as pool:
        return [
            fault for fault in pool.map(
                lambda pair: fault_of(host, *pair, known), built) if fault]


def main(names):
    host = pathlib.Path(os.environ.get("BRIDGE_HOST", REPOSITORY / ".build/debug/bridge-host"))
    chosen = [source for source in sources() if not names or name_of(source) in names]
    with tempfile.TemporaryDirectory() as directory:
        found = faults(host, build_all(pathlib.Path(directory), chosen))
    print("\n".join(found))
    print(f"{len(chosen)} broken plugins, {len(found)} not as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
