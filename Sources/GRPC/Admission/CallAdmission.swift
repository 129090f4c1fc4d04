/// Decides which calls a server lets in.
///
/// It is asked when the headers of a call have come: before it is known whether the method exists,
/// before a handler is made and before any message is kept.
public protocol CallAdmission: Sendable {
  /// Lets a call in, or refuses it with the error thrown.
  ///
  /// Runs on the connection's event loop and must not block.
  func admit(_ call: ArrivingCall) throws(RPCError)

  /// Whether it asks clients who they are. Then a connection has next to nothing until the first call
  /// that is let in for who sent it. False if not said otherwise.
  var asksForCredentials: Bool { get }

  /// Whether it lets a call in whoever sent it, so that the call shows nothing. False if not said
  /// otherwise. It is asked of calls that were let in, on the connection's event loop.
  func isExempt(_ call: ArrivingCall) -> Bool
}

extension CallAdmission {
  /// It asks nobody.
  public var asksForCredentials: Bool { false }

  /// No call is exempt.
  public func isExempt(_ call: ArrivingCall) -> Bool { false }
}

/// A call of which only the headers have come.
public struct ArrivingCall {
  let pathBytes: [UInt8]
  /// See `MetadataFields`.
  let fields: [UInt8]
  /// Who calls.
  public let peer: Peer

  /// The method's path, `/package.Service/Method`; there may be no such method.
  public var path: String { String(decoding: pathBytes, as: UTF8.self) }

  /// The call's metadata.
  public var metadata: Metadata { MetadataFields.metadata(of: fields) }

  /// The values of a key as they stand on the wire, without taking all the metadata apart.
  ///
  /// - Parameter key: In lower case.
  public func values(of key: StaticString) -> [ArraySlice<UInt8>] {
    MetadataFields.values(of: key, in: fields)
  }
}
