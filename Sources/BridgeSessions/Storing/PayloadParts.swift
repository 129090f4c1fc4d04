internal import BinaryFormats
package import JSON

/// A payload as it is stored and exported: JSON, and for numeric values their elements beside it.
package struct PayloadParts {
  /// The value as JSON, or the metadata of `elements`.
  package var json: [UInt8]
  /// Of a numeric value, as `raw`; `json` is its metadata then.
  package var elements: [UInt8]?
  /// Bytes that were attached to a value that is not numeric.
  package var attachment: [UInt8]
  /// The form and format the value came in, and whether it was nested, in one number.
  package var form: Int64

  private static let nested: Int64 = 1 << 32

  /// Takes a payload apart.
  package init(_ payload: Payload, as type: ValueType) {
    attachment = payload.attachment
    form = Int64(payload.form.rawValue)
    if case .array(let array) = payload.value {
      json = array.binaryMetadata(type: type)
      elements = array.bytes
      if array.isNested { form |= Self.nested }
      form |= Int64(BinaryFormat.allCases.firstIndex(of: payload.binaryFormat)!) << 16
    } else {
      json = payload.value.json(as: type)
    }
  }

  /// Parts that were stored.
  package init(json: [UInt8], elements: [UInt8]?, attachment: [UInt8], form: Int64) {
    self.json = json
    self.elements = elements
    self.attachment = attachment
    self.form = form
  }

  /// - Throws: `SessionError` with code `invalidValue` when the parts make no value of the type.
  package func payload(as type: ValueType) throws -> Payload {
    let value: Value
    if let elements {
      let array = try NumericArray(binary: elements, metadata: BinaryMetadata(json: json))
      value = .array(
        NumericArray(
          shape: array.shape, elementType: array.elementType, bytes: array.bytes,
          isNested: form & Self.nested != 0))
    } else {
      value = try Value(json: json, as: type)
    }
    let formats = BinaryFormat.allCases
    let format = Int(form >> 16 & 0xFF)
    guard form & ~(Self.nested | 0xFF_00FF) == 0, format < formats.count else {
      throw SessionError(.invalidArgument, "the form \(form) of a value is not known")
    }
    return Payload(
      value, attachment: attachment, form: WireForm(rawValue: UInt8(form & 0xFF)),
      binaryFormat: formats[format])
  }
}

/// Metadata as a JSON object.
package enum MetadataText {
  /// Sorted by key; empty text for no metadata.
  package static func encode(_ metadata: VariableMetadata) -> String {
    metadata.isEmpty ? "" : json(metadata).text
  }

  /// The counterpart of `encode`.
  ///
  /// - Throws: For text that is no JSON object of strings.
  package static func decode(_ text: String) throws -> VariableMetadata {
    text.isEmpty ? VariableMetadata() : try metadata(try JSON(parsing: text))
  }

  /// Sorted by key.
  package static func json(_ metadata: VariableMetadata) -> JSON {
    .object(metadata.sorted.map { .init(key: $0.key, value: .string($0.value)) })
  }

  /// The counterpart of `json`.
  ///
  /// - Throws: `SessionError` for JSON that is no object of strings.
  package static func metadata(_ json: JSON) throws -> VariableMetadata {
    guard case .object(let members) = json else {
      throw SessionError(.invalidArgument, "metadata is \(json.text), not an object")
    }
    var entries: [VariableMetadata.Entry] = []
    for member in members {
      guard case .string(let value) = member.value else {
        throw SessionError(.invalidArgument, "metadata \(member.key) is not a string")
      }
      entries.append((member.key, value))
    }
    return VariableMetadata(lastOf: entries)
  }
}
