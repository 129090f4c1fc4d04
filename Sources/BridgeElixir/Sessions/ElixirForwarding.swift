internal import BridgeProtocol
public import GRPC
internal import GRPCProtobuf
internal import NIOCore

/// RPCs that a worker hands on to Elixir's server as they are.
public struct ElixirForwarding: Sendable {
  private let connection: ElixirConnection

  /// - Parameter connection: Where they go.
  public init(to connection: ElixirConnection) { self.connection = connection }

  /// The methods, which take the place of those of the same paths.
  public var methods: [RPCMethod] {
    [
      BridgeMethods.getSession.path, BridgeMethods.getExposedElixirTools.path,
      BridgeMethods.executeElixirTool.path,
    ].map(forwarding)
  }

  private func forwarding(_ path: String) -> RPCMethod {
    .asyncUnary(path) { [connection] request, call in
      // What travels with the call is of no service's own, but for the id that joins calls.
      var metadata = Metadata()
      for entry in call.metadata.entries where entry.key == "x-snakepit-correlation-id" {
        metadata.add(wireValue: entry.wireValue, for: entry.key)
      }
      // The task is cancelled with the client's call, and this one with the task.
      return try await connection.forward(
        path, request, timeout: call.timeLeft, metadata: metadata)
    }
  }
}
