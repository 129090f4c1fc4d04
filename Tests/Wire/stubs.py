"""The Python messages and stubs of the bridge protocol.

Importing this module runs protoc once over Protos/ into a temporary directory that goes away with
the process. No generated file is ever written into the repository.
"""

import atexit
import pathlib
import shutil
import sys
import tempfile

import grpc_tools
from grpc_tools import protoc

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROTOS = REPOSITORY / "Protos"


def _generate():
    target = tempfile.mkdtemp(prefix="bridge-stubs-")
    atexit.register(shutil.rmtree, target, ignore_errors=True)
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    sources = [
        "snakepit/bridge/bridge.proto",
        "bridge_host/v1/session_admin.proto",
        "bridge_host/v1/tool_admin.proto",
        "bridge_host/v1/client_tools.proto",
        "bridge_host/v1/transactions.proto",
        "opentelemetry/proto/collector/trace/v1/trace_service.proto",
        "google/rpc/status.proto",
        "google/rpc/error_details.proto",
    ]
    code = protoc.main(
        ["protoc", f"-I{PROTOS}", f"-I{well_known}", f"--python_out={target}",
         f"--grpc_python_out={target}", *sources])
    if code != 0:
        raise RuntimeError(f"protoc failed with code {code}")
    sys.path.insert(0, target)


_generate()

from bridge_host.v1 import client_tools_pb2 as client_pb  # noqa: E402
from bridge_host.v1 import client_tools_pb2_grpc as client_rpc  # noqa: E402
from bridge_host.v1 import session_admin_pb2 as admin_pb  # noqa: E402
from bridge_host.v1 import session_admin_pb2_grpc as admin_rpc  # noqa: E402
from bridge_host.v1 import tool_admin_pb2 as tools_pb  # noqa: E402
from bridge_host.v1 import tool_admin_pb2_grpc as tools_rpc  # noqa: E402
from bridge_host.v1 import transactions_pb2 as transactions_pb  # noqa: E402
from bridge_host.v1 import transactions_pb2_grpc as transactions_rpc  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb  # noqa: E402
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_rpc  # noqa: E402
from snakepit.bridge import bridge_pb2 as pb  # noqa: E402
from snakepit.bridge import bridge_pb2_grpc as rpc  # noqa: E402

__all__ = ["PROTOS", "REPOSITORY", "admin_pb", "admin_rpc", "client_pb",
           "client_rpc", "error_details_pb2", "pb", "rpc", "status_pb2",
           "tools_pb", "tools_rpc", "trace_pb", "trace_rpc"]
