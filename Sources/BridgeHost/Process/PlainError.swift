internal import ArgumentParser

/// A failure that is told in one line.
struct PlainError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Runs something; a failure is one line on standard error and exit code 1.
func failingPlainly<Result>(_ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch {
    StandardError.writeLine("bridge-host: \(error)")
    throw ExitCode(1)
  }
}
