"""Sets a variable, sees a watch move, and calls a tool. Argument: the host's port."""
import json
import sys

import grpc
from google.protobuf.any_pb2 import Any
from snakepit.bridge import bridge_pb2 as pb
from snakepit.bridge import bridge_pb2_grpc

bridge = bridge_pb2_grpc.BridgeServiceStub(grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}"))
session = "first-steps"
bridge.CleanupSession(pb.CleanupSessionRequest(session_id=session))


def value(kind, content):
    return Any(type_url=f"dspex.variables/{kind}", value=json.dumps(content).encode())


bridge.RegisterVariable(pb.RegisterVariableRequest(
    session_id=session, name="temperature", type="float", initial_value=value("float", 20.0),
    constraints_json='{"min": -50, "max": 60}'))

watch = bridge.WatchVariables(pb.WatchVariablesRequest(
    session_id=session, variable_identifiers=["temperature"], include_initial_values=True,
    include_synced=True))
print("watch:", next(watch).update_type, "then", next(watch).update_type)

bridge.SetVariable(pb.SetVariableRequest(
    session_id=session, variable_identifier="temperature", value=value("float", 21.5)))
update = next(watch)
print("watch:", update.update_type, update.variable.value.value.decode(), "revision", update.revision)

answer = bridge.ExecuteTool(pb.ExecuteToolRequest(
    session_id=session, tool_name="scale_variable",
    parameters={"variable": value("string", "temperature"), "factor": value("float", 2)}))
print("tool:", answer.result.value.decode(), "| watch:", next(watch).variable.value.value.decode())

try:
    bridge.SetVariable(pb.SetVariableRequest(
        session_id=session, variable_identifier="temperature", value=value("float", 100)))
except grpc.RpcError as error:
    print("refused:", error.code().name, error.details())
