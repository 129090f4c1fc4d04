/// A format in which arrays of numbers travel as bytes.
///
/// Reading is safe for bytes of any origin: nothing in them is executed, lengths in them are
/// claims that are checked before memory is taken for them, and both time and memory are
/// proportional to the bytes or stop at a limit.
public enum BinaryFormat: String, Sendable, CaseIterable {
  /// The elements, little-endian and row-major, and nothing else.
  case raw
  /// A .npy file.
  case numpy
  /// Nested lists in Erlang's external term format.
  case erlang = "erlang_binary"
  /// Nested lists as Python pickles them.
  case pickle

  /// - Parameter name: As clients write it; `npy` and `erlang` are read too.
  public init?(name: String) {
    // Longer ones are no format's, and some would take long to compare.
    guard name.utf8.count <= 16 else { return nil }
    switch name {
    case "npy": self = .numpy
    case "erlang": self = .erlang
    default: self.init(rawValue: name)
    }
  }

  /// All names, for error messages.
  public static let names = allCases.map(\.rawValue).joined(separator: ", ")

  /// How many bytes an array may take that was sent as so many.
  ///
  /// Compressed terms and lists that are named twice can stand for far more than they are long.
  /// What is neither grows eightfold at most, and is never refused.
  public static func sizeLimit(forByteCount count: Int) -> Int { max(16 << 20, 8 * count) }

  /// Reads an array.
  ///
  /// - Parameters:
  ///   - description: What is known of the array: a shape must agree with the bytes. `raw` needs a
  ///     data type. A .npy file has its own. Numbers in lists are stored as the type says, but for
  ///     floats that would change by that: these stay float64.
  ///   - sizeLimit: The most bytes the array may take; usually by `sizeLimit(forByteCount:)`.
  public func read(
    _ bytes: [UInt8], _ description: ArrayDescription = ArrayDescription(), sizeLimit: Int? = nil
  ) throws(BinaryFormatError) -> BinaryArray {
    let sizeLimit = sizeLimit ?? Self.sizeLimit(forByteCount: bytes.count)
    if let shape = description.shape {
      guard shape.count <= BinaryArray.rankLimit, shape.elementCount != nil else {
        throw BinaryFormatError(.mismatch, self, "shape \(shape) is too large")
      }
    }
    switch self {
    case .raw: return try RawFormat.read(bytes, description)
    case .numpy: return try NumpyFormat.read(bytes, description)
    case .erlang: return try ErlangReader.read(bytes, description, sizeLimit: sizeLimit)
    case .pickle: return try PickleReader.read(bytes, description, sizeLimit: sizeLimit)
    }
  }

  /// Writes an array; what `read` makes of it, with its shape and type as description, is equal.
  public func write(_ array: BinaryArray) -> [UInt8] {
    switch self {
    case .raw: return array.bytes
    case .numpy: return NumpyFormat.write(array)
    case .erlang:
      var encoder = ErlangWriter(reservingCapacity: array.count * 9 + 16)
      array.write(to: &encoder)
      return encoder.bytes
    case .pickle:
      var encoder = PickleWriter(reservingCapacity: array.count * 9 + 16)
      array.write(to: &encoder)
      return encoder.finish()
    }
  }
}
