internal import SwiftProtobuf

/// The files of descriptor sets, found by what they declare.
///
/// All names are fully qualified and begin with no dot.
struct DescriptorIndex: Sendable {
  private struct File {
    /// A google.protobuf.FileDescriptorProto.
    let serialized: [UInt8]
    let imports: [String]
  }

  private var files: [String: File] = [:]
  private var filesBySymbol: [String: String] = [:]
  /// By the name of the extended message, which every message has here, and number.
  private var filesByExtension: [String: [Int32: String]] = [:]

  /// - Parameter sets: Serialized google.protobuf.FileDescriptorSets. A file that is in several is
  ///   taken from the first.
  init(sets: [[UInt8]]) throws {
    for bytes in sets {
      for file in try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes).file
      where files[file.name] == nil {
        files[file.name] = File(
          serialized: try file.serializedBytes(), imports: file.dependency)
        add(file)
      }
    }
  }

  // MARK: Finding

  /// The file that declares a service, method, message, field, oneof, enum, enum value or extension.
  func file(declaring symbol: String) -> String? {
    Self.mayBeKnown(symbol) ? filesBySymbol[symbol] : nil
  }

  /// Names in protobuf are ASCII. To hash other text takes the square of its length.
  private static func mayBeKnown(_ name: String) -> Bool { name.utf8.allSatisfy { $0 < 0x80 } }

  /// The file that declares the extension with a number of a message.
  func file(extending message: String, number: Int32) -> String? {
    Self.mayBeKnown(message) ? filesByExtension[message]?[number] : nil
  }

  /// The numbers of all extensions of a message, in order; nil when the message is unknown.
  func extensionNumbers(of message: String) -> [Int32]? {
    Self.mayBeKnown(message) ? filesByExtension[message]?.keys.sorted() : nil
  }

  /// A file and everything it imports, serialized; nil when there is no such file.
  ///
  /// Each file stands before what it imports: clients exist that take the first for the answer.
  func closure(of name: String) -> [[UInt8]]? {
    guard Self.mayBeKnown(name), files[name] != nil else { return nil }
    var seen: Set<String> = []
    var importedFirst: [[UInt8]] = []
    func visit(_ name: String) {
      guard seen.insert(name).inserted, let file = files[name] else { return }
      for imported in file.imports.reversed() { visit(imported) }
      importedFirst.append(file.serialized)
    }
    visit(name)
    return importedFirst.reversed()
  }

  // MARK: Building

  private mutating func add(_ file: Google_Protobuf_FileDescriptorProto) {
    let scope = file.package
    for message in file.messageType { add(message, in: scope, file: file.name) }
    for enumeration in file.enumType { add(enumeration, in: scope, file: file.name) }
    for field in file.extension { add(extension: field, in: scope, file: file.name) }
    for service in file.service {
      let name = add(service.name, in: scope, file: file.name)
      for method in service.method { add(method.name, in: name, file: file.name) }
    }
  }

  private mutating func add(
    _ message: Google_Protobuf_DescriptorProto, in scope: String, file: String
  ) {
    let name = add(message.name, in: scope, file: file)
    if filesByExtension[name] == nil { filesByExtension[name] = [:] }
    for field in message.field { add(field.name, in: name, file: file) }
    for oneof in message.oneofDecl { add(oneof.name, in: name, file: file) }
    for nested in message.nestedType { add(nested, in: name, file: file) }
    for enumeration in message.enumType { add(enumeration, in: name, file: file) }
    for field in message.extension { add(extension: field, in: name, file: file) }
  }

  /// The values of an enum are named as its siblings, not as its members.
  private mutating func add(
    _ enumeration: Google_Protobuf_EnumDescriptorProto, in scope: String, file: String
  ) {
    add(enumeration.name, in: scope, file: file)
    for value in enumeration.value { add(value.name, in: scope, file: file) }
  }

  private mutating func add(
    extension field: Google_Protobuf_FieldDescriptorProto, in scope: String, file: String
  ) {
    add(field.name, in: scope, file: file)
    let extended =
      field.extendee.hasPrefix(".") ? String(field.extendee.dropFirst()) : field.extendee
    filesByExtension[extended, default: [:]][field.number] = file
  }

  @discardableResult
  private mutating func add(_ name: String, in scope: String, file: String) -> String {
    let full = scope.isEmpty ? name : "\(scope).\(name)"
    filesBySymbol[full] = file
    return full
  }
}
