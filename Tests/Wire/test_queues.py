"""Calls that wait: for the turn of a serial tool, a place in a plugin's process, or a thread."""

import pytest

from bridge import CODE, Session, plugin_directory, refused, start_host
from stubs import error_details_pb2


@pytest.mark.parametrize("tool, options, settings", [
    ("slow", ["--isolation", "in-process"], None),
    ("slow", ["--isolation", "child"], None),
    ("aside", ["--isolation", "child"], '{"concurrency": 1}'),
    ("aside", ["--isolation", "per-call"], '{"concurrency": 1}'),
    ("aside", ["--isolation", "in-process", "--tool-threads", "1"], None)])
def test_a_turn_after_the_deadline_is_refused_at_once(tmp_path, tool, options, settings):
    plugins = plugin_directory(tmp_path, "slow.c")
    if settings:
        (plugins / "slow.plugin.json").write_text(settings)
    with start_host(*options, plugins=plugins) as host:
        session = Session(host.stub())
        request = session.tool_request(tool, {})
        waiting = [session.stub.ExecuteTool.future(request) for _ in range(220)]
        # A turn takes 50 milliseconds: that is known after some of them.
        for call in waiting[:20]:
            assert call.result().success
        # The host says so at once, and not the client's clock.
        with refused(CODE.DEADLINE_EXCEEDED, f"the turn of {tool} would come after") as refusal:
            session.call(tool, timeout=3)
        info = error_details_pb2.ErrorInfo()
        assert refusal.status().details[0].Unpack(info)
        assert info.reason == "DEADLINE_HOPELESS" and info.metadata["tool"] == tool
        for call in waiting:
            call.cancel()
        # Those that nobody waits for any more keep nobody waiting.
        assert session.result(tool, timeout=30) == 1
