"""Every line of docs/python.md runs, in order, as one program."""

import re

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
