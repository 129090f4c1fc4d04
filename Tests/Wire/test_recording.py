"""Calls of tools that are recorded, and replayed with builds of a plugin."""

import json
import stat
import subprocess

import pytest

from bridge import CALL_TIMEOUT, PLUGINS, Host, REPOSITORY, Session, eventually, run_host, start_host
from commands import TIMEOUT

SOURCE = REPOSITORY / "Tests/PluginFixtures/recorded.c"


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """Compiles builds of the fixture, each once."""
    directory = tmp_path_factory.mktemp("builds")

    def build(definition=None):
        library = directory / f"{definition}.so"
        if not library.exists():
            subprocess.run(
                ["cc", "-std=gnu17", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Werror",
                 f"-I{REPOSITORY}/Sources/BridgePluginABI/include",
                 *([f"-D{definition}"] if definition else []), "-o", library, SOURCE], check=True)
            library.chmod(0o755)
        return library

    return build


@pytest.fixture(scope="module")
def record(builds, tmp_path_factory):
    """A record of calls of the fixture, one of each tool."""
    directory = tmp_path_factory.mktemp("record")
    plugins = tmp_path_factory.mktemp("plugins")
    plugins.chmod(0o755)
    (plugins / "recorded.so").write_bytes(builds().read_bytes())
    (plugins / "recorded.so").chmod(0o755)
    with start_host("--record", directory, plugins=plugins) as host:
        use(Session(host.stub()))
    return directory


def use(session):
    session.register("a", value=0.1)
    session.register("b", value=3.0)
    session.register("product", value=0.0)
    assert session.result("multiply") == pytest.approx(0.3)
    assert session.result("ask") == pytest.approx(0.3)
    assert session.result("double_it") == pytest.approx(0.2)
    assert len([chunk for chunk in session.stream("count", include_progress=True)]) >= 3


def files(record):
    return sorted(record.glob("*.jsonl"))


def lines(record):
    return [json.loads(line) for path in files(record) for line in path.read_text().splitlines()]


def calls(record):
    return [line for line in lines(record) if "tool" in line]


def replay(record, plugin, *arguments, code=0):
    """The lines that a replay prints as JSON: each call, and all."""
    done = run_host("replay", record, "--plugin", plugin, "--json", *arguments, timeout=TIMEOUT)
    assert done.returncode == code, done
    *each, total = [json.loads(line) for line in done.stdout.splitlines()]
    return each, total


def differences(each):
    """What differs, by tool."""
    found = {}
    for call in each:
        for difference in call.get("differences", []):
            found.setdefault(call["tool"], set()).add(difference["kind"])
    return found


@pytest.mark.parametrize("isolation", ["child", "per-call", "in-process"])
def test_calls_of_the_examples_replay_as_they_were(tmp_path, isolation):
    directory = tmp_path / "record"
    with start_host("--record", directory, "--isolation", isolation) as host:
        session = Session(host.stub())
        session.register("v", value=0.1)
        session.register("n", "integer", 1)
        session.result("echo", text="text")
        session.result("echo", text="long " * 20_000)
        session.result("arithmetic", a=1.5, b=2)
        assert not session.call("arithmetic", a=1, b=0, operation="divide").success
        session.result("scale_variable", variable="v", factor=3.0)
        assert not session.call("scale_variable", variable="none", factor=3.0).success
        session.result("normalize", vector=[3.0, 4.0] * 10_000)
        session.result("word_count", text="one two two")
        session.result("read_summary")
        list(session.stream("countdown", include_progress=True, **{"from": 3}))
        session.result("c_increment", variable="n")
        session.result("libm_pow", x=2.0, y=0.5)
        waiting = session.stub.ExecuteTool.future(session.tool_request(
            "wait_for_variable", {"variable": "v", "target": 7.0}), timeout=CALL_TIMEOUT)
        eventually(lambda: session.describe().watch_count == 1, "it watches")
        session.set("v", 5.0)
        session.set("v", 7.0)
        assert waiting.result().success
    recorded = calls(directory)
    assert len(recorded) == 13
    same = 0
    for plugin in ("libExampleTools.so", "libExampleToolsC.so", "libm.native.json"):
        each, total = replay(directory, PLUGINS / plugin)
        assert differences(each) == {} and total["skipped"] == 0, each
        same += total["same"]
    assert same == len(recorded)


def test_a_bug_that_is_put_into_an_example_is_found(tmp_path):
    directory = tmp_path / "record"
    with start_host("--record", directory) as host:
        session = Session(host.stub())
        session.register("n", "integer", 1)
        for number in (2, 3):
            assert session.result("c_increment", variable="n") == number
        session.result("c_dot", a=[1.0, 2.0], b=[3.0, 4.0])
    source = (REPOSITORY / "Plugins/ExampleToolsC/example_tools_c.c").read_text()
    right, wrong = "seen.value.as.integer + 1}", "seen.value.as.integer + 2}"
    assert source.count(right) == 1
    for name, text, different in [("same", source, 0), ("bug", source.replace(right, wrong), 2)]:
        (tmp_path / f"{name}.c").write_text(text)
        library = tmp_path / f"{name}.so"
        subprocess.run(
            ["cc", "-std=gnu17", "-shared", "-fPIC", "-fvisibility=hidden",
             f"-I{REPOSITORY}/Sources/BridgePluginABI/include",
             f"-I{REPOSITORY}/Plugins/ExampleToolsC/include", "-o", library, tmp_path / f"{name}.c",
             "-lm"], check=True)
        library.chmod(0o755)
        each, total = replay(directory, library, code=1 if different else 0)
        assert (total["same"], total["different"]) == (3 - different, different)
        assert differences(each) == ({"c_increment": {"result", "writes"}} if different else {})


def test_a_record_holds_all_of_a_call(record):
    header, *_ = lines(record)
    assert header["bridge_host_record"] == 1 and header["rate"] == 1.0
    by_tool = {}
    for call in calls(record):
        by_tool.setdefault(call["tool"], call)
    # The call that another tool made is one, too.
    assert [call["tool"] for call in calls(record)] == [
        "multiply", "multiply", "ask", "double_it", "count"]
    multiply = by_tool["multiply"]
    assert [event["request"]["do"] for event in multiply["events"]] == ["get", "get", "set"]
    assert multiply["outcome"]["result"] == {"type": "float", "value": 0.1 * 3.0}
    assert multiply["took"] > multiply["host_took"] > 0
    answers = [event["answer"] for event in multiply["events"]]
    assert answers[0]["variable"]["content"] == {"type": "float", "value": 0.1}
    assert answers[2]["variable"]["version"] == 2
    kinds = [event["event"] for event in by_tool["count"]["events"]]
    assert kinds == ["progress", "chunk"] * 3
    asked = by_tool["ask"]["events"]
    assert asked[0]["request"]["tool"] == "multiply"
    assert asked[-1]["outcome"]["result"] == {"type": "float", "value": 0.1 * 3.0}
    assert [event["request"]["do"] for event in by_tool["double_it"]["events"]][-1] == "commit"


def test_only_this_user_reads_a_record(record):
    for path in files(record):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("arguments", [[], ["--in-process"]])
def test_the_same_build_does_the_same(record, builds, arguments):
    each, total = replay(record, builds(), *arguments)
    assert {call["outcome"] for call in each} == {"same"}
    assert total == {
        "same": 5, "different": 0, "skipped": 0, "reasons": {}, "other_tools": 0,
        "not_recorded": 0, "updated": False}


@pytest.mark.parametrize("definition, expected", [
    ("OTHER_RESULT", {"multiply": {"result"}}),
    ("ROUNDED_RESULT", {"multiply": {"result"}}),
    ("OTHER_WRITE", {"multiply": {"writes"}, "double_it": {"result", "writes", "requests"}}),
    ("OTHER_ORDER", {"multiply": {"requests"}}),
    ("MORE_READS", {"multiply": {"requests"}}),
    ("OTHER_CHUNKS", {"count": {"chunks", "progress"}}),
    ("OTHER_PROGRESS", {"count": {"progress"}}),
    ("REFUSE", {"multiply": {"result", "writes", "requests"}}),
])
def test_a_build_that_does_something_else_is_found(record, builds, definition, expected):
    each, total = replay(record, builds(definition), code=1)
    found = differences(each)
    if definition == "OTHER_WRITE":
        # What is prepared and committed are writes of an atomic tool.
        assert found["multiply"] == {"writes"} and "writes" in found["double_it"]
    else:
        assert found == expected
    assert total["different"] > 0 and total["same"] > 0


def test_floats_may_differ_a_little(record, builds):
    _, total = replay(record, builds("ROUNDED_RESULT"), "--float-tolerance", "1e-9")
    assert total["different"] == 0
    _, total = replay(record, builds("OTHER_RESULT"), "--float-tolerance", "1e-9", code=1)
    assert total["different"] == 2


def test_a_build_that_crashes_is_found(record, builds):
    each, total = replay(record, builds("CRASH"), code=1)
    crashed = [call for call in each if call["outcome"] == "different"]
    assert {call["tool"] for call in crashed} == {"multiply"} and total["same"] == 3
    assert "crashed with SIGABRT" in json.dumps(crashed)


def test_calls_of_tools_that_are_gone_are_counted(record, builds):
    _, total = replay(record, builds("FEWER_TOOLS"))
    assert (total["same"], total["other_tools"]) == (2, 3)
    _, total = replay(record, builds(), "--tool", "count", "--tool", "ask")
    assert (total["same"], total["other_tools"]) == (2, 3)


def test_differences_are_shown_to_people(record, builds):
    done = run_host("replay", record, "--plugin", builds("OTHER_RESULT"), timeout=TIMEOUT)
    assert done.returncode == 1 and done.stderr == ""
    first = done.stdout.splitlines()[:4]
    assert first[0].startswith("multiply differs (") and first[0].endswith(".jsonl:2)")
    assert first[1:] == ["  result", "    - 0.30000000000000004", "    + 1.3"]
    assert done.stdout.endswith("3 calls do what they did, 2 differ\n")


def test_a_record_is_updated(record, builds, tmp_path):
    copy = tmp_path / "calls-1.jsonl"
    copy.write_bytes(files(record)[0].read_bytes())
    before = copy.read_text().splitlines()
    _, total = replay(copy, builds("OTHER_RESULT"), "--update")
    assert total["different"] == 2 and total["updated"]
    after = copy.read_text().splitlines()
    changed = [index for index, pair in enumerate(zip(before, after)) if pair[0] != pair[1]]
    assert len(after) == len(before) and len(changed) == 2
    _, total = replay(copy, builds("OTHER_RESULT"))
    assert total["different"] == 0
    replay(copy, builds(), code=1)


def test_secrets_are_not_recorded(builds, tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir(mode=0o755)
    (plugins / "recorded.so").write_bytes(builds().read_bytes())
    (plugins / "recorded.so").chmod(0o755)
    directory = tmp_path / "record"
    with start_host("--record", directory, "--record-mask", "prod*", plugins=plugins) as host:
        session = Session(host.stub())
        assert session.result("log_in", password="s3cr3t-of-mine") == 14
        session.register("a", value=0.125)
        session.register("b", value=3.0)
        session.register("product", value=0.0)
        session.call("multiply")
        session.stub.ExecuteTool(session.tool_request(
            "log_in", {"password": "another-0ne"}, metadata={"authorization": "Bearer 0f-mine"}))
    text = "".join(path.read_text() for path in files(directory))
    assert "s3cr3t" not in text and "another-0ne" not in text and "0f-mine" not in text
    assert "0.375" in text, "the result is not one of the names"
    log_in, multiply, _ = calls(directory)
    assert log_in["not_replayable"] == "password is masked"
    assert multiply["not_replayable"] == "product is masked"
    _, total = replay(directory, builds(), code=2)
    assert total["reasons"] == {"password is masked": 2, "product is masked": 1}


def test_a_part_of_all_calls_is_recorded(tmp_path):
    with start_host("--record", tmp_path, "--record-sample", "0.25") as host:
        session = Session(host.stub())
        for number in range(40):
            session.result("echo", text=str(number))
    assert len(calls(tmp_path)) == 10


def test_a_record_stays_within_its_bound(tmp_path):
    with start_host("--record", tmp_path, "--record-bytes", 1 << 20) as host:
        session = Session(host.stub())
        for number in range(60):
            session.result("echo", text=f"{number:06}" * 10_000)
            session.result("echo", text=f"{number:06}" * 12_000)
    sizes = [path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(sizes) <= 1 << 20
    assert any(path.parent.suffix == ".values" for path in tmp_path.rglob("*"))
    # What is left is the last.
    last = calls(tmp_path)[-1]
    assert "file" in last["arguments"]["text"]
    _, total = replay(tmp_path, PLUGINS / "libExampleTools.so")
    assert total["different"] == 0 and 0 < total["same"] < 120


def test_the_record_of_a_host_that_was_killed_is_read(tmp_path):
    host = Host("--record", tmp_path)
    try:
        session = Session(host.stub())
        for number in range(20):
            session.result("echo", text=str(number))
        eventually(lambda: calls(tmp_path), "calls are written")
    finally:
        host.kill()
    (path,) = files(tmp_path)
    # As if it had been killed while it wrote.
    path.write_bytes(path.read_bytes() + b'{"tool":"echo","plugin":"exa')
    each, total = replay(tmp_path, PLUGINS / "libExampleTools.so")
    assert total["different"] == 0 and total["skipped"] == 1
    (reason,) = total["reasons"]
    assert reason.startswith("cannot be read: ")


def test_a_replay_says_what_it_cannot_do(record, builds, tmp_path):
    for arguments, words in [
        ([tmp_path, "--plugin", builds()], "there is no record in"),
        ([record, "--plugin", tmp_path / "none.so"], "none.so"),
        ([builds().with_suffix(".jsonl"), "--plugin", builds()], "cannot be read"),
    ]:
        done = run_host("replay", *arguments)
        assert done.returncode == 2 and words in done.stderr, done
        assert done.stdout == ""
    for option, value in [("--float-tolerance", "2"), ("--slower-than", "0.5")]:
        done = run_host("replay", record, "--plugin", builds(), option, value)
        assert done.returncode == 64, done


def test_a_directory_that_cannot_be_written_is_told(tmp_path):
    place = tmp_path / "file"
    place.write_text("")
    done = run_host("serve", "--record", place, "--port", "0")
    assert done.returncode == 1 and "cannot be made" in done.stderr
