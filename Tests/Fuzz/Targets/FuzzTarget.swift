#if DEBUG || FUZZ
  internal import BinaryFormatsFuzzing

  /// What inputs are tried on: everything that reads what somebody else wrote.
  ///
  /// Builds for debugging have them, and those with the flag FUZZ: they reach into modules.
  public enum FuzzTarget: String, CaseIterable, Sendable {
    /// A server's connection, from the preface to the end.
    case connection
    /// The prefixes of gRPC's messages, and gzip.
    case messages
    /// Header fields, `-bin` values, percent-encoded texts, timeouts.
    case metadata
    /// Arrays as raw bytes, .npy, Erlang terms and pickles.
    case arrays
    /// JSON as a tree.
    case json
    /// JSON of a variable's value: its type, then the text.
    case values
    /// What comes for a variable in an `Any` and beside it.
    case payloads
    /// Messages that are read by hand, against those that generated code reads.
    case protobuf
    /// What the process of a plugin writes into its channel, as the host takes it.
    case child
    /// What a host writes into that channel, as the process reads it.
    case runner

    /// Tries one input. The process ends when it finds the worst.
    ///
    /// - Throws: What must hold whatever the input is, and does not.
    public func run(_ input: [UInt8]) throws(FuzzFailure) {
      switch self {
      case .connection: try ConnectionTrial().run(input)
      case .messages: try tryMessages(input)
      case .metadata: try tryMetadata(input)
      case .arrays:
        do {
          try ReaderCheck.run(input)
        } catch {
          throw FuzzFailure(error.description)
        }
      case .json: try tryJSON(input)
      case .values: try tryValues(input)
      case .payloads: try tryPayloads(input)
      case .protobuf: try tryProtobuf(input)
      case .child: try ChildTrial().run(input)
      case .runner: try tryHostMessages(input)
      }
    }
  }

  /// Something that must hold, and does not.
  public struct FuzzFailure: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
  }

  func require(
    _ condition: Bool, _ what: @autoclosure () -> String = "wrong", file: StaticString = #fileID,
    line: UInt = #line
  ) throws(FuzzFailure) {
    if !condition { throw FuzzFailure("\(what()), at \(file):\(line)") }
  }

  /// Runs something that must not fail.
  func succeeding<Result>(
    _ body: () throws -> Result, file: StaticString = #fileID, line: UInt = #line
  ) throws(FuzzFailure) -> Result {
    do {
      return try body()
    } catch {
      throw FuzzFailure("\(error), at \(file):\(line)")
    }
  }
#endif
