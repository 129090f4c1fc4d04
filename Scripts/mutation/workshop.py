"""A copy of the sources in which mistakes are planted, and programs built of it.

As root, the copy's sources, tests and build are mounted over the project's for the commands that run here
and for nobody else: paths are the same, so that what the project has built already is not built again.
Otherwise the copy is a package at a path of its own, whose first build takes everything.
"""

import os
import shutil
import signal
import subprocess
import threading

from . import switches

MOUNTED = ["Sources", "Tests", ".build"]


class Workshop:
    def __init__(self, root):
        self.root = root
        self.copy = root / ".build-mutate"
        self.mounts = os.geteuid() == 0
        self.place = root if self.mounts else self.copy
        self.bin = self.place / ".build/debug"
        # What the copy has as the project had it; that is read once, and may change meanwhile.
        self.files, self.copied = set(), set()

    def prepare(self):
        """Makes the copy as the project is now. What is equal already is left alone, with its times."""
        self.copy.mkdir(exist_ok=True)
        build = self.copy / ".build"
        if self.mounts and not build.exists() and (self.root / ".build").exists():
            unfinished = self.copy / ".build-unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            subprocess.run(["cp", "-a", self.root / ".build", unfinished], check=True)
            unfinished.rename(build)
        build.mkdir(exist_ok=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=self.root, capture_output=True, text=True, check=True).stdout.split("\0")
        self.files = {name for name in listed if name and os.path.lexists(self.root / name)}
        self.files |= {"Package.resolved"} & {entry.name for entry in self.root.iterdir()}
        venv = self.copy / ".venv"
        if not venv.is_symlink():
            venv.symlink_to(self.root / ".venv")

    def plant(self, texts):
        """Gives files of the copy these texts, by path in the project, and all others their own."""
        for name in sorted(self.files | set(texts)):
            self._copy(name, texts.get(name))
        for folder in "Sources", "Tests":
            for path in list((self.copy / folder).rglob("*")):
                name = path.relative_to(self.copy).as_posix()
                if not path.is_dir() and name not in self.files and name not in texts:
                    path.unlink()

    def _copy(self, name, text):
        source, target = self.root / name, self.copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if text is None and name in self.copied:
            return
        (self.copied.add if text is None else self.copied.discard)(name)
        if text is None and source.is_symlink():
            if not target.is_symlink() or os.readlink(target) != os.readlink(source):
                target.unlink(missing_ok=True)
                target.symlink_to(os.readlink(source))
            return
        content = source.read_bytes() if text is None else text.encode()
        if target.exists() and target.read_bytes() == content:
            return
        target.write_bytes(content)
        if text is None:
            shutil.copystat(source, target)

    def command(self, *command):
        if not self.mounts:
            return list(command)
        mounts = " && ".join(
            f'mount --bind "{self.copy / name}" "{self.root / name}"' for name in MOUNTED)
        script = f'mount --make-rprivate / && {mounts} && exec "$@"'
        return ["unshare", "-m", "sh", "-c", script, "sh", *map(str, command)]

    def run(self, limit, *command, environment=None, ends_at=None):
        """(exit code, or None when it did not end in time; the output).

        At a line for which `ends_at` is true it is stopped. What it started ends with it.
        """
        process = subprocess.Popen(
            self.command(*command), cwd=self.place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, encoding="utf-8", errors="replace",
            env={**os.environ, **(environment or {})})
        lines = []
        ended = threading.Event()

        def read():
            for line in process.stdout:
                lines.append(line)
                if ends_at and ends_at(line):
                    ended.set()
                    kill(process)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            kill(process)
            process.wait()
            reader.join(5)
        if ended.is_set():
            code = 1
        return code, "".join(lines)


def kill(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def planted_files(root, mutants, count, text_of):
    """The texts of a copy with these mistakes, (number, path, mutation), by path in the project.

    `text_of` is what the mistakes were found in: the files may have changed since.
    """
    files, by_module = {}, {}
    by_path = {}
    for mutant in mutants:
        by_path.setdefault(mutant[1], []).append(mutant)
        by_module.setdefault(mutant[1].relative_to(root).parts[1], []).append(mutant)
    for path, found in by_path.items():
        files[path.relative_to(root).as_posix()] = switches.planted_text(text_of(path), found)
    for module, found in by_module.items():
        files[f"Sources/{module}/{switches.FILE}"] = switches.swift_file(
            found, text_of, count)
    return files
