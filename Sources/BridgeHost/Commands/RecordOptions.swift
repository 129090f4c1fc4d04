internal import ArgumentParser
internal import BridgePluginHost
internal import BridgeRecording
internal import Logging

/// What `serve` writes down of calls of tools.
struct RecordOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Directory that calls of tools are recorded in, for `bridge-host replay`.",
      discussion: "Arguments, metadata, all that tools ask the host for, and results.",
      valueName: "dir"))
  var record: FilePath?

  @Option(
    help: ArgumentHelp(
      "The part of all calls that is recorded, from 0 to 1.", valueName: "rate"),
    transform: RecordOptions.rate)
  var recordSample = 1.0

  @Option(
    1_048_576...1_125_899_906_842_624,
    help: "Bytes that a host's record takes; the oldest files go.")
  var recordBytes = 1 << 30

  @Option(
    help: ArgumentHelp(
      "Parameters, variables and metadata whose values are not recorded; may be given several times.",
      discussion: "* stands for any run of characters. Names of secrets are always among them.",
      valueName: "pattern"))
  var recordMask: [String] = []

  private static func rate(_ text: String) throws -> Double {
    guard let rate = Double(text), (0...1).contains(rate) else {
      throw ValidationError("\(text) is not between 0 and 1")
    }
    return rate
  }

  /// The recorder; nil where nothing is recorded.
  func makeRecorder(_ logger: Logger) throws -> CallRecorder? {
    guard let record else { return nil }
    var configuration = CallRecorder.Configuration()
    configuration.rate = recordSample
    configuration.byteLimit = recordBytes
    configuration.masks = recordMask
    return try CallRecorder(record.path, configuration, version: hostVersion, logger: logger)
  }
}
