internal import ArgumentParser

extension ParsableCommand {
  /// Ends the program with what a command threw: a wrong command line in one line that says where to
  /// read more and exit code 64, anything else as ArgumentParser does.
  static func exit(telling error: any Error) -> Never {
    let message = lines(message(for: error)).joined(separator: " ")
    guard exitCode(for: error) == .validationFailure, !message.isEmpty else {
      exit(withError: error)
    }
    // The last line names the help of the command that was meant.
    let hint = lines(fullMessage(for: error)).last { $0.hasPrefix("See '") }
    StandardError.writeLine("bridge-host: \(message). \(hint ?? "")")
    exit(withError: ExitCode.validationFailure)
  }

  private static func lines(_ text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).map { line in
      String(line.drop { $0 == " " })
    }
  }
}
