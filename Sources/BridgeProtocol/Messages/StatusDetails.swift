internal import SwiftProtobuf

/// Error details for programs, as gRPC carries them.
package enum StatusDetails {
  /// A serialized google.rpc.Status with one ErrorInfo.
  ///
  /// - Parameters:
  ///   - reason: In UPPER_SNAKE_CASE.
  ///   - metadata: Facts, for example `current_version`.
  package static func encode(
    code: Int32, message: String, reason: String, metadata: [String: String]
  ) -> [UInt8] {
    let info = Google_Rpc_ErrorInfo.with {
      $0.reason = reason
      $0.domain = "bridge-host"
      $0.metadata = metadata
    }
    let status = Google_Rpc_Status.with {
      $0.code = code
      $0.message = message
      $0.details = [(try? Google_Protobuf_Any(message: info)) ?? Google_Protobuf_Any()]
    }
    return (try? status.serializedBytes()) ?? []
  }
}
