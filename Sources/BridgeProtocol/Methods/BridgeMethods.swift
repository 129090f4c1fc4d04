package import GRPCProtobuf

/// The methods of `snakepit.bridge.BridgeService`, in the order of the .proto.
///
/// The host serves them and the client commands call them by these values. A test compares them with
/// the protocol's descriptors.
package enum BridgeMethods {
  /// The service's full name.
  package static let service = "snakepit.bridge.BridgeService"

  /// Answers "pong: <message>" with the server's clock.
  package static let ping = ProtobufMethod<
    Snakepit_Bridge_PingRequest, Snakepit_Bridge_PingResponse
  >(service, "Ping")
  /// Creates a session. ALREADY_EXISTS when it exists.
  package static let initializeSession = ProtobufMethod<
    Snakepit_Bridge_InitializeSessionRequest, Snakepit_Bridge_InitializeSessionResponse
  >(service, "InitializeSession")
  /// Ends a session and frees what it holds. Ending one that is not there succeeds and frees 0.
  package static let cleanupSession = ProtobufMethod<
    Snakepit_Bridge_CleanupSessionRequest, Snakepit_Bridge_CleanupSessionResponse
  >(service, "CleanupSession")
  /// Describes a session. NOT_FOUND when there is none.
  package static let getSession = ProtobufMethod<
    Snakepit_Bridge_GetSessionRequest, Snakepit_Bridge_GetSessionResponse
  >(service, "GetSession")
  /// Keeps a session alive and tells whether it exists.
  package static let heartbeat = ProtobufMethod<
    Snakepit_Bridge_HeartbeatRequest, Snakepit_Bridge_HeartbeatResponse
  >(service, "Heartbeat")
  /// Creates a variable. ALREADY_EXISTS when the name is taken.
  package static let registerVariable = ProtobufMethod<
    Snakepit_Bridge_RegisterVariableRequest, Snakepit_Bridge_RegisterVariableResponse
  >(service, "RegisterVariable")
  /// Reads a variable.
  package static let getVariable = ProtobufMethod<
    Snakepit_Bridge_GetVariableRequest, Snakepit_Bridge_GetVariableResponse
  >(service, "GetVariable")
  /// Writes a variable; with expected_version only if it still has that version, else ABORTED.
  package static let setVariable = ProtobufMethod<
    Snakepit_Bridge_SetVariableRequest, Snakepit_Bridge_SetVariableResponse
  >(service, "SetVariable")
  /// Reads several variables at one revision.
  package static let getVariables = ProtobufMethod<
    Snakepit_Bridge_BatchGetVariablesRequest, Snakepit_Bridge_BatchGetVariablesResponse
  >(service, "GetVariables")
  /// Writes several variables: all or none when atomic, whatever is valid otherwise.
  package static let setVariables = ProtobufMethod<
    Snakepit_Bridge_BatchSetVariablesRequest, Snakepit_Bridge_BatchSetVariablesResponse
  >(service, "SetVariables")
  /// Lists variables, oldest first, by a pattern with `*` wildcards.
  package static let listVariables = ProtobufMethod<
    Snakepit_Bridge_ListVariablesRequest, Snakepit_Bridge_ListVariablesResponse
  >(service, "ListVariables")
  /// Removes a variable.
  package static let deleteVariable = ProtobufMethod<
    Snakepit_Bridge_DeleteVariableRequest, Snakepit_Bridge_DeleteVariableResponse
  >(service, "DeleteVariable")
  /// Runs a tool to its end. A tool that fails answers success=false, not an RPC error.
  package static let executeTool = ProtobufMethod<
    Snakepit_Bridge_ExecuteToolRequest, Snakepit_Bridge_ExecuteToolResponse
  >(service, "ExecuteTool")
  /// Runs a tool and streams what it emits. A tool that fails ends the stream with its status.
  package static let executeStreamingTool = ProtobufMethod<
    Snakepit_Bridge_ExecuteToolRequest, Snakepit_Bridge_ToolChunk
  >(service, "ExecuteStreamingTool", .serverStream)
  /// Registers tools of a session that a worker of a client serves, over
  /// bridge_host.v1.ClientToolService.ServeTools. ALREADY_EXISTS when a name is taken.
  package static let registerTools = ProtobufMethod<
    Snakepit_Bridge_RegisterToolsRequest, Snakepit_Bridge_RegisterToolsResponse
  >(service, "RegisterTools")
  /// Lists the tools that Elixir exposes.
  package static let getExposedElixirTools = ProtobufMethod<
    Snakepit_Bridge_GetExposedElixirToolsRequest, Snakepit_Bridge_GetExposedElixirToolsResponse
  >(service, "GetExposedElixirTools")
  /// Runs a tool that Elixir exposes.
  package static let executeElixirTool = ProtobufMethod<
    Snakepit_Bridge_ExecuteElixirToolRequest, Snakepit_Bridge_ExecuteElixirToolResponse
  >(service, "ExecuteElixirTool")
  /// Streams the changes of variables until the client cancels or the session ends.
  package static let watchVariables = ProtobufMethod<
    Snakepit_Bridge_WatchVariablesRequest, Snakepit_Bridge_VariableUpdate
  >(service, "WatchVariables", .serverStream)
  /// Declares that `to_variable` depends on `from_variable`. A change of the latter is from then on
  /// reported for the former, and all that depends on it, as dependency_change at the same revision;
  /// they are stale until they are written themselves. FAILED_PRECONDITION when it closes a cycle.
  package static let addDependency = ProtobufMethod<
    Snakepit_Bridge_AddDependencyRequest, Snakepit_Bridge_AddDependencyResponse
  >(service, "AddDependency")
  /// Locks a variable for an optimizer: others' changes answer FAILED_PRECONDITION. The optimizer
  /// writes with `optimizer_id` (or `optimization_id`) in the metadata of its writes. The lock ends
  /// with StopOptimization, the session, or its lease, which every write of the holder renews.
  package static let startOptimization = ProtobufMethod<
    Snakepit_Bridge_StartOptimizationRequest, Snakepit_Bridge_StartOptimizationResponse
  >(service, "StartOptimization")
  /// Ends an optimization and answers the final value. FAILED_PRECONDITION when there is none, or
  /// the request names another holder; `force` ends it all the same.
  package static let stopOptimization = ProtobufMethod<
    Snakepit_Bridge_StopOptimizationRequest, Snakepit_Bridge_StopOptimizationResponse
  >(service, "StopOptimization")
  /// Reads the versions held of a variable, newest first, the present one included.
  package static let getVariableHistory = ProtobufMethod<
    Snakepit_Bridge_GetVariableHistoryRequest, Snakepit_Bridge_GetVariableHistoryResponse
  >(service, "GetVariableHistory")
  /// Writes a past version's value as a new version, whose metadata says `rollback_to`. OUT_OF_RANGE
  /// when that version is no longer held.
  package static let rollbackVariable = ProtobufMethod<
    Snakepit_Bridge_RollbackVariableRequest, Snakepit_Bridge_RollbackVariableResponse
  >(service, "RollbackVariable")
  /// Exchanges telemetry events and what controls them.
  package static let streamTelemetry = ProtobufMethod<
    Snakepit_Bridge_TelemetryControl, Snakepit_Bridge_TelemetryEvent
  >(service, "StreamTelemetry", .bidirectional)

  /// All of them.
  package static let all: [MethodSignature] = [
    ping.signature, initializeSession.signature, cleanupSession.signature, getSession.signature,
    heartbeat.signature, registerVariable.signature, getVariable.signature, setVariable.signature,
    getVariables.signature, setVariables.signature, listVariables.signature,
    deleteVariable.signature, executeTool.signature, executeStreamingTool.signature,
    registerTools.signature, getExposedElixirTools.signature, executeElixirTool.signature,
    watchVariables.signature, addDependency.signature, startOptimization.signature,
    stopOptimization.signature, getVariableHistory.signature, rollbackVariable.signature,
    streamTelemetry.signature,
  ]
}
