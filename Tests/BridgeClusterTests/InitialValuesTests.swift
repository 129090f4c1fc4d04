import BridgeSessions
import BridgeTools
import Testing

@testable import BridgeCluster

/// A stream that breaks among the present values begins with them again.
@Suite struct InitialValuesTests {
  private func snapshot(_ name: String, version: Int32) -> VariableSnapshot {
    VariableSnapshot(
      VariableFacts(
        id: "var_\(name)_1", name: name, type: .integer, value: .integer(1), version: version,
        revision: 1, updatedAt: 0, writer: "elixir"))
  }

  @Test func eachVersionComesOnce() {
    var values = InitialValues()
    #expect({ values.isNew(snapshot("a", version: 1)) }())
    #expect({ values.isNew(snapshot("b", version: 1)) }())
    values.beginAgain()
    #expect({ !values.isNew(snapshot("a", version: 1)) }())
    #expect({ values.isNew(snapshot("b", version: 2)) }())
    #expect({ values.isNew(snapshot("c", version: 1)) }())
    #expect(values.missing.isEmpty)
  }

  @Test func whatWasDeletedMeanwhileIsMissing() {
    var values = InitialValues()
    _ = values.isNew(snapshot("a", version: 1))
    _ = values.isNew(snapshot("b", version: 1))
    values.beginAgain()
    _ = values.isNew(snapshot("b", version: 1))
    #expect(values.missing.map(\.name) == ["a"])
  }
}
