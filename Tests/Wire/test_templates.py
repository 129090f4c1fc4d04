"""Plugins that `bridge-host new-plugin` begins: in every language they build, pass their tests and are served.

A language whose toolchain is not there is skipped, and fails where BRIDGE_TOOLCHAINS names it: `Scripts/test`
does so with those that Debian has.
"""

import json
import os
import shutil
import subprocess

import pytest

from bridge import HOST, REPOSITORY, Session, run_host, start_host, value_of

# Of each language: the program that builds it, the commands of its README, and what they make.
LANGUAGES = {
    "c": ("make", ["make", "make test"], "build/deep-sea.so"),
    "cpp": ("cmake", ["cmake -B build", "cmake --build build", "ctest --test-dir build --output-on-failure"],
            "build/deep-sea.so"),
    "rust": ("cargo", ["cargo build --release --offline", "cargo test --release --offline"],
             "target/release/libdeep_sea.so"),
    "go": ("go", ["make", "make test"], "build/deep-sea.so"),
    "zig": ("zig", ["zig build", "zig build test"], "zig-out/lib/libdeep-sea.so"),
    "swift": ("swift", ["swift build", "swift test"], ".build/debug/libDeepSea.so"),
}
DEMANDED = os.environ.get("BRIDGE_TOOLCHAINS", "").split()


def environment():
    """As somebody has it who has installed the program."""
    return {**os.environ, "PATH": f"{HOST.resolve().parent}:{os.environ['PATH']}", "GOFLAGS": "-mod=mod"}


def exported(library):
    """Names of what a shared object defines for others."""
    lines = subprocess.run(
        ["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    return [line.split()[2] for line in lines.splitlines() if line.split()[1].isupper()]


def faults(library):
    """The tests of `bridge-host validate` that a plugin fails."""
    report = run_host("validate", library, "--json", timeout=600)
    assert report.returncode in (0, 1), report.stderr
    return {test["name"] for test in json.loads(report.stdout)["tests"] if test["outcome"] == "failed"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_plugin_builds_passes_its_tests_and_serves(language, tmp_path, plugins):
    program, commands, product = LANGUAGES[language]
    folder = tmp_path / "deep-sea"
    written = run_host("new-plugin", "deep-sea", "--lang", language, "--directory", str(folder))
    assert written.returncode == 0, written
    assert f"that makes {product}" in written.stdout
    if shutil.which(program) is None:
        assert f"{program} is not on this machine: " in written.stdout
        assert language not in DEMANDED, f"there is no {program} to build a plugin in {language}"
        pytest.skip(f"there is no {program} on this machine")
    assert "is not on this machine" not in written.stdout
    for command in commands:
        done = subprocess.run(
            command.split(), cwd=folder, env=environment(), capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    assert exported(folder / product) == ["bridge_plugin_entry"]
    assert faults(folder / product) == set()
    shutil.copy(folder / product, plugins)
    serves(plugins)


def serves(plugins):
    with start_host(plugins=plugins) as host:
        session = Session(host.stub())
        session.register("depth", value=1.0)
        assert session.result("deep_sea_add", variable="depth", amount=2.5) == 3.5
        assert value_of(session.get("depth")) == 3.5
        chunks = [update.data for update in session.stream("deep_sea_count", to=4)]
        assert chunks[:4] == [b"1", b"2", b"3", b"4"]
        assert not session.call("deep_sea_add", variable="nothing").success


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("precious")
    refused = run_host("new-plugin", "deep-sea", "--lang", "c", "--directory", str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr == f"bridge-host: {tmp_path} is not empty: nothing was written\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_names_and_languages_are_checked(tmp_path):
    for name in ("Deep", "../deep", "fn"):
        refused = run_host("new-plugin", name, "--lang", "c", "--directory", str(tmp_path / "new"))
        assert refused.returncode == 1 and f'"{name}" cannot be a plugin\'s name' in refused.stderr
    refused = run_host("new-plugin", "deep-sea", "--lang", "python")
    assert refused.returncode == 64 and "Languages: swift, c, cpp, rust, zig, go" in refused.stderr
    assert not (tmp_path / "new").exists()


def test_a_missing_toolchain_is_told_with_what_installs_it(tmp_path):
    written = subprocess.run(
        [HOST, "new-plugin", "deep-sea", "--lang", "go", "--directory", tmp_path / "new"],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert written.returncode == 0
    assert "go is not on this machine: apt-get install golang-go gcc make\n" in written.stdout
    assert (tmp_path / "new/main.go").exists()


def test_installed_headers_are_found_by_pkg_config(tmp_path):
    prefix, folder = tmp_path / "prefix", tmp_path / "deep-sea"
    subprocess.run(["Scripts/install", "--headers", prefix], cwd=REPOSITORY, check=True)
    found = subprocess.run(
        ["pkg-config", "--cflags", "bridge-plugin"], check=True, capture_output=True, text=True,
        env={**os.environ, "PKG_CONFIG_PATH": f"{prefix}/share/pkgconfig"}).stdout.strip()
    assert found == f"-I{prefix}/include/bridge-plugin"
    assert run_host("new-plugin", "deep-sea", "--lang", "c", "--directory", folder).returncode == 0
    shutil.rmtree(folder / "include")
    subprocess.run(["make", f"HEADERS={found}"], cwd=folder, check=True)
    cpp = subprocess.run(
        ["g++", "-std=c++17", found, "-fsyntax-only", "-x", "c++", "-"], input="#include <bridge_plugin.hpp>\n",
        text=True)
    assert cpp.returncode == 0
