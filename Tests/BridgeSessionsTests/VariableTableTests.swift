import BinaryFormatsFuzzing
import RandomSessions
import Testing

@testable import BridgeSessions

@Suite struct VariableTableTests {
  private func variable(_ name: String, _ number: Int) -> Variable {
    Variable(
      definition: Variable.Definition(
        name: name, type: .integer, ordinal: Int32(number), rules: nil, metadata: [:]),
      payload: Payload(.integer(Int64(number))), writeMetadata: [:], source: .host, version: 1,
      revision: 1, updatedAt: 0)
  }

  /// Whatever is added, replaced and removed, it holds what a dictionary holds.
  @Test(arguments: 0..<8) func actsAsADictionary(seed: Int) {
    var random = RandomBits(seed: UInt64(seed))
    var table = VariableTable()
    var dictionary: [String: Variable] = [:]
    let names = 1 + random.below(300)
    for number in 0..<4000 {
      // Phases that fill it and phases that empty it.
      let fills = (number / 500) % 2 == 0
      let name = "name_\(random.below(names))"
      if random.chance(4) != fills {
        let variable = variable(name, number)
        table.insert(variable)
        dictionary[name] = variable
      } else {
        table.remove(name)
        dictionary[name] = nil
      }
      #expect(table.count == dictionary.count)
      let other = "name_\(random.below(names))"
      #expect(table[other] === dictionary[other])
    }
    for name in (0..<names).map({ "name_\($0)" }) { #expect(table[name] === dictionary[name]) }
    #expect(Set(table.all.map(\.name)) == Set(dictionary.keys))
    #expect(table.all.allSatisfy { dictionary[$0.name] === $0 })
  }

  @Test func namesThatUnicodeTakesForEqualAreOne() {
    var table = VariableTable()
    table.insert(variable("\u{E9}", 1))
    table.insert(variable("e\u{301}", 2))
    #expect(table.count == 1)
    #expect(table["\u{E9}"]?.definition.ordinal == 2)
  }

  @Test func aPlaceTakesTheNextVersion() throws {
    var table = VariableTable()
    for number in 0..<100 { table.insert(variable("v\(number)", number)) }
    let place = try #require(table.place(of: "v42"))
    #expect(table[place].definition.ordinal == 42)
    table[place] = variable("v42", 1042)
    #expect(table["v42"]?.definition.ordinal == 1042)
    #expect(table.count == 100)
  }

  @Test func copiesAreApart() {
    var table = VariableTable()
    table.insert(variable("a", 1))
    let copy = table
    table.insert(variable("b", 2))
    table.remove("a")
    #expect(copy.all.map(\.name) == ["a"])
    #expect(table.all.map(\.name) == ["b"])
  }

  @Test func anEmptyTableHoldsNothing() {
    var table = VariableTable()
    table.remove("a")
    #expect(table["a"] == nil)
    #expect(table.all.isEmpty)
    table.insert(variable("a", 1))
    table.remove("a")
    #expect(table["a"] == nil)
    #expect(table.count == 0)
  }
}
