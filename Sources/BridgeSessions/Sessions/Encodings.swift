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

  /// The bytes of one form. Clients of a variable seldom read different ones, so they are a list and
  /// cost a variable one reference.
  private final class Encoded: Sendable {
    let form: Form
    let bytes: [UInt8]
    let next = AtomicLazyReference<Encoded>()

    init(_ form: Form, _ bytes: [UInt8]) {
      self.form = form
      self.bytes = bytes
    }
  }

  private let first = AtomicLazyReference<Encoded>()

  init() {}

  /// The JSON form, if somebody has asked for it before.
  public var keptJSON: [UInt8]? {
    var encoded = first.load()
    while let found = encoded, found.form != .json { encoded = found.next.load() }
    return encoded?.bytes
  }

  /// Whether a form is there, since somebody has asked for it before.
  public func isKept(_ form: Form) -> Bool {
    var encoded = first.load()
    while let found = encoded {
      if found.form == form { return true }
      encoded = found.next.load()
    }
    return false
  }

  /// The bytes of a form, made by `encode` the first time.
  public func bytes(_ form: Form, _ encode: () -> [UInt8]) -> [UInt8] {
    var encoded = first.load() ?? first.storeIfNil(Encoded(form, encode()))
    while encoded.form != form {
      encoded = encoded.next.load() ?? encoded.next.storeIfNil(Encoded(form, encode()))
    }
    return encoded.bytes
  }
}
