public import GRPC
public import SwiftProtobuf

/// Details of a status for programs: any messages, customarily those of google/rpc/error_details.proto.
///
/// Source: https://google.aip.dev/193 and https://grpc.io/docs/guides/error/ (Richer error model)
extension RPCError {
  /// Makes a status with details, which travel as a google.rpc.Status in `grpc-status-details-bin`.
  ///
  /// Headers are small: details of more than a few kilobytes may be left out (see `GRPCServer`).
  /// A message that cannot be encoded is left out, too.
  public init(
    _ code: StatusCode, _ message: String, packing details: [any Message],
    metadata: Metadata = Metadata()
  ) {
    let status = Google_Rpc_Status.with {
      $0.code = code.rawValue
      $0.message = message
      $0.details = details.compactMap { try? Google_Protobuf_Any(message: $0) }
    }
    self.init(
      code, message, details: (try? status.serializedBytes()) ?? [], metadata: metadata)
  }

  /// The details that are messages of one type, in order. None where the details are malformed.
  public func details<Detail: Message>(as type: Detail.Type) -> [Detail] {
    guard let status = try? Google_Rpc_Status(serializedBytes: details) else { return [] }
    return status.details.compactMap { $0.isA(type) ? try? Detail(unpackingAny: $0) : nil }
  }
}
