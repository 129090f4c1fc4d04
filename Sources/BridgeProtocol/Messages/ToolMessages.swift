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

  /// Bytes of the parameters that are text.
  package var textSize: Int { parameters.reduce(0) { $0 + $1.textSize } }

  /// Places in `parameters`, once there are more than are quickly compared.
  private var places: [[UInt8]: Int] = [:]
  private static let comparedCount = 16

  /// One parameter, from both maps of the request. It holds the request's bytes, and where in them its own
  /// are.
  package struct Parameter {
    /// Its name.
    package let name: String
    /// What the URL of the `Any` says; nil for one of no family.
    package fileprivate(set) var url = TypeURL.none
    private let request: [UInt8]
    fileprivate var urlPlace = 0..<0
    fileprivate var contentPlace = 0..<0
    fileprivate var binaryPlace = 0..<0

    fileprivate init(name: String, in request: [UInt8]) {
      self.name = name
      self.request = request
    }

    fileprivate mutating func setAny(
      _ url: TypeURL?, _ urlPlace: Range<Int>, _ contentPlace: Range<Int>
    ) {
      self.url = url
      self.urlPlace = urlPlace
      self.contentPlace = contentPlace
    }

    /// Of the `Any`; empty without one.
    package var typeURL: String { String(decoding: request[urlPlace], as: UTF8.self) }
    /// Of the `Any`.
    package var content: [UInt8] { Array(request[contentPlace]) }
    /// From `binary_parameters`; empty without.
    package var binary: [UInt8] {
      request.withUnsafeBytes {
        Array(copyingLarge: UnsafeRawBufferPointer(rebasing: $0[binaryPlace]))
      }
    }

    /// Bytes of the `Any`: of JSON, or of what says what is beside it.
    fileprivate var textSize: Int { contentPlace.count }

    /// Whether the `Any` has a URL.
    package var hasURL: Bool { !urlPlace.isEmpty }
    /// Whether nothing came for it in `binary_parameters`, or no bytes.
    package var binaryIsEmpty: Bool { binaryPlace.isEmpty }

    /// Runs `body` on the bytes of the `Any`, where they are.
    package func withContent<Result>(
      _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
      try request.withUnsafeBytes {
        try body(UnsafeRawBufferPointer(rebasing: $0[contentPlace]))
      }
    }

    /// The parameter as the value of a type.
    ///
    /// - Throws: As `Payload.init`.
    package func value(as type: ValueType) throws -> Value {
      // Most parameters are sent so.
      if let url, url.content == .json, url.type == type, binaryIsEmpty {
        return try withContent { try Value(json: $0, as: type) }
      }
      return try Payload(
        url, as: type, typeURL: typeURL, value: content, binary: binary
      ).value
    }

    /// Names are compared by their bytes: as texts that takes the square of the length of some.
    fileprivate func isNamed(_ other: String) -> Bool {
      name.utf8.count == other.utf8.count && name.utf8.elementsEqual(other.utf8)
    }
  }

  /// Reads the message.
  ///
  /// - Throws: INTERNAL when the bytes are not such a message.
  package init(request bytes: [UInt8]) throws(RPCError) {
    guard Self.read(bytes, into: &self) else {
      throw RPCError(malformed: "request", "snakepit.bridge.ExecuteToolRequest")
    }
  }

  private static func read(_ bytes: [UInt8], into request: inout ExecuteToolRequest) -> Bool {
    bytes.withUnsafeBytes { request.read($0, of: bytes) }
  }

  private mutating func read(_ bytes: UnsafeRawBufferPointer, of request: [UInt8]) -> Bool {
    do {
      var entries: [VariableMetadata.Entry] = []
      var reader = WireReader(bytes)
      while try reader.next() {
        switch reader.field {
        case 1: sessionID = try reader.string()
        case 2: toolName = try reader.string()
        case 3: try readParameter(WireReader(try reader.view()), bytes, request)
        case 4: entries.append(try reader.mapEntry())
        case 5: _ = try reader.int64()
        case 6: try readBinary(WireReader(try reader.view()), bytes, request)
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

  private mutating func readParameter(
    _ entry: WireReader, _ bytes: UnsafeRawBufferPointer, _ request: [UInt8]
  ) throws(WireReader.Malformed) {
    var entry = entry
    var name = ""
    var url = TypeURL.none
    var urlPlace = 0..<0
    var contentPlace = 0..<0
    while try entry.next() {
      switch entry.field {
      case 1: name = try entry.string()
      case 2:
        var any = WireReader(try entry.view())
        while try any.next() {
          switch any.field {
          case 1:
            let view = try any.view()
            if let usual = TypeURL(usual: view) {
              url = usual
            } else {
              url = TypeURL(try WireReader.text(view))
            }
            urlPlace = bytes.place(of: view)
          case 2: contentPlace = bytes.place(of: try any.view())
          default: try any.skip()
          }
        }
      default: try entry.skip()
      }
    }
    let place = place(of: name, in: request)
    parameters[place].setAny(url, urlPlace, contentPlace)
  }

  private mutating func readBinary(
    _ entry: WireReader, _ bytes: UnsafeRawBufferPointer, _ request: [UInt8]
  ) throws(WireReader.Malformed) {
    var entry = entry
    var name = ""
    var binaryPlace = 0..<0
    while try entry.next() {
      switch entry.field {
      case 1: name = try entry.string()
      case 2: binaryPlace = bytes.place(of: try entry.view())
      default: try entry.skip()
      }
    }
    parameters[place(of: name, in: request)].binaryPlace = binaryPlace
  }

  /// Where the parameter of a name is, made when there is none.
  private mutating func place(of name: String, in request: [UInt8]) -> Int {
    if parameters.isEmpty {
      parameters = [Parameter(name: name, in: request)]
      return 0
    }
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
    parameters.append(Parameter(name: name, in: request))
    return parameters.count - 1
  }
}

extension UnsafeRawBufferPointer {
  /// Where a part of these bytes is.
  fileprivate func place(of part: UnsafeRawBufferPointer) -> Range<Int> {
    guard let start = baseAddress, let partStart = part.baseAddress else { return 0..<0 }
    let offset = partStart - start
    return offset..<offset + part.count
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

  /// The message of a success with a value.
  package static func encode(
    _ value: Value, as type: ValueType, form: WireForm, metadata: VariableMetadata,
    milliseconds: Int64
  ) -> [UInt8] {
    let size =
      switch value {
      case .string(let text): text.utf8.count
      case .array(let array): 8 * array.count
      default: 0
      }
    var writer = WireWriter(reservingCapacity: 128 + size)
    writer.write(true, field: 1)
    writer.writeMessage(field: 2) { any in
      any.write(TypeURL.url(for: type, form: form, binary: false), field: 1)
      any.write(json: value, as: type, field: 2)
    }
    writer.write(metadata, field: 4)
    writer.write(milliseconds, field: 5)
    return writer.bytes
  }

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
