package import GRPCProtobuf

/// The methods of `bridge_host.v1.ToolAdminService`, in the order of the .proto. See `BridgeMethods`.
package enum ToolAdminMethods {
  /// The service's full name.
  package static let service = "bridge_host.v1.ToolAdminService"

  /// Lists tools, by name. It makes no session, as InitializeSession would.
  package static let listTools = ProtobufMethod<
    BridgeHost_V1_ListToolsRequest, BridgeHost_V1_ListToolsResponse
  >(service, "ListTools")
  /// Tells of all tools, and then of each change.
  package static let watchTools = ProtobufMethod<
    BridgeHost_V1_WatchToolsRequest, BridgeHost_V1_WatchToolsResponse
  >(service, "WatchTools", .serverStream)
  /// Lists plugins, by file.
  package static let listPlugins = ProtobufMethod<
    BridgeHost_V1_ListPluginsRequest, BridgeHost_V1_ListPluginsResponse
  >(service, "ListPlugins")
  /// Loads plugins anew.
  package static let reloadPlugins = ProtobufMethod<
    BridgeHost_V1_ReloadPluginsRequest, BridgeHost_V1_ReloadPluginsResponse
  >(service, "ReloadPlugins")
  /// Puts a plugin into service that is disabled or quarantined.
  package static let enablePlugin = ProtobufMethod<
    BridgeHost_V1_EnablePluginRequest, BridgeHost_V1_EnablePluginResponse
  >(service, "EnablePlugin")
  /// Takes a plugin and its tools away.
  package static let disablePlugin = ProtobufMethod<
    BridgeHost_V1_DisablePluginRequest, BridgeHost_V1_DisablePluginResponse
  >(service, "DisablePlugin")
  /// Takes a plugin out of service; its tools stay in lists.
  package static let quarantinePlugin = ProtobufMethod<
    BridgeHost_V1_QuarantinePluginRequest, BridgeHost_V1_QuarantinePluginResponse
  >(service, "QuarantinePlugin")

  /// All of them.
  package static let all: [MethodSignature] = [
    listTools.signature, watchTools.signature, listPlugins.signature, reloadPlugins.signature,
    enablePlugin.signature, disablePlugin.signature, quarantinePlugin.signature,
  ]
}
