"""A client of bridge-host: sessions, typed variables, watches that resume, tools.

    import bridge_host

    with bridge_host.connect("127.0.0.1:50051") as client:
        session = client.session("experiment")
        session.register("temperature", "float", 20.0, constraints={"max": 60})
        session["temperature"] = 21.5
        session.call("scale_variable", variable="temperature", factor=2)
        for update in session.watch(["temperature"]):
            print(update.name, update.value)

`bridge_host.aio` has the same for asyncio. docs/python.md is the guide.
"""

from pkgutil import extend_path

from ._connection import TLS
from ._operations import Transaction
from ._sync import Client, Session, ToolCall, ToolStream, Watch, connect
from ._types import (
    Chunk, HistoryEntry, Parameter, SessionInfo, Tool, ToolList, Update, Variable, VariableList)
from ._values import Tensor
from .errors import (
    Aborted, AlreadyExists, BatchError, BridgeError, Cancelled, DataLoss, DeadlineExceeded, FailedPrecondition,
    Internal, InvalidArgument, NotFound, OutOfRange, PermissionDenied, ResourceExhausted, ToolError, Unauthenticated,
    Unavailable, Unimplemented, Unknown, VersionMismatch)
from .mixin import VariableAwareMixin

# Stubs that protoc makes of the protocol are in `bridge_host.v1`: a program may have both.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"

__all__ = [
    "TLS", "Aborted", "AlreadyExists", "BatchError", "BridgeError", "Cancelled", "Chunk", "Client", "DataLoss",
    "DeadlineExceeded", "FailedPrecondition", "HistoryEntry", "Internal", "InvalidArgument", "NotFound", "OutOfRange",
    "Parameter", "PermissionDenied", "ResourceExhausted", "Session", "SessionInfo", "Tensor", "Tool", "ToolCall",
    "ToolError", "ToolList", "ToolStream", "Transaction", "Unauthenticated", "Unavailable", "Unimplemented", "Unknown",
    "Update", "Variable", "VariableAwareMixin", "VariableList", "VersionMismatch", "Watch", "connect",
]
