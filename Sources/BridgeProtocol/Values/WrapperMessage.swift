package import BridgeSessions
internal import GRPC
internal import JSON

/// The content of a packed google.protobuf wrapper.
///
/// Source: https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/wrappers.proto
package enum WrapperMessage: Sendable, Equatable {
  case number(Double)
  case integer(Int64)
  /// Above `Int64.max`.
  case unsigned(UInt64)
  case boolean(Bool)
  case string(String)
  case bytes([UInt8])

  /// - Returns: nil when the bytes are not a well-formed message of that kind.
  package init?(_ bytes: UnsafeRawBufferPointer, as kind: TypeURL.Wrapper) {
    self = Self.zero(kind)
    do {
      var reader = WireReader(bytes)
      while try reader.next() {
        guard reader.field == 1 else { return nil }
        self = try Self.read(&reader, as: kind)
      }
    } catch {
      return nil
    }
  }

  /// As JSON text; nil for bytes, which have none.
  package var json: [UInt8]? {
    var writer = JSONWriter()
    switch self {
    case .number(let number): writer.write(number)
    case .integer(let integer): writer.write(integer)
    case .unsigned(let integer): writer.write(.unsigned(integer))
    case .boolean(let flag): writer.write(flag)
    case .string(let text): writer.write(text)
    case .bytes: return nil
    }
    return writer.bytes
  }

  private static func zero(_ kind: TypeURL.Wrapper) -> WrapperMessage {
    switch kind {
    case .double, .float: .number(0)
    case .int32, .int64, .uint32, .uint64: .integer(0)
    case .bool: .boolean(false)
    case .string: .string("")
    case .bytes: .bytes([])
    }
  }

  private static func read(
    _ reader: inout WireReader, as kind: TypeURL.Wrapper
  ) throws(WireReader.Malformed) -> WrapperMessage {
    switch kind {
    case .double: .number(Double(bitPattern: try reader.fixed64()))
    case .float: .number(Double(Float(bitPattern: try reader.fixed32())))
    case .int64: .integer(try reader.int64())
    // More bits than the type has are cut off, as protobuf has it.
    case .int32: .integer(Int64(Int32(truncatingIfNeeded: try reader.int64())))
    case .uint32: .integer(Int64(UInt32(truncatingIfNeeded: try reader.int64())))
    case .uint64: whole(UInt64(bitPattern: try reader.int64()))
    case .bool: .boolean(try reader.int64() != 0)
    case .string: .string(try reader.string())
    case .bytes: .bytes(Array(copyingLarge: try reader.view()))
    }
  }

  private static func whole(_ value: UInt64) -> WrapperMessage {
    Int64(exactly: value).map { .integer($0) } ?? .unsigned(value)
  }

  /// The content as a value of a type.
  package func value(as type: ValueType) throws -> Value {
    switch (self, type) {
    case (.number(let number), .float): return .float(number)
    case (.integer(let integer), .float): return .float(Double(integer))
    case (.unsigned(let integer), .float): return .float(Double(integer))
    case (.integer(let integer), .integer): return .integer(integer)
    case (.number(let number), .integer):
      if let integer = Int64(exactly: number) { return .integer(integer) }
    case (.boolean(let flag), .boolean): return .boolean(flag)
    case (.string(let text), _) where type.isText: return .string(text)
    case (.string(let text), _): return try Value(json: Array(text.utf8), as: type)
    default: break
    }
    throw SessionError(.invalidValue, "expected a value of type \(type.rawValue), got \(text)")
  }

  /// The content, short enough for a message.
  private var text: String {
    switch self {
    case .number(let number): "\(number)"
    case .integer(let number): "\(number)"
    case .unsigned(let number): "\(number)"
    case .boolean(let flag): "\(flag)"
    case .string(let text): "a string of \(text.utf8.count) bytes"
    case .bytes(let bytes): "\(bytes.count) bytes"
    }
  }
}
