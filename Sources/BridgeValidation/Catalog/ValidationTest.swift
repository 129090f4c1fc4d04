package import JSON

/// One thing that is found out about a plugin, in a process of its own.
package struct ValidationTest: Sendable {
  /// What kind of fault it looks for.
  package enum Group: String, Sendable, CaseIterable {
    case load, contract, time, threads, host, life, fuzz
  }

  /// What it can be done with.
  enum Subjects: Sendable {
    case plugins
    case manifests
    case all
  }

  /// What it is called by, as in `--only`.
  package let name: String
  /// 1 to 10: what belongs to every plugin first, what takes long or looks far last.
  package let level: Int
  /// The kind of fault.
  package let group: Group
  /// What it checks, in a sentence.
  package let summary: String
  /// How a fault that it finds is mended, in a sentence.
  package let remedy: String
  /// Tests that must have passed: without them this one could only fail for their reason.
  let needs: [String]
  let subjects: Subjects
  /// What runs in the process; what it finds it tells to the run.
  let body: @Sendable (TestRun) throws -> Void

  init(
    _ name: String, level: Int, _ group: Group, _ summary: String, remedy: String,
    needs: [String] = [], for subjects: Subjects = .plugins,
    _ body: @escaping @Sendable (TestRun) throws -> Void
  ) {
    self.name = name
    self.level = level
    self.group = group
    self.summary = summary
    self.remedy = remedy
    self.needs = needs
    self.subjects = subjects
    self.body = body
  }

  /// Whether it has something to say of a file.
  func applies(toManifest isManifest: Bool) -> Bool {
    switch subjects {
    case .plugins: !isManifest
    case .manifests: isManifest
    case .all: true
    }
  }
}

extension ValidationTest {
  /// The test as JSON, for lists.
  package var json: JSON {
    .object([
      .init(key: "name", value: .string(name)), .init(key: "level", value: .integer(Int64(level))),
      .init(key: "group", value: .string(group.rawValue)),
      .init(key: "summary", value: .string(summary)),
      .init(key: "remedy", value: .string(remedy)),
    ])
  }
}
