internal import BridgePlugin

/// Streams values while it works. Every function that waits throws when the call is cancelled, so
/// nothing else is needed to stop.
struct Countdown: Tool {
  let description = """
    Streams the numbers from `from` down to 1, and reports progress. Answers how many it sent. \
    Ends early when the call is cancelled.
    """
  let traits: ToolTraits = .streams
  let from = Parameter<Int>("from", "The first number.", range: 0...1_000_000)
  let interval = Parameter<Int>(
    "interval_ms", "Milliseconds between two numbers.", default: 0, range: 0...60_000)

  func run(_ call: ToolCall) throws -> Int {
    let from = call[from]
    for sent in 0..<from {
      if sent > 0 && call[interval] > 0 { try call.sleep(for: .milliseconds(call[interval])) }
      try call.emit(from - sent)
      try call.progress(Double(sent + 1) / Double(from), "\(from - sent - 1) to go")
    }
    return from
  }
}
