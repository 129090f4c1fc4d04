"""What processes of plugins give up, by profiles, tried by a plugin that wants all of it."""

import json

import pytest

from bridge import PLUGINS, Session, eventually, plugin_directory, run_host, start_host
from stubs import REPOSITORY

REFUSED = "Operation not permitted"
BASE = {"signal_parent", "signal_init", "read_parent", "attach_parent"}
NETWORK = {"open_socket", "open_socket_early"}
FILES = {"write_file", "change_mode"}
FORBIDDEN = {
    "none": set(),
    "default": BASE,
    "no-network": BASE | NETWORK,
    "read-only-files": BASE | FILES,
}


@pytest.fixture
def misbehaving(tmp_path):
    return plugin_directory(tmp_path, "../PluginFixtures/misbehaving.c")


def skip_where_the_kernel_lacks_something(host):
    for line in host.stderr_text().splitlines():
        if "the kernel has no" in line:
            pytest.skip(f"cannot be shown here: {line[line.index('the kernel has no'):]}")


def refusals(host):
    """The tools that the system refuses something, and what they say of it."""
    session = Session(host.stub())
    answers = {tool: session.call(tool) for tool in sorted(BASE | NETWORK | FILES)}
    assert session.result("live") == 1
    assert session.result("write_nowhere") == 1
    for answer in answers.values():
        if not answer.success:
            assert answer.metadata["error_type"] == "refused_by_system"
    return {tool: answer.error_message for tool, answer in answers.items() if not answer.success}


@pytest.mark.parametrize("profile", FORBIDDEN)
@pytest.mark.parametrize("isolation", ["child", "per-call"])
def test_a_profile_forbids_what_it_says_and_nothing_else(misbehaving, profile, isolation):
    with start_host(
            "--isolation", isolation, "--plugin-profile", profile, plugins=misbehaving) as host:
        skip_where_the_kernel_lacks_something(host)
        found = refusals(host)
        # Some of it only root may do in any case.
        of_root = {"attach_parent", "read_parent", "signal_init"}
        assert set(found) == FORBIDDEN[profile] | (set(found) & of_root)
        for tool in FORBIDDEN[profile]:
            # Landlock says that it is no permission of files, the filter that the call is none.
            assert found[tool] in (REFUSED, "Permission denied"), tool


def test_what_is_forbidden_by_default_is_said_of_no_option(misbehaving):
    with start_host(plugins=misbehaving) as host:
        skip_where_the_kernel_lacks_something(host)
        assert BASE <= set(refusals(host))


def test_settings_say_the_profile_of_one_plugin(misbehaving):
    (misbehaving / "misbehaving.plugin.json").write_text(
        json.dumps({"profile": ["no-network", "read-only-files"]}))
    with start_host("--plugin-profile", "none", plugins=misbehaving) as host:
        skip_where_the_kernel_lacks_something(host)
        assert set(refusals(host)) == BASE | NETWORK | FILES


def test_a_profile_in_the_host_is_an_error(misbehaving):
    (misbehaving / "misbehaving.plugin.json").write_text(
        json.dumps({"profile": "no-network", "isolation": "in-process"}))
    with start_host(plugins=misbehaving) as host:
        eventually(
            lambda: "a profile binds a process of the plugin's own" in host.stderr_text(), "it is logged")


def test_the_examples_live_with_all_profiles(tmp_path):
    """What Swift and libffi need is there under the strictest one, too."""
    with start_host("--plugin-profile", "no-network", plugins=PLUGINS) as host:
        session = Session(host.stub())
        assert session.result("echo", text="x") == "x"
        assert session.result("libm_pow", x=2.0, y=10.0) == 1024.0
    with start_host(
            "--plugin-profile", "read-only-files", "--isolation", "per-call",
            plugins=PLUGINS) as host:
        assert Session(host.stub()).result("echo", text="x") == "x"


def test_tools_are_listed_under_their_profiles(misbehaving):
    (misbehaving / "misbehaving.plugin.json").write_text(json.dumps({"profile": "no-network"}))
    run = run_host("tools", "--plugins", misbehaving)
    assert run.returncode == 0 and "open_socket" in run.stdout, run.stderr


def test_a_plugin_that_crashes_while_it_is_listed_is_one_line(tmp_path):
    source = tmp_path / "crash.c"
    source.write_text(
        f'#define CRASHES\n#include "{REPOSITORY}/Tests/PluginFixtures/misbehaving.c"\n')
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    plugin_directory(plugins, source, "slow.c")
    run = run_host("tools", "--plugins", plugins)
    assert run.returncode == 1
    assert "crash.so" in run.stderr and "SIGSEGV" in run.stderr
    assert "slow" in run.stdout
