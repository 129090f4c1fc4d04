"""Every line of docs/python.md runs, in order, as one program; and what else a program may have."""

import os
import re
import subprocess
import sys

from conftest import ROOT


def test_the_page(host, capsys):
    text = (ROOT / "docs/python.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 8
    program = "\n".join(blocks).replace("127.0.0.1:50051", host.address)
    exec(compile(program, "docs/python.md", "exec"), {"__name__": "__page__"})
    printed = capsys.readouterr().out.splitlines()
    assert "value_change temperature 25.0 19.0" in printed and "['0', '1', '2']" in printed
    assert "how warm at 18.0" in printed


def test_generated_stubs_are_found_beside_the_package(tmp_path):
    """They are in `bridge_host.v1`, and their messages have the names of the package's own."""
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT}/Protos", f"--python_out={tmp_path}",
         "snakepit/bridge/bridge.proto", "bridge_host/v1/transactions.proto"], check=True)
    code = """
import bridge_host
from bridge_host.v1 import transactions_pb2
from snakepit.bridge import bridge_pb2
step = transactions_pb2.ApplyRequest(session_id="s")
bridge_host.Transaction().check("x")
print(step.session_id, bridge_pb2.Variable(name="x").name)
"""
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert done.stdout == "s x\n", done.stderr
