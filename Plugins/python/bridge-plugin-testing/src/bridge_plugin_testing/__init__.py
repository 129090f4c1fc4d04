"""Tests for plugins of bridge-host: a host in memory, without a server.

    host = Host()
    host.load("./libweather.so")
    host.define("temperature", 21.5)
    record = host.call("forecast", days=3)
    assert record.result == "warm"
    assert host["temperature"] == 22.0
"""

from ._host import Call, Fault, Host, Record, TestHostError, ToolError, TraceEntry, Variable, Violation

__all__ = [
    "Call", "Fault", "Host", "Record", "TestHostError", "ToolError", "TraceEntry", "Variable",
    "Violation",
]
