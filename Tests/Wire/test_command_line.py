"""Wrong command lines: one line that says what is wrong and where to read more, and exit code 64."""

import re

import pytest

from bridge import run_host

# Every number that `serve` takes, with the least and the most it may be.
SERVE = {
    "--port": (0, 65_535),
    "--grace": (0, 86_400),
    "--event-loops": (0, 1024),
    "--tool-threads": (1, 10_000),
    "--max-message-bytes": (1024, 2**31 - 1),
    "--session-ttl": (1, 2**31 - 1),
    "--max-sessions": (1, 100_000_000),
    "--max-variables": (1, 100_000_000),
    "--max-session-bytes": (1024, 2**50),
    "--max-bytes": (1024, 2**50),
    "--history-versions": (0, 1_000_000),
    "--history-bytes": (0, 2**40),
    "--flush-interval-ms": (1, 60_000),
    "--watch-log-changes": (1, 100_000_000),
    "--watch-log-bytes": (1024, 2**40),
    "--max-connections": (0, 2**31 - 1),
    "--max-unread-bytes": (1024, 2**50),
    "--max-request-bytes": (1024, 2**50),
    "--keepalive-time": (0, 2**31 - 1),
    "--keepalive-timeout": (1, 2**31 - 1),
    "--min-ping-interval": (0, 2**31 - 1),
    "--max-connection-idle": (0, 2**31 - 1),
    "--max-connection-age": (0, 2**31 - 1),
    "--max-connection-age-grace": (0, 2**31 - 1),
    "--send-timeout": (0, 2**31 - 1),
    "--compress-from": (0, 2**31 - 1),
    "--record-bytes": (2**20, 2**50),
}
NO_NUMBERS = ["many", "", "1.5", "0x10", "1e3", " 1", "9" * 30]


def complaint(*arguments):
    """What a wrong command line is answered: one line."""
    run = run_host(*arguments)
    assert run.returncode == 64, (arguments, run.stderr)
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1 and run.stderr.endswith("\n"), run.stderr
    assert run.stderr.startswith("bridge-host: ")
    assert f"See 'bridge-host {arguments[0]} --help'" in run.stderr
    return run.stderr


def test_the_numbers_of_serve_are_all_here():
    """An option that is added with a number as its default has to be added above."""
    options = re.split(r"^  (--[a-z-]+)", run_host("serve", "--help").stdout, flags=re.MULTILINE)
    found = {name for name, text in zip(options[1::2], options[2::2])
             if re.search(r"\(default:\s+\d+\)", text)}
    assert found == set(SERVE)


@pytest.mark.parametrize("option", SERVE)
def test_the_numbers_of_serve(option):
    least, most = SERVE[option]
    for value in [least - 1, -7, most + 1, *NO_NUMBERS]:
        line = complaint("serve", option, str(value))
        assert option in line and f"'{value}'" in line
        assert f"a whole number from {least} to {most}" in line
    assert "Missing value" in complaint("serve", option)


@pytest.mark.parametrize("command, option, words", [
    ("ping", "--attempts", "a whole number from 1 to 100"),
    ("ping", "--timeout", "more than 0 and at most 1000000000 seconds"),
    ("watch", "--count", "a whole number from 1 to"),
    ("watch", "--start-revision", "a whole number from 0 to"),
    ("set", "--expected-version", "a whole number from 1 to 2147483647"),
])
def test_the_numbers_of_client_commands(command, option, words):
    wrong = ["-1", "many", "", "9" * 400]
    if "from 0" not in words:
        wrong.append("0")
    wrong.append("nan" if option == "--timeout" else "1.5")
    for value in wrong:
        line = complaint(command, option, value)
        assert option in line and words in line


def test_ports_in_addresses():
    for address in ["127.0.0.1:70000", "127.0.0.1:-1", "127.0.0.1:abc", "127.0.0.1:"]:
        assert "a port from 0 to 65535" in complaint("serve", "--listen", address)
    for address in ["127.0.0.1:70000", "127.0.0.1:abc", "127.0.0.1"]:
        assert "a port from 0 to 65535" in complaint("ping", "--address", address)
    assert "the port 0, which none has" in complaint("ping", "--address", "127.0.0.1:0")


def test_other_mistakes():
    assert "'--no-such-option'" in complaint("serve", "--no-such-option")
    assert "poetry" in complaint("serve", "--log-format", "poetry")
    assert "go together" in complaint("watch", "--start-revision", "1")
    run = run_host("no-such-command")
    assert run.returncode == 64 and run.stderr.count("\n") == 1
