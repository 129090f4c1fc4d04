internal import ArgumentParser
internal import Glibc
internal import PluginTemplates

/// `bridge-host new-plugin`: writes the folder of a new plugin.
struct NewPlugin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new-plugin",
    abstract: "Begin a plugin: a folder that builds, with two tools and their tests.",
    discussion: """
      There is no template for Python: tools are functions of shared objects, and Python code is none. A service of \
      yours in Python talks to the host as a client.

      Example:
        bridge-host new-plugin my-tools --lang c
      """)

  @Argument(help: "The plugin's name: lower-case words with \"-\" between them.")
  var name: String

  @Option(name: [.customLong("lang")], help: "swift, c, cpp, rust, zig or go.")
  var language: String

  @Option(help: "The folder, which is made; NAME if not given.")
  var directory: String?

  func run() throws {
    guard let language = PluginLanguage(rawValue: language) else {
      throw ValidationError(Self.complaint(of: language))
    }
    let directory = directory ?? name
    let template = try failingPlainly {
      let template = PluginTemplate(language, name: try NewPluginName(name))
      try template.write(to: directory)
      return template
    }
    try failingPlainly {
      try StandardOutput.writeLine("wrote \(directory): \(template.files.count) files")
      if let missing = Self.missingProgram(of: language) {
        try StandardOutput.writeLine(
          "\(missing) is not on this machine: \(language.installation)")
      }
      try StandardOutput.writeLine("next: cd \(directory) && \(template.buildCommand)")
      try StandardOutput.writeLine("that makes \(template.product); README.md says how to call it")
    }
  }

  private static func complaint(of language: String) -> String {
    if language == "python" {
      return """
        There is no template for Python: tools are functions of shared objects. Languages: \(languages). A service \
        in Python talks to the host as a client
        """
    }
    return "'\(language)' is no language of plugins. Languages: \(languages)"
  }

  private static var languages: String {
    PluginLanguage.allCases.map(\.rawValue).joined(separator: ", ")
  }

  /// The first program that the language needs and the search path lacks.
  private static func missingProgram(of language: PluginLanguage) -> String? {
    language.programs.first { !$0.contains(where: isInstalled) }?.first
  }

  private static func isInstalled(_ program: String) -> Bool {
    guard let path = getenv("PATH") else { return false }
    return String(cString: path).split(separator: ":").contains {
      access("\($0)/\(program)", X_OK) == 0
    }
  }
}
