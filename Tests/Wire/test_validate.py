"""`bridge-host validate`: plugins with one fault each fail the one test that is for it, and good ones none."""

import json
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

import bridge
import broken_plugins
from broken_plugins import PATIENT, REPOSITORY, validate

GOOD = [
    "libExampleTools.so", "libExampleToolsC.so", "example_tools_c.native.json", "libm.native.json",
    "zlib.native.json"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return broken_plugins.build_all(tmp_path_factory.mktemp("broken"))


def one(built, name):
    return next(path for source, path in built if broken_plugins.name_of(source) == name)


def run(*arguments):
    return subprocess.run(
        [bridge.HOST, "validate", *map(str, arguments)], capture_output=True, text=True,
        timeout=broken_plugins.LIMIT, stdin=subprocess.DEVNULL)


def test_each_broken_plugin_fails_the_test_of_its_fault_alone(built):
    assert len(built) >= 60
    found = broken_plugins.faults(bridge.HOST, built)
    assert not found, "\n".join(found)


def test_every_test_has_a_plugin_that_fails_it(built):
    missing = set(broken_plugins.tests(bridge.HOST)) - {source.parent.name for source, _ in built}
    assert not missing


@pytest.mark.parametrize("name", GOOD)
def test_examples_are_fine(name):
    # The levels above take minutes with a program that is not optimized: Scripts/validate-often is for them.
    report, code = validate(bridge.HOST, bridge.PLUGINS / name, "--level", 5, *PATIENT)
    faults = [
        (test["name"], note["message"]) for test in report["tests"] for note in test["notes"]
        if note["fault"]]
    assert (code, faults) == (0, []), f"seed {report['seed']}"


def test_the_document_names_every_test():
    rows = {}
    for line in (REPOSITORY / "docs/validate.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and cells[0].isdigit():
            rows[cells[2].strip("`")] = (int(cells[0]), cells[1], cells[3])
    tests = broken_plugins.tests(bridge.HOST)
    assert rows == {
        name: (test["level"], test["group"], test["summary"]) for name, test in tests.items()}


def test_a_crash_is_told_with_its_place(built):
    done = run(one(built, "start/crash"), "--seed", 7)
    assert done.returncode == 1
    assert "FAILED   1 start" in done.stdout
    assert "SIGSEGV at 0x18 while starting it, in begin (crash.c:" in done.stdout
    assert "mend: " in done.stdout
    assert "1 failed" in done.stdout and "(seed 7)" in done.stdout
    # What could only fail for the same reason is not done, and that is said.
    assert "skipped  2 load-quiet: it needs start, which has not passed" in done.stdout


def test_junit_is_xml(built, tmp_path):
    file = tmp_path / "report.xml"
    done = run(one(built, "entry/no-reason"), "--junit", file)
    assert done.returncode == 1
    suite = xml.etree.ElementTree.parse(file).getroot().find("testsuite")
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    assert suite.get("failures") == "1"
    assert cases["entry"].find("failure") is not None
    assert cases["descriptor"].find("skipped") is not None
    assert len(list(cases["file"])) == 0


def test_one_test_can_be_done_alone(built):
    report, code = validate(bridge.HOST, one(built, "load-quiet/init"), "--only", "stop")
    assert [(test["name"], test["outcome"]) for test in report["tests"]] == [("stop", "passed")]
    assert code == 0


@pytest.mark.parametrize("arguments, words", [
    (["/no/such/file.so"], "No such file"),
    (["--only", "tests-of-nothing", __file__], "there is no test tests-of-nothing"),
    (["--replay", __file__, __file__], "is no file that `validate` has kept"),
])
def test_what_cannot_be_looked_at_is_2(arguments, words):
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize("arguments", [
    [], ["--level", "0", "x.so"], ["--grace", "0", "x.so"], ["--jobs", "0", "x.so"]])
def test_wrong_options_are_told(arguments):
    assert run(*arguments).returncode == 64


def test_the_same_seed_is_the_same_report(built):
    def told(report):
        return [(test["name"], test["outcome"], test["notes"]) for test in report["tests"]]

    path = one(built, "entry/crash")
    first, _ = validate(bridge.HOST, path, "--seed", 5)
    second, _ = validate(bridge.HOST, path, "--seed", 5)
    assert told(first) == told(second)


def test_a_fault_that_was_fuzzed_is_kept_and_seen_again(built, tmp_path):
    path = one(built, "fuzz/rare")
    done = run(path, "--only", "fuzz", "--seed", 3, "--fuzz-time", 30, "--replay-directory", tmp_path)
    assert done.returncode == 1, done.stdout
    kept = tmp_path / "fuzz-3.json"
    replay = json.loads(kept.read_text())
    calls = json.loads(replay["input"])
    # One call is enough, and that is what is left.
    assert len(calls["steps"]) == 1
    assert "variables.get" in calls["told"][0] and "status 10" in calls["told"][0]
    again = run(path, "--replay", kept)
    assert again.returncode == 1
    assert "FAILED   10 fuzz" in again.stdout and "SIGABRT" in again.stdout
    # Where the fault is mended, nothing is found.
    assert run(bridge.PLUGINS / "libExampleToolsC.so", "--replay", kept).returncode == 0


def test_every_fault_leaves_a_file_if_asked_to(built, tmp_path):
    path = one(built, "calls/divide")
    assert run(path, "--level", 3, "--seed", 9, "--replay-directory", tmp_path).returncode == 1
    again = run(path, "--replay", tmp_path / "calls-9.json")
    assert again.returncode == 1 and "SIGFPE" in again.stdout


def test_what_a_sanitizer_finds_is_a_fault(tmp_path):
    if not shutil.which("gcc"):
        pytest.fail("gcc builds the plugin, and its library of the sanitizer is needed")
    target = tmp_path / "shared.so"
    broken_plugins.compile_object(
        broken_plugins.SOURCES / "parallel/shared.c", target, "-fsanitize=thread")
    done = run(target, "--sanitizer", "thread", "--only", "parallel", "--only", "serial")
    assert done.returncode == 1, done.stdout
    assert "FAILED   6 parallel" in done.stdout
    assert "ThreadSanitizer: data race" in done.stdout
    assert "1 passed, 1 failed" in done.stdout


def test_lists_are_json_too():
    tests = json.loads(run("--list", "--json").stdout)
    assert all(1 <= test["level"] <= 10 and test["summary"] and test["remedy"] for test in tests)
