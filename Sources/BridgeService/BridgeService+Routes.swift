internal import BridgeProtocol
public import GRPC
internal import GRPCProtobuf
internal import SwiftProtobuf

extension BridgeService {
  /// Every RPC of `snakepit.bridge.BridgeService`, and what handles it.
  public var methods: [RPCMethod] {
    [
      unary(BridgeMethods.ping, ping),

      toldToPeer(BridgeMethods.initializeSession.path, initializeSession) {
        $0.initialize($1, request: $2, $3)
      },
      toldToPeer(BridgeMethods.cleanupSession.path, cleanupSession) {
        $0.end($1, request: $2, $3)
      },
      .unary(BridgeMethods.getSession.path, getSession),
      unary(BridgeMethods.heartbeat, heartbeat),

      answeredWhenStored(searching(BridgeMethods.registerVariable.path, registerVariable)),
      .unaryInParts(BridgeMethods.getVariable.path, getVariable),
      answeredWhenStored(searching(BridgeMethods.setVariable.path, setVariable)),
      .unary(BridgeMethods.getVariables.path, getVariables),
      answeredWhenStored(.unary(BridgeMethods.setVariables.path, setVariables)),
      .unary(BridgeMethods.listVariables.path, listVariables),
      answeredWhenStored(unary(BridgeMethods.deleteVariable, metadata: 100, deleteVariable)),

      .unary(BridgeMethods.getVariableHistory.path, getVariableHistory),
      answeredWhenStored(searching(BridgeMethods.rollbackVariable.path, rollbackVariable)),
      answeredWhenStored(unary(BridgeMethods.addDependency, addDependency)),
      answeredWhenStored(unary(BridgeMethods.startOptimization, startOptimization)),
      answeredWhenStored(.unary(BridgeMethods.stopOptimization.path, stopOptimization)),

      .oneRequest(BridgeMethods.watchVariables.path) { WatchStream(service: self, call: $0) },

      executing(BridgeMethods.executeTool.path, configuration.answers),
      .oneRequest(BridgeMethods.executeStreamingTool.path) { ToolStream(service: self, call: $0) },

      unary(BridgeMethods.registerTools, registerTools),
      unary(BridgeMethods.getExposedElixirTools, getExposedElixirTools),
      executing(BridgeMethods.executeElixirTool.path, configuration.answers.inAnswers),
      // A host that has telemetry serves this itself.
      notImplemented(BridgeMethods.streamTelemetry),
    ]
  }

  /// An RPC that runs a tool.
  private func executing(_ path: String, _ style: AnswerStyle) -> RPCMethod {
    let handler: RPCMethod.HandlerFactory = {
      ToolExecution(service: self, call: $0, style: style)
    }
    return style.failsInAnswers ? .ignoringDeadline(path, handler) : .oneRequest(path, handler)
  }

  /// An RPC of the protocol that this version does not serve.
  private func notImplemented<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>
  ) -> RPCMethod {
    let name = method.path.split(separator: "/").last.map(String.init) ?? method.path
    return .requestStream(method.path) { _ throws(RPCError) in
      throw RPCError(
        .unimplemented, "\(name) is not available yet in this version of bridge-host",
        reason: .unsupported)
    }
  }
}
