package import BridgeSessions
package import GRPC
internal import GRPCProtobuf

// Messages of the calls that make up most of the traffic, read and written by hand: the generated
// code costs more than everything else such a call does. Tests hold them against the generated
// messages.

/// snakepit.bridge.GetVariableRequest
package struct GetVariableRequest {
  /// The session's id.
  package var sessionID = ""
  /// Name or id of the variable.
  package var identifier = ""

  /// Reads the message.
  ///
  /// - Throws: INTERNAL when the bytes are not such a message.
  package init(request bytes: [UInt8]) throws(RPCError) {
    guard bytes.withUnsafeBytes({ read($0) }) else {
      throw RPCError(malformed: "request", "snakepit.bridge.GetVariableRequest")
    }
  }

  private mutating func read(_ bytes: UnsafeRawBufferPointer) -> Bool {
    do {
      var reader = WireReader(bytes)
      while try reader.next() {
        switch reader.field {
        case 1: sessionID = try reader.string()
        case 2: identifier = try reader.string()
        default: try reader.skip()
        }
      }
      return true
    } catch {
      return false
    }
  }
}

/// snakepit.bridge.GetVariableResponse
package enum GetVariableResponse {
  /// - Returns: Raw elements as a part of its own, which is the variable's memory.
  package static func encode(
    _ variable: Variable, revision: Int64, epoch: String, form: ValueForm
  ) -> MessageParts {
    guard case .binary(.raw) = form else {
      let encoded = variable.encoded(form)
      var writer = WireWriter(reservingCapacity: encoded.count + 48)
      writer.writeMessage(encoded, field: 1)
      writeEnd(revision, epoch, to: &writer)
      return MessageParts(writer.bytes)
    }
    let (start, binary) = variable.parts(form)
    var writer = WireWriter(reservingCapacity: start.count + 32)
    writer.writeMessage(
      start: start, lastCount: binary.count, as: Variable.binaryField, field: 1)
    var end = WireWriter(reservingCapacity: 48)
    writeEnd(revision, epoch, to: &end)
    return MessageParts(writer.bytes, binary, end.bytes)
  }

  private static func writeEnd(_ revision: Int64, _ epoch: String, to writer: inout WireWriter) {
    writer.write(revision, field: 100)
    writer.write(epoch, field: 101)
  }
}

/// snakepit.bridge.SetVariableRequest
package struct SetVariableRequest {
  /// The session's id.
  package var sessionID = ""
  /// Name or id of the variable.
  package var identifier = ""
  /// Of the `Any` that holds the value.
  package var typeURL = ""
  /// Of the `Any` that holds the value.
  package var value: [UInt8] = []
  /// Who writes, and what the writer adds.
  package var metadata = VariableMetadata()
  /// Write only if the variable has this version; 0 writes over any.
  package var expectedVersion: Int32 = 0
  /// Elements or an attachment beside the `Any`.
  package var binaryValue: [UInt8] = []
  /// New constraints as JSON; nil keeps those there are.
  package var constraints: String?

  /// Whether the request writes a value, and not constraints alone.
  package var hasValue: Bool { !(typeURL.isEmpty && value.isEmpty && binaryValue.isEmpty) }

  /// Reads the message.
  ///
  /// - Throws: INTERNAL when the bytes are not such a message.
  package init(request bytes: [UInt8]) throws(RPCError) {
    guard bytes.withUnsafeBytes({ read($0) }) else {
      throw RPCError(malformed: "request", "snakepit.bridge.SetVariableRequest")
    }
  }

  private mutating func read(_ bytes: UnsafeRawBufferPointer) -> Bool {
    do {
      var entries: [VariableMetadata.Entry] = []
      var reader = WireReader(bytes)
      while try reader.next() {
        switch reader.field {
        case 1: sessionID = try reader.string()
        case 2: identifier = try reader.string()
        case 3: try readAny(try reader.view())
        case 4: entries.append(try reader.mapEntry())
        case 5: expectedVersion = Int32(truncatingIfNeeded: try reader.int64())
        case 6: binaryValue = Array(copyingLarge: try reader.view())
        case 100: constraints = try reader.string()
        default: try reader.skip()
        }
      }
      metadata = VariableMetadata(lastOf: entries)
      return true
    } catch {
      return false
    }
  }

  private mutating func readAny(_ bytes: UnsafeRawBufferPointer) throws(WireReader.Malformed) {
    var reader = WireReader(bytes)
    while try reader.next() {
      switch reader.field {
      case 1: typeURL = try reader.string()
      case 2: value = Array(copyingLarge: try reader.view())
      default: try reader.skip()
      }
    }
  }
}

/// snakepit.bridge.SetVariableResponse
package enum SetVariableResponse {
  package static func encode(_ variable: Variable, epoch: String) -> [UInt8] {
    var writer = WireWriter(reservingCapacity: 48)
    writer.write(true, field: 1)
    writer.write(variable.version, field: 3)
    writer.write(variable.revision, field: 100)
    writer.write(epoch, field: 101)
    return writer.bytes
  }
}

/// snakepit.bridge.RegisterVariableResponse
package enum RegisterVariableResponse {
  package static func encode(_ variable: Variable, epoch: String, form: ValueForm) -> [UInt8] {
    let encoded = variable.encode(form)
    var writer = WireWriter(reservingCapacity: encoded.count + 96)
    writer.write(true, field: 1)
    writer.write(variable.id, field: 2)
    writer.writeMessage(encoded, field: 100)
    writer.write(variable.revision, field: 101)
    writer.write(epoch, field: 102)
    return writer.bytes
  }
}
