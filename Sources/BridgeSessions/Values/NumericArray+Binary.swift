public import BinaryFormats
internal import JSON

/// The JSON beside a value that travels as bytes: `{"shape": [...], "dtype": "float32",
/// "binary_format": "raw"}`.
public struct BinaryMetadata: Sendable {
  /// How the bytes are laid out.
  public var format = BinaryFormat.raw
  public var description = ArrayDescription()

  /// Reads the metadata.
  ///
  /// - Parameter json: What came in `Any.value`.
  /// - Throws: `SessionError` with code `invalidValue`.
  public init(json: [UInt8]) throws {
    do {
      try json.withUnsafeBytes { text in
        try JSON.read(text) { try read(&$0) }
      }
    } catch let error as JSONError {
      throw SessionError(.invalidValue, "metadata of a binary value is \(error.message)")
    }
  }

  private mutating func read(_ reader: inout JSONReader) throws {
    guard let count = reader.beginObject() else {
      throw SessionError(.invalidValue, "metadata of a binary value must be a JSON object")
    }
    for _ in 0..<count {
      switch reader.shortName() {
      case "shape": description.shape = try NumericArray.readShape(&reader)
      case "dtype":
        guard let type = reader.shortName().flatMap(DataType.init) else {
          throw SessionError(.invalidValue, "dtype must be one of: \(DataType.names)")
        }
        description.dataType = type
      case "binary_format":
        let name = reader.shortName() ?? ""
        guard let format = BinaryFormat(name: name) else {
          throw SessionError(
            .invalidValue,
            "unknown binary_format \"\(name)\"; use one of: \(BinaryFormat.names)")
        }
        self.format = format
      default: reader.skip()
      }
    }
  }
}

extension NumericArray {
  /// Reads a binary value.
  ///
  /// - Throws: `SessionError`: `invalidValue` when the bytes and their metadata do not fit,
  ///   `limitReached` when they stand for more than is taken.
  public convenience init(binary bytes: [UInt8], metadata: BinaryMetadata) throws {
    let array: BinaryArray
    do {
      array = try metadata.format.read(bytes, metadata.description)
    } catch {
      throw SessionError(error.code == .tooLarge ? .limitReached : .invalidValue, error.message)
    }
    self.init(
      shape: array.shape, elementType: array.elementType, bytes: array.bytes,
      isNested: array.isNested)
  }

  /// The array in a binary format.
  ///
  /// - Parameter nested: Whether a format of lists nests them by the shape.
  public func binary(_ format: BinaryFormat, nested: Bool) -> [UInt8] {
    format.write(
      BinaryArray(shape: shape, elementType: elementType, bytes: bytes, isNested: nested))
  }

  /// The JSON metadata that belongs beside `binary`.
  public func binaryMetadata(type: ValueType, format: BinaryFormat = .raw) -> [UInt8] {
    Self.binaryMetadata(shape: shape, elementType: elementType, type: type, format: format)
  }

  /// The same of an array that is not in memory of the host's own.
  public static func binaryMetadata(
    shape: [Int], elementType: ElementType, type: ValueType, format: BinaryFormat = .raw
  ) -> [UInt8] {
    var writer = JSONWriter()
    writer.write(
      .object([
        .init(key: "shape", value: .array(shape.map { .integer(Int64($0)) })),
        .init(key: "dtype", value: .string(elementType.rawValue)),
        .init(key: "binary_format", value: .string(format.rawValue)),
        .init(key: "type", value: .string(type.rawValue)),
      ]))
    return writer.bytes
  }
}
