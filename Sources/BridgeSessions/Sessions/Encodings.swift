internal import Synchronization

/// The wire forms of something immutable, each made once and then shared by all who send it.
///
/// Lock-free: two threads may encode at the same time, and one of the results is kept.
public struct Encodings: ~Copyable, Sendable {
  /// Which form: numeric values as JSON or as bytes.
  public enum Form: Sendable {
    case json, binary
  }

  private final class Encoded: Sendable {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }
  }

  private let json = AtomicLazyReference<Encoded>()
  private let binary = AtomicLazyReference<Encoded>()

  init() {}

  /// The bytes of a form, made by `encode` the first time.
  public func bytes(_ form: Form, _ encode: () -> [UInt8]) -> [UInt8] {
    switch form {
    case .json: Self.bytes(json, encode)
    case .binary: Self.bytes(binary, encode)
    }
  }

  private static func bytes(
    _ slot: borrowing AtomicLazyReference<Encoded>, _ encode: () -> [UInt8]
  ) -> [UInt8] {
    if let encoded = slot.load() { return encoded.bytes }
    return slot.storeIfNil(Encoded(encode())).bytes
  }
}
