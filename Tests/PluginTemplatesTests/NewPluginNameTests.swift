import PluginTemplates
import Testing

@Suite struct NewPluginNameTests {
  @Test(arguments: [
    "a", "my-tools", "my_tools", "tools2", "a-2", String(repeating: "a", count: 64),
  ])
  func isAName(_ text: String) throws {
    #expect(try NewPluginName(text).dashed == String(text.map { $0 == "_" ? "-" : $0 }))
  }

  @Test(arguments: [
    "", "-a", "a-", "a--b", "a-_b", "2a", "-", "A", "aB", "a b", "a.b", "a/b", "../a", "ä", "a\n",
    String(repeating: "a", count: 65),
  ])
  func isNoName(_ text: String) {
    let error = #expect(throws: PluginTemplateError.self) { try NewPluginName(text) }
    #expect(error?.description.contains("lower-case letter") == true)
  }

  @Test(arguments: [
    "std", "fn", "swift", "bridge-plugin", "bridge_plugin", "test", "main", "package",
  ])
  func isTaken(_ text: String) {
    let error = #expect(throws: PluginTemplateError.self) { try NewPluginName(text) }
    #expect(error?.description.contains("means something else") == true)
  }

  @Test func fillsInEachForm() throws {
    let name = try NewPluginName("deep_sea-tools2")
    #expect(
      name.filledIn("my-plugin my_plugin_add MyPlugin.swift my--plugin my-plugi")
        == "deep-sea-tools2 deep_sea_tools2_add DeepSeaTools2.swift my--plugin my-plugi")
  }
}
