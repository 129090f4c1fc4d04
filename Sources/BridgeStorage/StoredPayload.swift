internal import BridgeSessions
internal import JSON

/// A payload as columns: JSON, and for numeric values their elements beside it.
struct StoredPayload {
  var json: [UInt8]
  /// Of a numeric value; `json` is its metadata then.
  var elements: [UInt8]?
  var attachment: [UInt8]
  var form: Int64

  private static let nested: Int64 = 1 << 32

  init(_ payload: Payload, as type: ValueType) {
    attachment = payload.attachment
    form = Int64(payload.form.rawValue)
    if case .array(let array) = payload.value {
      json = array.binaryMetadata(type: type)
      elements = array.bytes
      if array.isNested { form |= Self.nested }
    } else {
      json = payload.value.json(as: type)
    }
  }

  init(json: [UInt8], elements: [UInt8]?, attachment: [UInt8], form: Int64) {
    self.json = json
    self.elements = elements
    self.attachment = attachment
    self.form = form
  }

  func payload(as type: ValueType) throws -> Payload {
    let value: Value
    if let elements {
      let array = try NumericArray(binary: elements, metadata: json)
      value = .array(
        NumericArray(
          shape: array.shape, elementType: array.elementType, bytes: array.bytes,
          isNested: form & Self.nested != 0))
    } else {
      value = try Value(json: json, as: type)
    }
    return Payload(
      value, attachment: attachment, form: WireForm(rawValue: UInt8(truncatingIfNeeded: form)))
  }
}

/// Metadata as a JSON object; empty text for none.
enum StoredMetadata {
  static func encode(_ metadata: [String: String]) -> String {
    if metadata.isEmpty { return "" }
    var writer = JSONWriter()
    writer.write(
      .object(
        metadata.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) }))
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  static func decode(_ text: String) throws -> [String: String] {
    if text.isEmpty { return [:] }
    guard case .object(let members) = try JSON(parsing: text) else { return [:] }
    var metadata: [String: String] = [:]
    for member in members {
      if case .string(let value) = member.value { metadata[member.key] = value }
    }
    return metadata
  }
}
