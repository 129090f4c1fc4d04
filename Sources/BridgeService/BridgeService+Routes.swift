public import GRPC

extension BridgeService {
  /// Every RPC of `snakepit.bridge.BridgeService`, and what handles it.
  public var methods: [RPCMethod] {
    [
      unary("Ping", ping),

      unary("InitializeSession", initializeSession),
      unary("CleanupSession", cleanupSession),
      unary("GetSession", getSession),
      unary("Heartbeat", heartbeat),

      .unary(Self.path("RegisterVariable"), registerVariable),
      .unary(Self.path("GetVariable"), getVariable),
      .unary(Self.path("SetVariable"), setVariable),
      unary("GetVariables", getVariables),
      unary("SetVariables", setVariables),
      unary("ListVariables", listVariables),
      unary("DeleteVariable", deleteVariable),

      unary("GetVariableHistory", getVariableHistory),
      unary("RollbackVariable", rollbackVariable),
      unary("AddDependency", addDependency),
      unary("StartOptimization", startOptimization),
      unary("StopOptimization", stopOptimization),

      .oneRequest(Self.path("WatchVariables")) { WatchStream(service: self, call: $0) },

      .oneRequest(Self.path("ExecuteTool")) { ToolExecution(service: self, call: $0) },
      .oneRequest(Self.path("ExecuteStreamingTool")) { ToolStream(service: self, call: $0) },

      later("RegisterTools"),
      later("GetExposedElixirTools"),
      later("ExecuteElixirTool"),
      later("StreamTelemetry"),
    ]
  }

  static func path(_ name: String) -> String { "/snakepit.bridge.BridgeService/\(name)" }

  /// An RPC of the protocol that this version does not serve.
  private func later(_ name: String) -> RPCMethod {
    .requestStream(Self.path(name)) { _ throws(RPCError) in
      throw RPCError(.unimplemented, "\(name) is not available yet in this version of bridge-host")
    }
  }
}
