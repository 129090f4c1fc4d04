/// Writes JSON text (RFC 8259) as UTF-8 bytes, without white space.
public struct JSONWriter {
  /// What was written so far.
  public private(set) var bytes: [UInt8] = []

  /// Begins with nothing.
  public init() {}

  /// Begins with nothing, and with room for so many bytes.
  public init(reservingCapacity capacity: Int) { bytes.reserveCapacity(capacity) }

  /// Goes on behind what was written by others.
  public init(continuing bytes: consuming [UInt8]) { self.bytes = bytes }

  /// Writes a tree.
  public mutating func write(_ value: JSON) {
    switch value {
    case .null: write(raw: "null")
    case .boolean(let value): write(value)
    case .integer(let value): write(value)
    case .unsigned(let value): write(raw: String(value).utf8)
    case .number(let value): write(value)
    case .string(let value): write(value)
    case .array(let elements):
      write(raw: "[")
      for (index, element) in elements.enumerated() {
        if index > 0 { write(raw: ",") }
        write(element)
      }
      write(raw: "]")
    case .object(let members):
      write(raw: "{")
      for (index, member) in members.enumerated() {
        if index > 0 { write(raw: ",") }
        write(member.key)
        write(raw: ":")
        write(member.value)
      }
      write(raw: "}")
    }
  }

  /// Writes true or false.
  public mutating func write(_ value: Bool) {
    write(raw: value ? "true" : "false")
  }

  /// Writes a whole number.
  public mutating func write(_ value: Int64) {
    if value >= 0 && value < 10 {
      bytes.append(UInt8(ascii: "0") + UInt8(value))
    } else {
      bytes.append(contentsOf: String(value).utf8)
    }
  }

  /// The shortest text that reads back as the same number. JSON has no text for NaN and the
  /// infinities: they are the strings "NaN", "Infinity" and "-Infinity", as Python and Elixir
  /// clients write them.
  public mutating func write(_ value: Double) {
    if value.isFinite {
      bytes.append(contentsOf: value.description.utf8)
    } else {
      write(raw: value.isNaN ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"")
    }
  }

  /// Writes a string with its quotes and escapes.
  public mutating func write(_ value: String) {
    bytes.append(UInt8(ascii: "\""))
    var value = value
    value.withUTF8 { text in
      // What needs no escape is copied in one go.
      var plain = 0
      for (index, byte) in text.enumerated()
      where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain..<index]))
        plain = index + 1
        writeEscape(byte)
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain...]))
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func writeEscape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\n"): write(raw: "\\n")
    case UInt8(ascii: "\r"): write(raw: "\\r")
    case UInt8(ascii: "\t"): write(raw: "\\t")
    case 0..<0x20:
      write(raw: "\\u00")
      bytes.append(Self.digits[Int(byte >> 4)])
      bytes.append(Self.digits[Int(byte & 15)])
    default:
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    }
  }

  /// Writes text that is JSON already.
  public mutating func write(raw text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  /// Writes text that is JSON already.
  public mutating func write(raw text: some Sequence<UInt8>) {
    bytes.append(contentsOf: text)
  }

  private static let digits = Array("0123456789abcdef".utf8)
}
