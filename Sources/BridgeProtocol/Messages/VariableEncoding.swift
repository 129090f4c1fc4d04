package import BridgeSessions
internal import JSON

/// How the values of an answer are written.
package typealias ValueForm = Encodings.Form

extension Variable {
  /// Numeric values above this many bytes go out as bytes, to clients that read them.
  package static let binaryThreshold = 10 * 1024

  /// The form to answer this version in.
  ///
  /// - Parameter acceptsBinary: Whether the client has shown that it reads binary values.
  package func form(acceptsBinary: Bool) -> ValueForm {
    guard acceptsBinary, case .array(let array) = value,
      array.bytes.count > Self.binaryThreshold
    else { return .json }
    return .binary
  }

  /// This version as a serialized snakepit.bridge.Variable; made once a form.
  package func encoded(_ form: ValueForm) -> [UInt8] {
    encodings.bytes(form) { encode(form) }
  }

  /// As `encoded`, without keeping the bytes: for versions that may never be sent again.
  package func encode(_ form: ValueForm) -> [UInt8] {
    var writer = WireWriter(reservingCapacity: 160 + payload.attachment.count)
    writer.write(id, field: 1)
    writer.write(name, field: 2)
    writer.write(type.rawValue, field: 3)
    writeValue(to: &writer, form, anyField: 4, binaryField: 12)
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
    return writer.bytes
  }

  /// Writes the value as an `Any` and, in binary form or with an attachment, the bytes beside it.
  func writeValue(
    to writer: inout WireWriter, _ form: ValueForm, anyField: Int, binaryField: Int
  ) {
    writer.writeMessage(field: anyField) { any in
      any.write(
        TypeURL.url(for: type, form: payload.form, binary: form == .binary), field: 1)
      if form == .binary, case .array(let array) = value {
        any.write(array.binaryMetadata(type: type), field: 2)
      } else {
        any.write(value.json(as: type), field: 2)
      }
    }
    if form == .binary, case .array(let array) = value {
      writer.write(array.bytes, field: binaryField)
    } else {
      writer.write(payload.attachment, field: binaryField)
    }
  }

  /// The value as the parts of an `Any`, and the bytes beside it.
  package func wireValue(
    _ form: ValueForm
  ) -> (typeURL: String, value: [UInt8], binary: [UInt8]) {
    let isBinary = form == .binary
    let typeURL = TypeURL.url(for: type, form: payload.form, binary: isBinary)
    guard isBinary, case .array(let array) = value else {
      return (typeURL, value.json(as: type), payload.attachment)
    }
    return (typeURL, array.binaryMetadata(type: type), array.bytes)
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
