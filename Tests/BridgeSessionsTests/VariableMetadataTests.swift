import BridgeSessions
import Testing

@Suite struct VariableMetadataTests {
  /// Whatever is sent, in whatever order, the later of two entries with one name counts.
  @Test func entriesActAsADictionary() {
    for _ in 0..<500 {
      let entries = (0..<Int.random(in: 0...40)).map { number -> VariableMetadata.Entry in
        ("k\(Int.random(in: 0...20))", "v\(number)")
      }
      let dictionary = Dictionary(entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
      let metadata = VariableMetadata(lastOf: entries)
      #expect(metadata.entries.count == dictionary.count)
      #expect(metadata == VariableMetadata(dictionary))
      for number in 0...21 { #expect(metadata["k\(number)"] == dictionary["k\(number)"]) }
    }
  }

  @Test func entriesAreSetReplacedAndRemoved() {
    var metadata: VariableMetadata = ["a": "1", "b": "2"]
    metadata["a"] = "3"
    metadata["c"] = "4"
    metadata["b"] = nil
    metadata["d"] = nil
    #expect(metadata == ["c": "4", "a": "3"])
    #expect(metadata != ["c": "4"])
  }

  /// Few entries are compared, many are hashed: both by bytes.
  @Test(arguments: [0, 40]) func keysThatUnicodeTakesForEqualAreTwo(others: Int) {
    var entries: [VariableMetadata.Entry] = (0..<others).map { ("k\($0)", "") }
    entries += [("\u{E9}", "1"), ("e\u{301}", "2"), ("\u{E9}", "3")]
    let metadata = VariableMetadata(lastOf: entries)
    #expect(metadata.entries.count == others + 2)
    #expect(metadata["\u{E9}"] == "3")
    #expect(metadata["e\u{301}"] == "2")
    #expect(metadata != VariableMetadata(lastOf: Array(entries.dropLast(2))))
  }
}
