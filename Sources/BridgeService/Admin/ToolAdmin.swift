internal import BridgeProtocol
internal import BridgeSessions
public import GRPC
internal import GRPCProtobuf
internal import SwiftProtobuf

/// `bridge_host.v1.ToolAdminService`: lists tools.
///
/// Thread-safe.
public struct ToolAdmin: Sendable {
  /// The service's full name.
  public static let name = ToolAdminMethods.service

  private let service: BridgeService

  /// Lists the tools that a service runs.
  public init(_ service: BridgeService) { self.service = service }

  /// Its methods, for a `GRPCServer`.
  public var methods: [RPCMethod] {
    [
      .unary(ToolAdminMethods.listTools) { [service] request, _ in
        // What no tool is called is not hashed.
        let names = Set(
          request.names.map {
            NameRules.isHashable($0, length: NameRules.keyLength) ? $0 : ""
          })
        return .with {
          $0.tools = service.tools.registry.catalog.descriptions
            .filter { names.isEmpty || names.contains($0.name) }
            .map(\.wireSpec)
            .sorted { $0.name < $1.name }
        }
      }
    ]
  }
}
