package import BridgeSessions
package import GRPC
internal import GRPCProtobuf

// As in VariableMessages: every call of a tool reads and writes these.

/// snakepit.bridge.ExecuteToolRequest
package struct ExecuteToolRequest {
  /// The session whose variables the tool sees.
  package var sessionID = ""
  /// Name of the tool.
  package var toolName = ""
  /// What `parameters` and `binary_parameters` hold, each name once.
  package private(set) var parameters: [Parameter] = []
  /// For the tool, for example `correlation_id`.
  package var metadata = VariableMetadata()
  /// Whether a stream has messages for progress alone.
  package var includesProgress = false

  /// Places in `parameters`, once there are more than are quickly compared.
  private var places: [[UInt8]: Int] = [:]
  private static let comparedCount = 16

  /// One parameter, from both maps of the request.
  package struct Parameter {
    /// Its name.
    package let name: String
    /// Of the `Any`; empty without one.
    package var typeURL = ""
    /// Of the `Any`.
    package var content: [UInt8] = []
    /// From `binary_parameters`; empty without.
    package var binary: [UInt8] = []

    /// Names are compared by their bytes: as texts that takes the square of the length of some.
    fileprivate func isNamed(_ other: String) -> Bool {
      name.utf8.count == other.utf8.count && name.utf8.elementsEqual(other.utf8)
    }
  }

  /// Reads the message.
  ///
  /// - Throws: INTERNAL when the bytes are not such a message.
  package init(request bytes: [UInt8]) throws(RPCError) {
    guard bytes.withUnsafeBytes({ read($0) }) else {
      throw RPCError(malformed: "request", "snakepit.bridge.ExecuteToolRequest")
    }
  }

  private mutating func read(_ bytes: UnsafeRawBufferPointer) -> Bool {
    do {
      var entries: [VariableMetadata.Entry] = []
      var reader = WireReader(bytes)
      while try reader.next() {
        switch reader.field {
        case 1: sessionID = try reader.string()
        case 2: toolName = try reader.string()
        case 3: try readParameter(WireReader(try reader.view()))
        case 4: entries.append(try reader.mapEntry())
        case 5: _ = try reader.int64()
        case 6: try readBinary(WireReader(try reader.view()))
        case 100: includesProgress = try reader.int64() != 0
        default: try reader.skip()
        }
      }
      metadata = VariableMetadata(lastOf: entries)
      return true
    } catch {
      return false
    }
  }

  private mutating func readParameter(_ entry: WireReader) throws(WireReader.Malformed) {
    var entry = entry
    var name = ""
    var typeURL = ""
    var content: [UInt8] = []
    while try entry.next() {
      switch entry.field {
      case 1: name = try entry.string()
      case 2:
        var any = WireReader(try entry.view())
        while try any.next() {
          switch any.field {
          case 1: typeURL = try any.string()
          case 2: content = Array(try any.view())
          default: try any.skip()
          }
        }
      default: try entry.skip()
      }
    }
    let place = place(of: name)
    parameters[place].typeURL = typeURL
    parameters[place].content = content
  }

  private mutating func readBinary(_ entry: WireReader) throws(WireReader.Malformed) {
    var entry = entry
    var name = ""
    var binary: [UInt8] = []
    while try entry.next() {
      switch entry.field {
      case 1: name = try entry.string()
      case 2: binary = Array(try entry.view())
      default: try entry.skip()
      }
    }
    parameters[place(of: name)].binary = binary
  }

  /// Where the parameter of a name is, made when there is none.
  private mutating func place(of name: String) -> Int {
    if parameters.count < Self.comparedCount {
      if let place = parameters.firstIndex(where: { $0.isNamed(name) }) { return place }
    } else {
      if places.isEmpty {
        for (place, parameter) in parameters.enumerated() {
          places[Array(parameter.name.utf8)] = place
        }
      }
      let key = Array(name.utf8)
      if let place = places[key] { return place }
      places[key] = parameters.count
    }
    parameters.append(Parameter(name: name))
    return parameters.count - 1
  }
}

/// snakepit.bridge.ExecuteToolResponse
package struct ExecuteToolResponse {
  /// Whether the tool came to its result.
  package var isSuccess = false
  /// The `Any`; nil leaves it out.
  package var result: (typeURL: String, json: [UInt8])?
  /// What went wrong, for a person.
  package var errorMessage = ""
  /// What the tool or its failure says for programs.
  package var metadata = VariableMetadata()
  /// How long the tool ran.
  package var milliseconds: Int64 = 0
  /// The result where it is bytes, or beside the `Any`.
  package var binaryResult: [UInt8] = []

  /// A response without anything.
  package init() {}

  /// The message.
  ///
  /// - Parameters:
  ///   - json: In place of that of `result`, where it lies in other memory.
  ///   - binary: In place of `binaryResult`, likewise.
  package func encode(
    json: UnsafeRawBufferPointer? = nil, binary: UnsafeRawBufferPointer? = nil
  ) -> [UInt8] {
    var writer = WireWriter(
      reservingCapacity: 96 + (json?.count ?? result?.json.count ?? 0)
        + (binary?.count ?? binaryResult.count))
    writer.write(isSuccess, field: 1)
    if let result {
      writer.writeMessage(field: 2) { any in
        any.write(result.typeURL, field: 1)
        if let json { any.write(json, field: 2) } else { any.write(result.json, field: 2) }
      }
    }
    writer.write(errorMessage, field: 3)
    writer.write(metadata, field: 4)
    writer.write(milliseconds, field: 5)
    if let binary { writer.write(binary, field: 6) } else { writer.write(binaryResult, field: 6) }
    return writer.bytes
  }
}
