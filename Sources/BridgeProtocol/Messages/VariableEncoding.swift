package import BinaryFormats
package import BridgeSessions
internal import JSON

/// How the values of an answer are written.
package typealias ValueForm = Encodings.Form

/// Whether a call asks for numeric values as bytes.
package enum BinaryAcceptance: Sendable, Equatable {
  case none
  /// In the format the call asked for.
  case format(BinaryFormat)
}

extension Variable {
  /// Numeric values above this many bytes go out as bytes, to calls that ask for them.
  package static let binaryThreshold = 10 * 1024

  /// The form to answer this version in.
  ///
  /// - Parameter acceptance: What the call asks for.
  package func form(_ acceptance: BinaryAcceptance) -> ValueForm {
    guard case .array(let array) = value, array.bytes.count > Self.binaryThreshold else {
      return .json
    }
    return switch acceptance {
    case .none: .json
    case .format(let format): .binary(format)
    }
  }

  /// This version as a serialized snakepit.bridge.Variable; made once a form.
  package func encoded(_ form: ValueForm) -> [UInt8] {
    encodings.bytes(form) { encode(form) }
  }

  /// Bytes of text that are still to be made for `encoded`, about: what takes long of it.
  package func textSize(_ form: ValueForm) -> Int {
    encodings.isKept(form) ? 0 : valueTextSize(form)
  }

  /// Bytes of text that the value takes in a form, about.
  package func valueTextSize(_ form: ValueForm) -> Int {
    switch (value, form) {
    case (.array, .binary(.raw)), (.array, .binary(.numpy)): 0
    // Each element takes as long as some letters.
    case (.array(let array), _): 8 * array.count
    // Texts are copied but for what has to be escaped.
    case (.string(let text), _): text.utf8.count / 8
    default: 0
    }
  }

  /// As `encoded`, without keeping the bytes: for versions that may never be sent again.
  package func encode(_ form: ValueForm) -> [UInt8] {
    let (start, binary) = parts(form)
    if binary.isEmpty { return start }
    var writer = WireWriter(reservingCapacity: start.count + binary.count + 16)
    writer.write(start: start, binary, field: Self.binaryField)
    return writer.bytes
  }

  /// The field of the bytes beside the `Any`.
  static let binaryField = 12

  /// What `encode` answers, as the bytes before its last field, and those of that, `binaryField`.
  func parts(_ form: ValueForm) -> (start: [UInt8], binary: [UInt8]) {
    let (typeURL, value, binary) = wireValue(form)
    var writer = WireWriter(reservingCapacity: 160 + value.count)
    writer.write(id, field: 1)
    writer.write(name, field: 2)
    writer.write(type.rawValue, field: 3)
    writer.writeMessage(field: 4) { any in
      any.write(typeURL, field: 1)
      any.write(value, field: 2)
    }
    writer.write(definition.constraintsJSON, field: 5)
    writer.write(metadata, field: 6)
    writer.write(source.wireValue, field: 7)
    writer.writeTimestamp(updatedAt, field: 8)
    writer.write(version, field: 9)
    writer.write(definition.accessControlJSON, field: 10)
    let status = status
    if let optimization = status.optimization {
      writer.writeMessage(field: 11) {
        $0.write(true, field: 1)
        $0.write(optimization.optimizer, field: 2)
        $0.writeTimestamp(optimization.startedAt, field: 3)
      }
    }
    writer.write(revision, field: 100)
    writer.write(status.staleSince, field: 101)
    return (writer.bytes, binary)
  }

  /// Writes the value as an `Any` and, in binary form or with an attachment, the bytes beside it.
  func writeValue(
    to writer: inout WireWriter, _ form: ValueForm, anyField: Int, binaryField: Int
  ) {
    let (typeURL, value, binary) = wireValue(form)
    writer.writeMessage(field: anyField) { any in
      any.write(typeURL, field: 1)
      any.write(value, field: 2)
    }
    writer.write(binary, field: binaryField)
  }

  /// The value as the parts of an `Any`, and the bytes beside it.
  package func wireValue(
    _ form: ValueForm
  ) -> (typeURL: String, value: [UInt8], binary: [UInt8]) {
    guard case .binary(let format) = form, case .array(let array) = value else {
      let typeURL = TypeURL.url(for: type, form: payload.form, binary: false)
      return (typeURL, value.json(as: type), payload.attachment)
    }
    let typeURL = TypeURL.url(for: type, form: payload.form, binary: true)
    // Who wrote flat lists in this format gets them back; to all others nesting shows the shape.
    let isNested = array.isNested || payload.binaryFormat != format
    return (
      typeURL, array.binaryMetadata(type: type, format: format),
      array.binary(format, nested: isNested)
    )
  }
}

extension Variable.Source {
  fileprivate var wireValue: Int32 {
    switch self {
    case .elixir: 0
    case .python: 1
    case .host: 100
    case .plugin: 101
    }
  }
}
