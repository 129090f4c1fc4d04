import Foundation
import PluginTemplates
import Testing

@Suite struct PluginTemplateTests {
  /// A directory of the test's own, removed with all that is in it.
  private func withDirectory(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory
      .appending(path: "templates-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  @Test(arguments: PluginLanguage.allCases)
  func hasFilesWithTheNameFilledIn(_ language: PluginLanguage) throws {
    let template = PluginTemplate(language, name: try NewPluginName("deep-sea"))
    let paths = template.files.map(\.path)
    for path in ["README.md", "LICENSE", ".editorconfig", ".gitignore"] {
      #expect(paths.contains(path))
    }
    #expect(Set(paths).count == paths.count)
    for file in template.files where !file.path.hasPrefix("vendor/") {
      for word in ["my-plugin", "my_plugin", "MyPlugin"] {
        #expect(!file.path.contains(word) && !file.text.contains(word), "\(file.path)")
      }
    }
    let readme = try #require(template.files.first { $0.path == "README.md" }).text
    #expect(readme.contains("bridge-host call \(template.product) deep_sea_add"))
    let lines = readme.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 14)
  }

  @Test func writesTheFolder() throws {
    try withDirectory { directory in
      let template = PluginTemplate(.c, name: try NewPluginName("deep-sea"))
      try template.write(to: "\(directory)/new")
      for file in template.files {
        #expect(access("\(directory)/new/\(file.path)", file.isProgram ? X_OK : R_OK) == 0)
      }
      let error = #expect(throws: PluginTemplateError.self) {
        try template.write(to: "\(directory)/new")
      }
      #expect(error?.description == "\(directory)/new is not empty: nothing was written")
    }
  }

  @Test func takesADirectoryThatIsEmpty() throws {
    try withDirectory { directory in
      try PluginTemplate(.c, name: try NewPluginName("deep-sea")).write(to: directory)
      #expect(access("\(directory)/Makefile", R_OK) == 0)
    }
  }

  @Test func tellsWhereItCannotWrite() throws {
    try withDirectory { directory in
      let error = #expect(throws: PluginTemplateError.self) {
        try PluginTemplate(.c, name: try NewPluginName("deep-sea")).write(to: "\(directory)/a/b")
      }
      #expect(error?.description.hasPrefix("\(directory)/a/b cannot be made: No such file") == true)
    }
  }
}
