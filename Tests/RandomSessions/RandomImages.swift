public import BinaryFormatsFuzzing
public import BridgeSessions
internal import JSON

extension SessionImage {
  /// A session that could be: names differ, versions and revisions go up, dependencies go from
  /// earlier variables to later ones.
  public static func random(id: String, using random: inout RandomBits) -> SessionImage {
    let count = random.below(6)
    var image = SessionImage(
      id: id, epoch: Session.makeEpoch(), metadata: random.metadata(),
      createdAt: random.integer() & .max, timeToLive: 1 + random.below(1 << 30),
      revision: Int64(1_000_000 + random.below(1 << 40)),
      lastOrdinal: Int32(count + random.below(1000)))
    image.variables = (0..<count).map { .random(number: $0, using: &random) }
    for dependent in image.variables.indices.dropFirst() where random.chance(2) {
      image.dependencies.append(
        DependencyImage(
          source: image.variables[random.below(dependent)].name,
          dependent: image.variables[dependent].name,
          type: random.chance(2) ? "data" : random.text()))
    }
    return image
  }
}

extension VariableImage {
  fileprivate static func random(number: Int, using random: inout RandomBits) -> VariableImage {
    let type = ValueType.allCases.randomElement(using: &random)!
    var version = Int32(random.below(1000))
    var revision = Int64(random.below(1000))
    let versions = (0...random.below(4)).map { _ in
      version += 1
      revision += 1 + Int64(random.below(100))
      return VersionImage(
        version: version, revision: revision, updatedAt: random.integer() & .max,
        source: ([.elixir, .python, .host, .plugin] as [Variable.Source])[random.below(4)],
        metadata: random.metadata(), payload: .random(type, using: &random))
    }
    return VariableImage(
      name: "v\(number)" + random.text(), type: type, ordinal: Int32(number + 1),
      constraints: "", accessControl: "", metadata: random.metadata(),
      staleSince: random.chance(2) ? 0 : revision, versions: versions)
  }
}

extension SessionImage {
  /// All it says, the epoch aside, for a comparison: one line a fact.
  public var facts: [String] {
    func text(_ metadata: VariableMetadata) -> String {
      JSON.object(metadata.sorted.map { .init(key: $0.key, value: .string($0.value)) }).text
    }
    var facts = [
      "\(id.debugDescription) \(text(metadata)) \(createdAt) \(timeToLive) \(revision) "
        + "\(lastOrdinal)"
    ]
    facts += dependencies.map { "\($0)" }.sorted()
    for variable in variables {
      facts.append(
        "\(variable.name.debugDescription) \(variable.type) \(variable.ordinal) "
          + "\(variable.constraints) \(variable.accessControl) \(text(variable.metadata)) "
          + "\(variable.staleSince)")
      for version in variable.versions {
        facts.append(
          "  \(version.version) \(version.revision) \(version.updatedAt) \(version.source) "
            + "\(text(version.metadata)) \(version.payload.facts)")
      }
    }
    return facts
  }
}

extension Payload {
  /// All it says; NaN is the same as NaN.
  public var facts: String {
    let content =
      switch value {
      case .float(let number): number.isNaN ? "nan" : "\(number.bitPattern)"
      case .string(let text): "\(Array(text.utf8))"
      case .array(let array):
        "\(array.shape) \(array.elementType) \(array.bytes) \(array.isNested) \(binaryFormat)"
      default: "\(value)"
      }
    return "\(content) \(attachment) \(form.rawValue)"
  }
}
