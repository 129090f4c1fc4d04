internal import BridgeSessions
internal import CLibffi
internal import Glibc
internal import JSON

/// A struct of C: its fields, and where they lie.
///
/// Fields are numbers, arrays of them of a fixed length, and other structs. Nothing is packed: each field is
/// aligned as C aligns it.
// @unchecked: the types are written once, in `init`; libffi only reads them.
final class NativeStruct: @unchecked Sendable {
  struct Field: Sendable {
    let name: String
    let kind: Kind
    /// How many lie behind each other; nil for one that is no array.
    let count: Int?
    let offset: Int
  }

  enum Kind: Sendable {
    case scalar(NativeScalar)
    case structure(NativeStruct)

    var width: Int {
      switch self {
      case .scalar(let scalar): scalar.width
      case .structure(let structure): structure.size
      }
    }

    var alignment: Int {
      switch self {
      case .scalar(let scalar): scalar.width
      case .structure(let structure): structure.alignment
      }
    }

    var ffi: UnsafeMutablePointer<ffi_type> {
      switch self {
      case .scalar(let scalar): scalar.ffi
      case .structure(let structure): structure.ffi
      }
    }
  }

  let name: String
  let fields: [Field]
  let size: Int
  let alignment: Int
  /// For calls that take or return it by value.
  let ffi = UnsafeMutablePointer<ffi_type>.allocate(capacity: 1)
  private let elements: UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>

  /// More elements than these are no struct that somebody passes.
  private static let elementLimit = 4096

  /// - Parameters:
  ///   - object: `{"fields": [{"name": …, "type": …}]}`.
  ///   - known: Structs that were declared before.
  init(
    _ name: String, _ object: JSON, known: [String: NativeStruct]
  ) throws(PluginError) {
    try object.checkKeys(["fields", "description"])
    guard case .array(let list) = object["fields"], !list.isEmpty else {
      throw PluginError("\"fields\" must be an array that is not empty", at: "fields")
    }
    let parsed = try JSONPlace.Step.key("fields").within { () throws(PluginError) in
      try list.readEach { (field) throws(PluginError) in try Self.field(field, known) }
    }
    var fields: [Field] = []
    var offset = 0
    var alignment = 1
    for (fieldName, kind, count) in parsed {
      guard !fields.contains(where: { $0.name == fieldName }) else {
        throw PluginError("field \(fieldName) is declared twice", at: "fields")
      }
      offset = Self.aligned(offset, kind.alignment)
      fields.append(Field(name: fieldName, kind: kind, count: count, offset: offset))
      offset += kind.width * (count ?? 1)
      alignment = max(alignment, kind.alignment)
    }
    self.name = name
    self.fields = fields
    self.alignment = alignment
    size = Self.aligned(offset, alignment)
    let types = fields.flatMap {
      [UnsafeMutablePointer<ffi_type>](repeating: $0.kind.ffi, count: $0.count ?? 1)
    }
    guard types.count <= Self.elementLimit else {
      throw PluginError("a struct has \(Self.elementLimit) numbers at most", at: "fields")
    }
    // A list that ends with NULL; source: libffi.texi, "Structures".
    elements = .allocate(capacity: types.count + 1)
    for (index, type) in types.enumerated() { elements[index] = type }
    elements[types.count] = nil
    ffi.initialize(
      to: ffi_type(
        size: 0, alignment: 0, type: UInt16(FFI_TYPE_STRUCT), elements: elements))
  }

  deinit {
    ffi.deallocate()
    elements.deallocate()
  }

  private static func aligned(_ offset: Int, _ alignment: Int) -> Int {
    (offset + alignment - 1) / alignment * alignment
  }

  private static func field(
    _ field: JSON, _ known: [String: NativeStruct]
  ) throws(PluginError) -> (name: String, kind: Kind, count: Int?) {
    try field.checkKeys(["name", "type", "description"])
    let name = try field.name("name")
    var type = try field.text("type")
    var count: Int?
    if type.hasSuffix("]"), let start = type.firstIndex(of: "[") {
      guard let number = Int(type[type.index(after: start)...].dropLast()), number > 0,
        number <= elementLimit
      else {
        throw PluginError(
          "field \(name): the length of an array is a number from 1 to \(elementLimit)", at: "type")
      }
      count = number
      type = String(type[..<start])
    }
    if let scalar = NativeScalar(type) { return (name, .scalar(scalar), count) }
    if type.hasPrefix("struct "), let structure = known[String(type.dropFirst(7))] {
      return (name, .structure(structure), count)
    }
    throw PluginError(
      "field \(name): unknown type \"\(type)\"; there are numbers, bool, arrays as int32[4], and \"struct NAME\" of "
        + "structs that are declared before", at: "type")
  }

  // MARK: As JSON

  /// A JSON Schema of the objects that stand for it.
  var schema: JSON {
    let properties = fields.map { JSON.Member(key: $0.name, value: Self.schema($0)) }
    return .object([
      JSON.Member(key: "type", value: .string("object")),
      JSON.Member(key: "properties", value: .object(properties)),
      JSON.Member(key: "required", value: .array(fields.map { .string($0.name) })),
      JSON.Member(key: "additionalProperties", value: .boolean(false)),
    ])
  }

  private static func schema(_ field: Field) -> JSON {
    let one: JSON =
      switch field.kind {
      case .scalar(let scalar): scalar.schema
      case .structure(let structure): structure.schema
      }
    guard let count = field.count else { return one }
    return .object([
      JSON.Member(key: "type", value: .string("array")), JSON.Member(key: "items", value: one),
      JSON.Member(key: "minItems", value: .integer(Int64(count))),
      JSON.Member(key: "maxItems", value: .integer(Int64(count))),
    ])
  }

  /// Writes an object into memory.
  ///
  /// - Parameter json: As `schema` says.
  /// - Throws: `SessionError` where a number is none of its field's type.
  func store(_ json: JSON, to memory: UnsafeMutableRawPointer) throws {
    for field in fields {
      guard let value = json[field.name] else {
        throw SessionError(.invalidValue, "field \(field.name) of struct \(name) is missing")
      }
      do {
        try Self.store(value, of: field, to: memory + field.offset)
      } catch {
        throw SessionError(.invalidValue, "field \(field.name) of struct \(name): \(error)")
      }
    }
  }

  private static func store(_ json: JSON, of field: Field, to memory: UnsafeMutableRawPointer)
    throws
  {
    guard let count = field.count else { return try store(json, field.kind, to: memory) }
    guard case .array(let elements) = json, elements.count == count else {
      throw SessionError(.invalidValue, "expected \(count) elements")
    }
    for (index, element) in elements.enumerated() {
      try store(element, field.kind, to: memory + index * field.kind.width)
    }
  }

  private static func store(_ json: JSON, _ kind: Kind, to memory: UnsafeMutableRawPointer) throws {
    switch kind {
    case .structure(let structure): try structure.store(json, to: memory)
    case .scalar(let scalar):
      let value: Value? =
        switch json {
        case .boolean(let flag): .boolean(flag)
        case .integer(let number): .integer(number)
        case .number(let number):
          // JSON does not tell 1 and 1.0 apart.
          scalar.toolType == .integer
            ? Int64(exactly: number).map { .integer($0) } : .float(number)
        default: nil
        }
      guard let value else { throw SessionError(.invalidValue, "expected \(scalar.name)") }
      try scalar.store(value, to: memory)
    }
  }

  /// What lies in memory, as an object.
  func json(_ memory: UnsafeRawPointer) -> JSON {
    .object(
      fields.map { field in
        let place = memory + field.offset
        let value: JSON =
          if let count = field.count {
            .array((0..<count).map { Self.json(place + $0 * field.kind.width, field.kind) })
          } else {
            Self.json(place, field.kind)
          }
        return JSON.Member(key: field.name, value: value)
      })
  }

  private static func json(_ memory: UnsafeRawPointer, _ kind: Kind) -> JSON {
    switch kind {
    case .structure(let structure): structure.json(memory)
    case .scalar(let scalar):
      switch scalar.load(from: memory) {
      case .boolean(let flag): .boolean(flag)
      case .integer(let number): .integer(number)
      case .float(let number): .number(number)
      // Only whole numbers above Int64's are not loaded.
      default: .unsigned(memory.loadUnaligned(as: UInt64.self))
      }
    }
  }
}
