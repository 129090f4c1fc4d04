import Foundation
import Testing

@Suite struct ToolTests {
  /// Runs `tests/run`, which says what the tools are to do.
  @Test func tools() throws {
    let folder = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let process = Process()
    process.executableURL = folder.appending(path: "tests/run")
    process.arguments = [folder.appending(path: ".build/debug/libMyPlugin.so").path]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}
