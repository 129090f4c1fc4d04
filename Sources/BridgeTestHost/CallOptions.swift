/// How a test calls a tool, and what is to go wrong on the way.
public struct CallOptions: Sendable {
  /// Nanoseconds until the call's deadline, of the test's clock if it has one; nil without a deadline.
  public var deadline: Int64?
  /// Whether chunks are taken; nil takes them if the tool says that it streams.
  public var isStreaming: Bool?
  /// The request's metadata.
  public var metadata: [String: String] = [:]
  /// What goes wrong.
  public var faults: [Fault] = []
  /// Told of each chunk as it is emitted, on the tool's thread.
  public var onChunk: (@Sendable (TestValue) -> Void)?
  /// Told of progress as the tool says it, on the tool's thread.
  public var onProgress: (@Sendable (CallRecord.Progress) -> Void)?
  /// Nanoseconds of the real clock after which the call is given up.
  public var timeout: Int64 = 30_000_000_000

  /// Nothing goes wrong.
  public init() {}

  /// A call with faults.
  public init(deadline: Int64? = nil, faults: [Fault]) {
    self.deadline = deadline
    self.faults = faults
  }
}

/// Something that goes wrong during a call.
public struct Fault: Sendable, Equatable {
  /// What happens.
  public enum Effect: Sendable, Equatable {
    /// The call is cancelled.
    case cancel
    /// The call's deadline passes.
    case deadline
    /// The function answers a status, and does nothing. Functions that end something do not fail.
    case fail(status: Int32, message: String)
  }

  /// When it happens.
  public enum Moment: Sendable, Equatable {
    /// As the tool begins.
    case start
    /// Before the n-th function of the host that the tool calls, from 1.
    case hostCall(Int)
    /// Before the n-th use of a function such as `variables.get`, from 1; 0 stands for every use.
    case use(of: String, Int)
    /// So many nanoseconds of the real clock after the start.
    case after(Int64)
  }

  /// What happens.
  public var effect: Effect
  /// When it happens.
  public var moment: Moment

  /// A fault.
  public init(_ effect: Effect, _ moment: Moment) {
    self.effect = effect
    self.moment = moment
  }

  /// The call is cancelled before the n-th function of the host that the tool calls, from 1.
  public static func cancel(beforeHostCall number: Int) -> Fault {
    Fault(.cancel, .hostCall(number))
  }

  /// The deadline passes before the n-th function of the host that the tool calls, from 1.
  public static func deadline(beforeHostCall number: Int) -> Fault {
    Fault(.deadline, .hostCall(number))
  }

  /// A function fails at its n-th use, from 1; 0 stands for every use.
  public static func fail(
    _ function: String, use number: Int = 1, status: Int32 = 14, message: String = "injected"
  ) -> Fault {
    Fault(.fail(status: status, message: message), .use(of: function, number))
  }

  /// The stream is full at the n-th chunk, from 1.
  public static func full(chunk number: Int) -> Fault {
    Fault(.fail(status: 100, message: "the stream is full"), .use(of: "call.emit", number))
  }
}
