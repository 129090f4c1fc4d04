"""Calls that wait for the turn of a serial tool."""

import pytest

from bridge import CODE, Session, plugin_directory, refused, start_host
from stubs import error_details_pb2


@pytest.mark.parametrize("isolation", ["in-process", "child"])
def test_a_turn_after_the_deadline_is_refused_at_once(tmp_path, isolation):
    with start_host(
            "--isolation", isolation, plugins=plugin_directory(tmp_path, "slow.c")) as host:
        session = Session(host.stub())
        # A turn takes 50 milliseconds: that is known after some of them.
        for _ in range(16):
            assert session.result("slow") == 1
        request = session.tool_request("slow", {})
        waiting = [session.stub.ExecuteTool.future(request) for _ in range(200)]
        # The host says so at once, and not the client's clock.
        with refused(CODE.DEADLINE_EXCEEDED, "the turn of slow would come after") as refusal:
            session.call("slow", timeout=3)
        info = error_details_pb2.ErrorInfo()
        assert refusal.status().details[0].Unpack(info)
        assert info.reason == "DEADLINE_HOPELESS" and info.metadata["tool"] == "slow"
        for call in waiting:
            call.cancel()
        # Those that nobody waits for any more keep nobody waiting.
        assert session.result("slow", timeout=30) == 1
