"""Plugins that change what belongs to the whole process."""

import os
import pathlib
import signal
import subprocess

from bridge import Session, eventually, start_host
from stubs import REPOSITORY


def ignored_signals(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("SigIgn:")[1].split()[0], 16)


def file_mode(pid):
    return pathlib.Path(f"/proc/{pid}/status").read_text().split("Umask:")[1].split()[0]


def test_the_process_is_as_it_was_before(tmp_path):
    os.chmod(tmp_path, 0o755)
    library = tmp_path / "intrusion.so"
    subprocess.run(
        ["cc", "-std=gnu17", "-shared", "-fPIC", "-fvisibility=hidden",
         f"-I{REPOSITORY}/Sources/BridgePluginABI/include", "-o", library,
         REPOSITORY / "Tests/PluginFixtures/intrusion.c", "-lm"], check=True)
    os.chmod(library, 0o755)
    with start_host(plugins=tmp_path) as host:
        pid = host.process.pid
        directory, mode = os.readlink(f"/proc/{pid}/cwd"), file_mode(pid)
        session = Session(host.stub())
        assert session.result("change_process") == 1
        # The host looks after calls, but not after each of many.

        def is_told():
            session.result("do_nothing")
            return "code of a plugin has changed state of the whole process" in host.stderr_text()

        eventually(is_told, "the change is told")
        assert os.readlink(f"/proc/{pid}/cwd") == directory
        assert file_mode(pid) == mode
        assert ignored_signals(pid) >> (signal.SIGPIPE - 1) & 1
        line = next(
            line for line in host.stderr_text().splitlines() if "state of the whole process" in line)
        for words in ("change_process", "working directory", "mode", "locale", "SIGPIPE",
                      "the environment variable BRIDGE_FIXTURE", "SIGHUP"):
            assert words in line, line
