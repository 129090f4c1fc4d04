package import BridgeSessions

extension Payload {
  /// Reads what a client sent as the value of a variable.
  ///
  /// - Parameters:
  ///   - typeURL: Of the `Any`; an empty one is taken for JSON.
  ///   - value: Of the `Any`.
  ///   - binary: What came in the binary field beside it.
  /// - Throws: `SessionError` with code `invalidValue` or `limitReached`.
  package init(
    typeURL: String, value: [UInt8], binary: [UInt8], as type: ValueType
  ) throws {
    if typeURL == TypeURL.usual(type), binary.isEmpty {
      self.init(try Value(json: value, as: type), form: [])
      return
    }
    try self.init(
      TypeURL(typeURL), as: type, typeURL: typeURL, value: value, binary: binary)
  }

  /// - Parameter url: What `typeURL` says.
  init(
    _ url: TypeURL?, as type: ValueType, typeURL: String, value: [UInt8], binary: [UInt8]
  ) throws {
    guard let url else {
      throw SessionError(
        .invalidValue,
        "unknown type URL \"\(typeURL)\"; expected for example \"dspex.variables/\(type.rawValue)\""
      )
    }
    if typeURL.isEmpty && value.isEmpty && binary.isEmpty {
      throw SessionError(.invalidValue, "a value of type \(type.rawValue) is missing")
    }
    let isNumeric = type == .embedding || type == .tensor
    if url.content == .binary && !isNumeric {
      throw SessionError(
        .invalidValue, "type URL \"\(typeURL)\" does not fit a value of type \(type.rawValue)")
    }
    if url.content == .binary || isNumeric && !binary.isEmpty {
      guard !binary.isEmpty || Self.saysEmpty(value) else {
        throw SessionError(
          .invalidValue,
          "type URL \"\(typeURL)\" announces a binary value, but the binary field is empty")
      }
      let metadata = try BinaryMetadata(json: value)
      let array = try NumericArray(binary: binary, metadata: metadata)
      guard type == .tensor || array.shape.count == 1 else {
        throw SessionError(
          .invalidValue, "an embedding has one dimension, got shape \(array.shape)")
      }
      self.init(.array(array), form: url.form.union(.binary), binaryFormat: metadata.format)
      return
    }
    let decoded: Value
    if case .wrapper(let kind) = url.content,
      let wrapper = value.withUnsafeBytes({ WrapperMessage($0, as: kind) })
    {
      decoded = try wrapper.value(as: type)
    } else {
      decoded = try Value(json: value, as: type)
    }
    self.init(decoded, attachment: binary, form: url.form)
  }

  /// Whether binary metadata describes an array of no elements.
  private static func saysEmpty(_ metadata: [UInt8]) -> Bool {
    (try? NumericArray(binary: [], metadata: BinaryMetadata(json: metadata))) != nil
  }
}
