internal import JSON

/// The metadata of a value that travels as `binary_value`: `{"shape": [...], "dtype": "float32",
/// "binary_format": "raw"}`.
extension NumericArray {
  /// Reads a binary value.
  ///
  /// - Parameters:
  ///   - bytes: Little-endian row-major elements.
  ///   - metadata: The JSON that came in `Any.value`.
  /// - Throws: `SessionError`: `invalidValue` when the two do not fit, `unsupported` for a format
  ///   other than `raw`.
  public convenience init(binary bytes: [UInt8], metadata: [UInt8]) throws {
    var shape: [Int]?
    var elementType: ElementType?
    do {
      try metadata.withUnsafeBytes { text in
        try JSON.read(text) { reader in
          guard let count = reader.beginObject() else {
            throw SessionError(.invalidValue, "metadata of a binary value must be a JSON object")
          }
          for _ in 0..<count {
            switch reader.string()! {
            case "shape": shape = try Self.readShape(&reader)
            case "dtype": elementType = try Self.readElementType(&reader)
            case "binary_format": try Self.checkFormat(&reader)
            default: reader.skip()
            }
          }
        }
      }
    } catch let error as JSONError {
      throw SessionError(.invalidValue, "metadata of a binary value is \(error.message)")
    }
    guard let elementType else {
      throw SessionError(
        .invalidValue, "metadata of a binary value needs \"dtype\", for example \"float32\"")
    }
    let dimensions = shape ?? [bytes.count / elementType.width]
    let expected = try Self.elementCount(of: dimensions)
    guard expected * elementType.width == bytes.count else {
      throw SessionError(
        .invalidValue,
        "binary value of shape \(dimensions) and dtype \(elementType.rawValue) needs "
          + "\(expected * elementType.width) bytes, it has \(bytes.count)")
    }
    self.init(shape: dimensions, elementType: elementType, bytes: bytes)
  }

  private static func readElementType(_ reader: inout JSONReader) throws -> ElementType {
    guard let name = reader.string(), let type = ElementType(rawValue: name) else {
      throw SessionError(
        .invalidValue,
        "dtype must be one of: \(ElementType.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return type
  }

  private static func checkFormat(_ reader: inout JSONReader) throws {
    let name = reader.string() ?? ""
    switch name {
    case "raw": return
    case "numpy", "erlang_binary", "pickle":
      throw SessionError(.unsupported, "binary_format \"\(name)\" is not read yet; send \"raw\"")
    default:
      throw SessionError(.invalidValue, "unknown binary_format \"\(name)\"; send \"raw\"")
    }
  }

  /// The JSON metadata that belongs beside `bytes`.
  public func binaryMetadata(type: ValueType) -> [UInt8] {
    var writer = JSONWriter()
    writer.write(
      .object([
        .init(key: "shape", value: .array(shape.map { .integer(Int64($0)) })),
        .init(key: "dtype", value: .string(elementType.rawValue)),
        .init(key: "binary_format", value: .string("raw")),
        .init(key: "type", value: .string(type.rawValue)),
      ]))
    return writer.bytes
  }
}
