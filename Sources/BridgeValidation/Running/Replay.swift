internal import BridgeTools
internal import Glibc
internal import JSON
internal import TrustedFiles

/// What a test is run with again: the test, its seed, and the input with which it has failed.
package struct Replay: Sendable, Equatable {
  /// The name of the test.
  package let test: String
  /// Of the run in which it failed.
  package let seed: UInt64
  /// As the test has kept it.
  package let input: String

  /// What a fault was found with.
  package init(test: String, seed: UInt64, input: String) {
    self.test = test
    self.seed = seed
    self.input = input
  }

  private static let sizeLimit = 16 << 20

  /// Reads a file that was kept.
  ///
  /// - Throws: `ValidationError` where it is none.
  package init(file: String) throws(ValidationError) {
    let number = open(file, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else {
      throw ValidationError("\(file) cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { close(number) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 64 << 10)
    while case let count = read(number, &part, part.count), count > 0 {
      bytes += part[..<count]
      guard bytes.count <= Self.sizeLimit else { throw ValidationError("\(file) is too long") }
    }
    guard let json = try? JSON(parsing: bytes), case .string(let test)? = json["test"],
      case .string(let seedText)? = json["seed"], let seed = UInt64(seedText),
      case .string(let input)? = json["input"]
    else { throw ValidationError("\(file) is no file that `validate` has kept") }
    self.init(test: test, seed: seed, input: input)
  }

  /// What the file holds.
  package var text: String {
    JSON.object([
      .init(key: "test", value: .string(test)), .init(key: "seed", value: .string(String(seed))),
      .init(key: "input", value: .string(input)),
    ]).text + "\n"
  }
}
