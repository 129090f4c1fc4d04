"""The client commands of bridge-host, run to their end."""

import subprocess

from bridge import HOST
from stubs import REPOSITORY

TIMEOUT = 60


def run(address, *arguments):
    """Runs a command to its end."""
    command, *rest = arguments
    return subprocess.run(
        [str(HOST), command, "--address", address, *rest], cwd=REPOSITORY,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT)


def output(address, *arguments):
    """What a command that succeeds prints."""
    done = run(address, *arguments)
    assert done.returncode == 0, done
    assert done.stderr == ""
    return done.stdout


def failure(address, *arguments):
    """The one line in which a command that fails says why."""
    done = run(address, *arguments)
    assert done.returncode == 1, done
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("bridge-host: ")
    return lines[0].removeprefix("bridge-host: ")
