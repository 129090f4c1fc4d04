internal import Glibc
internal import TerminalText

/// The line of a terminal that says how far validation is.
final class ValidationProgress {
  private let count: Int
  private var done = 0
  private var running: [String] = []
  private let isShown = isatty(STDERR_FILENO) != 0

  init(count: Int) { self.count = count }

  func began(_ test: String) {
    running.append(test)
    show()
  }

  func ended(_ test: String) {
    running.removeAll { $0 == test }
    done += 1
    show()
  }

  /// Takes the line away.
  func clear() { write("\r\u{1B}[K") }

  private func show() {
    let names = TerminalText.escaped(running.joined(separator: ", "))
    write("\r\u{1B}[K\(done) of \(count): \(names)".prefix(100))
  }

  private func write(_ text: some StringProtocol) {
    guard isShown else { return }
    _ = writeWhole(Array(text.utf8), to: STDERR_FILENO)
  }
}
