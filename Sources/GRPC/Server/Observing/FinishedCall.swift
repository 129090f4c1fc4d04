public import NIOCore

/// What a server knows of a call that is over.
public struct FinishedCall: Sendable {
  /// What the client asked for, `/package.Service/Method`; it may be any text of the client's unless
  /// `isKnownMethod`.
  public let path: String
  /// Whether the server has a method of that path. Use the paths of unknown methods for no name or
  /// label that is kept: clients choose them.
  public let isKnownMethod: Bool
  /// Who called.
  public let peer: Peer

  /// How the call ended. CANCELLED when the client left before it had all; UNKNOWN for a request that
  /// is no gRPC, as a gRPC client takes the answer to it.
  public let status: StatusCode
  /// The status of HTTP: 200, or why the request is no gRPC (405, 415). 0 when nothing was answered.
  public let httpStatus: Int

  /// Messages that the client has sent in full.
  public let requestMessages: Int
  /// Their bytes as they came, perhaps compressed, without their prefixes.
  public let requestBytes: Int
  /// Messages that were handed to the connection in full.
  public let responseMessages: Int
  /// Their bytes as they went out, perhaps compressed, without their prefixes.
  public let responseBytes: Int

  /// When the headers of the call arrived, in nanoseconds since 1970.
  public let startTime: Int64
  /// How long the call took.
  public let duration: TimeAmount

  let metadataFields: [UInt8]

  /// The request's metadata. It is taken apart each time.
  public var metadata: Metadata { MetadataFields.metadata(of: metadataFields) }
}
