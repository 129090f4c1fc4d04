internal import BridgeSessions
internal import GRPC
internal import JSON

/// Writes protobuf messages field by field.
///
/// For the few messages that make up the hot paths and embed bytes encoded before; all others are
/// generated. Fields with their default value are left out, as proto3 has it.
///
/// Source: https://protobuf.dev/programming-guides/encoding/
struct WireWriter {
  private(set) var bytes: [UInt8] = []

  init(reservingCapacity capacity: Int = 64) { bytes.reserveLargeCapacity(capacity) }

  enum WireType: UInt32 {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
  }

  mutating func write(_ value: String, field: Int) {
    guard !value.isEmpty else { return }
    var value = value
    value.withUTF8 { text in
      tag(field, .lengthDelimited)
      varint(UInt64(text.count))
      bytes.append(contentsOf: text)
    }
  }

  mutating func write(_ value: [UInt8], field: Int) {
    guard !value.isEmpty else { return }
    writeMessage(value, field: field)
  }

  mutating func write(_ value: UnsafeRawBufferPointer, field: Int) {
    guard !value.isEmpty else { return }
    tag(field, .lengthDelimited)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  /// An embedded message; present even when it is empty.
  mutating func writeMessage(_ message: [UInt8], field: Int) {
    tag(field, .lengthDelimited)
    varint(UInt64(message.count))
    bytes.append(contentsOf: message)
  }

  /// Fields that were written before, and bytes as the last one.
  mutating func write(start: [UInt8], _ last: [UInt8], field: Int) {
    bytes.append(contentsOf: start)
    write(last, field: field)
  }

  /// An embedded message of fields that were written before and one more, whose bytes are still to follow:
  /// nothing is moved to make room for its length.
  ///
  /// - Parameter lastCount: How many bytes the last field has; with 0 it is left out.
  mutating func writeMessage(
    start: [UInt8], lastCount: Int, as lastField: Int, field: Int
  ) {
    var head = WireWriter(reservingCapacity: 16)
    if lastCount > 0 {
      head.tag(lastField, .lengthDelimited)
      head.varint(UInt64(lastCount))
    }
    tag(field, .lengthDelimited)
    varint(UInt64(start.count + head.bytes.count + lastCount))
    bytes.append(contentsOf: start)
    bytes.append(contentsOf: head.bytes)
  }

  /// An embedded message that `body` writes.
  mutating func writeMessage(field: Int, _ body: (inout WireWriter) -> Void) {
    tag(field, .lengthDelimited)
    // Most embedded messages are shorter than 128 bytes: their length takes one byte.
    let lengthIndex = bytes.count
    bytes.append(0)
    body(&self)
    let length = bytes.count - lengthIndex - 1
    if length < 0x80 {
      bytes[lengthIndex] = UInt8(length)
    } else {
      var prefix = WireWriter(reservingCapacity: 10)
      prefix.varint(UInt64(length))
      bytes.replaceSubrange(lengthIndex...lengthIndex, with: prefix.bytes)
    }
  }

  mutating func write(_ value: Int64, field: Int) {
    guard value != 0 else { return }
    tag(field, .varint)
    varint(UInt64(bitPattern: value))
  }

  mutating func write(_ value: Int32, field: Int) {
    write(Int64(value), field: field)
  }

  mutating func write(_ value: Bool, field: Int) {
    write(value ? Int64(1) : 0, field: field)
  }

  mutating func write(_ map: VariableMetadata, field: Int) {
    for (key, value) in map.entries {
      writeMessage(field: field) { entry in
        entry.write(key, field: 1)
        entry.write(value, field: 2)
      }
    }
  }

  /// A value's JSON as bytes, written in place.
  mutating func write(json value: Value, as type: ValueType, field: Int) {
    writeMessage(field: field) { field in
      var json = JSONWriter(continuing: field.bytes)
      field.bytes = []
      value.write(to: &json, as: type)
      field.bytes = json.bytes
    }
  }

  /// A google.protobuf.Timestamp.
  ///
  /// - Parameter nanoseconds: Since 1970.
  mutating func writeTimestamp(_ nanoseconds: Int64, field: Int) {
    writeMessage(field: field) { time in
      time.write(nanoseconds / 1_000_000_000, field: 1)
      time.write(nanoseconds % 1_000_000_000, field: 2)
    }
  }

  private mutating func tag(_ field: Int, _ type: WireType) {
    varint(UInt64(field) << 3 | UInt64(type.rawValue))
  }

  private mutating func varint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(value))
  }
}
