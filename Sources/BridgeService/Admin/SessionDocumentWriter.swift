internal import BridgeSessions
internal import GRPC
internal import JSON

/// Writes a session as the JSON text that `SessionDocument` describes, a piece at a time, so that an
/// export holds the text of one version and no more.
struct SessionDocumentWriter: Sequence, IteratorProtocol {
  private enum Position {
    case header
    case variable(Int)
    /// The version of a variable.
    case version(Int, Int)
    case dependencies
    case end
  }

  private let image: SessionImage
  private var position = Position.header

  init(_ image: SessionImage) { self.image = image }

  /// The next piece of the text; nil at its end.
  mutating func next() -> [UInt8]? {
    switch position {
    case .header:
      position = image.variables.isEmpty ? .dependencies : .variable(0)
      return header()
    case .variable(let index):
      position = .version(index, 0)
      return opening(of: image.variables[index], isFirst: index == 0)
    case .version(let index, let number):
      let variable = image.variables[index]
      if number < variable.versions.count {
        position = .version(index, number + 1)
        return text(of: variable.versions[number], as: variable.type, isFirst: number == 0)
      }
      position = index + 1 < image.variables.count ? .variable(index + 1) : .dependencies
      return Array("]}".utf8)
    case .dependencies:
      position = .end
      return closing()
    case .end: return nil
    }
  }

  private func header() -> [UInt8] {
    let members: [JSON.Member] = [
      .init(key: "format", value: .string(SessionDocument.format)),
      .init(key: "format_version", value: .integer(SessionDocument.version)),
      .init(key: "id", value: .string(image.id)),
      .init(key: "epoch", value: .string(image.epoch)),
      .init(key: "metadata", value: MetadataText.json(image.metadata)),
      .init(key: "created_at", value: .integer(image.createdAt)),
      .init(key: "time_to_live", value: .integer(Int64(image.timeToLive))),
      .init(key: "revision", value: .integer(image.revision)),
      .init(key: "last_ordinal", value: .integer(Int64(image.lastOrdinal))),
    ]
    return Self.open(members, then: "variables", isFirst: true)
  }

  private func opening(of variable: VariableImage, isFirst: Bool) -> [UInt8] {
    let members: [JSON.Member] = [
      .init(key: "name", value: .string(variable.name)),
      .init(key: "type", value: .string(variable.type.rawValue)),
      .init(key: "ordinal", value: .integer(Int64(variable.ordinal))),
      .init(key: "constraints", value: .string(variable.constraints)),
      .init(key: "access_control", value: .string(variable.accessControl)),
      .init(key: "metadata", value: MetadataText.json(variable.metadata)),
      .init(key: "stale_since", value: .integer(variable.staleSince)),
    ]
    return Self.open(members, then: "versions", isFirst: isFirst)
  }

  /// An object with these members that goes on with an array.
  private static func open(
    _ members: [JSON.Member], then key: String, isFirst: Bool
  ) -> [UInt8] {
    var writer = JSONWriter()
    writer.write(.object(members))
    let object = writer.bytes.dropLast()
    return (isFirst ? [] : [UInt8(ascii: ",")]) + object + Array(",\"\(key)\":[".utf8)
  }

  private func text(of version: VersionImage, as type: ValueType, isFirst: Bool) -> [UInt8] {
    let parts = PayloadParts(version.payload, as: type)
    let size = parts.json.count + ((parts.elements?.count ?? 0) + parts.attachment.count) / 3 * 4
    var writer = JSONWriter(reservingCapacity: size + 512)
    func member(_ key: String, _ value: JSON) {
      writer.write(raw: ",")
      writer.write(key)
      writer.write(raw: ":")
      writer.write(value)
    }
    if !isFirst { writer.write(raw: ",") }
    writer.write(raw: "{\"version\":")
    writer.write(Int64(version.version))
    member("revision", .integer(version.revision))
    member("updated_at", .integer(version.updatedAt))
    member("source", .string(version.source.rawValue))
    member("metadata", MetadataText.json(version.metadata))
    member("form", .integer(parts.form))
    // What a value writes is JSON as it stands.
    writer.write(raw: ",\"value\":")
    writer.write(raw: parts.json)
    if let elements = parts.elements { member("elements", .string(Base64.encode(elements))) }
    if !parts.attachment.isEmpty {
      member("attachment", .string(Base64.encode(parts.attachment)))
    }
    writer.write(raw: "}")
    return writer.bytes
  }

  private func closing() -> [UInt8] {
    var writer = JSONWriter()
    writer.write(raw: "],\"dependencies\":")
    writer.write(
      .array(
        image.dependencies.map { edge in
          .object([
            .init(key: "source", value: .string(edge.source)),
            .init(key: "dependent", value: .string(edge.dependent)),
            .init(key: "type", value: .string(edge.type)),
          ])
        }))
    writer.write(raw: "}")
    return writer.bytes
  }
}
