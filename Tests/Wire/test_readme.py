"""The commands of the README work as they are written."""

import pathlib
import re
import shlex
import subprocess

import pytest

import bridge
from bridge import start_host
from stubs import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


def commands():
    """The indented lines that call bridge-host, without their comments."""
    lines = re.findall(r"^    (bridge-host .*)$", README, re.MULTILINE)
    return [line.partition("#")[0].strip() for line in lines]


def test_there_are_some():
    assert len(commands()) >= 5


@pytest.fixture(scope="module")
def host():
    with start_host() as running:
        yield running


@pytest.mark.parametrize("command", commands())
def test_a_command(host, command, tmp_path):
    words = shlex.split(command.replace(".build/plugins-release", str(bridge.PLUGINS)))
    words[0] = str(bridge.HOST)
    redirected = None
    if ">" in words:
        redirected = tmp_path / words[words.index(">") + 1]
        words = words[:words.index(">")]
        # There is a session to export.
        subprocess.run(
            [bridge.HOST, "set", "t", "1", "--type", "integer", "--address", host.target],
            check=True, capture_output=True)
    if words[1] not in ("tools", "serve", "validate"):
        words += ["--address", host.target]
    done = subprocess.run(
        words, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    if redirected:
        redirected.write_text(done.stdout)


def test_files_it_names_are_there():
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (REPOSITORY / path).exists(), path
    for script in re.findall(r"Scripts/[a-z-]+", README):
        assert (REPOSITORY / script).exists(), script


def test_it_is_short():
    assert len(README.splitlines()) < 120
