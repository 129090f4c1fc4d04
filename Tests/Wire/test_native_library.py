"""Examples/Tracks: a library in C that knows nothing of the host, with structs, handles and callbacks."""

import json
import shutil
import subprocess

import pytest

from bridge import REPOSITORY, Session, eventually, run_host, start_host

EXAMPLE = REPOSITORY / "Examples/Tracks"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Built as docs/plugins.md says, with debug information: the manifest is held to it."""
    path = tmp_path_factory.mktemp("tracks") / "libtracks.so"
    subprocess.run(
        ["cc", "-std=c11", "-g", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", path,
         EXAMPLE / "tracks.c", "-lm"], check=True)
    path.chmod(0o755)
    return path


@pytest.fixture
def directory(library, plugins):
    shutil.copy(library, plugins)
    return plugins


@pytest.fixture
def tracks(directory):
    shutil.copy(EXAMPLE / "tracks.native.json", directory)
    with start_host(plugins=directory) as host:
        yield host


def test_structs_handles_and_callbacks(tracks):
    session = Session(tracks.stub())
    assert session.result("track_distance", a={"x": 0, "y": 0}, b={"x": 3, "y": 4}) == 5
    track = session.result("track_new")
    for x, y in [(0, 0), (0.25, 0), (3, 4), (3, 4.5), (-1, 1)]:
        assert session.call("track_add", track=track, point={"x": x, "y": y}).success
    assert session.result("track_count", track=track) == 5
    box = session.result("track_bounds", track=track)
    assert box == {"low": {"x": -1, "y": 0}, "high": {"x": 3, "y": 4.5}}
    assert session.result("track_grow", box=box, by=1)["low"] == {"x": -2, "y": -1}
    updates = list(session.stream("track_simplify", include_progress=True, track=track, tolerance=1))
    assert json.loads(updates[-1].data) == 2
    assert len(updates) > 1
    coordinates = session.result("track_coordinates", track=track)
    assert coordinates == [0, 0, 3, 4, -1, 1]
    assert session.result("track_sort", numbers=coordinates, order="descending") == [4, 3, 1, 0, 0, -1]
    assert session.result("track_length", track=track) == 10
    assert session.call("track_free", track=track).success
    assert not session.call("track_count", track=track).success


def test_what_the_library_refuses_is_told(tracks):
    session = Session(tracks.stub())
    track = session.result("track_new")
    answer = session.call("track_bounds", track=track)
    assert not answer.success and "No data available" in answer.error_message
    # The handles of another session are none.
    other = Session(tracks.stub())
    assert not other.call("track_count", track=track).success
    other_track = other.result("track_new")
    assert other.result("track_count", track=other_track) == 0


def test_a_manifest_that_contradicts_the_library_is_refused(directory):
    manifest = (EXAMPLE / "tracks.native.json").read_text()
    wrong = manifest.replace('{"name": "tolerance", "type": "double"}', '{"name": "tolerance", "type": "float"}')
    assert wrong != manifest
    with start_host(plugins=directory) as host:
        (directory / "tracks.native.json").write_text(wrong)
        eventually(
            lambda: "track_simplify takes double for parameter tolerance, and not float" in host.stderr_text(),
            "it is refused")
        # It is served once it is right.
        (directory / "tracks.native.json").write_text(manifest)
        session = Session(host.stub())
        eventually(lambda: "plugin loaded" in host.stderr_text(), "it is loaded")
        assert session.result("track_distance", a={"x": 0, "y": 0}, b={"x": 0, "y": 2}) == 2


def test_a_first_manifest_is_written_from_the_header(directory):
    written = run_host(
        "manifest", "from-header", EXAMPLE / "tracks.h", "--library", "./libtracks.so")
    assert written.returncode == 0, written.stderr
    assert "track_simplify is left out: report is a callback" in written.stderr
    assert "track_sort is left out" in written.stderr
    (directory / "tracks.native.json").write_text(written.stdout)
    with start_host(plugins=directory) as host:
        session = Session(host.stub())
        track = session.result("track_new")
        session.result("track_add", track=track, point={"x": 3, "y": 4})
        session.result("track_add", track=track, point={"x": 0, "y": 0})
        assert session.result("track_length", track=track) == 5
        assert session.call("track_free", track=track).success


def test_a_missing_compiler_is_told_with_its_package():
    refused = run_host(
        "manifest", "from-header", EXAMPLE / "tracks.h", "--library", "x", "--clang", "no-such-clang")
    assert refused.returncode == 1
    assert "cannot run no-such-clang" in refused.stderr and "apt-get install clang" in refused.stderr
