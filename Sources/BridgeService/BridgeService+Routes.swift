public import GRPC

extension BridgeService {
  /// Every RPC of `snakepit.bridge.BridgeService`, and what handles it.
  public var methods: [RPCMethod] {
    [
      unary("Ping", ping),

      change(.unary(Self.path("InitializeSession"), initializeSession)),
      change(unary("CleanupSession", cleanupSession)),
      unary("GetSession", getSession),
      unary("Heartbeat", heartbeat),

      change(.unary(Self.path("RegisterVariable"), registerVariable)),
      .unary(Self.path("GetVariable"), getVariable),
      change(.unary(Self.path("SetVariable"), setVariable)),
      unary("GetVariables", getVariables),
      change(.unary(Self.path("SetVariables"), setVariables)),
      unary("ListVariables", listVariables),
      change(unary("DeleteVariable", deleteVariable)),

      unary("GetVariableHistory", getVariableHistory),
      change(unary("RollbackVariable", rollbackVariable)),
      change(unary("AddDependency", addDependency)),
      change(unary("StartOptimization", startOptimization)),
      change(unary("StopOptimization", stopOptimization)),

      .oneRequest(Self.path("WatchVariables")) { WatchStream(service: self, call: $0) },

      .oneRequest(Self.path("ExecuteTool")) { ToolExecution(service: self, call: $0) },
      .oneRequest(Self.path("ExecuteStreamingTool")) { ToolStream(service: self, call: $0) },

      later("RegisterTools"),
      later("GetExposedElixirTools"),
      later("ExecuteElixirTool"),
      later("StreamTelemetry"),
    ]
  }

  static func path(_ name: String) -> String { "/\(Self.name)/\(name)" }

  /// An RPC of the protocol that this version does not serve.
  private func later(_ name: String) -> RPCMethod {
    .requestStream(Self.path(name)) { _ throws(RPCError) in
      throw RPCError(.unimplemented, "\(name) is not available yet in this version of bridge-host")
    }
  }
}
