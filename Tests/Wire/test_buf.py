"""`buf curl` as a client: neither its HTTP/2 nor its protobuf is that of grpcio."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from bridge import REPOSITORY, Session, value_of
from stubs import PROTOS

WRAPPER = "type.googleapis.com/google.protobuf.DoubleValue"


@pytest.fixture(scope="module")
def curl(host, tmp_path_factory):
    beside = pathlib.Path(sys.executable).parent / "buf"
    buf = str(beside) if beside.exists() else shutil.which("buf")
    if buf is None:
        pytest.fail("buf is missing: install requirements.txt")
    cache = tmp_path_factory.mktemp("buf")

    def run(method, request, *options):
        return subprocess.run(
            [buf, "curl", "--schema", str(PROTOS), "--protocol", "grpc",
             "--http2-prior-knowledge", *options, "-d", json.dumps(request),
             f"http://{host.target}/snakepit.bridge.BridgeService/{method}"],
            cwd=REPOSITORY, env={**os.environ, "BUF_CACHE_DIR": str(cache)}, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return run
