package import GRPCProtobuf

/// The methods of `bridge_host.v1.ClientToolService`, in the order of the .proto. See `BridgeMethods`.
package enum ClientToolMethods {
  /// The service's full name.
  package static let service = "bridge_host.v1.ClientToolService"

  /// Serves what a worker has registered with RegisterTools. The first message says whose tools; the host
  /// answers `opened`, and sends calls from then on. Calls run at once: the client answers them in any
  /// order. When the stream ends, calls that run fail with UNAVAILABLE, and further ones, too, until the
  /// worker opens another stream. A second stream of the same worker takes the place of the first, which
  /// ends with ABORTED.
  package static let serveTools = ProtobufMethod<
    BridgeHost_V1_ServeToolsRequest, BridgeHost_V1_ServeToolsResponse
  >(service, "ServeTools", .bidirectional)

  /// All of them.
  package static let all: [MethodSignature] = [serveTools.signature]
}
