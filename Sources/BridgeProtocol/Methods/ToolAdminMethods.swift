package import GRPCProtobuf

/// The methods of `bridge_host.v1.ToolAdminService`, in the order of the .proto. See `BridgeMethods`.
package enum ToolAdminMethods {
  /// The service's full name.
  package static let service = "bridge_host.v1.ToolAdminService"

  /// Lists tools, by name. It makes no session, as InitializeSession would.
  package static let listTools = ProtobufMethod<
    BridgeHost_V1_ListToolsRequest, BridgeHost_V1_ListToolsResponse
  >(service, "ListTools")

  /// All of them.
  package static let all: [MethodSignature] = [listTools.signature]
}
