import BridgeSessions
import Threads

@testable import BridgeStorage

/// A backend in memory, which fails on demand. Its contents outlive it, as a file's do.
final class MemoryBackend: JournalBackend {
  /// What is "on disk", and how it behaves.
  final class Disk: Sendable {
    struct Contents {
      var images: [Int64: SessionImage] = [:]
      var isClosedInOrder = false
      var groups: [Int] = []
      var isFailing = false
      var attempts = 0
    }

    let contents = Locked(Contents())
  }

  struct Failure: Error {}

  private let disk: Disk

  init(_ disk: Disk) { self.disk = disk }

  func open() throws -> Bool {
    disk.contents.withLock { contents in
      defer { contents.isClosedInOrder = false }
      return contents.isClosedInOrder
    }
  }

  func readAll(_ body: (SessionImage, _ key: Int64) throws -> Void) throws {
    for (key, image) in disk.contents.withLock({ $0.images }).sorted(by: { $0.key < $1.key }) {
      try body(image, key)
    }
  }

  func write(_ records: [JournalRecord]) throws {
    try disk.contents.withLock { contents in
      contents.attempts += 1
      if contents.isFailing { throw Failure() }
      contents.groups.append(records.count)
      for record in records { apply(record, to: &contents.images) }
    }
  }

  func close(inOrder: Bool) throws {
    disk.contents.withLock { $0.isClosedInOrder = inOrder }
  }

  private func apply(_ record: JournalRecord, to images: inout [Int64: SessionImage]) {
    switch record.event {
    case .began(let image): images[record.key] = image
    case .renewed(let epoch): images[record.key]!.epoch = epoch
    case .applied(.addDependency(let dependency), _):
      images[record.key]!.dependencies.append(dependency)
    case .applied(.end, _): images[record.key] = nil
    case .applied(_, let changes):
      for change in changes { apply(change, to: &images[record.key]!) }
    }
  }

  private func apply(_ change: Change, to image: inout SessionImage) {
    image.revision = change.revision
    let variable = change.variable
    let index = image.variables.firstIndex { $0.ordinal == variable.definition.ordinal }
    switch (change.kind, index) {
    case (.registered, _):
      image.lastOrdinal = variable.definition.ordinal
      image.variables.append(
        VariableImage(
          name: variable.name, type: variable.type, ordinal: variable.definition.ordinal,
          constraints: variable.definition.constraintsJSON,
          accessControl: variable.definition.accessControlJSON,
          metadata: variable.definition.metadata, staleSince: 0,
          versions: [VersionImage(variable)]))
    case (.valueChanged, let index?), (.constraintsChanged, let index?):
      image.variables[index].constraints = variable.definition.constraintsJSON
      image.variables[index].staleSince = 0
      image.variables[index].versions.append(VersionImage(variable))
    case (.dependencyChanged, let index?):
      image.variables[index].staleSince = variable.status.staleSince
    case (.deleted, let index?):
      image.variables.remove(at: index)
      image.dependencies.removeAll {
        $0.source == variable.name || $0.dependent == variable.name
      }
    default: break
    }
  }
}
