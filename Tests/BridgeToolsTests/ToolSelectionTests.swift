import BridgeTools
import Testing

@Suite struct ToolSelectionTests {
  private let declared = ["b", "a", "c"]

  private func selection(
    _ names: [String]? = nil, prefix: String = "", renames: [String: String] = [:]
  ) -> ToolSelection {
    var selection = ToolSelection()
    (selection.names, selection.prefix, selection.renames) = (names, prefix, renames)
    return selection
  }

  @Test func withoutWordsAllAreServedByTheirNames() throws {
    #expect(try ToolSelection().served(declared) == ["b", "a", "c"])
    #expect(try ToolSelection().served([]) == [])
  }

  @Test func namesAreChosenAndChanged() throws {
    #expect(try selection(["a", "c"]).served(declared) == [nil, "a", "c"])
    #expect(try selection(prefix: "x.").served(declared) == ["x.b", "x.a", "x.c"])
    #expect(try selection(renames: ["a": "z"]).served(declared) == ["b", "z", "c"])
    // A name that somebody gave has no prefix; one that another tool gives up is free.
    #expect(
      try selection(["a", "b"], prefix: "x.", renames: ["a": "b"]).served(declared)
        == ["x.b", "b", nil])
    #expect(try selection(renames: ["a": "b", "b": "a"]).served(declared) == ["a", "b", "c"])
  }

  @Test(
    arguments: [
      (["d"], "", [:], "tools", "there is no tool d; the plugin has a, b, c"),
      (nil, "", ["d": "e"], "renames", "there is no tool d; the plugin has a, b, c"),
      (["a"], "", ["b": "e"], "renames", "b is not among the tools that are served"),
      (nil, "", ["a": "b"], "renames", "b and a would both be called b"),
      (nil, "x.", ["a": "x.c"], "renames", "a and c would both be called x.c"),
      (nil, String(repeating: "x", count: 128), [:], "prefix", "must be 1 to 128"),
    ] as [([String]?, String, [String: String], String, String)])
  func whatCannotBeServedIsSaid(
    names: [String]?, prefix: String, renames: [String: String], key: String, words: String
  ) {
    let fault = #expect(throws: ToolSelection.Fault.self) {
      try selection(names, prefix: prefix, renames: renames).served(declared)
    }
    #expect(fault?.key == key)
    #expect(fault?.message.contains(words) == true, "\(fault?.message ?? "")")
  }
}
