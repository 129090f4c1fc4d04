/// All tests, in the order in which they are told.
package enum ValidationTests {
  /// Every test, by level.
  package static let all: [ValidationTest] =
    (LoadTests.all + ContractTests.all
    + TimeTests.all + ThreadTests.all + HostTests.all + LifeTests.all + FuzzTests.all).enumerated()
    .sorted {
      ($0.element.level, $0.offset) < ($1.element.level, $1.offset)
    }.map(\.element)

  /// The test of a name; nil where there is none.
  package static func named(_ name: String) -> ValidationTest? { all.first { $0.name == name } }
}
