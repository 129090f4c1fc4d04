public import BinaryFormats
internal import Synchronization

/// The wire forms of something immutable, each made once and then shared by all who send it.
///
/// Lock-free: two threads may encode at the same time, and one of the results is kept.
public struct Encodings: ~Copyable, Sendable {
  /// Which form: numeric values as JSON or as bytes.
  public enum Form: Sendable, Hashable {
    case json
    case binary(BinaryFormat)
  }

  private final class Encoded: Sendable {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }
  }

  /// The bytes of one binary format. Clients of a variable seldom read different ones, so they are
  /// a list and cost a variable one reference.
  private final class EncodedBinary: Sendable {
    let format: BinaryFormat
    let bytes: [UInt8]
    let next = AtomicLazyReference<EncodedBinary>()

    init(_ format: BinaryFormat, _ bytes: [UInt8]) {
      self.format = format
      self.bytes = bytes
    }
  }

  private let json = AtomicLazyReference<Encoded>()
  private let binary = AtomicLazyReference<EncodedBinary>()

  init() {}

  /// The JSON form, if somebody has asked for it before.
  public var keptJSON: [UInt8]? { json.load()?.bytes }

  /// The bytes of a form, made by `encode` the first time.
  public func bytes(_ form: Form, _ encode: () -> [UInt8]) -> [UInt8] {
    switch form {
    case .json:
      if let encoded = json.load() {
        encoded.bytes
      } else {
        json.storeIfNil(Encoded(encode())).bytes
      }
    case .binary(let format):
      if let first = binary.load() {
        Self.bytes(format, after: first, encode)
      } else {
        Self.bytes(format, after: binary.storeIfNil(EncodedBinary(format, encode())), encode)
      }
    }
  }

  /// Looks the format up from one encoding on, or adds it at the end.
  private static func bytes(
    _ format: BinaryFormat, after first: EncodedBinary, _ encode: () -> [UInt8]
  ) -> [UInt8] {
    var encoded = first
    while encoded.format != format {
      encoded = encoded.next.load() ?? encoded.next.storeIfNil(EncodedBinary(format, encode()))
    }
    return encoded.bytes
  }
}
