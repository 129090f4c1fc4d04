"""What `NAME.plugin.json` says of a plugin, seen by clients of the host."""

import hashlib
import json
import shutil

import grpc
import pytest

from bridge import PLUGINS, Session, start_host


def stage(directory, name, settings):
    library = directory / f"{name}.so"
    shutil.copy(PLUGINS / "libExampleToolsC.so", library)
    library.chmod(0o755)
    if settings is not None:
        (directory / f"{name}.plugin.json").write_text(json.dumps(settings))
    return library


def test_a_demand_for_digests_serves_what_has_the_right_one(tmp_path):
    tmp_path.chmod(0o755)
    digest = hashlib.sha256((PLUGINS / "libExampleToolsC.so").read_bytes()).hexdigest()
    stage(tmp_path, "right", {"sha256": digest, "prefix": "right."})
    stage(tmp_path, "wrong", {"sha256": digest[::-1], "prefix": "wrong."})
    stage(tmp_path, "none", {"prefix": "none."})
    stage(tmp_path, "off", {"enabled": False})
    with start_host("--plugin-sha256-required", plugins=tmp_path) as host:
        session = Session(host.stub())
        assert "Ada" in session.result("right.c_hello", name="Ada")
        for name in ["wrong.c_hello", "none.c_hello", "c_hello"]:
            with pytest.raises(grpc.RpcError, match="Tool not found"):
                session.call(name, name="Ada")
        log = host.stderr_text()
        assert f"its SHA-256 is {digest}, not {digest[::-1]}" in log
        assert "no SHA-256 is known for it" in log
        assert "plugin disabled by its settings" in log and "off.so" in log
    with start_host(plugins=tmp_path) as host:
        assert "Ada" in Session(host.stub()).result("none.c_hello", name="Ada")
