internal import BridgePluginHost
internal import BridgeTools

/// Manifests that make functions of a library into tools.
enum ManifestTests {
  static let all: [ValidationTest] = [
    ValidationTest(
      "manifest", level: 1, .load,
      "The manifest can be used: its keys, its types, its library and the functions in it.",
      remedy:
        "docs/plugins.md tells what a manifest may say; `bridge-host manifest from-header` writes a first one.",
      for: .manifests
    ) { run in
      run.note("loading the library")
      do {
        _ = try load(run)
      } catch let error as PluginError {
        if !isSignature(error) { throw error }
      }
    },
    ValidationTest(
      "signatures", level: 2, .load,
      "Its signatures are those that the library's debug information tells.",
      remedy:
        "Write the types as the library's header has them, and install debug symbols to have them checked.",
      needs: ["manifest"], for: .manifests
    ) { run in
      do {
        _ = try load(run)
      } catch let error as PluginError where isSignature(error) {
        return run.fail("\(error)")
      }
      if try !PluginProbe.hasDebugInformation(ofLibraryIn: run.path) {
        run.warn(
          "the library has no debug information: nothing can tell whether the signatures are right")
      }
    },
  ]

  private static func isSignature(_ error: PluginError) -> Bool {
    error.description.hasSuffix("as the library's debug information says")
  }

  /// Loads the library, and binds the functions.
  static func load(_ run: TestRun) throws -> any ToolProvider {
    let host = PluginHost(tools: run.host, isIsolated: true)
    return try host.open(try PluginFiles(copying: run.path), as: run.path, LoadOptions())
  }
}
