internal import ConformanceSupport

/// The messages of the conformance suite under shorter names.
enum Suite {
  typealias Request = Connectrpc_Conformance_V1_ClientCompatRequest
  typealias Response = Connectrpc_Conformance_V1_ClientCompatResponse
  typealias Result = Connectrpc_Conformance_V1_ClientResponseResult
  typealias Header = Connectrpc_Conformance_V1_Header
  typealias Error = Connectrpc_Conformance_V1_Error
  /// Responses of all methods look alike on the wire.
  typealias AnyResponse = Connectrpc_Conformance_V1_UnaryResponse
}

/// A request that this program cannot make a call of.
struct Unsupported: Error, CustomStringConvertible {
  let description: String
}
