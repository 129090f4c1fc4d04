package import GRPCProtobuf

/// The methods of `bridge_host.v1.TransactionService`, in the order of the .proto. See `BridgeMethods`.
package enum TransactionMethods {
  /// The service's full name.
  package static let service = "bridge_host.v1.TransactionService"

  /// Makes changes of different variables at one revision: all of them, or none. Statuses and reasons are
  /// those of RegisterVariable, SetVariable and DeleteVariable, of the first change that is refused.
  package static let apply = ProtobufMethod<
    BridgeHost_V1_ApplyRequest, BridgeHost_V1_ApplyResponse
  >(
    service, "Apply")

  /// All of them.
  package static let all: [MethodSignature] = [apply.signature]
}
