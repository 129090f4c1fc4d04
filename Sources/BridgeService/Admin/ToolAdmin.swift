internal import BridgeProtocol
internal import BridgeSessions
public import BridgeTools
public import GRPC
internal import GRPCProtobuf
internal import SwiftProtobuf

/// `bridge_host.v1.ToolAdminService`: lists and watches tools, and looks after the plugins that bring them.
///
/// Thread-safe.
public struct ToolAdmin: Sendable {
  /// The service's full name.
  public static let name = ToolAdminMethods.service

  private let service: BridgeService
  private let plugins: (any PluginInventory)?
  private let threads = AdminThreads()

  /// - Parameters:
  ///   - service: Whose tools these are.
  ///   - plugins: What brings them; nil for a host without plugins.
  public init(_ service: BridgeService, plugins: (any PluginInventory)? = nil) {
    self.service = service
    self.plugins = plugins
  }

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
      },
      .oneRequest(ToolAdminMethods.watchTools.path) { [service] in
        ToolWatch(service: service, call: $0)
      },
      .unary(ToolAdminMethods.listPlugins) { [plugins] request, _ in
        .with {
          $0.plugins = (plugins?.plugins ?? [])
            .filter { request.name.isEmpty || $0.answers(to: request.name) }
            .map(\.wire)
        }
      },
      changing(ToolAdminMethods.reloadPlugins) { plugins, request in
        let name = request.name.isEmpty ? nil : request.name
        let reloads = try plugins.reload(name, isTrial: request.dryRun)
        return .with { $0.plugins = reloads.map(\.wire) }
      },
      changing(ToolAdminMethods.enablePlugin) { plugins, request in
        let plugin = try plugins.enable(Self.checked(request.name))
        return .with { $0.plugin = plugin.wire }
      },
      changing(ToolAdminMethods.disablePlugin) { plugins, request in
        let plugin = try plugins.disable(Self.checked(request.name))
        return .with { $0.plugin = plugin.wire }
      },
      changing(ToolAdminMethods.quarantinePlugin) { plugins, request in
        let reason = try Self.reason(request.reason)
        let plugin = try plugins.quarantine(Self.checked(request.name), reason: reason)
        return .with { $0.plugin = plugin.wire }
      },
    ]
  }

  private static func checked(_ name: String) throws -> String {
    guard name.isEmpty else { return name }
    throw SessionError(.invalidArgument, "the name of a plugin is needed")
  }

  private static let reasonLimit = 1024

  private static func reason(_ text: String) throws -> String {
    guard text.utf8.count <= reasonLimit else {
      throw SessionError(
        .invalidArgument,
        "the reason has \(text.utf8.count) bytes, more than the \(reasonLimit) that are taken")
    }
    return text.isEmpty ? "by command" : text
  }

  /// A method that may take as long as plugins take to load: it is answered by a thread of its own.
  private func changing<Request: Message, Response: Message>(
    _ method: ProtobufMethod<Request, Response>,
    _ body: @escaping @Sendable (any PluginInventory, Request) throws -> Response
  ) -> RPCMethod {
    .oneRequest(method.path) { [plugins, threads] call in
      AdminCall(call) { (bytes) throws(RPCError) in
        let request: Request = try decode(bytes)
        try threads.run { [plugins] in
          do throws(RPCError) {
            let response = try mappingErrors {
              guard let plugins else {
                throw ToolsError(.pluginNotFound, "this host has no plugin directory")
              }
              return try body(plugins, request)
            }
            call.respond(try response.rpcBytes())
          } catch {
            call.fail(error)
          }
        }
      }
    }
  }
}

/// A call that is answered elsewhere.
private final class AdminCall: ServerCallHandler {
  private let body: (_ request: [UInt8]) throws(RPCError) -> Void

  init(_ call: ServerCall, _ body: @escaping (_ request: [UInt8]) throws(RPCError) -> Void) {
    self.body = body
  }

  func receive(_ request: [UInt8]) throws(RPCError) { try body(request) }
}

extension PluginStatus {
  fileprivate var wire: BridgeHost_V1_Plugin {
    .with {
      $0.file = file
      $0.path = path
      $0.name = name
      $0.version = version
      $0.state =
        switch state {
        case .serving: .serving
        case .loading: .loading
        case .broken: .broken
        case .quarantined: .quarantined
        case .disabled: .disabled
        }
      $0.reason = reason.shortened(to: 16 * 1024)
      $0.isolation = isolation
      $0.generation = Int64(generation)
      if loadedAt > 0 {
        $0.loadedAt = .with {
          $0.seconds = loadedAt / 1_000_000_000
          $0.nanos = Int32(loadedAt % 1_000_000_000)
        }
      }
      $0.tools = tools
      $0.crashes = Int64(crashes)
      $0.processIds = processes
      $0.calls = Int64(calls)
      $0.draining = Int64(draining)
    }
  }
}

extension PluginReload {
  fileprivate var wire: BridgeHost_V1_PluginReload {
    .with {
      $0.file = file
      $0.outcome =
        switch outcome {
        case .loaded: .loaded
        case .wouldLoad: .wouldLoad
        case .failed: .failed
        case .removed: .removed
        }
      $0.reason = reason.shortened(to: 16 * 1024)
      $0.tools = tools
    }
  }
}
